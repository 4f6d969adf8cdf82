# LLVM and MLIR 22, linked statically into everything that is shipped.
#
# The distribution's MLIR targets name the LLVM shared library in their link
# interface. Linked beside the static components, LLVM would be in the process
# twice and abort on the first duplicated command-line option; so the name is
# replaced by the component libraries it stands for.

list(APPEND CMAKE_PREFIX_PATH /usr/lib/llvm-22) # where Debian keeps it
find_package(MLIR REQUIRED CONFIG) # `MLIR 22` is refused: the package asks for 22.1
if(NOT LLVM_VERSION_MAJOR EQUAL 22)
  message(FATAL_ERROR "LLVM 22 is required, found ${LLVM_PACKAGE_VERSION}")
endif()
message(STATUS "MLIR ${LLVM_PACKAGE_VERSION} in ${MLIR_DIR}")

list(APPEND CMAKE_MODULE_PATH "${MLIR_CMAKE_DIR}" "${LLVM_CMAKE_DIR}")
include(TableGen)
include(AddLLVM)
include(AddMLIR)

llvm_map_components_to_libnames(TESSERA_LLVM_LIBS
  core support native NVPTXCodeGen NVPTXDesc NVPTXInfo orcjit passes)

foreach(target IN LISTS MLIR_EXPORTED_TARGETS)
  if(NOT TARGET ${target})
    continue()
  endif()
  get_target_property(interface ${target} INTERFACE_LINK_LIBRARIES)
  if(interface)
    list(TRANSFORM interface REPLACE "^LLVM$" "${TESSERA_LLVM_LIBS}")
    set_target_properties(${target} PROPERTIES
      INTERFACE_LINK_LIBRARIES "${interface}")
  endif()
endforeach()
