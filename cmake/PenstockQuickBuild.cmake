# What keeps the builds of scripts/test short. None of it touches how the library is compiled in a build that ships.
# Called last, when every target is known.
#
# PENSTOCK_TEST_FLAGS   for tests, and in builds that do not ship (instrumented, or with PENSTOCK_UNITY) for the command and the examples
#                       too: they are compiled once and run for seconds, so that optimising them costs more than it gives
# PENSTOCK_PCH          precompiled headers, for clang. Such a build does not see that a file forgot an include: the builds with
#                       g++ have none, so that they do
# PENSTOCK_UNITY        tests are compiled four files at a time, for headers cost more than they do; likewise blind to a forgotten
#                       include, and to a name that is used in two files
# penstock_threads      target: the tests that carry the label `threads`, all that ThreadSanitizer is asked about
# penstock_fuzz         target: the fuzz targets
include(PenstockExecutables)
set(PENSTOCK_TEST_FLAGS "" CACHE STRING "Compiler flags of the tests alone, as -O1")
option(PENSTOCK_PCH "Precompiled headers (needs clang)" OFF)
option(PENSTOCK_UNITY "Compile tests several files at a time" OFF)

# Without <filesystem>: it brings std::quoted, and a call of our own quoted() would find that one.
set(pch_library <fmt/format.h> <boost/asio/any_io_executor.hpp> <algorithm> <array> <charconv> <chrono> <functional> <memory>
  <optional> <span> <string> <string_view> <system_error> <vector>)
set(pch_tool ${pch_library} <CLI/CLI.hpp> <nlohmann/json.hpp>)
set(pch_tests <gtest/gtest.h> <boost/asio/co_spawn.hpp> <boost/asio/detached.hpp> <boost/asio/io_context.hpp>
  <boost/asio/steady_timer.hpp> <boost/asio/use_awaitable.hpp> <algorithm> <array> <filesystem> <fstream> <functional> <map>
  <memory> <optional> <set> <sstream> <string> <thread> <vector>)

set(tests "")
if(PENSTOCK_TESTS)
  penstock_executables(tests ${PROJECT_SOURCE_DIR}/tests)
endif()
set(programs "")
if(PENSTOCK_TOOL)
  penstock_executables(programs ${PROJECT_SOURCE_DIR}/tool ${PROJECT_SOURCE_DIR}/examples)
endif()

separate_arguments(test_flags NATIVE_COMMAND "${PENSTOCK_TEST_FLAGS}")
if(test_flags)
  set(quick ${tests})
  if(PENSTOCK_SANITIZE OR PENSTOCK_COVERAGE OR PENSTOCK_UNITY)
    list(APPEND quick ${programs})
  endif()
  foreach(target IN LISTS quick)
    target_compile_options(${target} PRIVATE ${test_flags})
  endforeach()
endif()

if(PENSTOCK_UNITY AND tests)
  set_target_properties(${tests} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 4)
endif()

if(PENSTOCK_PCH)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "PENSTOCK_PCH is for clang: g++ gains next to nothing by it.")
  endif()
  # ccache knows a precompiled header by its bytes, so that no time stands in it. scripts/test sets CCACHE_SLOPPINESS, without
  # which ccache lets such files pass uncached.
  set(no_timestamp "SHELL:-Xclang -fno-pch-timestamp")
  target_compile_options(penstock PRIVATE ${no_timestamp})
  target_precompile_headers(penstock PRIVATE ${pch_library})
  if(TARGET penstock_tool)
    target_compile_options(penstock_tool PRIVATE ${no_timestamp})
    target_precompile_headers(penstock_tool PRIVATE ${pch_tool})
  endif()
  if(tests)
    # One for all tests, made for a program that does nothing.
    file(GENERATE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/test_headers.cpp CONTENT "int main() {}\n")
    add_executable(penstock_test_headers ${CMAKE_CURRENT_BINARY_DIR}/test_headers.cpp)
    target_include_directories(penstock_test_headers PRIVATE ${PROJECT_SOURCE_DIR})
    target_link_libraries(penstock_test_headers PRIVATE penstock penstock_options GTest::gtest)
    target_compile_options(penstock_test_headers PRIVATE ${test_flags} ${no_timestamp})
    target_precompile_headers(penstock_test_headers PRIVATE ${pch_tests})
    foreach(target IN LISTS tests)
      target_compile_options(${target} PRIVATE ${no_timestamp})
      target_precompile_headers(${target} REUSE_FROM penstock_test_headers)
    endforeach()
  endif()
endif()

set(threads "")
foreach(target IN LISTS tests)
  get_target_property(labels ${target} LABELS)
  if("threads" IN_LIST labels)
    list(APPEND threads ${target})
  endif()
endforeach()
add_custom_target(penstock_threads DEPENDS ${threads})
if(PENSTOCK_FUZZ)
  # The library alone reports its branches to libFuzzer, so that one build serves the tests under the sanitizers and the fuzzers.
  target_compile_options(penstock PRIVATE -fsanitize=fuzzer-no-link)
  penstock_executables(fuzzers ${PROJECT_SOURCE_DIR}/fuzz)
  add_custom_target(penstock_fuzz DEPENDS ${fuzzers})
endif()
