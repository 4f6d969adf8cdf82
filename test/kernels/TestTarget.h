//===- TestTarget.h - what the tests of kernels compute with --------------===//

#ifndef TESSERA_TEST_KERNELS_TESTTARGET_H
#define TESSERA_TEST_KERNELS_TESTTARGET_H

#include "dsl/Key.h"

namespace tessera::test {

/// What TESSERA_TEST_TARGET names; the host if it is not set. Ends the process
/// if there is no such target.
Target testTarget();
inline bool isOnGpu() { return isGpu(testTarget()); }

/// The type of cases that are about something else: one that the target
/// computes with.
inline DType plainType() { return isOnGpu() ? DType::f16 : DType::f32; }

} // namespace tessera::test

#endif // TESSERA_TEST_KERNELS_TESTTARGET_H
