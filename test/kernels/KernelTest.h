//===- KernelTest.h - calls in memory, and what they should give ----------===//
//
// A case is one call with its numbers. Its operands lie in memory among
// elements that are none of theirs; outputs hold NaN until they are written.
// The result is held against test/reference under the bounds given there.
//
//===----------------------------------------------------------------------===//

#ifndef TESSERA_TEST_KERNELS_KERNELTEST_H
#define TESSERA_TEST_KERNELS_KERNELTEST_H

#include "runtime/Attention.h"
#include "test/reference/Attention.h"

#include <gtest/gtest.h>

#include <limits>
#include <span>
#include <vector>

namespace tessera::test {

inline constexpr float infinity = std::numeric_limits<float>::infinity();
inline constexpr float quietNaN = std::numeric_limits<float>::quiet_NaN();

/// One call of attention: the problem, and how it is asked for.
struct Case {
  reference::Problem problem = {};
  DType q = DType::f32, kv = DType::f32, o = DType::f32;
  bool lse = true, checked = false;
  int64_t blockM = 0, blockN = 0;
  uint32_t seed = 1;
};

/// All that is needed to build the case again, in one line.
std::string str(const Case &c);

/// Draws the numbers of a case from its seed: q, k and v, as their types hold
/// them, and those per-head arrays that have a size.
void fill(Case &c);

/// How a tensor lies in memory, and what lies around it.
struct Layout {
  /// Axes from the slowest to the fastest; the width stays the last.
  std::array<int, 4> order = {0, 1, 2, 3};
  /// Batches, rows, heads and elements of a row that follow the tensor's own.
  std::array<int64_t, 4> extra = {};
  float surroundings = quietNaN;
};

/// The memory of one tensor `[batch, seqlen, heads, width]`, aligned to its
/// elements and to no more.
class Buffer {
public:
  Buffer(DType type, std::array<int64_t, 4> shape, const Layout &layout = {});

  Tensor tensor() { return view(bytes.data()); }
  /// The tensor's elements in the order of its axes.
  void put(std::span<const float> values);
  std::vector<float> get() const;
  /// Whether what lies around the tensor is as it was.
  bool surroundingsAreIntact() const;

private:
  Tensor view(void *memory) const;

  DType type;
  std::array<int64_t, 4> shape, strides;
  float surroundings;
  std::vector<std::byte> bytes;
};

/// What a call computed, as f32.
struct Output {
  std::vector<float> out; ///< `[batch, seqlen_q, heads, head_dim_v]`
  std::vector<float> lse; ///< `[batch, heads, seqlen_q]`; empty if not wanted
};

/// Whether two outputs are the same, bit for bit.
testing::AssertionResult sameBits(const Output &a, const Output &b);
testing::AssertionResult sameBits(std::span<const float> a, std::span<const float> b);

/// The tensors of a case, all in one layout. The case must stay.
struct Operands {
  explicit Operands(const Case &c, const Layout &layout = {});

  Attention call();
  Output output() const;
  bool surroundingsAreIntact() const;

  const Case &c;
  Buffer q, k, v, o, lse;
};

/// Runs a call on the host in a process-wide engine that keeps nothing on disk.
llvm::Error run(const Attention &call, unsigned threads = 2);

/// Runs a case and returns what it gave; a refusal or a write outside of the
/// outputs fails the test.
Output run(const Case &c, const Layout &layout = {}, unsigned threads = 2);

/// Fails the test unless `output` is what the reference says, within bounds.
void expectCorrect(const Case &c, const Output &output);

/// `expectCorrect` of what the case gives.
void expectCorrect(const Case &c);

} // namespace tessera::test

#endif // TESSERA_TEST_KERNELS_KERNELTEST_H
