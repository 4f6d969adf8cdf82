//===- FlashForward.h - attention, forward --------------------------------===//

#ifndef TESSERA_KERNELS_FLASHFORWARD_H
#define TESSERA_KERNELS_FLASHFORWARD_H

#include "dsl/Program.h"
#include "kernels/Shape.h"
#include "kernels/Variant.h"

namespace tessera {

/// Softmax(Q K^T) V with an online softmax, one program for every variant.
///
/// Views: `q` [batches, heads, rows] x headDim, `k` and `v` with heads divided
/// by any whole ratio, `o` like q x headDimV, `lse` like q x 1. Tables of f32
/// [batch, head]: `sink_logits`, `alibi_slopes` (natural units); [batch, key
/// head]: `q_descale`, `k_descale`, `v_descale`. Scalars: `scale`, `softcap`.
/// Indices: `window_left`, `window_right`, `sink_tokens`; and what the
/// functions of `user` ask for.
/// Source of the algorithm: Milakov and Gimelshein, arXiv:1805.02867; Dao et
/// al., arXiv:2205.14135.
Program flashForward(const Shape &s, const Variant &user = {});

} // namespace tessera

#endif // TESSERA_KERNELS_FLASHFORWARD_H
