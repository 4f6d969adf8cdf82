//===- Drawn.cpp - any call, drawn from a seed, on a GPU ------------------===//
//
// What tessera-random does on the host, for machines that have this program
// alone. --gtest_random_seed draws other calls.
//
//===----------------------------------------------------------------------===//

#include "test/kernels/KernelTest.h"
#include "test/kernels/Random.h"

#include <fmt/format.h>

using namespace tessera;
using namespace tessera::test;

static constexpr int parts = 32, samplesPerPart = 25;

class Drawn : public testing::TestWithParam<int> {};

TEST_P(Drawn, IsCorrect) {
  uint64_t seed = GTEST_FLAG_GET(random_seed);
  for (int n = 0; n < samplesPerPart; ++n) {
    uint64_t index = GetParam() * samplesPerPart + n;
    Sample sample = drawSample(seed, index);
    SCOPED_TRACE(fmt::format("seed {}, sample {}\n  {}", seed, index, str(sample)));
    expectCorrect(complete(sample), sample.layout);
  }
}

INSTANTIATE_TEST_SUITE_P(Samples, Drawn, testing::Range(0, isOnGpu() ? parts : 0));
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Drawn);
