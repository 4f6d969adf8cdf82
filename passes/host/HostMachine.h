//===- HostMachine.h - what the vector lowering knows of a CPU ------------===//

#ifndef TESSERA_PASSES_HOST_HOSTMACHINE_H
#define TESSERA_PASSES_HOST_HOSTMACHINE_H

#include <cstdint>

namespace tessera {

struct HostMachine {
  int64_t vectorBits = 256; ///< of one register
  int64_t registers = 16;   ///< vector registers

  /// f32 values in one register.
  int64_t lanes() const { return vectorBits / 32; }
};

} // namespace tessera

#endif // TESSERA_PASSES_HOST_HOSTMACHINE_H
