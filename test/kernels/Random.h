//===- Random.h - any call of attention -----------------------------------===//

#ifndef TESSERA_TEST_KERNELS_RANDOM_H
#define TESSERA_TEST_KERNELS_RANDOM_H

#include "test/kernels/Run.h"
#include "test/kernels/UserExamples.h"

#include <optional>

namespace tessera::test {

/// A case and its layout before numbers are drawn. Lengths are given for each
/// sequence.
struct Sample {
  Case c;
  Layout layout;
  const UserExample *example = nullptr;
  int poisons = 0; ///< elements of q, k and v that are NaN or infinite
  unsigned threads = 1;
};

std::string str(const Sample &sample);

/// Sample `index` of a seed, the same in every process.
Sample drawSample(uint64_t seed, uint64_t index);

/// The sample's case with its numbers, which respect what the layout shares.
Case complete(const Sample &sample);

/// Runs a sample; what is wrong, or empty.
std::string failureOf(const Sample &sample);

/// The simplest sample found that fails too.
Sample simplify(Sample failing);

} // namespace tessera::test

#endif // TESSERA_TEST_KERNELS_RANDOM_H
