//===- KernelTest.h - calls in memory, and what they should give ----------===//
//
// A case (Case.h) is laid out in memory (Operands.h), runs, and its result is
// held against test/reference under the bounds given there.
//
//===----------------------------------------------------------------------===//

#ifndef TESSERA_TEST_KERNELS_KERNELTEST_H
#define TESSERA_TEST_KERNELS_KERNELTEST_H

#include "dsl/Refusal.h"
#include "test/kernels/Run.h"

#include <gtest/gtest.h>

namespace tessera::test {

/// Layouts that reach every way to a row the target has, by name.
struct NamedLayout {
  const char *name;
  Layout layout;
};
std::span<const NamedLayout> layouts();

/// Types of tensors that the target has, and pages where it has them.
std::span<const DType> floatTypes();
inline Form pagedOrPacked() { return isOnGpu() ? Form::packed : Form::paged; }

/// Where a layout lets lengths differ, shortens every sequence but the first;
/// the last one has none. To be filled again.
void varyLengths(Case &c, const Layout &layout);

/// Whether two outputs are the same, bit for bit.
testing::AssertionResult sameBits(const Output &a, const Output &b);
testing::AssertionResult sameBits(std::span<const float> a, std::span<const float> b);

/// Runs a case and returns what it gave; a refusal or a write outside of the
/// outputs fails the test. What the GPU does not compute yet is refused without
/// a failure, and all that is expected of such an output holds.
Output run(const Case &c, const Layout &layout = {}, unsigned threads = 2);

/// The same of a call: false if the GPU does not compute it yet.
bool ran(const Attention &call);

/// Calls of all tests: how many the target computed, and why it refused others.
struct Calls {
  int64_t computed = 0;
  std::map<std::string, int64_t> refused;
};
Calls callsSoFar();

/// Fails the test unless `output` is what the reference says, within bounds.
void expectCorrect(const Case &c, const Output &output);

/// `expectCorrect` of what the case gives.
void expectCorrect(const Case &c, const Layout &layout = {});

/// The outputs of one sequence of a case, from those of all.
Output outputOf(const Case &c, const Output &all, int64_t b);

/// Fails the test unless a call was refused with this code and message.
void expectRefusal(llvm::Error error, ErrorCode code, const std::string &message);

/// Memory that ends, or begins, where a page begins that cannot be touched.
class Guarded {
public:
  Guarded(size_t bytes, bool atEnd);
  Guarded(const Guarded &) = delete;
  ~Guarded();

  std::byte *data;

private:
  std::byte *base;
  size_t size;
};

} // namespace tessera::test

#endif // TESSERA_TEST_KERNELS_KERNELTEST_H
