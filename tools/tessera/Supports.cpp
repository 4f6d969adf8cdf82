//===- Supports.cpp - tessera supports: what a key may say ----------------===//

#include "dsl/Key.h"
#include "dsl/Refusal.h"
#include "tools/tessera/Command.h"
#include "tools/tessera/Machine.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <CLI/CLI.hpp>

using namespace llvm;
using namespace tessera;

/// How a field's values are spelled.
static std::string valuesOf(const KeyField &field) {
  const std::string spelling = field.spelling.str();
  const std::string words = join(field.words, " | ");
  switch (field.kind) {
  case KeyFieldKind::enumeration:
    return words;
  case KeyFieldKind::dtype:
    return spelling == "q" ? words : spelling + "=(" + words + ")";
  case KeyFieldKind::integer:
    return spelling == "d" ? "dN" : spelling + "=N";
  case KeyFieldKind::flag:
    return spelling;
  }
  llvm_unreachable("unknown kind of field");
}

static Error printFields(const Config &) {
  for (const KeyField &field : keyFields())
    outs() << fmt::format("{:<24} {}\n", valuesOf(field), std::string_view(field.help));
  return Error::success();
}

/// What is wrong with a key, one line for each part.
static void print(const Refusal &refusal) {
  auto line = [](const char *name, std::string_view text) {
    if (!text.empty())
      outs() << fmt::format("  {:<9} {}\n", name, text);
  };
  outs() << "not supported\n";
  line("code", str(refusal.code));
  line("subject", refusal.subject);
  line("found", refusal.found);
  line("expected", refusal.expected);
  line("nearest", refusal.nearest);
}

static Error runSupports(const std::string &text) {
  Expected<Key> key = parseKey(text);
  if (!key)
    return handleErrors(key.takeError(), [](std::unique_ptr<Refusal> refusal) -> Error {
      print(*refusal);
      return Error(std::move(refusal));
    });
  outs() << str(*key) << "\nsupported\n";
  return Error::success();
}

/// What this machine computes with, the fastest last.
static Error printMachines(const Config &) {
  for (const char *name : {"host", "cuda"}) {
    Expected<Machine> machine = findMachine(name);
    if (machine)
      outs() << fmt::format("{:<6} {}\n", std::string_view(str(machine->target)), machine->name);
    else
      consumeError(machine.takeError()); // no GPU, or one without kernels
  }
  return Error::success();
}

void tessera::addSupports(CLI::App &app, Action &action) {
  CLI::App *command = app.add_subcommand("supports", "Tells whether there is a kernel for a key");
  auto key = std::make_shared<std::string>();
  auto list = std::make_shared<bool>(false), here = std::make_shared<bool>(false);
  CLI::Option *given = command->add_option("--key", *key, "The key to look at")->type_name("KEY");
  CLI::Option *fields =
      command->add_flag("--list", *list, "Lists the fields of a key")->excludes(given);
  command->add_flag("--here", *here, "Lists the targets that this machine computes with")
      ->excludes(given)
      ->excludes(fields);
  command->callback([&action, key, given, list, here] {
    if (!given->count() && !*list && !*here)
      throw CLI::RequiredError("--key, --list or --here");
    if (*list)
      action = printFields;
    else if (*here)
      action = printMachines;
    else
      action = [key](const Config &) { return runSupports(*key); };
  });
}
