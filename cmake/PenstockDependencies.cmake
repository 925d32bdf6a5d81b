# Everything comes from Debian 12's own packages (scripts/packages lists them).
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(fmt REQUIRED)
pkg_check_modules(SODIUM REQUIRED IMPORTED_TARGET libsodium>=1.0.18)
pkg_check_modules(TOMLPLUSPLUS REQUIRED IMPORTED_TARGET tomlplusplus)
if(PENSTOCK_TESTS)
  find_package(GTest REQUIRED)
  # The system's own Python first: that is where Debian's python3-yaml and python3-jsonschema are.
  find_program(PENSTOCK_PYTHON python3 PATHS /usr/bin NO_DEFAULT_PATH)
  find_program(PENSTOCK_PYTHON python3 REQUIRED)
endif()
