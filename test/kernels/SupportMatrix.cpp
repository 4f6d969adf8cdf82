//===- SupportMatrix.cpp - every cell of docs/support-matrix.md -----------===//
//
// The page is printed from docs/SupportCells.h, and so is this test: where it
// says yes, a small call is what the reference says, by a kernel of that very
// key; where it says no, the call is refused for the same reason.
//
//===----------------------------------------------------------------------===//

#include "docs/SupportCells.h"
#include "dsl/Refusal.h"
#include "test/kernels/KernelTest.h"
#include "test/kernels/UserExamples.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

using namespace tessera;
using namespace tessera::test;

namespace {

/// The message of a refusal; empty if there is none. A failure of another kind
/// fails the test.
std::string refusalOf(llvm::Error error) {
  std::string message;
  llvm::handleAllErrors(
      std::move(error),
      [&](const Refusal &refusal) {
        message = refusal.message();
        EXPECT_NE(refusal.subject, "");
        EXPECT_NE(refusal.found, "");
        EXPECT_NE(refusal.expected, "");
        EXPECT_NE(refusal.code, ErrorCode::internalError);
      },
      [](const llvm::ErrorInfoBase &other) { ADD_FAILURE() << other.message(); });
  return message;
}

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

Layout layoutOf(const SupportCell &cell) {
  const Key &key = cell.key;
  Layout layout{.packedQ = key.varlenQ,
                .kv = key.paged      ? Form::paged
                      : key.varlenKv ? Form::packed
                                     : Form::dense,
                .seqUsedKv = key.seqUsedKv,
                .spareRows = 3,
                .pageSize = 7};
  if (cell.headsFirst) {
    layout.pageLayout = PageLayout::hnd;
    layout.k.order = layout.v.order = {0, 2, 1, 3};
  }
  return layout;
}

const UserExample &exampleNamed(std::string_view name) {
  return *std::ranges::find(userExamples(), name, &UserExample::name);
}

/// A call whose key is that of the cell.
Case caseOf(const SupportCell &cell, const Layout &layout) {
  const Key &key = cell.key;
  int64_t width = key.headDim, widthV = valueWidth(key);
  bool wide = width + widthV > 128; // the reference takes its time
  Case c{.problem = {.batch = 3,
                     .seqlenQ = wide ? 35 : 101,
                     .seqlenKv = wide ? 75 : 131,
                     .heads = cell.heads,
                     .kvHeads = cell.kvHeads,
                     .headDim = width,
                     .headDimV = widthV,
                     .scale = 0.25},
         .q = key.q,
         .k = key.kv,
         .v = key.v,
         .o = key.o,
         .lse = key.lse,
         .checked = key.checked,
         .blockM = key.blockM,
         .blockN = key.blockN};
  reference::Problem &p = c.problem;
  p.causal = key.causal;
  p.topLeft = key.topLeft;
  p.windowLeft = key.windowLeft ? 40 : -1;
  p.windowRight = key.windowRight ? 20 : -1;
  p.sinkTokens = key.sinkTokens ? 3 : 0;
  p.softcap = key.softcap ? 5 : 0;
  p.sinkLogits.resize(key.sinkLogits ? p.heads : 0);
  p.alibiSlopes.resize(key.alibi ? p.heads : 0);
  if (key.descale) {
    p.qDescale.resize(1);
    p.kDescale.resize(p.batch * p.kvHeads);
    p.vDescale.resize(p.batch * p.kvHeads);
  }
  varyLengths(c, layout);
  if (cell.functions) {
    Draw draw(5);
    use(c, exampleNamed(cell.functions), draw);
  }
  fill(c);
  return c;
}

void checkAttention(const SupportCell &cell) {
  Layout layout = layoutOf(cell);
  Case c = caseOf(cell, layout);
  std::string refusal = refusalOf(validate(cell.key));
  if (!refusal.empty()) {
    EXPECT_EQ(refusalOf(run(Operands(c, layout).call())), refusal);
    return;
  }
  Key key = cell.key;
  key.variant = c.user.fingerprint;
  llvm::Expected<Key> computed = keyOf(Operands(c, layout).call());
  ASSERT_TRUE(static_cast<bool>(computed)) << llvm::toString(computed.takeError());
  EXPECT_EQ(str(*computed), str(key));
  expectCorrect(c, layout);
}

//===----------------------------------------------------------------------===//
// Appending
//===----------------------------------------------------------------------===//

constexpr int64_t batch = 3, heads = 2, positions = 80;

/// Rows behind those of a cache, and their memory.
struct Appending {
  explicit Appending(const SupportCell &cell);
  AppendCache call();
  /// Element `column` of a new row that stands at `position`.
  double expected(std::span<const float> row, int64_t column, int64_t position) const;

  SupportCell cell;
  std::vector<int64_t> starts = {0, 9, 30}, lengths;
  Pages pages;
  Buffer rows, cache;
  TableBuffer begins, firsts, pageTable, cosines, sines;
  std::vector<float> cos, sin;
};

std::vector<int64_t> endsOf(std::vector<int64_t> starts, std::span<const int64_t> lengths) {
  for (size_t b = 0; b < starts.size(); ++b)
    starts[b] += lengths[b];
  return starts;
}

constexpr int64_t pageRows = 7, capacity = 80;

/// Where the new rows come to lie.
Places placesOf(const Appending &a) {
  Places places;
  for (int64_t b = 0; b < batch; ++b)
    for (int64_t i = a.starts[b]; i < a.starts[b] + a.lengths[b]; ++i)
      if (a.cell.key.paged)
        places.push_back({a.pages.table[b * a.pages.perSequence + i / pageRows], i % pageRows});
      else
        places.push_back({b, i});
  return places;
}

std::vector<float> draw(size_t count, DType type, uint64_t seed) {
  Draw draw(seed);
  std::vector<float> values(count);
  for (float &value : values)
    value = reference::roundTo(precisionOf(type), draw.uniform(-3, 3));
  return values;
}

Numbers i32(std::vector<int64_t> shape, std::span<const int64_t> values) {
  return {std::move(shape), std::vector<int32_t>(values.begin(), values.end())};
}

Appending::Appending(const SupportCell &given)
    : cell(given), lengths(given.key.varlenQ ? std::vector<int64_t>{5, 0, 40}
                                             : std::vector<int64_t>{11, 11, 11}),
      pages(drawPages(endsOf(starts, lengths), pageRows, 0, 3)),
      rows(cell.key.q,
           {cell.key.varlenQ ? 1 : batch, cell.key.varlenQ ? 45 : 11, heads, cell.key.headDim}),
      cache(cell.key.o,
            {cell.key.paged ? pages.count : batch, cell.key.paged ? pageRows : capacity, heads,
             cell.key.headDim},
            placesOf(*this)),
      firsts(i32({batch}, starts)) {
  rows.put(
      draw(std::accumulate(lengths.begin(), lengths.end(), size_t(0)) * heads * cell.key.headDim,
           cell.key.q, 1));
  if (cell.key.varlenQ)
    begins = TableBuffer(i32({batch + 1}, std::vector<int64_t>{0, 5, 5, 45}));
  if (cell.key.paged)
    pageTable = TableBuffer({{batch, pages.perSequence}, pages.table});
  for (float angle : draw(positions * (cell.key.rotary / 2), DType::f32, 2)) {
    cos.push_back(std::cos(angle));
    sin.push_back(std::sin(angle));
  }
  if (cell.key.rotary) {
    cosines = TableBuffer({{positions, cell.key.rotary / 2}, cos});
    sines = TableBuffer({{positions, cell.key.rotary / 2}, sin});
  }
}

AppendCache Appending::call() {
  AppendCache call;
  call.rows = cell.key.varlenQ ? rows.packed() : rows.tensor();
  call.cache = cell.headsFirst ? cache.headsFirst() : cache.tensor();
  call.pageLayout = cell.headsFirst ? PageLayout::hnd : PageLayout::nhd;
  call.starts = firsts.table();
  call.cuSeqlens = begins.table();
  call.pageTable = pageTable.table();
  call.cos = cosines.table(), call.sin = sines.table();
  call.interleaved = cell.key.interleaved;
  return call;
}

double Appending::expected(std::span<const float> row, int64_t column, int64_t position) const {
  int64_t pairs = cell.key.rotary / 2;
  if (column >= cell.key.rotary)
    return row[column];
  bool second = cell.key.interleaved ? column % 2 : column >= pairs;
  int64_t pair = cell.key.interleaved ? column / 2 : column % pairs;
  int64_t partner = cell.key.interleaved ? column ^ 1 : (column + pairs) % (2 * pairs);
  double c = cos[position * pairs + pair], s = sin[position * pairs + pair];
  return row[column] * c + row[partner] * (second ? s : -s);
}

void checkAppending(const SupportCell &cell) {
  Appending a(cell);
  std::string refusal = refusalOf(validate(cell.key));
  EXPECT_EQ(refusalOf(run(a.call())), refusal);
  if (!refusal.empty())
    return;
  EXPECT_EQ(str(llvm::cantFail(keyOf(a.call()))), str(cell.key));
  EXPECT_TRUE(a.cache.surroundingsAreIntact());
  std::vector<float> rows = a.rows.get(), found = a.cache.get();
  reference::Precision precision = precisionOf(cell.key.o);
  size_t at = 0;
  for (int64_t b = 0; b < batch; ++b)
    for (int64_t i = 0; i < a.lengths[b] * heads; ++i, at += cell.key.headDim)
      for (int64_t column = 0; column < cell.key.headDim; ++column) {
        std::span<const float> row(&rows[at], cell.key.headDim);
        double expected = a.expected(row, column, a.starts[b] + i / heads);
        // One rounding, at most: numbers are below 8 and sums of f32 two.
        double bound = reference::epsilon(precision) / 2 * std::abs(expected) +
                       reference::smallest(precision) +
                       32 * reference::epsilon(reference::Precision::f32);
        ASSERT_NEAR(found[at + column], expected, bound)
            << "sequence " << b << ", row " << i / heads << ", column " << column;
      }
}

void check(const SupportCell &cell) {
  SCOPED_TRACE(str(cell.key));
  if (cell.key.direction == Direction::append)
    checkAppending(cell);
  else
    checkAttention(cell);
}

} // namespace

//===----------------------------------------------------------------------===//
// Tables: a test for each row
//===----------------------------------------------------------------------===//

namespace {

struct Row {
  size_t table, row;
};

std::vector<Row> rowsOfTables() {
  std::vector<Row> rows;
  std::vector<SupportTable> tables = supportTables();
  for (size_t table = 0; table < tables.size(); ++table)
    for (size_t row = 0; row < tables[table].rows.size(); ++row)
      rows.push_back({table, row});
  return rows;
}

/// `0_causal_top_left`: the table, and the row in words.
std::string nameOf(const testing::TestParamInfo<Row> &info) {
  std::string name = std::to_string(info.param.table);
  std::vector<SupportTable> tables = supportTables();
  for (char c : tables[info.param.table].rows[info.param.row].title)
    if (std::isalnum(static_cast<unsigned char>(c)))
      name += c;
    else if (name.back() != '_')
      name += '_';
  return name;
}

class SupportMatrix : public testing::TestWithParam<Row> {};
void PrintTo(const Row &row, std::ostream *os) { *os << row.table << ", " << row.row; }

} // namespace

TEST_P(SupportMatrix, IsTrue) {
  SupportTable table = supportTables()[GetParam().table];
  for (const SupportChoice &column : table.columns)
    check(table.cell(table.rows[GetParam().row], column));
}

INSTANTIATE_TEST_SUITE_P(Tables, SupportMatrix, testing::ValuesIn(rowsOfTables()), nameOf);

//===----------------------------------------------------------------------===//
// Sizes: in parts, which take turns
//===----------------------------------------------------------------------===//

namespace {
constexpr size_t parts = 16;
class SupportSizes : public testing::TestWithParam<size_t> {};
} // namespace

TEST_P(SupportSizes, AreTrue) {
  std::set<std::string> seen; // both sides of a pair name the same kernels
  size_t turn = 0;
  for (const SupportSize &size : supportSizes())
    for (int64_t value = 0; value <= size.most + size.step; ++value) {
      SupportCell cell = size.cell(value);
      bool supported = refusalOf(validate(cell.key)).empty();
      turn += supported; // the others cost little
      if (supported && !seen.insert(str(cell.key)).second)
        continue;
      if (turn % parts == GetParam())
        check(cell);
    }
}

INSTANTIATE_TEST_SUITE_P(Parts, SupportSizes, testing::Range<size_t>(0, parts));

//===----------------------------------------------------------------------===//
// Keys as text
//===----------------------------------------------------------------------===//

TEST(SupportRefusals, NameAKeyThatIsSupported) {
  for (const std::string &text : supportRefusals()) {
    SCOPED_TRACE(text);
    llvm::Expected<Key> key = parseKey(text);
    ASSERT_FALSE(static_cast<bool>(key));
    llvm::handleAllErrors(key.takeError(), [](const Refusal &refusal) {
      EXPECT_NE(refusal.found, "");
      EXPECT_NE(refusal.expected, "");
      // The nearest is a key, or a field where a word was not understood.
      if (refusal.nearest.find(',') != std::string::npos) {
        EXPECT_EQ(str(llvm::cantFail(parseKey(refusal.nearest))), refusal.nearest);
      }
    });
  }
}
