//===- Engine.h - kernels on demand, and calls of them --------------------===//

#ifndef TESSERA_RUNTIME_ENGINE_H
#define TESSERA_RUNTIME_ENGINE_H

#include "runtime/AppendCache.h"
#include "runtime/Attention.h"
#include "runtime/Compiler.h"
#include "runtime/Config.h"
#include "runtime/DiskCache.h"
#include "runtime/HostKernel.h"
#include "runtime/HostThreads.h"
#include "runtime/KernelTable.h"

namespace tessera {

template <>
struct KernelTableHash<Key> {
  size_t operator()(const Key &key) const;
};

/// Where a kernel came from when it was last asked for.
enum class KernelOrigin { memory, disk, compiled };

/// A call whose arguments are checked and laid out: it can be launched again
/// and again. Refers to the caller's tensors.
struct PreparedCall {
  const HostKernel *kernel = nullptr; ///< null: the call has nothing to compute
  std::vector<std::byte> arguments;
};

/// Compiles, caches and runs kernels. Thread-safe.
class Engine {
public:
  /// Opens the disk cache that `config` names. `target`: the CPU that kernels
  /// are made for; this one can run it.
  static llvm::Expected<std::unique_ptr<Engine>> create(const Config &config,
                                                        HostTarget target = HostTarget::detect());

  /// The kernel of a key: from memory, else from disk, else compiled. Several
  /// callers that want one kernel wait for a single compilation.
  llvm::Expected<const HostKernel *> get(const Key &key, KernelOrigin *origin = nullptr);

  /// Checks a call, gets its kernel and lays out its arguments. Nothing is
  /// written when the call is refused (see dsl/Refusal.h).
  llvm::Expected<PreparedCall> prepare(const Attention &call, KernelOrigin *origin = nullptr) {
    return prepareCall(call, origin);
  }
  llvm::Expected<PreparedCall> prepare(const AppendCache &call, KernelOrigin *origin = nullptr) {
    return prepareCall(call, origin);
  }

  /// Computes a prepared call; returns when the output is there.
  llvm::Error launch(const PreparedCall &call);

  /// `prepare` and `launch`.
  template <class Call>
  llvm::Error run(const Call &call) {
    llvm::Expected<PreparedCall> prepared = prepare(call);
    if (!prepared)
      return prepared.takeError();
    return launch(*prepared);
  }

  const Compiler &compiler() const { return theCompiler; }
  const DiskCache &disk() const { return cache; }

private:
  Engine(const Config &config, DiskCache cache, HostTarget target)
      : theCompiler(config.dump, std::move(target)), cache(std::move(cache)),
        threads(config.hostThreads()) {}
  template <class Call>
  llvm::Expected<PreparedCall> prepareCall(const Call &call, KernelOrigin *origin);
  llvm::Expected<std::unique_ptr<HostKernel>> loadOrCompile(const Key &key, KernelOrigin &origin);

  Compiler theCompiler;
  DiskCache cache;
  KernelTable<HostKernel, Key> kernels;
  HostThreads threads;
};

} // namespace tessera

#endif // TESSERA_RUNTIME_ENGINE_H
