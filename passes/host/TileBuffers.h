//===- TileBuffers.h - tiles in scratch memory ----------------------------===//

#ifndef TESSERA_PASSES_HOST_TILEBUFFERS_H
#define TESSERA_PASSES_HOST_TILEBUFFERS_H

#include "passes/host/Emit.h"
#include "passes/host/HostProgram.h"

#include "llvm/ADT/DenseMap.h"

#include <optional>

namespace tessera {

/// A tile in scratch memory, its rows being lanes: the element at row r and
/// column c lies at `c * rows + r`.
struct Buffer {
  mlir::Value address;
  int64_t rows = 0, columns = 0;
  mlir::Type element;
  /// Nothing reads it after the values that were computed into it die.
  bool temporary = false;

  explicit operator bool() const { return address != nullptr; }
  bool operator==(const Buffer &other) const { return address == other.address; }
};

/// Where each tile lies, and the scratch memory they share.
class TileBuffers {
public:
  explicit TileBuffers(Emit &emit) : emit(emit) {}

  /// Scratch memory begins here; addresses are computed at `entry`.
  void start(mlir::Value scratchArgument, mlir::Block *entryBlock) {
    scratch = scratchArgument;
    entry = entryBlock;
  }

  Buffer allocate(int64_t rows, int64_t columns, mlir::Type element) {
    int64_t bytes = rows * columns * element.getIntOrFloatBitWidth() / 8;
    mlir::OpBuilder::InsertionGuard guard(emit);
    emit.setInsertionPointToStart(entry);
    Buffer buffer{emit.atBytes(scratch, used), rows, columns, element, true};
    used = llvm::alignTo(used + bytes, scratchAlignment);
    peak = std::max(peak, used);
    return buffer;
  }

  /// Memory allocated since `mark` may be used again.
  int64_t mark() const { return used; }
  void release(int64_t mark) { used = mark; }
  int64_t bytes() const { return peak; }

  Buffer find(mlir::Value tile) const { return places.lookup(tile); }
  void place(mlir::Value tile, Buffer buffer) { places[tile] = buffer; }
  void forget(mlir::Value tile) { places.erase(tile); }

  /// The vector of `size` rows from `row` in one column.
  mlir::Value load(const Buffer &buffer, mlir::Value column, mlir::Value row, int64_t size) {
    return emit.load(emit.vectorOf(size, buffer.element), address(buffer, column, row));
  }
  void store(mlir::Value vector, const Buffer &buffer, mlir::Value column, mlir::Value row) {
    emit.store(vector, address(buffer, column, row));
  }
  mlir::Value address(const Buffer &buffer, mlir::Value column, mlir::Value row) {
    mlir::Value offset = emit.add(emit.mul(column, emit.index(buffer.rows)), row);
    return emit.at(buffer.address, buffer.element, offset);
  }

private:
  Emit &emit;
  mlir::Value scratch;
  mlir::Block *entry = nullptr;
  int64_t used = 0, peak = 0;
  llvm::DenseMap<mlir::Value, Buffer> places;
};

} // namespace tessera

#endif // TESSERA_PASSES_HOST_TILEBUFFERS_H
