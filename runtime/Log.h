//===- Log.h - What the library says on stderr ----------------------------===//
//
// For what is no error of the caller's: a damaged cache entry, a full disk.
// Each message is one line, written at once, so that those of several threads
// and processes do not mix.
//
//===----------------------------------------------------------------------===//

#ifndef TESSERA_RUNTIME_LOG_H
#define TESSERA_RUNTIME_LOG_H

#include "llvm/ADT/StringRef.h"

#include <fmt/format.h>

namespace tessera {

/// What is said: nothing, what may need attention, or also progress.
enum class LogLevel { Quiet, Warn, Info };

/// Sets the level of the whole process, initially `Warn`.
void setLogLevel(LogLevel level);
LogLevel logLevel();

namespace detail {
void writeLog(LogLevel level, llvm::StringRef text);
/// True the first time this process asks for `id`.
bool isFirst(llvm::StringRef id);
} // namespace detail

template <class... Args>
void warn(fmt::format_string<Args...> format, Args &&...args) {
  if (logLevel() >= LogLevel::Warn)
    detail::writeLog(LogLevel::Warn, fmt::format(format, std::forward<Args>(args)...));
}

template <class... Args>
void info(fmt::format_string<Args...> format, Args &&...args) {
  if (logLevel() >= LogLevel::Info)
    detail::writeLog(LogLevel::Info, fmt::format(format, std::forward<Args>(args)...));
}

/// Warns unless this process has warned under the same `id` before. The id
/// names the thing that is wrong, e.g. a path, not the call.
template <class... Args>
void warnOnce(llvm::StringRef id, fmt::format_string<Args...> format, Args &&...args) {
  if (logLevel() >= LogLevel::Warn && detail::isFirst(id))
    warn(format, std::forward<Args>(args)...);
}

} // namespace tessera

#endif // TESSERA_RUNTIME_LOG_H
