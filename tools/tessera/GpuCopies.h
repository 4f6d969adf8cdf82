//===- GpuCopies.h - the arrays of a call, copied to a GPU ----------------===//

#ifndef TESSERA_TOOLS_TESSERA_GPUCOPIES_H
#define TESSERA_TOOLS_TESSERA_GPUCOPIES_H

#include "runtime/Attention.h"
#include "runtime/cuda/DeviceMemory.h"

namespace tessera {

/// Copies of contiguous tensors and tables.
class GpuCopies {
public:
  /// Copies all that `call` has, and lets it refer to the copies.
  static llvm::Expected<GpuCopies> of(Attention &call, const cuda::Site &site);

  /// Copies the outputs back to where the call had them.
  llvm::Error copyBack() const;

private:
  struct Copy {
    cuda::DeviceMemory memory;
    void *original;
    size_t bytes;
    bool isOutput;
  };
  std::vector<Copy> copies;
};

} // namespace tessera

#endif // TESSERA_TOOLS_TESSERA_GPUCOPIES_H
