//===- Operands.cpp - the tensors and tables of a case --------------------===//

#include "test/kernels/Operands.h"

#include <algorithm>
#include <cassert>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <numeric>

using tessera::reference::Problem;

namespace tessera::test {

//===----------------------------------------------------------------------===//
// Layout
//===----------------------------------------------------------------------===//

static std::string str(const Arrangement &arrangement) {
  std::string text =
      fmt::format("{}+{}", fmt::join(arrangement.order, ""), fmt::join(arrangement.extra, ","));
  return text + (arrangement.sameBatches ? " same_batches" : "") +
         (arrangement.sameHeads ? " same_heads" : "");
}

std::string str(const Layout &layout) {
  std::string text;
  auto add = [&](bool present, const char *name, const auto &value) {
    if (present)
      text += fmt::format("{}{}={}", text.empty() ? "" : " ", name, value);
  };
  std::string plain = str(Arrangement{});
  for (auto [name, arrangement] :
       {std::pair{"q", &layout.q}, {"k", &layout.k}, {"v", &layout.v}, {"o", &layout.o}})
    add(str(*arrangement) != plain, name, "[" + str(*arrangement) + "]");
  add(layout.packedQ, "packed_q", true);
  add(layout.kv == Form::packed, "packed_kv", true);
  add(layout.kv == Form::paged, layout.pageLayout == PageLayout::nhd ? "pages_nhd" : "pages_hnd",
      layout.pageSize);
  add(layout.seqUsedKv, "seqused", true);
  add(layout.spareRows > 0, "spare_rows", layout.spareRows);
  add(layout.outerRows > 0, "outer_rows", layout.outerRows);
  add(layout.slackQ >= 0, "slack_q", layout.slackQ);
  add(layout.slackKv >= 0, "slack_kv", layout.slackKv);
  add(layout.sharedRows > 0, "shared_rows", layout.sharedRows);
  add(layout.tableGap > 0, "table_gap", layout.tableGap);
  return text;
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

Pages drawPages(std::span<const int64_t> lengths, int64_t pageSize, int64_t sharedRows,
                uint32_t seed) {
  Draw draw(seed);
  int64_t longest = 0, used = 0;
  for (int64_t length : lengths) {
    longest = std::max(longest, length);
    used += (length + pageSize - 1) / pageSize;
  }
  Pages pages;
  pages.count = 3 * used + 1;
  pages.perSequence = (longest + pageSize - 1) / pageSize + draw.between(0, 2);
  std::vector<int32_t> free(pages.count);
  std::iota(free.begin(), free.end(), 0);
  for (size_t n = free.size(); n > 1; --n)
    std::swap(free[n - 1], free[draw.between(0, n - 1)]);

  for (int64_t length : lengths)
    for (int64_t page = 0; page < pages.perSequence; ++page) {
      int64_t behind = (page + 1) * pageSize; // the row behind the page
      bool first = std::ssize(pages.table) < pages.perSequence;
      bool shared = !first && behind <= std::min({sharedRows, lengths[0], length});
      if (page * pageSize >= length)
        pages.table.push_back(draw.of({-1, 0x7fffffff, -0x7fffffff, 1 << 20}));
      else if (shared)
        pages.table.push_back(pages.table[page]);
      else
        pages.table.push_back(free.back()), free.pop_back();
    }
  return pages;
}

static Numbers i32(std::vector<int64_t> shape, std::span<const int64_t> values) {
  return {std::move(shape), std::vector<int32_t>(values.begin(), values.end())};
}

/// Sequences behind each other, with room for `spare` more rows than each has.
static Rows packedRows(std::span<const int64_t> lengths, std::span<const int64_t> spare,
                       const Layout &layout) {
  Rows rows{.batches = 1};
  std::vector<int64_t> begins = {layout.outerRows};
  for (size_t b = 0; b < lengths.size(); ++b) {
    for (int64_t i = 0; i < lengths[b]; ++i)
      rows.places.push_back({0, begins.back() + i});
    begins.push_back(begins.back() + lengths[b] + spare[b]);
  }
  rows.rows = begins.back() + layout.outerRows;
  rows.cuSeqlens = TableBuffer(i32({std::ssize(begins)}, begins), layout.tableGap);
  return rows;
}

/// As many rows for each sequence, of which the first ones are its own.
static Rows denseRows(std::span<const int64_t> lengths, int64_t capacity) {
  Rows rows{.batches = std::ssize(lengths), .rows = capacity};
  for (size_t b = 0; b < lengths.size(); ++b)
    for (int64_t i = 0; i < lengths[b]; ++i)
      rows.places.push_back({static_cast<int64_t>(b), i});
  return rows;
}

static Rows pagedRows(std::span<const int64_t> lengths, const Layout &layout) {
  Pages pages = drawPages(lengths, layout.pageSize, layout.sharedRows, layout.pageSeed);
  Rows rows{.batches = pages.count, .rows = layout.pageSize};
  for (size_t b = 0; b < lengths.size(); ++b)
    for (int64_t i = 0; i < lengths[b]; ++i)
      rows.places.push_back(
          {pages.table[b * pages.perSequence + i / layout.pageSize], i % layout.pageSize});
  rows.pageTable =
      TableBuffer({{std::ssize(lengths), pages.perSequence}, pages.table}, layout.tableGap);
  return rows;
}

static int64_t longest(std::span<const int64_t> lengths) {
  int64_t longest = 0;
  for (int64_t length : lengths)
    longest = std::max(longest, length);
  return longest;
}

static bool areAllEqual(std::span<const int64_t> lengths) {
  return std::count(lengths.begin(), lengths.end(), lengths.empty() ? 0 : lengths[0]) ==
         std::ssize(lengths);
}

static Rows makeRowsOfQ(const Case &c, const Layout &layout) {
  std::vector<int64_t> lengths = c.lengthsQ();
  if (layout.packedQ)
    return packedRows(lengths, std::vector<int64_t>(lengths.size()), layout);
  assert(areAllEqual(lengths) && "dense queries have one length");
  return denseRows(lengths, c.seqlensQ.empty() ? c.problem.seqlenQ : longest(lengths));
}

static Rows makeRowsOfKv(const Case &c, const Layout &layout) {
  std::vector<int64_t> lengths = c.lengthsKv(), spare(lengths.size());
  bool seqUsed = layout.seqUsedKv || layout.kv == Form::paged;
  Rows rows;
  if (layout.kv == Form::packed) {
    if (seqUsed)
      for (size_t b = 0; b < spare.size(); ++b) // none in every third
        spare[b] = b % 3 * layout.spareRows;
    rows = packedRows(lengths, spare, layout);
  } else if (layout.kv == Form::paged) {
    rows = pagedRows(lengths, layout);
  } else {
    assert((seqUsed || areAllEqual(lengths)) && "dense keys have one length");
    rows = denseRows(lengths, (c.seqlensKv.empty() ? c.problem.seqlenKv : longest(lengths)) +
                                  (seqUsed ? layout.spareRows : 0));
  }
  if (seqUsed)
    rows.seqUsed = TableBuffer(i32({std::ssize(lengths)}, lengths), layout.tableGap);
  return rows;
}

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

static TableBuffer tableOrNone(const std::vector<float> &values, std::vector<int64_t> shape,
                               int64_t gap) {
  return values.empty() ? TableBuffer() : TableBuffer({std::move(shape), values}, gap);
}

/// One number, or one for each sequence and key/value head.
static TableBuffer descaleTable(const std::vector<float> &values, const Problem &p, int64_t gap) {
  if (values.size() == 1)
    return TableBuffer({{}, values});
  return tableOrNone(values, {p.batch, p.kvHeads}, gap);
}

/// The LSE has heads before rows.
static Arrangement lseArrangement(const Layout &layout) {
  return {.order = {0, 2, 1, 3}, .extra = {0, layout.o.extra[1], 0, 0}};
}

/// Rows of a GPU's tensors begin at multiples of 16 bytes.
static Layout onTarget(Layout layout) {
  constexpr int64_t step = 8; // elements, of 16 bits at least
  if (isOnGpu())
    for (Arrangement *arrangement : {&layout.q, &layout.k, &layout.v, &layout.o})
      arrangement->extra[3] = (arrangement->extra[3] + step - 1) / step * step;
  return layout;
}

Operands::Operands(const Case &c, const Layout &given)
    : c(c), layout(onTarget(given)), rowsOfQ(makeRowsOfQ(c, layout)),
      rowsOfKv(makeRowsOfKv(c, layout)),
      q(c.q, {rowsOfQ.batches, rowsOfQ.rows, c.problem.heads, c.problem.headDim}, rowsOfQ.places,
        layout.q, layout.surroundings),
      k(c.k, {rowsOfKv.batches, rowsOfKv.rows, c.problem.kvHeads, c.problem.headDim},
        rowsOfKv.places, layout.k, layout.surroundings),
      v(c.v, {rowsOfKv.batches, rowsOfKv.rows, c.problem.kvHeads, c.problem.headDimV},
        rowsOfKv.places, layout.v, layout.surroundings),
      o(c.o, {rowsOfQ.batches, rowsOfQ.rows, c.problem.heads, c.problem.headDimV}, rowsOfQ.places,
        layout.o, layout.surroundings),
      lse(DType::f32, {rowsOfQ.batches, rowsOfQ.rows, c.problem.heads, 1}, rowsOfQ.places,
          lseArrangement(layout)) {
  const Problem &p = c.problem;
  q.put(p.q);
  k.put(p.k);
  v.put(p.v);
  int64_t gap = layout.tableGap;
  sinkLogits = tableOrNone(p.sinkLogits, {p.heads}, gap);
  bool perBatch = std::ssize(p.alibiSlopes) != p.heads;
  alibiSlopes = tableOrNone(p.alibiSlopes,
                            perBatch ? std::vector{p.batch, p.heads} : std::vector{p.heads}, gap);
  qDescale = descaleTable(p.qDescale, p, gap);
  kDescale = descaleTable(p.kDescale, p, gap);
  vDescale = descaleTable(p.vDescale, p, gap);
  for (const auto &[name, numbers] : c.user.tables)
    userTables.emplace(name, TableBuffer(numbers, gap));
}

Attention Operands::call() {
  const Problem &p = c.problem;
  bool pagesHnd = layout.kv == Form::paged && layout.pageLayout == PageLayout::hnd;
  auto queries = [&](Buffer &buffer) { return layout.packedQ ? buffer.packed() : buffer.tensor(); };
  auto keys = [&](Buffer &buffer) {
    return layout.kv == Form::packed ? buffer.packed()
           : pagesHnd                ? buffer.headsFirst()
                                     : buffer.tensor();
  };
  Attention call;
  call.q = queries(q), call.k = keys(k), call.v = keys(v), call.o = queries(o);
  if (c.lse) {
    // [batch, heads, rows], or [heads, rows].
    Tensor all = lse.headsFirst();
    int first = layout.packedQ;
    call.lse = {all.data, all.type, {}, {}, 3 - first};
    std::copy(&all.shape[first], &all.shape[3], call.lse.shape.begin());
    std::copy(&all.strides[first], &all.strides[3], call.lse.strides.begin());
  }

  call.scale = static_cast<float>(p.scale);
  call.causal = p.causal;
  call.topLeft = p.topLeft;
  call.windowLeft = p.windowLeft;
  call.windowRight = p.windowRight;
  call.sinkTokens = p.sinkTokens;
  call.softcap = static_cast<float>(p.softcap);
  call.sinkLogits = sinkLogits.table();
  call.alibiSlopes = alibiSlopes.table();

  call.cuSeqlensQ = rowsOfQ.cuSeqlens.table();
  call.cuSeqlensKv = rowsOfKv.cuSeqlens.table();
  call.seqUsedKv = rowsOfKv.seqUsed.table();
  call.pageTable = rowsOfKv.pageTable.table();
  call.pageLayout = layout.pageLayout;
  // Of a GPU the lengths are not read before the kernel runs.
  if (layout.slackQ >= 0 || (isOnGpu() && layout.packedQ))
    call.maxSeqlenQ = longest(c.lengthsQ()) + std::max<int64_t>(layout.slackQ, 0);
  if (layout.slackKv >= 0)
    call.maxSeqlenKv = longest(c.lengthsKv()) + layout.slackKv;
  call.qDescale = qDescale.table();
  call.kDescale = kDescale.table();
  call.vDescale = vDescale.table();

  call.variant = c.user.fingerprint;
  for (const auto &[name, buffer] : userTables)
    call.variantArguments.tables.emplace(name, buffer.table());
  call.variantArguments.scalars = c.user.scalars;
  call.variantArguments.indices = c.user.indices;
  call.checked = c.checked;
  call.blockM = c.blockM;
  call.blockN = c.blockN;
  return call;
}

Output Operands::output() const {
  Output output{o.get(), {}};
  if (!c.lse)
    return output;
  // Of each sequence rows before heads; exchanged.
  std::vector<float> rows = lse.get();
  int64_t heads = c.problem.heads, at = 0;
  for (int64_t length : c.lengthsQ()) {
    for (int64_t h = 0; h < heads; ++h)
      for (int64_t i = 0; i < length; ++i)
        output.lse.push_back(rows[at + i * heads + h]);
    at += length * heads;
  }
  return output;
}

bool Operands::surroundingsAreIntact() const {
  return o.surroundingsAreIntact() && lse.surroundingsAreIntact();
}

} // namespace tessera::test
