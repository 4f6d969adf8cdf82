//===- Random.cpp - the program tessera-random ----------------------------===//
//
// Runs calls of attention drawn from a seed: features, types, widths, lengths,
// layouts. A failure is printed with the command that runs it alone.
//
//===----------------------------------------------------------------------===//

#include "test/kernels/Random.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/PrettyStackTrace.h"
#include "llvm/Support/Signals.h"

#include <atomic>
#include <fmt/format.h>
#include <mutex>
#include <random>
#include <thread>

using namespace tessera;
using namespace tessera::test;

namespace {

struct Options {
  uint64_t cases = 400;
  uint64_t seed = 0;
  std::optional<uint64_t> only;
  unsigned threads = std::thread::hardware_concurrency();
  bool simplify = false;
};

constexpr const char *usage =
    "tessera-random [--cases N] [--seed S] [--only I] [--threads T] [--simplify]\n"
    "  --cases N    so many cases; 400 if not given\n"
    "  --seed S     of this seed; a fresh one if not given\n"
    "  --only I     of these only one\n"
    "  --threads T  so many at a time\n"
    "  --simplify   also look for a simpler case that fails\n";

/// Reads the command line; false if it makes no sense.
bool parse(int count, char **words, Options &options) {
  bool hasSeed = false;
  for (int i = 1; i < count; ++i) {
    llvm::StringRef word = words[i];
    if (word == "--simplify") {
      options.simplify = true;
      continue;
    }
    uint64_t number;
    if (i + 1 == count || llvm::StringRef(words[i + 1]).getAsInteger(0, number))
      return false;
    ++i;
    if (word == "--cases")
      options.cases = number;
    else if (word == "--seed")
      options.seed = number, hasSeed = true;
    else if (word == "--only")
      options.only = number;
    else if (word == "--threads" && number > 0)
      options.threads = static_cast<unsigned>(number);
    else
      return false;
  }
  if (!hasSeed)
    options.seed = uint64_t(std::random_device()()) << 32 | std::random_device()();
  return true;
}

/// Runs one case; true if it is as it should be.
bool runCase(const Options &options, uint64_t index) {
  std::string repro = fmt::format("tessera-random --seed {} --only {}", options.seed, index);
  llvm::PrettyStackTraceString whoCrashed(repro.c_str());
  Sample sample = drawSample(options.seed, index);
  std::string failure = failureOf(sample);
  if (failure.empty())
    return true;
  std::string text = fmt::format("FAIL {}\n  {}\n  {}\n", repro, str(sample), failure);
  if (options.simplify) {
    Sample simple = simplify(sample);
    text += fmt::format("  simpler: {}\n  {}\n", str(simple), failureOf(simple));
  }
  static std::mutex mutex;
  std::lock_guard lock(mutex);
  fmt::print("{}", text);
  std::fflush(stdout);
  return false;
}

} // namespace

int main(int count, char **words) {
  llvm::sys::PrintStackTraceOnErrorSignal(words[0]);
  llvm::EnablePrettyStackTrace();
  // A compiler that gives up is a crash too: it names the case.
  llvm::install_fatal_error_handler([](void *, const char *reason, bool) {
    fmt::print(stderr, "{}\n", reason);
    std::abort();
  });
  Options options;
  if (!parse(count, words, options)) {
    fmt::print(stderr, "{}", usage);
    return 2;
  }
  fmt::print("seed {}\n", options.seed);
  std::fflush(stdout);

  uint64_t end = options.only ? *options.only + 1 : options.cases;
  std::atomic<uint64_t> next = options.only.value_or(0), passed = 0, failed = 0;
  auto work = [&] {
    for (uint64_t index = next++; index < end; index = next++)
      ++(runCase(options, index) ? passed : failed);
  };
  std::vector<std::thread> workers;
  for (unsigned n = 1; n < options.threads; ++n)
    workers.emplace_back(work);
  work();
  for (std::thread &worker : workers)
    worker.join();
  fmt::print("{} passed, {} failed\n", passed.load(), failed.load());
  return failed ? 1 : 0;
}
