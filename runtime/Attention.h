//===- Attention.h - one call of attention, forward -----------------------===//

#ifndef TESSERA_RUNTIME_ATTENTION_H
#define TESSERA_RUNTIME_ATTENTION_H

#include "passes/ArgumentBlock.h"
#include "runtime/Tensor.h"

#include <map>
#include <optional>
#include <string>

namespace tessera {

/// How the pages of a key cache lie: rows before heads
/// `[pages, page_size, kv_heads, width]`, or heads before rows
/// `[pages, kv_heads, page_size, width]`.
enum class PageLayout { nhd, hnd };

/// What the functions of a variant read, by the names they ask for.
struct VariantArguments {
  std::map<std::string, Table> tables;
  std::map<std::string, float> scalars;
  std::map<std::string, int64_t> indices;
};

/// `o = softmax(scale * q k^T + bias, where visible) v`, and its logarithm of
/// the sum. Query i stands at key position `i + seqlen_kv - seqlen_q`, or at i
/// with `topLeft`. A row that sees no key gives zeros and an LSE of -inf (with
/// a sink logit: the sink).
///
/// Queries are `[batch, seqlen_q, heads, head_dim]`, or, with `cuSeqlensQ`,
/// packed one sequence behind the other: `[total_q, heads, head_dim]`. Keys
/// and values are `[batch, seqlen_kv, kv_heads, ...]`, packed with
/// `cuSeqlensKv`, or pages with `pageTable`. Lengths are those of the
/// tensors, of `cu_seqlens`, or for keys `seqUsedKv`.
///
/// Of a GPU target all tensors and tables lie in the GPU's memory. Nothing
/// reads them on the host, so what they hold is the caller's responsibility.
struct Attention {
  Tensor q;
  Tensor k; ///< as wide as q; kv_heads divides heads
  Tensor v; ///< head_dim_v wide
  Tensor o; ///< like q, head_dim_v wide; f32, f16 or bf16; overlaps no input
  /// f32 `[batch, heads, seqlen_q]` (rank 3), packed `[heads, total_q]` (rank
  /// 2), natural logarithm. Rank 0: not wanted.
  Tensor lse = {.rank = 0};

  std::optional<float> scale = std::nullopt; ///< 1 / sqrt(head_dim) if not given
  bool causal = false;                       ///< a query sees no later key
  bool topLeft = false;
  int64_t windowLeft = -1;  ///< keys seen before a query's position; -1: all
  int64_t windowRight = -1; ///< keys seen after it; -1: all
  int64_t sinkTokens = 0;   ///< keys 0..n-1 are seen besides the window
  float softcap = 0;        ///< scores become c * tanh(score / c); 0: off

  Table sinkLogits = {};  ///< f32 `[heads]`, natural logarithm
  Table alibiSlopes = {}; ///< f32 `[heads]` or `[batch, heads]`

  Table cuSeqlensQ = {};    ///< i32 `[batch + 1]`: where sequences begin in q
  Table cuSeqlensKv = {};   ///< i32 `[batch + 1]`
  int64_t maxSeqlenQ = -1;  ///< of packed queries; -1: from `cuSeqlensQ`, but not on a GPU
  int64_t maxSeqlenKv = -1; ///< of packed or paged keys; -1: from the lengths
  Table seqUsedKv = {};     ///< i32 `[batch]`: the first n keys of each sequence
  /// i32 `[batch, max_pages]`: row r of a sequence lies in row `r % page_size`
  /// of page `pageTable[b][r / page_size]`. Entries past the length are not read.
  Table pageTable = {};
  PageLayout pageLayout = PageLayout::nhd;

  /// Factors of fp8 operands, f32: one number (rank 0) or `[batch, kv_heads]`.
  /// One that is not given is 1; a GPU wants all of them or none.
  Table qDescale = {}, kDescale = {}, vDescale = {};

  int64_t variant = 0; ///< a registered variant's fingerprint; 0: none
  VariantArguments variantArguments = {};

  bool checked = false;           ///< use the checking kernel
  int64_t blockM = 0, blockN = 0; ///< tile sizes; 0: the schedule's choice
  Target target = Target::host;
  /// The GPU that holds all memory of the call, if the caller knows: then the
  /// driver is not asked, and a tensor elsewhere is not refused.
  std::optional<int> device = {};
};

/// The key of the kernel that computes a call. Refuses (see Refusal) a call
/// that makes no sense.
llvm::Expected<Key> keyOf(const Attention &call);

/// How many sequences there are.
int64_t batchOf(const Attention &call);

/// Keys and values as `[batch or pages, rows, heads, width]`, or packed.
Tensor keysOf(const Attention &call);
Tensor valuesOf(const Attention &call);

/// True if there is nothing to compute.
bool isEmpty(const Attention &call);

/// Refuses a call that lacks what a kernel's variant reads.
llvm::Error checkArguments(const Attention &call, const ArgumentBlock &block);

/// Whether a call itself gives the argument of a name; others are a variant's.
bool isArgumentOfCalls(llvm::StringRef name);

/// Writes one argument of a kernel into its block. The call was accepted.
void bind(const Attention &call, const Argument &argument, std::byte *block);

} // namespace tessera

#endif // TESSERA_RUNTIME_ATTENTION_H
