//===- Case.cpp - one call with its numbers -------------------------------===//

#include "test/kernels/Case.h"

#include <cmath>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <numeric>

using tessera::reference::Precision;
using tessera::reference::Problem;

namespace tessera::test {

Precision precisionOf(DType type) {
  switch (type) {
  case DType::f32:
    return Precision::f32;
  case DType::f16:
    return Precision::f16;
  case DType::bf16:
    return Precision::bf16;
  case DType::e4m3:
    return Precision::e4m3;
  case DType::e5m2:
    return Precision::e5m2;
  }
  llvm_unreachable("unknown dtype");
}

std::vector<int64_t> Case::lengthsQ() const {
  return seqlensQ.empty() ? std::vector(problem.batch, problem.seqlenQ) : seqlensQ;
}

std::vector<int64_t> Case::lengthsKv() const {
  return seqlensKv.empty() ? std::vector(problem.batch, problem.seqlenKv) : seqlensKv;
}

std::string str(const Case &c) {
  const Problem &p = c.problem;
  std::string text = fmt::format("q={} k={} v={} o={} batch={}", str(c.q).str(), str(c.k).str(),
                                 str(c.v).str(), str(c.o).str(), p.batch);
  auto add = [&](bool present, const char *name, const auto &value) {
    if (present)
      text += fmt::format(" {}={}", name, value);
  };
  add(c.seqlensQ.empty(), "seqlen_q", p.seqlenQ);
  add(!c.seqlensQ.empty(), "seqlen_q", c.seqlensQ);
  add(c.seqlensKv.empty(), "seqlen_kv", p.seqlenKv);
  add(!c.seqlensKv.empty(), "seqlen_kv", c.seqlensKv);
  text += fmt::format(" heads={} kv_heads={} head_dim={} head_dim_v={} scale={} seed={}", p.heads,
                      p.kvHeads, p.headDim, p.headDimV, p.scale, c.seed);
  add(p.causal, "causal", true);
  add(p.topLeft, "top_left", true);
  add(p.windowLeft >= 0, "window_left", p.windowLeft);
  add(p.windowRight >= 0, "window_right", p.windowRight);
  add(p.sinkTokens > 0, "sink_tokens", p.sinkTokens);
  add(!p.sinkLogits.empty(), "sink_logits", p.sinkLogits.size());
  add(!p.alibiSlopes.empty(), "alibi_slopes", p.alibiSlopes.size());
  add(p.softcap != 0, "softcap", p.softcap);
  add(!p.qDescale.empty(), "q_descale", p.qDescale.size());
  add(!p.kDescale.empty(), "k_descale", p.kDescale.size());
  add(!p.vDescale.empty(), "v_descale", p.vDescale.size());
  add(!c.user.name.empty(), "variant", c.user.name);
  add(c.lse, "lse", true);
  add(c.checked, "checked", true);
  add(c.blockM != 0, "block_m", c.blockM);
  add(c.blockN != 0, "block_n", c.blockN);
  return text;
}

void fill(Case &c) {
  Problem &p = c.problem;
  std::mt19937 generator(c.seed);
  std::normal_distribution<float> normal;
  auto draw = [&](std::vector<float> &values, size_t count, DType type) {
    values.resize(count);
    for (float &value : values)
      value = reference::roundTo(precisionOf(type), normal(generator));
  };
  auto sum = [](const std::vector<int64_t> &lengths) {
    return std::accumulate(lengths.begin(), lengths.end(), int64_t(0));
  };
  int64_t rowsQ = sum(c.lengthsQ()), rowsKv = sum(c.lengthsKv());
  draw(p.q, rowsQ * p.heads * p.headDim, c.q);
  draw(p.k, rowsKv * p.kvHeads * p.headDim, c.k);
  draw(p.v, rowsKv * p.kvHeads * p.headDimV, c.v);
  draw(p.sinkLogits, p.sinkLogits.size(), DType::f32);
  // Slopes between 1/32 and 1: a few keys or all of them count.
  std::uniform_real_distribution<float> exponent(-5, 0), factor(0.5, 2);
  for (float &slope : p.alibiSlopes)
    slope = std::exp2(exponent(generator));
  for (std::vector<float> *descale : {&p.qDescale, &p.kDescale, &p.vDescale})
    for (float &value : *descale)
      value = factor(generator);
}

/// `count` values from `at` on, which then points behind them.
static std::vector<float> take(const std::vector<float> &values, int64_t &at, int64_t count) {
  at += count;
  return {values.begin() + (at - count), values.begin() + at};
}

/// Of an array for all sequences, that of sequence b: `[heads]` is shared, and
/// so is one number.
static std::vector<float> ofSequence(const std::vector<float> &values, int64_t b, int64_t batch,
                                     int64_t heads, int64_t shared) {
  if (std::ssize(values) != batch * heads || std::ssize(values) == shared)
    return values;
  int64_t at = b * heads;
  return take(values, at, heads);
}

std::vector<Problem> sequencesOf(const Case &c) {
  const Problem &all = c.problem;
  std::vector<Problem> sequences;
  int64_t q = 0, k = 0, v = 0;
  for (int64_t b = 0; b < all.batch; ++b) {
    Problem p = all;
    p.batch = 1;
    p.seqlenQ = c.seqlenQ(b);
    p.seqlenKv = c.seqlenKv(b);
    p.q = take(all.q, q, p.seqlenQ * p.heads * p.headDim);
    p.k = take(all.k, k, p.seqlenKv * p.kvHeads * p.headDim);
    p.v = take(all.v, v, p.seqlenKv * p.kvHeads * p.headDimV);
    p.alibiSlopes = ofSequence(all.alibiSlopes, b, all.batch, p.heads, p.heads);
    p.qDescale = ofSequence(all.qDescale, b, all.batch, p.kvHeads, 1);
    p.kDescale = ofSequence(all.kDescale, b, all.batch, p.kvHeads, 1);
    p.vDescale = ofSequence(all.vDescale, b, all.batch, p.kvHeads, 1);
    if (all.score)
      p.score = [score = all.score, b](double x, reference::Place place) {
        place.batch = b;
        return score(x, place);
      };
    if (all.mask)
      p.mask = [mask = all.mask, b](reference::Place place) {
        place.batch = b;
        return mask(place);
      };
    sequences.push_back(std::move(p));
  }
  return sequences;
}

} // namespace tessera::test
