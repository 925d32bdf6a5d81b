# Warnings and hardening of everything that Penstock builds itself. tests/hardening reads the built binaries back,
# so a flag that is lost here, or that a compiler quietly ignores, turns a test red.
#
# penstock_options is linked by the library and by each of our executables; it is never exported to users.
include(CheckPIESupported)

option(PENSTOCK_WERROR "Treat warnings as errors" ON)
option(PENSTOCK_LTO "Link-time optimisation" OFF)
set(PENSTOCK_SANITIZE "" CACHE STRING "Sanitizers, as -fsanitize= takes them; empty for none")
option(PENSTOCK_COVERAGE "Instrument for source-based coverage (needs clang)" OFF)

if(NOT CMAKE_CXX_COMPILER_ID MATCHES "^(GNU|Clang)$")
  message(FATAL_ERROR "Penstock is built by g++ (12 or later) or clang++ (16 or later), not by ${CMAKE_CXX_COMPILER_ID}: "
                      "its hardening flags are checked for these two. Set CMAKE_CXX_COMPILER.")
endif()

add_library(penstock_options INTERFACE)

# --- warnings ---------------------------------------------------------------------------------------------------
target_compile_options(penstock_options INTERFACE
  $<$<BOOL:${PENSTOCK_WERROR}>:-Werror>
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast -Wnon-virtual-dtor
  -Woverloaded-virtual -Wcast-align -Wcast-qual -Wformat=2 -Wundef -Wvla -Wimplicit-fallthrough
  $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wduplicated-cond -Wduplicated-branches -Wlogical-op -Wtrampolines>
  # GCC 12 reports false null dereferences inside inlined library code; clang does not.
  $<$<COMPILE_LANG_AND_ID:CXX,Clang>:-Wnull-dereference -Wextra-semi>)

# --- code generation --------------------------------------------------------------------------------------------
target_compile_options(penstock_options INTERFACE -fstack-protector-strong)
if(NOT WIN32)  # there the compiler probes each page of the stack anyway
  target_compile_options(penstock_options INTERFACE -fstack-clash-protection)
endif()
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|amd64|AMD64|i[3-6]86)$")
  # Of Intel's two halves Windows takes the shadow stack, by a linker flag that mingw-w64 does not have; its own indirect call
  # check (CFG) is not in GCC (docs/WINDOWS.md).
  if(NOT WIN32)
    target_compile_options(penstock_options INTERFACE -fcf-protection=full)
  endif()
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
  target_compile_options(penstock_options INTERFACE -mbranch-protection=standard)
endif()
target_compile_definitions(penstock_options INTERFACE _GLIBCXX_ASSERTIONS)

if(NOT WIN32)
  set(CMAKE_POSITION_INDEPENDENT_CODE ON)
  check_pie_supported(LANGUAGES CXX C)
endif()

# --- linking ----------------------------------------------------------------------------------------------------
# separate-code keeps headers and constants out of the executable pages; as-needed loads nothing that is not called.
if(WIN32)
  # Address space randomised with 64 bits, no data executed, and the compiler's runtime within: no DLL is looked for beside
  # the program.
  target_link_options(penstock_options INTERFACE
    LINKER:--dynamicbase LINKER:--nxcompat LINKER:--high-entropy-va -static)
else()
  target_link_options(penstock_options INTERFACE
    LINKER:-z,relro LINKER:-z,now LINKER:-z,noexecstack LINKER:-z,separate-code LINKER:--as-needed)
endif()

if(PENSTOCK_LTO)
  include(CheckIPOSupported)
  check_ipo_supported(LANGUAGES CXX)
  set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ON)
endif()

# --- instrumented builds ----------------------------------------------------------------------------------------
if(PENSTOCK_SANITIZE)
  target_compile_options(penstock_options INTERFACE
    -fsanitize=${PENSTOCK_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(penstock_options INTERFACE -fsanitize=${PENSTOCK_SANITIZE})
else()
  # FORTIFY needs optimisation, and its checked calls would bypass a sanitizer's interceptors. The two last flags
  # keep a check that undefined behaviour would let the optimiser drop; UBSan must see that behaviour instead.
  target_compile_options(penstock_options INTERFACE
    $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE> $<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=3>
    -fno-delete-null-pointer-checks -fno-strict-overflow)
endif()
if(PENSTOCK_COVERAGE)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "PENSTOCK_COVERAGE needs clang: use `cmake --preset asan-ubsan`.")
  endif()
  target_compile_options(penstock_options INTERFACE -fprofile-instr-generate -fcoverage-mapping)
  target_link_options(penstock_options INTERFACE -fprofile-instr-generate)
endif()
if(PENSTOCK_FUZZ AND NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  message(FATAL_ERROR "PENSTOCK_FUZZ needs clang's libFuzzer: use `cmake --preset asan-ubsan`.")
endif()
