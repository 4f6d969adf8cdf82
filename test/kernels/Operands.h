//===- Operands.h - the tensors and tables of a case ----------------------===//

#ifndef TESSERA_TEST_KERNELS_OPERANDS_H
#define TESSERA_TEST_KERNELS_OPERANDS_H

#include "runtime/Attention.h"
#include "test/kernels/Buffer.h"

namespace tessera::test {

/// Where keys and values come from.
enum class Form { dense, packed, paged };

/// How the operands of a call lie in memory. Lengths that differ between
/// sequences need packed queries, and keys that are packed, paged or `seqUsedKv`.
struct Layout {
  Arrangement q = {}, k = {}, v = {}, o = {};
  float surroundings = quietNaN;

  bool packedQ = false;
  Form kv = Form::dense;
  bool seqUsedKv = false; ///< lengths of keys are given apart; those of pages always are
  int64_t spareRows = 0;  ///< with `seqUsedKv`: rows of keys past those in use
  int64_t outerRows = 0;  ///< packed rows before the first sequence and behind the last
  /// Bounds of lengths lie so far above the longest; -1: no bound is given.
  int64_t slackQ = -1, slackKv = -1;

  int64_t pageSize = 16;
  PageLayout pageLayout = PageLayout::nhd;
  int64_t sharedRows = 0; ///< first rows that all sequences have in common
  uint32_t pageSeed = 1;  ///< order of the pages
  int64_t tableGap = 0;   ///< numbers between the numbers of a table

  /// One arrangement for all four tensors.
  static Layout everywhere(const Arrangement &all, float surroundings = quietNaN) {
    return {.q = all, .k = all, .v = all, .o = all, .surroundings = surroundings};
  }
};

/// In one line; empty for the default.
std::string str(const Layout &layout);

/// The pages of all sequences.
struct Pages {
  int64_t count = 0, perSequence = 0;
  std::vector<int32_t> table; ///< `[batch, perSequence]`
};

/// Pages in a random order, among twice as many that nobody uses. Entries past
/// a sequence's length are no pages.
Pages drawPages(std::span<const int64_t> lengths, int64_t pageSize, int64_t sharedRows,
                uint32_t seed);

/// What a call computed, as f32, one sequence behind the other.
struct Output {
  std::vector<float> out; ///< `[seqlen_q, heads, head_dim_v]` each
  std::vector<float> lse; ///< `[heads, seqlen_q]` each; empty if not wanted
  bool refused = false;   ///< the target does not compute the call: nothing is here
};

/// The rows of one side of a call: how many there are, which are in use, and
/// the tables that say so.
struct Rows {
  int64_t batches = 0, rows = 0; ///< of the tensor: pages and their size
  Places places = {};
  TableBuffer cuSeqlens = {}, seqUsed = {}, pageTable = {};
};

/// The tensors and tables of a case. The case must stay.
class Operands {
public:
  explicit Operands(const Case &c, const Layout &layout = {});

  Attention call();
  Output output() const;
  bool surroundingsAreIntact() const;

private:
  const Case &c;
  Layout layout;
  Rows rowsOfQ, rowsOfKv;

public:
  Buffer q, k, v, o, lse;

private:
  TableBuffer sinkLogits, alibiSlopes, qDescale, kDescale, vDescale;
  std::map<std::string, TableBuffer> userTables;
};

} // namespace tessera::test

#endif // TESSERA_TEST_KERNELS_OPERANDS_H
