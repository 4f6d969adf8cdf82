//===- RandomSample.cpp - any call of attention ---------------------------===//

#include "test/kernels/Random.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <utility>

using tessera::reference::Problem;

namespace tessera::test {

std::string str(const Sample &sample) {
  Case c = sample.c;
  c.user.name = sample.example ? sample.example->name : "";
  return fmt::format("{}\n  {} poisons={} threads={}", str(c), str(sample.layout), sample.poisons,
                     sample.threads);
}

//===----------------------------------------------------------------------===//
// Drawing
//===----------------------------------------------------------------------===//

/// What a case may cost: heads * seqlen_q * seqlen_kv * width, over sequences.
static constexpr double maxWork = 1.5e7;

static uint64_t mix(uint64_t x) { // splitmix64
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

static DType anyType(Draw &draw) {
  return draw.of({DType::f32, DType::f16, DType::bf16, DType::e4m3, DType::e5m2});
}

static void drawTypes(Case &c, Draw &draw) {
  c.q = c.k = c.v = anyType(draw);
  if (draw.chance(40))
    c.k = c.v = anyType(draw);
  if (draw.chance(25))
    c.v = anyType(draw);
  DType output = draw.of({DType::f32, DType::f16, DType::bf16});
  c.o = isFp8(c.q) || draw.chance(30) ? output : c.q;
}

static int64_t drawWidth(Draw &draw) {
  if (draw.chance(50))
    return draw.of({8, 16, 32, 40, 64, 64, 80, 96, 128, 128});
  return 8 * draw.between(1, draw.chance(70) ? 16 : 64);
}

static void drawHeads(Problem &p, Draw &draw) {
  int64_t ratio = draw.of({1, 1, 1, 1, 2, 2, 2, 3, 5, 7, 8, 12, 64});
  p.kvHeads = ratio > 8 ? draw.of({1, 1, 2}) : draw.of({1, 1, 2, 2, 3, 4, 5});
  p.heads = p.kvHeads * ratio;
  std::tie(p.headDim, p.headDimV) =
      draw.of({std::pair{int64_t(192), int64_t(128)}, {64, 512}, {128, 64}});
  if (draw.chance(90)) {
    p.headDim = drawWidth(draw);
    p.headDimV = draw.chance(70) ? p.headDim : drawWidth(draw);
  }
}

static int64_t drawLength(Draw &draw) {
  if (draw.chance(10))
    return 0;
  if (draw.chance(25))
    return draw.of({1, 2, 7, 8, 63, 64, 65, 95, 96, 97, 127, 128, 129, 192, 257});
  if (draw.chance(20))
    return draw.between(1, 8);
  return draw.between(1, draw.of({40, 150, 400, 1000}));
}

static std::vector<int64_t> drawLengths(int64_t batch, bool differ, Draw &draw) {
  std::vector<int64_t> lengths(batch);
  int64_t same = drawLength(draw);
  for (int64_t &length : lengths)
    length = differ ? drawLength(draw) : same;
  return lengths;
}

static double workOf(const Case &c) {
  const Problem &p = c.problem;
  double work = 0;
  for (size_t b = 0; b < c.seqlensQ.size(); ++b)
    work += double(c.seqlensQ[b]) * c.seqlensKv[b];
  return work * p.heads * (p.headDim + p.headDimV) / 2;
}

/// Shortens sequences until the case costs no more than it may.
static void limitWork(Case &c) {
  while (workOf(c) > maxWork)
    for (std::vector<int64_t> *lengths : {&c.seqlensQ, &c.seqlensKv})
      for (int64_t &length : *lengths)
        length -= length / 8 + (length > 1);
}

static void drawMask(Problem &p, Draw &draw) {
  p.causal = draw.chance(45);
  p.topLeft = draw.chance(20);
  int64_t sizes[] = {draw.between(0, 10), draw.between(0, 100), draw.between(0, 400)};
  if (draw.chance(25))
    p.windowLeft = sizes[draw.between(0, 2)];
  if (draw.chance(20))
    p.windowRight = sizes[draw.between(0, 2)];
  if (draw.chance(15))
    p.sinkTokens = draw.of({1, 4, 33, 64, 70, 500});
}

static void drawBiases(Case &c, Draw &draw) {
  Problem &p = c.problem;
  p.sinkLogits.resize(draw.chance(20) ? p.heads : 0);
  if (draw.chance(15))
    p.alibiSlopes.resize(draw.chance(50) ? p.heads : p.batch * p.heads);
  if (draw.chance(12))
    p.softcap = draw.of({0.5f, 2.0f, 15.0f, 50.0f});
  if ((isFp8(c.q) || isFp8(c.k) || isFp8(c.v)) && draw.chance(70))
    for (std::vector<float> *descale : {&p.qDescale, &p.kDescale, &p.vDescale})
      if (draw.chance(70))
        descale->resize(draw.chance(50) ? 1 : p.batch * p.kvHeads);
}

static Arrangement drawArrangement(bool batches, bool output, Draw &draw) {
  using Order = std::array<int, 4>;
  Arrangement arrangement;
  arrangement.order = draw.of({Order{0, 1, 2, 3}, {0, 2, 1, 3}, {1, 0, 2, 3}, {2, 1, 0, 3}});
  if (draw.chance(30))
    for (int64_t &extra : arrangement.extra)
      extra = draw.of({0, 1, 3, 8});
  if (!output) {
    arrangement.sameBatches = batches && draw.chance(8);
    arrangement.sameHeads = draw.chance(8);
  }
  return arrangement;
}

static Layout drawLayout(Draw &draw) {
  Layout layout;
  layout.packedQ = draw.chance(40);
  layout.kv = draw.of({Form::dense, Form::dense, Form::packed, Form::packed, Form::paged});
  layout.seqUsedKv = layout.kv == Form::paged || draw.chance(35);
  if (layout.seqUsedKv)
    layout.spareRows = draw.of({0, 1, 5, 100});
  bool batchesOfKv = layout.kv == Form::dense && !layout.seqUsedKv;
  layout.q = drawArrangement(!layout.packedQ, false, draw);
  layout.k = drawArrangement(batchesOfKv, false, draw);
  layout.v = drawArrangement(batchesOfKv, false, draw);
  layout.o = drawArrangement(false, true, draw);
  if (layout.packedQ || layout.kv == Form::packed)
    layout.outerRows = draw.of({0, 0, 0, 1, 70});
  if (layout.packedQ)
    layout.slackQ = draw.of({-1, -1, 0, 5, 200});
  if (layout.kv != Form::dense)
    layout.slackKv = draw.of({-1, -1, 0, 5, 200});
  layout.pageSize = draw.of({1, 3, 7, 16, 16, 64, 100, 128, 256});
  layout.pageLayout = draw.of({PageLayout::nhd, PageLayout::hnd});
  if (layout.kv == Form::paged && draw.chance(30))
    layout.sharedRows = draw.between(1, 200);
  layout.pageSeed = draw.between(1, 1000);
  layout.tableGap = draw.of({0, 0, 0, 1, 3});
  return layout;
}

/// What a GPU does not compute becomes the nearest that it does.
static void fitToGpu(Sample &sample) {
  Case &c = sample.c;
  Problem &p = c.problem;
  DType type = c.q == DType::bf16 || isFp8(c.q) ? DType::bf16 : DType::f16;
  c.q = c.k = c.v = type;
  c.checked = false;
  for (std::vector<float> *descale : {&p.qDescale, &p.kDescale, &p.vDescale})
    descale->clear();
  constexpr int64_t widest = 256, mostRows = 2 * 64;
  for (int64_t *width : {&p.headDim, &p.headDimV})
    *width = std::min(*width, widest);
  int64_t wider = std::max(p.headDim, p.headDimV);
  int64_t mostKeys = wider <= 64 ? 256 : wider <= 128 ? 128 : 64; // that shared memory holds
  c.blockM = std::min(c.blockM / 64 * 64, mostRows);
  c.blockN = std::min(c.blockN / 16 * 16, mostKeys);
  if (sample.layout.kv == Form::paged)
    sample.layout.kv = Form::packed;
}

Sample drawSample(uint64_t seed, uint64_t index) {
  Draw draw(mix(mix(seed) + index));
  Sample sample;
  Case &c = sample.c;
  Problem &p = c.problem;
  sample.layout = drawLayout(draw);
  const Layout &layout = sample.layout;
  p.batch = draw.chance(4) ? 0 : draw.between(1, 5);
  drawHeads(p, draw);
  c.seqlensQ = drawLengths(p.batch, layout.packedQ, draw);
  c.seqlensKv = drawLengths(p.batch, layout.kv != Form::dense || layout.seqUsedKv, draw);
  limitWork(c);
  p.seqlenQ = p.seqlenKv = 0; // of no sequence
  drawTypes(c, draw);
  drawMask(p, draw);
  drawBiases(c, draw);
  p.scale = draw.of({0.5f, 1.0f, 1.0f, 2.0f}) / std::sqrt(static_cast<float>(p.headDim));
  c.lse = draw.chance(70);
  c.checked = draw.chance(15);
  if (draw.chance(25))
    c.blockM = 8 * draw.between(0, 17), c.blockN = 8 * draw.between(0, 17);
  if (draw.chance(2))
    c.blockM = draw.of({0, 256, 1024}), c.blockN = draw.of({0, 256, 1024});
  if (draw.chance(15))
    sample.example = &userExamples()[draw.between(0, userExamples().size() - 1)];
  sample.poisons = draw.chance(8) ? draw.between(1, 4) : 0;
  sample.threads = draw.between(1, 3);
  c.seed = draw.between(1, 1 << 30);
  if (isOnGpu())
    fitToGpu(sample);
  return sample;
}

//===----------------------------------------------------------------------===//
// Numbers
//===----------------------------------------------------------------------===//

/// Every head of a row like the first.
static void shareHeads(std::vector<float> &values, int64_t heads, int64_t width) {
  for (size_t row = 0; row < values.size(); row += heads * width)
    for (int64_t at = width; at < heads * width; ++at)
      values[row + at] = values[row + at % width];
}

/// The first `rows` rows of every sequence, as far as it has them, like those
/// of the first.
static void shareRows(std::vector<float> &values, const std::vector<int64_t> &lengths, int64_t rows,
                      int64_t width) {
  int64_t begin = 0;
  for (int64_t length : lengths) {
    int64_t shared = std::min({rows, length, lengths[0]});
    if (begin)
      std::copy_n(values.begin(), shared * width, values.begin() + begin * width);
    begin += length;
  }
}

/// Makes some elements NaN or infinite; e4m3 has no infinity. Values, or what
/// scores are made of, but not both: whether a weight of exactly zero keeps a
/// value out of its row depends on the tile it stands in. On a GPU it never does.
static void poison(Case &c, int count, Draw &draw) {
  Problem &p = c.problem;
  bool weightsMayVanish = !p.alibiSlopes.empty() || c.problem.score || c.problem.mask;
  bool ofValues = draw.chance(50) && !weightsMayVanish && !isOnGpu();
  for (int n = 0; n < count; ++n) {
    auto [values, type] =
        ofValues ? std::pair{&p.v, c.v} : draw.of({std::pair{&p.q, c.q}, {&p.k, c.k}});
    float value = values == &p.v ? quietNaN : draw.of({quietNaN, infinity, -infinity});
    if (!values->empty())
      (*values)[draw.between(0, values->size() - 1)] = roundTo(precisionOf(type), value);
  }
}

Case complete(const Sample &sample) {
  Case c = sample.c;
  Draw draw(c.seed);
  if (sample.example)
    use(c, *sample.example, draw);
  fill(c);
  Problem &p = c.problem;
  poison(c, sample.poisons, draw);
  const Layout &layout = sample.layout;
  std::vector<int64_t> q = c.lengthsQ(), kv = c.lengthsKv();
  for (auto [values, lengths, heads, width, arrangement] :
       {std::tuple{&p.q, &q, p.heads, p.headDim, &layout.q},
        {&p.k, &kv, p.kvHeads, p.headDim, &layout.k},
        {&p.v, &kv, p.kvHeads, p.headDimV, &layout.v}}) {
    if (arrangement->sameHeads)
      shareHeads(*values, heads, width);
    if (arrangement->sameBatches)
      shareRows(*values, *lengths, std::numeric_limits<int64_t>::max(), heads * width);
  }
  if (layout.kv == Form::paged && layout.sharedRows) {
    shareRows(p.k, kv, layout.sharedRows, p.kvHeads * p.headDim);
    shareRows(p.v, kv, layout.sharedRows, p.kvHeads * p.headDimV);
  }
  return c;
}

std::string failureOf(const Sample &sample) {
  Case c = complete(sample);
  llvm::Expected<Output> output = compute(c, sample.layout, sample.threads);
  return output ? judge(c, *output) : llvm::toString(output.takeError());
}

} // namespace tessera::test
