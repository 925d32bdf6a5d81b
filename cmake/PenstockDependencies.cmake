# Everything comes from Debian 12's own packages (scripts/packages lists them); for Windows, scripts/windows-libraries builds
# libsodium and GoogleTest from their sources and puts the header-only ones beside them.
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(SODIUM REQUIRED IMPORTED_TARGET libsodium>=1.0.18)
if(WIN32)
  # The headers alone: the packages' own descriptions of them speak of Linux libraries.
  foreach(name CLI11::CLI11 nlohmann_json::nlohmann_json)
    add_library(${name} INTERFACE IMPORTED)
  endforeach()
  # Built static: without this its headers ask for a DLL's entry points.
  target_compile_definitions(PkgConfig::SODIUM INTERFACE SODIUM_STATIC)
else()
  pkg_check_modules(TOMLPLUSPLUS REQUIRED IMPORTED_TARGET tomlplusplus)
endif()
# fmt 9 is compiled once, in crypto/fmt.cpp, into a namespace of its own; another version is used as the header it comes as.
find_path(PENSTOCK_FMT_HEADERS fmt/format-inl.h REQUIRED DOC "fmt (Debian: libfmt-dev)")
mark_as_advanced(PENSTOCK_FMT_HEADERS)
add_library(penstock_fmt INTERFACE)
target_include_directories(penstock_fmt SYSTEM INTERFACE ${PENSTOCK_FMT_HEADERS})
file(STRINGS ${PENSTOCK_FMT_HEADERS}/fmt/core.h fmt_version REGEX "#define FMT_VERSION 9[0-9][0-9][0-9][0-9]$")
if(fmt_version)
  set(PENSTOCK_FMT_SOURCE fmt.cpp)
  target_compile_definitions(penstock_fmt INTERFACE
    "FMT_BEGIN_NAMESPACE=namespace fmt { inline namespace penstock {" "FMT_END_NAMESPACE=} }")
else()
  set(PENSTOCK_FMT_SOURCE "")
  target_compile_definitions(penstock_fmt INTERFACE FMT_HEADER_ONLY=1)
endif()
if(PENSTOCK_TESTS)
  find_package(GTest REQUIRED)
  # The system's own Python first: that is where Debian's python3-yaml and python3-jsonschema are.
  find_program(PENSTOCK_PYTHON python3 PATHS /usr/bin NO_DEFAULT_PATH)
  find_program(PENSTOCK_PYTHON python3 REQUIRED)
endif()
