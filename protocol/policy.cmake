# Policy, audit and the closed table.
target_sources(penstock PRIVATE
  audit_json.cpp
  audit_sink.cpp
  closed_table.cpp
  json_text.cpp
  nearest.cpp
  policy.cpp
  policy_describe.cpp
  policy_file.cpp
  rule_check.cpp
  rule_match.cpp
  toml_text.cpp
  toml_tree.cpp)
# toml++ as headers, in toml_tree.cpp alone: the distribution's compiled one is built with exceptions.
target_include_directories(penstock PRIVATE ${TOMLPLUSPLUS_INCLUDE_DIRS})
target_sources(penstock PRIVATE
  audit_file_${PENSTOCK_PLATFORM}.cpp
  policy_program_${PENSTOCK_PLATFORM}.cpp
  policy_users_${PENSTOCK_PLATFORM}.cpp)

# toml++ marks functions noexcept that may find a broken promise: there the process ends rather than guess. GCC warns of that.
set_source_files_properties(toml_tree.cpp TARGET_DIRECTORY penstock
  PROPERTIES COMPILE_OPTIONS $<$<CXX_COMPILER_ID:GNU>:-Wno-terminate>)
