//===- Buffer.cpp - tensors and tables in memory --------------------------===//

#include "test/kernels/Buffer.h"

#include <bit>
#include <cassert>
#include <cstring>
#include <utility>

namespace tessera::test {

/// Elements before and behind every tensor. Odd, so that a tensor is aligned to
/// nothing but its elements.
static constexpr int64_t margin = 77;

void writeElement(std::byte *at, DType type, float value) {
  if (type == DType::f32) {
    std::memcpy(at, &value, sizeof(value));
    return;
  }
  uint16_t bits = reference::toBits(precisionOf(type), value);
  std::memcpy(at, &bits, sizeOf(type)); // little-endian
}

float readElement(const std::byte *at, DType type) {
  if (type == DType::f32) {
    float value;
    std::memcpy(&value, at, sizeof(value));
    return value;
  }
  uint16_t bits = 0;
  std::memcpy(&bits, at, sizeOf(type));
  return reference::fromBits(precisionOf(type), bits);
}

//===----------------------------------------------------------------------===//
// Buffer
//===----------------------------------------------------------------------===//

Places densePlaces(int64_t batches, int64_t rows) {
  Places places;
  for (int64_t b = 0; b < batches; ++b)
    for (int64_t i = 0; i < rows; ++i)
      places.push_back({b, i});
  return places;
}

Buffer::Buffer(DType type, std::array<int64_t, 4> shape, Places places,
               const Arrangement &arrangement, float surroundings)
    : type(type), shape(shape), places(std::move(places)), surroundings(surroundings) {
  std::array<bool, 4> same = {arrangement.sameBatches, false, arrangement.sameHeads, false};
  int64_t elements = 1;
  for (int i = 3; i >= 0; --i) {
    int axis = arrangement.order[i];
    strides[axis] = same[axis] ? 0 : elements;
    elements *= (same[axis] ? 1 : shape[axis]) + arrangement.extra[axis];
  }
  bytes.resize((elements + 2 * margin) * sizeOf(type));
  for (size_t at = 0; at < bytes.size(); at += sizeOf(type))
    writeElement(&bytes[at], type, surroundings);
  forEachElement(bytes.data(), [&](std::byte *at) { writeElement(at, type, quietNaN); });
}

Tensor Buffer::view(void *memory) const {
  return {static_cast<std::byte *>(memory) + margin * sizeOf(type), type, shape, strides};
}

Tensor Buffer::packed() {
  assert(shape[0] == 1 && "packed rows are one batch");
  Tensor tensor = view(bytes.data());
  tensor.shape = {shape[1], shape[2], shape[3]};
  tensor.strides = {strides[1], strides[2], strides[3]};
  tensor.rank = 3;
  return tensor;
}

Tensor Buffer::headsFirst() {
  Tensor tensor = view(bytes.data());
  std::swap(tensor.shape[1], tensor.shape[2]);
  std::swap(tensor.strides[1], tensor.strides[2]);
  return tensor;
}

/// Calls `use` with the address of every element of the rows in order.
template <class Use>
void Buffer::forEachElement(std::byte *memory, Use use) const {
  auto *base = static_cast<std::byte *>(view(memory).data);
  for (auto [first, row] : places)
    for (int64_t h = 0; h < shape[2]; ++h) {
      int64_t offset = first * strides[0] + row * strides[1] + h * strides[2];
      for (int64_t c = 0; c < shape[3]; ++c)
        use(base + (offset + c * strides[3]) * sizeOf(type));
    }
}

void Buffer::put(std::span<const float> values) {
  assert(std::ssize(values) == std::ssize(places) * shape[2] * shape[3]);
  auto next = values.begin();
  forEachElement(bytes.data(), [&](std::byte *at) { writeElement(at, type, *next++); });
}

std::vector<float> Buffer::get() const {
  std::vector<float> values;
  auto *memory = const_cast<std::byte *>(bytes.data()); // only read
  forEachElement(memory, [&](std::byte *at) { values.push_back(readElement(at, type)); });
  return values;
}

bool Buffer::surroundingsAreIntact() const {
  std::vector<std::byte> copy = bytes, expected(sizeOf(type));
  writeElement(expected.data(), type, surroundings);
  forEachElement(copy.data(),
                 [&](std::byte *at) { std::copy(expected.begin(), expected.end(), at); });
  for (size_t at = 0; at < copy.size(); at += sizeOf(type))
    if (std::memcmp(&copy[at], expected.data(), sizeOf(type)))
      return false;
  return true;
}

//===----------------------------------------------------------------------===//
// TableBuffer
//===----------------------------------------------------------------------===//

TableBuffer::TableBuffer(const Numbers &numbers, int64_t gap)
    : shape(numbers.shape), strides(numbers.shape.size()) {
  int64_t size = 1 + gap;
  for (size_t i = shape.size(); i-- > 0;) {
    strides[i] = size;
    size = size * shape[i] + gap;
  }
  bool isFloat = std::holds_alternative<std::vector<float>>(numbers.values);
  type = isFloat ? TableType::f32 : TableType::i32;
  constexpr uint32_t large = 0x7ffffff0;
  words.assign(size + 2 * margin, isFloat ? std::bit_cast<uint32_t>(quietNaN) : large);

  std::visit(
      [&](const auto &values) {
        for (size_t n = 0; n < values.size(); ++n) {
          int64_t offset = margin;
          for (size_t i = shape.size(), rest = n; i-- > 0; rest /= shape[i])
            offset += rest % shape[i] * strides[i];
          words[offset] = std::bit_cast<uint32_t>(values[n]);
        }
      },
      numbers.values);
}

Table TableBuffer::table() const {
  if (words.empty())
    return {};
  Table table{words.data() + margin, type, static_cast<int>(shape.size())};
  std::copy(shape.begin(), shape.end(), table.shape.begin());
  std::copy(strides.begin(), strides.end(), table.strides.begin());
  return table;
}

} // namespace tessera::test
