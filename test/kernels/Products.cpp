//===- Products.cpp - every product of features is correct ----------------===//

#include "test/kernels/KernelTest.h"

using namespace tessera;
using namespace tessera::test;

/// Bits of a product, one for each feature.
enum Feature {
  causal = 1,
  topLeft = 2,
  windowLeft = 4,
  windowRight = 8,
  sinkTokens = 16,
  sinkLogits = 32,
  alibi = 64,
  softcap = 128,
  allFeatures = 256
};

/// The products that hold one mask: those of the biases.
class Products : public testing::TestWithParam<int> {};

TEST_P(Products, AreAllCorrect) {
  for (int features = GetParam(); features < allFeatures; features += sinkLogits) {
    Case c{.problem = {.seqlenQ = 101,
                       .seqlenKv = 147,
                       .heads = 2,
                       .kvHeads = 1,
                       .headDim = 24,
                       .headDimV = 16,
                       .scale = 0.25f}};
    reference::Problem &p = c.problem;
    p.causal = features & causal;
    p.topLeft = features & topLeft;
    p.windowLeft = features & windowLeft ? 40 : -1;
    p.windowRight = features & windowRight ? 20 : -1;
    p.sinkTokens = features & sinkTokens ? 3 : 0;
    p.sinkLogits.resize(features & sinkLogits ? p.heads : 0);
    p.alibiSlopes.resize(features & alibi ? p.heads : 0);
    p.softcap = features & softcap ? 5 : 0;
    // The log-sum-exp and the type take turns over the products.
    c.lse = features % 3 != 0;
    c.setTypes(features % 5 ? plainType() : DType::bf16);
    c.seed = features + 1;
    fill(c);
    SCOPED_TRACE(str(c));
    expectCorrect(c);
  }
}

INSTANTIATE_TEST_SUITE_P(Masks, Products, testing::Range(0, int(sinkLogits)));
