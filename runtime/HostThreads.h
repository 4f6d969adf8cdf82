//===- HostThreads.h - threads that share the points of a grid ------------===//

#ifndef TESSERA_RUNTIME_HOSTTHREADS_H
#define TESSERA_RUNTIME_HOSTTHREADS_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/ThreadPool.h"

#include <cstdint>

namespace tessera {

/// A pool of threads, each with scratch memory that grows to what kernels need
/// and is kept between runs. The caller works too.
class HostThreads {
public:
  /// `count` threads in all, the caller being one of them.
  explicit HostThreads(unsigned count);

  /// Calls `work(i, scratch)` for i in 0..count-1, each once, spread over the
  /// threads as they become free. Scratch is aligned to a cache line and its
  /// content is unspecified. Safe to call from several threads.
  void forEach(int64_t count, int64_t scratchBytes, llvm::function_ref<void(int64_t, void *)> work);

private:
  unsigned count;
  llvm::StdThreadPool pool;
};

} // namespace tessera

#endif // TESSERA_RUNTIME_HOSTTHREADS_H
