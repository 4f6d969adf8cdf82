//===- TensorMap.h - a view as the copy engine sees it --------------------===//

#ifndef TESSERA_RUNTIME_CUDA_TENSORMAP_H
#define TESSERA_RUNTIME_CUDA_TENSORMAP_H

#include "passes/nvptx/CudaProgram.h"
#include "runtime/cuda/Driver.h"

#include <array>

namespace tessera::cuda {

/// The parameters of a tensor map, innermost dimension first: (width, rows,
/// heads, batches). The innermost stride is one element, and not listed.
struct TensorMapLayout {
  std::string name;     ///< of the tensor, for messages
  void *data = nullptr; ///< null for a view without elements
  int dataType = 0;     ///< a CU_TENSOR_MAP_DATA_TYPE
  std::array<uint64_t, 4> extents{};
  std::array<uint64_t, 3> strides{}; ///< in bytes, of rows, heads and batches
  std::array<uint32_t, 4> box{};
};

/// The name of an argument in the interfaces and in messages.
const std::string &nameOf(const Argument &argument);

/// The layout of a view for the copy engine, or a refusal: it wants addresses
/// and strides that are multiples of 16 bytes. `argument` is that of the view.
/// A dimension of one element may have any stride, and an empty view has the
/// layout of one element, which nobody reads.
llvm::Expected<TensorMapLayout> tensorMapLayout(const ViewArgument &view, const Argument &argument,
                                                const TensorMapRequest &request);

/// The map that the driver makes of a layout with data.
llvm::Error encode(const Driver &driver, const TensorMapLayout &layout, CUtensorMap &map);

} // namespace tessera::cuda

#endif // TESSERA_RUNTIME_CUDA_TENSORMAP_H
