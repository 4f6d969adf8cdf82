//===- Engine.h - kernels on demand, and calls of them --------------------===//

#ifndef TESSERA_RUNTIME_ENGINE_H
#define TESSERA_RUNTIME_ENGINE_H

#include "runtime/AppendCache.h"
#include "runtime/Attention.h"
#include "runtime/Compiler.h"
#include "runtime/Config.h"
#include "runtime/DiskCache.h"
#include "runtime/HostThreads.h"
#include "runtime/Kernel.h"
#include "runtime/KernelTable.h"

namespace tessera {

template <>
struct KernelTableHash<Key> {
  size_t operator()(const Key &key) const;
};

/// Where a kernel came from when it was last asked for.
enum class KernelOrigin { memory, disk, compiled };

/// Compiles, caches and runs kernels of any target. Thread-safe. Outlives what
/// was prepared by it, and the work it launched on GPUs.
class Engine {
public:
  /// Opens the disk cache that `config` names. `target`: the CPU that host
  /// kernels are made for; this one can run it. Needs no GPU.
  static llvm::Expected<std::unique_ptr<Engine>> create(const Config &config,
                                                        HostTarget target = HostTarget::detect());

  /// The kernel of a key: from memory, else from disk, else compiled. Several
  /// callers that want one kernel wait for a single compilation. Needs no GPU.
  llvm::Expected<const Kernel *> get(const Key &key, KernelOrigin *origin = nullptr);

  /// Checks a call, gets its kernel and lays out its arguments. Nothing is
  /// written when the call is refused (see dsl/Refusal.h).
  llvm::Expected<PreparedCall> prepare(const Attention &call, KernelOrigin *origin = nullptr) {
    return prepareCall(call, origin);
  }
  llvm::Expected<PreparedCall> prepare(const AppendCache &call, KernelOrigin *origin = nullptr) {
    return prepareCall(call, origin);
  }

  /// Computes a prepared call. On the host it returns when the output is
  /// there. On a GPU it returns at once; the kernel runs in `stream`, a CUstream
  /// or cudaStream_t (null: the default one), after what was put there before.
  llvm::Error launch(const PreparedCall &call, void *stream = nullptr);

  /// `prepare` and `launch`.
  template <class Call>
  llvm::Error run(const Call &call, void *stream = nullptr) {
    llvm::Expected<PreparedCall> prepared = prepare(call);
    if (!prepared)
      return prepared.takeError();
    return launch(*prepared, stream);
  }

  const Compiler &compiler() const { return theCompiler; }
  const DiskCache &disk() const { return cache; }

private:
  Engine(const Config &config, DiskCache cache, HostTarget target)
      : theCompiler(config.dump, std::move(target)), cache(std::move(cache)),
        threads(config.hostThreads()) {}
  template <class Call>
  llvm::Expected<PreparedCall> prepareCall(const Call &call, KernelOrigin *origin);
  llvm::Expected<std::unique_ptr<Kernel>> loadOrCompile(const Key &key, KernelOrigin &origin);

  Compiler theCompiler;
  DiskCache cache;
  KernelTable<Kernel, Key> kernels;
  HostThreads threads;
};

} // namespace tessera

#endif // TESSERA_RUNTIME_ENGINE_H
