//===- Defaults.cpp - the functions that a pretended driver lacks ---------===//
//
// Every function that the runtime looks up. Those that Driver.cpp does not
// define fail.
//
//===----------------------------------------------------------------------===//

#include "runtime/cuda/DriverTypes.h"

using namespace tessera::cuda;

#define TESSERA_CUDA(member, symbol, ...)                                                          \
  extern "C" __attribute__((weak)) CUresult symbol(__VA_ARGS__) { return CUDA_ERROR_INVALID_VALUE; }
#include "runtime/cuda/Driver.def"
