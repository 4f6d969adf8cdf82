//===- Log.cpp - What the library says on stderr --------------------------===//

#include "runtime/Log.h"

#include "llvm/ADT/StringSet.h"

#include <atomic>
#include <mutex>
#include <unistd.h>

namespace tessera {

static std::atomic<LogLevel> currentLevel = LogLevel::Warn;

void setLogLevel(LogLevel level) { currentLevel.store(level, std::memory_order_relaxed); }

LogLevel logLevel() { return currentLevel.load(std::memory_order_relaxed); }

void detail::writeLog(LogLevel level, llvm::StringRef text) {
  std::string line = fmt::format("tessera: {}{}\n", level == LogLevel::Warn ? "warning: " : "",
                                 std::string_view(text));
  // One write per line; where stderr is gone there is nobody to tell.
  [[maybe_unused]] ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}

bool detail::isFirst(llvm::StringRef id) {
  // Never destroyed: threads may still log while the process exits.
  static std::mutex &mutex = *new std::mutex;
  static llvm::StringSet<> &seen = *new llvm::StringSet<>;
  std::lock_guard lock(mutex);
  return seen.insert(id).second;
}

} // namespace tessera
