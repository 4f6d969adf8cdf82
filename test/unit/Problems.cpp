//===- Problems.cpp - problems of attention for tests of the reference ----===//

#include "test/unit/Problems.h"

#include <cmath>

using namespace tessera;
using namespace tessera::reference;

Problem reference::scores(std::vector<float> keys, std::vector<float> values, int64_t seqlenQ) {
  Problem p;
  p.seqlenQ = seqlenQ;
  p.seqlenKv = keys.size();
  p.q.assign(seqlenQ, 1);
  p.k = std::move(keys);
  p.v = std::move(values);
  return p;
}

Problem reference::randomProblem(Precision precision, std::mt19937 &random) {
  std::normal_distribution<float> normal;
  const auto pick = [&](std::initializer_list<int64_t> choices) {
    return choices.begin()[random() % choices.size()];
  };
  Problem p;
  p.batch = pick({1, 2});
  p.kvHeads = pick({1, 2});
  p.heads = p.kvHeads * pick({1, 3});
  p.seqlenQ = pick({1, 2, 17, 64});
  p.seqlenKv = pick({1, 2, 17, 65, 129});
  p.headDim = pick({16, 64, 128});
  p.headDimV = pick({16, 64});
  p.scale = 1 / std::sqrt(double(p.headDim));
  p.causal = pick({0, 1});
  p.windowLeft = pick({-1, 0, 9});
  p.windowRight = pick({-1, -1, 5});
  p.sinkTokens = pick({0, 3});
  p.softcap = pick({0, 0, 3});
  if (pick({0, 1}))
    for (int64_t h = 0; h < p.heads; ++h)
      p.alibiSlopes.push_back(std::exp2(-float(h)));
  if (pick({0, 1}))
    p.sinkLogits.assign(p.heads, normal(random));
  const auto fill = [&](std::vector<float> &x, int64_t size) {
    for (int64_t n = 0; n < size; ++n)
      x.push_back(roundTo(precision, normal(random)));
  };
  fill(p.q, p.batch * p.seqlenQ * p.heads * p.headDim);
  fill(p.k, p.batch * p.seqlenKv * p.kvHeads * p.headDim);
  fill(p.v, p.batch * p.seqlenKv * p.kvHeads * p.headDimV);
  return p;
}
