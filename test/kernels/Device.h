//===- Device.h - calls on the GPU of the tests ---------------------------===//
//
// The memory of a case stays the host's: a call for a GPU computes on copies,
// which lie among bytes of the GPU that nobody may write.
//
//===----------------------------------------------------------------------===//

#ifndef TESSERA_TEST_KERNELS_DEVICE_H
#define TESSERA_TEST_KERNELS_DEVICE_H

#include "runtime/Attention.h"
#include "runtime/cuda/Device.h"
#include "test/kernels/TestTarget.h"

namespace tessera {
class Engine;
} // namespace tessera

namespace tessera::test {

/// The GPU of the tests: the first one.
llvm::Expected<const cuda::Site &> testSite();

/// Fails, with the reason, if this machine cannot run the target's kernels.
llvm::Error checkDevice();

/// Whether an error says that the GPU target does not compute such calls, or
/// not yet. The host computes all that the tests ask for.
bool isUnsupported(const llvm::Error &error);

/// Runs a call on the GPU, with its tensors and tables copied there, and copies
/// the outputs back. Fails on a refusal, and on a write outside of the copies.
llvm::Error runOnGpu(Engine &engine, Attention call);

} // namespace tessera::test

#endif // TESSERA_TEST_KERNELS_DEVICE_H
