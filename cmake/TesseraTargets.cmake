# How this project compiles and links: one place for flags, headers and LLVM.

include(CheckLinkerFlag)

find_program(CCACHE ccache)
if(CCACHE)
  # Precompiled headers are hashed by their content, not by their time stamp.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
    CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
    ${CCACHE})
endif()

# What the shared library exports is marked in the headers that are installed;
# everything else, LLVM included, is its own business.
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)

option(TESSERA_SANITIZE "Build with AddressSanitizer and UBSan." OFF)

# Flags every target shares. The distribution's LLVM has no RTTI and no
# exceptions, so neither has anything that includes its headers.
add_library(tessera_flags INTERFACE)
target_include_directories(tessera_flags INTERFACE
  "${PROJECT_SOURCE_DIR}" "${PROJECT_BINARY_DIR}")
target_include_directories(tessera_flags SYSTEM INTERFACE
  ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS})
# TableGen reads the directory property rather than a target.
include_directories("${PROJECT_SOURCE_DIR}")
include_directories(SYSTEM ${MLIR_INCLUDE_DIRS})
target_compile_options(tessera_flags INTERFACE
  -Wall -Wextra -Wno-unused-parameter -fno-rtti -ffunction-sections -fdata-sections)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(tessera_flags INTERFACE -fpch-preprocess)
endif()
# Assertions guard our own invariants; they stay on in release builds.
foreach(config RELEASE RELWITHDEBINFO MINSIZEREL)
  string(REPLACE "-DNDEBUG" "" CMAKE_CXX_FLAGS_${config} "${CMAKE_CXX_FLAGS_${config}}")
endforeach()
string(REPLACE "-O3" "-O2" CMAKE_CXX_FLAGS_RELEASE "${CMAKE_CXX_FLAGS_RELEASE}")
if(TESSERA_SANITIZE)
  target_compile_options(tessera_flags INTERFACE
    -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  target_link_options(tessera_flags INTERFACE -fsanitize=address,undefined)
endif()
check_linker_flag(CXX -fuse-ld=lld TESSERA_HAS_LLD)
if(TESSERA_HAS_LLD)
  target_link_options(tessera_flags INTERFACE -fuse-ld=lld)
endif()
target_link_options(tessera_flags INTERFACE -Wl,--gc-sections)

# tessera_library(NAME sources... [LINK libs...] [PCH owner|header] [EXCEPTIONS])
# One static library per top-level folder. PCH names a header to precompile, or
# another library whose precompiled header to share.
function(tessera_library name)
  cmake_parse_arguments(ARG "" "PCH;REUSE_PCH" "LINK;DEPENDS" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PUBLIC tessera_flags ${ARG_LINK})
  target_compile_options(${name} PRIVATE -fno-exceptions)
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
  if(ARG_PCH)
    target_precompile_headers(${name} PRIVATE ${ARG_PCH})
  elseif(ARG_REUSE_PCH)
    target_precompile_headers(${name} REUSE_FROM ${ARG_REUSE_PCH})
  endif()
endfunction()

# tessera_executable(NAME sources... LINK libs...)
function(tessera_executable name)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE ${ARG_LINK})
  set_target_properties(${name} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
  if(CMAKE_BUILD_TYPE STREQUAL "Release")
    target_link_options(${name} PRIVATE -Wl,-s)
  endif()
endfunction()
