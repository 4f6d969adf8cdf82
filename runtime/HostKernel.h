//===- HostKernel.h - a kernel loaded for the host ------------------------===//

#ifndef TESSERA_RUNTIME_HOSTKERNEL_H
#define TESSERA_RUNTIME_HOSTKERNEL_H

#include "passes/ArgumentBlock.h"
#include "passes/host/HostProgram.h"
#include "runtime/CacheEntry.h"

#include <array>
#include <memory>

namespace tessera {

class HostThreads;

/// Machine code in memory, ready to run. Lives as long as the process.
class HostKernel {
public:
  /// Links an entry's image into this process.
  static llvm::Expected<std::unique_ptr<HostKernel>> load(const CacheEntry &entry);

  const std::string &key() const { return keyText; }
  const ArgumentBlock &arguments() const { return block; }

  /// The grid's extents: tiles, heads, batches.
  std::array<int64_t, 3> extents(const void *argumentBlock) const;

  /// Computes every point of the grid. Returns when all are done. A checked
  /// kernel that leaves a view's bounds fails with the place and the value.
  llvm::Error run(const void *argumentBlock, HostThreads &threads) const;

private:
  HostKernel() = default;

  std::string keyText;
  ArgumentBlock block;
  int64_t scratchBytes = 0;
  ExtentsFunction computeExtents = nullptr;
  PointFunction computePoint = nullptr;
};

} // namespace tessera

#endif // TESSERA_RUNTIME_HOSTKERNEL_H
