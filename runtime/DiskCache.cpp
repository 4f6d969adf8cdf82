//===- DiskCache.cpp - Compiled kernels on disk ---------------------------===//

#include "runtime/DiskCache.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace llvm;
namespace fs = llvm::sys::fs;

namespace tessera {

static constexpr StringLiteral entrySuffix(".tessera");
// No writer takes this long; a temporary file so old is of a dead one.
static constexpr std::chrono::hours temporaryLifetime(1);

static std::string pathIn(StringRef folder, const Twine &name) {
  SmallString<256> path(folder);
  sys::path::append(path, name);
  return path.str().str();
}

static std::string entryPath(StringRef folder, const KernelHash &hash) {
  return pathIn(folder, toHex(hash) + entrySuffix);
}

//===----------------------------------------------------------------------===//
// Folders
//===----------------------------------------------------------------------===//

static Error refuse(StringRef folder, const std::string &reason) {
  return createStringError(fmt::format("kernel cache folder '{}' {}", folder.str(), reason),
                           std::make_error_code(std::errc::permission_denied));
}

/// Whoever can write the folder decides what this process runs.
static Error checkTrust(StringRef folder, const fs::file_status &status) {
  if (status.permissions() & fs::others_write)
    return refuse(folder, "is writable by everybody; expected a folder without "
                          "write permission for others");
  return Error::success();
}

/// True when `folder` can be used, false (and a warning) when there is none.
static Expected<bool> prepareWritable(StringRef folder) {
  if (folder.empty()) {
    warnOnce("cache-folder", "no folder for the kernel cache: neither HOME nor "
                             "XDG_CACHE_HOME nor TESSERA_CACHE_DIR is set");
    return false;
  }
  fs::file_status status;
  std::error_code code =
      fs::create_directories(folder, /*IgnoreExisting=*/true, fs::perms::owner_all);
  if (!code)
    code = fs::status(folder, status);
  if (!code && status.type() != fs::file_type::directory_file)
    code = std::make_error_code(std::errc::not_a_directory);
  if (code) {
    warnOnce(folder, "kernel cache off: cannot use folder '{}': {}", folder.str(), code.message());
    return false;
  }

  if (status.getUser() != ::geteuid())
    return refuse(folder, fmt::format("is owned by user {}, expected user {}; to only "
                                      "read it, name it in TESSERA_CACHE_LAYERS",
                                      status.getUser(), ::geteuid()));
  if (Error error = checkTrust(folder, status))
    return error;
  return true;
}

static Expected<bool> prepareLayer(StringRef folder) {
  fs::file_status status;
  std::error_code code = fs::status(folder, status);
  if (!code && status.type() != fs::file_type::directory_file)
    code = std::make_error_code(std::errc::not_a_directory);
  if (code) {
    warnOnce(folder, "kernel cache layer '{}' left out: {}", folder.str(), code.message());
    return false;
  }
  if (Error error = checkTrust(folder, status))
    return error;
  return true;
}

Expected<DiskCache> DiskCache::open(const Config &config) {
  DiskCache cache;
  cache.limit = config.cacheLimit;
  if (!config.cache)
    return cache;

  Expected<bool> usable = prepareWritable(config.cacheDir);
  if (!usable)
    return usable.takeError();
  if (*usable)
    cache.writable = config.cacheDir;

  for (const std::string &layer : config.cacheLayers) {
    Expected<bool> usable = prepareLayer(layer);
    if (!usable)
      return usable.takeError();
    if (*usable)
      cache.layers.push_back(layer);
  }
  return cache;
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

/// A file that is not there is a silent miss, everything else warns.
static std::optional<CacheEntry> tryRead(const std::string &path, const KernelHash &hash) {
  Expected<CacheEntry> entry = readEntryFile(path, hash);
  if (entry)
    return std::move(*entry);

  std::optional<CacheEntry> miss;
  handleAllErrors(entry.takeError(), [&](const ErrorInfoBase &info) {
    if (info.convertToErrorCode() != std::errc::no_such_file_or_directory)
      warnOnce(path, "kernel cache entry '{}' ignored: {}", path, info.message());
  });
  return miss;
}

std::optional<CacheEntry> DiskCache::load(const KernelHash &hash) const {
  if (!writable.empty()) {
    std::string path = entryPath(writable, hash);
    if (std::optional<CacheEntry> entry = tryRead(path, hash)) {
      // The time of last use, for eviction. It may fail on a read-only disk,
      // where nothing is evicted either.
      const timespec now[2] = {{0, UTIME_NOW}, {0, UTIME_NOW}};
      ::utimensat(AT_FDCWD, path.c_str(), now, 0);
      return entry;
    }
  }
  for (const std::string &layer : layers)
    if (std::optional<CacheEntry> entry = tryRead(entryPath(layer, hash), hash))
      return entry;
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

namespace {
struct File {
  std::string path;
  uint64_t bytes;
  sys::TimePoint<> time;
};
} // namespace

/// The files of `folder` whose names end in `suffix`. What others remove
/// meanwhile is left out.
static std::vector<File> filesIn(StringRef folder, StringRef suffix) {
  std::vector<File> files;
  std::error_code code;
  for (fs::directory_iterator it(folder, code), end; it != end && !code; it.increment(code)) {
    fs::file_status status;
    if (!StringRef(it->path()).ends_with(suffix) || fs::status(it->path(), status) ||
        status.type() != fs::file_type::regular_file)
      continue;
    files.push_back({it->path(), status.getSize(), status.getLastModificationTime()});
  }
  return files;
}

static std::optional<KernelHash> hashOf(StringRef path) {
  StringRef name = sys::path::filename(path);
  if (!name.consume_back(entrySuffix))
    return std::nullopt;
  return parseKernelHash(name);
}

static void evict(StringRef folder, uint64_t limit, const KernelHash &kept) {
  for (const File &file : filesIn(folder, temporaryFileSuffix))
    if (file.time + temporaryLifetime < std::chrono::system_clock::now())
      fs::remove(file.path);

  std::vector<File> entries = filesIn(folder, entrySuffix);
  // A name that is no hash was put there by somebody: not ours to remove.
  llvm::erase_if(entries, [](const File &f) { return !hashOf(f.path); });
  uint64_t total = 0;
  for (const File &file : entries)
    total += file.bytes;
  llvm::sort(entries, [](const File &a, const File &b) {
    return std::tie(a.time, a.path) < std::tie(b.time, b.path);
  });
  for (const File &file : entries) {
    if (total <= limit)
      return;
    if (hashOf(file.path) != kept && !fs::remove(file.path))
      total -= file.bytes;
  }
}

void DiskCache::store(const KernelHash &hash, const CacheEntry &entry) const {
  if (writable.empty())
    return;
  std::string bytes = serialize(hash, entry);
  std::string path = entryPath(writable, hash);
  std::error_code code = writeEntryFile(path, bytes);
  if (code == std::errc::no_such_file_or_directory) {
    // Somebody emptied ~/.cache under a running process.
    Expected<bool> usable = prepareWritable(writable);
    if (!usable)
      consumeError(usable.takeError());
    else if (*usable)
      code = writeEntryFile(path, bytes);
  }
  if (code) {
    warnOnce("store:" + writable, "cannot write the kernel cache '{}': {}", writable,
             code.message());
    return;
  }
  evict(writable, limit, hash);
}

//===----------------------------------------------------------------------===//
// Looking inside
//===----------------------------------------------------------------------===//

static CacheListing inspect(StringRef folder, const File &file) {
  CacheListing listing;
  listing.bytes = file.bytes;
  listing.lastUsed = file.time;
  listing.folder = folder;
  StringRef name = sys::path::filename(file.path);
  listing.hash = name.drop_back(entrySuffix.size());

  std::optional<KernelHash> hash = hashOf(file.path);
  if (!hash) {
    listing.problem = "the name is not the hash of a kernel";
    return listing;
  }
  Expected<CacheEntry> entry = readEntryFile(file.path, *hash);
  if (!entry) {
    listing.problem = toString(entry.takeError());
    return listing;
  }
  listing.key = std::move(entry->key);
  listing.compiler = std::move(entry->compiler);
  return listing;
}

std::vector<CacheListing> DiskCache::ls() const {
  std::vector<std::string> folders(layers);
  if (!writable.empty())
    folders.insert(folders.begin(), writable);

  std::vector<CacheListing> listings;
  for (const std::string &folder : folders) {
    std::vector<File> files = filesIn(folder, entrySuffix);
    llvm::sort(files, [](const File &a, const File &b) {
      return std::tie(b.time, a.path) < std::tie(a.time, b.path);
    });
    for (const File &file : files)
      listings.push_back(inspect(folder, file));
  }
  return listings;
}

std::vector<CacheListing> DiskCache::verify() const {
  std::vector<CacheListing> listings = ls();
  llvm::erase_if(listings, [](const CacheListing &l) { return l.problem.empty(); });
  return listings;
}

} // namespace tessera
