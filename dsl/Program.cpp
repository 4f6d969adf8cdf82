//===- Program.cpp - arguments, views, grid and loops ---------------------===//

#include "dsl/Program.h"
#include "dsl/Trace.h"
#include "dsl/ir/Tile.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <fmt/format.h>

using namespace mlir;

namespace tessera {

//===----------------------------------------------------------------------===//
// Program
//===----------------------------------------------------------------------===//

Program::Program(std::string_view name) : impl(std::make_unique<Trace>(name)) {}
Program::Program(Program &&) noexcept = default;
Program::~Program() = default;

const KeyFlags &Program::key() const { return impl->flags; }

View Program::view(std::string_view name, DType type, int64_t width, std::string_view sequences,
                   std::source_location where) {
  if (width <= 0)
    return wrap<View>(
        impl->fail(where, fmt::format("a view has at least one column, found {}", width)));
  Type element = impl->elementType(type);
  auto view = tile::ViewType::get(element.getContext(), width, element);
  return wrap<View>(impl->addArgument(name, view, where, sequences));
}

/// A table's type, or null after a mistake.
static Type tableType(Trace &trace, int64_t rank, Type element, std::source_location where) {
  if (rank >= 1 && rank <= 4)
    return tile::TableType::get(element.getContext(), rank, element);
  trace.fail(where, fmt::format("a table has 1 to 4 dimensions, found {}", rank));
  return {};
}

FloatTable Program::floats(std::string_view name, int64_t rank, std::source_location where) {
  Type type = tableType(*impl, rank, impl->elementType(DType::f32), where);
  return wrap<FloatTable>(impl->addArgument(name, type, where));
}

IndexTable Program::integers(std::string_view name, int64_t rank, std::source_location where) {
  Type integer = IntegerType::get(impl->elementType(DType::f32).getContext(), 32);
  return wrap<IndexTable>(impl->addArgument(name, tableType(*impl, rank, integer, where), where));
}

Scalar Program::scalar(std::string_view name, std::source_location where) {
  return wrap<Scalar>(impl->addArgument(name, impl->elementType(DType::f32), where));
}

Index Program::index(std::string_view name, std::source_location where) {
  MLIRContext *context = impl->elementType(DType::f32).getContext();
  return wrap<Index>(impl->addArgument(name, IndexType::get(context), where));
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

Sequence Sequence::slice(Index first, Index count) const {
  Sequence result = *this;
  result.first = this->first.opaque() ? this->first + first : first;
  result.count = count;
  return result;
}

Index Sequence::length(std::source_location where) const {
  Trace &trace = Trace::current();
  if (count.opaque())
    return count;
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
      unwrap(view), unwrap(batch), unwrap(head), unwrap(tile.value), unwrap(first), unwrap(count),
      /*pages=*/mlir::Value(),
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
                        unwrap(head), unwrap(tile.value), unwrap(first), unwrap(count),
                        /*pages=*/mlir::Value());
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

//===----------------------------------------------------------------------===//
// Tables
//===----------------------------------------------------------------------===//

/// Refuses a place of more or fewer coordinates than the table has.
static bool fits(Trace &trace, tile::TableType table, std::initializer_list<Coordinate> place) {
  if (static_cast<int64_t>(place.size()) == table.getRank())
    return true;
  if (place.size() != 0)
    trace.at(place.begin()->where);
  trace.fail(trace.location(), fmt::format("a place in the table has {} coordinates, found {}",
                                           table.getRank(), place.size()));
  return false;
}

/// One number. Null after a mistake.
static mlir::Value fetch(Value table, std::initializer_list<Coordinate> place) {
  Trace &trace = Trace::current();
  if (trace.failed())
    return {};
  auto type = cast<tile::TableType>(unwrap(table).getType());
  if (!fits(trace, type, place))
    return {};
  OpBuilder &builder = trace.at(place.begin()->where);
  SmallVector<mlir::Value> coordinates;
  for (const Coordinate &coordinate : place) {
    coordinates.push_back(unwrap(coordinate.value));
    if (!coordinates.back().getType().isIndex())
      return trace.fail(coordinate.where, "one number of a table has no tiles as coordinates; "
                                          "gather gives a tile");
  }
  return tile::FetchOp::create(builder, trace.location(), type.getElement(), unwrap(table),
                               coordinates);
}

Scalar FloatTable::at(std::initializer_list<Coordinate> place) const {
  return wrap<Scalar>(fetch(*this, place));
}

Index IndexTable::at(std::initializer_list<Coordinate> place) const {
  mlir::Value number = fetch(*this, place);
  if (!number)
    return {};
  Trace &trace = Trace::current();
  OpBuilder &builder = trace.at(place.begin()->where);
  return wrap<Index>(
      arith::IndexCastOp::create(builder, trace.location(), builder.getIndexType(), number));
}

/// A number for each element. Coordinates are repeated to one shape.
static Tile gatherFrom(Value table, std::initializer_list<Coordinate> places) {
  Trace &trace = Trace::current();
  if (trace.failed())
    return {};
  auto tableType = cast<tile::TableType>(unwrap(table).getType());
  if (!fits(trace, tableType, places))
    return {};
  SmallVector<int64_t, 2> shape{1, 1};
  for (const Coordinate &coordinate : places)
    if (auto tile = dyn_cast<RankedTensorType>(unwrap(coordinate.value).getType()))
      for (auto [extent, its] : llvm::zip_equal(shape, tile.getShape()))
        extent = std::max(extent, its);

  SmallVector<mlir::Value> coordinates;
  for (const Coordinate &coordinate : places) {
    OpBuilder &builder = trace.at(coordinate.where);
    mlir::Value value = unwrap(coordinate.value);
    auto type = RankedTensorType::get(shape, builder.getI32Type());
    auto tile = dyn_cast<RankedTensorType>(value.getType());
    if (!tile) {
      value = arith::IndexCastOp::create(builder, trace.location(), builder.getI32Type(), value);
      value = tensor::SplatOp::create(builder, trace.location(), value, type);
    } else if (!tile.getElementType().isInteger(32)) {
      return wrap<Tile>(trace.fail(
          coordinate.where, fmt::format("coordinates are positions, found {}", describe(tile))));
    } else if (tile != type) {
      for (auto [extent, its] : llvm::zip_equal(shape, tile.getShape()))
        if (its != 1 && its != extent)
          return wrap<Tile>(
              trace.fail(coordinate.where, fmt::format("coordinates do not fit: {} and {} x {}",
                                                       describe(tile), shape[0], shape[1])));
      value = tile::BroadcastOp::create(builder, trace.location(), type, value);
    }
    coordinates.push_back(value);
  }
  OpBuilder &builder = trace.at(places.begin()->where);
  return wrap<Tile>(tile::GatherOp::create(builder, trace.location(),
                                           RankedTensorType::get(shape, tableType.getElement()),
                                           unwrap(table), coordinates));
}

Tile FloatTable::gather(std::initializer_list<Coordinate> places) const {
  return gatherFrom(*this, places);
}

Tile IndexTable::gather(std::initializer_list<Coordinate> places) const {
  return gatherFrom(*this, places);
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
