# Header, records, replay window, and their text for people.
target_sources(penstock PRIVATE
  frame_text.cpp
  header.cpp
  opener.cpp
  replay_window.cpp
  sealer.cpp)
target_sources(penstock PRIVATE clock_${PENSTOCK_PLATFORM}.cpp)
