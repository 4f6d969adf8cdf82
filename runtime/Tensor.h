//===- Tensor.h - a caller's tensor, not owned ----------------------------===//

#ifndef TESSERA_RUNTIME_TENSOR_H
#define TESSERA_RUNTIME_TENSOR_H

#include "dsl/Key.h"

#include <array>

namespace tessera {

/// A tensor `[batch, seqlen, heads, width]` in the caller's memory. Strides
/// count elements; the last dimension is contiguous.
struct Tensor {
  void *data = nullptr;
  DType type = DType::f32;
  std::array<int64_t, 4> shape{};
  std::array<int64_t, 4> strides{};

  /// A tensor whose elements lie one after the other.
  static Tensor contiguous(void *data, DType type, std::array<int64_t, 4> shape) {
    Tensor tensor{data, type, shape, {}};
    uint64_t stride = 1; // of an empty tensor it may wrap; nothing uses it
    for (int i = 3; i >= 0; --i) {
      tensor.strides[i] = static_cast<int64_t>(stride);
      stride *= static_cast<uint64_t>(shape[i]);
    }
    return tensor;
  }

  int64_t batch() const { return shape[0]; }
  int64_t seqlen() const { return shape[1]; }
  int64_t heads() const { return shape[2]; }
  int64_t width() const { return shape[3]; }
  bool isEmpty() const { return !shape[0] || !shape[1] || !shape[2] || !shape[3]; }
};

} // namespace tessera

#endif // TESSERA_RUNTIME_TENSOR_H
