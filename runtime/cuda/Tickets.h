//===- Tickets.h - counters for the launches of a kernel ------------------===//

#ifndef TESSERA_RUNTIME_CUDA_TICKETS_H
#define TESSERA_RUNTIME_CUDA_TICKETS_H

#include "runtime/cuda/Driver.h"
#include "llvm/Support/Error.h"

#include <atomic>
#include <memory>
#include <string>

namespace tessera::cuda {

/// Hands a pair of counters in a module's memory to each launch. Two launches
/// must not use one pair at the same time, so they take turns over more pairs
/// than a device can have launches under way. A launch that is captured may run
/// whenever its graph does: its pair is never given to another. Thread-safe.
class Tickets {
public:
  explicit Tickets(CUdeviceptr counters) : counters(counters) {}

  /// The counters of the next launch. Fails when too many have been captured.
  llvm::Expected<CUdeviceptr> next(bool isCaptured, const std::string &kernel) const;

private:
  CUdeviceptr counters;
  mutable std::atomic<uint32_t> launched = 0, captured = 0;
};

} // namespace tessera::cuda

#endif // TESSERA_RUNTIME_CUDA_TICKETS_H
