//===- CudaKernel.h - a kernel of a GPU -----------------------------------===//

#ifndef TESSERA_RUNTIME_CUDA_CUDAKERNEL_H
#define TESSERA_RUNTIME_CUDA_CUDAKERNEL_H

#include "passes/nvptx/CudaProgram.h"
#include "runtime/CacheEntry.h"
#include "runtime/Kernel.h"
#include "runtime/cuda/Module.h"
#include "runtime/cuda/Tickets.h"

#include <atomic>
#include <memory>
#include <mutex>

namespace tessera {

/// Machine code for a GPU, or PTX that the driver compiles when it is loaded.
/// Loaded into a context by the first call that is prepared for it, so there
/// are kernels also where there is no GPU.
class CudaKernel final : public Kernel {
public:
  /// Reads an entry's signature; fails if it is malformed.
  static llvm::Expected<std::unique_ptr<CudaKernel>> load(CacheEntry entry);

  /// Makes the tensor maps, and loads the kernel for the context of
  /// `call.cuda.site`: the rest of `call.cuda`. Refuses tensors that a GPU cannot
  /// reach or copy.
  llvm::Error prepare(PreparedCall &call) const override;

  /// Puts the kernel into a stream and returns. Neither allocates nor
  /// synchronises, so a stream that is being captured records it.
  llvm::Error launch(const PreparedCall &call, const LaunchSite &site) const override;

  const CudaProgram &program() const { return theProgram; }

private:
  CudaKernel(CudaProgram program, CacheEntry entry)
      : Kernel(entry.key, program.arguments), theProgram(std::move(program)),
        image(std::move(entry.image)) {}

  /// The kernel in one context.
  struct Loaded {
    uint64_t context; ///< CUDA's number of it: unlike a handle, none comes again
    cuda::Module module;
    cuda::CUfunction function;
    unsigned blocks;
    std::unique_ptr<cuda::Tickets> tickets; ///< of programs that take some
  };
  llvm::Expected<const Loaded &> loadedFor(const cuda::Site &site) const;
  llvm::Expected<std::unique_ptr<Loaded>> loadInto(const cuda::Site &site, uint64_t id) const;

  CudaProgram theProgram;
  std::string image;

  // A process has one context for each GPU, rarely more: the last one is most
  // often the next one, and looking through all of them is no search.
  mutable std::atomic<const Loaded *> last = nullptr;
  mutable std::mutex mutex; ///< Guards what follows.
  mutable std::vector<std::unique_ptr<Loaded>> all;
};

} // namespace tessera

#endif // TESSERA_RUNTIME_CUDA_CUDAKERNEL_H
