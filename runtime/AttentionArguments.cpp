//===- AttentionArguments.cpp - from a call to a kernel's arguments -------===//

#include "runtime/Attention.h"
#include "runtime/CallChecks.h"

#include "llvm/ADT/StringMap.h"

#include <cmath>
#include <cstring>
#include <fmt/format.h>

using namespace llvm;

namespace tessera {

namespace {

/// Where one argument goes.
struct Place {
  std::byte *memory;

  template <class T>
  void put(T value) const {
    std::memcpy(memory, &value, sizeof(value));
  }
  /// Positions are 32-bit; a window that is wider than any sequence is the same.
  void putPosition(int64_t value) const { put(std::clamp(value, -maxPosition, maxPosition)); }
};

using Binder = void (*)(const Attention &call, Place place);

} // namespace

/// The log-sum-exp as a view: [batch, heads, rows] of one element each.
static ViewArgument lseView(const Tensor &lse) {
  int last = lse.rank - 1;
  return {lse.data,          lse.rank == 3 ? lse.strides[0] : 0, lse.strides[last - 1],
          lse.strides[last], lse.rank == 3 ? lse.shape[0] : 1,   lse.shape[last - 1],
          lse.shape[last]};
}

static TableArgument perQueryHead(const Attention &call, const Table &table) {
  return perHead(table, batchOf(call), call.q.heads());
}
static TableArgument perKeyHead(const Attention &call, const Table &table) {
  return perHead(table, batchOf(call), keysOf(call).heads());
}

/// The arguments of FlashForward, and of its views, by their names.
static const StringMap<Binder> &binders() {
  using Call = const Attention &;
  static const StringMap<Binder> known = {
      {"q", [](Call c, Place to) { to.put(viewOf(c.q)); }},
      {"k", [](Call c, Place to) { to.put(viewOf(keysOf(c))); }},
      {"v", [](Call c, Place to) { to.put(viewOf(valuesOf(c))); }},
      {"o", [](Call c, Place to) { to.put(viewOf(c.o)); }},
      {"lse", [](Call c, Place to) { to.put(lseView(c.lse)); }},
      {"sink_logits", [](Call c, Place to) { to.put(perQueryHead(c, c.sinkLogits)); }},
      {"alibi_slopes", [](Call c, Place to) { to.put(perQueryHead(c, c.alibiSlopes)); }},
      {"q_descale", [](Call c, Place to) { to.put(perKeyHead(c, c.qDescale)); }},
      {"k_descale", [](Call c, Place to) { to.put(perKeyHead(c, c.kDescale)); }},
      {"v_descale", [](Call c, Place to) { to.put(perKeyHead(c, c.vDescale)); }},
      {"scale",
       [](Call c, Place to) {
         to.put(c.scale ? *c.scale : 1.0f / std::sqrt(static_cast<float>(c.q.width())));
       }},
      {"softcap", [](Call c, Place to) { to.put(c.softcap); }},
      {"window_left", [](Call c, Place to) { to.putPosition(c.windowLeft); }},
      {"window_right", [](Call c, Place to) { to.putPosition(c.windowRight); }},
      {"sink_tokens", [](Call c, Place to) { to.putPosition(c.sinkTokens); }},
      {"cu_seqlens_q", [](Call c, Place to) { to.put(tableOf(c.cuSeqlensQ)); }},
      {"cu_seqlens_kv", [](Call c, Place to) { to.put(tableOf(c.cuSeqlensKv)); }},
      {"seqused_kv", [](Call c, Place to) { to.put(tableOf(c.seqUsedKv)); }},
      {"page_table", [](Call c, Place to) { to.put(tableOf(c.pageTable)); }},
      {"batch", [](Call c, Place to) { to.put(batchOf(c)); }},
      {"max_seqlen_q",
       [](Call c, Place to) { to.put(c.maxSeqlenQ >= 0 ? c.maxSeqlenQ : longest(c.cuSeqlensQ)); }},
  };
  return known;
}

bool isArgumentOfCalls(StringRef name) { return binders().contains(name); }

void bind(const Attention &call, const Argument &argument, std::byte *block) {
  Place place{block + argument.offset};
  auto known = binders().find(argument.name);
  if (known != binders().end())
    return known->second(call, place);
  const VariantArguments &given = call.variantArguments;
  if (argument.kind == ArgumentKind::table)
    place.put(tableOf(given.tables.at(argument.name)));
  else if (argument.kind == ArgumentKind::scalar)
    place.put(given.scalars.at(argument.name));
  else
    place.putPosition(given.indices.at(argument.name));
}

/// One argument that a variant's functions read.
static Error checkVariantArgument(const Attention &call, const Argument &argument) {
  const VariantArguments &given = call.variantArguments;
  const std::string &name = argument.name;
  std::string subject = fmt::format("the variant's argument {}", name);
  auto missing = [&](const char *expected) {
    return refuse(ErrorCode::missingTensor, subject, "absent", expected);
  };
  if (argument.kind == ArgumentKind::scalar)
    return given.scalars.count(name) ? Error::success() : missing("a number");
  if (argument.kind == ArgumentKind::index)
    return given.indices.count(name) ? Error::success() : missing("an integer");
  if (!given.tables.count(name))
    return missing("a table");

  const Table &table = given.tables.at(name);
  if (table.rank != argument.rank)
    return refuse(ErrorCode::invalidRank, subject + ".rank", fmt::format("{}", table.rank),
                  fmt::format("{}", argument.rank));
  SmallVector<int64_t, 4> shape(table.shape.begin(), table.shape.begin() + table.rank);
  NamedTable named{subject.c_str(), table};
  if (Error error = checkTable(named, argument.element, {shape}))
    return error;
  for (NamedTensor output : {NamedTensor{"out", call.o}, {"lse", call.lse}})
    if (Error error = checkOutput(output, {}, {named}))
      return error;
  return Error::success();
}

Error checkArguments(const Attention &call, const ArgumentBlock &block) {
  for (const Argument &argument : block.arguments)
    if (!isArgumentOfCalls(argument.name))
      if (Error error = checkVariantArgument(call, argument))
        return error;
  return Error::success();
}

} // namespace tessera
