//===- Arrays.h - tensors of a call from and to files ---------------------===//

#ifndef TESSERA_TOOLS_TESSERA_ARRAYS_H
#define TESSERA_TOOLS_TESSERA_ARRAYS_H

#include "runtime/Tensor.h"
#include "tools/Npy.h"

#include <optional>
#include <string>
#include <vector>

namespace tessera {

/// A tensor that owns its elements.
struct Array {
  DType type = DType::f32;
  /// `[batch, seqlen, heads, width]`, or without the batch if there is one.
  std::vector<int64_t> shape;
  std::vector<std::byte> data;

  int64_t rank() const { return shape.size(); }
  Tensor tensor();
};

/// A tensor of zeros.
Array makeArray(DType type, std::vector<int64_t> shape);

/// Reads a tensor of rank 3 or 4 and rounds it to `type`, if that is given.
llvm::Expected<Array> readArray(const std::string &path, std::optional<DType> type);

/// Reads numbers of any type. The shape must be one of `shapes`; `found` tells
/// which.
llvm::Expected<std::vector<double>> readNumbers(const std::string &path,
                                                llvm::ArrayRef<std::vector<int64_t>> shapes,
                                                std::vector<int64_t> *found = nullptr);

llvm::Error writeArray(const std::string &path, const Array &array);

/// The elements as numbers; exact.
std::vector<float> floatsOf(const Array &array);

/// `shape (2, 3) of f32`, as in the messages of Npy.h.
std::string describe(const Array &array);

} // namespace tessera

#endif // TESSERA_TOOLS_TESSERA_ARRAYS_H
