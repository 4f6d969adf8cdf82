//===- KeyTest.cpp - Text, bytes and refusals of the dispatch key ---------===//
//
// Driven by dsl/Key.def, so that a new field is tested when it is added.
//
//===----------------------------------------------------------------------===//

#include "dsl/Key.h"
#include "dsl/Refusal.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/BLAKE3.h"
#include "llvm/Support/MemoryBuffer.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <optional>

using namespace tessera;
using llvm::StringRef;

namespace {

struct Flag {
  const char *spelling;
  bool Key::*value;
};
constexpr Flag flags[] = {
#define TESSERA_KEY_FLAG(name, spelling, help) {spelling, &Key::name},
#include "dsl/Key.def"
};

constexpr DType dtypes[] = {DType::f32, DType::f16, DType::bf16, DType::e4m3, DType::e5m2};

/// Keys to which a field is added. Some mean something in one of them only.
constexpr const char *bases[] = {"fwd", "e4m3", "append", "append,rotary=16"};

Key parsed(StringRef text) { return llvm::cantFail(parseKey(text)); }

std::string messageOf(StringRef text) {
  llvm::Expected<Key> key = parseKey(text);
  return key ? "no error" : llvm::toString(key.takeError());
}

/// A refusal's parts; no code if there is none.
struct Refused {
  std::optional<ErrorCode> code;
  std::string subject, found, expected, nearest;
};
Refused refusalOf(llvm::Error error) {
  Refused result;
  llvm::handleAllErrors(std::move(error), [&](const Refusal &refusal) {
    result = {refusal.code, refusal.subject, refusal.found, refusal.expected, refusal.nearest};
  });
  return result;
}

bool isValid(const Key &key) { return !refusalOf(validate(key)).code; }

/// A key that normalisation leaves as it is, in which every feature is on.
Key full() {
  Key key;
  for (const Flag &flag : flags)
    key.*flag.value = true;
  key.headDimV = 64;
  key.rotary = 16;
  key.variant = 7;
  return key;
}

/// The same without one feature, and without what implies it.
Key fullWithout(const Flag &flag) {
  Key key = full();
  key.*flag.value = false;
  if (flag.value == &Key::seqUsedKv)
    key.paged = false;
  return key;
}

} // namespace

//===----------------------------------------------------------------------===//
// Text
//===----------------------------------------------------------------------===//

TEST(Key, DefaultsHaveAShortText) {
  EXPECT_EQ(str(Key()), "fwd,host,bf16,d128");
  EXPECT_EQ(parsed(""), Key());
  EXPECT_EQ(parsed(str(Key())), Key());
}

TEST(Key, WordsComeInAnyOrder) {
  EXPECT_EQ(str(parsed(" window_left ,d64,  causal,f16")), "fwd,host,f16,d64,causal,window_left");
}

TEST(Key, DefaultsAreLeftOutOfTheText) {
  EXPECT_EQ(str(parsed("block_m=0,block_n=64,dv=0,kv=bf16,o=f32")),
            "fwd,host,bf16,o=f32,d128,block_n=64");
}

// In at least one of the bases, except what excludes each other.
TEST(Key, EveryPairOfFlagsSurvivesItsText) {
  auto excluded = [](const Flag &a, const Flag &b) {
    auto isPair = [&](bool Key::*x, bool Key::*y) {
      return (a.value == x && b.value == y) || (a.value == y && b.value == x);
    };
    return isPair(&Key::paged, &Key::varlenKv);
  };
  // Attention has most flags; appending has few.
  auto ofAppend = [](const Flag &flag) {
    return flag.value == &Key::checked || flag.value == &Key::varlenQ ||
           flag.value == &Key::paged || flag.value == &Key::interleaved;
  };
  for (const Flag &a : flags)
    for (const Flag &b : flags) {
      bool found = false;
      for (std::string base : bases) {
        Key key = parsed(base);
        key.*a.value = key.*b.value = true;
        SCOPED_TRACE(str(key));
        if (!isValid(key))
          continue;
        found = true;
        EXPECT_EQ(parsed(str(key)), normalized(key));
        EXPECT_EQ(parsed(base + "," + a.spelling +
                         (a.value == b.value ? "" : std::string(",") + b.spelling)),
                  normalized(key));
      }
      bool rotates = a.value == &Key::interleaved || b.value == &Key::interleaved;
      bool expected = rotates ? ofAppend(a) && ofAppend(b) : !excluded(a, b);
      EXPECT_EQ(found, expected) << a.spelling << " and " << b.spelling;
    }
}

TEST(Key, EveryTypeSurvivesItsText) {
  for (DType q : dtypes)
    for (DType kv : dtypes)
      for (DType v : dtypes)
        for (DType o : dtypes) {
          Key key;
          key.q = q, key.kv = kv, key.v = v, key.o = o;
          EXPECT_EQ(isValid(key), !isFp8(o)) << str(key);
          if (isValid(key)) {
            EXPECT_EQ(parsed(str(key)), key) << str(key);
          }
        }
}

// Rows are kept as they are, or become wider than fp8.
TEST(Key, EveryTypeOfAppendedRowsSurvivesItsText) {
  for (DType rows : dtypes)
    for (DType cache : dtypes) {
      Key key;
      key.direction = Direction::append;
      key.q = key.kv = key.v = rows, key.o = cache;
      EXPECT_EQ(isValid(key), !isFp8(cache) || cache == rows) << str(key);
      if (isValid(key)) {
        EXPECT_EQ(parsed(str(key)), key) << str(key);
      }
    }
}

TEST(Key, TypesLeftOutAreThoseOfTheQueriesAndKeys) {
  for (DType type : dtypes) {
    Key key = parsed(str(type));
    EXPECT_EQ(key.kv, type);
    EXPECT_EQ(key.v, type);
    EXPECT_EQ(key.o, isFp8(type) ? DType::bf16 : type);
    EXPECT_EQ(parsed("append," + str(type).str()).o, type);
    EXPECT_EQ(parsed("kv=" + str(type).str()).v, type);
  }
}

TEST(Key, EveryIntegerSurvivesItsText){
#define TESSERA_KEY_INT(name, spelling, value, help)                                               \
  {                                                                                                \
    std::string base = StringRef(spelling) == "rotary" ? "append" : "fwd";                         \
    Key key = parsed(base);                                                                        \
    key.name = value + 8;                                                                          \
    EXPECT_EQ(parsed(str(key)), key) << str(key);                                                  \
    EXPECT_EQ(parsed(base + "," spelling "=" + std::to_string(value + 8)), key);                   \
  }
#include "dsl/Key.def"
}

TEST(Key, DistinctVariantsHaveDistinctTexts) {
  llvm::StringSet<> texts;
  texts.insert(str(full()));
  for (const Flag &flag : flags) {
    Key key = fullWithout(flag);
    EXPECT_TRUE(texts.insert(str(key)).second) << str(key);
  }
}

TEST(Key, FieldsAreKnownByTheirSpelling) {
  for (const Flag &flag : flags) {
    Key key;
    EXPECT_TRUE(isKeyFlag(flag.spelling));
    EXPECT_FALSE(keyFlag(key, flag.spelling));
    key.*flag.value = true;
    EXPECT_TRUE(keyFlag(key, flag.spelling));
  }
  for (const KeyField &field : keyFields()) {
    EXPECT_EQ(isKeyFlag(field.spelling), field.kind == KeyFieldKind::flag);
    EXPECT_EQ(nearestKeyField(field.spelling), field.spelling);
    EXPECT_TRUE(field.help.ends_with(".")) << field.name.str();
  }
}

//===----------------------------------------------------------------------===//
// Refusals
//===----------------------------------------------------------------------===//

TEST(Key, RefusesAnUnknownField) {
  const std::string expected = ", expected a field of `tessera supports --list`; the nearest is ";
  EXPECT_EQ(messageOf("casual"), "key: the field is \"casual\"" + expected + "causal");
  EXPECT_EQ(messageOf("causal,blockm=96"),
            "key: the field is \"blockm=96\"" + expected + "block_m");
  EXPECT_EQ(messageOf("causal=1"), "key: the field is \"causal=1\"" + expected + "causal");
}

TEST(Key, RefusesARepeatedField) {
  for (const Flag &flag : flags)
    EXPECT_EQ(messageOf(std::string(flag.spelling) + "," + flag.spelling),
              fmt::format("key: the word is \"{0}\", expected {0} to be set once", flag.spelling));
  EXPECT_EQ(messageOf("f16,f32"), "key: the word is \"f32\", expected q to be set once");
  EXPECT_EQ(messageOf("d64,d=64"), "key: the word is \"d=64\", expected d to be set once");
  EXPECT_EQ(messageOf("fwd,append"),
            "key: the word is \"append\", expected direction to be set once");
}

TEST(Key, RefusesWhatIsNoInteger) {
#define TESSERA_KEY_INT(name, spelling, value, help)                                               \
  EXPECT_EQ(messageOf(spelling "=wide"), "key: " spelling " is \"wide\", expected an integer");    \
  EXPECT_EQ(messageOf(spelling "="), "key: " spelling " is \"\", expected an integer");
#include "dsl/Key.def"
}

TEST(Key, RefusesWhatIsNoType) {
#define TESSERA_KEY_DTYPE(name, spelling, help)                                                    \
  EXPECT_EQ(messageOf(spelling "=i8"),                                                             \
            "key: " spelling " is \"i8\", expected one of f32, f16, bf16, e4m3, e5m2");
#include "dsl/Key.def"
}

TEST(Key, RefusesAWidth) {
  auto message = [](const char *field, const char *found, const char *nearest) {
    return fmt::format("key: {} is {}, expected a multiple of 8 from 8 to 512; the nearest is "
                       "fwd,host,bf16,{}",
                       field, found, nearest);
  };
  EXPECT_EQ(messageOf("d60"), message("d", "60", "d64"));
  EXPECT_EQ(messageOf("d0"), message("d", "0", "d8"));
  EXPECT_EQ(messageOf("d520"), message("d", "520", "d512"));
  EXPECT_EQ(messageOf("d64,dv=-8"), message("dv", "-8", "d64,dv=8"));
  EXPECT_EQ(messageOf("d=9223372036854775807"), message("d", "9223372036854775807", "d512"));
}

TEST(Key, RefusesATileSize) {
  const std::string expected = ", expected a multiple of 8 up to 1024, or 0 for the schedule's "
                               "choice; the nearest is fwd,host,bf16,d128";
  EXPECT_EQ(messageOf("block_m=100"), "key: block_m is 100" + expected);
  EXPECT_EQ(messageOf("block_m=-8"), "key: block_m is -8" + expected);
  EXPECT_EQ(messageOf("block_n=1032"), "key: block_n is 1032" + expected);
  EXPECT_EQ(messageOf("block_m=1024,block_n=8"), "no error");
}

// Fields that contradict each other, or that the other program has.
TEST(Key, RefusesAContradiction) {
  const std::tuple<const char *, const char *, const char *> cases[] = {
      {"paged,varlen_kv,lse", "varlen_kv is on, expected off, pages are not packed",
       "fwd,host,bf16,d128,lse,seqused_kv,paged"},
      {"descale", "descale is on, expected off, or an fp8 type of q, kv or v",
       "fwd,host,bf16,d128"},
      {"rotary=16", "rotary is 16, expected 0, rows are rotated while they are appended",
       "fwd,host,bf16,d128"},
      {"interleaved", "interleaved is on, expected off, rows are rotated while they are appended",
       "fwd,host,bf16,d128"},
      {"e4m3,o=e4m3", "o is e4m3, expected one of f32, f16, bf16", "fwd,host,e4m3,d128"},
      {"f32,o=e5m2", "o is e5m2, expected one of f32, f16, bf16", "fwd,host,f32,o=bf16,d128"},
      {"append,causal", "causal is on, expected off, appending has no such thing",
       "append,host,bf16,d128"},
      {"append,block_n=64", "block_n is 64, expected 0, appending has no such thing",
       "append,host,bf16,d128"},
      {"append,variant=3", "variant is 3, expected 0, appending has no such thing",
       "append,host,bf16,d128"},
      {"append,o=e4m3", "o is e4m3, expected the type of the rows, or one of f32, f16, bf16",
       "append,host,bf16,d128"},
      {"append,d64,rotary=66", "rotary is 66, expected an even number up to d, 64",
       "append,host,bf16,d64,rotary=64"},
      {"append,d64,rotary=31", "rotary is 31, expected an even number up to d, 64",
       "append,host,bf16,d64,rotary=30"},
      {"append,d64,rotary=-2", "rotary is -2, expected an even number up to d, 64",
       "append,host,bf16,d64"},
  };
  for (auto [text, message, nearest] : cases)
    EXPECT_EQ(messageOf(text), fmt::format("key: {}; the nearest is {}", message, nearest)) << text;
}

TEST(Key, RefusalsSayWhatKindOfMistakeItIs) {
  auto codeOf = [](StringRef text) {
    llvm::Expected<Key> key = parseKey(text);
    return key ? std::nullopt : refusalOf(key.takeError()).code;
  };
  EXPECT_EQ(codeOf("causal"), std::nullopt);
  for (const char *text : {"casual", "causal,causal", "d=wide", "kv=i8", "block_m=7", "descale"})
    EXPECT_EQ(codeOf(text), ErrorCode::invalidKey) << text;
  for (const char *text : {"d60", "dv=4", "append,d60"})
    EXPECT_EQ(codeOf(text), ErrorCode::unsupportedHeadDim) << text;
  for (const char *text : {"o=e4m3", "append,o=e4m3"})
    EXPECT_EQ(codeOf(text), ErrorCode::unsupportedDType) << text;
}

// What a refusal calls the nearest key can be asked for, whatever is wrong.
TEST(Key, RefusalsNameAKeyThatIsValid) {
  int64_t refused = 0;
  auto expectNearest = [&](const Key &key) {
    Refused refusal = refusalOf(validate(key));
    if (!refusal.code)
      return;
    ++refused;
    SCOPED_TRACE(refusal.subject + " is " + refusal.found + " in " + str(key));
    EXPECT_TRUE(StringRef(refusal.subject).starts_with("key: "));
    llvm::Expected<Key> nearest = parseKey(refusal.nearest);
    ASSERT_TRUE(static_cast<bool>(nearest)) << toString(nearest.takeError());
    EXPECT_EQ(str(*nearest), refusal.nearest);
    EXPECT_NE(*nearest, key);
    EXPECT_EQ(nearest->direction, key.direction);
  };
  for (const char *base : bases)
    for (const Flag &a : flags)
      for (const Flag &b : flags) {
        Key key = parsed(base);
        key.*a.value = key.*b.value = true;
        expectNearest(key);
        for (int64_t number : {-8, 1, 60, 1 << 20}) {
#define TESSERA_KEY_INT(name, spelling, value, help)                                               \
  {                                                                                                \
    Key wrong = key;                                                                               \
    wrong.name = number;                                                                           \
    expectNearest(wrong);                                                                          \
  }
#include "dsl/Key.def"
        }
        for (DType type : dtypes) {
#define TESSERA_KEY_DTYPE(name, spelling, help)                                                    \
  {                                                                                                \
    Key wrong = key;                                                                               \
    wrong.name = type;                                                                             \
    expectNearest(wrong);                                                                          \
  }
#include "dsl/Key.def"
        }
      }
  EXPECT_GT(refused, 10000);
}

//===----------------------------------------------------------------------===//
// Bytes and meaning
//===----------------------------------------------------------------------===//

TEST(Key, BytesHoldEveryFieldBehindTheVersion) {
  size_t size = 1;
#define TESSERA_KEY_ENUM(name, Type, value, help) size += 1;
#define TESSERA_KEY_DTYPE(name, spelling, help) size += 1;
#define TESSERA_KEY_INT(name, spelling, value, help) size += 8;
#define TESSERA_KEY_FLAG(name, spelling, help) size += 1;
#include "dsl/Key.def"
  std::vector<uint8_t> bytes = canonicalBytes(Key());
  EXPECT_EQ(bytes.size(), size);
  EXPECT_EQ(bytes.front(), keyVersion);
}

TEST(Key, EveryFieldChangesTheBytes) {
  const Key base = full();
  ASSERT_EQ(normalized(base), base);
  std::vector<std::vector<uint8_t>> known{canonicalBytes(base)};
  auto expectNew = [&](const char *field, const Key &key) {
    std::vector<uint8_t> bytes = canonicalBytes(key);
    EXPECT_FALSE(llvm::is_contained(known, bytes)) << field;
    known.push_back(bytes);
  };
#define TESSERA_KEY_ENUM(name, Type, value, help)                                                  \
  {                                                                                                \
    Key key = base;                                                                                \
    key.name = static_cast<Type>(static_cast<uint8_t>(key.name) + 1);                              \
    expectNew(#name, key);                                                                         \
  }
#define TESSERA_KEY_DTYPE(name, spelling, help)                                                    \
  for (DType type : dtypes)                                                                        \
    if (type != base.name) {                                                                       \
      Key key = base;                                                                              \
      key.name = type;                                                                             \
      expectNew(#name, key);                                                                       \
    }
#define TESSERA_KEY_INT(name, spelling, value, help)                                               \
  for (int64_t change : {8, 1 << 16}) {                                                            \
    Key key = base;                                                                                \
    key.name += change;                                                                            \
    expectNew(#name, key);                                                                         \
  }
#define TESSERA_KEY_FLAG(name, spelling, help)                                                     \
  { expectNew(#name, fullWithout({spelling, &Key::name})); }
#include "dsl/Key.def"
}

TEST(Key, EqualVariantsAreOneKey) {
  const std::pair<const char *, const char *> same[] = {
      {"d64,dv=64", "d64"},
      {"sink_tokens", ""},
      {"causal,sink_tokens", "causal"},
      {"top_left", ""},
      {"top_left,softcap,lse", "softcap,lse"},
      {"bf16,kv=bf16,o=bf16", "bf16"},
      {"f32,kv=f32", "f32"},
      {"kv=f16,v=f16", "kv=f16"},
      {"e4m3,v=e4m3,o=bf16", "e4m3"},
      {"paged", "paged,seqused_kv"},
      {"append,f16,kv=f32,v=e4m3", "append,f16"},
      {"append,rotary=0,interleaved", "append"},
  };
  for (auto [a, b] : same) {
    SCOPED_TRACE(a);
    EXPECT_EQ(parsed(a), parsed(b));
    EXPECT_EQ(str(parsed(a)), str(parsed(b)));
    EXPECT_EQ(canonicalBytes(parsed(a)), canonicalBytes(parsed(b)));
  }
}

TEST(Key, DifferentVariantsStayApart) {
  for (const char *base : {"causal", "window_left", "window_right", "alibi", "variant=7"})
    EXPECT_NE(parsed(std::string(base) + ",top_left"), parsed(base)) << base;
  for (const char *base : {"window_left", "window_right"})
    EXPECT_NE(parsed(std::string(base) + ",sink_tokens"), parsed(base)) << base;
  EXPECT_NE(parsed("append,rotary=8,interleaved"), parsed("append,rotary=8"));
  EXPECT_NE(parsed("kv=f16,v=bf16"), parsed("kv=f16"));
  EXPECT_NE(parsed("append,paged"), parsed("append"));
}

TEST(Key, TextAndBytesNormaliseByThemselves) {
  Key key;
  key.headDimV = key.headDim;
  key.sinkTokens = key.topLeft = true;
  ASSERT_NE(key, Key());
  EXPECT_EQ(normalized(key), Key());
  EXPECT_EQ(str(key), str(Key()));
  EXPECT_EQ(canonicalBytes(key), canonicalBytes(Key()));
}

// The bytes name files in caches that outlive this build. An appended field gives
// every key new bytes, and old files age out; any other change here is a change of
// `keyVersion`.
TEST(Key, BytesAreThoseOfTheGoldenFile) {
  auto file = llvm::MemoryBuffer::getFile(TESSERA_TEST_DATA "/golden/keys.txt");
  ASSERT_TRUE(bool(file)) << file.getError().message();
  llvm::SmallVector<StringRef> lines;
  (*file)->getBuffer().split(lines, '\n', -1, /*KeepEmpty=*/false);
  EXPECT_EQ(lines.size(), 18u);
  for (StringRef line : lines) {
    auto [text, golden] = line.split(' ');
    SCOPED_TRACE(text.str());
    Key key = parsed(text);
    EXPECT_EQ(str(key), text);
    auto hash = llvm::BLAKE3::hash(canonicalBytes(key));
    EXPECT_EQ(llvm::toHex(hash, /*LowerCase=*/true), golden.str());
  }
}
