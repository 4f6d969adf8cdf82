//===- ScalarEvaluator.cpp - integers of a program, for given lengths -----===//

#include "passes/specialize/ScalarEvaluator.h"
#include "dsl/ir/Tile.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "llvm/Support/MathExtras.h"

#include <fmt/format.h>

using namespace mlir;
using llvm::Expected;

namespace tessera {

static llvm::Error failure(const std::string &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

static llvm::Error unknown(Operation *op) {
  return failure(fmt::format("cannot evaluate {}: it is no integer arithmetic over "
                             "lengths and arguments",
                             op->getName().getStringRef().str()));
}

static bool isTile(Value value) { return isa<RankedTensorType>(value.getType()); }

static Type elementType(Type type) {
  auto tile = dyn_cast<RankedTensorType>(type);
  return tile ? tile.getElementType() : type;
}

static bool isInteger(Value value) { return elementType(value.getType()).isIntOrIndex(); }

/// A number as wide as its type; more significant bits are lost.
static int64_t wrapped(Type type, uint64_t number) {
  Type element = elementType(type);
  unsigned width = element.isIndex() ? 64 : element.getIntOrFloatBitWidth();
  return width < 64 ? llvm::SignExtend64(number, width) : number;
}

//===----------------------------------------------------------------------===//
// Operations
//===----------------------------------------------------------------------===//

static bool compare(arith::CmpIPredicate predicate, int64_t a, int64_t b) {
  // Sign extension keeps the order of unsigned numbers, too.
  uint64_t ua = a, ub = b;
  switch (predicate) {
  case arith::CmpIPredicate::eq:
    return a == b;
  case arith::CmpIPredicate::ne:
    return a != b;
  case arith::CmpIPredicate::slt:
    return a < b;
  case arith::CmpIPredicate::sle:
    return a <= b;
  case arith::CmpIPredicate::sgt:
    return a > b;
  case arith::CmpIPredicate::sge:
    return a >= b;
  case arith::CmpIPredicate::ult:
    return ua < ub;
  case arith::CmpIPredicate::ule:
    return ua <= ub;
  case arith::CmpIPredicate::ugt:
    return ua > ub;
  case arith::CmpIPredicate::uge:
    return ua >= ub;
  }
  llvm_unreachable("unknown predicate");
}

static Expected<int64_t> divide(Operation *op, int64_t a, int64_t b) {
  if (b == 0 || (a == INT64_MIN && b == -1))
    return failure(fmt::format("cannot evaluate {}: {} by {} has no result",
                               op->getName().getStringRef().str(), a, b));
  if (isa<arith::RemSIOp>(op))
    return a % b;
  int64_t quotient = a / b;
  bool exact = a % b == 0, negative = (a < 0) != (b < 0);
  if (isa<arith::FloorDivSIOp>(op) && !exact && negative)
    --quotient;
  if (isa<arith::CeilDivSIOp>(op) && !exact && !negative)
    ++quotient;
  return quotient;
}

static Expected<int64_t> arithmetic(Operation *op, ArrayRef<int64_t> in) {
  // Wraps like the program does.
  auto u = [&](size_t i) { return static_cast<uint64_t>(in[i]); };
  if (isa<arith::AddIOp>(op))
    return u(0) + u(1);
  if (isa<arith::SubIOp>(op))
    return u(0) - u(1);
  if (isa<arith::MulIOp>(op))
    return u(0) * u(1);
  if (isa<arith::MinSIOp>(op))
    return std::min(in[0], in[1]);
  if (isa<arith::MaxSIOp>(op))
    return std::max(in[0], in[1]);
  if (auto comparison = dyn_cast<arith::CmpIOp>(op))
    return compare(comparison.getPredicate(), in[0], in[1]);
  if (isa<arith::AndIOp>(op))
    return in[0] & in[1];
  if (isa<arith::OrIOp>(op))
    return in[0] | in[1];
  if (isa<arith::XOrIOp>(op))
    return in[0] ^ in[1];
  if (isa<arith::SelectOp>(op))
    return in[0] ? in[1] : in[2];
  if (isa<arith::IndexCastOp>(op))
    return in[0];
  if (isa<arith::DivSIOp, arith::FloorDivSIOp, arith::CeilDivSIOp, arith::RemSIOp>(op))
    return divide(op, in[0], in[1]);
  return unknown(op);
}

/// `in`: starts, then ends.
static int64_t count(ArrayRef<int64_t> in) {
  int64_t sum = 0;
  for (auto [start, end] :
       llvm::zip_equal(in.take_front(in.size() / 2), in.take_back(in.size() / 2)))
    sum += std::max<int64_t>(end - start, 0);
  return sum;
}

/// `in`: n, then starts, then ends.
static Expected<int64_t> nth(ArrayRef<int64_t> in, bool descending) {
  int64_t n = in.front();
  ArrayRef<int64_t> ranges = in.drop_front();
  if (n < 0 || n >= count(ranges))
    return failure(fmt::format("cannot evaluate tile.nth: index {} of ranges "
                               "that hold {}",
                               n, count(ranges)));
  size_t half = ranges.size() / 2;
  for (size_t i = 0; i < half; ++i) {
    int64_t length = std::max<int64_t>(ranges[half + i] - ranges[i], 0);
    if (n < length)
      return descending ? ranges[half + i] - 1 - n : ranges[i] + n;
    n -= length;
  }
  llvm_unreachable("n is less than the count");
}

/// The operands that are numbers.
static OperandRange inputsOf(Operation *op) {
  if (isa<tile::ExtentOp, tile::LengthOp>(op))
    return {op->operand_end(), op->operand_end()};
  if (auto positions = dyn_cast<tile::PositionsOp>(op))
    return positions.getODSOperands(2); // the tile
  if (auto fetch = dyn_cast<tile::FetchOp>(op))
    return fetch.getCoordinates();
  return op->getOperands();
}

//===----------------------------------------------------------------------===//
// ScalarEvaluator
//===----------------------------------------------------------------------===//

void ScalarEvaluator::bind(Value value, int64_t number) {
  // A result is known only after its operands were, so whatever depends on
  // `value` hangs on it by known scalars.
  SmallVector<Value> stale{value};
  while (!stale.empty()) {
    Value known = stale.pop_back_val();
    if (!scalars.erase(known))
      continue;
    for (Operation *user : known.getUsers())
      stale.append(user->result_begin(), user->result_end());
  }
  elements.clear();
  scalars[value] = wrapped(value.getType(), number);
}

const int64_t *ScalarEvaluator::find(Value value) const {
  const auto &numbers = isTile(value) ? elements : scalars;
  auto found = numbers.find(value);
  return found == numbers.end() ? nullptr : &found->second;
}

Expected<int64_t> ScalarEvaluator::evaluate(Value scalar) {
  SmallVector<Value> open{scalar};
  while (!open.empty()) {
    Value value = open.back();
    if (find(value)) {
      open.pop_back();
      continue;
    }
    size_t before = open.size();
    if (Operation *op = value.getDefiningOp(); op && isInteger(value))
      for (Value input : inputsOf(op))
        if (isInteger(input) && !find(input))
          open.push_back(input);
    if (open.size() > before)
      continue;
    Expected<int64_t> number = compute(value);
    if (!number)
      return number;
    (isTile(value) ? elements : scalars)[value] = wrapped(value.getType(), *number);
    open.pop_back();
  }
  bool isTruth = elementType(scalar.getType()).isInteger(1);
  return isTruth ? *find(scalar) & 1 : *find(scalar);
}

Expected<int64_t> ScalarEvaluator::evaluate(Value tile, int64_t row, int64_t column) {
  if (this->row != row || this->column != column)
    elements.clear();
  this->row = row;
  this->column = column;
  return evaluate(tile);
}

/// `value` from its inputs, which are known where they are integers.
Expected<int64_t> ScalarEvaluator::compute(Value value) {
  if (auto blockArgument = dyn_cast<BlockArgument>(value))
    return argument(blockArgument);
  Operation *op = value.getDefiningOp();

  DenseElementsAttr dense;
  APInt number;
  if (isInteger(value) && matchPattern(value, m_ConstantInt(&number)))
    return number.getSExtValue();
  if (isInteger(value) && matchPattern(value, m_Constant(&dense)) && dense.isSplat())
    return dense.getSplatValue<APInt>().getSExtValue();

  if (auto length = dyn_cast<tile::LengthOp>(op)) {
    Expected<ViewExtents> view = extents(length.getView());
    return view ? Expected<int64_t>(view->rows) : view.takeError();
  }
  if (auto extent = dyn_cast<tile::ExtentOp>(op)) {
    Expected<ViewExtents> view = extents(extent.getView());
    if (!view)
      return view.takeError();
    switch (extent.getAxis()) {
    case tile::Axis::Batches:
      return view->batches;
    case tile::Axis::Heads:
      return view->heads;
    case tile::Axis::Rows:
      return view->rows;
    }
  }

  SmallVector<int64_t, 8> in;
  for (Value input : inputsOf(op)) {
    const int64_t *known = find(input);
    if (!known)
      return unknown(op);
    in.push_back(*known);
  }
  if (auto positions = dyn_cast<tile::PositionsOp>(op))
    return in[0] * positions.getTileSize() + (positions.isColumn() ? row : column);
  if (isa<tile::BroadcastOp, tensor::SplatOp>(op))
    return in[0];
  if (auto table = dyn_cast<tile::FetchOp>(op))
    return fetch(table.getTable(), in);
  if (isa<tile::CountOp>(op))
    return count(in);
  if (auto order = dyn_cast<tile::NthOp>(op))
    return nth(in, order.getDescending());
  if (auto span = dyn_cast<tile::RowSpanOp>(op)) {
    int64_t height = span.getHeight(), first = in[0] * height;
    return value == span.getFirst() ? first : std::min(first + height, in[1]) - 1;
  }
  return arithmetic(op, in);
}

static std::string nameOf(BlockArgument value) {
  auto func = dyn_cast<func::FuncOp>(value.getOwner()->getParentOp());
  auto name =
      func ? func.getArgAttrOfType<StringAttr>(value.getArgNumber(), argumentName) : StringAttr();
  return name ? name.str() : "";
}

Expected<int64_t> ScalarEvaluator::argument(BlockArgument value) const {
  std::string name = nameOf(value);
  auto found = arguments.indices.find(name);
  if (found != arguments.indices.end())
    return found->second;
  if (name.empty())
    return failure(fmt::format("cannot evaluate an argument of {} without a value",
                               value.getOwner()->getParentOp()->getName().getStringRef().str()));
  return failure(fmt::format("no value is given for the argument \"{}\"", name));
}

/// Outside of a table there are zeros.
Expected<int64_t> ScalarEvaluator::fetch(Value table, ArrayRef<int64_t> place) const {
  std::string name = nameOf(cast<BlockArgument>(table));
  auto found = arguments.tables.find(name);
  if (found == arguments.tables.end() || place.size() != 1)
    return failure(fmt::format("no numbers are given for the table \"{}\"", name));
  ArrayRef<int64_t> numbers = found->second;
  uint64_t at = place[0];
  return at < numbers.size() ? numbers[at] : 0;
}

Expected<ViewExtents> ScalarEvaluator::extents(Value view) const {
  auto argument = dyn_cast<BlockArgument>(view);
  std::string name = argument ? nameOf(argument) : "";
  auto found = arguments.views.find(name);
  if (found == arguments.views.end())
    return failure(fmt::format("no extents are given for the view \"{}\"", name));
  return found->second;
}

} // namespace tessera
