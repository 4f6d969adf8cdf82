//===- Key.cpp - text, bytes and validation of the key --------------------===//

#include "dsl/Key.h"
#include "dsl/Refusal.h"

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
  case DType::e4m3:
    return "e4m3";
  case DType::e5m2:
    return "e5m2";
  }
  llvm_unreachable("unknown dtype");
}

StringRef str(TableType type) { return type == TableType::f32 ? "f32" : "i32"; }

StringRef str(Direction direction) {
  switch (direction) {
  case Direction::fwd:
    return "fwd";
  case Direction::append:
    return "append";
  }
  llvm_unreachable("unknown direction");
}

StringRef str(Target target) {
  switch (target) {
  case Target::host:
    return "host";
  case Target::sm90a:
    return "sm90a";
  }
  llvm_unreachable("unknown target");
}

/// Every value of an enum, by a value of its type.
static ArrayRef<DType> valuesOf(DType) {
  static constexpr DType values[] = {DType::f32, DType::f16, DType::bf16, DType::e4m3, DType::e5m2};
  return values;
}
static ArrayRef<Direction> valuesOf(Direction) {
  static constexpr Direction values[] = {Direction::fwd, Direction::append};
  return values;
}
static ArrayRef<Target> valuesOf(Target) {
  static constexpr Target values[] = {Target::host, Target::sm90a};
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

std::optional<DType> dtypeNamed(StringRef word) { return wordOf(word, DType::f32); }

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

/// The type of an output that a key leaves out. Attention never gives fp8.
static DType outputFor(const Key &key) {
  return isFp8(key.q) && key.direction == Direction::fwd ? DType::bf16 : key.q;
}

std::string str(const Key &given) {
  Key key = normalized(given), defaults;
  defaults.kv = key.q;
  defaults.v = key.kv;
  defaults.o = outputFor(key);
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

static Error badWord(std::string subject, StringRef found, std::string expected,
                     StringRef nearest = "") {
  return refuse(ErrorCode::invalidKey, std::move(subject), fmt::format("\"{}\"", found.str()),
                std::move(expected), nearest.str());
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
      return badWord("key: " spelling, right, "one of " + join(wordsOf(DType::f32), ", "));        \
    key.name = *found;                                                                             \
    return StringRef(spelling);                                                                    \
  }
#define TESSERA_KEY_INT(name, spelling, value, help)                                               \
  if (assigned && left == spelling) {                                                              \
    if (right.getAsInteger(10, number))                                                            \
      return badWord("key: " spelling, right, "an integer");                                       \
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
  return badWord("key: the field", word, "a field of `tessera supports --list`",
                 nearestKeyField(left));
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
      return badWord("key: the word", word.trim(), fmt::format("{} to be set once", field->str()));
  }
  if (!seen.contains("kv"))
    key.kv = key.q;
  if (!seen.contains("v"))
    key.v = key.kv;
  if (!seen.contains("o"))
    key.o = outputFor(key);
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
  if (key.direction == Direction::append)
    key.kv = key.v = key.q;
  if (key.headDimV == key.headDim)
    key.headDimV = 0;
  // Without a window every key is visible already.
  if (!key.windowLeft && !key.windowRight)
    key.sinkTokens = false;
  // Where a query stands matters only to what compares positions, and a
  // variant may.
  if (!key.causal && !key.windowLeft && !key.windowRight && !key.alibi && !key.variant)
    key.topLeft = false;
  // Pages say nothing of lengths.
  if (key.paged && key.direction == Direction::fwd)
    key.seqUsedKv = true;
  if (!key.rotary)
    key.interleaved = false;
  return key;
}

/// Widths are multiples of this: one 16-byte access of a 16-bit type.
static constexpr int64_t widthStep = 8;
static constexpr int64_t maxWidth = 512;
static constexpr int64_t maxBlock = 1024;

/// The supported width nearest to `width`.
static int64_t nearestWidth(int64_t width) {
  return (std::clamp(width, widthStep, maxWidth) + widthStep / 2) / widthStep * widthStep;
}

/// A field's value in messages.
static std::string valueText(int64_t value) { return std::to_string(value); }
static std::string valueText(bool value) { return value ? "on" : "off"; }
template <class Enum>
static std::string valueText(Enum value) {
  return str(value).str();
}

namespace {

/// Changes a key to one that is supported, and keeps what had to change first:
/// its field, what it was and what it should be. Every call is validated, so
/// that texts are made only for what is refused.
class KeyRepair {
public:
  explicit KeyRepair(Key key) : key(key) {}

  template <ErrorCode refusedAs = ErrorCode::invalidKey, class T, class... Args>
  void want(bool fine, StringRef field, T &value, T supported, fmt::format_string<Args...> expected,
            Args &&...args) {
    if (fine)
      return;
    if (subject.empty()) {
      code = refusedAs;
      subject = "key: " + field.str();
      found = valueText(value);
      this->expected = fmt::format(expected, std::forward<Args>(args)...);
    }
    value = supported;
  }
  void wantWidth(StringRef field, int64_t &width) {
    bool fine = width % widthStep == 0 && width >= widthStep && width <= maxWidth;
    want<ErrorCode::unsupportedHeadDim>(fine, field, width, nearestWidth(width),
                                        "a multiple of {} from {} to {}", widthStep, widthStep,
                                        maxWidth);
  }
  void wantBlock(StringRef field, int64_t &size) {
    want(size >= 0 && size <= maxBlock && size % widthStep == 0, field, size, int64_t(0),
         "a multiple of {} up to {}, or 0 for the schedule's choice", widthStep, maxBlock);
  }
  void wantOff(StringRef field, bool &flag, bool fine, fmt::format_string<> why) {
    want(fine || !flag, field, flag, false, why);
  }

  Error finish() {
    return subject.empty() ? Error::success() : refuse(code, subject, found, expected, str(key));
  }

  Key key;

private:
  ErrorCode code = ErrorCode::invalidKey;
  std::string subject, found, expected;
};

} // namespace

/// Fields that say something about attention; appending has only the others.
static bool isOfAppend(StringRef field) {
  return is_contained({"direction", "target", "q", "kv", "v", "o", "d", "checked", "block_m",
                       "varlen_q", "paged", "rotary", "interleaved"},
                      field);
}

/// Tiles of a GPU: rows in units of a warp group, keys in units of one instruction's depth.
static constexpr int64_t groupRows = 64, keyStep = 16;
static constexpr int64_t maxGpuWidth = 256, maxStages = 8;

/// Warp groups that compute: with more of them, a thread has fewer registers for its rows of the
/// output.
static int64_t maxGroups(int64_t width) { return width <= 64 ? 4 : width <= 128 ? 3 : 2; }

/// And for its scores.
static int64_t maxKeys(int64_t groups) { return groups <= 2 ? 256 : groups == 3 ? 144 : 96; }

/// What the GPU target cannot do yet.
static void wantOnGpu(KeyRepair &repair) {
  Key &key = repair.key;
  auto is16Bit = [](DType type) { return type == DType::f16 || type == DType::bf16; };
  for (auto [field, type] :
       {std::pair<StringRef, DType *>{"q", &key.q}, {"kv", &key.kv}, {"v", &key.v}})
    repair.want<ErrorCode::unsupportedDType>(
        is16Bit(*type) && *type == key.q, field, *type, is16Bit(key.q) ? key.q : DType::bf16,
        "bf16 or f16, the same of q, kv and v, on this target");
  for (auto [field, width] :
       {std::pair<StringRef, int64_t *>{"d", &key.headDim}, {"dv", &key.headDimV}})
    repair.want<ErrorCode::unsupportedHeadDim>(*width <= maxGpuWidth, field, *width, maxGpuWidth,
                                               "at most {} on this target", maxGpuWidth);
  repair.wantOff("paged", key.paged, false, "off, this target has no pages yet");
  repair.wantOff("checked", key.checked, false, "off, this target has no checking kernels");
  int64_t most = maxGroups(valueWidth(key));
  repair.want(key.blockM % groupRows == 0 && key.blockM <= most * groupRows, "block_m", key.blockM,
              int64_t(0),
              "a multiple of {} up to {} on this target, or 0 for the schedule's choice", groupRows,
              most * groupRows);
  int64_t keys = maxKeys(key.blockM / groupRows);
  repair.want(key.blockN % keyStep == 0 && key.blockN <= keys, "block_n", key.blockN, int64_t(0),
              "a multiple of {} up to {} on this target with this block_m, or 0 for the schedule's "
              "choice",
              keyStep, keys);
}

Error validate(const Key &given) {
  KeyRepair repair(given);
  Key &key = repair.key;
  repair.wantWidth("d", key.headDim);
  if (key.headDimV)
    repair.wantWidth("dv", key.headDimV);
  repair.wantBlock("block_m", key.blockM);
  repair.wantBlock("block_n", key.blockN);

  if (key.direction == Direction::append) {
    const Key defaults;
    repair.want<ErrorCode::unsupportedTarget>(!isGpu(key.target), "target", key.target,
                                              Target::host,
                                              "host, appending has no other target yet");
#define TESSERA_KEY_INT(name, spelling, value, help)                                               \
  repair.want(isOfAppend(spelling) || key.name == defaults.name, spelling, key.name,               \
              defaults.name, "0, appending has no such thing");
#define TESSERA_KEY_FLAG(name, spelling, help)                                                     \
  repair.wantOff(spelling, key.name, isOfAppend(spelling), "off, appending has no such thing");
#include "dsl/Key.def"
    repair.want<ErrorCode::unsupportedDType>(!isFp8(key.o) || key.o == key.q, "o", key.o, key.q,
                                             "the type of the rows, or one of f32, f16, bf16");
    int64_t most = key.headDim;
    repair.want(key.rotary >= 0 && key.rotary <= most && key.rotary % 2 == 0, "rotary", key.rotary,
                std::clamp<int64_t>(key.rotary, 0, most) / 2 * 2, "an even number up to d, {}",
                most);
    return repair.finish();
  }

  repair.want<ErrorCode::unsupportedDType>(!isFp8(key.o), "o", key.o, DType::bf16,
                                           "one of f32, f16, bf16");
  repair.want(key.rotary == 0, "rotary", key.rotary, int64_t(0),
              "0, rows are rotated while they are appended");
  repair.wantOff("interleaved", key.interleaved, false,
                 "off, rows are rotated while they are appended");
  repair.wantOff("descale", key.descale, isFp8(key.q) || isFp8(key.kv) || isFp8(key.v),
                 "off, or an fp8 type of q, kv or v");
  repair.wantOff("varlen_kv", key.varlenKv, !key.paged, "off, pages are not packed");
  repair.want(key.stages >= 0 && key.stages <= maxStages, "stages", key.stages, int64_t(0),
              "at most {}", maxStages);
  if (isGpu(key.target))
    wantOnGpu(repair);
  return repair.finish();
}

} // namespace tessera
