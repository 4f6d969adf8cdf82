//===- Case.h - one call with its numbers ---------------------------------===//
//
// A case says what is computed: features, lengths, types, numbers. How its
// tensors lie in memory is a layout (see Operands.h), which changes no result.
//
//===----------------------------------------------------------------------===//

#ifndef TESSERA_TEST_KERNELS_CASE_H
#define TESSERA_TEST_KERNELS_CASE_H

#include "runtime/Tensor.h"
#include "test/kernels/TestTarget.h"
#include "test/reference/Attention.h"

#include <limits>
#include <map>
#include <random>
#include <string>
#include <variant>
#include <vector>

namespace tessera::test {

inline constexpr float infinity = std::numeric_limits<float>::infinity();
inline constexpr float quietNaN = std::numeric_limits<float>::quiet_NaN();

/// The same draws for the same seed, on every machine.
class Draw {
public:
  explicit Draw(uint64_t seed) : generator(seed) {}

  /// One of `first`, ..., `last`.
  int64_t between(int64_t first, int64_t last) {
    return first + static_cast<int64_t>(generator() % static_cast<uint64_t>(last - first + 1));
  }
  /// True in so many cases of a hundred.
  bool chance(int percent) { return between(0, 99) < percent; }
  template <class T>
  T of(std::initializer_list<T> choices) {
    return choices.begin()[generator() % choices.size()];
  }
  float uniform(float first, float last) {
    return first + (last - first) * static_cast<float>(between(0, 1 << 20)) * 0x1p-20f;
  }
  uint64_t bits() { return generator(); }

private:
  std::mt19937_64 generator;
};

/// The numbers of a table.
struct Numbers {
  std::vector<int64_t> shape;
  std::variant<std::vector<float>, std::vector<int32_t>> values;
};

/// What a call says about the user's variant it runs, and the arguments of its
/// functions. The problem's `score` and `mask` compute the same.
struct UserFunctions {
  std::string name;
  int64_t fingerprint = 0; ///< 0: no variant
  std::map<std::string, Numbers> tables = {};
  std::map<std::string, float> scalars = {};
  std::map<std::string, int64_t> indices = {};
};

/// One call of attention.
struct Case {
  /// The features and numbers. Arrays of rows hold one sequence behind the
  /// other; where all have one length that is `[batch, seqlen, heads, width]`.
  reference::Problem problem = {};
  DType q = plainType(), k = q, v = q, o = q;
  bool lse = true, checked = false;
  int64_t blockM = 0, blockN = 0;
  uint32_t seed = 1;
  /// The length of each sequence; empty: that of the problem.
  std::vector<int64_t> seqlensQ = {}, seqlensKv = {};
  UserFunctions user = {};

  /// q, k, v and o of one type.
  void setTypes(DType type) { q = k = v = o = type; }

  int64_t seqlenQ(int64_t b) const { return seqlensQ.empty() ? problem.seqlenQ : seqlensQ[b]; }
  int64_t seqlenKv(int64_t b) const { return seqlensKv.empty() ? problem.seqlenKv : seqlensKv[b]; }
  /// Of each sequence, in any case.
  std::vector<int64_t> lengthsQ() const;
  std::vector<int64_t> lengthsKv() const;
};

/// All that is needed to build the case again, in one line.
std::string str(const Case &c);

/// Draws the numbers of a case from its seed: q, k and v, as their types hold
/// them, and those of the other arrays that have a size.
void fill(Case &c);

/// Every sequence as a problem of its own.
std::vector<reference::Problem> sequencesOf(const Case &c);

/// The format of a type.
reference::Precision precisionOf(DType type);

} // namespace tessera::test

#endif // TESSERA_TEST_KERNELS_CASE_H
