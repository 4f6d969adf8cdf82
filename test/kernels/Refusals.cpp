//===- Refusals.cpp - calls that make no sense ----------------------------===//

#include "test/kernels/KernelTest.h"

#include <cmath>
#include <functional>

using namespace tessera;
using namespace tessera::test;

namespace {

struct Refusal {
  const char *name;
  std::function<void(Attention &)> change;
  const char *message;
};

/// Of a call with q [2, 5, 4, 16], k [2, 7, 2, 16], v [2, 7, 2, 24], all bf16.
const Refusal refusals[] = {
    // Single tensors.
    {"NegativeExtent", [](Attention &a) { a.k.shape[1] = -1; },
     "k has the shape [2, -1, 2, 16], expected extents of at least 0"},
    {"TooManyRows", [](Attention &a) { a.q.shape[1] = int64_t(1) << 29; },
     "q has 536870912 rows, expected at most 536870911"},
    {"NoData", [](Attention &a) { a.v.data = nullptr; }, "v has no data"},
    {"StridedRows", [](Attention &a) { a.o.strides[3] = 2; },
     "o has a last stride of 2 elements, expected 1 (contiguous rows)"},
    {"Misaligned", [](Attention &a) { a.q.data = static_cast<std::byte *>(a.q.data) + 1; },
     "q is not aligned to its elements of 2 bytes"},
    {"MisalignedF32",
     [](Attention &a) {
       a.o.type = DType::f32;
       a.o.data = reinterpret_cast<void *>(uintptr_t(0x1002));
     },
     "o is not aligned to its elements of 4 bytes"},

    // Tensors beside each other.
    {"BatchesOfK", [](Attention &a) { a.k.shape[0] = 1; }, "k has 1 batches, expected 2 as in q"},
    {"BatchesOfV", [](Attention &a) { a.v.shape[0] = 3; }, "v has 3 batches, expected 2 as in q"},
    {"BatchesOfO", [](Attention &a) { a.o.shape[0] = 0; }, "o has 0 batches, expected 2 as in q"},
    {"RowsOfO", [](Attention &a) { a.o.shape[1] = 7; }, "o has 7 rows, expected 5 as in q"},
    {"HeadsOfO", [](Attention &a) { a.o.shape[2] = 2; }, "o has 2 heads, expected 4 as in q"},
    {"WidthOfK", [](Attention &a) { a.k.shape[3] = 24; },
     "k has 24 elements in a row, expected 16 as in q"},
    {"RowsOfV", [](Attention &a) { a.v.shape[1] = 6; }, "v has 6 rows, expected 7 as in k"},
    {"HeadsOfV", [](Attention &a) { a.v.shape[2] = 4; }, "v has 4 heads, expected 2 as in k"},
    {"WidthOfO", [](Attention &a) { a.o.shape[3] = 16; },
     "o has 16 elements in a row, expected 24 as in v"},
    {"HeadsOfQ", [](Attention &a) { a.k.shape[2] = a.v.shape[2] = 3; },
     "q has 4 heads, expected a multiple of the 3 heads of k"},
    {"NoHeadsOfK", [](Attention &a) { a.k.shape[2] = a.v.shape[2] = 0; },
     "q has 4 heads, expected a multiple of the 0 heads of k"},
    {"TypeOfV", [](Attention &a) { a.v.type = DType::f16; },
     "v has elements of f16, expected bf16 as in k"},

    // Numbers.
    {"WindowLeft", [](Attention &a) { a.windowLeft = -2; },
     "window_left is -2, expected at least 0, or -1 for all"},
    {"WindowRight", [](Attention &a) { a.windowRight = -7; },
     "window_right is -7, expected at least 0, or -1 for all"},
    {"SinkTokens", [](Attention &a) { a.sinkTokens = -1; },
     "sink_tokens is -1, expected at least 0"},
    {"NegativeSoftcap", [](Attention &a) { a.softcap = -0.5f; },
     "softcap is -0.5, expected a positive number, or 0 for none"},
    {"InfiniteSoftcap", [](Attention &a) { a.softcap = infinity; },
     "softcap is inf, expected a positive number, or 0 for none"},
    {"SoftcapOfNaN", [](Attention &a) { a.softcap = quietNaN; },
     "softcap is nan, expected a positive number, or 0 for none"},
    {"InfiniteScale", [](Attention &a) { a.scale = -infinity; },
     "scale is -inf, expected a finite number"},
    {"ScaleOfNaN", [](Attention &a) { a.scale = quietNaN; },
     "scale is nan, expected a finite number"},

    // Memory of the output.
    {"OverlapsQ", [](Attention &a) { a.q.data = a.o.data; },
     "o overlaps q, expected memory of its own"},
    {"OverlapsTheEndOfK",
     [](Attention &a) {
       int64_t elements = 2 * 7 * 2 * 16;
       a.k.data = static_cast<uint16_t *>(a.o.data) - elements + 1;
     },
     "o overlaps k, expected memory of its own"},
    {"OverlapsTheStartOfV",
     [](Attention &a) {
       int64_t elements = 2 * 5 * 4 * 24;
       a.v.data = static_cast<uint16_t *>(a.o.data) + elements - 1;
     },
     "o overlaps v, expected memory of its own"},

    // Keys that have no kernel.
    {"Width", [](Attention &a) { a.q.shape[3] = a.k.shape[3] = 12; },
     "key: d is 12, expected a multiple of 8 from 8 to 512; the nearest is 16"},
    {"WidthOfValues", [](Attention &a) { a.v.shape[3] = a.o.shape[3] = 1; },
     "key: dv is 1, expected a multiple of 8 from 8 to 512; the nearest is 8"},
    {"BlockM", [](Attention &a) { a.blockM = 12; },
     "key: block_m is 12, expected a multiple of 8 up to 1024, or 0 for the "
     "schedule's "
     "choice"},
    {"BlockN", [](Attention &a) { a.blockN = 2048; },
     "key: block_n is 2048, expected a multiple of 8 up to 1024, or 0 for the "
     "schedule's "
     "choice"},
};

void PrintTo(const Refusal &refusal, std::ostream *os) { *os << refusal.name; }

class Refusals : public testing::TestWithParam<Refusal> {};

} // namespace

TEST_P(Refusals, SayWhyAndWriteNothing) {
  Case c{.problem = {.batch = 2,
                     .seqlenQ = 5,
                     .seqlenKv = 7,
                     .heads = 4,
                     .kvHeads = 2,
                     .headDim = 16,
                     .headDimV = 24}};
  c.q = c.kv = c.o = DType::bf16;
  fill(c);
  Operands operands(c);
  Output untouched = operands.output();
  Attention call = operands.call();
  GetParam().change(call);

  llvm::Error error = run(call);
  ASSERT_TRUE(static_cast<bool>(error)) << "the call was not refused";
  EXPECT_EQ(llvm::toString(std::move(error)), GetParam().message);
  EXPECT_TRUE(sameBits(operands.output(), untouched));
  EXPECT_TRUE(operands.surroundingsAreIntact());
}

INSTANTIATE_TEST_SUITE_P(Calls, Refusals, testing::ValuesIn(refusals),
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
