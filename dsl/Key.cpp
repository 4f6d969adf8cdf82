//===- Key.cpp - text, bytes and validation of the key --------------------===//

#include "dsl/Key.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallSet.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Endian.h"

#include <fmt/format.h>
#include <optional>

using namespace llvm;

namespace tessera {

//===----------------------------------------------------------------------===//
// Words of enums
//===----------------------------------------------------------------------===//

StringRef str(DType type) {
  switch (type) {
  case DType::f32:
    return "f32";
  case DType::f16:
    return "f16";
  case DType::bf16:
    return "bf16";
  }
  llvm_unreachable("unknown dtype");
}

StringRef str(Direction direction) {
  switch (direction) {
  case Direction::fwd:
    return "fwd";
  }
  llvm_unreachable("unknown direction");
}

StringRef str(Target target) {
  switch (target) {
  case Target::host:
    return "host";
  }
  llvm_unreachable("unknown target");
}

/// Every value of an enum, by a value of its type.
static ArrayRef<DType> valuesOf(DType) {
  static constexpr DType values[] = {DType::f32, DType::f16, DType::bf16};
  return values;
}
static ArrayRef<Direction> valuesOf(Direction) {
  static constexpr Direction values[] = {Direction::fwd};
  return values;
}
static ArrayRef<Target> valuesOf(Target) {
  static constexpr Target values[] = {Target::host};
  return values;
}

/// The value of an enum that is spelled `word`.
template <class Enum>
static std::optional<Enum> wordOf(StringRef word, Enum any) {
  for (Enum value : valuesOf(any))
    if (str(value) == word)
      return value;
  return std::nullopt;
}

template <class Enum>
static std::vector<StringRef> wordsOf(Enum any) {
  std::vector<StringRef> words;
  for (Enum value : valuesOf(any))
    words.push_back(str(value));
  return words;
}

//===----------------------------------------------------------------------===//
// Fields
//===----------------------------------------------------------------------===//

ArrayRef<KeyField> keyFields() {
  static const KeyField fields[] = {
#define TESSERA_KEY_ENUM(name, Type, value, help)                                                  \
  {#name, #name, help, KeyFieldKind::enumeration, wordsOf(Type::value)},
#define TESSERA_KEY_DTYPE(name, spelling, help)                                                    \
  {#name, spelling, help, KeyFieldKind::dtype, wordsOf(DType::f32)},
#define TESSERA_KEY_INT(name, spelling, value, help)                                               \
  {#name, spelling, help, KeyFieldKind::integer, {}},
#define TESSERA_KEY_FLAG(name, spelling, help) {#name, spelling, help, KeyFieldKind::flag, {}},
#include "dsl/Key.def"
  };
  return fields;
}

bool isKeyFlag(StringRef spelling) {
  return any_of(keyFields(), [&](const KeyField &field) {
    return field.kind == KeyFieldKind::flag && field.spelling == spelling;
  });
}

bool keyFlag(const Key &key, StringRef word) {
#define TESSERA_KEY_FLAG(name, spelling, help)                                                     \
  if (word == spelling)                                                                            \
    return key.name;
#include "dsl/Key.def"
  llvm_unreachable("not a flag of the key");
}

static StringRef nearest(StringRef word, bool onlyFlags) {
  StringRef nearest;
  unsigned best = ~0u;
  for (const KeyField &field : keyFields()) {
    if (onlyFlags && field.kind != KeyFieldKind::flag)
      continue;
    unsigned distance = word.edit_distance(field.spelling);
    if (distance < best) {
      best = distance;
      nearest = field.spelling;
    }
  }
  return nearest;
}

StringRef nearestKeyField(StringRef word) { return nearest(word, false); }
StringRef nearestKeyFlag(StringRef word) { return nearest(word, true); }

//===----------------------------------------------------------------------===//
// Text
//===----------------------------------------------------------------------===//

std::string str(const Key &given) {
  Key key = normalized(given), defaults;
  defaults.kv = defaults.o = key.q;
  std::string text;
  auto add = [&](const std::string &word) { text += text.empty() ? word : "," + word; };
#define TESSERA_KEY_ENUM(name, Type, value, help) add(str(key.name).str());
#define TESSERA_KEY_DTYPE(name, spelling, help)                                                    \
  if (StringRef(spelling) == "q")                                                                  \
    add(str(key.name).str());                                                                      \
  else if (key.name != defaults.name)                                                              \
    add(fmt::format("{}={}", spelling, str(key.name).str()));
#define TESSERA_KEY_INT(name, spelling, value, help)                                               \
  if (StringRef(spelling) == "d")                                                                  \
    add(fmt::format("{}{}", spelling, key.name));                                                  \
  else if (key.name != defaults.name)                                                              \
    add(fmt::format("{}={}", spelling, key.name));
#define TESSERA_KEY_FLAG(name, spelling, help)                                                     \
  if (key.name)                                                                                    \
    add(spelling);
#include "dsl/Key.def"
  return text;
}

static Error keyError(const std::string &message) {
  return createStringError(std::make_error_code(std::errc::invalid_argument), message);
}

/// Reads one word of a key's text: `causal`, `bf16`, `d64`, `block_m=96`.
/// Returns the field it set.
static Expected<StringRef> readWord(StringRef word, Key &key) {
  auto [left, right] = word.split('=');
  bool assigned = word.contains('=');
  int64_t number;
#define TESSERA_KEY_ENUM(name, Type, value, help)                                                  \
  if (auto found = wordOf(word, Type::value)) {                                                    \
    key.name = *found;                                                                             \
    return #name;                                                                                  \
  }
#define TESSERA_KEY_DTYPE(name, spelling, help)                                                    \
  if (StringRef(spelling) == "q" && !assigned) {                                                   \
    if (auto found = wordOf(word, DType::f32)) {                                                   \
      key.name = *found;                                                                           \
      return StringRef(spelling);                                                                  \
    }                                                                                              \
  }                                                                                                \
  if (assigned && left == spelling) {                                                              \
    auto found = wordOf(right, DType::f32);                                                        \
    if (!found)                                                                                    \
      return keyError(fmt::format("key: {} is \"{}\", expected one of f32, f16, bf16", spelling,   \
                                  right.str()));                                                   \
    key.name = *found;                                                                             \
    return StringRef(spelling);                                                                    \
  }
#define TESSERA_KEY_INT(name, spelling, value, help)                                               \
  if (assigned && left == spelling) {                                                              \
    if (right.getAsInteger(10, number))                                                            \
      return keyError(                                                                             \
          fmt::format("key: {} is \"{}\", expected an integer", spelling, right.str()));           \
    key.name = number;                                                                             \
    return StringRef(spelling);                                                                    \
  }                                                                                                \
  if (!assigned && word.starts_with(spelling) &&                                                   \
      !word.drop_front(StringRef(spelling).size()).getAsInteger(10, number)) {                     \
    key.name = number;                                                                             \
    return StringRef(spelling);                                                                    \
  }
#define TESSERA_KEY_FLAG(name, spelling, help)                                                     \
  if (word == spelling) {                                                                          \
    key.name = true;                                                                               \
    return StringRef(spelling);                                                                    \
  }
#include "dsl/Key.def"
  return keyError(fmt::format("key: unknown field \"{}\", the nearest is \"{}\"", word.str(),
                              nearestKeyField(left).str()));
}

Expected<Key> parseKey(StringRef text) {
  Key key;
  SmallSet<StringRef, 16> seen;
  SmallVector<StringRef> words;
  text.split(words, ',', /*MaxSplit=*/-1, /*KeepEmpty=*/false);
  for (StringRef word : words) {
    Expected<StringRef> field = readWord(word.trim(), key);
    if (!field)
      return field.takeError();
    if (!seen.insert(*field).second)
      return keyError(
          fmt::format("key: \"{}\" sets {} a second time", word.trim().str(), field->str()));
  }
  if (!seen.contains("kv"))
    key.kv = key.q;
  if (!seen.contains("o"))
    key.o = key.q;
  if (Error error = validate(key))
    return error;
  return normalized(key);
}

//===----------------------------------------------------------------------===//
// Bytes and meaning
//===----------------------------------------------------------------------===//

std::vector<uint8_t> canonicalBytes(const Key &given) {
  Key key = normalized(given);
  std::vector<uint8_t> bytes{keyVersion};
  auto addInteger = [&](int64_t value) {
    uint8_t buffer[8];
    support::endian::write64le(buffer, value);
    bytes.insert(bytes.end(), buffer, buffer + sizeof(buffer));
  };
#define TESSERA_KEY_ENUM(name, Type, value, help) bytes.push_back(static_cast<uint8_t>(key.name));
#define TESSERA_KEY_DTYPE(name, spelling, help) bytes.push_back(static_cast<uint8_t>(key.name));
#define TESSERA_KEY_INT(name, spelling, value, help) addInteger(key.name);
#define TESSERA_KEY_FLAG(name, spelling, help) bytes.push_back(key.name);
#include "dsl/Key.def"
  return bytes;
}

Key normalized(Key key) {
  if (key.headDimV == key.headDim)
    key.headDimV = 0;
  // Without a window every key is visible already.
  if (!key.windowLeft && !key.windowRight)
    key.sinkTokens = false;
  // Where a query stands matters only to what compares positions.
  if (!key.causal && !key.windowLeft && !key.windowRight && !key.alibi)
    key.topLeft = false;
  return key;
}

/// Widths are multiples of this: one 16-byte access of a 16-bit type.
static constexpr int64_t widthStep = 8;
static constexpr int64_t maxWidth = 512;
static constexpr int64_t maxBlock = 1024;

Error validate(const Key &key) {
  auto checkWidth = [](StringRef field, int64_t width) -> Error {
    if (width % widthStep == 0 && width >= widthStep && width <= maxWidth)
      return Error::success();
    int64_t near = std::clamp(width, widthStep, maxWidth);
    int64_t nearest = (near + widthStep / 2) / widthStep * widthStep;
    return keyError(fmt::format("key: {} is {}, expected a multiple of {} from "
                                "{} to {}; the nearest is {}",
                                field.str(), width, widthStep, widthStep, maxWidth, nearest));
  };
  auto checkBlock = [](StringRef field, int64_t size) -> Error {
    if (size >= 0 && size <= maxBlock && size % widthStep == 0)
      return Error::success();
    return keyError(fmt::format("key: {} is {}, expected a multiple of {} up to {}, or 0 for the "
                                "schedule's choice",
                                field.str(), size, widthStep, maxBlock));
  };
  if (Error error = checkWidth("d", key.headDim))
    return error;
  if (key.headDimV)
    if (Error error = checkWidth("dv", key.headDimV))
      return error;
  if (Error error = checkBlock("block_m", key.blockM))
    return error;
  return checkBlock("block_n", key.blockN);
}

} // namespace tessera
