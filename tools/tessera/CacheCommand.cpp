//===- CacheCommand.cpp - tessera cache: the kernels on disk --------------===//

#include "runtime/DiskCache.h"
#include "tools/tessera/Command.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <CLI/CLI.hpp>

#include <chrono>

using namespace llvm;
using namespace tessera;

// Enough to tell kernels apart, and to find the file with a shell's completion.
static constexpr size_t hashPrefix = 12;

/// `1.5K`, in powers of 1024 as TESSERA_CACHE_LIMIT.
static std::string sizeText(uint64_t bytes) {
  if (bytes < 1024)
    return fmt::format("{}", bytes);
  double size = bytes;
  const char *unit = "KMG";
  for (size /= 1024; size >= 1024 && unit[1]; size /= 1024)
    ++unit;
  return fmt::format("{:.1f}{}", size, *unit);
}

/// `5m`: whole units since `time`. A clock that was set back makes it 0s.
static std::string ageText(sys::TimePoint<> time) {
  const int64_t seconds = std::max<int64_t>(
      0, std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now() - time)
             .count());
  for (auto [unit, length] : {std::pair{'d', 86400}, {'h', 3600}, {'m', 60}})
    if (seconds >= length)
      return fmt::format("{}{}", seconds / length, unit);
  return fmt::format("{}s", seconds);
}

/// The cache to look into; an error when there is none.
static Expected<DiskCache> openCache(const Config &config) {
  if (!config.cache)
    return failure("there is no kernel cache: TESSERA_CACHE is off");
  return DiskCache::open(config);
}

static Error printFolder(const Config &config) {
  Expected<DiskCache> cache = openCache(config);
  if (!cache)
    return cache.takeError();
  if (cache->folder().empty())
    return failure("there is no folder to keep kernels in; set "
                   "TESSERA_CACHE_DIR to one that can be written");
  outs() << cache->folder() << "\n";
  return Error::success();
}

static Error listEntries(const Config &config) {
  Expected<DiskCache> cache = openCache(config);
  if (!cache)
    return cache.takeError();
  const std::vector<CacheListing> entries = cache->ls();
  if (entries.empty()) {
    outs() << "no entries\n";
    return Error::success();
  }
  const auto keyOf = [](const CacheListing &entry) {
    return entry.problem.empty() ? entry.key : "(damaged)";
  };
  size_t width = 0;
  for (const CacheListing &entry : entries)
    width = std::max(width, keyOf(entry).size());
  constexpr auto row = "{:<{}}  {:>7}  {:>4}  {:<{}}  {}\n";
  outs() << fmt::format(row, "hash", hashPrefix, "size", "age", "key", width, "folder");
  for (const CacheListing &entry : entries)
    outs() << fmt::format(row, entry.hash.substr(0, hashPrefix), hashPrefix, sizeText(entry.bytes),
                          ageText(entry.lastUsed), keyOf(entry), width, entry.folder);
  return Error::success();
}

static Error verifyEntries(const Config &config) {
  Expected<DiskCache> cache = openCache(config);
  if (!cache)
    return cache.takeError();
  const std::vector<CacheListing> entries = cache->ls();
  for (const CacheListing &entry : entries)
    if (!entry.problem.empty())
      outs() << fmt::format("{}/{}.tessera: {}\n", entry.folder, entry.hash, entry.problem);
  const size_t damaged =
      count_if(entries, [](const CacheListing &entry) { return !entry.problem.empty(); });
  if (damaged)
    return failure("{} of {} entries damaged; they are never used and may be "
                   "deleted",
                   damaged, entries.size());
  outs() << fmt::format("{} entries, all intact\n", entries.size());
  return Error::success();
}

void tessera::addCacheCommand(CLI::App &app, Action &action) {
  CLI::App *command = app.add_subcommand("cache", "Looks into the kernels kept on disk");
  command->require_subcommand(1);
  auto add = [&](const char *name, const char *help, Error (*run)(const Config &)) {
    command->add_subcommand(name, help)->callback([&action, run] { action = run; });
  };
  add("ls", "Lists the entries, the most recently used first", listEntries);
  add("verify", "Reads every entry; fails when one is damaged", verifyEntries);
  add("dir", "Prints the folder that kernels are kept in", printFolder);
}
