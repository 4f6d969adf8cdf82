//===- DiskCache.h - Compiled kernels on disk -----------------------------===//
//
// One folder that is written, and below it any number that are only read. The
// contract is told in docs/cache.md. Two rules hold everything else up:
//
// - A file appears under its final name complete, by rename. So no reader and
//   no other writer needs a lock, and a crash leaves at most a temporary file.
// - Nothing read is believed before it is verified. So whatever happens to a
//   file, the worst outcome is a compilation.
//
//===----------------------------------------------------------------------===//

#ifndef TESSERA_RUNTIME_DISKCACHE_H
#define TESSERA_RUNTIME_DISKCACHE_H

#include "runtime/CacheEntry.h"
#include "runtime/Config.h"

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Chrono.h"
#include "llvm/Support/Error.h"

#include <optional>
#include <string>
#include <vector>

namespace tessera {

/// What `DiskCache::ls` tells of a file.
struct CacheListing {
  std::string hash; ///< Hex, from the name of the file.
  std::string key;
  std::string compiler;
  uint64_t bytes;                  ///< Size of the file.
  llvm::sys::TimePoint<> lastUsed; ///< In a layer: last written.
  std::string folder;
  std::string problem; ///< Empty when intact; else key and compiler are empty.
};

/// Thread-safe, and safe among processes that share the folders.
class DiskCache {
public:
  /// Creates the folder `config.cacheDir` with mode 0700 when it is missing.
  ///
  /// Fails when the folder exists but is owned by another user or writable by
  /// everybody, and when a layer is writable by everybody: code from there
  /// would run with the rights of this process. A folder that cannot be
  /// created, or a layer that is missing, is left out with one warning. With
  /// `config.cache` off there are no folders at all.
  static llvm::Expected<DiskCache> open(const Config &config);

  /// The entry of `hash` in the first folder that has it intact. A damaged
  /// file is a miss and one warning. A hit marks the entry as used now.
  std::optional<CacheEntry> load(const KernelHash &hash) const;

  /// Writes or replaces the entry of `hash`, then evicts the least recently
  /// used others until the folder is within its limit. Where the disk does
  /// not allow it there is one warning and the entry is not kept.
  void store(const KernelHash &hash, const CacheEntry &entry) const;

  /// Reads all entries, folder by folder, the most recently used first.
  std::vector<CacheListing> ls() const;

  /// Those of `ls` that are not intact, with the reason.
  std::vector<CacheListing> verify() const;

  /// The folder that is written; empty when there is none.
  llvm::StringRef folder() const { return writable; }

private:
  DiskCache() = default;

  std::string writable;
  std::vector<std::string> layers;
  uint64_t limit = 0; ///< Bytes in `writable`.
};

} // namespace tessera

#endif // TESSERA_RUNTIME_DISKCACHE_H
