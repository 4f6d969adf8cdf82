//===- Key.h - the dispatch key -------------------------------------------===//
//
// A key names one variant of a kernel. Its readable text is the same in logs,
// test RUN lines, dumps, cache entries and on the command line:
//
//   fwd,host,bf16,d128,causal,window_left
//
//===----------------------------------------------------------------------===//

#ifndef TESSERA_DSL_KEY_H
#define TESSERA_DSL_KEY_H

#include "dsl/DType.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tessera {

/// Raised when the meaning of existing canonical bytes changes.
inline constexpr uint8_t keyVersion = 2;

/// What a kernel computes: attention, or new rows of a cache.
enum class Direction : uint8_t { fwd, append };
/// The machine: this CPU, or a GPU by its architecture.
enum class Target : uint8_t { host, sm90a };

/// Whether a target is a GPU.
inline bool isGpu(Target target) { return target != Target::host; }

llvm::StringRef str(DType type);
llvm::StringRef str(TableType type);
llvm::StringRef str(Direction direction);
llvm::StringRef str(Target target);

/// The type that `str` spells so.
std::optional<DType> dtypeNamed(llvm::StringRef word);

/// One variant of a kernel. Fields are documented in dsl/Key.def.
struct Key {
#define TESSERA_KEY_ENUM(name, Type, value, help) Type name = Type::value;
#define TESSERA_KEY_DTYPE(name, spelling, help) DType name = DType::bf16;
#define TESSERA_KEY_INT(name, spelling, value, help) int64_t name = value;
#define TESSERA_KEY_FLAG(name, spelling, help) bool name = false;
#include "dsl/Key.def"

  bool operator==(const Key &) const = default;
};

/// What kind of value a field has.
enum class KeyFieldKind { enumeration, dtype, integer, flag };

/// One line of dsl/Key.def.
struct KeyField {
  llvm::StringRef name, spelling, help;
  KeyFieldKind kind;
  std::vector<llvm::StringRef> words; ///< the values of an enum or a dtype
};
llvm::ArrayRef<KeyField> keyFields();

/// The key's readable text. Fields at their default are left out, except the
/// direction, target, type and width, which always stand first.
std::string str(const Key &key);

/// Reads what `str` writes; words may come in any order and may be left out.
/// Refuses unknown words (naming the nearest field), repeated fields and keys
/// that `validate` refuses.
llvm::Expected<Key> parseKey(llvm::StringRef text);

/// The bytes that name the key in hashes: every field, little-endian, behind
/// the version. Stable across processes, machines and builds.
std::vector<uint8_t> canonicalBytes(const Key &key);

/// Refuses (see dsl/Refusal.h) a key that means nothing or is not there yet,
/// and names the nearest supported key.
llvm::Error validate(const Key &key);

/// The key with everything that follows from other fields filled in, so that
/// equal variants have equal keys.
Key normalized(Key key);

/// The width of a value, and of a row of the output.
inline int64_t valueWidth(const Key &key) { return key.headDimV ? key.headDimV : key.headDim; }

/// Whether `spelling` is a flag of the key.
bool isKeyFlag(llvm::StringRef spelling);

/// The value of a flag by its spelling. The flag must exist.
bool keyFlag(const Key &key, llvm::StringRef spelling);

/// The spelling closest to a misspelled field, or flag.
llvm::StringRef nearestKeyField(llvm::StringRef word);
llvm::StringRef nearestKeyFlag(llvm::StringRef word);

} // namespace tessera

#endif // TESSERA_DSL_KEY_H
