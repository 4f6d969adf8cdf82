//===- AppendCache.cpp - checking a call, naming its key, its arguments ---===//

#include "runtime/AppendCache.h"
#include "runtime/CallChecks.h"

#include <cstring>
#include <fmt/format.h>

using namespace llvm;

namespace tessera {

static bool isPacked(const AppendCache &call) { return static_cast<bool>(call.cuSeqlens); }
static bool isPaged(const AppendCache &call) { return static_cast<bool>(call.pageTable); }

static int64_t batchOf(const AppendCache &call) {
  return isPacked(call) ? call.cuSeqlens.shape[0] - 1 : call.rows.shape[0];
}

static Tensor cacheOf(const AppendCache &call) {
  return isPaged(call) ? asPages(call.cache, call.pageLayout) : call.cache;
}

static Error checkShapes(const AppendCache &call) {
  if (isPacked(call) && (call.cuSeqlens.rank != 1 || call.cuSeqlens.shape[0] < 1))
    return refuse(ErrorCode::invalidRank, "cu_seqlens.shape", "not [batch + 1]", "[batch + 1]");
  if (Error error =
          checkTensor({"rows", call.rows}, isPacked(call) ? 3 : 4,
                      isPacked(call) ? "[total, heads, width]" : "[batch, seqlen, heads, width]"))
    return error;
  if (Error error = checkTensor({"cache", call.cache}, 4,
                                isPaged(call) ? "pages of heads and rows"
                                              : "[batch, capacity, heads, width]"))
    return error;
  Tensor cache = cacheOf(call);
  if (Error error = checkExtent({"cache", call.cache}, 3, call.rows.width(), "as in rows"))
    return error;
  int headAxis = isPaged(call) && call.pageLayout == PageLayout::hnd ? 1 : 2;
  if (Error error = checkExtent({"cache", call.cache}, headAxis, call.rows.heads(), "as in rows"))
    return error;
  int64_t batch = batchOf(call);
  if (!isPaged(call))
    if (Error error = checkExtent({"cache", call.cache}, 0, batch, "as in rows"))
      return error;
  if (isPaged(call) && cache.seqlen() == 0)
    return refuse(ErrorCode::invalidPages, "the page size of cache", "0", "at least 1 row");

  if (!call.starts)
    return refuse(ErrorCode::missingTensor, "starts", "absent", "[batch]");
  for (NamedTable named : {NamedTable{"starts", call.starts}, {"positions", call.positions}})
    if (Error error = checkTable(named, TableType::i32, {{batch}}))
      return error;
  if (Error error = checkTable({"cu_seqlens", call.cuSeqlens}, TableType::i32, {{batch + 1}}))
    return error;
  return checkPageTable(call.pageTable, batch);
}

static Error checkRotation(const AppendCache &call) {
  if (!call.cos && !call.sin)
    return Error::success();
  if (!call.cos || !call.sin)
    return refuse(ErrorCode::missingTensor, call.cos ? "sin" : "cos", "absent",
                  "both cos and sin, or neither");
  if (call.cos.rank != 2)
    return refuse(ErrorCode::invalidRank, "cos.rank", fmt::format("{}", call.cos.rank),
                  "2: [positions, pairs]");
  SmallVector<int64_t, 4> shape{call.cos.shape[0], call.cos.shape[1]};
  for (NamedTable named : {NamedTable{"cos", call.cos}, {"sin", call.sin}})
    if (Error error = checkTable(named, TableType::f32, {shape}))
      return error;
  if (shape[1] < 1 || 2 * shape[1] > call.rows.width())
    return refuse(ErrorCode::invalidShape, "cos.shape[1]", fmt::format("{}", shape[1]),
                  fmt::format("1 to {}, half the width of a row", call.rows.width() / 2));
  return Error::success();
}

static Error checkLengths(const AppendCache &call) {
  if (isPacked(call)) {
    if (Error error = checkStarts({"cu_seqlens", call.cuSeqlens}, call.rows.seqlen()))
      return error;
    if (Error error = checkLongest("max_seqlen", call.maxSeqlen, longest(call.cuSeqlens)))
      return error;
  }
  Tensor cache = cacheOf(call);
  for (int64_t b = 0; b < batchOf(call); ++b) {
    int64_t rows = isPacked(call) ? lengthAt(call.cuSeqlens, b) : call.rows.seqlen();
    int64_t start = at(call.starts, b), end = start + rows;
    std::string name = fmt::format("starts[{}]", b);
    if (start < 0)
      return refuse(ErrorCode::invalidLengths, name, fmt::format("{}", start), "at least 0");
    if (isPaged(call)) {
      PagedCache pages{
          {"cache", call.cache}, {"page_table", call.pageTable}, cache.seqlen(), cache.batch()};
      if (Error error = checkPages(pages, b, end, name + " + the new rows"))
        return error;
    } else if (end > cache.seqlen()) {
      return refuse(ErrorCode::invalidLengths, name, fmt::format("{}", start),
                    fmt::format("room for {} more rows in a cache of {}", rows, cache.seqlen()));
    }
    if (!call.cos)
      continue;
    int64_t position = call.positions ? at(call.positions, b) : start;
    int64_t positions = call.cos.shape[0];
    if (position < 0 || position + rows > positions)
      return refuse(ErrorCode::invalidLengths,
                    fmt::format("{}[{}]", call.positions ? "positions" : "starts", b),
                    fmt::format("{}", position),
                    fmt::format("{} rows within the {} positions of cos", rows, positions));
  }
  return Error::success();
}

static Error checkOutputs(const AppendCache &call) {
  return checkOutput({"cache", call.cache}, {{"rows", call.rows}},
                     {{"starts", call.starts},
                      {"positions", call.positions},
                      {"cu_seqlens", call.cuSeqlens},
                      {"page_table", call.pageTable},
                      {"cos", call.cos},
                      {"sin", call.sin}});
}

Expected<Key> keyOf(const AppendCache &call) {
  for (auto check : {checkShapes, checkRotation, checkLengths, checkOutputs})
    if (Error error = check(call))
      return error;
  Key key;
  key.direction = Direction::append;
  key.target = Target::host;
  key.q = call.rows.type;
  key.o = call.cache.type;
  key.headDim = call.rows.width();
  key.varlenQ = isPacked(call);
  key.paged = isPaged(call);
  key.rotary = call.cos ? 2 * call.cos.shape[1] : 0;
  key.interleaved = call.interleaved;
  key.checked = call.checked;
  key.blockM = call.blockM;
  key = normalized(key);
  if (Error error = validate(key))
    return error;
  return key;
}

bool isEmpty(const AppendCache &call) { return call.rows.isEmpty() || batchOf(call) == 0; }

void bind(const AppendCache &call, const Argument &argument, std::byte *block) {
  auto put = [&](auto value) { std::memcpy(block + argument.offset, &value, sizeof(value)); };
  StringRef name = argument.name;
  if (name == "rows")
    put(viewOf(call.rows));
  else if (name == "cache")
    put(viewOf(cacheOf(call)));
  else if (name == "starts")
    put(tableOf(call.starts));
  else if (name == "positions")
    put(tableOf(call.positions ? call.positions : call.starts));
  else if (name == "cos")
    put(tableOf(call.cos));
  else if (name == "sin")
    put(tableOf(call.sin));
  else if (name == "cu_seqlens_q")
    put(tableOf(call.cuSeqlens));
  else if (name == "page_table")
    put(tableOf(call.pageTable));
  else if (name == "batch")
    put(batchOf(call));
  else if (name == "max_seqlen_q")
    put(call.maxSeqlen >= 0 ? call.maxSeqlen : longest(call.cuSeqlens));
  else
    llvm_unreachable("a program's argument that no call binds");
}

Error checkArguments(const AppendCache &, const ArgumentBlock &) { return Error::success(); }

} // namespace tessera
