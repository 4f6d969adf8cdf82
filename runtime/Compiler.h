//===- Compiler.h - from a key to machine code, stage by stage ------------===//

#ifndef TESSERA_RUNTIME_COMPILER_H
#define TESSERA_RUNTIME_COMPILER_H

#include "dsl/Key.h"
#include "passes/host/EmitNative.h"
#include "runtime/CacheEntry.h"

#include <string>

namespace tessera {

/// The forms a kernel goes through, on the host and on a GPU.
enum class Stage { generic, specialized, vector, scheduled, nvvm, llvm, assembly, ptx };

/// Every stage's name as in `--emit=`, with what it is.
struct StageInfo {
  Stage stage;
  llvm::StringRef name, extension, help;
  bool host, gpu; ///< on the road to which targets
};
llvm::ArrayRef<StageInfo> stages();

/// The stage of that name; the error lists all.
llvm::Expected<Stage> parseStage(llvm::StringRef name);

/// Makes kernels for one machine. Stateless but for where it dumps; safe to use
/// from several threads.
class Compiler {
public:
  /// `dumpFolder`: where every stage of every kernel is written; empty:
  /// nowhere.
  explicit Compiler(std::string dumpFolder = {}, HostTarget target = HostTarget::detect())
      : dumpFolder(std::move(dumpFolder)), target(std::move(target)) {}

  /// The text of one stage.
  llvm::Expected<std::string> emit(const Key &key, Stage stage) const;

  /// All stages, to an entry that can be cached and loaded.
  llvm::Expected<CacheEntry> compile(const Key &key) const;

  /// What names the kernel of a key across processes, machines and builds: the
  /// key's canonical bytes, the generic program, the pipeline's version, LLVM's
  /// version, and the CPU or the assembler.
  llvm::Expected<KernelHash> hash(const Key &key) const;

  /// The program of a key's direction at stage `specialized`, with its context.
  /// For tools that look at it.
  struct Specialized;
  llvm::Expected<std::unique_ptr<Specialized>> specialize(const Key &key) const;

  /// LLVM's version and what it is made for (the CPU, or the assembler of a
  /// GPU), for cache entries.
  std::string identity(Target kind = Target::host) const;

private:
  std::string dumpFolder;
  HostTarget target;
};

} // namespace tessera

#endif // TESSERA_RUNTIME_COMPILER_H
