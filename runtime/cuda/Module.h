//===- Module.h - an image loaded into a context --------------------------===//

#ifndef TESSERA_RUNTIME_CUDA_MODULE_H
#define TESSERA_RUNTIME_CUDA_MODULE_H

#include "runtime/cuda/Device.h"

#include <utility>

namespace tessera::cuda {

/// Owns a loaded image. Unloads it from its context unless that is gone.
class Module {
public:
  /// Loads a cubin, or compiles PTX that ends in a NUL. `name`: for errors.
  static llvm::Expected<Module> load(const Site &site, const std::string &image,
                                     const std::string &name);

  Module(Module &&other) noexcept
      : site(other.site), handle(std::exchange(other.handle, nullptr)) {}
  Module &operator=(Module &&) = delete;
  ~Module();

  llvm::Expected<CUfunction> function(const std::string &name) const;
  /// The address of a variable.
  llvm::Expected<CUdeviceptr> global(const std::string &name) const;

private:
  Module(const Site &site, CUmodule handle) : site(site), handle(handle) {}

  Site site;
  CUmodule handle;
};

} // namespace tessera::cuda

#endif // TESSERA_RUNTIME_CUDA_MODULE_H
