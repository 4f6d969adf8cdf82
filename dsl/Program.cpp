//===- Program.cpp - arguments, views, grid and loops ---------------------===//

#include "dsl/Program.h"
#include "dsl/Trace.h"
#include "dsl/ir/Tile.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

#include <fmt/format.h>

using namespace mlir;

namespace tessera {

//===----------------------------------------------------------------------===//
// Program
//===----------------------------------------------------------------------===//

Program::Program(llvm::StringRef name) : impl(std::make_unique<Trace>(name)) {}
Program::Program(Program &&) noexcept = default;
Program::~Program() = default;

const KeyFlags &Program::key() const { return impl->flags; }

View Program::view(llvm::StringRef name, DType type, int64_t width) {
  Type element = impl->elementType(type);
  return wrap<View>(
      impl->addArgument(name, tile::ViewType::get(element.getContext(), width, element)));
}

PerHead Program::perHead(llvm::StringRef name) {
  MLIRContext *context = impl->elementType(DType::f32).getContext();
  return wrap<PerHead>(impl->addArgument(name, tile::PerHeadType::get(context)));
}

Scalar Program::scalar(llvm::StringRef name) {
  return wrap<Scalar>(impl->addArgument(name, impl->elementType(DType::f32)));
}

Index Program::index(llvm::StringRef name) {
  MLIRContext *context = impl->elementType(DType::f32).getContext();
  return wrap<Index>(impl->addArgument(name, IndexType::get(context)));
}

GridPoint Program::grid(At<Index> tiles, Index heads, Index batches) {
  if (impl->failed())
    return {};
  OpBuilder &builder = impl->at(tiles.where);
  auto grid = tile::GridOp::create(builder, impl->location(), unwrap(tiles.value), unwrap(heads),
                                   unwrap(batches));
  return {wrap<Index>(grid.getTile()), wrap<Index>(grid.getHead()), wrap<Index>(grid.getBatch())};
}

//===----------------------------------------------------------------------===//
// Views
//===----------------------------------------------------------------------===//

static Index extentOf(Value view, tile::Axis axis, std::source_location where) {
  Trace &trace = Trace::current();
  if (trace.failed())
    return {};
  OpBuilder &builder = trace.at(where);
  return wrap<Index>(tile::ExtentOp::create(builder, trace.location(), builder.getIndexType(),
                                            unwrap(view), axis));
}

/// Refuses a tile without rows.
static bool hasRows(Trace &trace, std::source_location where, int64_t size) {
  if (size > 0)
    return true;
  trace.fail(where, fmt::format("tiles must have at least one row, found {}", size));
  return false;
}

/// Tiles of `size` rows that hold `rows` rows.
static Index tilesOf(Index rows, int64_t size, std::source_location where) {
  Trace &trace = Trace::current();
  if (trace.failed())
    return {};
  if (!hasRows(trace, where, size))
    return {};
  Index divisor(size);
  OpBuilder &builder = trace.at(where);
  return wrap<Index>(
      arith::CeilDivSIOp::create(builder, trace.location(), unwrap(rows), unwrap(divisor)));
}

Index View::batches(std::source_location where) const {
  return extentOf(*this, tile::Axis::Batches, where);
}
Index View::heads(std::source_location where) const {
  return extentOf(*this, tile::Axis::Heads, where);
}
Index View::tiles(int64_t size, std::source_location where) const {
  return tilesOf(extentOf(*this, tile::Axis::Rows, where), size, where);
}

Index Sequence::length(std::source_location where) const {
  Trace &trace = Trace::current();
  if (trace.failed())
    return {};
  OpBuilder &builder = trace.at(where);
  return wrap<Index>(tile::LengthOp::create(builder, trace.location(), builder.getIndexType(),
                                            unwrap(view), unwrap(batch)));
}

Index Sequence::tiles(int64_t size, std::source_location where) const {
  return tilesOf(length(where), size, where);
}

Tile Sequence::load(At<Index> tile, int64_t size, Padding padding) const {
  Trace &trace = Trace::current();
  if (trace.failed() || !hasRows(trace, tile.where, size))
    return {};
  OpBuilder &builder = trace.at(tile.where);
  auto type = cast<tile::ViewType>(unwrap(view).getType());
  return wrap<Tile>(tile::LoadOp::create(
      builder, trace.location(), RankedTensorType::get({size, type.getWidth()}, type.getElement()),
      unwrap(view), unwrap(batch), unwrap(head), unwrap(tile.value),
      padding == Padding::zero ? tile::Padding::Zero : tile::Padding::Undefined));
}

void Sequence::store(At<Index> tile, Tile value) const {
  Trace &trace = Trace::current();
  if (trace.failed())
    return;
  auto type = cast<tile::ViewType>(unwrap(view).getType());
  auto valueType = cast<RankedTensorType>(unwrap(value).getType());
  if (valueType.getDimSize(1) != type.getWidth()) {
    trace.fail(tile.where, fmt::format("stored tile is {} wide, the view is {}",
                                       valueType.getDimSize(1), type.getWidth()));
    return;
  }
  if (valueType.getElementType() != type.getElement()) {
    trace.fail(tile.where,
               fmt::format("stored tile has elements of {}, the view of {}",
                           describe(valueType.getElementType()), describe(type.getElement())));
    return;
  }
  OpBuilder &builder = trace.at(tile.where);
  tile::StoreOp::create(builder, trace.location(), unwrap(value), unwrap(view), unwrap(batch),
                        unwrap(head), unwrap(tile.value));
}

void Sequence::store(At<Index> tile, Tile value, Flag wanted) const {
  Trace &trace = Trace::current();
  if (trace.failed())
    return;
  OpBuilder &builder = trace.at(tile.where);
  auto branch = scf::IfOp::create(builder, trace.location(), unwrap(wanted));
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(branch.thenBlock());
  store(tile, value);
}

static Tile positions(Value view, Index batch, At<Index> tile, int64_t rows, int64_t columns) {
  Trace &trace = Trace::current();
  if (trace.failed() || !hasRows(trace, tile.where, rows * columns))
    return {};
  OpBuilder &builder = trace.at(tile.where);
  return wrap<Tile>(tile::PositionsOp::create(
      builder, trace.location(), RankedTensorType::get({rows, columns}, builder.getI32Type()),
      unwrap(view), unwrap(batch), unwrap(tile.value)));
}

Tile Sequence::rows(At<Index> tile, int64_t size) const {
  return positions(view, batch, tile, size, 1);
}

Tile Sequence::columns(At<Index> tile, int64_t size) const {
  return positions(view, batch, tile, 1, size);
}

Scalar PerHead::operator()(At<Index> batch, Index head) const {
  Trace &trace = Trace::current();
  if (trace.failed())
    return {};
  OpBuilder &builder = trace.at(batch.where);
  return wrap<Scalar>(tile::FetchOp::create(builder, trace.location(), builder.getF32Type(),
                                            unwrap(*this), unwrap(batch.value), unwrap(head)));
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

Index detail::beginLoop(Index count, std::span<Tile *const> state, std::source_location where) {
  Trace &trace = Trace::current();
  if (trace.failed())
    return {};
  Index zero(0), one(1);
  OpBuilder &builder = trace.at(where);
  SmallVector<mlir::Value> init;
  for (Tile *tile : state)
    init.push_back(unwrap(*tile));
  auto loop =
      scf::ForOp::create(builder, trace.location(), unwrap(zero), unwrap(count), unwrap(one), init);
  for (auto [tile, carried] : llvm::zip_equal(state, loop.getRegionIterArgs()))
    *tile = wrap<Tile>(carried);
  builder.setInsertionPointToStart(loop.getBody());
  return wrap<Index>(loop.getInductionVar());
}

void detail::endLoop(std::span<Tile *const> state) {
  Trace &trace = Trace::current();
  if (trace.failed())
    return;
  OpBuilder &builder = trace.at(std::source_location::current());
  auto loop = cast<scf::ForOp>(builder.getInsertionBlock()->getParentOp());
  SmallVector<mlir::Value> next;
  for (auto [tile, carried] : llvm::zip_equal(state, loop.getRegionIterArgs())) {
    next.push_back(unwrap(*tile));
    if (next.back().getType() != carried.getType()) {
      trace.fail(loop.getLoc(),
                 fmt::format("loop state {} starts as {} and continues as {}", next.size() - 1,
                             describe(carried.getType()), describe(next.back().getType())));
      return;
    }
  }
  scf::YieldOp::create(builder, loop.getLoc(), next);
  builder.setInsertionPointAfter(loop);
  for (auto [tile, result] : llvm::zip_equal(state, loop.getResults()))
    *tile = wrap<Tile>(result);
}

} // namespace tessera
