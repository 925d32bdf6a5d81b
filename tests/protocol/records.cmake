# Header, records, replay window, and their text for people.
add_executable(penstock_record_test
  frame_text_test.cpp
  header_test.cpp
  record_attack_test.cpp
  record_fork_test.cpp
  record_rekey_test.cpp
  record_reordered_test.cpp
  record_test.cpp
  replay_window_test.cpp)
target_include_directories(penstock_record_test PRIVATE ${PROJECT_SOURCE_DIR})
target_link_libraries(penstock_record_test PRIVATE penstock penstock_options GTest::gtest_main)
gtest_discover_tests(penstock_record_test DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT 120)

# Alone, because it replaces operator new, which a sanitizer's own replacement does not allow.
if(NOT PENSTOCK_SANITIZE)
  add_executable(penstock_record_allocation_test record_allocation_test.cpp)
  target_include_directories(penstock_record_allocation_test PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(penstock_record_allocation_test PRIVATE penstock penstock_options GTest::gtest_main)
  gtest_discover_tests(penstock_record_allocation_test DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT 60)
endif()
