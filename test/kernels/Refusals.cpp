//===- Refusals.cpp - calls that make no sense ----------------------------===//

#include "dsl/Refusal.h"
#include "test/kernels/KernelTest.h"

#include <functional>

using namespace tessera;
using namespace tessera::test;

namespace {

enum Base { dense, packed, paged };

struct Mistake {
  const char *name;
  Base base;
  std::function<void(Attention &)> change;
  ErrorCode code;
  const char *message;
};

/// A number of a table of rank 1 or 2.
int32_t &entry(const Table &table, int64_t i, int64_t j = 0) {
  int64_t offset = i * table.strides[0] + (table.rank == 2 ? j * table.strides[1] : 0);
  return static_cast<int32_t *>(const_cast<void *>(table.data))[offset];
}

/// Of calls with two sequences, all bf16. Dense: q [2, 5, 4, 16], k [2, 7, 2,
/// 16], v [2, 7, 2, 24]. Packed: 5 and 3 queries, 7 and 4 keys. Paged: 5
/// queries, and as many keys in pages of 4 rows.
const Mistake mistakes[] = {
    // Single tensors.
    {"Rank", dense, [](Attention &a) { a.q.rank = 3; }, ErrorCode::invalidRank,
     "q.rank is 3, expected 4: [batch, seqlen_q, heads, head_dim]"},
    {"RankOfPacked", packed, [](Attention &a) { a.o.rank = 4; }, ErrorCode::invalidRank,
     "out.rank is 4, expected 3: [total_q, heads, head_dim]"},
    {"RankOfPages", paged, [](Attention &a) { a.v.rank = 3; }, ErrorCode::invalidRank,
     "v.rank is 3, expected 4: [pages, page_size, kv_heads, head_dim]"},
    {"NegativeExtent", dense, [](Attention &a) { a.k.shape[1] = -1; }, ErrorCode::invalidShape,
     "k.shape[1] is -1, expected at least 0"},
    {"TooManyRows", dense, [](Attention &a) { a.q.shape[1] = int64_t(1) << 29; },
     ErrorCode::invalidShape, "q.shape[1] is 536870912, expected at most 536870911"},
    {"NoData", dense, [](Attention &a) { a.v.data = nullptr; }, ErrorCode::missingTensor,
     "v.data is null, expected the address of its elements"},
    {"NoDataOfLse", dense, [](Attention &a) { a.lse.data = nullptr; }, ErrorCode::missingTensor,
     "lse.data is null, expected the address of its elements"},
    {"StridedRows", dense, [](Attention &a) { a.o.strides[3] = 2; }, ErrorCode::invalidStride,
     "out.strides[3] is 2, expected 1, contiguous rows"},
    {"Misaligned", dense,
     [](Attention &a) { a.q.data = reinterpret_cast<void *>(uintptr_t(0x1001)); },
     ErrorCode::misaligned,
     "q.data is 0x1001, expected a multiple of 2 bytes, the size of its elements"},
    {"MisalignedF32", dense,
     [](Attention &a) {
       a.o.type = DType::f32;
       a.o.data = reinterpret_cast<void *>(uintptr_t(0x1002));
     },
     ErrorCode::misaligned,
     "out.data is 0x1002, expected a multiple of 4 bytes, the size of its elements"},

    // Tensors beside each other.
    {"BatchesOfK", dense, [](Attention &a) { a.k.shape[0] = a.v.shape[0] = 1; },
     ErrorCode::invalidShape, "k.shape[0] is 1, expected 2 as in q"},
    {"BatchesOfV", dense, [](Attention &a) { a.v.shape[0] = 3; }, ErrorCode::invalidShape,
     "v.shape[0] is 3, expected 2 as in k"},
    {"BatchesOfO", dense, [](Attention &a) { a.o.shape[0] = 0; }, ErrorCode::invalidShape,
     "out.shape[0] is 0, expected 2 as in q"},
    {"RowsOfO", dense, [](Attention &a) { a.o.shape[1] = 7; }, ErrorCode::invalidShape,
     "out.shape[1] is 7, expected 5 as in q"},
    {"HeadsOfO", dense, [](Attention &a) { a.o.shape[2] = 2; }, ErrorCode::invalidShape,
     "out.shape[2] is 2, expected 4 as in q"},
    {"WidthOfK", dense, [](Attention &a) { a.k.shape[3] = 24; }, ErrorCode::invalidShape,
     "k.shape[3] is 24, expected 16 as in q"},
    {"RowsOfV", dense, [](Attention &a) { a.v.shape[1] = 6; }, ErrorCode::invalidShape,
     "v.shape[1] is 6, expected 7 as in k"},
    {"HeadsOfV", dense, [](Attention &a) { a.v.shape[2] = 4; }, ErrorCode::invalidShape,
     "v.shape[2] is 4, expected 2 as in k"},
    {"WidthOfO", dense, [](Attention &a) { a.o.shape[3] = 16; }, ErrorCode::invalidShape,
     "out.shape[3] is 16, expected 24 as in v"},
    {"HeadsOfQ", dense, [](Attention &a) { a.k.shape[2] = a.v.shape[2] = 3; },
     ErrorCode::invalidShape, "q.shape[2] is 4, expected a multiple of the 3 heads of k"},
    {"NoHeadsOfK", dense, [](Attention &a) { a.k.shape[2] = a.v.shape[2] = 0; },
     ErrorCode::invalidShape, "q.shape[2] is 4, expected a multiple of the 0 heads of k"},

    // The log-sum-exp.
    {"RankOfLse", packed, [](Attention &a) { a.lse.rank = 3; }, ErrorCode::invalidRank,
     "lse.rank is 3, expected 2: [heads, total_q]"},
    {"TypeOfLse", dense, [](Attention &a) { a.lse.type = DType::bf16; },
     ErrorCode::unsupportedDType, "lse.dtype is bf16, expected f32"},
    {"HeadsOfLse", dense, [](Attention &a) { a.lse.shape[1] = 5; }, ErrorCode::invalidShape,
     "lse.shape[1] is 5, expected 4 as in q"},
    {"RowsOfLse", packed, [](Attention &a) { a.lse.shape[1] = 5; }, ErrorCode::invalidShape,
     "lse.shape[1] is 5, expected 8 as in q"},
    {"StridesOfLse", dense, [](Attention &a) { a.lse.strides[1] = 0; }, ErrorCode::invalidStride,
     "lse.strides is (20, 0, 1), expected a place of its own for each element"},

    // Numbers.
    {"WindowLeft", dense, [](Attention &a) { a.windowLeft = -2; }, ErrorCode::invalidValue,
     "window_left is -2, expected at least 0, or -1 for all"},
    {"WindowRight", dense, [](Attention &a) { a.windowRight = -7; }, ErrorCode::invalidValue,
     "window_right is -7, expected at least 0, or -1 for all"},
    {"SinkTokens", dense, [](Attention &a) { a.sinkTokens = -1; }, ErrorCode::invalidValue,
     "sink_tokens is -1, expected at least 0"},
    {"NegativeSoftcap", dense, [](Attention &a) { a.softcap = -0.5f; }, ErrorCode::invalidValue,
     "softcap is -0.5, expected a positive number, or 0 for none"},
    {"InfiniteSoftcap", dense, [](Attention &a) { a.softcap = infinity; }, ErrorCode::invalidValue,
     "softcap is inf, expected a positive number, or 0 for none"},
    {"SoftcapOfNaN", dense, [](Attention &a) { a.softcap = quietNaN; }, ErrorCode::invalidValue,
     "softcap is nan, expected a positive number, or 0 for none"},
    {"InfiniteScale", dense, [](Attention &a) { a.scale = -infinity; }, ErrorCode::invalidValue,
     "scale is -inf, expected a finite number"},
    {"ScaleOfNaN", dense, [](Attention &a) { a.scale = quietNaN; }, ErrorCode::invalidValue,
     "scale is nan, expected a finite number"},
    {"UnknownVariant", dense, [](Attention &a) { a.variant = 12345; }, ErrorCode::unknownVariant,
     "variant is 12345, expected the fingerprint of a registered variant"},

    // Tables.
    {"TypeOfSlopes", dense,
     [](Attention &a) { a.alibiSlopes = Table::of(static_cast<int32_t *>(a.o.data), {4}); },
     ErrorCode::unsupportedDType, "alibi_slopes.dtype is i32, expected f32"},
    {"ShapeOfSlopes", dense,
     [](Attention &a) { a.alibiSlopes = Table::of(static_cast<float *>(a.o.data), {2, 3}); },
     ErrorCode::invalidShape, "alibi_slopes.shape is (2, 3), expected (4) or (2, 4)"},
    {"RankOfSinks", dense,
     [](Attention &a) { a.sinkLogits = Table::of(static_cast<float *>(a.o.data), {2, 4}); },
     ErrorCode::invalidRank, "sink_logits.shape is (2, 4), expected (4)"},
    {"ShapeOfDescale", dense,
     [](Attention &a) { a.kDescale = Table::of(static_cast<float *>(a.o.data), {2, 4}); },
     ErrorCode::invalidShape, "k_descale.shape is (2, 4), expected () or (2, 2)"},
    {"NoTable", packed, [](Attention &a) { a.cuSeqlensKv.data = nullptr; },
     ErrorCode::missingTensor, "cu_seqlens_kv.data is null, expected the address of its elements"},
    {"MisalignedTable", paged,
     [](Attention &a) { a.seqUsedKv.data = reinterpret_cast<void *>(uintptr_t(0x1002)); },
     ErrorCode::misaligned,
     "seqused_kv.data is 0x1002, expected a multiple of 4 bytes, the size of its elements"},

    // Lengths.
    {"Starts", packed, [](Attention &a) { a.cuSeqlensKv.shape[0] = 4; }, ErrorCode::invalidShape,
     "cu_seqlens_kv.shape is (4), expected (3)"},
    {"NoStarts", packed, [](Attention &a) { a.cuSeqlensQ.shape[0] = 0; }, ErrorCode::invalidShape,
     "cu_seqlens_q.shape[0] is 0, expected batch + 1"},
    {"NegativeStart", packed, [](Attention &a) { entry(a.cuSeqlensQ, 0) = -1; },
     ErrorCode::invalidLengths, "cu_seqlens_q[0] is -1, expected at least 0"},
    {"DecreasingStarts", packed, [](Attention &a) { entry(a.cuSeqlensKv, 2) = 6; },
     ErrorCode::invalidLengths, "cu_seqlens_kv[2] is 6, expected at least 7, the entry before it"},
    {"StartsPastTheEnd", packed, [](Attention &a) { entry(a.cuSeqlensQ, 2) = 9; },
     ErrorCode::invalidLengths, "cu_seqlens_q[2] is 9, expected at most 8, the rows there are"},
    {"LongestOfQ", packed, [](Attention &a) { a.maxSeqlenQ = 4; }, ErrorCode::invalidLengths,
     "max_seqlen_q is 4, expected at least 5, the longest sequence, and at most 536870911"},
    {"LongestOfKv", packed, [](Attention &a) { a.maxSeqlenKv = 6; }, ErrorCode::invalidLengths,
     "max_seqlen_kv is 6, expected at least 7, the longest sequence, and at most 536870911"},
    {"NegativeUsed", paged, [](Attention &a) { entry(a.seqUsedKv, 1) = -4; },
     ErrorCode::invalidLengths, "seqused_kv[1] is -4, expected 0 to 536870911"},
    {"TooManyUsed", dense,
     [](Attention &a) {
       static const int32_t used[] = {7, 8};
       a.seqUsedKv = Table::of(used, {2});
     },
     ErrorCode::invalidLengths, "seqused_kv[1] is 8, expected at most 7, the rows of the sequence"},

    // Pages.
    {"NoLengthsOfPages", paged, [](Attention &a) { a.seqUsedKv = {}; }, ErrorCode::missingTensor,
     "seqused_kv is absent, expected the length of each sequence, page_table is given"},
    {"PackedPages", paged, [](Attention &a) { a.cuSeqlensKv = a.seqUsedKv; },
     ErrorCode::invalidValue, "cu_seqlens_kv is given, expected absent, page_table is given"},
    {"RankOfPageTable", paged, [](Attention &a) { a.pageTable.rank = 1; }, ErrorCode::invalidRank,
     "page_table.rank is 1, expected 2: [batch, max_pages]"},
    {"EmptyPages", paged, [](Attention &a) { a.k.shape[1] = a.v.shape[1] = 0; },
     ErrorCode::invalidPages, "k.shape[1] is 0, expected a page of at least 1 row"},
    {"TooFewPages", paged,
     [](Attention &a) {
       a.pageTable.shape[1] = 1;
     },
     ErrorCode::invalidPages,
     "page_table.shape[1] is 1, expected at least 2 pages of 4 rows, seqused_kv[0] is 5"},
    {"PageOutOfRange", paged,
     [](Attention &a) {
       a.checked = true;
       entry(a.pageTable, 1, 1) = static_cast<int32_t>(a.k.shape[0]);
     },
     ErrorCode::invalidPages, "page_table[1, 1] is 13, expected a page of k, 0 to 12"},
    {"NegativePage", paged,
     [](Attention &a) {
       a.checked = true;
       entry(a.pageTable, 0, 0) = -1;
     },
     ErrorCode::invalidPages, "page_table[0, 0] is -1, expected a page of k, 0 to 12"},

    // Memory of the output.
    {"OverlapsQ", dense, [](Attention &a) { a.q.data = a.o.data; }, ErrorCode::overlap,
     "out.data is memory of q, expected memory of its own"},
    {"OverlapsTheEndOfK", dense,
     [](Attention &a) {
       int64_t elements = 2 * 7 * 2 * 16;
       a.k.data = static_cast<uint16_t *>(a.o.data) - elements + 1;
     },
     ErrorCode::overlap, "out.data is memory of k, expected memory of its own"},
    {"OverlapsTheStartOfV", dense,
     [](Attention &a) {
       int64_t elements = 2 * 5 * 4 * 24;
       a.v.data = static_cast<uint16_t *>(a.o.data) + elements - 1;
     },
     ErrorCode::overlap, "out.data is memory of v, expected memory of its own"},
    {"LseOverlapsO", dense,
     [](Attention &a) {
       auto place = reinterpret_cast<uintptr_t>(a.o.data) / 4 * 4 + 4;
       a.lse.data = reinterpret_cast<void *>(place);
     },
     ErrorCode::overlap, "lse.data is memory of out, expected memory of its own"},
    {"LseOverlapsATable", packed,
     [](Attention &a) { a.sinkLogits = Table::of(static_cast<float *>(a.lse.data), {4}); },
     ErrorCode::overlap, "lse.data is memory of sink_logits, expected memory of its own"},
    {"OnePlaceForTwoElements", dense, [](Attention &a) { a.o.strides[1] = 24; },
     ErrorCode::invalidStride,
     "out.strides is (480, 24, 24, 1), expected a place of its own for each element"},

    // Keys that have no kernel.
    {"TypeOfO", dense, [](Attention &a) { a.o.type = DType::e4m3; }, ErrorCode::unsupportedDType,
     "key: o is e4m3, expected one of f32, f16, bf16; the nearest is "
     "fwd,host,bf16,d16,dv=24,lse"},
    {"Width", dense, [](Attention &a) { a.q.shape[3] = a.k.shape[3] = 12; },
     ErrorCode::unsupportedHeadDim,
     "key: d is 12, expected a multiple of 8 from 8 to 512; the nearest is "
     "fwd,host,bf16,d16,dv=24,lse"},
    {"WidthOfValues", dense, [](Attention &a) { a.v.shape[3] = a.o.shape[3] = 1; },
     ErrorCode::unsupportedHeadDim,
     "key: dv is 1, expected a multiple of 8 from 8 to 512; the nearest is "
     "fwd,host,bf16,d16,dv=8,lse"},
    {"BlockM", dense, [](Attention &a) { a.blockM = 12; }, ErrorCode::invalidKey,
     "key: block_m is 12, expected a multiple of 8 up to 1024, or 0 for the schedule's choice; "
     "the nearest is fwd,host,bf16,d16,dv=24,lse"},
    {"BlockN", dense, [](Attention &a) { a.blockN = 2048; }, ErrorCode::invalidKey,
     "key: block_n is 2048, expected a multiple of 8 up to 1024, or 0 for the schedule's choice; "
     "the nearest is fwd,host,bf16,d16,dv=24,lse"},
    {"Descale", dense,
     [](Attention &a) {
       static const float one = 1;
       a.qDescale = Table::of(&one, {});
     },
     ErrorCode::invalidKey,
     "key: descale is on, expected off, or an fp8 type of q, kv or v; the nearest is "
     "fwd,host,bf16,d16,dv=24,lse"},
};

void PrintTo(const Mistake &mistake, std::ostream *os) { *os << mistake.name; }

class Refusals : public testing::TestWithParam<Mistake> {};

} // namespace

TEST_P(Refusals, SayWhyAndWriteNothing) {
  Case c{.problem = {.batch = 2,
                     .seqlenQ = 5,
                     .seqlenKv = 7,
                     .heads = 4,
                     .kvHeads = 2,
                     .headDim = 16,
                     .headDimV = 24}};
  c.setTypes(DType::bf16);
  Layout layout;
  if (GetParam().base == packed) {
    layout = {.packedQ = true, .kv = Form::packed};
    c.seqlensQ = {5, 3}, c.seqlensKv = {7, 4};
  } else if (GetParam().base == paged) {
    layout = {.kv = Form::paged, .pageSize = 4};
    c.problem.seqlenKv = 5;
  }
  fill(c);
  Operands operands(c, layout);
  Output untouched = operands.output();
  Attention call = operands.call();
  GetParam().change(call);

  expectRefusal(run(call), GetParam().code, GetParam().message);
  EXPECT_TRUE(sameBits(operands.output(), untouched));
  EXPECT_TRUE(operands.surroundingsAreIntact());
}

INSTANTIATE_TEST_SUITE_P(Calls, Refusals, testing::ValuesIn(mistakes),
                         [](const auto &info) { return std::string(info.param.name); });

/// Neighbours are no overlap.
TEST(Refusals, OutputsMayLieDirectlyBehindInputs) {
  std::vector<float> memory(8 * 4);
  auto at = [&](int n) {
    return Tensor::contiguous(memory.data() + 8 * n, DType::f32, {1, 1, 1, 8});
  };
  Attention call;
  call.q = at(0), call.k = at(1), call.o = at(2), call.v = at(3);
  llvm::cantFail(run(call));
}
