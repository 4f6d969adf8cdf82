//===- Driver.h - the CUDA driver, loaded at run time ---------------------===//

#ifndef TESSERA_RUNTIME_CUDA_DRIVER_H
#define TESSERA_RUNTIME_CUDA_DRIVER_H

#include "runtime/cuda/DriverTypes.h"

#include "llvm/ADT/Twine.h"
#include "llvm/Support/Error.h"

#include <string>

namespace tessera::cuda {

/// Functions of libcuda.so.1. One build serves machines with and without it.
struct Driver {
#define TESSERA_CUDA(member, symbol, ...) CUresult (*member)(__VA_ARGS__) = nullptr;
#include "runtime/cuda/Driver.def"

  /// The driver, loaded and initialised. Without one, or without a GPU, a
  /// refusal (ErrorCode::unsupportedTarget) that says why.
  static llvm::Expected<const Driver &> get();

  /// The driver if somebody else has loaded it into this process, else null.
  /// Does not initialise it: a process that stays off the GPU pays nothing.
  static const Driver *ifPresent();

  /// Success, or an error: `<doing> failed: CUDA_ERROR_...: <description>`.
  llvm::Error check(CUresult result, const llvm::Twine &doing) const;

  /// `CUDA_ERROR_INVALID_VALUE: invalid argument`.
  std::string describe(CUresult result) const;
};

} // namespace tessera::cuda

#endif // TESSERA_RUNTIME_CUDA_DRIVER_H
