//===- SupportCells.h - the cells of the support matrix -------------------===//
//
// One list for two readers: tessera-key-docs prints what `validate` says of a
// cell, and test/kernels/SupportMatrix.cpp computes the same cell, or is
// refused. So a page that says yes has a test that says why.
//
//===----------------------------------------------------------------------===//

#ifndef TESSERA_DOCS_SUPPORTCELLS_H
#define TESSERA_DOCS_SUPPORTCELLS_H

#include "dsl/Key.h"

#include <functional>
#include <string>
#include <vector>

namespace tessera {

/// A key, and what a call says beside it.
struct SupportCell {
  Key key = {};
  int64_t heads = 2, kvHeads = 2;
  bool headsFirst = false;         ///< pages hold heads before rows: HND
  const char *functions = nullptr; ///< a name in test/kernels/UserExamples.cpp
};

/// A row or a column: what it does to a cell.
struct SupportChoice {
  std::string title;
  std::function<void(SupportCell &)> choose;
};

/// Every row with every column.
struct SupportTable {
  std::string title;
  std::string corner; ///< rows \ columns
  SupportCell start;
  std::vector<SupportChoice> rows, columns;

  SupportCell cell(const SupportChoice &row, const SupportChoice &column) const {
    SupportCell cell = start;
    row.choose(cell);
    column.choose(cell);
    return cell;
  }
};

//===----------------------------------------------------------------------===//
// Rows and columns
//===----------------------------------------------------------------------===//

inline std::vector<SupportChoice> supportFeatures() {
  using Cell = SupportCell;
  return {
      {"no feature", [](Cell &) {}},
      {"`causal`", [](Cell &c) { c.key.causal = true; }},
      {"`causal,top_left`", [](Cell &c) { c.key.causal = c.key.topLeft = true; }},
      {"`window_left`", [](Cell &c) { c.key.windowLeft = true; }},
      {"`window_right`", [](Cell &c) { c.key.windowRight = true; }},
      {"`window_left,window_right`", [](Cell &c) { c.key.windowLeft = c.key.windowRight = true; }},
      {"`top_left,window_left,window_right`",
       [](Cell &c) { c.key.topLeft = c.key.windowLeft = c.key.windowRight = true; }},
      {"`causal,window_left`", [](Cell &c) { c.key.causal = c.key.windowLeft = true; }},
      {"`causal,window_left,sink_tokens`",
       [](Cell &c) { c.key.causal = c.key.windowLeft = c.key.sinkTokens = true; }},
      {"`sink_logits`", [](Cell &c) { c.key.sinkLogits = true; }},
      {"`alibi`", [](Cell &c) { c.key.alibi = true; }},
      {"`causal,alibi`", [](Cell &c) { c.key.causal = c.key.alibi = true; }},
      {"`softcap`", [](Cell &c) { c.key.softcap = true; }},
      {"`lse`", [](Cell &c) { c.key.lse = true; }},
      {"`descale`, of e4m3",
       [](Cell &c) {
         c.key.descale = true;
         c.key.q = c.key.kv = c.key.v = DType::e4m3;
       }},
      {"a score function", [](Cell &c) { c.key.variant = 1, c.functions = "relative_bias"; }},
      {"a mask function over positions",
       [](Cell &c) { c.key.variant = 1, c.functions = "dilated"; }},
      {"a mask function over a table",
       [](Cell &c) { c.key.variant = 1, c.functions = "documents"; }},
      {"4 query heads to a key head", [](Cell &c) { c.heads = 8; }},
      {"one key head for all", [](Cell &c) { c.heads = 8, c.kvHeads = 1; }},
      {"`checked`", [](Cell &c) { c.key.checked = true; }},
      {"all of these masks and biases, `lse`, `checked`",
       [](Cell &c) {
         Key &k = c.key;
         k.causal = k.topLeft = k.windowLeft = k.windowRight = k.sinkTokens = true;
         k.sinkLogits = k.alibi = k.softcap = k.lse = k.checked = true;
         k.variant = 1, c.functions = "capped_bias";
         c.heads = 8;
       }},
  };
}

/// Keys in pages, and queries dense or packed.
inline std::function<void(SupportCell &)> supportPages(bool packed, bool headsFirst) {
  return [=](SupportCell &c) {
    c.key.varlenQ = packed, c.key.paged = true;
    c.headsFirst = headsFirst;
  };
}

/// How sequences are kept, for attention.
inline std::vector<SupportChoice> supportKeepings() {
  using Cell = SupportCell;
  return {
      {"dense", [](Cell &) {}},
      {"packed q", [](Cell &c) { c.key.varlenQ = true; }},
      {"packed kv", [](Cell &c) { c.key.varlenKv = true; }},
      {"packed", [](Cell &c) { c.key.varlenQ = c.key.varlenKv = true; }},
      {"partly used kv", [](Cell &c) { c.key.seqUsedKv = true; }},
      {"packed, partly used kv",
       [](Cell &c) { c.key.varlenQ = c.key.varlenKv = c.key.seqUsedKv = true; }},
      {"pages NHD", supportPages(false, false)},
      {"pages HND", supportPages(false, true)},
      {"packed q, pages NHD", supportPages(true, false)},
      {"packed q, pages HND", supportPages(true, true)},
  };
}

/// How new rows and the cache that takes them are kept.
inline std::vector<SupportChoice> supportAppendKeepings() {
  using Cell = SupportCell;
  return {{"dense", [](Cell &) {}},
          {"packed rows", [](Cell &c) { c.key.varlenQ = true; }},
          {"pages NHD", supportPages(false, false)},
          {"pages HND", supportPages(false, true)},
          {"packed rows, pages NHD", supportPages(true, false)},
          {"packed rows, pages HND", supportPages(true, true)}};
}

inline std::vector<SupportChoice> supportRotations() {
  auto rotate = [](int64_t elements, bool interleaved) {
    return [=](SupportCell &c) { c.key.rotary = elements, c.key.interleaved = interleaved; };
  };
  return {{"copied", rotate(0, false)},
          {"`rotary=24`", rotate(24, false)},
          {"`rotary=24,interleaved`", rotate(24, true)},
          {"`rotary=8`, a part", rotate(8, false)},
          {"`rotary=8,interleaved`", rotate(8, true)}};
}

/// A choice for each type, which gives it to some operands.
inline std::vector<SupportChoice> supportTypes(std::vector<DType Key::*> operands) {
  std::vector<SupportChoice> all;
  for (DType type : {DType::f32, DType::f16, DType::bf16, DType::e4m3, DType::e5m2})
    all.push_back({"`" + str(type).str() + "`", [=](SupportCell &c) {
                     for (DType Key::*operand : operands)
                       c.key.*operand = type;
                   }});
  return all;
}

//===----------------------------------------------------------------------===//
// All cells
//===----------------------------------------------------------------------===//

inline std::vector<SupportTable> supportTables() {
  SupportCell attention, append;
  attention.key.headDim = 24;
  attention.key.headDimV = 16;
  append.key.direction = Direction::append;
  append.key.headDim = 24;
  SupportCell rotated = append;
  rotated.key.rotary = 16;
  using K = Key;
  return {
      {"Attention: features, and how sequences are kept", "", attention, supportFeatures(),
       supportKeepings()},
      {"Types of queries (down) and of keys", "q \\ kv", attention, supportTypes({&K::q}),
       supportTypes({&K::kv, &K::v})},
      {"Types of keys (down) and of values", "kv \\ v", attention, supportTypes({&K::kv}),
       supportTypes({&K::v})},
      {"Types of operands (down) and of the output", "q, kv \\ o", attention,
       supportTypes({&K::q, &K::kv, &K::v}), supportTypes({&K::o})},
      {"Appending: rotations, and how rows and their cache are kept", "", append,
       supportRotations(), supportAppendKeepings()},
      {"Appending: types of rows (down) and of the cache", "rows \\ cache", append,
       supportTypes({&K::q, &K::kv, &K::v}), supportTypes({&K::o})},
      {"Appending with rotation: types of rows (down) and of the cache", "rows \\ cache", rotated,
       supportTypes({&K::q, &K::kv, &K::v}), supportTypes({&K::o})},
  };
}

/// One size. Each value stands beside the value of `other` that is as far from
/// the other end: wide keys with narrow values, and so on.
struct SupportSize {
  std::string title;
  int64_t Key::*size, Key::*other;
  int64_t step, most;

  SupportCell cell(int64_t value) const {
    SupportCell cell;
    bool usual = value >= step && value <= most && value % step == 0;
    cell.key.headDim = 16;
    cell.key.*size = value;
    cell.key.*other = usual ? most + step - value : step;
    return cell;
  }
};

inline std::vector<SupportSize> supportSizes() {
  return {{"`d`, a query or key", &Key::headDim, &Key::headDimV, 8, 512},
          {"`dv`, a value", &Key::headDimV, &Key::headDim, 8, 512},
          {"`block_m`, queries of a tile", &Key::blockM, &Key::blockN, 8, 1024},
          {"`block_n`, keys of a tile", &Key::blockN, &Key::blockM, 8, 1024}};
}

/// Keys that are refused, as they would be written.
inline std::vector<std::string> supportRefusals() {
  return {
      "bf16,d12",
      "bf16,d520",
      "bf16,d64,dv=60",
      "e4m3,o=e4m3",
      "bf16,descale",
      "bf16,varlen_kv,paged",
      "bf16,rotary=64",
      "bf16,interleaved",
      "bf16,block_m=100",
      "append,bf16,o=e5m2",
      "append,bf16,rotary=7",
      "append,bf16,d64,rotary=72",
      "append,bf16,causal",
      "append,bf16,varlen_kv",
      "append,bf16,lse",
      "append,bf16,dv=64",
      "append,bf16,block_n=64",
      "bf16,casual",
      "bf16,d=wide",
      "bf16,kv=int8",
      "bf16,f16",
  };
}

} // namespace tessera

#endif // TESSERA_DOCS_SUPPORTCELLS_H
