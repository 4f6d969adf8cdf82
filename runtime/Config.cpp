//===- Config.cpp - The settings of the process ---------------------------===//

#include "runtime/Config.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Threading.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>
#include <limits>
#include <mutex>
#include <optional>
#include <unistd.h>

using namespace llvm;

namespace tessera {

//===----------------------------------------------------------------------===//
// Values as text
//===----------------------------------------------------------------------===//

static constexpr unsigned maxThreads = 65536;

static bool parse(StringRef text, bool &value) {
  auto parsed = StringSwitch<std::optional<bool>>(text.lower())
                    .Cases({"on", "1", "true", "yes"}, true)
                    .Cases({"off", "0", "false", "no"}, false)
                    .Default(std::nullopt);
  value = parsed.value_or(value);
  return parsed.has_value();
}

// Absolute, because the working folder may change before the path is used.
static bool parse(StringRef text, std::string &path) {
  SmallString<128> absolute(text);
  if (sys::fs::make_absolute(absolute))
    return false;
  sys::path::remove_dots(absolute);
  path = absolute.str();
  return true;
}

static bool parse(StringRef text, std::vector<std::string> &paths) {
  for (StringRef part : split(text, ':'))
    if (part.empty() || !parse(part, paths.emplace_back()))
      return false;
  return true;
}

static bool parse(StringRef text, unsigned &count) {
  return !text.getAsInteger(10, count) && count <= maxThreads;
}

static constexpr StringLiteral byteSuffixes("KMG");

static bool parseBytes(StringRef text, uint64_t &bytes) {
  size_t suffix = byteSuffixes.find_insensitive(text.take_back());
  unsigned shift = 0;
  if (!text.empty() && suffix != StringRef::npos) {
    shift = 10 * (suffix + 1);
    text = text.drop_back();
  }
  uint64_t count;
  if (text.getAsInteger(10, count) || count == 0 ||
      count > std::numeric_limits<uint64_t>::max() >> shift)
    return false;
  bytes = count << shift;
  return true;
}

static std::string showBytes(uint64_t bytes) {
  unsigned suffix = 0;
  for (; suffix < byteSuffixes.size() && bytes && bytes % 1024 == 0; ++suffix)
    bytes /= 1024;
  return utostr(bytes) + byteSuffixes.take_front(suffix).take_back().str();
}

static bool parse(StringRef text, LogLevel &level) {
  auto parsed = StringSwitch<std::optional<LogLevel>>(text)
                    .Case("quiet", LogLevel::Quiet)
                    .Case("warn", LogLevel::Warn)
                    .Case("info", LogLevel::Info)
                    .Default(std::nullopt);
  level = parsed.value_or(level);
  return parsed.has_value();
}

static std::string show(bool value) { return value ? "on" : "off"; }
static std::string show(const std::string &text) { return text; }
static std::string show(unsigned count) { return utostr(count); }
static std::string show(const std::vector<std::string> &paths) { return join(paths, ":"); }
static std::string show(LogLevel level) {
  return level == LogLevel::Quiet ? "quiet" : level == LogLevel::Warn ? "warn" : "info";
}

//===----------------------------------------------------------------------===//
// The list
//===----------------------------------------------------------------------===//

namespace {
struct Variable {
  StringLiteral name;
  StringLiteral expected; ///< Completes "expected ...".
  StringLiteral help;
  bool (*parse)(StringRef, Config &);
  std::string (*show)(const Config &);
};
} // namespace

template <auto Config::*field>
static bool parseField(StringRef text, Config &config) {
  return parse(text, config.*field);
}
template <auto Config::*field>
static std::string showField(const Config &config) {
  return show(config.*field);
}

// Defaults are those of the struct.
static constexpr Variable variables[] = {
    {"TESSERA_CACHE", "on or off", "Keep compiled kernels on disk.", parseField<&Config::cache>,
     showField<&Config::cache>},
    {"TESSERA_CACHE_DIR", "a folder",
     "Folder of the kernel cache; by default $XDG_CACHE_HOME/tessera, else "
     "$HOME/.cache/tessera.",
     parseField<&Config::cacheDir>, showField<&Config::cacheDir>},
    {"TESSERA_CACHE_LAYERS", "folders separated by single colons",
     "Read-only cache folders, looked up in order after TESSERA_CACHE_DIR.",
     parseField<&Config::cacheLayers>, showField<&Config::cacheLayers>},
    {"TESSERA_CACHE_LIMIT", "a positive number of bytes, with K, M or G for powers of 1024",
     "Size of the kernel cache; the least recently used entries go first.",
     [](StringRef text, Config &config) { return parseBytes(text, config.cacheLimit); },
     [](const Config &config) { return showBytes(config.cacheLimit); }},
    {"TESSERA_DUMP", "a folder", "Write the IR of every stage of every compilation here.",
     parseField<&Config::dump>, showField<&Config::dump>},
    {"TESSERA_HELP", "on or off", "Print this list once, to stderr.", parseField<&Config::help>,
     showField<&Config::help>},
    {"TESSERA_LIBRARY", "a file", "The libtessera.so that the Python package loads.",
     parseField<&Config::library>, showField<&Config::library>},
    {"TESSERA_LOG", "quiet, warn or info",
     "What the library says on stderr. Errors are returned, never printed.",
     parseField<&Config::log>, showField<&Config::log>},
    {"TESSERA_PTXAS", "a program, or driver",
     "The ptxas that assembles GPU kernels; driver: the driver's own compiler. By default the "
     "ptxas of $CUDA_HOME, $CUDA_PATH, $PATH, /usr/local/cuda or the PyPI packages, else the "
     "driver.",
     [](StringRef text, Config &config) {
       if (text != Config::driverAssembles)
         return parse(text, config.assembler);
       config.assembler = text;
       return true;
     },
     showField<&Config::assembler>},
    {"TESSERA_THREADS", "a number from 0 to 65536",
     "Threads of the host target; 0: all cores that the affinity allows.",
     parseField<&Config::threads>, showField<&Config::threads>},
};

static const Variable *findVariable(StringRef name) {
  const Variable *found =
      llvm::find_if(variables, [&](const Variable &v) { return v.name == name; });
  return found == std::end(variables) ? nullptr : found;
}

static StringRef nearestName(StringRef name) {
  auto distance = [&](const Variable &v) { return name.edit_distance(v.name); };
  return std::min_element(
             std::begin(variables), std::end(variables),
             [&](const Variable &a, const Variable &b) { return distance(a) < distance(b); })
      ->name;
}

//===----------------------------------------------------------------------===//
// Config
//===----------------------------------------------------------------------===//

template <class... Args>
static Error invalid(fmt::format_string<Args...> format, Args &&...args) {
  return createStringError(fmt::format(format, std::forward<Args>(args)...),
                           std::make_error_code(std::errc::invalid_argument));
}

static Error readVariable(StringRef name, StringRef value, Config &config) {
  const Variable *variable = findVariable(name);
  if (!variable)
    return invalid("{}: unknown variable; the nearest is {} (TESSERA_HELP=1 "
                   "lists all)",
                   name.str(), nearestName(name).str());
  if (value.empty())
    return Error::success();
  if (!variable->parse(value, config))
    return invalid("{}: found '{}', expected {}", name.str(), value.str(),
                   variable->expected.str());
  config.origins[name] = "environment";
  return Error::success();
}

/// Fills `config` as far as possible and reports everything that is wrong.
static Error readAll(const char *const *environment, Config &config) {
  Error errors = Error::success();
  StringRef xdgCacheHome, home, cudaHome, cudaPath, virtualEnv;
  for (; environment && *environment; ++environment) {
    auto [name, value] = StringRef(*environment).split('=');
    if (name == "XDG_CACHE_HOME")
      xdgCacheHome = value;
    else if (name == "HOME")
      home = value;
    else if (name == "CUDA_HOME")
      cudaHome = value;
    else if (name == "CUDA_PATH")
      cudaPath = value;
    else if (name == "VIRTUAL_ENV")
      virtualEnv = value;
    else if (name.starts_with("TESSERA_"))
      errors = joinErrors(std::move(errors), readVariable(name, value, config));
  }
  for (StringRef folder : {cudaHome, cudaPath})
    if (!folder.empty())
      config.cudaFolders.push_back(folder.str());
  if (!virtualEnv.empty())
    config.pythonFolders.insert(config.pythonFolders.begin(), virtualEnv.str());
  if (config.origins.contains("TESSERA_CACHE_DIR"))
    return errors;

  // The XDG base directory specification: a relative path is to be ignored.
  SmallString<128> folder;
  StringRef origin;
  if (sys::path::is_absolute(xdgCacheHome)) {
    origin = "$XDG_CACHE_HOME";
    sys::path::append(folder, xdgCacheHome, "tessera");
  } else if (sys::path::is_absolute(home)) {
    origin = "$HOME";
    sys::path::append(folder, home, ".cache", "tessera");
  } else {
    return errors;
  }
  config.cacheDir = folder.str();
  config.origins["TESSERA_CACHE_DIR"] = origin;
  return errors;
}

Expected<Config> Config::fromEnvironment() {
  Config config;
  Error errors = readAll(environ, config);
  static std::once_flag printed;
  if (config.help)
    std::call_once(printed, [&] { config.print(errs()); });
  if (errors)
    return errors;
  return config;
}

Expected<Config> Config::fromList(const char *const *environment) {
  Config config;
  if (Error errors = readAll(environment, config))
    return errors;
  return config;
}

unsigned Config::hostThreads() const {
  if (threads)
    return threads;
  return std::max(1u, hardware_concurrency().compute_thread_count());
}

void Config::print(raw_ostream &os) const {
  const Config defaults;
  for (const Variable &variable : variables) {
    auto origin = origins.find(variable.name);
    os << variable.name << "=" << variable.show(*this) << "  ("
       << (origin == origins.end() ? "default" : origin->second);
    std::string usual = variable.show(defaults);
    if (!usual.empty() && usual != variable.show(*this))
      os << ", by default " << usual;
    os << ")\n    " << variable.help << " Expects " << variable.expected << ".\n";
  }
}

} // namespace tessera
