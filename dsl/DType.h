//===- DType.h - element types of tensors ---------------------------------===//

#ifndef TESSERA_DSL_DTYPE_H
#define TESSERA_DSL_DTYPE_H

#include <cstdint>

namespace tessera {

/// Element types of tensors in memory. e4m3 and e5m2 are the 8-bit formats of
/// the OCP specification (e4m3 without infinities, "fn").
enum class DType : uint8_t { f32, f16, bf16, e4m3, e5m2 };

/// Element types of tables: the numbers beside the operands.
enum class TableType : uint8_t { f32, i32 };

/// Bytes of one element.
inline int64_t sizeOf(DType type) {
  switch (type) {
  case DType::f32:
    return 4;
  case DType::f16:
  case DType::bf16:
    return 2;
  case DType::e4m3:
  case DType::e5m2:
    return 1;
  }
  return 0;
}

inline bool isFp8(DType type) { return type == DType::e4m3 || type == DType::e5m2; }

} // namespace tessera

#endif // TESSERA_DSL_DTYPE_H
