# `cmake --install`: library, public headers, command, documents, and what find_package and pkg-config read.
# tests/install installs into a scratch prefix and builds programs against it both ways.
include(CMakePackageConfigHelpers)
include(PenstockExecutables)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/Penstock)
set(documents_dir ${CMAKE_INSTALL_DATAROOTDIR}/doc/penstock)

install(TARGETS penstock EXPORT PenstockTargets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY include/penstock include/platform/${PENSTOCK_PLATFORM}/penstock
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.hpp")
install(EXPORT PenstockTargets NAMESPACE Penstock:: DESTINATION ${package_dir})

configure_package_config_file(cmake/PenstockConfig.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/PenstockConfig.cmake
  INSTALL_DESTINATION ${package_dir} NO_SET_AND_CHECK_MACRO)
# Before 1.0 a minor version may change the interface.
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/PenstockConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/PenstockConfig.cmake
  ${CMAKE_CURRENT_BINARY_DIR}/PenstockConfigVersion.cmake DESTINATION ${package_dir})

# The .pc file finds its prefix from where it lies, so `cmake --install --prefix` and a moved tree both work.
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}" OR IS_ABSOLUTE "${CMAKE_INSTALL_INCLUDEDIR}")
  message(FATAL_ERROR "CMAKE_INSTALL_LIBDIR and CMAKE_INSTALL_INCLUDEDIR must be relative to the prefix.")
endif()
file(RELATIVE_PATH PENSTOCK_PC_PREFIX "/prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/prefix")
# A static library's users link libsodium, and libcrypto where it was built with it, themselves, whether or not they think of `pkg-config --static`.
set(PENSTOCK_PC_REQUIRES "libsodium >= 1.0.18")
if(PENSTOCK_OPENSSL_FOUND)
  string(APPEND PENSTOCK_PC_REQUIRES ", libcrypto >= 3.0")
endif()
if(BUILD_SHARED_LIBS)
  string(PREPEND PENSTOCK_PC_REQUIRES "Requires.private: ")
else()
  string(PREPEND PENSTOCK_PC_REQUIRES "Requires: ")
endif()
# What users of the headers must define is said once, at the target.
get_target_property(PENSTOCK_PC_DEFINITIONS penstock INTERFACE_COMPILE_DEFINITIONS)
list(TRANSFORM PENSTOCK_PC_DEFINITIONS PREPEND "-D")
list(JOIN PENSTOCK_PC_DEFINITIONS " " PENSTOCK_PC_DEFINITIONS)
configure_file(cmake/penstock.pc.in ${CMAKE_CURRENT_BINARY_DIR}/penstock.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/penstock.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# The library's target already has the name `penstock`, so the command is known by the name of its file.
if(PENSTOCK_TOOL)
  penstock_executables(tools ${CMAKE_CURRENT_SOURCE_DIR}/tool)
  foreach(tool IN LISTS tools)
    get_target_property(output ${tool} OUTPUT_NAME)
    if(output STREQUAL "penstock")
      install(TARGETS ${tool} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
    endif()
  endforeach()
endif()

install(FILES LICENSE NOTICE SECURITY.md CHANGELOG.md DESTINATION ${documents_dir})
file(GLOB documents CONFIGURE_DEPENDS README.md docs/*.md docs/*.svg)
install(FILES ${documents} DESTINATION ${documents_dir})
file(GLOB manual CONFIGURE_DEPENDS docs/*.1)
install(FILES ${manual} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
