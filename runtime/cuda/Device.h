//===- Device.h - where on a GPU a call runs ------------------------------===//

#ifndef TESSERA_RUNTIME_CUDA_DEVICE_H
#define TESSERA_RUNTIME_CUDA_DEVICE_H

#include "dsl/Key.h"
#include "runtime/cuda/Driver.h"

#include <optional>

namespace tessera::cuda {

/// What CUDA knows of an address.
struct Memory {
  CUdevice device; ///< that holds it; of host memory: that it was registered with
  bool onDevice;   ///< memory of the device, or managed, rather than of the host
  bool onHost;     ///< the host may read it too
};

/// Nothing for memory that no GPU can reach, and before the driver is
/// initialised.
std::optional<Memory> memoryAt(const Driver &driver, const void *address);

/// The same of a tensor by its name; refuses memory of the host.
llvm::Expected<Memory> memoryOfGpu(const Driver &driver, const void *address,
                                   const std::string &name);

/// Refuses a tensor that a kernel on `device` cannot use.
llvm::Error checkMemory(const Driver &driver, CUdevice device, const void *address,
                        const std::string &name);

/// The target whose kernels a device runs; refuses a device without any.
llvm::Expected<Target> targetOf(const Driver &driver, CUdevice device);

/// A device, and a context of it.
struct Site {
  const Driver *driver = nullptr;
  CUdevice device = 0;
  CUcontext context = nullptr;

  /// Where a call runs whose first tensor lies at `memory`: on the device that
  /// holds it, in the current context if that is one of this device, else in
  /// the primary one. Refuses memory of the host, and a device that `target`
  /// is not for. `name`: of the tensor.
  static llvm::Expected<Site> of(Target target, const void *memory, const std::string &name);

  /// The same for a caller who knows the device.
  static llvm::Expected<Site> on(Target target, CUdevice device);

  /// The same for a caller without memory of a GPU: on the device of this
  /// thread's context, or the first one.
  static llvm::Expected<Site> current(Target target);

  llvm::Expected<int> attribute(int which) const;
  /// "NVIDIA H100 80GB HBM3".
  llvm::Expected<std::string> deviceName() const;
};

/// The target of the device of this thread's context, or of the first one. Refuses where there is
/// no driver, or no GPU.
llvm::Expected<Target> currentTarget();

/// Makes a context current in this thread, and the one before afterwards.
class ContextScope {
public:
  explicit ContextScope(const Site &site);
  ~ContextScope();
  ContextScope(const ContextScope &) = delete;
  ContextScope &operator=(const ContextScope &) = delete;

  /// Not CUDA_SUCCESS: the context is not current, it may be gone.
  CUresult result() const { return entered; }

private:
  const Driver &driver;
  CUresult entered;
  bool pushed = false;
};

} // namespace tessera::cuda

#endif // TESSERA_RUNTIME_CUDA_DEVICE_H
