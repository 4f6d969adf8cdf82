//===- HostSchedule.cpp - tile sizes for the host target ------------------===//

#include "runtime/HostSchedule.h"

namespace tessera {

/// A multiple of 24 and of 48: three registers of rows, of 8 or 16 lanes.
static constexpr int64_t defaultBlockM = 96;
static constexpr int64_t defaultBlockN = 64;

Shape hostShape(const Key &key) {
  return {
      .q = key.q,
      .k = key.kv,
      .v = key.v,
      .o = key.o,
      // Products are computed in f32, so rounding probabilities gains nothing.
      .p = DType::f32,
      .headDim = key.headDim,
      .headDimV = valueWidth(key),
      .blockM = key.blockM ? key.blockM : defaultBlockM,
      .blockN = key.blockN ? key.blockN : defaultBlockN,
      .rotary = key.rotary,
  };
}

} // namespace tessera
