//===- KeyFields.cpp - the documentation pages that follow from the key ---===//
//
//   tessera-key-docs fields    every field, from dsl/Key.def
//   tessera-key-docs matrix    what `validate` says of each of docs/SupportCells.h
//
// scripts/docs.sh writes the output to docs/; test/docs compares the two.
//
//===----------------------------------------------------------------------===//

#include "docs/SupportCells.h"
#include "dsl/Refusal.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <fmt/format.h>
#include <optional>

using namespace llvm;
using namespace tessera;

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

/// The values of an enum or a dtype field: `f32`, `f16`, ...
static std::string wordsOf(StringRef name) {
  for (const KeyField &field : keyFields())
    if (field.name == name)
      return join(map_range(field.words, [](StringRef word) { return "`" + word.str() + "`"; }),
                  ", ");
  llvm_unreachable("not a field");
}

/// What is said in front of a page.
static void printHeader(StringRef source, StringRef title) {
  outs() << fmt::format("<!-- Made by tessera-key-docs: edit {}, then run "
                        "scripts/docs.sh. -->\n# {}\n\n",
                        source.str(), title.str());
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

/// What a type is that a key leaves out: that of another operand.
static std::string standardOf(StringRef operand, DType type) {
  if (operand == "q")
    return "`" + str(type).str() + "`";
  return operand == "v" ? "`kv`" : "`q`";
}

static int printFields() {
  printHeader("dsl/Key.def", "The fields of the key");
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
            standardOf(spelling, defaults.name), 1, help);
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

/// Why a key is refused; none if it is not.
static std::optional<Refusal> refusalOf(Error problem) {
  std::optional<Refusal> why;
  handleAllErrors(std::move(problem), [&](const Refusal &refusal) { why = refusal; });
  return why;
}

static void printRow(ArrayRef<std::string> cells) {
  outs() << "| " << join(cells, " | ") << " |\n";
}

static void printLine(size_t columns) {
  outs() << "|";
  while (columns--)
    outs() << "---|";
  outs() << "\n";
}

/// Yes or no in each cell, and below why it is no.
static void printTable(const SupportTable &table) {
  outs() << "\n## " << table.title << "\n\n";
  std::vector<std::string> cells{table.corner};
  for (const SupportChoice &column : table.columns)
    cells.push_back(column.title);
  printRow(cells);
  printLine(cells.size());

  std::vector<std::string> reasons; // each once, numbered from 1
  for (const SupportChoice &row : table.rows) {
    cells = {row.title};
    for (const SupportChoice &column : table.columns) {
      std::optional<Refusal> why = refusalOf(validate(table.cell(row, column).key));
      if (!why) {
        cells.push_back("yes");
        continue;
      }
      std::string reason =
          fmt::format("`{}`, {}: expected {}", str(why->code).str(), why->subject, why->expected);
      auto known = find(reasons, reason);
      cells.push_back(fmt::format("no ({})", known - reasons.begin() + 1));
      if (known == reasons.end())
        reasons.push_back(reason);
    }
    printRow(cells);
  }
  for (auto [i, reason] : enumerate(reasons))
    outs() << fmt::format("\n({}) {}\n", i + 1, reason);
}

/// The accepted values of a size, as `0, 8 to 512 in steps of 8`.
static std::string acceptedValues(const SupportSize &size) {
  std::vector<int64_t> values;
  for (int64_t value = 0; value <= 2 * size.most; ++value)
    if (!refusalOf(validate(size.cell(value).key)))
      values.push_back(value);
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

static int printMatrix() {
  printHeader("docs/SupportCells.h", "What is supported");
  outs() << "Each cell was asked of `validate` when this page was made, and "
            "[test/kernels/SupportMatrix.cpp](../test/kernels/SupportMatrix.cpp)\n"
            "goes over the same list: for a yes it computes a small call, with sequences of "
            "different lengths where they can differ, and holds it\n"
            "against the reference; for a no it expects the refusal. [Views](views.md) explains "
            "the columns. `tessera supports --key=KEY` answers\n"
            "for any key.\n\n"
            "Where a table does not say otherwise, operands are `"
         << str(Key().q) << "`.\n";
  for (const SupportTable &table : supportTables())
    printTable(table);

  outs() << "\n## Sizes\n\nOf the key's text; 0 is `d` for `dv`, and for a tile what the "
            "schedule chooses.\n\n";
  printRow({"size", "supported"});
  printLine(2);
  for (const SupportSize &size : supportSizes())
    printRow({size.title, acceptedValues(size)});

  outs() << "\n## Keys that are refused\n\nWith the code, and what the message says.\n\n";
  printRow({"key", "code", "message"});
  printLine(3);
  for (const std::string &key : supportRefusals()) {
    std::optional<Refusal> why = refusalOf(parseKey(key).takeError());
    if (!why)
      return 1; // the list is wrong
    printRow({"`" + key + "`", "`" + str(why->code).str() + "`", why->message()});
  }
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
