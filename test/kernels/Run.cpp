//===- Run.cpp - running a case and judging its result --------------------===//

#include "test/kernels/Run.h"
#include "runtime/Engine.h"
#include "test/kernels/Device.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <map>
#include <mutex>

using namespace tessera::reference;

namespace tessera::test {

/// Engines stay until the process ends, one for each number of threads.
static Engine &engineOf(unsigned threads) {
  static std::mutex mutex;
  static std::map<unsigned, std::unique_ptr<Engine>> engines;
  std::lock_guard lock(mutex);
  std::unique_ptr<Engine> &engine = engines[threads];
  if (!engine) {
    Config config;
    config.cache = false;
    config.threads = threads;
    engine = llvm::cantFail(Engine::create(config));
  }
  return *engine;
}

llvm::Error run(const Attention &call, unsigned threads) {
  Engine &engine = engineOf(threads);
  return isOnGpu() ? runOnGpu(engine, call) : engine.run(call);
}

llvm::Error run(const AppendCache &call, unsigned threads) { return engineOf(threads).run(call); }

llvm::Expected<Output> compute(const Case &c, const Layout &layout, unsigned threads) {
  Operands operands(c, layout);
  if (llvm::Error error = run(operands.call(), threads))
    return error;
  if (!operands.surroundingsAreIntact())
    return llvm::createStringError("written outside of o or lse");
  return operands.output();
}

/// The largest score that a bias alone makes.
static double largestBias(const Case &c) {
  double steepest = 0, farthest = 0;
  for (float slope : c.problem.alibiSlopes)
    steepest = std::max<double>(steepest, std::abs(slope));
  for (int64_t b = 0; b < c.problem.batch; ++b)
    farthest = std::max<double>({farthest, double(c.seqlenQ(b)), double(c.seqlenKv(b))});
  return steepest * farthest;
}

/// The format that results, and on a GPU weights, are rounded to.
static Precision workingPrecision(const Case &c) {
  Precision o = precisionOf(c.o), weights = precisionOf(c.v);
  return isOnGpu() && epsilon(weights) > epsilon(o) ? weights : o;
}

/// What an approximate tanh costs a score, and matrix instructions that begin with its bias: they
/// cut the sum once for each 16 columns.
static double scoreErrorOf(const Case &c) {
  if (!isOnGpu())
    return 0;
  auto cap = c.user.scalars.find("cap");
  double tanhError =
      approximateTanhError * (c.problem.softcap + (cap == c.user.scalars.end() ? 0 : cap->second));
  int64_t sums = llvm::divideCeil(c.problem.headDim, 16);
  return tanhError + sums * epsilon(Precision::f32) * largestBias(c);
}

std::string judge(const Case &c, const Output &output) {
  Precision precision = workingPrecision(c);
  Result truth, working; // of all sequences
  std::string wrong;
  auto append = [](auto &all, const auto &one) { all.insert(all.end(), one.begin(), one.end()); };
  std::span<const float> rest = output.out;
  for (const Problem &p : sequencesOf(c)) {
    Result exact = attention(p), rounded = attentionIn(precision, p);
    append(truth.out, exact.out), append(truth.lse, exact.lse);
    append(working.out, rounded.out), append(working.lse, rounded.lse);
    size_t count = std::min(rest.size(), exact.out.size());
    if (!emptyRowsAreZero(p, rest.first(count)))
      wrong = "a row that sees no key is not +0\n  ";
    rest = rest.subspan(count);
  }

  Errors ours = compare(output.out, truth.out);
  Errors usual = compare(working.out, truth.out);
  double scoreError = scoreErrorOf(c);
  Bound bound = outBound(usual, precision, scoreError);
  // A score of size s moves its weight by s epsilon, however it is computed.
  double biasError = epsilon(Precision::f32) * largestBias(c);
  bound.maxAbs = std::max(bound.maxAbs, (biasError + scoreError) * usual.maxMagnitude);
  if (!within(ours, bound))
    wrong += fmt::format("o: {}; at most {:.3g}, mean {:.3g}\n  ", describe(ours), bound.maxAbs,
                         bound.meanAbs);
  if (c.lse) {
    ours = compare(output.lse, truth.lse);
    bound = lseBound(compare(working.lse, truth.lse), scoreError);
    if (!within(ours, bound))
      wrong += fmt::format("lse: {}; at most {:.3g}, mean {:.3g}\n  ", describe(ours), bound.maxAbs,
                           bound.meanAbs);
  }
  while (!wrong.empty() && (wrong.back() == ' ' || wrong.back() == '\n'))
    wrong.pop_back();
  return wrong;
}

} // namespace tessera::test
