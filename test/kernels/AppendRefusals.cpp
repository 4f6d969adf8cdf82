//===- AppendRefusals.cpp - appending that makes no sense -----------------===//

#include "dsl/Refusal.h"
#include "test/kernels/KernelTest.h"

#include <functional>

using namespace tessera;
using namespace tessera::test;

namespace {

struct Mistake {
  const char *name;
  std::function<void(AppendCache &)> change;
  ErrorCode code;
  const char *message;
};

/// Another number of sequence b.
void setStart(AppendCache &a, int64_t b, int32_t start) {
  static_cast<int32_t *>(const_cast<void *>(a.starts.data))[b] = start;
}

/// Makes the cache one of 4 pages of 4 rows.
void setPages(AppendCache &a, const std::array<int32_t, 4> &table, int64_t perSequence) {
  a.cache.shape = {4, 4, 2, 16};
  a.cache.strides[0] = 4 * 2 * 16;
  a.pageTable = Table::of(table.data(), {2, perSequence});
}

const std::array<int32_t, 4> fourPages = {3, 0, 1, 2}, badPages = {3, 0, 4, 2};

/// Of a call that appends 3 rows [2, 3, 2, 16] behind 4 and 0 rows of a cache
/// [2, 8, 2, 16], rotated by tables [20, 4].
const Mistake mistakes[] = {
    {"Rank", [](AppendCache &a) { a.rows.rank = 3; }, ErrorCode::invalidRank,
     "rows.rank is 3, expected 4: [batch, seqlen, heads, width]"},
    {"Width", [](AppendCache &a) { a.cache.shape[3] = 8; }, ErrorCode::invalidShape,
     "cache.shape[3] is 8, expected 16 as in rows"},
    {"Heads", [](AppendCache &a) { a.cache.shape[2] = 1; }, ErrorCode::invalidShape,
     "cache.shape[2] is 1, expected 2 as in rows"},
    {"Batches", [](AppendCache &a) { a.cache.shape[0] = 1; }, ErrorCode::invalidShape,
     "cache.shape[0] is 1, expected 2 as in rows"},
    {"TypeOfCache", [](AppendCache &a) { a.cache.type = DType::e4m3; }, ErrorCode::unsupportedDType,
     "key: o is e4m3, expected the type of the rows, or one of f32, f16, bf16; the nearest is "
     "append,host,bf16,d16,rotary=8"},

    {"NoStarts", [](AppendCache &a) { a.starts = {}; }, ErrorCode::missingTensor,
     "starts is absent, expected [batch]"},
    {"ShapeOfStarts", [](AppendCache &a) { a.starts.shape[0] = 3; }, ErrorCode::invalidShape,
     "starts.shape is (3), expected (2)"},
    {"NegativeStart", [](AppendCache &a) { setStart(a, 1, -1); }, ErrorCode::invalidLengths,
     "starts[1] is -1, expected at least 0"},
    {"NoRoom", [](AppendCache &a) { setStart(a, 0, 6); }, ErrorCode::invalidLengths,
     "starts[0] is 6, expected room for 3 more rows in a cache of 8"},

    {"OnlyCos", [](AppendCache &a) { a.sin = {}; }, ErrorCode::missingTensor,
     "sin is absent, expected both cos and sin, or neither"},
    {"WideTables", [](AppendCache &a) { a.cos.shape[1] = a.sin.shape[1] = 9; },
     ErrorCode::invalidShape, "cos.shape[1] is 9, expected 1 to 8, half the width of a row"},
    {"DifferentTables", [](AppendCache &a) { a.sin.shape[0] = 19; }, ErrorCode::invalidShape,
     "sin.shape is (19, 4), expected (20, 4)"},
    {"ShortTables", [](AppendCache &a) { a.cos.shape[0] = a.sin.shape[0] = 6; },
     ErrorCode::invalidLengths, "starts[0] is 4, expected 3 rows within the 6 positions of cos"},

    {"TooFewPages", [](AppendCache &a) { setPages(a, fourPages, 1); }, ErrorCode::invalidPages,
     "page_table.shape[1] is 1, expected at least 2 pages of 4 rows, starts[0] + the new rows is "
     "7"},
    {"PageOutOfRange", [](AppendCache &a) { setPages(a, badPages, 2), a.checked = true; },
     ErrorCode::invalidPages, "page_table[1, 0] is 4, expected a page of cache, 0 to 3"},

    {"Overlap", [](AppendCache &a) { a.rows.data = a.cache.data; }, ErrorCode::overlap,
     "cache.data is memory of rows, expected memory of its own"},
};

void PrintTo(const Mistake &mistake, std::ostream *os) { *os << mistake.name; }

class AppendRefusals : public testing::TestWithParam<Mistake> {};

} // namespace

TEST_P(AppendRefusals, SayWhyAndWriteNothing) {
  Buffer rows(DType::bf16, {2, 3, 2, 16}), cache(DType::bf16, {2, 8, 2, 16});
  std::vector<int32_t> starts = {4, 0};
  std::vector<float> angles(20 * 4, 0.5f), untouched = cache.get();
  AppendCache call;
  call.rows = rows.tensor();
  call.cache = cache.tensor();
  call.starts = Table::of(starts.data(), {2});
  call.cos = call.sin = Table::of(angles.data(), {20, 4});
  GetParam().change(call);
  expectRefusal(run(call), GetParam().code, GetParam().message);
  EXPECT_TRUE(sameBits(cache.get(), untouched));
}

INSTANTIATE_TEST_SUITE_P(Calls, AppendRefusals, testing::ValuesIn(mistakes),
                         [](const auto &info) { return std::string(info.param.name); });
