//===- Attention.h - one call of attention, forward -----------------------===//

#ifndef TESSERA_RUNTIME_ATTENTION_H
#define TESSERA_RUNTIME_ATTENTION_H

#include "runtime/Tensor.h"

#include <optional>

namespace tessera {

/// `o = softmax(scale * q k^T + bias, where visible) v`, and its logarithm of
/// the sum. Query i stands at key position `i + seqlen_kv - seqlen_q`, or at i
/// with `topLeft`. A row that sees no key gives zeros and an LSE of -inf.
struct Attention {
  Tensor q; ///< [batch, seqlen_q, heads, head_dim]
  Tensor k; ///< [batch, seqlen_kv, kv_heads, head_dim]; kv_heads divides heads
  Tensor v; ///< [batch, seqlen_kv, kv_heads, head_dim_v]
  Tensor o; ///< [batch, seqlen_q, heads, head_dim_v]; overlaps no input

  std::optional<float> scale = std::nullopt; ///< 1 / sqrt(head_dim) if not given
  bool causal = false;                       ///< a query sees no later key
  bool topLeft = false;
  int64_t windowLeft = -1;  ///< keys seen before a query's position; -1: all
  int64_t windowRight = -1; ///< keys seen after it; -1: all
  int64_t sinkTokens = 0;   ///< keys 0..n-1 are seen besides the window
  float softcap = 0;        ///< scores become c * tanh(score / c); 0: off

  const float *sinkLogits = nullptr;  ///< [heads], natural logarithm; or null
  const float *alibiSlopes = nullptr; ///< [heads] or [batch, heads]; or null
  bool alibiPerBatch = false;         ///< slopes are [batch, heads]
  float *lse = nullptr;               ///< [batch, heads, seqlen_q]; or null

  bool checked = false;           ///< use the checking kernel
  int64_t blockM = 0, blockN = 0; ///< tile sizes; 0: the schedule's choice
};

/// The key of the kernel that computes a call. Refuses a call that makes no
/// sense; the message names what was found and what was expected.
llvm::Expected<Key> keyOf(const Attention &call);

} // namespace tessera

#endif // TESSERA_RUNTIME_ATTENTION_H
