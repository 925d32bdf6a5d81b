# Header, records, replay window, and their text for people.
target_sources(penstock PRIVATE
  frame_text.cpp
  header.cpp
  opener.cpp
  replay_window.cpp
  sealer.cpp)
if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
  target_sources(penstock PRIVATE clock_linux.cpp)
endif()
