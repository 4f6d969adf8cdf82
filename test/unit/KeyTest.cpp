//===- KeyTest.cpp - Text, bytes and refusals of the dispatch key ---------===//
//
// Driven by dsl/Key.def, so that a new field is tested when it is added.
//
//===----------------------------------------------------------------------===//

#include "dsl/Key.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/BLAKE3.h"
#include "llvm/Support/MemoryBuffer.h"

#include <gtest/gtest.h>

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

constexpr DType dtypes[] = {DType::f32, DType::f16, DType::bf16};

Key parsed(StringRef text) { return llvm::cantFail(parseKey(text)); }

std::string messageOf(StringRef text) {
  llvm::Expected<Key> key = parseKey(text);
  return key ? "no error" : llvm::toString(key.takeError());
}

/// A key that normalisation leaves as it is, in which every feature is on.
Key full() {
  Key key;
  for (const Flag &flag : flags)
    key.*flag.value = true;
  key.headDimV = 64;
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

TEST(Key, EveryPairOfFlagsSurvivesItsText) {
  for (const Flag &a : flags)
    for (const Flag &b : flags) {
      Key key;
      key.*a.value = key.*b.value = true;
      SCOPED_TRACE(str(key));
      EXPECT_EQ(parsed(str(key)), normalized(key));
      EXPECT_EQ(parsed(std::string(a.spelling) +
                       (a.value == b.value ? "" : std::string(",") + b.spelling)),
                normalized(key));
    }
}

TEST(Key, EveryTypeSurvivesItsText) {
  for (DType q : dtypes)
    for (DType kv : dtypes)
      for (DType o : dtypes) {
        Key key;
        key.q = q, key.kv = kv, key.o = o;
        EXPECT_EQ(parsed(str(key)), key) << str(key);
      }
}

TEST(Key, KeysAndOutputHaveTheTypeOfTheQueries) {
  for (DType type : dtypes) {
    Key key = parsed(str(type));
    EXPECT_EQ(key.kv, type);
    EXPECT_EQ(key.o, type);
  }
}

TEST(Key, EveryIntegerSurvivesItsText){
#define TESSERA_KEY_INT(name, spelling, value, help)                                               \
  {                                                                                                \
    Key key;                                                                                       \
    key.name = value + 8;                                                                          \
    EXPECT_EQ(parsed(str(key)), key) << str(key);                                                  \
    EXPECT_EQ(parsed(spelling "=" + std::to_string(value + 8)), key);                              \
  }
#include "dsl/Key.def"
}

TEST(Key, DistinctVariantsHaveDistinctTexts) {
  llvm::StringSet<> texts;
  for (size_t i = 0; i < std::size(flags); ++i) {
    Key key = full();
    key.*flags[i].value = false;
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
  EXPECT_EQ(messageOf("casual"), "key: unknown field \"casual\", the nearest is \"causal\"");
  EXPECT_EQ(messageOf("causal,blockm=96"),
            "key: unknown field \"blockm=96\", the nearest is \"block_m\"");
  EXPECT_EQ(messageOf("causal=1"), "key: unknown field \"causal=1\", the nearest is \"causal\"");
}

TEST(Key, RefusesARepeatedField) {
  for (const Flag &flag : flags)
    EXPECT_TRUE(StringRef(messageOf(std::string(flag.spelling) + "," + flag.spelling))
                    .starts_with("key: \"" + std::string(flag.spelling) + "\" sets "));
  EXPECT_EQ(messageOf("causal,d64,causal"), "key: \"causal\" sets causal a second time");
  EXPECT_EQ(messageOf("f16,f32"), "key: \"f32\" sets q a second time");
  EXPECT_EQ(messageOf("d64,d=64"), "key: \"d=64\" sets d a second time");
  EXPECT_EQ(messageOf("window_left,window_left"),
            "key: \"window_left\" sets window_left a second time");
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
            "key: " spelling " is \"i8\", expected one of f32, f16, bf16");
#include "dsl/Key.def"
}

TEST(Key, RefusesAWidth) {
  EXPECT_EQ(messageOf("d60"), "key: d is 60, expected a multiple of 8 from 8 "
                              "to 512; the nearest is 64");
  EXPECT_EQ(messageOf("d0"),
            "key: d is 0, expected a multiple of 8 from 8 to 512; the nearest is 8");
  EXPECT_EQ(messageOf("d520"), "key: d is 520, expected a multiple of 8 from 8 "
                               "to 512; the nearest is 512");
  EXPECT_EQ(messageOf("d64,dv=-8"), "key: dv is -8, expected a multiple of 8 "
                                    "from 8 to 512; the nearest is 8");
  EXPECT_EQ(messageOf("d=9223372036854775807"),
            "key: d is 9223372036854775807, expected a multiple of 8 from 8 to 512; "
            "the nearest is 512");
}

TEST(Key, RefusesATileSize) {
  const char *expected = ", expected a multiple of 8 up to 1024, or 0 for the schedule's choice";
  EXPECT_EQ(messageOf("block_m=100"), "key: block_m is 100" + std::string(expected));
  EXPECT_EQ(messageOf("block_m=-8"), "key: block_m is -8" + std::string(expected));
  EXPECT_EQ(messageOf("block_n=1032"), "key: block_n is 1032" + std::string(expected));
  EXPECT_EQ(messageOf("block_m=1024,block_n=8"), "no error");
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
  {                                                                                                \
    Key key = base;                                                                                \
    key.name = false;                                                                              \
    expectNew(#name, key);                                                                         \
  }
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
  };
  for (auto [a, b] : same) {
    SCOPED_TRACE(a);
    EXPECT_EQ(parsed(a), parsed(b));
    EXPECT_EQ(str(parsed(a)), str(parsed(b)));
    EXPECT_EQ(canonicalBytes(parsed(a)), canonicalBytes(parsed(b)));
  }
}

TEST(Key, DifferentVariantsStayApart) {
  for (const char *base : {"causal", "window_left", "window_right", "alibi"})
    EXPECT_NE(parsed(std::string(base) + ",top_left"), parsed(base)) << base;
  for (const char *base : {"window_left", "window_right"})
    EXPECT_NE(parsed(std::string(base) + ",sink_tokens"), parsed(base)) << base;
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
  EXPECT_EQ(lines.size(), 12u);
  for (StringRef line : lines) {
    auto [text, golden] = line.split(' ');
    SCOPED_TRACE(text.str());
    Key key = parsed(text);
    EXPECT_EQ(str(key), text);
    auto hash = llvm::BLAKE3::hash(canonicalBytes(key));
    EXPECT_EQ(llvm::toHex(hash, /*LowerCase=*/true), golden);
  }
}
