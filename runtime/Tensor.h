//===- Tensor.h - a caller's tensors, not owned ---------------------------===//

#ifndef TESSERA_RUNTIME_TENSOR_H
#define TESSERA_RUNTIME_TENSOR_H

#include "dsl/Key.h"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <type_traits>

namespace tessera {

/// A tensor of rows in the caller's memory: `[batch, seqlen, heads, width]`, or
/// of rank 3 `[rows, heads, width]`. Strides count elements; the last dimension
/// is contiguous.
struct Tensor {
  void *data = nullptr;
  DType type = DType::f32;
  std::array<int64_t, 4> shape{}; ///< the first `rank` count
  std::array<int64_t, 4> strides{};
  int rank = 4;

  /// A tensor whose elements lie one after the other.
  static Tensor contiguous(void *data, DType type, std::array<int64_t, 4> shape, int rank = 4) {
    Tensor tensor{data, type, shape, {}, rank};
    uint64_t stride = 1; // of an empty tensor it may wrap; nothing uses it
    for (int i = rank - 1; i >= 0; --i) {
      tensor.strides[i] = static_cast<int64_t>(stride);
      stride *= static_cast<uint64_t>(shape[i]);
    }
    return tensor;
  }

  int64_t batch() const { return rank == 4 ? shape[0] : 1; }
  int64_t seqlen() const { return shape[rank - 3]; }
  int64_t heads() const { return shape[rank - 2]; }
  int64_t width() const { return shape[rank - 1]; }
  bool isEmpty() const {
    for (int i = 0; i < rank; ++i)
      if (!shape[i])
        return true;
    return false;
  }
};

/// Numbers beside the operands: lengths, pages, slopes, the tables of a
/// variant. Up to rank 4, any strides (a stride of 0 repeats). Not owned.
struct Table {
  const void *data = nullptr;
  TableType type = TableType::f32;
  int rank = 0;
  std::array<int64_t, 4> shape{};
  std::array<int64_t, 4> strides{}; ///< in elements

  /// A table whose elements lie one after the other.
  template <class T>
  static Table of(const T *data, std::initializer_list<int64_t> shape) {
    static_assert(std::is_same_v<T, float> || std::is_same_v<T, int32_t>);
    Table table{data, std::is_same_v<T, float> ? TableType::f32 : TableType::i32,
                static_cast<int>(shape.size())};
    std::copy(shape.begin(), shape.end(), table.shape.begin());
    int64_t stride = 1;
    for (int i = table.rank - 1; i >= 0; --i) {
      table.strides[i] = stride;
      stride *= table.shape[i];
    }
    return table;
  }

  bool isEmpty() const {
    for (int i = 0; i < rank; ++i)
      if (!shape[i])
        return true;
    return false;
  }
  /// False for a table that is not given.
  explicit operator bool() const { return data || rank; }
};

} // namespace tessera

#endif // TESSERA_RUNTIME_TENSOR_H
