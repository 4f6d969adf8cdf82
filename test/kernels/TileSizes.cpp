//===- TileSizes.cpp - results do not depend on how work is cut -----------===//

#include "test/kernels/KernelTest.h"

using namespace tessera;
using namespace tessera::test;

class TileSizes : public testing::TestWithParam<std::tuple<int64_t, int64_t>> {};

TEST_P(TileSizes, AreAllCorrect) {
  auto [blockM, blockN] = GetParam();
  for (auto [seqlenQ, seqlenKv] : {std::pair{100, 130}, {130, 100}, {1, 129}, {96, 128}}) {
    Case c{.problem = {.seqlenQ = seqlenQ,
                       .seqlenKv = seqlenKv,
                       .heads = 2,
                       .kvHeads = 1,
                       .headDim = 40,
                       .headDimV = 24,
                       .scale = 0.2f,
                       .causal = true,
                       .windowLeft = 50,
                       .sinkTokens = 2}};
    c.blockM = blockM;
    c.blockN = blockN;
    // Types take turns: loads and stores differ, tiles of scores do not.
    c.setTypes((blockM + blockN) % 32 ? plainType() : DType::bf16);
    c.seed = seqlenQ;
    fill(c);
    expectCorrect(c);
  }
}

static std::string nameOf(const testing::TestParamInfo<std::tuple<int64_t, int64_t>> &info) {
  auto [blockM, blockN] = info.param;
  return std::to_string(blockM) + "x" + std::to_string(blockN);
}

/// Rows and keys of a tile: on a GPU, warp groups and steps of an instruction.
static std::vector<int64_t> rowCounts() {
  return isOnGpu() ? std::vector<int64_t>{64, 128, 192}
                   : std::vector<int64_t>{8, 16, 24, 32, 48, 96, 128};
}
static std::vector<int64_t> keyCounts() {
  return isOnGpu() ? std::vector<int64_t>{16, 48, 64, 80, 128, 144}
                   : std::vector<int64_t>{8, 16, 48, 64, 128};
}

INSTANTIATE_TEST_SUITE_P(Blocks, TileSizes,
                         testing::Combine(testing::ValuesIn(rowCounts()),
                                          testing::ValuesIn(keyCounts())),
                         nameOf);
