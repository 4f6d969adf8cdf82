//===- AttendCheck.h - is the result of a call right? ---------------------===//

#ifndef TESSERA_TOOLS_TESSERA_ATTENDCHECK_H
#define TESSERA_TOOLS_TESSERA_ATTENDCHECK_H

#include "runtime/Attention.h"
#include "tools/tessera/Arrays.h"

namespace tessera {

/// The arrays that a call's tensors refer to.
struct AttendArrays {
  Array q, k, v, out;
  std::optional<Array> lse; ///< `[batch, heads, seqlen_q]`, f32
  std::vector<float> sinkLogits, alibiSlopes;
};

/// Compares the results to the reference in double, prints the errors and what
/// they may be, and fails when they are larger.
llvm::Error checkAgainstReference(const Attention &call, const AttendArrays &arrays);

/// Compares the output to a recording and prints the differences. Fails when
/// the largest exceeds `tolerance`.
llvm::Error checkAgainstFile(const std::string &path, const Array &out,
                             std::optional<double> tolerance);

/// The (query, key) pairs that a mask lets through, in one head.
int64_t visiblePairs(const Attention &call);

} // namespace tessera

#endif // TESSERA_TOOLS_TESSERA_ATTENDCHECK_H
