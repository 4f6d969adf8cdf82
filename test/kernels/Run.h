//===- Run.h - running a case and judging its result ----------------------===//

#ifndef TESSERA_TEST_KERNELS_RUN_H
#define TESSERA_TEST_KERNELS_RUN_H

#include "runtime/AppendCache.h"
#include "test/kernels/Operands.h"

namespace tessera::test {

/// Runs a call on the tests' target in a process-wide engine that keeps nothing on disk.
llvm::Error run(const Attention &call, unsigned threads = 2);
llvm::Error run(const AppendCache &call, unsigned threads = 2);

/// Runs a case. Fails on a refusal and on a write outside of the outputs.
llvm::Expected<Output> compute(const Case &c, const Layout &layout, unsigned threads);

/// What is wrong with a case's output by the reference and its bounds, which
/// are those of all sequences taken together. Empty: nothing.
std::string judge(const Case &c, const Output &output);

} // namespace tessera::test

#endif // TESSERA_TEST_KERNELS_RUN_H
