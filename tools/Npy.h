// Tensors on disk: NumPy's .npy files, versions 1 and 2.

#ifndef TESSERA_TOOLS_NPY_H
#define TESSERA_TOOLS_NPY_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace tessera {

/// The element types of a file: little-endian floating point.
enum class NpyType {
  f16,  ///< `<f2`
  bf16, ///< `<V2`, which is what ml_dtypes saves; `|V2` is read too
  f32,  ///< `<f4`
  f64,  ///< `<f8`
};

/// Bytes of one element.
size_t elementSize(NpyType type);

/// `f16`, `bf16`, `f32` or `f64`.
llvm::StringRef str(NpyType type);

/// A tensor in C order: the last dimension is contiguous.
struct NpyArray {
  NpyType type = NpyType::f32;
  std::vector<int64_t> shape;  ///< empty for a single number
  std::vector<std::byte> data; ///< aligned as by `operator new`

  /// The product of the shape.
  int64_t numElements() const;

  /// The elements as `T`, whose size must be that of an element: `float`,
  /// `double`, or `uint16_t` for the bits of f16 and bf16.
  template <typename T>
  llvm::ArrayRef<T> elements() const {
    assert(sizeof(T) == elementSize(type) && "wrong element type");
    return {reinterpret_cast<const T *>(data.data()), data.size() / sizeof(T)};
  }
};

/// Reads the file at `path`, which may come from anywhere: nothing in it is
/// believed, and no more memory is taken than the file is long. NumPy has no
/// name for bfloat16 and saves it as two opaque bytes, so any `V2` is taken for
/// bf16. Refused, each with the path, what was expected and what was found:
/// files that are not .npy, other versions, other element types, Fortran order,
/// malformed headers, impossible shapes, missing and surplus data.
llvm::Expected<NpyArray> readNpy(llvm::StringRef path);

/// Writes `data`, the elements in C order, to `path` as version 1. The file is
/// complete before it takes its name, so a failure leaves what was there; a
/// symbolic link is replaced, not followed. To get bf16 back in NumPy:
/// `numpy.load(path).view(ml_dtypes.bfloat16)`.
llvm::Error writeNpy(llvm::StringRef path, NpyType type, llvm::ArrayRef<int64_t> shape,
                     llvm::ArrayRef<std::byte> data);

} // namespace tessera

#endif // TESSERA_TOOLS_NPY_H
