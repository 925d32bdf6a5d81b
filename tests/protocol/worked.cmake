# docs/PROTOCOL.md against the library: the worked example's bytes, and a second implementation written from the page alone.
add_executable(penstock_worked_example worked_example.cpp)
target_include_directories(penstock_worked_example PRIVATE ${PROJECT_SOURCE_DIR})
target_compile_definitions(penstock_worked_example PRIVATE
  PENSTOCK_PROTOCOL_PAGE="${PENSTOCK_TEST_ROOT}${PROJECT_SOURCE_DIR}/docs/PROTOCOL.md")
target_link_libraries(penstock_worked_example PRIVATE penstock penstock_options penstock_fmt GTest::gtest_main)
penstock_add_tests(penstock_worked_example TIMEOUT 60)

# The second implementation is a program of this machine.
if(WIN32)
  return()
endif()
add_executable(penstock_python_peer python_peer_main.cpp)
target_link_libraries(penstock_python_peer PRIVATE penstock penstock_options)
add_test(NAME second_implementation
  COMMAND ${PENSTOCK_PYTHON} ${CMAKE_CURRENT_SOURCE_DIR}/second_implementation_check.py
    --page ${PROJECT_SOURCE_DIR}/docs/PROTOCOL.md --peer $<TARGET_FILE:penstock_python_peer>)
set_tests_properties(second_implementation PROPERTIES TIMEOUT 120 SKIP_RETURN_CODE 77 ENVIRONMENT "PYTHONDONTWRITEBYTECODE=1")
