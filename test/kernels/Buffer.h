//===- Buffer.h - tensors and tables in memory ----------------------------===//
//
// They lie among bytes that are none of theirs: margins, gaps between rows,
// heads and batches, rows past a sequence's length, pages that no sequence
// uses. All of these hold `surroundings`, NaN if nothing else is asked for.
//
//===----------------------------------------------------------------------===//

#ifndef TESSERA_TEST_KERNELS_BUFFER_H
#define TESSERA_TEST_KERNELS_BUFFER_H

#include "test/kernels/Case.h"

#include <span>

namespace tessera::test {

/// One element in memory.
void writeElement(std::byte *at, DType type, float value);
float readElement(const std::byte *at, DType type);

/// The order of a tensor's axes in memory, and what follows along each.
struct Arrangement {
  /// Axes from the slowest to the fastest; the width stays the last.
  std::array<int, 4> order = {0, 1, 2, 3};
  /// Batches, rows, heads and elements of a row that follow the tensor's own.
  std::array<int64_t, 4> extra = {};
  /// All batches, all heads, have the same memory.
  bool sameBatches = false, sameHeads = false;
};

/// The first two indices (batch and row, or page and row) of each row of all
/// sequences, one sequence behind the other.
using Places = std::vector<std::array<int64_t, 2>>;

/// Every row of `batches` batches.
Places densePlaces(int64_t batches, int64_t rows);

/// The memory of one tensor, aligned to its elements and to no more. Its axes
/// are batch or page, row, head, and width. Before something is put into it,
/// its rows hold NaN.
class Buffer {
public:
  Buffer(DType type, std::array<int64_t, 4> shape, Places places,
         const Arrangement &arrangement = {}, float surroundings = quietNaN);
  /// With all rows in order.
  Buffer(DType type, std::array<int64_t, 4> shape)
      : Buffer(type, shape, densePlaces(shape[0], shape[1])) {}

  Tensor tensor() { return view(bytes.data()); }
  /// Without the first axis, along which there is one index.
  Tensor packed();
  /// Rows and heads exchanged.
  Tensor headsFirst();

  /// The elements of the rows in order: row, head, width.
  void put(std::span<const float> values);
  std::vector<float> get() const;
  /// Whether everything but these rows is as it was.
  bool surroundingsAreIntact() const;

private:
  Tensor view(void *memory) const;
  template <class Use>
  void forEachElement(std::byte *memory, Use use) const;

  DType type;
  std::array<int64_t, 4> shape, strides;
  Places places;
  float surroundings;
  std::vector<std::byte> bytes;
};

/// A table in memory, with `gap` numbers behind each of its own. These and
/// those around it are NaN or very large.
class TableBuffer {
public:
  TableBuffer() = default; ///< not given
  explicit TableBuffer(const Numbers &numbers, int64_t gap = 0);

  Table table() const;

private:
  TableType type = TableType::f32;
  std::vector<int64_t> shape, strides;
  std::vector<uint32_t> words;
};

} // namespace tessera::test

#endif // TESSERA_TEST_KERNELS_BUFFER_H
