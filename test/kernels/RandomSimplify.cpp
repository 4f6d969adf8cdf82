//===- RandomSimplify.cpp - the smallest sample that fails ----------------===//

#include "test/kernels/Random.h"

#include <cmath>
#include <functional>

using tessera::reference::Problem;

namespace tessera::test {

using Step = std::function<void(Sample &)>;

/// Leaves sequence b out.
static void dropSequence(Sample &sample, size_t b) {
  Case &c = sample.c;
  Problem &p = c.problem;
  if (b >= c.seqlensQ.size() || c.seqlensQ.size() == 1)
    return;
  c.seqlensQ.erase(c.seqlensQ.begin() + b);
  c.seqlensKv.erase(c.seqlensKv.begin() + b);
  if (std::ssize(p.alibiSlopes) == p.batch * p.heads)
    p.alibiSlopes.resize((p.batch - 1) * p.heads);
  for (std::vector<float> *descale : {&p.qDescale, &p.kDescale, &p.vDescale})
    if (descale->size() > 1)
      descale->resize((p.batch - 1) * p.kvHeads);
  --p.batch;
}

static void setHeads(Sample &sample, int64_t heads, int64_t kvHeads) {
  Problem &p = sample.c.problem;
  p.heads = heads;
  p.kvHeads = kvHeads;
  p.sinkLogits.resize(p.sinkLogits.empty() ? 0 : heads);
  p.alibiSlopes.resize(p.alibiSlopes.empty() ? 0 : heads);
  for (std::vector<float> *descale : {&p.qDescale, &p.kDescale, &p.vDescale})
    if (descale->size() > 1)
      descale->resize(p.batch * kvHeads);
}

/// Factors belong to fp8.
static void setTypes(Sample &sample, DType q, DType k, DType v, DType o) {
  Case &c = sample.c;
  c.q = q, c.k = k, c.v = v, c.o = o;
  Problem &p = c.problem;
  if (!isFp8(q) && !isFp8(k) && !isFp8(v))
    p.qDescale.clear(), p.kDescale.clear(), p.vDescale.clear();
}

/// Ways to be simpler, the greatest steps first.
static std::vector<Step> steps() {
  std::vector<Step> all;
  auto add = [&](Step step) { all.push_back(std::move(step)); };
  for (size_t b = 0; b < 5; ++b)
    add([=](Sample &s) { dropSequence(s, b); });
  add([](Sample &s) { s.example = nullptr; });
  add([](Sample &s) {
    if (s.layout.kv != Form::dense)
      s.layout.kv = Form::dense, s.layout.seqUsedKv = true;
  });
  add([](Sample &s) { s.layout = {}; });
  add([](Sample &s) { s.layout.q = s.layout.k = s.layout.v = s.layout.o = {}; });
  add([](Sample &s) { s.layout.packedQ = false, s.layout.slackQ = -1; });
  add([](Sample &s) { s.layout.seqUsedKv = s.layout.kv == Form::paged; });
  add([](Sample &s) { s.layout.slackQ = s.layout.slackKv = -1; });
  add([](Sample &s) { s.layout.spareRows = s.layout.sharedRows = s.layout.tableGap = 0; });
  add([](Sample &s) { s.layout.outerRows = 0; });
  add([](Sample &s) { s.layout.pageLayout = PageLayout::nhd; });
  add([](Sample &s) { s.layout.pageSize = 16; });
  add([](Sample &s) { s.poisons = 0; });
  add([](Sample &s) { s.poisons -= s.poisons > 0; });
  add([](Sample &s) { s.threads = 1; });
  add([](Sample &s) { s.c.lse = false; });
  add([](Sample &s) { s.c.checked = false; });
  add([](Sample &s) { s.c.blockM = 0; });
  add([](Sample &s) { s.c.blockN = 0; });
  add([](Sample &s) { s.c.problem.causal = false; });
  add([](Sample &s) { s.c.problem.topLeft = false; });
  add([](Sample &s) { s.c.problem.sinkTokens = 0; });
  add([](Sample &s) { s.c.problem.windowLeft = -1; });
  add([](Sample &s) { s.c.problem.windowRight = -1; });
  add([](Sample &s) { s.c.problem.softcap = 0; });
  add([](Sample &s) { s.c.problem.sinkLogits.clear(); });
  add([](Sample &s) { s.c.problem.alibiSlopes.clear(); });
  for (auto descale : {&Problem::qDescale, &Problem::kDescale, &Problem::vDescale})
    add([=](Sample &s) { (s.c.problem.*descale).clear(); });
  add([](Sample &s) { setTypes(s, DType::f32, DType::f32, DType::f32, DType::f32); });
  add([](Sample &s) { setTypes(s, DType::f32, s.c.k, s.c.v, s.c.o); });
  add([](Sample &s) { setTypes(s, s.c.q, DType::f32, s.c.v, s.c.o); });
  add([](Sample &s) { setTypes(s, s.c.q, s.c.k, DType::f32, s.c.o); });
  add([](Sample &s) { setTypes(s, s.c.q, s.c.k, s.c.v, DType::f32); });
  add([](Sample &s) { setHeads(s, 1, 1); });
  add([](Sample &s) { setHeads(s, s.c.problem.heads / s.c.problem.kvHeads, 1); });
  add([](Sample &s) { setHeads(s, s.c.problem.kvHeads, s.c.problem.kvHeads); });
  for (int64_t width : {8, 16, 64}) {
    add([=](Sample &s) { s.c.problem.headDim = std::min(s.c.problem.headDim, width); });
    add([=](Sample &s) { s.c.problem.headDimV = std::min(s.c.problem.headDimV, width); });
  }
  for (int64_t part : {2, 8, 0})
    for (auto lengths : {&Case::seqlensQ, &Case::seqlensKv})
      add([=](Sample &s) {
        for (int64_t &length : s.c.*lengths)
          length -= part ? length / part : length > 0;
      });
  return all;
}

/// Whether lengths may differ as they do.
static bool isLegal(const Sample &sample) {
  auto equal = [](const std::vector<int64_t> &lengths) {
    return std::equal(lengths.begin() + !lengths.empty(), lengths.end(), lengths.begin());
  };
  const Layout &layout = sample.layout;
  return (layout.packedQ || equal(sample.c.seqlensQ)) &&
         (layout.kv != Form::dense || layout.seqUsedKv || equal(sample.c.seqlensKv));
}

Sample simplify(Sample failing) {
  for (bool changed = true; changed;) {
    changed = false;
    for (const Step &step : steps())
      for (int times = 0; times < 12; ++times) { // a step may help again
        Sample simpler = failing;
        step(simpler);
        if (str(simpler) == str(failing) || !isLegal(simpler) || failureOf(simpler).empty())
          break;
        failing = simpler;
        changed = true;
      }
  }
  return failing;
}

} // namespace tessera::test
