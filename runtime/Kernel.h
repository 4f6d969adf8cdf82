//===- Kernel.h - a kernel of any target, and a call of it ----------------===//

#ifndef TESSERA_RUNTIME_KERNEL_H
#define TESSERA_RUNTIME_KERNEL_H

#include "passes/ArgumentBlock.h"
#include "runtime/cuda/Device.h"

#include "llvm/ADT/SmallVector.h"

#include <string>
#include <vector>

namespace tessera {

namespace cuda {
class Tickets;
} // namespace cuda

class HostThreads;
class Kernel;

/// What a launch on a GPU needs besides the arguments.
struct CudaLaunch {
  cuda::Site site;
  bool isTold = false; ///< the caller said where all memory lies
  cuda::CUfunction function = nullptr;
  unsigned blocks = 0;
  const cuda::Tickets *tickets = nullptr; ///< null: the program takes none
  llvm::SmallVector<cuda::CUtensorMap, 4> maps;
};

/// A call whose arguments are checked and laid out: it can be launched again
/// and again, from several threads at once. Refers to the caller's tensors.
struct PreparedCall {
  Target target = Target::host;
  const Kernel *kernel = nullptr; ///< null: the call has nothing to compute
  std::vector<std::byte> arguments;
  CudaLaunch cuda; ///< of a GPU
};

/// What computes: of a host kernel the threads, of a GPU kernel the stream
/// (null: the default one).
struct LaunchSite {
  HostThreads &threads;
  void *stream;
};

/// A compiled kernel. Thread-safe.
class Kernel {
public:
  Kernel(std::string key, ArgumentBlock arguments)
      : keyText(std::move(key)), block(std::move(arguments)) {}
  virtual ~Kernel() = default;
  Kernel(const Kernel &) = delete;
  Kernel &operator=(const Kernel &) = delete;

  const std::string &key() const { return keyText; }
  const ArgumentBlock &arguments() const { return block; }

  /// Completes a call whose argument block is filled.
  virtual llvm::Error prepare(PreparedCall &call) const { return llvm::Error::success(); }

  /// Computes a call that `prepare` completed. Allocates nothing.
  virtual llvm::Error launch(const PreparedCall &call, const LaunchSite &site) const = 0;

private:
  std::string keyText;
  ArgumentBlock block;
};

} // namespace tessera

#endif // TESSERA_RUNTIME_KERNEL_H
