//===- Command.h - the pattern of a subcommand ----------------------------===//
//
// A subcommand is one file with one function, `addX`, which registers options
// and says what to do once they are parsed:
//
//   void tessera::addX(CLI::App &app, Action &action) {
//     CLI::App *command = app.add_subcommand("x", "What it does.");
//     auto key = std::make_shared<std::string>();
//     command->add_option("--key", *key, "...")->type_name("TEXT")->required();
//     command->callback([&action, key] {
//       action = [key](const Config &config) { return runX(*key, config); };
//     });
//   }
//
// What is wrong with the command line itself ends the program with status 2,
// before any action runs. An action that fails ends it with status 1 and
// "tessera: error: <text>" on stderr, so a failed comparison is an error too.
//
//===----------------------------------------------------------------------===//

#ifndef TESSERA_TOOLS_TESSERA_COMMAND_H
#define TESSERA_TOOLS_TESSERA_COMMAND_H

#include "runtime/Config.h"

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/Error.h"

#include <fmt/format.h>

#include <functional>

namespace CLI {
class App;
} // namespace CLI

namespace llvm {
class raw_ostream;
} // namespace llvm

namespace tessera {

/// What the command line asks for. The settings come from the environment.
using Action = std::function<llvm::Error(const Config &)>;

void addAttend(CLI::App &app, Action &action);
void addCacheCommand(CLI::App &app, Action &action);
void addCompile(CLI::App &app, Action &action);
void addExplain(CLI::App &app, Action &action);
void addSupports(CLI::App &app, Action &action);

/// An error of this text.
template <class... Args>
llvm::Error failure(fmt::format_string<Args...> format, Args &&...args) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                 fmt::format(format, std::forward<Args>(args)...));
}

/// Writes a file with what `write` prints, replacing what was there. Fails with the
/// path and the reason.
llvm::Error writeFile(const std::string &path, llvm::function_ref<void(llvm::raw_ostream &)> write);

} // namespace tessera

#endif // TESSERA_TOOLS_TESSERA_COMMAND_H
