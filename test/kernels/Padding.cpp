//===- Padding.cpp - bytes that are none of the call's --------------------===//

#include "test/kernels/KernelTest.h"

#include <cstring>

using namespace tessera;
using namespace tessera::test;
using reference::Problem;

namespace {

struct Named {
  const char *name;
  Case c;
};

void PrintTo(const Named &variant, std::ostream *os) { *os << str(variant.c); }

/// Variants that reach every kind of tile: whole, ragged, masked and empty.
std::vector<Named> variants() {
  std::vector<Named> all;
  auto add = [&](const char *name, DType type, auto change) {
    Case c{.problem = {.batch = 2,
                       .seqlenQ = 130,
                       .seqlenKv = 101,
                       .heads = 4,
                       .kvHeads = 2,
                       .headDim = 40,
                       .headDimV = 24,
                       .scale = 0.2f}};
    c.q = c.k = c.v = type;
    c.o = isFp8(type) ? DType::bf16 : type;
    change(c.problem);
    all.push_back({name, std::move(c)});
  };
  add("f32", DType::f32, [](Problem &) {});
  add("f16", DType::f16, [](Problem &) {});
  add("bf16", DType::bf16, [](Problem &) {});
  // A GPU has no fp8 yet, and wants all scales or none.
  if (!isOnGpu()) {
    add("e4m3", DType::e4m3, [](Problem &p) { p.kDescale.resize(1); });
    add("e5m2", DType::e5m2, [](Problem &p) { p.qDescale.resize(4), p.vDescale.resize(4); });
  }
  add("causal", DType::bf16, [](Problem &p) { p.causal = true; });
  add("band", plainType(), [](Problem &p) { p.windowLeft = 30, p.windowRight = 5; });
  add("sinks", DType::f16, [](Problem &p) {
    p.causal = true, p.windowLeft = 20, p.sinkTokens = 4, p.sinkLogits.resize(4);
  });
  add("biased", plainType(),
      [](Problem &p) { p.topLeft = p.causal = true, p.alibiSlopes.resize(8), p.softcap = 3; });
  return all;
}

std::string nameOf(const testing::TestParamInfo<Named> &info) { return info.param.name; }

class Padding : public testing::TestWithParam<Named> {};

} // namespace

TEST_P(Padding, SurroundingsDoNotMatter) {
  for (const auto &[name, named] : layouts()) {
    SCOPED_TRACE(name);
    Case c = GetParam().c;
    varyLengths(c, named);
    fill(c);
    // Past each row's width, past the heads of a row, past the rows of a batch.
    Layout layout = named;
    for (Arrangement *arrangement : {&layout.q, &layout.k, &layout.v, &layout.o})
      arrangement->extra = {1, 3, 1, 9};
    layout.surroundings = 0;
    Output expected = run(c, layout);
    expectCorrect(c, expected);
    for (float surroundings : {quietNaN, infinity, -infinity, 65504.0f}) {
      layout.surroundings = surroundings;
      EXPECT_TRUE(sameBits(run(c, layout), expected)) << surroundings;
    }
  }
}

TEST_P(Padding, CheckedKernelsComputeTheSame) {
  for (const auto &[name, layout] : layouts()) {
    Case c = GetParam().c;
    varyLengths(c, layout);
    fill(c);
    Output expected = run(c, layout);
    c.checked = true;
    EXPECT_TRUE(sameBits(run(c, layout), expected)) << name;
  }
}

TEST_P(Padding, NothingBeyondTheTensorsIsTouched) {
  if (isOnGpu())
    GTEST_SKIP() << "memory of the host is guarded, and none of a GPU";
  for (bool atEnd : {true, false}) {
    Case c = GetParam().c;
    fill(c);
    Operands operands(c);
    Attention call = operands.call(), guarded = call;
    auto bytesOf = [](const Tensor &tensor) {
      return tensor.shape[0] * tensor.strides[0] * sizeOf(tensor.type);
    };
    Guarded q(bytesOf(call.q), atEnd), k(bytesOf(call.k), atEnd), v(bytesOf(call.v), atEnd);
    Guarded o(bytesOf(call.o), atEnd), lse(bytesOf(call.lse), atEnd);
    for (auto [tensor, memory] : {std::pair{&guarded.q, &q},
                                  {&guarded.k, &k},
                                  {&guarded.v, &v},
                                  {&guarded.o, &o},
                                  {&guarded.lse, &lse}}) {
      std::memcpy(memory->data, tensor->data, bytesOf(*tensor));
      tensor->data = memory->data;
    }
    llvm::cantFail(run(guarded));
    llvm::cantFail(run(call));
    EXPECT_EQ(std::memcmp(o.data, call.o.data, bytesOf(call.o)), 0);
    EXPECT_EQ(std::memcmp(lse.data, call.lse.data, bytesOf(call.lse)), 0);
  }
}

INSTANTIATE_TEST_SUITE_P(Variants, Padding, testing::ValuesIn(variants()), nameOf);

//===----------------------------------------------------------------------===//
// Tables end where they end
//===----------------------------------------------------------------------===//

namespace {

/// A table at the end, or the start, of memory that cannot be touched beyond.
class GuardedTable {
public:
  GuardedTable(Table &table, bool atEnd) : memory(4 * sizeOf(table), atEnd) {
    std::memcpy(memory.data, table.data, 4 * sizeOf(table));
    table.data = memory.data;
  }

private:
  /// Of a table without gaps.
  static size_t sizeOf(const Table &table) {
    return table.rank ? table.shape[0] * table.strides[0] : 1;
  }

  Guarded memory;
};

} // namespace

TEST(Padding, NothingBeyondTheTablesIsTouched) {
  if (isOnGpu())
    GTEST_SKIP() << "memory of the host is guarded, and none of a GPU";
  for (const auto &[name, layout] : layouts())
    for (bool atEnd : {true, false}) {
      Case c = variants()[3].c;
      Problem &p = c.problem;
      p.batch = 3;
      p.alibiSlopes.resize(3 * p.heads);
      p.sinkLogits.resize(p.heads);
      p.qDescale.resize(1);
      p.kDescale.resize(3 * p.kvHeads);
      varyLengths(c, layout);
      fill(c);
      Output expected = run(c, layout);
      Operands operands(c, layout);
      Attention call = operands.call();
      std::vector<std::unique_ptr<GuardedTable>> guarded;
      for (Table *table : {&call.alibiSlopes, &call.sinkLogits, &call.qDescale, &call.kDescale,
                           &call.cuSeqlensQ, &call.cuSeqlensKv, &call.seqUsedKv, &call.pageTable})
        if (*table)
          guarded.push_back(std::make_unique<GuardedTable>(*table, atEnd));
      llvm::cantFail(run(call));
      EXPECT_TRUE(sameBits(operands.output(), expected)) << name;
    }
}

/// The table ends behind the last page in use.
TEST(Padding, PagesBehindTheLastRowAreNotLookedUp) {
  if (isOnGpu())
    GTEST_SKIP() << "memory of the host is guarded, and none of a GPU";
  for (bool checked : {false, true})
    for (int64_t length : {1, 15, 16, 17, 64, 100}) {
      Case c{.problem = {.seqlenQ = 3, .seqlenKv = length, .headDim = 32, .headDimV = 32}};
      c.checked = checked;
      fill(c);
      Layout layout{.kv = Form::paged};
      Operands operands(c, layout);
      Attention call = operands.call();
      int64_t bytes = 4 * ((length + 15) / 16);
      Guarded table(bytes, true);
      std::memcpy(table.data, call.pageTable.data, bytes);
      call.pageTable.data = table.data; // its shape promises more than there is
      llvm::cantFail(run(call));
      EXPECT_TRUE(sameBits(operands.output(), run(c))) << length;
    }
}
