//===- CInterface.h - between the C interface and the runtime -------------===//
//
// What the files behind tessera.h share: errors that leave the library, and
// structs that enter it.
//
//===----------------------------------------------------------------------===//

#ifndef TESSERA_RUNTIME_CINTERFACE_H
#define TESSERA_RUNTIME_CINTERFACE_H

#include "dsl/Refusal.h"
#include "runtime/AppendCache.h"
#include "runtime/Attention.h"
#include "runtime/CallChecks.h"
#include "runtime/Engine.h"
#include "runtime/include/tessera.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <fmt/format.h>

//===----------------------------------------------------------------------===//
// What the handles are
//===----------------------------------------------------------------------===//

struct tessera_error {
  tessera_status status;
  std::string message, subject, found, expected, nearest;
};

struct tessera_text {
  std::string text;
};

struct tessera_engine {
  std::unique_ptr<tessera::Engine> engine;
};

struct tessera_prepared {
  tessera::Engine *engine;
  tessera::PreparedCall call;
};

namespace tessera::c {

//===----------------------------------------------------------------------===//
// Errors
//===----------------------------------------------------------------------===//

/// Whose mistake it is that does not say so itself.
struct Blame {
  tessera_status status = TESSERA_INTERNAL_ERROR;
  const char *subject = "";
};

/// Gives the caller what went wrong, or that nothing did.
tessera_status finish(llvm::Error result, tessera_error **error, Blame otherwise = {});

/// Refuses a null of the caller's that is no tensor.
llvm::Error refuseNull(std::string subject, std::string expected);

/// Refuses a null among `pointers`, which are named in order.
template <class... Pointers>
llvm::Error requireAll(std::initializer_list<const char *> names, Pointers... pointers) {
  auto name = names.begin();
  llvm::Error result = llvm::Error::success();
  auto check = [&](const void *pointer) {
    if (!pointer && !result)
      result = refuseNull(*name, "a pointer");
    ++name;
  };
  (check(pointers), ...);
  return result;
}

/// Hands a text to the caller.
inline void give(std::string text, tessera_text **out) { *out = new tessera_text{std::move(text)}; }

//===----------------------------------------------------------------------===//
// Structs
//===----------------------------------------------------------------------===//

/// A struct larger than ours by more than this has no size that a caller meant.
inline constexpr size_t mostUnknownBytes = 4096;

/// A caller's struct, of any version, as one of ours. `oldest` is the size of
/// its first version. What the caller does not know of is zero; what we do not
/// know of must be.
template <class Struct>
llvm::Expected<Struct> readStruct(const Struct *given, size_t oldest, const std::string &name) {
  if (!given)
    return refuseNull(name, "a struct");
  size_t size = given->size;
  if (size < oldest || size > sizeof(Struct) + mostUnknownBytes)
    return refuse(
        ErrorCode::invalidValue, name + ".size", fmt::format("{}", size),
        fmt::format("the size of the struct, {} bytes (see TESSERA_INIT)", sizeof(Struct)),
        fmt::format("{}", sizeof(Struct)));
  auto *bytes = reinterpret_cast<const unsigned char *>(given);
  for (size_t i = sizeof(Struct); i < size; ++i)
    if (bytes[i])
      return refuse(ErrorCode::invalidValue, name, fmt::format("given a value at byte {}", i),
                    fmt::format("only fields of version {}, which end at byte {}",
                                tessera_version(), sizeof(Struct)));
  Struct ours = {};
  std::memcpy(&ours, given, std::min(size, sizeof(Struct)));
  return ours;
}

llvm::Expected<Attention> toAttention(const tessera_attention *given);
llvm::Expected<AppendCache> toAppendCache(const tessera_append *given);

/// Where a tensor of a call lies; null if it has no elements, or is not given.
struct NamedAddress {
  const char *name;
  const void *data;
};

/// The target of a name in a struct: `host`, `sm90a`, `cuda` for that of this
/// machine's GPU, null for that in whose memory the first of a call's tensors
/// lies that has an address; that is not asked if the caller tells the `device`.
/// If none has one, a stream is a GPU's.
llvm::Expected<Target> targetNamed(const char *name, llvm::ArrayRef<NamedAddress> tensors,
                                   std::optional<int> device, const void *stream);

/// Refuses a stream of a target that has none.
llvm::Error checkStream(Target target, const void *stream);

/// What tessera_attention_explain gives.
llvm::Expected<std::string> explain(const Engine &engine, const Attention &call);

} // namespace tessera::c

#endif // TESSERA_RUNTIME_CINTERFACE_H
