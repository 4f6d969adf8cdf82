//===- HostThreads.cpp - threads that share the points of a grid ----------===//

#include "runtime/HostThreads.h"
#include "passes/host/HostProgram.h"

#include <atomic>
#include <cstdlib>
#include <memory>

namespace tessera {

namespace {

struct Free {
  void operator()(void *memory) const { std::free(memory); }
};

/// The scratch memory of one thread.
struct Scratch {
  std::unique_ptr<void, Free> memory;
  int64_t bytes = 0;

  void *atLeast(int64_t wanted) {
    if (wanted > bytes) {
      bytes = (wanted + scratchAlignment - 1) / scratchAlignment * scratchAlignment;
      memory.reset(std::aligned_alloc(scratchAlignment, bytes));
    }
    return memory.get();
  }
};

} // namespace

static thread_local Scratch threadScratch;

HostThreads::HostThreads(unsigned count)
    : count(count), pool(llvm::hardware_concurrency(count > 1 ? count - 1 : 1)) {}

void HostThreads::forEach(int64_t items, int64_t scratchBytes,
                          llvm::function_ref<void(int64_t, void *)> work) {
  std::atomic<int64_t> next = 0;
  auto drain = [&] {
    void *scratch = threadScratch.atLeast(scratchBytes);
    for (int64_t i; (i = next.fetch_add(1, std::memory_order_relaxed)) < items;)
      work(i, scratch);
  };
  llvm::ThreadPoolTaskGroup group(pool);
  int64_t helpers = std::min<int64_t>(count, items) - 1;
  for (int64_t helper = 0; helper < helpers; ++helper)
    group.async(drain);
  drain();
  group.wait();
}

} // namespace tessera
