//===- Padding.cpp - what must not matter, and what must not spread -------===//

#include "test/kernels/KernelTest.h"

#include <cmath>
#include <cstring>
#include <sys/mman.h>
#include <unistd.h>

using namespace tessera;
using namespace tessera::test;
using reference::Problem;

namespace {

struct Named {
  const char *name;
  Case c;
};

void PrintTo(const Named &variant, std::ostream *os) { *os << str(variant.c); }

Case base(DType type) {
  Case c{.problem = {.batch = 2,
                     .seqlenQ = 130,
                     .seqlenKv = 101,
                     .heads = 4,
                     .kvHeads = 2,
                     .headDim = 40,
                     .headDimV = 24,
                     .scale = 0.2f}};
  c.q = c.kv = c.o = type;
  return c;
}

/// Variants that reach every kind of tile: whole, ragged, masked and empty.
std::vector<Named> variants() {
  std::vector<Named> all;
  auto add = [&](const char *name, DType type, auto change) {
    Case c = base(type);
    change(c.problem);
    fill(c);
    all.push_back({name, std::move(c)});
  };
  for (DType type : {DType::f32, DType::f16, DType::bf16})
    add(type == DType::f32 ? "f32" : type == DType::f16 ? "f16" : "bf16", type, [](Problem &) {});
  add("causal", DType::bf16, [](Problem &p) { p.causal = true; });
  add("band", DType::f32, [](Problem &p) { p.windowLeft = 30, p.windowRight = 5; });
  add("sinks", DType::f16, [](Problem &p) {
    p.causal = true, p.windowLeft = 20, p.sinkTokens = 4, p.sinkLogits.resize(4);
  });
  add("biased", DType::f32,
      [](Problem &p) { p.topLeft = p.causal = true, p.alibiSlopes.resize(8), p.softcap = 3; });
  return all;
}

std::string nameOf(const testing::TestParamInfo<Named> &info) { return info.param.name; }

class Padding : public testing::TestWithParam<Named> {};

} // namespace

TEST_P(Padding, SurroundingsDoNotMatter) {
  const Case &c = GetParam().c;
  // Past each row's width, past the heads of a row, past the rows of a batch.
  Layout layout{.extra = {1, 3, 1, 9}, .surroundings = 0};
  Output expected = run(c, layout);
  expectCorrect(c, expected);
  for (float surroundings : {quietNaN, infinity, -infinity, 65504.0f}) {
    layout.surroundings = surroundings;
    EXPECT_TRUE(sameBits(run(c, layout), expected)) << surroundings;
  }
}

TEST_P(Padding, CheckedKernelsComputeTheSame) {
  Case c = GetParam().c;
  Output expected = run(c);
  c.checked = true;
  EXPECT_TRUE(sameBits(run(c), expected));
}

INSTANTIATE_TEST_SUITE_P(Variants, Padding, testing::ValuesIn(variants()), nameOf);

//===----------------------------------------------------------------------===//
// Memory that is not there
//===----------------------------------------------------------------------===//

namespace {

/// Memory that ends, or begins, where a page begins that cannot be touched.
class Guarded {
public:
  Guarded(size_t bytes, bool atEnd) {
    size_t page = ::sysconf(_SC_PAGESIZE), pages = (bytes + page - 1) / page * page;
    size = pages + 2 * page;
    base = static_cast<std::byte *>(
        ::mmap(nullptr, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    ::mprotect(base + page, pages, PROT_READ | PROT_WRITE);
    data = base + page + (atEnd ? pages - bytes : 0);
  }
  Guarded(const Guarded &) = delete;
  ~Guarded() { ::munmap(base, size); }

  std::byte *data;

private:
  std::byte *base;
  size_t size;
};

} // namespace

TEST(Padding, NothingBeyondTheTensorsIsTouched) {
  for (const Named &variant : variants())
    for (bool atEnd : {true, false}) {
      const Case &c = variant.c;
      Operands operands(c);
      Attention call = operands.call();
      auto bytesOf = [](const Tensor &tensor) {
        return tensor.batch() * tensor.strides[0] * sizeOf(tensor.type);
      };
      Guarded q(bytesOf(call.q), atEnd), k(bytesOf(call.k), atEnd), v(bytesOf(call.v), atEnd),
          o(bytesOf(call.o), atEnd);
      size_t lseBytes = c.problem.batch * c.problem.heads * c.problem.seqlenQ * 4;
      Guarded lse(lseBytes, atEnd);
      Attention guarded = call;
      for (auto [tensor, memory] :
           {std::pair{&guarded.q, &q}, {&guarded.k, &k}, {&guarded.v, &v}, {&guarded.o, &o}}) {
        std::memcpy(memory->data, tensor->data, bytesOf(*tensor));
        tensor->data = memory->data;
      }
      guarded.lse = reinterpret_cast<float *>(lse.data);
      llvm::cantFail(run(guarded));
      llvm::cantFail(run(call));
      EXPECT_EQ(std::memcmp(o.data, call.o.data, bytesOf(call.o)), 0) << variant.name;
      EXPECT_EQ(std::memcmp(lse.data, call.lse, lseBytes), 0) << variant.name;
    }
}

//===----------------------------------------------------------------------===//
// Nothing to see, nothing to compute
//===----------------------------------------------------------------------===//

/// No key is visible to any row: +0, and an LSE of -inf or of the sink.
static void expectEmpty(const Case &c) {
  Output output = run(c);
  for (float value : output.out)
    ASSERT_TRUE(value == 0 && !std::signbit(value)) << str(c);
  for (size_t i = 0; i < output.lse.size(); ++i) {
    int64_t head = i / c.problem.seqlenQ % c.problem.heads;
    if (c.problem.sinkLogits.empty())
      ASSERT_EQ(output.lse[i], -infinity) << str(c);
    else
      ASSERT_NEAR(output.lse[i], c.problem.sinkLogits[head], 1e-6) << str(c);
  }
}

TEST(Empty, RowsBeforeTheFirstKey) {
  // The one key is seen by the last query only.
  for (DType type : {DType::f32, DType::f16, DType::bf16})
    for (bool sink : {false, true}) {
      Case c = base(type);
      c.problem.seqlenKv = 1;
      c.problem.causal = true;
      if (sink)
        c.problem.sinkLogits.resize(4);
      fill(c);
      expectCorrect(c);
    }
}

TEST(Empty, NoKeys) {
  for (DType type : {DType::f32, DType::f16, DType::bf16})
    for (bool sink : {false, true})
      for (bool causal : {false, true}) {
        Case c = base(type);
        c.problem.seqlenKv = 0;
        c.problem.causal = causal;
        if (sink)
          c.problem.sinkLogits.resize(4);
        fill(c);
        expectEmpty(c);
      }
}

TEST(Empty, NoKeysNeedNoMemory) {
  Case c = base(DType::f32);
  c.problem.seqlenKv = 0;
  fill(c);
  Operands operands(c);
  Attention call = operands.call();
  call.k.data = call.v.data = nullptr;
  llvm::cantFail(run(call));
  EXPECT_TRUE(sameBits(operands.output(), run(c)));
}

TEST(Empty, NoQueries) {
  Case c = base(DType::bf16);
  c.problem.seqlenQ = 0;
  fill(c);
  EXPECT_TRUE(run(c).out.empty());
}

TEST(Empty, NoBatches) {
  Case c = base(DType::bf16);
  c.problem.batch = 0;
  fill(c);
  EXPECT_TRUE(run(c).out.empty());
}

/// As if there were no sink.
TEST(Sinks, OfMinusInfinityAddNothing) {
  Case c = base(DType::f32);
  c.problem.sinkLogits.resize(4);
  c.problem.causal = true; // the first rows see no key
  fill(c);
  c.problem.sinkLogits.assign(4, -infinity);
  expectCorrect(c);
}

TEST(Sinks, OfNaNSpreadToTheirHead) {
  Case c = base(DType::f32);
  c.problem.sinkLogits.resize(4);
  fill(c);
  c.problem.sinkLogits[2] = quietNaN;
  expectCorrect(c);
}

TEST(Empty, ScoresOfMinusInfinity) {
  Case c = base(DType::f32);
  fill(c);
  c.problem.q.assign(c.problem.q.size(), 1);
  c.problem.k.assign(c.problem.k.size(), -infinity);
  expectCorrect(c);
}

//===----------------------------------------------------------------------===//
// NaN and infinity spread to who sees them, and no further
//===----------------------------------------------------------------------===//

/// Sets one key row (batch 0, key/value head 0) and expects that exactly the
/// rows that see it have changed.
static void expectSpread(Case c, std::vector<float> Problem::*tensor, int64_t key, float value) {
  Problem &p = c.problem;
  Output clean = run(c);
  int64_t width = (p.*tensor).size() / (p.batch * p.seqlenKv * p.kvHeads);
  int64_t at = key * p.kvHeads * width + 3;
  (p.*tensor)[at] = value;
  Output output = run(c);
  expectCorrect(c, output);

  for (int64_t b = 0; b < p.batch; ++b)
    for (int64_t i = 0; i < p.seqlenQ; ++i)
      for (int64_t h = 0; h < p.heads; ++h) {
        bool sees = b == 0 && h < p.heads / p.kvHeads && reference::visible(p, i, key);
        if (sees)
          continue;
        int64_t row = ((b * p.seqlenQ + i) * p.heads + h) * p.headDimV;
        int64_t place = (b * p.heads + h) * p.seqlenQ + i;
        auto part = [&](const Output &of) {
          return Output{{&of.out[row], &of.out[row] + p.headDimV}, {of.lse[place]}};
        };
        ASSERT_TRUE(sameBits(part(output), part(clean)))
            << "batch " << b << ", query " << i << ", head " << h << " sees nothing of key " << key
            << "\n  " << str(c);
      }
}

namespace {
class Spread : public testing::TestWithParam<Named> {};
} // namespace

TEST_P(Spread, ABadKey) {
  for (int64_t key : {0, 50, 100})
    for (float value : {quietNaN, infinity, -infinity})
      expectSpread(GetParam().c, &Problem::k, key, value);
}

TEST_P(Spread, ABadValue) {
  for (int64_t key : {0, 50, 100})
    for (float value : {quietNaN, infinity, -infinity})
      expectSpread(GetParam().c, &Problem::v, key, value);
}

TEST_P(Spread, ABadQuery) {
  Case c = GetParam().c;
  Problem &p = c.problem;
  p.q[(64 * p.heads + 1) * p.headDim] = quietNaN; // batch 0, row 64, head 1
  Output output = run(c);
  expectCorrect(c, output);
}

INSTANTIATE_TEST_SUITE_P(Variants, Spread, testing::ValuesIn(variants()), nameOf);
