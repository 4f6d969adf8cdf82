//===- Compile.cpp - tessera compile: a kernel at any stage ---------------===//

#include "dsl/Key.h"
#include "runtime/Compiler.h"
#include "tools/tessera/Command.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

#include <CLI/CLI.hpp>

#include <chrono>
#include <sys/resource.h>

using namespace llvm;
using namespace tessera;

namespace {

struct CompileOptions {
  std::string key, stage = "specialized", output = "-";
  bool time = false;
};

} // namespace

/// The most memory that this process has held.
static double peakMegabytes() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss / 1024.0; // Linux counts kilobytes
}

static Error runCompile(const CompileOptions &options, const Config &config) {
  Expected<Key> key = parseKey(options.key);
  if (!key)
    return key.takeError();
  Expected<Stage> stage = parseStage(options.stage);
  if (!stage)
    return stage.takeError();

  const auto start = std::chrono::steady_clock::now();
  Expected<std::string> text = Compiler(config.dump).emit(*key, *stage);
  const std::chrono::duration<double, std::milli> elapsed =
      std::chrono::steady_clock::now() - start;
  if (!text)
    return text.takeError();
  if (options.time)
    errs() << fmt::format("{} to {}: {:.1f} ms, peak memory {:.1f} MB\n", str(*key), options.stage,
                          elapsed.count(), peakMegabytes());

  if (options.output != "-")
    return writeFile(options.output, [&](raw_ostream &os) { os << *text; });
  outs() << *text;
  return Error::success();
}

/// CLI11's form of a check: what is wrong, or nothing.
static std::string checkStage(const std::string &name) {
  Expected<Stage> stage = parseStage(name);
  return stage ? "" : toString(stage.takeError());
}

void tessera::addCompile(CLI::App &app, Action &action) {
  CLI::App *command =
      app.add_subcommand("compile", "Prints a kernel at one stage of its compilation");
  auto options = std::make_shared<CompileOptions>();
  command->add_option("--key", options->key, "The kernel, e.g. f32,d64,causal")
      ->type_name("KEY")
      ->required();
  std::string help = "What to print:";
  for (const StageInfo &info : stages())
    help += fmt::format("\n  {:<12} {}", std::string_view(info.name), std::string_view(info.help));
  command->add_option("--emit", options->stage, help)
      ->type_name("STAGE")
      ->capture_default_str()
      ->check(CLI::Validator(checkStage, ""));
  command->add_option("-o,--output", options->output, "- is stdout")
      ->type_name("FILE")
      ->capture_default_str();
  command->add_flag("--time", options->time, "Tells the time and the peak memory on stderr");
  command->callback([&action, options] {
    action = [options](const Config &config) { return runCompile(*options, config); };
  });
}
