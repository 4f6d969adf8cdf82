//===- HostProgram.h - names and forms of a program compiled for the host -===//

#ifndef TESSERA_PASSES_HOST_HOSTPROGRAM_H
#define TESSERA_PASSES_HOST_HOSTPROGRAM_H

#include "llvm/ADT/StringRef.h"

#include <cstdint>

namespace tessera {

/// `@f` computes one point of the grid; `@f_extents` says how many there are.
inline constexpr llvm::StringLiteral extentsSuffix = "_extents";

/// On `@f`: the bytes of scratch memory that a point needs.
inline constexpr llvm::StringLiteral scratchBytesName = "tile.scratch_bytes";

/// Scratch memory starts at a multiple of this: one cache line.
inline constexpr int64_t scratchAlignment = 64;

/// What a checked kernel calls when an access leaves its view: the line of the
/// program, the coordinate, its value and the first value out of bounds.
inline constexpr llvm::StringLiteral violationName = "tessera_host_violation";
enum class Violation : int64_t { batch, head, tile, row, page };
using ViolationFunction = void (*)(int64_t line, int64_t coordinate, int64_t value, int64_t limit);

/// The functions of a compiled program.
using ExtentsFunction = void (*)(const void *arguments, int64_t *extents);
using PointFunction = void (*)(const void *arguments, int64_t tile, int64_t head, int64_t batch,
                               void *scratch);

} // namespace tessera

#endif // TESSERA_PASSES_HOST_HOSTPROGRAM_H
