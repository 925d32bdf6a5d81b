# penstock_add_tests(TARGET [PREFIX text] [TIMEOUT seconds] [LABELS label...] [ENVIRONMENT name=value] [FILTER gtest-filter]): the
# GoogleTest program TARGET as tests of ctest. More than once for one program with another prefix and environment.
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
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "PREFIX;TIMEOUT;ENVIRONMENT;FILTER" "LABELS")
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  target_link_libraries(${target} PRIVATE penstock_test_support)
  if(arg_LABELS)
    set_target_properties(${target} PROPERTIES LABELS "${arg_LABELS}")
    set(labels LABELS "${arg_LABELS}")
  endif()
  if(arg_ENVIRONMENT)
    set(environment ENVIRONMENT "${arg_ENVIRONMENT}")
  endif()
  if(NOT WIN32)
    gtest_discover_tests(${target} TEST_PREFIX "${arg_PREFIX}" TEST_LIST ${arg_PREFIX}${target}_tests TEST_FILTER "${arg_FILTER}"
      DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT ${arg_TIMEOUT} ${labels} ${environment})
    return()
  endif()
  set(name ${arg_PREFIX}${target})
  if(arg_FILTER)
    set(filter --gtest_filter=${arg_FILTER})
  endif()
  add_test(NAME ${name}
    COMMAND ${target} --gtest_output=xml:${PENSTOCK_TEST_ROOT}${PROJECT_BINARY_DIR}/gtest/${name}.xml ${filter})
  # One after the other the tests of a program may take what each alone may.
  math(EXPR timeout "3 * ${arg_TIMEOUT}")
  set_tests_properties(${name} PROPERTIES TIMEOUT ${timeout} ${labels} ENVIRONMENT "PENSTOCK_WINE_WHOLE=1;${arg_ENVIRONMENT}")
endfunction()
