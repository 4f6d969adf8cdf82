//===- Tickets.cpp - counters for the launches of a kernel ----------------===//

#include "runtime/cuda/Tickets.h"
#include "passes/nvptx/CudaProgram.h"

using namespace llvm;

namespace tessera::cuda {

/// The first half is for launches that run once, the second for captured ones.
static constexpr uint32_t half = ticketCounterSlots / 2;

Expected<CUdeviceptr> Tickets::next(bool isCaptured, const std::string &kernel) const {
  if (!isCaptured) {
    uint32_t slot = launched.fetch_add(1, std::memory_order_relaxed) % half;
    return counters + slot * ticketCounterBytes;
  }
  uint32_t slot = captured.fetch_add(1, std::memory_order_relaxed);
  if (slot < half)
    return counters + (half + slot) * ticketCounterBytes;
  captured.fetch_sub(1, std::memory_order_relaxed);
  return createStringError(std::make_error_code(std::errc::resource_unavailable_try_again),
                           kernel + ": more than " + Twine(half) +
                               " launches of this kernel were captured into graphs");
}

} // namespace tessera::cuda
