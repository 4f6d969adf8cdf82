//===- AttendCheck.cpp - is the result of a call right? -------------------===//

#include "tools/tessera/AttendCheck.h"
#include "test/reference/Attention.h"
#include "tools/tessera/Command.h"

#include "llvm/Support/raw_ostream.h"

#include <cmath>

using namespace llvm;
using namespace tessera;
using reference::Precision;

static Precision precisionOf(DType type) {
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

/// What the working computation stores in: of the call's types the coarsest.
static DType workingType(const Attention &call) {
  DType coarsest = call.q.type;
  for (DType type : {call.k.type, call.v.type, call.o.type})
    if (epsilon(precisionOf(type)) > epsilon(precisionOf(coarsest)))
      coarsest = type;
  return coarsest;
}

static reference::Problem problemOf(const Attention &call, const AttendArrays &arrays) {
  reference::Problem problem;
  problem.batch = call.q.batch();
  problem.seqlenQ = call.q.seqlen();
  problem.seqlenKv = call.k.seqlen();
  problem.heads = call.q.heads();
  problem.kvHeads = call.k.heads();
  problem.headDim = call.q.width();
  problem.headDimV = call.v.width();
  problem.q = floatsOf(arrays.q);
  problem.k = floatsOf(arrays.k);
  problem.v = floatsOf(arrays.v);
  problem.scale = call.scale ? double(*call.scale) : 1 / std::sqrt(double(call.q.width()));
  problem.causal = call.causal;
  problem.topLeft = call.topLeft;
  problem.windowLeft = call.windowLeft;
  problem.windowRight = call.windowRight;
  problem.sinkTokens = call.sinkTokens;
  problem.sinkLogits = arrays.sinkLogits;
  problem.alibiSlopes = arrays.alibiSlopes;
  problem.softcap = call.softcap;
  return problem;
}

/// One table; true when `ours` is within the bound.
static bool print(StringRef what, StringRef workingName, const reference::Errors &ours,
                  const reference::Errors &working, const reference::Bound &bound) {
  constexpr auto row = "  {:<12}  {:>10.3g}  {:>10.3g}\n";
  const bool pass = within(ours, bound);
  outs() << fmt::format("{:<14}  {:>10}  {:>10}\n", fmt::format("check {}", std::string_view(what)),
                        "max error", "mean error")
         << fmt::format(row, "ours", ours.maxAbs, ours.meanAbs)
         << fmt::format(row, fmt::format("{} unfused", std::string_view(workingName)),
                        working.maxAbs, working.meanAbs)
         << fmt::format(row, "bound", bound.maxAbs, bound.meanAbs)
         << (pass ? "  pass\n" : "  FAIL: " + describe(ours) + "\n");
  return pass;
}

Error tessera::checkAgainstReference(const Attention &call, const AttendArrays &arrays) {
  if (call.o.isEmpty()) {
    outs() << "check: the output is empty\n";
    return Error::success();
  }
  const reference::Problem problem = problemOf(call, arrays);
  const DType type = workingType(call);
  const Precision precision = precisionOf(type);
  const reference::Result truth = reference::attention(problem);
  const reference::Result working = reference::attentionIn(precision, problem);

  const double scoreError = isGpu(call.target) ? reference::approximateTanhError * call.softcap : 0;
  const std::vector<float> out = floatsOf(arrays.out);
  const reference::Errors workingOut = reference::compare(working.out, truth.out);
  bool pass = print("out", str(type), reference::compare(out, truth.out), workingOut,
                    reference::outBound(workingOut, precision, scoreError));
  if (!reference::emptyRowsAreZero(problem, out)) {
    outs() << "  FAIL: the output of a query that sees no key is not +0\n";
    pass = false;
  }
  if (arrays.lse) {
    const reference::Errors workingLse = reference::compare(working.lse, truth.lse);
    pass &= print("lse", str(type), reference::compare(floatsOf(*arrays.lse), truth.lse),
                  workingLse, reference::lseBound(workingLse, scoreError));
  }
  if (!pass)
    return failure("--check: the error is larger than its bound");
  return Error::success();
}

Error tessera::checkAgainstFile(const std::string &path, const Array &out,
                                std::optional<double> tolerance) {
  Expected<std::vector<double>> expected = readNumbers(path, {out.shape});
  if (!expected)
    return expected.takeError();
  const reference::Errors errors = reference::compare(floatsOf(out), *expected);
  outs() << fmt::format("expect {}: max difference {:.3g}, mean {:.3g}\n", path, errors.maxAbs,
                        errors.meanAbs);
  if (errors.mismatches)
    outs() << "  " << describe(errors) << "\n";
  if (!tolerance)
    return Error::success();
  if (errors.mismatches)
    return failure("{}: NaN or infinite elements differ", path);
  if (!(errors.maxAbs <= *tolerance))
    return failure("{}: the output differs by {:.3g}, expected at most {:.3g}", path, errors.maxAbs,
                   *tolerance);
  return Error::success();
}

int64_t tessera::visiblePairs(const Attention &call) {
  const int64_t rows = call.q.seqlen(), keys = call.k.seqlen();
  const auto reach = [&](int64_t window) {
    return window < 0 ? rows + keys : std::min(window, rows + keys);
  };
  const int64_t left = reach(call.windowLeft), right = reach(call.windowRight);
  int64_t pairs = 0;
  for (int64_t i = 0; i < rows; ++i) {
    const int64_t position = call.topLeft ? i : i + keys - rows;
    const int64_t end = call.causal ? std::min(keys, position + 1) : keys;
    // The window is [first, last); the sinks are [0, sinkEnd).
    const int64_t first = std::max<int64_t>(0, position - left);
    const int64_t last = std::min(end, position + right + 1);
    const int64_t sinkEnd = std::max<int64_t>(0, std::min(call.sinkTokens, end));
    pairs += std::max<int64_t>(0, last - first) + sinkEnd -
             std::max<int64_t>(0, std::min(sinkEnd, last) - first);
  }
  return pairs;
}
