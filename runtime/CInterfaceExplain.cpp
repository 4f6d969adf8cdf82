//===- CInterfaceExplain.cpp - tessera.h: what a call's kernel does -------===//

#include "passes/specialize/TileMap.h"
#include "runtime/CInterface.h"
#include "runtime/HostSchedule.h"
#include "runtime/Specialized.h"

#include "llvm/Support/JSON.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <map>

using namespace llvm;
using namespace tessera;

/// Seconds to count.
static constexpr int64_t mostTiles = int64_t(1) << 22;

static constexpr std::pair<const char *, TileKind> tileKinds[] = {
    {"skipped", TileKind::skipped},
    {"masked", TileKind::masked},
    {"full", TileKind::full},
    {"undecided", TileKind::undecided}};

namespace {

/// Queries and keys of a sequence.
using SequenceLengths = std::pair<int64_t, int64_t>;

/// A call's sequences: how many there are of which lengths.
using Sequences = std::map<SequenceLengths, int64_t>;

} // namespace

static int64_t element(const Table &table, int64_t i) {
  return static_cast<const int32_t *>(table.data)[i * table.strides[0]];
}

/// The call was accepted.
static Sequences sequencesOf(const Attention &call) {
  int64_t batches = call.cuSeqlensQ ? call.cuSeqlensQ.shape[0] - 1 : call.q.batch();
  Sequences sequences;
  for (int64_t b = 0; b < batches; ++b) {
    auto packed = [&](const Table &starts) { return element(starts, b + 1) - element(starts, b); };
    int64_t queries = call.cuSeqlensQ ? packed(call.cuSeqlensQ) : call.q.seqlen();
    int64_t keys = call.seqUsedKv     ? element(call.seqUsedKv, b)
                   : call.cuSeqlensKv ? packed(call.cuSeqlensKv)
                                      : call.k.seqlen();
    ++sequences[{queries, keys}];
  }
  return sequences;
}

/// The index arguments of a kernel, as the call gives them.
static StringMap<int64_t> indicesOf(const Attention &call, const ArgumentBlock &block) {
  StringMap<int64_t> indices;
  std::vector<std::byte> bytes(block.bytes);
  for (const Argument &argument : block.arguments) {
    if (argument.kind != ArgumentKind::index)
      continue;
    bind(call, argument, bytes.data());
    std::memcpy(&indices[argument.name], bytes.data() + argument.offset, sizeof(int64_t));
  }
  return indices;
}

static json::Value toJson(const Argument &argument) {
  switch (argument.kind) {
  case ArgumentKind::view:
    return json::Object{{"name", argument.name},
                        {"kind", "view"},
                        {"dtype", str(argument.type)},
                        {"width", argument.width}};
  case ArgumentKind::table:
    return json::Object{{"name", argument.name},
                        {"kind", "table"},
                        {"dtype", argument.element == TableType::f32 ? "f32" : "i32"},
                        {"rank", argument.rank}};
  case ArgumentKind::scalar:
    return json::Object{{"name", argument.name}, {"kind", "scalar"}, {"dtype", "f32"}};
  case ArgumentKind::index:
    return json::Object{{"name", argument.name}, {"kind", "index"}};
  }
  llvm_unreachable("unknown kind of argument");
}

/// Counts by kind, of one head; null where there are too many to count.
static Expected<json::Value> countTiles(mlir::func::FuncOp program, const Sequences &sequences,
                                        const Shape &shape, const StringMap<int64_t> &indices) {
  int64_t total = 0;
  for (auto [lengths, count] : sequences) {
    auto [queries, keys] = lengths;
    total += divideCeil(queries, shape.blockM) * divideCeil(keys, shape.blockN);
    if (total > mostTiles)
      return json::Value(nullptr);
  }
  json::Object counts;
  for (auto [name, kind] : tileKinds)
    counts[name] = 0;
  for (auto [lengths, count] : sequences) {
    auto [queries, keys] = lengths;
    if (!queries || !keys)
      continue;
    Expected<TileMap> map =
        mapTiles(program, {.seqlenQ = queries, .seqlenKv = keys, .indices = indices});
    if (!map)
      return map.takeError();
    for (auto [name, kind] : tileKinds)
      counts[name] = *counts.getInteger(name) + count * map->count(kind);
  }
  return json::Value(std::move(counts));
}

Expected<std::string> c::explain(const Engine &engine, const Attention &call) {
  Expected<Key> key = keyOf(call);
  if (!key)
    return key.takeError();
  // It would have to count tiles of another schedule, of lengths on the GPU.
  if (isGpu(key->target))
    return refuse(ErrorCode::unsupportedTarget, "target",
                  fmt::format("\"{}\"", str(key->target).str()),
                  "host, whose kernels can be explained", "host");
  auto program = engine.compiler().specialize(*key);
  if (!program)
    return program.takeError();
  mlir::func::FuncOp function = (*program)->function();
  ArgumentBlock block = ArgumentBlock::of(function);
  if (Error error = checkArguments(call, block))
    return error;
  Shape shape = hostShape(*key);

  Sequences sequences = sequencesOf(call);
  Expected<json::Value> tiles = countTiles(function, sequences, shape, indicesOf(call, block));
  if (!tiles)
    return tiles.takeError();

  json::Array lengths, arguments;
  for (auto [length, count] : sequences)
    lengths.push_back(json::Object{{"count", count},
                                   {"seqlen_q", length.first},
                                   {"seqlen_kv", length.second},
                                   {"query_tiles", divideCeil(length.first, shape.blockM)},
                                   {"key_tiles", divideCeil(length.second, shape.blockN)}});
  for (const Argument &argument : block.arguments)
    arguments.push_back(toJson(argument));

  std::string text;
  raw_string_ostream os(text);
  os << formatv("{0:2}", json::Value(json::Object{{"key", str(*key)},
                                                  {"target", str(key->target)},
                                                  {"block_m", shape.blockM},
                                                  {"block_n", shape.blockN},
                                                  {"sequences", std::move(lengths)},
                                                  {"tiles", std::move(*tiles)},
                                                  {"arguments", std::move(arguments)}}));
  return text;
}
