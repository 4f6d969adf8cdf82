//===- Attention.cpp - checking a call and naming its key -----------------===//

#include "runtime/Attention.h"
#include "runtime/CallChecks.h"
#include "runtime/GpuSchedule.h"
#include "runtime/Variants.h"

#include <cmath>
#include <fmt/format.h>

using namespace llvm;

namespace tessera {

static bool isPackedQ(const Attention &call) { return static_cast<bool>(call.cuSeqlensQ); }
static bool isPackedKv(const Attention &call) { return static_cast<bool>(call.cuSeqlensKv); }
static bool isPaged(const Attention &call) { return static_cast<bool>(call.pageTable); }
static bool isWanted(const Tensor &lse) { return lse.rank != 0; }

int64_t batchOf(const Attention &call) {
  return isPackedQ(call) ? call.cuSeqlensQ.shape[0] - 1 : call.q.shape[0];
}

Tensor keysOf(const Attention &call) {
  return isPaged(call) ? asPages(call.k, call.pageLayout) : call.k;
}
Tensor valuesOf(const Attention &call) {
  return isPaged(call) ? asPages(call.v, call.pageLayout) : call.v;
}

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

static Error checkTensors(const Attention &call) {
  bool packedQ = isPackedQ(call), packedKv = isPackedKv(call), paged = isPaged(call);
  const char *qForm = packedQ ? "[total_q, heads, head_dim]" : "[batch, seqlen_q, heads, head_dim]";
  const char *kvForm = packedKv ? "[total_kv, kv_heads, head_dim]"
                       : !paged ? "[batch, seqlen_kv, kv_heads, head_dim]"
                       : call.pageLayout == PageLayout::nhd
                           ? "[pages, page_size, kv_heads, head_dim]"
                           : "[pages, kv_heads, page_size, head_dim]";
  if (packedKv && paged)
    return refuse(ErrorCode::invalidValue, "cu_seqlens_kv", "given", "absent, page_table is given");
  if (packedQ && call.cuSeqlensQ.rank == 1 && call.cuSeqlensQ.shape[0] < 1)
    return refuse(ErrorCode::invalidShape, "cu_seqlens_q.shape[0]", "0", "batch + 1");
  if (packedQ && call.cuSeqlensQ.rank != 1)
    return refuse(ErrorCode::invalidRank, "cu_seqlens_q.rank",
                  fmt::format("{}", call.cuSeqlensQ.rank), "1: [batch + 1]");
  for (NamedTensor named : {NamedTensor{"q", call.q}, {"out", call.o}})
    if (Error error = checkTensor(named, packedQ ? 3 : 4, qForm))
      return error;
  for (NamedTensor named : {NamedTensor{"k", call.k}, {"v", call.v}})
    if (Error error = checkTensor(named, packedKv ? 3 : 4, kvForm))
      return error;
  return Error::success();
}

static Error checkRows(NamedTensor named) {
  int64_t rows = named.tensor.seqlen();
  if (named.tensor.rank == 3 || rows <= maxPosition) // packed sequences are checked one by one
    return Error::success();
  return refuse(ErrorCode::invalidShape, fmt::format("{}.shape[{}]", named.name, 1),
                fmt::format("{}", rows), fmt::format("at most {}", maxPosition));
}

static Error checkShapes(const Attention &call) {
  const Tensor &q = call.q, &o = call.o, &k = call.k, &v = call.v;
  for (NamedTensor named : {NamedTensor{"q", q}, {"k", k}, {"v", v}})
    if (Error error = checkRows(named))
      return error;
  int last = q.rank - 1;
  for (int axis = 0; axis < last; ++axis)
    if (Error error = checkExtent({"out", o}, axis, q.shape[axis], "as in q"))
      return error;
  int kvLast = k.rank - 1;
  for (int axis = 0; axis < kvLast; ++axis)
    if (Error error = checkExtent({"v", v}, axis, k.shape[axis], "as in k"))
      return error;
  if (Error error = checkExtent({"k", k}, kvLast, q.width(), "as in q"))
    return error;
  if (Error error = checkExtent({"out", o}, last, v.width(), "as in v"))
    return error;
  if (k.rank == 4 && !isPaged(call))
    if (Error error = checkExtent({"k", k}, 0, batchOf(call), "as in q"))
      return error;

  int64_t heads = q.heads(), kvHeads = keysOf(call).heads();
  if (heads && (!kvHeads || heads % kvHeads))
    return refuse(ErrorCode::invalidShape, fmt::format("q.shape[{}]", q.rank - 2),
                  fmt::format("{}", heads),
                  fmt::format("a multiple of the {} heads of k", kvHeads));
  if (!isWanted(call.lse))
    return Error::success();
  // Its rows are one element wide, so that they may have any strides.
  const Tensor &lse = call.lse;
  bool packed = isPackedQ(call);
  if (lse.rank != (packed ? 2 : 3))
    return refuse(ErrorCode::invalidRank, "lse.rank", fmt::format("{}", lse.rank),
                  packed ? "2: [heads, total_q]" : "3: [batch, heads, seqlen_q]");
  if (lse.type != DType::f32)
    return refuse(ErrorCode::unsupportedDType, "lse.dtype", str(lse.type).str(), "f32");
  if (!packed)
    if (Error error = checkExtent({"lse", lse}, 0, q.batch(), "as in q"))
      return error;
  if (Error error = checkExtent({"lse", lse}, lse.rank - 2, heads, "as in q"))
    return error;
  if (Error error = checkExtent({"lse", lse}, lse.rank - 1, q.seqlen(), "as in q"))
    return error;
  return lse.isEmpty() ? Error::success() : checkAddress("lse", lse.data, sizeof(float));
}

static Error checkTables(const Attention &call) {
  int64_t batch = batchOf(call), heads = call.q.heads(), kvHeads = keysOf(call).heads();
  auto floats = [](NamedTable named, std::initializer_list<ArrayRef<int64_t>> shapes) {
    return checkTable(named, TableType::f32, shapes);
  };
  auto integers = [](NamedTable named, std::initializer_list<ArrayRef<int64_t>> shapes) {
    return checkTable(named, TableType::i32, shapes);
  };
  if (Error error = floats({"sink_logits", call.sinkLogits}, {{heads}}))
    return error;
  if (Error error = floats({"alibi_slopes", call.alibiSlopes}, {{heads}, {batch, heads}}))
    return error;
  for (NamedTable named : {NamedTable{"q_descale", call.qDescale},
                           {"k_descale", call.kDescale},
                           {"v_descale", call.vDescale}})
    if (Error error = floats(named, {{}, {batch, kvHeads}}))
      return error;
  for (NamedTable named :
       {NamedTable{"cu_seqlens_q", call.cuSeqlensQ}, {"cu_seqlens_kv", call.cuSeqlensKv}})
    if (Error error = integers(named, {{batch + 1}}))
      return error;
  if (Error error = integers({"seqused_kv", call.seqUsedKv}, {{batch}}))
    return error;
  // A factor that is not given is a 1 in memory of this process.
  bool someFactor = call.qDescale || call.kDescale || call.vDescale;
  for (NamedTable named : {NamedTable{"q_descale", call.qDescale},
                           {"k_descale", call.kDescale},
                           {"v_descale", call.vDescale}})
    if (isGpu(call.target) && someFactor && !named.table)
      return refuse(ErrorCode::missingTensor, named.name, "absent",
                    "all of q_descale, k_descale and v_descale, or none");
  if (!isPaged(call))
    return Error::success();
  if (!call.seqUsedKv)
    return refuse(ErrorCode::missingTensor, "seqused_kv", "absent",
                  "the length of each sequence, page_table is given");
  return checkPageTable(call.pageTable, batch);
}

//===----------------------------------------------------------------------===//
// Lengths, pages and numbers
//===----------------------------------------------------------------------===//

/// What a call says of lengths without a look at its tables.
static Error checkLimits(const Attention &call) {
  if (isPaged(call) && keysOf(call).seqlen() == 0)
    return refuse(ErrorCode::invalidPages,
                  fmt::format("k.shape[{}]", call.pageLayout == PageLayout::nhd ? 1 : 2), "0",
                  "a page of at least 1 row");
  if (!isGpu(call.target))
    return Error::success();
  if (isPackedQ(call) && call.maxSeqlenQ == -1 && call.q.seqlen())
    return refuse(ErrorCode::invalidValue, "max_seqlen_q", "not given",
                  "the length of the longest sequence, cu_seqlens_q is in memory of a GPU");
  for (auto [name, longest] :
       {std::pair("max_seqlen_q", call.maxSeqlenQ), {"max_seqlen_kv", call.maxSeqlenKv}})
    if (longest < -1 || longest > maxPosition)
      return refuse(ErrorCode::invalidLengths, name, fmt::format("{}", longest),
                    fmt::format("0 to {}", maxPosition));
  return Error::success();
}

/// What the tables say, where this process can read them.
static Error checkLengths(const Attention &call) {
  if (isGpu(call.target))
    return Error::success();
  int64_t batch = batchOf(call), longestKv = 0;
  Tensor k = keysOf(call);
  if (isPackedQ(call)) {
    if (Error error = checkStarts({"cu_seqlens_q", call.cuSeqlensQ}, call.q.seqlen()))
      return error;
    if (Error error = checkLongest("max_seqlen_q", call.maxSeqlenQ, longest(call.cuSeqlensQ)))
      return error;
  }
  if (isPackedKv(call)) {
    if (Error error = checkStarts({"cu_seqlens_kv", call.cuSeqlensKv}, k.seqlen()))
      return error;
    if (!call.seqUsedKv)
      longestKv = longest(call.cuSeqlensKv);
  }
  for (int64_t b = 0; call.seqUsedKv && b < batch; ++b) {
    int64_t used = at(call.seqUsedKv, b);
    std::string name = fmt::format("seqused_kv[{}]", b);
    auto bad = [&](std::string expected) {
      return refuse(ErrorCode::invalidLengths, name, fmt::format("{}", used), std::move(expected));
    };
    if (used < 0 || used > maxPosition)
      return bad(fmt::format("0 to {}", maxPosition));
    longestKv = std::max(longestKv, used);
    if (isPaged(call)) {
      PagedCache cache{{"k", call.k}, {"page_table", call.pageTable}, k.seqlen(), k.batch()};
      if (Error error = checkPages(cache, b, used, name))
        return error;
      continue;
    }
    int64_t room = isPackedKv(call) ? lengthAt(call.cuSeqlensKv, b) : k.seqlen();
    if (used > room)
      return bad(fmt::format("at most {}, the rows of the sequence", room));
  }
  return checkLongest("max_seqlen_kv", call.maxSeqlenKv, longestKv);
}

static Error checkNumbers(const Attention &call) {
  auto bad = [](const char *name, auto found, const char *expected) {
    return refuse(ErrorCode::invalidValue, name, fmt::format("{}", found), expected);
  };
  if (call.windowLeft < -1)
    return bad("window_left", call.windowLeft, "at least 0, or -1 for all");
  if (call.windowRight < -1)
    return bad("window_right", call.windowRight, "at least 0, or -1 for all");
  if (call.sinkTokens < 0)
    return bad("sink_tokens", call.sinkTokens, "at least 0");
  if (!(call.softcap >= 0) || std::isinf(call.softcap))
    return bad("softcap", call.softcap, "a positive number, or 0 for none");
  if (call.scale && !std::isfinite(*call.scale))
    return bad("scale", *call.scale, "a finite number");
  return findVariant(call.variant).takeError();
}

static Error checkOutputs(const Attention &call) {
  NamedTensor q{"q", call.q}, k{"k", call.k}, v{"v", call.v}, o{"out", call.o},
      lse{"lse", call.lse};
  NamedTable tables[] = {{"sink_logits", call.sinkLogits},  {"alibi_slopes", call.alibiSlopes},
                         {"cu_seqlens_q", call.cuSeqlensQ}, {"cu_seqlens_kv", call.cuSeqlensKv},
                         {"seqused_kv", call.seqUsedKv},    {"page_table", call.pageTable},
                         {"q_descale", call.qDescale},      {"k_descale", call.kDescale},
                         {"v_descale", call.vDescale}};
  if (Error error = checkOutput(o, {q, k, v}, tables))
    return error;
  return checkOutput(lse, {q, k, v, o}, tables);
}

//===----------------------------------------------------------------------===//
// The key
//===----------------------------------------------------------------------===//

/// The longest sequence of keys there may be, as far as can be told without reading tables.
static int64_t longestKv(const Attention &call) {
  if (call.maxSeqlenKv >= 0)
    return call.maxSeqlenKv;
  // Packed sequences are taken to be as many keys as queries.
  if (isPackedKv(call))
    return call.maxSeqlenQ >= 0 ? call.maxSeqlenQ : call.k.seqlen();
  return isPaged(call) ? call.pageTable.shape[1] * keysOf(call).seqlen() : call.k.seqlen();
}

/// How many of them a query sees at most.
static int64_t visibleKeys(const Attention &call) {
  int64_t keys = longestKv(call);
  bool isBounded = call.windowLeft >= 0 && (call.causal || call.windowRight >= 0);
  if (!isBounded)
    return keys;
  int64_t after = call.causal ? 0 : call.windowRight;
  return std::min(keys,
                  call.sinkTokens + std::min(call.windowLeft, keys) + 1 + std::min(after, keys));
}

Expected<Key> keyOf(const Attention &call) {
  for (auto check : {checkTensors, checkTables, checkShapes, checkNumbers, checkLimits,
                     checkLengths, checkOutputs})
    if (Error error = check(call))
      return error;

  Key key;
  key.target = call.target;
  key.signedScale = call.scale && !(*call.scale > 0);
  key.q = call.q.type;
  key.kv = call.k.type;
  key.v = call.v.type;
  key.o = call.o.type;
  key.headDim = call.q.width();
  key.headDimV = call.v.width();
  key.causal = call.causal;
  key.topLeft = call.topLeft;
  key.windowLeft = call.windowLeft >= 0;
  key.windowRight = call.windowRight >= 0;
  key.sinkTokens = call.sinkTokens > 0;
  key.sinkLogits = static_cast<bool>(call.sinkLogits);
  key.alibi = static_cast<bool>(call.alibiSlopes);
  key.softcap = call.softcap > 0;
  key.lse = isWanted(call.lse);
  key.descale = call.qDescale || call.kDescale || call.vDescale;
  key.varlenQ = isPackedQ(call);
  key.varlenKv = isPackedKv(call);
  key.seqUsedKv = static_cast<bool>(call.seqUsedKv);
  key.paged = isPaged(call);
  key.variant = call.variant;
  key.checked = call.checked;
  key.blockM = call.blockM;
  key.blockN = call.blockN;
  if (Error error = validate(key))
    return error;
  if (isGpu(key.target))
    chooseShape(key, visibleKeys(call));
  return normalized(key);
}

bool isEmpty(const Attention &call) { return call.o.isEmpty() || batchOf(call) == 0; }

} // namespace tessera
