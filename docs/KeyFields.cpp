//===- KeyFields.cpp - the documentation pages that follow from the key ---===//
//
//   tessera-key-docs fields    every field, from dsl/Key.def
//   tessera-key-docs matrix    every value that `validate` accepts, by trying
//
// scripts/docs.sh writes the output to docs/; test/docs compares the two.
//
//===----------------------------------------------------------------------===//

#include "dsl/Key.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <fmt/format.h>

using namespace llvm;
using namespace tessera;

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

static constexpr DType dtypes[] = {DType::f32, DType::f16, DType::bf16};

/// The values of an enum or a dtype field: `f32`, `f16`, ...
static std::string wordsOf(StringRef name) {
  for (const KeyField &field : keyFields())
    if (field.name == name)
      return join(map_range(field.words, [](StringRef word) { return "`" + word.str() + "`"; }),
                  ", ");
  llvm_unreachable("not a field");
}

static bool isSupported(const Key &key) {
  Error problem = validate(key);
  bool supported = !problem;
  consumeError(std::move(problem));
  return supported;
}

/// What is said in front of a page.
static void printHeader(StringRef title) {
  outs() << fmt::format("<!-- Made by tessera-key-docs: edit dsl/Key.def, then run "
                        "scripts/docs.sh. -->\n# {}\n\n",
                        title.str());
}

//===----------------------------------------------------------------------===//
// Fields
//===----------------------------------------------------------------------===//

namespace {

/// A row of the table of fields.
class FieldRow {
public:
  void print(StringRef name, StringRef spelling, StringRef values, StringRef standard, size_t bytes,
             StringRef help) {
    std::string place = std::to_string(offset);
    if (bytes > 1)
      place += fmt::format("-{}", offset + bytes - 1);
    outs() << fmt::format("| `{}` | {} | {} | {} | {} | {} |\n", name.str(), spelling.str(),
                          values.str(), standard.str(), place, help.str());
    offset += bytes;
  }
  size_t bytes() const { return offset; }

private:
  size_t offset = 1; // behind the version
};

} // namespace

static int printFields() {
  printHeader("The fields of the key");
  outs() << "In the order of `dsl/Key.def`, which is that of the text and of "
            "the canonical "
            "bytes.\n\n"
            "| field | in the text | values | default | bytes | meaning |\n"
            "|---|---|---|---|---|---|\n";
  const Key defaults;
  FieldRow row;
#define TESSERA_KEY_ENUM(name, Type, value, help)                                                  \
  row.print(#name, "its value", wordsOf(#name), "`" #value "`", 1, help);
#define TESSERA_KEY_DTYPE(name, spelling, help)                                                    \
  row.print(#name, spelling[0] == 'q' ? "its value" : "`" spelling "=...`", wordsOf("q"),          \
            spelling[0] == 'q' ? "`" + str(defaults.name).str() + "`" : "`q`", 1, help);
#define TESSERA_KEY_INT(name, spelling, value, help)                                               \
  row.print(#name, StringRef(spelling) == "d" ? "`d64`" : "`" spelling "=64`", "integer",          \
            "`" #value "`", 8, help);
#define TESSERA_KEY_FLAG(name, spelling, help)                                                     \
  row.print(#name, "`" spelling "`", "on, off", "off", 1, help);
#include "dsl/Key.def"

  outs() << fmt::format("\nByte 0 is the version, now {}. A key has {} bytes; integers are "
                        "little-endian.\n\nThe default key is `{}`.\n",
                        keyVersion, row.bytes(), str(defaults));
  // The table tells the truth about the bytes, or there is no table.
  return row.bytes() == canonicalBytes(defaults).size() ? 0 : 1;
}

//===----------------------------------------------------------------------===//
// Support
//===----------------------------------------------------------------------===//

/// The accepted values of an integer field, as `0, 8 to 512 in steps of 8`.
static std::string acceptedValues(int64_t Key::*field) {
  constexpr int64_t most = 4096; // no width or tile is near it
  std::vector<int64_t> values;
  for (int64_t value = 0; value <= most; ++value) {
    Key key;
    key.*field = value;
    if (isSupported(key))
      values.push_back(value);
  }
  std::string text;
  for (size_t i = 0, end; i < values.size(); i = end) {
    int64_t step = i + 1 < values.size() ? values[i + 1] - values[i] : 0;
    // A default of zero stands for something else than a size.
    if (values[i] == 0)
      step = 0;
    for (end = i + 1; step && end < values.size() && values[end] - values[end - 1] == step;)
      ++end;
    text += text.empty() ? "" : ", ";
    if (end - i > 2)
      text += fmt::format("{} to {} in steps of {}", values[i], values[end - 1], step);
    else
      text += fmt::format("{}", values[i]), end = i + 1;
  }
  return text;
}

/// How many of the combinations of all flags are accepted.
static std::string acceptedFlags(ArrayRef<bool Key::*> flags) {
  size_t all = size_t(1) << flags.size(), accepted = 0;
  for (size_t chosen = 0; chosen < all; ++chosen) {
    Key key;
    for (auto [i, flag] : enumerate(flags))
      key.*flag = chosen >> i & 1;
    accepted += isSupported(key);
  }
  return accepted == all ? fmt::format("all {} combinations", all)
                         : fmt::format("{} of {} combinations", accepted, all);
}

static std::string acceptedTypes() {
  size_t all = 0, accepted = 0;
  for (DType q : dtypes)
    for (DType kv : dtypes)
      for (DType o : dtypes) {
        Key key;
        key.q = q, key.kv = kv, key.o = o;
        ++all;
        accepted += isSupported(key);
      }
  return accepted == all ? fmt::format("all {} combinations", all)
                         : fmt::format("{} of {} combinations", accepted, all);
}

static int printMatrix() {
  printHeader("What is supported");
  outs() << "Every value below was tried against `validate`. `tessera supports "
            "--key=KEY` "
            "answers for one key.\n\n"
            "| field | supported |\n|---|---|\n";
#define TESSERA_KEY_ENUM(name, Type, value, help)                                                  \
  outs() << "| " #name " | " << wordsOf(#name) << " |\n";
#include "dsl/Key.def"
  outs() << "| types of `q`, `kv`, `o` | each one of " << wordsOf("q") << "; " << acceptedTypes()
         << " |\n";
#define TESSERA_KEY_INT(name, spelling, value, help)                                               \
  outs() << "| `" spelling "` | " << acceptedValues(&Key::name) << " |\n";
#include "dsl/Key.def"

  const std::pair<StringRef, bool Key::*> flags[] = {
#define TESSERA_KEY_FLAG(name, spelling, help) {spelling, &Key::name},
#include "dsl/Key.def"
  };
  SmallVector<bool Key::*> members;
  std::string names;
  for (auto [spelling, member] : flags) {
    names += fmt::format("{}`{}`", names.empty() ? "" : ", ", spelling.str());
    members.push_back(member);
  }
  outs() << "| features | " << names << "; " << acceptedFlags(members) << " |\n";
  return 0;
}

int main(int argc, char **argv) {
  StringRef page = argc == 2 ? argv[1] : "";
  if (page == "fields")
    return printFields();
  if (page == "matrix")
    return printMatrix();
  errs() << "usage: tessera-key-docs fields|matrix\n";
  return 2;
}
