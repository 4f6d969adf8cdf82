//===- CacheEntry.cpp - One compiled kernel as a self-verifying file -----===//

#include "runtime/CacheEntry.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/BLAKE3.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/Errno.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"

#include <fmt/format.h>

#include <cstdlib>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace llvm;
namespace fs = llvm::sys::fs;
using support::endian::read32le;
using support::endian::read64le;

namespace tessera {

static constexpr StringRef magic("TESSERA\0", 8);
static constexpr uint32_t formatVersion = 1;
static constexpr size_t versionOffset = 8;
static constexpr size_t reservedOffset = 12;
static constexpr size_t hashOffset = 16;
static constexpr size_t lengthsOffset = 48;
static constexpr size_t headerSize = 88;
static constexpr size_t checksumSize = 32;

/// The one order of the sections, for writer and reader.
static constexpr std::array<std::string CacheEntry::*, 5> sections = {
    &CacheEntry::key, &CacheEntry::compiler, &CacheEntry::signature, &CacheEntry::ir,
    &CacheEntry::image};

static_assert(magic.size() == versionOffset);
static_assert(lengthsOffset + 8 * sections.size() == headerSize);

static KernelHash blake3(StringRef bytes) {
  BLAKE3 hasher;
  hasher.update(bytes);
  return hasher.final<checksumSize>();
}

static StringRef asText(const KernelHash &hash) {
  return StringRef(reinterpret_cast<const char *>(hash.data()), hash.size());
}

std::string toHex(const KernelHash &hash) { return llvm::toHex(hash, /*LowerCase=*/true); }

std::optional<KernelHash> parseKernelHash(StringRef hex) {
  KernelHash hash;
  if (hex.size() != 2 * hash.size() || hex.find_first_not_of("0123456789abcdef") != StringRef::npos)
    return std::nullopt;
  for (size_t i = 0; i < hash.size(); ++i)
    hash[i] = hexFromNibbles(hex[2 * i], hex[2 * i + 1]);
  return hash;
}

template <class Integer>
static void appendLittleEndian(std::string &out, Integer value) {
  char bytes[sizeof(Integer)];
  support::endian::write(bytes, value, endianness::little);
  out.append(bytes, sizeof(bytes));
}

std::string serialize(const KernelHash &hash, const CacheEntry &entry) {
  size_t size = headerSize + checksumSize;
  for (auto section : sections)
    size += (entry.*section).size();

  std::string out;
  out.reserve(size);
  out += magic;
  appendLittleEndian(out, formatVersion);
  appendLittleEndian(out, uint32_t(0));
  out += asText(hash);
  for (auto section : sections)
    appendLittleEndian(out, uint64_t((entry.*section).size()));
  for (auto section : sections)
    out += entry.*section;
  out += asText(blake3(out));
  return out;
}

template <class... Args>
static Error damaged(fmt::format_string<Args...> format, Args &&...args) {
  return createStringError(fmt::format(format, std::forward<Args>(args)...),
                           std::make_error_code(std::errc::illegal_byte_sequence));
}

/// Everything that can be wrong before the sections may be believed.
static Error checkFrame(StringRef bytes, const KernelHash &expected) {
  if (bytes.size() < headerSize + checksumSize)
    return damaged("truncated: {} bytes, an entry has at least {}", bytes.size(),
                   headerSize + checksumSize);
  if (!bytes.starts_with(magic))
    return damaged("not a kernel cache entry: wrong magic");
  // Before the checksum: another version may have put it elsewhere.
  uint32_t version = read32le(bytes.data() + versionOffset);
  if (version != formatVersion)
    return damaged("format version {}, expected {}", version, formatVersion);

  uint64_t room = bytes.size() - headerSize - checksumSize, rest = room;
  for (size_t i = 0; i < sections.size(); ++i) {
    uint64_t length = read64le(bytes.data() + lengthsOffset + 8 * i);
    if (length > rest)
      return damaged("truncated: section {} claims {} bytes, {} are left", i, length, rest);
    rest -= length;
  }
  if (rest != 0)
    return damaged("{} bytes too long", rest);

  if (asText(blake3(bytes.drop_back(checksumSize))) != bytes.take_back(checksumSize))
    return damaged("content does not match its checksum");
  if (read32le(bytes.data() + reservedOffset) != 0)
    return damaged("reserved bytes are not zero");

  StringRef hash = bytes.substr(hashOffset, expected.size());
  if (hash != asText(expected))
    return damaged("holds kernel {}, expected {}", llvm::toHex(hash, /*LowerCase=*/true),
                   toHex(expected));
  return Error::success();
}

Expected<CacheEntry> deserialize(StringRef bytes, const KernelHash &expected) {
  if (Error error = checkFrame(bytes, expected))
    return error;

  CacheEntry entry;
  StringRef rest = bytes.drop_front(headerSize);
  for (size_t i = 0; i < sections.size(); ++i) {
    size_t length = read64le(bytes.data() + lengthsOffset + 8 * i);
    entry.*sections[i] = rest.take_front(length).str();
    rest = rest.drop_front(length);
  }
  return entry;
}

//===----------------------------------------------------------------------===//
// Files
//===----------------------------------------------------------------------===//

// Keeps a file that only looks like an entry from filling the memory.
static constexpr uint64_t maxEntryBytes = uint64_t(1) << 30;

Expected<CacheEntry> readEntryFile(const std::string &path, const KernelHash &hash) {
  // O_NONBLOCK: a pipe in the place of an entry must not hang the caller.
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0)
    return errorCodeToError(errnoAsErrorCode());
  scope_exit close([&] { ::close(fd); });

  struct stat status;
  if (::fstat(fd, &status) != 0)
    return errorCodeToError(errnoAsErrorCode());
  if (!S_ISREG(status.st_mode))
    return damaged("not a regular file");
  if (uint64_t(status.st_size) > maxEntryBytes)
    return damaged("{} bytes, an entry has at most {}", status.st_size, maxEntryBytes);

  // Volatile means read instead of mapped: a mapped file that somebody
  // truncates kills the process.
  ErrorOr<std::unique_ptr<MemoryBuffer>> buffer =
      MemoryBuffer::getOpenFile(fd, path, status.st_size, /*RequiresNullTerminator=*/false,
                                /*IsVolatile=*/true);
  if (!buffer)
    return errorCodeToError(buffer.getError());
  return deserialize((*buffer)->getBuffer(), hash);
}

static std::error_code writeAll(int fd, StringRef bytes) {
  while (!bytes.empty()) {
    ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno != EINTR)
      return errnoAsErrorCode();
    if (written > 0)
      bytes = bytes.drop_front(written);
  }
  return {};
}

std::error_code writeEntryFile(const std::string &path, StringRef bytes) {
  // Not sys::fs::TempFile, which would install signal handlers in the process
  // of our caller; not createUniqueFile, which rewrites any % in the path.
  std::string temporary = path + ".XXXXXX" + temporaryFileSuffix.str();
  int fd = ::mkostemps(temporary.data(), temporaryFileSuffix.size(), O_CLOEXEC);
  if (fd < 0)
    return errnoAsErrorCode();
  // Readable to whoever may enter the folder, so that it can serve as a layer.
  ::fchmod(fd, 0644);

  std::error_code code = writeAll(fd, bytes);
  // Before the rename, or a power failure could leave the name without the
  // content. The name itself may be lost: that is a miss.
  if (!code && ::fsync(fd) != 0)
    code = errnoAsErrorCode();
  if (::close(fd) != 0 && !code)
    code = errnoAsErrorCode();
  if (!code)
    code = fs::rename(temporary, path);
  if (code)
    fs::remove(temporary);
  return code;
}

} // namespace tessera
