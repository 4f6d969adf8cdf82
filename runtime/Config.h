//===- Config.h - The settings of the process -----------------------------===//
//
// The only reader of the environment in the project. The variables are one
// list, in Config.cpp; TESSERA_HELP=1 prints them.
//
//===----------------------------------------------------------------------===//

#ifndef TESSERA_RUNTIME_CONFIG_H
#define TESSERA_RUNTIME_CONFIG_H

#include "runtime/Log.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <string>
#include <vector>

namespace llvm {
class raw_ostream;
} // namespace llvm

namespace tessera {

/// Plain values; usable without any environment. All paths are absolute when
/// they come from the environment.
struct Config {
  /// Whether kernels are kept on disk at all.
  bool cache = true;
  /// Folder the kernel cache writes; empty: none is known.
  std::string cacheDir;
  /// Folders looked up after `cacheDir`, in this order, and never written.
  std::vector<std::string> cacheLayers;
  /// Bytes that `cacheDir` may hold.
  uint64_t cacheLimit = uint64_t(1) << 30;
  /// The ptxas program that assembles GPU kernels, or `driverAssembles`; empty:
  /// the first one there is (see runtime/cuda/Assembler.h).
  std::string assembler;
  static constexpr const char *driverAssembles = "driver";
  /// Where CUDA is installed, and a Python with packages; the first counts.
  std::vector<std::string> cudaFolders, pythonFolders = {"/usr/local"};
  /// Folder for the IR of every stage; empty: no dumps.
  std::string dump;
  /// Path of libtessera for bindings that load it; nothing in it reads this.
  std::string library;
  /// Threads of the host target; 0: see `hostThreads`.
  unsigned threads = 0;
  /// Whether `fromEnvironment` prints all variables.
  bool help = false;
  LogLevel log = LogLevel::Warn;

  /// Where a value came from, by name of the variable ("environment",
  /// "$HOME"); a variable not in here has its default.
  llvm::StringMap<std::string> origins;

  /// Reads the environment of the process. Fails on a bad value and on an
  /// unknown TESSERA_* name; the error names every such variable. A variable
  /// set to the empty text counts as unset. With TESSERA_HELP on, prints the
  /// settings to stderr, once per process, also when it fails.
  static llvm::Expected<Config> fromEnvironment();

  /// The same for a null-terminated list of "NAME=value", as in `environ`.
  /// Prints nothing.
  static llvm::Expected<Config> fromList(const char *const *environment);

  /// `threads`, or when that is 0 the number of cores that this process may
  /// use by its affinity. At least 1.
  unsigned hostThreads() const;

  /// All variables with their values, origins, defaults and help.
  void print(llvm::raw_ostream &os) const;
};

} // namespace tessera

#endif // TESSERA_RUNTIME_CONFIG_H
