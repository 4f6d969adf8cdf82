#include "test/reference/Attention.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <type_traits>

using namespace tessera::reference;

int64_t tessera::reference::queryPosition(const Problem &problem, int64_t i) {
  return problem.topLeft ? i : i + problem.seqlenKv - problem.seqlenQ;
}

bool tessera::reference::visible(const Problem &problem, int64_t i, int64_t j) {
  const int64_t position = queryPosition(problem, i);
  if (problem.causal && j > position)
    return false;
  const int64_t left = problem.windowLeft, right = problem.windowRight;
  const bool inWindow = (left < 0 || position - j <= left) && (right < 0 || j - position <= right);
  return inWindow || j < problem.sinkTokens;
}

bool tessera::reference::visible(const Problem &problem, int64_t batch, int64_t head, int64_t i,
                                 int64_t j) {
  return visible(problem, i, j) &&
         (!problem.mask || problem.mask({batch, head, queryPosition(problem, i), j}));
}

static void checkSizes(const Problem &p) {
  assert(p.batch >= 0 && p.seqlenQ >= 0 && p.seqlenKv >= 0 && p.heads >= 0);
  assert(p.headDim >= 0 && p.headDimV >= 0);
  assert(p.heads == 0 || (p.kvHeads > 0 && p.heads % p.kvHeads == 0));
  assert(int64_t(p.q.size()) == p.batch * p.seqlenQ * p.heads * p.headDim);
  assert(int64_t(p.k.size()) == p.batch * p.seqlenKv * p.kvHeads * p.headDim);
  assert(int64_t(p.v.size()) == p.batch * p.seqlenKv * p.kvHeads * p.headDimV);
  assert(p.sinkLogits.empty() || int64_t(p.sinkLogits.size()) == p.heads);
  assert(p.alibiSlopes.empty() || int64_t(p.alibiSlopes.size()) == p.heads ||
         int64_t(p.alibiSlopes.size()) == p.batch * p.heads);
  for ([[maybe_unused]] const auto *descale : {&p.qDescale, &p.kDescale, &p.vDescale})
    assert(descale->size() <= 1 || int64_t(descale->size()) == p.batch * p.kvHeads);
  (void)p;
}

namespace {

/// `sum * exp(max)`, the softmax sum of a row.
template <typename Real>
struct RowSum {
  Real max, sum;
};

} // namespace

/// The softmax sum over `scores` and, unless it is -inf, the sink.
template <typename Real>
static RowSum<Real> sumOf(const std::vector<Real> &scores, Real sink) {
  Real max = sink, sum = 0;
  for (Real score : scores)
    max = std::max(max, score); // skips NaN, which the sum then meets
  if (sink > -std::numeric_limits<Real>::infinity())
    sum += std::exp(sink - max);
  for (Real score : scores)
    if (score != -std::numeric_limits<Real>::infinity())
      sum += std::exp(score - max);
  return {max, sum};
}

/// The factor that `descale` gives to one head of keys or values.
static double descaleOf(const std::vector<float> &descale, const Problem &p, int64_t b,
                        int64_t kvHead) {
  if (descale.empty())
    return 1;
  return descale.size() == 1 ? descale[0] : descale[b * p.kvHeads + kvHead];
}

/// `Real` is the type of the arithmetic; `store` rounds what an implementation
/// would write to memory.
template <typename Real, typename Store>
static Result compute(const Problem &p, Store store) {
  checkSizes(p);
  constexpr bool isTruth = std::is_same_v<Real, double>; // then `store` rounds nothing
  constexpr Real infinity = std::numeric_limits<Real>::infinity();
  const Real softcap = p.softcap;
  Result result;
  result.out.resize(p.batch * p.seqlenQ * p.heads * p.headDimV);
  result.lse.resize(p.batch * p.heads * p.seqlenQ);

  std::vector<Real> keys(p.headDim * p.seqlenKv); // transposed, for the speed
  std::vector<Real> products(p.seqlenKv), out(p.headDimV);
  std::vector<int64_t> columns;    // the visible keys
  std::vector<Real> exact, stored; // and their scores

  for (int64_t b = 0; b < p.batch; ++b)
    for (int64_t h = 0; h < p.heads; ++h) {
      const int64_t kvHead = h / (p.heads / p.kvHeads);
      const auto kvRow = [&](int64_t j) { return (b * p.seqlenKv + j) * p.kvHeads + kvHead; };
      const Real scale =
          p.scale * descaleOf(p.qDescale, p, b, kvHead) * descaleOf(p.kDescale, p, b, kvHead);
      const Real valueScale = descaleOf(p.vDescale, p, b, kvHead);
      const bool slopePerBatch = int64_t(p.alibiSlopes.size()) != p.heads;
      const Real slope = p.alibiSlopes.empty() ? 0
                         : slopePerBatch       ? p.alibiSlopes[b * p.heads + h]
                                               : p.alibiSlopes[h];
      const Real sink = p.sinkLogits.empty() ? -infinity : p.sinkLogits[h];

      for (int64_t j = 0; j < p.seqlenKv; ++j)
        for (int64_t c = 0; c < p.headDim; ++c)
          keys[c * p.seqlenKv + j] = p.k[kvRow(j) * p.headDim + c];

      for (int64_t i = 0; i < p.seqlenQ; ++i) {
        const int64_t qRow = (b * p.seqlenQ + i) * p.heads + h;
        const int64_t position = queryPosition(p, i);
        columns.clear();
        for (int64_t j = 0; j < p.seqlenKv; ++j)
          if (visible(p, b, h, i, j))
            columns.push_back(j);

        // With every key from the first visible one to the last, for the speed.
        const int64_t first = columns.empty() ? 0 : columns.front();
        const int64_t end = columns.empty() ? 0 : columns.back() + 1;
        std::fill(products.begin(), products.end(), Real(0));
        for (int64_t c = 0; c < p.headDim; ++c) {
          const Real query = p.q[qRow * p.headDim + c];
          for (int64_t j = first; j < end; ++j)
            products[j] += query * keys[c * p.seqlenKv + j];
        }

        const auto modified = [&](Real x, int64_t j) {
          if (p.score)
            x = p.score(x, {b, h, position, j});
          if (softcap != 0)
            x = softcap * std::tanh(x / softcap);
          if (!p.alibiSlopes.empty())
            x -= slope * Real(std::abs(position - j));
          return x;
        };
        exact.clear();
        stored.clear();
        for (int64_t j : columns) {
          const Real x = products[j] * scale;
          exact.push_back(modified(x, j));
          stored.push_back(isTruth ? exact.back() : modified(store(x), j));
        }

        const RowSum<Real> total = sumOf(exact, sink);
        result.lse[(b * p.heads + h) * p.seqlenQ + i] =
            total.sum == 0 ? -infinity : total.max + std::log(total.sum);

        const RowSum<Real> norm = isTruth ? total : sumOf(stored, sink);
        if (norm.sum == 0)
          continue; // the output stays +0
        std::fill(out.begin(), out.end(), Real(0));
        for (size_t n = 0; n < columns.size(); ++n) {
          const Real weight = store(std::exp(stored[n] - norm.max) / norm.sum);
          const float *value = p.v.data() + kvRow(columns[n]) * p.headDimV;
          for (int64_t c = 0; c < p.headDimV; ++c)
            out[c] += weight * value[c];
        }
        for (int64_t c = 0; c < p.headDimV; ++c)
          result.out[qRow * p.headDimV + c] = store(out[c] * valueScale);
      }
    }
  return result;
}

Result tessera::reference::attention(const Problem &problem) {
  return compute<double>(problem, [](double x) { return x; });
}

Result tessera::reference::attentionIn(Precision precision, const Problem &problem) {
  assert(precision <= Precision::bf16 && "nothing is stored in eight bits");
  return compute<float>(problem, [=](float x) { return roundTo(precision, x); });
}

template <typename Real>
static Errors compareAs(std::span<const Real> actual, std::span<const double> expected) {
  Errors errors;
  const auto mismatch = [&](int64_t at, double was, double should) {
    if (errors.mismatches++ > 0)
      return;
    errors.firstMismatch = at;
    errors.mismatchActual = was, errors.mismatchExpected = should;
  };

  const int64_t common = std::min(actual.size(), expected.size());
  int64_t finite = 0;
  for (int64_t n = 0; n < common; ++n) {
    const double was = actual[n], should = expected[n];
    if (!std::isfinite(was) || !std::isfinite(should)) {
      if (was != should && !(std::isnan(was) && std::isnan(should)))
        mismatch(n, was, should);
      continue;
    }
    const double error = std::abs(was - should);
    ++finite;
    errors.nonZero += should != 0;
    errors.meanAbs += error;
    errors.meanMagnitude += std::abs(should);
    errors.maxMagnitude = std::max(errors.maxMagnitude, std::abs(should));
    if (error <= errors.maxAbs)
      continue;
    errors.maxAbs = error, errors.worst = n;
    errors.worstActual = was, errors.worstExpected = should;
  }
  if (finite > 0)
    errors.meanAbs /= finite, errors.meanMagnitude /= finite;

  constexpr double missing = std::numeric_limits<double>::quiet_NaN();
  for (int64_t n = common; n < int64_t(actual.size()); ++n)
    mismatch(n, actual[n], missing);
  for (int64_t n = common; n < int64_t(expected.size()); ++n)
    mismatch(n, missing, expected[n]);
  return errors;
}

Errors tessera::reference::compare(std::span<const float> actual,
                                   std::span<const double> expected) {
  return compareAs(actual, expected);
}

Errors tessera::reference::compare(std::span<const double> actual,
                                   std::span<const double> expected) {
  return compareAs(actual, expected);
}

// The house's bound: an honest kernel differs from the working computation in
// the order of its sums and in what it rounds when, not in how much.
constexpr double maxFactor = 2, meanFactor = 1.5;

Bound tessera::reference::outBound(const Errors &working, Precision precision, double scoreError) {
  const double units = precision == Precision::f32 ? 32 : 2;
  const auto floor = [&](double magnitude) {
    return units * std::max(epsilon(precision) * magnitude, smallest(precision));
  };
  // With few elements a mean is as much a matter of luck as the largest error.
  const double share = std::min(1.0, 0.25 + 4 / std::sqrt(double(working.nonZero)));
  return {scoreError * working.maxMagnitude +
              std::max(maxFactor * working.maxAbs, floor(working.maxMagnitude)),
          scoreError * working.meanMagnitude +
              std::max(meanFactor * working.meanAbs, share * floor(working.meanMagnitude))};
}

Bound tessera::reference::lseBound(const Errors &working, double scoreError) {
  constexpr double absolute = 0x1p-17, relative = 0x1p-20;
  return {scoreError +
              std::max(maxFactor * working.maxAbs, absolute + relative * working.maxMagnitude),
          scoreError + std::max(meanFactor * working.meanAbs,
                                (absolute + relative * working.meanMagnitude) / 2)};
}

bool tessera::reference::within(const Errors &ours, const Bound &bound) {
  return ours.mismatches == 0 && ours.maxAbs <= bound.maxAbs && ours.meanAbs <= bound.meanAbs;
}

bool tessera::reference::withinBound(const Errors &ours, const Errors &working,
                                     Precision precision) {
  return within(ours, outBound(working, precision));
}

bool tessera::reference::emptyRowsAreZero(const Problem &p, std::span<const float> out) {
  if (int64_t(out.size()) != p.batch * p.seqlenQ * p.heads * p.headDimV)
    return false;
  const auto isZero = [](float x) { return x == 0 && !std::signbit(x); };
  for (int64_t i = 0; i < p.seqlenQ; ++i) {
    std::vector<int64_t> columns; // visible without the user's mask, in any head
    for (int64_t j = 0; j < p.seqlenKv; ++j)
      if (visible(p, i, j))
        columns.push_back(j);
    for (int64_t b = 0; b < p.batch; ++b)
      for (int64_t h = 0; h < p.heads; ++h) {
        const auto row = out.subspan(((b * p.seqlenQ + i) * p.heads + h) * p.headDimV, p.headDimV);
        const auto seen = [&](int64_t j) { return visible(p, b, h, i, j); };
        if (std::ranges::none_of(columns, seen) && !std::ranges::all_of(row, isZero))
          return false;
      }
  }
  return true;
}

std::string tessera::reference::describe(const Errors &errors) {
  char text[256];
  int used =
      std::snprintf(text, sizeof(text), "max error %.3g, mean %.3g", errors.maxAbs, errors.meanAbs);
  std::string result(text, used);
  if (errors.worst >= 0) {
    used = std::snprintf(text, sizeof(text), "; worst at %lld: found %.9g, expected %.9g",
                         static_cast<long long>(errors.worst), errors.worstActual,
                         errors.worstExpected);
    result.append(text, used);
  }
  if (errors.mismatches > 0) {
    used = std::snprintf(text, sizeof(text),
                         "; %lld NaN, inf or missing elements differ, first "
                         "at %lld: found %g, expected %g",
                         static_cast<long long>(errors.mismatches),
                         static_cast<long long>(errors.firstMismatch), errors.mismatchActual,
                         errors.mismatchExpected);
    result.append(text, used);
  }
  return result;
}
