# Windows from Debian: mingw-w64 with POSIX threads. `cmake --preset windows` uses it; scripts/windows-libraries builds what it
# links. Run what it builds with wine.
set(CMAKE_SYSTEM_NAME Windows)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(CMAKE_C_COMPILER x86_64-w64-mingw32-gcc-posix)
set(CMAKE_CXX_COMPILER x86_64-w64-mingw32-g++-posix)
set(CMAKE_RC_COMPILER x86_64-w64-mingw32-windres)

set(penstock_windows_prefix ${CMAKE_CURRENT_LIST_DIR}/../../build/windows-libraries/prefix)
set(CMAKE_FIND_ROOT_PATH /usr/x86_64-w64-mingw32 ${penstock_windows_prefix})
list(APPEND CMAKE_PREFIX_PATH ${penstock_windows_prefix})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(ENV{PKG_CONFIG_LIBDIR} ${penstock_windows_prefix}/lib/pkgconfig)

# ctest starts each test program through it.
set(CMAKE_CROSSCOMPILING_EMULATOR ${CMAKE_CURRENT_LIST_DIR}/../../scripts/wine)
