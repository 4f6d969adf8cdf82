//===- FlashForward.h - attention, forward --------------------------------===//

#ifndef TESSERA_KERNELS_FLASHFORWARD_H
#define TESSERA_KERNELS_FLASHFORWARD_H

#include "dsl/Program.h"
#include "kernels/Shape.h"

namespace tessera {

/// Softmax(Q K^T) V with an online softmax, one program for every variant.
///
/// Views: `q` [batches, heads, rows] x headDim, `k` and `v` with heads divided
/// by any whole ratio, `o` like q x headDimV, `lse` like q x 1. Per head:
/// `sink_logits`, `alibi_slopes` (f32, natural units). Scalars: `scale`,
/// `softcap`. Indices: `window_left`, `window_right`, `sink_tokens`.
/// Source of the algorithm: Milakov and Gimelshein, arXiv:1805.02867; Dao et
/// al., arXiv:2205.14135.
Program flashForward(const Shape &s);

} // namespace tessera

#endif // TESSERA_KERNELS_FLASHFORWARD_H
