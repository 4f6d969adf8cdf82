//===- HostKernel.h - a kernel loaded for the host ------------------------===//

#ifndef TESSERA_RUNTIME_HOSTKERNEL_H
#define TESSERA_RUNTIME_HOSTKERNEL_H

#include "passes/host/HostProgram.h"
#include "runtime/CacheEntry.h"
#include "runtime/Kernel.h"

#include <array>
#include <memory>

namespace tessera {

/// Machine code in memory, ready to run. Lives as long as the process.
class HostKernel final : public Kernel {
public:
  /// Links an entry's image into this process.
  static llvm::Expected<std::unique_ptr<HostKernel>> load(const CacheEntry &entry);

  /// The grid's extents: tiles, heads, batches.
  std::array<int64_t, 3> extents(const void *argumentBlock) const;

  /// Computes every point of the grid. Returns when all are done. A checked
  /// kernel that leaves a view's bounds fails with the place and the value.
  llvm::Error launch(const PreparedCall &call, const LaunchSite &site) const override;

private:
  using Kernel::Kernel;

  int64_t scratchBytes = 0;
  ExtentsFunction computeExtents = nullptr;
  PointFunction computePoint = nullptr;
};

} // namespace tessera

#endif // TESSERA_RUNTIME_HOSTKERNEL_H
