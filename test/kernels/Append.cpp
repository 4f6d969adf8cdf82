//===- Append.cpp - new rows of a cache, and attention over them ----------===//

#include "test/kernels/KernelTest.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <numeric>

using namespace tessera;
using namespace tessera::test;

namespace {

/// One call that appends. Rows lie one sequence behind the other.
struct AppendCase {
  std::vector<int64_t> starts, lengths; ///< rows there are, and new ones
  int64_t heads = 2, width = 40;
  DType rows = DType::bf16, cache = DType::bf16;
  bool packed = false;  ///< new rows; else all lengths are the same
  int64_t pageSize = 0; ///< 0: no pages
  PageLayout pageLayout = PageLayout::nhd;
  int64_t rotary = 0; ///< elements that are rotated
  bool interleaved = false;
  std::vector<int64_t> positions = {}; ///< empty: `starts`
  bool checked = false;
  int64_t blockM = 0;

  int64_t batch() const { return std::ssize(starts); }
  /// Rows of each sequence afterwards.
  std::vector<int64_t> ends() const {
    std::vector<int64_t> ends = starts;
    for (int64_t b = 0; b < batch(); ++b)
      ends[b] += lengths[b];
    return ends;
  }
};

std::string str(const AppendCase &c) {
  return fmt::format("starts={} lengths={} heads={} width={} rows={} cache={} packed={} "
                     "page_size={} hnd={} rotary={} interleaved={} positions={}",
                     fmt::join(c.starts, ","), fmt::join(c.lengths, ","), c.heads, c.width,
                     str(c.rows).str(), str(c.cache).str(), c.packed, c.pageSize,
                     c.pageLayout == PageLayout::hnd, c.rotary, c.interleaved,
                     fmt::join(c.positions, ","));
}

Numbers i32(std::vector<int64_t> shape, std::span<const int64_t> values) {
  return {std::move(shape), std::vector<int32_t>(values.begin(), values.end())};
}

std::vector<float> draw(int64_t count, DType type, uint64_t seed) {
  Draw draw(seed);
  std::vector<float> values(count);
  for (float &value : values)
    value = reference::roundTo(precisionOf(type), draw.uniform(-3, 3));
  return values;
}

/// Rows of a cache: those of every sequence from row `first` to row `last`.
Places placesOf(const AppendCase &c, const Pages &pages, std::span<const int64_t> first,
                std::span<const int64_t> last) {
  Places places;
  for (int64_t b = 0; b < c.batch(); ++b)
    for (int64_t i = first[b]; i < last[b]; ++i)
      if (c.pageSize)
        places.push_back({pages.table[b * pages.perSequence + i / c.pageSize], i % c.pageSize});
      else
        places.push_back({b, i});
  return places;
}

/// The memory of a call.
struct AppendOperands {
  explicit AppendOperands(const AppendCase &c);
  AppendCache call();

  AppendCase c;
  Pages pages;
  std::vector<float> angles; ///< of each position and pair
  Buffer rows, cache;        ///< of the cache only the new rows may change
  TableBuffer starts, positions, cuSeqlens, pageTable, cos, sin;
};

constexpr int64_t positionsOfTables = 400;

AppendOperands::AppendOperands(const AppendCase &given)
    : c(given), pages(drawPages(c.ends(), std::max<int64_t>(c.pageSize, 1), 0, 7)),
      rows(c.rows, {c.packed ? 1 : c.batch(),
                    c.packed ? std::accumulate(c.lengths.begin(), c.lengths.end(), int64_t(0))
                             : c.lengths.at(0),
                    c.heads, c.width}),
      cache(c.cache,
            {c.pageSize ? pages.count : c.batch(),
             c.pageSize ? c.pageSize : std::ranges::max(c.ends()) + 4, c.heads, c.width},
            placesOf(c, pages, c.starts, c.ends()), {.extra = {0, 1, 1, 3}}) {
  int64_t newRows = std::accumulate(c.lengths.begin(), c.lengths.end(), int64_t(0));
  rows.put(draw(newRows * c.heads * c.width, c.rows, 1));
  starts = TableBuffer(i32({c.batch()}, c.starts));
  if (!c.positions.empty())
    positions = TableBuffer(i32({c.batch()}, c.positions));
  if (c.packed) {
    std::vector<int64_t> begins = {0};
    for (int64_t length : c.lengths)
      begins.push_back(begins.back() + length);
    cuSeqlens = TableBuffer(i32({c.batch() + 1}, begins));
  }
  if (c.pageSize)
    pageTable = TableBuffer({{c.batch(), pages.perSequence}, pages.table});
  if (c.rotary) {
    angles = draw(positionsOfTables * c.rotary / 2, DType::f32, 2);
    std::vector<float> cosines = angles, sines = angles;
    for (float &value : cosines)
      value = std::cos(value);
    for (float &value : sines)
      value = std::sin(value);
    std::vector<int64_t> shape = {positionsOfTables, c.rotary / 2};
    cos = TableBuffer({shape, cosines});
    sin = TableBuffer({shape, sines});
  }
}

AppendCache AppendOperands::call() {
  AppendCache call;
  call.rows = c.packed ? rows.packed() : rows.tensor();
  bool hnd = c.pageSize && c.pageLayout == PageLayout::hnd;
  call.cache = hnd ? cache.headsFirst() : cache.tensor();
  call.starts = starts.table();
  call.cuSeqlens = cuSeqlens.table();
  call.pageTable = pageTable.table();
  call.pageLayout = c.pageLayout;
  call.cos = cos.table(), call.sin = sin.table();
  call.positions = positions.table();
  call.interleaved = c.interleaved;
  call.checked = c.checked;
  call.blockM = c.blockM;
  return call;
}

/// What a row becomes, in double, and how large what it was made of is.
struct Rotated {
  std::vector<double> values, sizes;
};

Rotated rotate(const AppendOperands &operands, std::span<const float> row, int64_t position) {
  const AppendCase &c = operands.c;
  Rotated rotated{{row.begin(), row.end()}, {}};
  for (float x : row)
    rotated.sizes.push_back(std::abs(x));
  int64_t n = c.rotary / 2;
  for (int64_t i = 0; i < n; ++i) {
    int64_t first = c.interleaved ? 2 * i : i, second = c.interleaved ? 2 * i + 1 : i + n;
    // The tables hold f32.
    double cos = std::cos(operands.angles[position * n + i]);
    double sin = std::sin(operands.angles[position * n + i]);
    double x0 = row[first], x1 = row[second];
    rotated.values[first] = x0 * cos - x1 * sin;
    rotated.values[second] = x1 * cos + x0 * sin;
    rotated.sizes[first] = rotated.sizes[second] = std::abs(x0) + std::abs(x1);
  }
  return rotated;
}

/// Runs a case; new rows are those of the reference, nothing else changes.
void expectAppended(const AppendCase &c) {
  SCOPED_TRACE(str(c));
  AppendOperands operands(c);
  if (llvm::Error error = run(operands.call())) {
    ADD_FAILURE() << llvm::toString(std::move(error));
    return;
  }
  EXPECT_TRUE(operands.cache.surroundingsAreIntact()) << "written outside of the new rows";

  std::vector<float> rows = operands.rows.get(), found = operands.cache.get();
  reference::Precision precision = precisionOf(c.cache);
  size_t at = 0;
  for (int64_t b = 0; b < c.batch(); ++b)
    for (int64_t i = 0; i < c.lengths[b]; ++i)
      for (int64_t h = 0; h < c.heads; ++h, at += c.width) {
        int64_t position = (c.positions.empty() ? c.starts[b] : c.positions[b]) + i;
        std::span<const float> row(&rows[at], c.width);
        Rotated expected = rotate(operands, row, position);
        for (int64_t column = 0; column < c.width; ++column) {
          float is = found[at + column];
          auto where = [&] {
            return fmt::format("sequence {}, new row {}, head {}, column {}", b, i, h, column);
          };
          if (column >= c.rotary) { // stored, and nothing else
            ASSERT_EQ(is, reference::roundTo(precision, row[column])) << where();
            continue;
          }
          // One rounding to the cache, and those of f32 in between.
          double bound = reference::epsilon(precision) / 2 * std::abs(expected.values[column]) +
                         reference::smallest(precision) +
                         4 * reference::epsilon(reference::Precision::f32) * expected.sizes[column];
          ASSERT_NEAR(is, expected.values[column], bound) << where();
        }
      }
}

/// Dense and packed rows of a few lengths, into a cache and into pages.
std::vector<AppendCase> cases() {
  std::vector<AppendCase> all;
  for (int64_t pageSize : {0, 1, 7, 64}) {
    all.push_back({.starts = {0, 30, 5}, .lengths = {3, 3, 3}, .pageSize = pageSize});
    all.push_back({.starts = {7, 0}, .lengths = {130, 130}, .pageSize = pageSize});
    all.push_back({.starts = {6, 0, 100, 3},
                   .lengths = {1, 70, 0, 129},
                   .packed = true,
                   .pageSize = pageSize});
  }
  return all;
}

/// A test for each way to rotate.
class Append : public testing::TestWithParam<std::tuple<int64_t, bool>> {};

std::string nameOf(const testing::TestParamInfo<std::tuple<int64_t, bool>> &info) {
  auto [rotary, interleaved] = info.param;
  return rotary ? fmt::format("rotary{}{}", rotary, interleaved ? "_interleaved" : "") : "plain";
}

} // namespace

TEST_P(Append, IsCorrect) {
  for (AppendCase c : cases()) {
    std::tie(c.rotary, c.interleaved) = GetParam();
    expectAppended(c);
    c.pageLayout = PageLayout::hnd;
    c.blockM = 24;
    expectAppended(c);
  }
}

TEST_P(Append, TypesMayDiffer) {
  using enum DType;
  for (auto [rows, cache] :
       {std::pair{f32, f32}, {f16, f16}, {f32, bf16}, {bf16, f32}, {f16, bf16}}) {
    AppendCase c = cases()[0];
    std::tie(c.rotary, c.interleaved) = GetParam();
    c.rows = rows, c.cache = cache;
    expectAppended(c);
  }
}

TEST_P(Append, PositionsMayBeGiven) {
  for (AppendCase c : cases()) {
    std::tie(c.rotary, c.interleaved) = GetParam();
    for (int64_t b = 0; b < c.batch(); ++b)
      c.positions.push_back(50 + 7 * b);
    expectAppended(c);
  }
}

TEST_P(Append, CheckedKernelsComputeTheSame) {
  for (AppendCase c : cases()) {
    std::tie(c.rotary, c.interleaved) = GetParam();
    c.checked = true;
    expectAppended(c);
  }
}

INSTANTIATE_TEST_SUITE_P(Rotations, Append,
                         testing::Values(std::tuple{0, false}, std::tuple{40, false},
                                         std::tuple{40, true}, std::tuple{24, false},
                                         std::tuple{24, true}, std::tuple{2, false}),
                         nameOf);

TEST(Append, BytesOfFp8AreKept) {
  for (DType type : {DType::e4m3, DType::e5m2})
    for (AppendCase c : cases()) {
      c.rows = c.cache = type;
      expectAppended(c);
    }
}

TEST(Append, NoRowsChangeNothing) {
  for (int64_t pageSize : {0, 16}) {
    expectAppended({.starts = {3, 4}, .lengths = {0, 0}, .pageSize = pageSize});
    expectAppended({.starts = {3, 4}, .lengths = {0, 0}, .packed = true, .pageSize = pageSize});
    expectAppended({.starts = {3}, .lengths = {2}, .heads = 0, .pageSize = pageSize});
  }
}

TEST(Append, WidthsOfRows) {
  for (int64_t width : {8, 64, 128, 200, 512})
    for (int64_t rotary : {int64_t(0), width, width / 2})
      expectAppended({.starts = {0, 9}, .lengths = {40, 40}, .width = width, .rotary = rotary});
}

/// A cache that is filled in two steps holds what attention wants to see.
TEST(Append, ThenAttentionIsThatOfTheWhole) {
  for (Form form : {Form::dense, Form::paged}) {
    Case c{.problem = {.batch = 3,
                       .seqlenQ = 20,
                       .heads = 4,
                       .kvHeads = 2,
                       .headDim = 40,
                       .headDimV = 24,
                       .scale = 0.2f,
                       .causal = true}};
    c.setTypes(DType::bf16);
    c.seqlensKv = {50, 20, 131};
    fill(c);
    Output expected = run(c, {.kv = form, .seqUsedKv = true});

    Case blank = c;
    blank.problem.k.assign(c.problem.k.size(), quietNaN);
    blank.problem.v.assign(c.problem.v.size(), quietNaN);
    Operands operands(blank, {.kv = form, .seqUsedKv = true});
    Attention attention = operands.call();
    for (auto [values, cache, width] : {std::tuple{&c.problem.k, &attention.k, int64_t(40)},
                                        {&c.problem.v, &attention.v, int64_t(24)}}) {
      std::vector<int64_t> starts(3), lengths = {30, 0, 111};
      for (int step = 0; step < 2; ++step) {
        // Rows starts ... starts + lengths - 1 of each sequence, packed.
        std::vector<float> rows;
        std::vector<int32_t> begins = {0}, firsts(starts.begin(), starts.end());
        int64_t rowWidth = 2 * width, before = 0;
        for (int64_t b = 0; b < 3; ++b) {
          auto first = values->begin() + (before + starts[b]) * rowWidth;
          rows.insert(rows.end(), first, first + lengths[b] * rowWidth);
          begins.push_back(begins.back() + lengths[b]);
          before += c.seqlenKv(b);
        }
        Buffer buffer(DType::bf16, {1, begins.back(), 2, width});
        buffer.put(rows);
        AppendCache append;
        append.rows = buffer.packed();
        append.cache = *cache;
        append.starts = Table::of(firsts.data(), {3});
        append.cuSeqlens = Table::of(begins.data(), {4});
        append.pageTable = attention.pageTable;
        llvm::cantFail(run(append));
        for (int64_t b = 0; b < 3; ++b)
          starts[b] += lengths[b], lengths[b] = c.seqlenKv(b) - starts[b];
      }
    }
    llvm::cantFail(run(attention));
    EXPECT_TRUE(sameBits(operands.output(), expected));
  }
}
