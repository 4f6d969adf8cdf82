//===- CacheEntry.h - One compiled kernel as a self-verifying file -------===//
//
// Layout, all integers little-endian, no padding:
//
//   offset  size  content
//        0     8  magic "TESSERA\0"
//        8     4  format version, now 1
//       12     4  zero
//       16    32  hash of the kernel: what the file's name says
//       48    40  lengths of the five sections, 8 bytes each
//       88     -  the sections: key, compiler, signature, ir, image
//      end    32  BLAKE3 of everything before
//
// The file ends with the checksum: a shorter or longer file is damaged. The
// version changes with the layout; an entry of another version is no hit.
//
//===----------------------------------------------------------------------===//

#ifndef TESSERA_RUNTIME_CACHEENTRY_H
#define TESSERA_RUNTIME_CACHEENTRY_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace tessera {

/// BLAKE3 over everything that decides the code of a kernel.
using KernelHash = std::array<uint8_t, 32>;

/// 64 lower-case hex digits.
std::string toHex(const KernelHash &hash);

/// The inverse of `toHex`; nothing for any other text, upper case included.
std::optional<KernelHash> parseKernelHash(llvm::StringRef hex);

/// A compiled kernel together with what it was made from and by.
struct CacheEntry {
  std::string key;       ///< Readable text of the dispatch key.
  std::string compiler;  ///< Identity of what compiled it: versions, target.
  std::string signature; ///< Arguments of the kernel; opaque to the cache.
  std::string ir;        ///< Specialised IR, so that an entry explains itself.
  std::string image;     ///< Machine code; any bytes.

  bool operator==(const CacheEntry &) const = default;
};

/// The bytes of the file that holds `entry` under `hash`.
std::string serialize(const KernelHash &hash, const CacheEntry &entry);

/// Reads what `serialize` wrote. Fails on any damage, on another format
/// version, and on an intact entry that belongs to another hash than
/// `expected` (a renamed file would otherwise run the wrong kernel).
llvm::Expected<CacheEntry> deserialize(llvm::StringRef bytes, const KernelHash &expected);

/// Reads and checks a file. Fails as `deserialize` does, and with the code of
/// the system where the file cannot be read.
llvm::Expected<CacheEntry> readEntryFile(const std::string &path, const KernelHash &expected);

/// Ends the names of files that are being written, in the folder of the entry.
inline constexpr llvm::StringLiteral temporaryFileSuffix(".tessera-tmp");

/// Puts `bytes` in place of the file at `path`: other processes see the old
/// content or the new one, also after a crash. Leaves nothing behind when it
/// fails.
std::error_code writeEntryFile(const std::string &path, llvm::StringRef bytes);

} // namespace tessera

#endif // TESSERA_RUNTIME_CACHEENTRY_H
