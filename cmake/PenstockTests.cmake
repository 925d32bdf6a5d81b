# penstock_add_tests(TARGET [PREFIX text] [TIMEOUT seconds] [LABELS label...]): the GoogleTest program TARGET as tests of ctest.
#
# On Linux each test is one of ctest's. On Windows the whole program is: starting it costs much more there, under Wine most of
# all. What it ran stands in gtest/TARGET.xml of the build directory, for scripts/test to count.
include(GoogleTest)

# What stands before an absolute path of the building machine, for a test that reads it: Wine shows its root as drive Z.
set(PENSTOCK_TEST_ROOT "")
if(WIN32 AND CMAKE_HOST_UNIX)
  set(PENSTOCK_TEST_ROOT "Z:")
endif()

function(penstock_add_tests target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "PREFIX;TIMEOUT" "LABELS")
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  target_link_libraries(${target} PRIVATE penstock_test_support)
  if(arg_LABELS)
    set_target_properties(${target} PROPERTIES LABELS "${arg_LABELS}")
    set(labels LABELS "${arg_LABELS}")
  endif()
  if(NOT WIN32)
    gtest_discover_tests(${target} TEST_PREFIX "${arg_PREFIX}" DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT ${arg_TIMEOUT} ${labels})
    return()
  endif()
  add_test(NAME ${target} COMMAND ${target} --gtest_output=xml:${PENSTOCK_TEST_ROOT}${PROJECT_BINARY_DIR}/gtest/${target}.xml)
  # One after the other the tests of a program may take what each alone may.
  math(EXPR timeout "3 * ${arg_TIMEOUT}")
  set_tests_properties(${target} PROPERTIES TIMEOUT ${timeout} ${labels})
endfunction()
