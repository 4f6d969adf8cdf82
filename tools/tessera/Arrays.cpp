//===- Arrays.cpp - tensors of a call from and to files -------------------===//

#include "tools/tessera/Arrays.h"
#include "test/reference/Rounding.h"
#include "tools/tessera/Command.h"

#include "llvm/ADT/STLExtras.h"

#include <cstring>
#include <fmt/ranges.h>

using namespace llvm;
using namespace tessera;
using reference::Precision;

static NpyType fileType(DType type) {
  switch (type) {
  case DType::f32:
    return NpyType::f32;
  case DType::f16:
    return NpyType::f16;
  case DType::bf16:
    return NpyType::bf16;
  case DType::e4m3:
  case DType::e5m2:
    break; // no file holds these
  }
  llvm_unreachable("not a type of files");
}

/// What attention can be computed in: no f64.
static std::optional<DType> memoryType(NpyType type) {
  for (DType candidate : {DType::f32, DType::f16, DType::bf16})
    if (fileType(candidate) == type)
      return candidate;
  return std::nullopt;
}

/// As Python writes it.
static std::string tupleOf(ArrayRef<int64_t> shape) {
  return fmt::format("({}{})", fmt::join(shape, ", "), shape.size() == 1 ? "," : "");
}

static double elementAt(const NpyArray &array, int64_t i) {
  switch (array.type) {
  case NpyType::f16:
    return reference::fromBits(Precision::f16, array.elements<uint16_t>()[i]);
  case NpyType::bf16:
    return reference::fromBits(Precision::bf16, array.elements<uint16_t>()[i]);
  case NpyType::f32:
    return array.elements<float>()[i];
  case NpyType::f64:
    return array.elements<double>()[i];
  }
  llvm_unreachable("unknown type");
}

/// From f64 to a 16-bit type this rounds twice, as NumPy does for bfloat16.
static void putElement(Array &array, int64_t i, float value) {
  std::byte *place = array.data.data() + i * sizeOf(array.type);
  if (array.type == DType::f32) {
    std::memcpy(place, &value, sizeof(value));
    return;
  }
  const uint16_t bits =
      reference::toBits(array.type == DType::f16 ? Precision::f16 : Precision::bf16, value);
  std::memcpy(place, &bits, sizeof(bits));
}

Tensor Array::tensor() {
  assert((rank() == 3 || rank() == 4) && "not a tensor of attention");
  std::array<int64_t, 4> extents = {1};
  llvm::copy(shape, extents.end() - rank());
  return Tensor::contiguous(data.data(), type, extents);
}

Array tessera::makeArray(DType type, std::vector<int64_t> shape) {
  Array array{type, std::move(shape), {}};
  array.data.resize(product_of(array.shape) * sizeOf(type));
  return array;
}

Expected<Array> tessera::readArray(const std::string &path, std::optional<DType> type) {
  Expected<NpyArray> file = readNpy(path);
  if (!file)
    return file.takeError();
  if (file->shape.size() != 3 && file->shape.size() != 4)
    return failure("{}: expected a shape (batch, seqlen, heads, head_dim) or "
                   "(seqlen, heads, head_dim), found {}",
                   path, tupleOf(file->shape));
  const std::optional<DType> own = memoryType(file->type);
  if (!own && !type)
    return failure("{}: expected elements of f32, f16 or bf16, found {}; "
                   "--dtype converts them",
                   path, std::string_view(str(file->type)));
  if (!type || own == type)
    return Array{*own, std::move(file->shape), std::move(file->data)};

  Array array = makeArray(*type, file->shape);
  for (int64_t i = 0, size = file->numElements(); i < size; ++i)
    putElement(array, i, elementAt(*file, i));
  return array;
}

Expected<std::vector<double>> tessera::readNumbers(const std::string &path,
                                                   ArrayRef<std::vector<int64_t>> shapes,
                                                   std::vector<int64_t> *found) {
  Expected<NpyArray> file = readNpy(path);
  if (!file)
    return file.takeError();
  if (!is_contained(shapes, file->shape))
    return failure("{}: expected the shape {}, found {}", path,
                   fmt::join(map_range(shapes, tupleOf), " or "), tupleOf(file->shape));
  if (found)
    *found = file->shape;
  std::vector<double> numbers(file->numElements());
  for (size_t i = 0; i < numbers.size(); ++i)
    numbers[i] = elementAt(*file, i);
  return numbers;
}

Error tessera::writeArray(const std::string &path, const Array &array) {
  return writeNpy(path, fileType(array.type), array.shape, array.data);
}

std::vector<float> tessera::floatsOf(const Array &array) {
  const NpyArray view{fileType(array.type), array.shape, array.data};
  std::vector<float> numbers(view.numElements());
  for (size_t i = 0; i < numbers.size(); ++i)
    numbers[i] = elementAt(view, i);
  return numbers;
}

std::string tessera::describe(const Array &array) {
  return fmt::format("shape {} of {}", tupleOf(array.shape), std::string_view(str(array.type)));
}
