//===- TensorMap.cpp - a view as the copy engine sees it ------------------===//

#include "runtime/cuda/TensorMap.h"
#include "dsl/Refusal.h"

#include "llvm/Support/MathExtras.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

using namespace llvm;

namespace tessera::cuda {

// Limits of cuTensorMapEncodeTiled, from the CUDA driver API.
static constexpr int64_t addressStep = 16; ///< bytes
static constexpr int64_t strideLimit = int64_t(1) << 40;
static constexpr int64_t mostElements = int64_t(1) << 32; ///< of a dimension

static int dataTypeOf(DType type) {
  switch (type) {
  case DType::f32:
    return CU_TENSOR_MAP_DATA_TYPE_FLOAT32;
  case DType::f16:
    return CU_TENSOR_MAP_DATA_TYPE_FLOAT16;
  case DType::bf16:
    return CU_TENSOR_MAP_DATA_TYPE_BFLOAT16;
  case DType::e4m3:
  case DType::e5m2: // bytes to the copy engine
    return CU_TENSOR_MAP_DATA_TYPE_UINT8;
  }
  llvm_unreachable("unknown type");
}

const std::string &nameOf(const Argument &argument) {
  static const std::string out = "out";
  return argument.name == "o" ? out : argument.name;
}

Expected<TensorMapLayout> tensorMapLayout(const ViewArgument &view, const Argument &argument,
                                          const TensorMapRequest &request) {
  int64_t elementBytes = sizeOf(argument.type);
  TensorMapLayout layout;
  layout.name = nameOf(argument);
  layout.dataType = dataTypeOf(argument.type);
  layout.extents[0] = argument.width;
  layout.box = {static_cast<uint32_t>(request.boxColumns), static_cast<uint32_t>(request.boxRows),
                1, 1};

  bool isEmpty = !view.rows || !view.heads || !view.batches;
  if (!isEmpty)
    layout.data = view.data;
  if (reinterpret_cast<uintptr_t>(layout.data) % addressStep)
    return refuse(ErrorCode::misaligned, layout.name + ".data",
                  fmt::format("{}", fmt::ptr(layout.data)),
                  fmt::format("a multiple of {} bytes, as a GPU copies", addressStep));

  struct Dimension {
    const char *name;
    int64_t extent, stride;
  };
  const Dimension dimensions[] = {{"rows", view.rows, view.rowStride},
                                  {"heads", view.heads, view.headStride},
                                  {"batches", view.batches, view.batchStride}};
  for (auto [i, dimension] : enumerate(dimensions)) {
    auto [name, extent, stride] = dimension;
    if (isEmpty)
      extent = 1;
    layout.extents[i + 1] = extent;
    if (extent > mostElements)
      return refuse(
          ErrorCode::invalidShape, fmt::format("the number of {} of {}", name, layout.name),
          fmt::format("{}", extent), fmt::format("at most {}, as a GPU copies", mostElements));
    if (extent == 1) {
      // Never stepped over, and yet it has to be one that is allowed.
      layout.strides[i] = alignTo(argument.width * elementBytes, addressStep);
      continue;
    }
    auto refuseStride = [&](const std::string &expected) {
      return refuse(ErrorCode::invalidStride,
                    fmt::format("the stride of {} of {}", name, layout.name),
                    fmt::format("{} elements of {} bytes", stride, elementBytes),
                    expected + ", as a GPU copies");
    };
    if (stride < 0 || stride >= strideLimit / elementBytes)
      return refuseStride(fmt::format("0 to {} bytes", strideLimit - addressStep));
    if (stride * elementBytes % addressStep)
      return refuseStride(fmt::format("a multiple of {} bytes", addressStep));
    layout.strides[i] = stride * elementBytes;
  }
  return layout;
}

Error encode(const Driver &driver, const TensorMapLayout &layout, CUtensorMap &map) {
  static constexpr uint32_t elementStrides[] = {1, 1, 1, 1};
  CUresult result = driver.tensorMapEncodeTiled(
      &map, layout.dataType, layout.extents.size(), layout.data, layout.extents.data(),
      layout.strides.data(), layout.box.data(), elementStrides, CU_TENSOR_MAP_INTERLEAVE_NONE,
      CU_TENSOR_MAP_SWIZZLE_128B, CU_TENSOR_MAP_L2_PROMOTION_L2_256B,
      CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
  // What the driver does not take of a layout that was checked are its strides.
  if (result == CUDA_ERROR_INVALID_VALUE)
    return refuse(ErrorCode::invalidStride,
                  fmt::format("the strides of rows, heads and batches of {}", layout.name),
                  fmt::format("({}) bytes for extents ({})", fmt::join(layout.strides, ", "),
                              fmt::join(layout.extents.begin() + 1, layout.extents.end(), ", ")),
                  "ones that the driver makes a tensor map of");
  return driver.check(result, Twine("making the tensor map of ") + layout.name);
}

} // namespace tessera::cuda
