# What `cmake --install` puts where. A consumer needs nothing of LLVM.

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

install(TARGETS tessera-shared EXPORT TesseraTargets
  LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
  INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(TARGETS tessera RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
# The headers as written, and those of the language as rewritten by the build.
install(DIRECTORY "${PROJECT_SOURCE_DIR}/runtime/include/" "${PROJECT_BINARY_DIR}/include/"
  DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")

set(package "${CMAKE_INSTALL_LIBDIR}/cmake/Tessera")
install(EXPORT TesseraTargets NAMESPACE Tessera:: DESTINATION "${package}")
configure_package_config_file(
  "${PROJECT_SOURCE_DIR}/cmake/TesseraConfig.cmake.in"
  "${PROJECT_BINARY_DIR}/package/TesseraConfig.cmake"
  INSTALL_DESTINATION "${package}")
write_basic_package_version_file(
  "${PROJECT_BINARY_DIR}/package/TesseraConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES
  "${PROJECT_BINARY_DIR}/package/TesseraConfig.cmake"
  "${PROJECT_BINARY_DIR}/package/TesseraConfigVersion.cmake"
  DESTINATION "${package}")
