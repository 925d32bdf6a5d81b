# Policy, audit and the closed table.
add_executable(penstock_policy_test
  policy_attack_test.cpp
  policy_describe_test.cpp
  policy_file_test.cpp
  policy_attack_test_${PENSTOCK_PLATFORM}.cpp
  policy_refusal_${PENSTOCK_PLATFORM}.cpp
  policy_rule_test.cpp
  policy_rule_test_${PENSTOCK_PLATFORM}.cpp
  policy_test.cpp
  policy_token_test.cpp)
target_include_directories(penstock_policy_test PRIVATE ${PROJECT_SOURCE_DIR})
target_link_libraries(penstock_policy_test PRIVATE penstock penstock_options GTest::gtest_main)
penstock_add_tests(penstock_policy_test TIMEOUT 120)

# nlohmann-json is the second opinion on what JSON is; the library itself does without.
add_executable(penstock_audit_test
  audit_file_test.cpp
  audit_file_test_${PENSTOCK_PLATFORM}.cpp
  audit_sink_test.cpp
  audit_test.cpp)
target_include_directories(penstock_audit_test PRIVATE ${PROJECT_SOURCE_DIR})
target_link_libraries(penstock_audit_test PRIVATE penstock penstock_options GTest::gtest_main)
penstock_add_tests(penstock_audit_test TIMEOUT 120)

# penstock_errors_page > docs/ERRORS.md
add_executable(penstock_errors_page errors_page.cpp errors_page_main.cpp)
target_include_directories(penstock_errors_page PRIVATE ${PROJECT_SOURCE_DIR})
target_link_libraries(penstock_errors_page PRIVATE penstock penstock_options)

add_executable(penstock_closed_table_test closed_table_test.cpp errors_page.cpp)
target_include_directories(penstock_closed_table_test PRIVATE ${PROJECT_SOURCE_DIR})
target_compile_definitions(penstock_closed_table_test PRIVATE PENSTOCK_SOURCE_DIR="${PENSTOCK_TEST_ROOT}${PROJECT_SOURCE_DIR}")
target_link_libraries(penstock_closed_table_test PRIVATE penstock penstock_options GTest::gtest_main)
penstock_add_tests(penstock_closed_table_test TIMEOUT 60)
