// What attention means here: the shortest correct program, in double, and the
// same program in the working precision, from which tolerances are derived.
// Nothing of the project is used, so that nothing of it can be wrong twice.

#ifndef TESSERA_TEST_REFERENCE_ATTENTION_H
#define TESSERA_TEST_REFERENCE_ATTENTION_H

#include "test/reference/Rounding.h"

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace tessera::reference {

/// One score: which query and which key.
struct Place {
  int64_t batch, head; ///< `head` is the query's
  int64_t row;         ///< the position of the query among the keys, `queryPosition`
  int64_t col;         ///< the key
};

/// One dense forward call. Arrays are contiguous in the order given and hold
/// values that the input dtype represents exactly. Wrong sizes are a mistake of
/// the test and trip an assertion.
struct Problem {
  int64_t batch = 1, seqlenQ = 1, seqlenKv = 1;
  int64_t heads = 1, kvHeads = 1; ///< `kvHeads` divides `heads`
  int64_t headDim = 1, headDimV = 1;
  std::vector<float> q = {}; ///< `[batch, seqlenQ, heads, headDim]`
  std::vector<float> k = {}; ///< `[batch, seqlenKv, kvHeads, headDim]`
  std::vector<float> v = {}; ///< `[batch, seqlenKv, kvHeads, headDimV]`
  double scale = 1;          ///< factor of `q . k`

  bool causal = false;  ///< a query sees no key after its position
  bool topLeft = false; ///< query i stands at i, else at i + seqlenKv - seqlenQ
  int64_t windowLeft = -1, windowRight = -1; ///< inclusive; -1: unbounded
  /// Keys 0 .. sinkTokens-1 are visible besides the window, not besides
  /// `causal`. Without a window it changes nothing.
  int64_t sinkTokens = 0;

  /// A term `exp(sink)` in the softmax sum that carries no value; natural
  /// logarithm. Empty or `[heads]`.
  std::vector<float> sinkLogits = {};
  /// The score falls by `slope * |query position - key position|`. Empty,
  /// `[heads]` or `[batch, heads]`.
  std::vector<float> alibiSlopes = {};
  /// c: the scaled score x becomes `c * tanh(x / c)`, before ALiBi. 0: off.
  double softcap = 0;

  /// What q, k and v were divided by to fit their dtype: factors of the scores
  /// and of the values. Empty, one number or `[batch, kvHeads]`; query head h
  /// uses that of its key head, `h / (heads / kvHeads)`.
  std::vector<float> qDescale = {}, kDescale = {}, vDescale = {};

  /// The user's functions; empty: none. `score` maps a scaled score, before
  /// softcap and ALiBi. A key where `mask` is false is hidden, whatever the
  /// other masks say. Both are called only where those show the key.
  std::function<double(double score, Place place)> score = {};
  std::function<bool(Place place)> mask = {};
};

/// A row whose sum is zero has output +0 and LSE -inf; a query that sees no key
/// has such a row, and so has one whose visible scores are all -inf. With a
/// sink the output is +0 too, and the LSE is the sink. A NaN or +inf score
/// makes the whole row NaN, LSE included. A value counts as soon as its key is
/// visible, even with a weight of zero, so `0 * inf` and `0 * nan` are NaN; an
/// implementation may leave such a value out.
struct Result {
  std::vector<double> out; ///< `[batch, seqlenQ, heads, headDimV]`
  std::vector<double> lse; ///< `[batch, heads, seqlenQ]`, natural logarithm
};

/// The position of query `i` among the keys; negative before the first key.
int64_t queryPosition(const Problem &problem, int64_t i);

/// Whether query `i` sees key `j`, for `0 <= j < seqlenKv`, as far as `causal`,
/// the window and the sink tokens are concerned.
bool visible(const Problem &problem, int64_t i, int64_t j);

/// The same of one batch and query head, with the user's mask.
bool visible(const Problem &problem, int64_t batch, int64_t head, int64_t i, int64_t j);

/// The truth, in double.
Result attention(const Problem &problem);

/// The same, as a careful unfused implementation computes it in `precision`:
/// products accumulate in f32; scaled scores, probabilities and outputs are
/// stored in `precision`; what lies between is f32, the argument and the result
/// of the user's score function too. The LSE is an f32 result whatever the
/// precision: it is taken from the scores before they are stored.
///
/// `precision` is f32, f16 or bf16. For eight-bit inputs it is the output's:
/// they are exact in f32, so that only what is stored is rounded.
Result attentionIn(Precision precision, const Problem &problem);

/// How far an array is from the truth. Sums and maxima run over the elements
/// that are finite in both.
struct Errors {
  double maxAbs = 0, meanAbs = 0;             ///< of the differences
  double maxMagnitude = 0, meanMagnitude = 0; ///< of the expected values
  int64_t nonZero = 0;                        ///< expected values that are not zero
  int64_t worst = -1;                         ///< where `maxAbs` is; -1: nothing differs
  double worstActual = 0, worstExpected = 0;
  /// Elements that are NaN, +inf or -inf in one array and not the same in the
  /// other, or missing from one array. They fail every bound.
  int64_t mismatches = 0;
  int64_t firstMismatch = -1;
  double mismatchActual = 0, mismatchExpected = 0;
};

Errors compare(std::span<const float> actual, std::span<const double> expected);
Errors compare(std::span<const double> actual, std::span<const double> expected);

/// What the approximate tanh of a GPU costs a score: up to 2^-10.9 of its cap.
inline constexpr double approximateTanhError = 0x1.12p-11;

/// What `Errors` may reach.
struct Bound {
  double maxAbs, meanAbs;
};

/// The bound of an output stored in `precision`, where `working` compares
/// `attentionIn(precision, ...)` to the truth: twice its largest and one and a
/// half times its mean error. Where the working computation happens to be
/// almost exact (one visible key), a floor holds instead: for the largest error
/// 2 epsilon (f32: 32) times the largest output; for the mean error, of the
/// same multiple of the mean output, `1/4 + 4 / sqrt(outputs that are not 0)`.
/// Two epsilon are what storing the weights and the result costs anyone; in f32
/// the scores carry the error, and one of size s moves its weight by s epsilon.
/// `scoreError` is an absolute error of each score that the caller grants
/// beyond f32 arithmetic, say that of an approximate tanh; a weight and so an
/// output moves by as much of itself.
Bound outBound(const Errors &working, Precision precision, double scoreError = 0);

/// The bound of an LSE, an f32 result. `working` compares the LSE of
/// `attentionIn` to the truth. The factors are the same; the floor is
/// `2^-17 + 2^-20 |lse|`, for hardware exp2 and log2 (2^-22 each) and for
/// matrix units that truncate while they accumulate. The mean's floor is half
/// of it. A `scoreError` moves an LSE by at most as much.
Bound lseBound(const Errors &working, double scoreError = 0);

/// Whether `ours` has no mismatch and stays within `bound`.
bool within(const Errors &ours, const Bound &bound);

/// `within(ours, outBound(working, precision))`.
bool withinBound(const Errors &ours, const Errors &working, Precision precision);

/// Whether the outputs of every row that sees no key are +0, and not -0, which
/// `compare` cannot tell apart. `out` is `[batch, seqlenQ, heads, headDimV]`.
bool emptyRowsAreZero(const Problem &problem, std::span<const float> out);

/// For the message of a failed test: the errors, where, and what was there.
std::string describe(const Errors &errors);

} // namespace tessera::reference

#endif // TESSERA_TEST_REFERENCE_ATTENTION_H
