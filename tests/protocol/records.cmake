# Header, records, replay window, and their text for people.
set(platform_tests "")
if(NOT WIN32)
  list(APPEND platform_tests record_fork_test_linux.cpp)
endif()
add_executable(penstock_record_test
  ${platform_tests}
  clock_test.cpp
  frame_text_test.cpp
  header_test.cpp
  record_attack_test.cpp
  record_rekey_test.cpp
  record_reordered_test.cpp
  record_test.cpp
  replay_window_test.cpp)
target_include_directories(penstock_record_test PRIVATE ${PROJECT_SOURCE_DIR})
target_link_libraries(penstock_record_test PRIVATE penstock penstock_options GTest::gtest_main)
penstock_add_tests(penstock_record_test TIMEOUT 120)

# Alone, because it replaces operator new, which a sanitizer's own replacement does not allow.
if(NOT PENSTOCK_SANITIZE)
  add_executable(penstock_record_allocation_test record_allocation_test.cpp)
  target_include_directories(penstock_record_allocation_test PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(penstock_record_allocation_test PRIVATE penstock penstock_options GTest::gtest_main)
  penstock_add_tests(penstock_record_allocation_test TIMEOUT 60)
endif()
