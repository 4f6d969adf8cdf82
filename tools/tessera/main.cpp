//===- main.cpp - the tessera command line --------------------------------===//

#include "tools/tessera/Command.h"

#include "llvm/Config/llvm-config.h"
#include "llvm/Support/raw_ostream.h"

#include <CLI/CLI.hpp>

using namespace llvm;
using namespace tessera;

// Told apart by scripts: the command line is wrong, or what it asked for
// failed.
static constexpr int failed = 1, misused = 2;

static constexpr const char *description =
    "Attention kernels, compiled on demand from one program.";

static constexpr const char *footer =
    "A key names one variant of a kernel, e.g. fwd,host,bf16,d128,causal; "
    "`tessera supports\n--list` explains its fields. Settings come from "
    "TESSERA_* variables; TESSERA_HELP=1\nprints them.";

static int report(Error error) {
  if (!error)
    return 0;
  outs().flush(); // what was found comes before what is wrong with it
  errs() << "tessera: error: " << toString(std::move(error)) << "\n";
  return failed;
}

static Error run(const Action &action) {
  Expected<Config> config = Config::fromEnvironment();
  if (!config)
    return config.takeError();
  setLogLevel(config->log);
  return action(*config);
}

/// What is still in the buffer of stdout may not fit on a disk.
static Error flush(raw_fd_ostream &os) {
  os.flush();
  if (!os.has_error())
    return Error::success();
  const std::error_code code = os.error();
  os.clear_error(); // else the stream ends the program
  return failure("cannot write the output: {}", code.message());
}

static int misuse(const std::string &problem) {
  errs() << "tessera: error: " << problem << "\nRun with --help for what is expected.\n";
  return misused;
}

int main(int argc, char **argv) {
  CLI::App app(description, "tessera");
  Action action;
  app.require_subcommand(1);
  app.footer(footer);
  app.set_version_flag("--version", "tessera " TESSERA_VERSION ", LLVM " LLVM_VERSION_STRING);
  addAttend(app, action);
  addCompile(app, action);
  addExplain(app, action);
  addSupports(app, action);
  addCacheCommand(app, action);

  try {
    app.parse(argc, argv);
  } catch (const CLI::Success &asked) { // --help and --version
    return app.exit(asked);
  } catch (const CLI::RequiredError &error) {
    // What is missing is often there, but misspelled.
    const std::vector<std::string> unknown = app.remaining(/*recurse=*/true);
    return misuse(unknown.empty() ? error.what()
                                  : fmt::format("{} was not expected", unknown.front()));
  } catch (const CLI::ParseError &error) {
    return misuse(error.what());
  }
  const int status = report(run(action));
  const int written = report(flush(outs()));
  return status ? status : written;
}
