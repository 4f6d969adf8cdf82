//===- Sm.cpp - dialect, types and verifiers ------------------------------===//

#include "passes/ir/Sm.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace tessera::sm;

/// `128x64`: two extents. Shared by the types of this dialect.
static ParseResult parseExtents(AsmParser &parser, int64_t &rows, int64_t &columns) {
  SmallVector<int64_t, 2> extents;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseDimensionList(extents, /*allowDynamic=*/false, /*withTrailingX=*/false))
    return failure();
  if (extents.size() != 2)
    return parser.emitError(loc, "expected two extents, found ") << extents.size();
  rows = extents[0];
  columns = extents[1];
  return success();
}

static void printExtents(AsmPrinter &printer, int64_t rows, int64_t columns) {
  printer << rows << 'x' << columns;
}

#include "passes/ir/SmDialect.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "passes/ir/SmTypes.cpp.inc"

#define GET_OP_CLASSES
#include "passes/ir/SmOps.cpp.inc"

void SmDialect::initialize() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "passes/ir/SmTypes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "passes/ir/SmOps.cpp.inc"
      >();
}

LogicalResult FillOp::verify() {
  RingType ring = getRing().getType();
  tessera::tile::ViewType view = getView().getType();
  if (view.getWidth() != ring.getColumns() || view.getElement() != ring.getElement()) // fill_c1
    return emitOpError("view of ")
           << view.getWidth() << " x " << view.getElement() << " does not fit a ring of "
           << ring.getColumns() << " x " << ring.getElement();
  return success();
}

LogicalResult TellOp::verify() {
  if (getValues().size() != getResults().size()) // tell_c1
    return emitOpError("has ") << getValues().size() << " values and " << getResults().size()
                               << " results";
  return success();
}

/// A slot that `op` takes from a ring is one of it.
static LogicalResult verifySlot(Operation *op, RingType ring, SlotType slot) {
  if (slot.getRows() != ring.getRows() || slot.getColumns() != ring.getColumns() ||
      slot.getElement() != ring.getElement()) // acquire_c1, held_c1
    return op->emitOpError("slot ") << slot << " is not one of the ring " << ring;
  return success();
}

LogicalResult AcquireOp::verify() {
  return verifySlot(*this, getRing().getType(), getSlot().getType());
}

LogicalResult HeldOp::verify() {
  return verifySlot(*this, getRing().getType(), getSlot().getType());
}

Value tessera::sm::ringOf(Value slot) {
  if (auto held = slot.getDefiningOp<HeldOp>())
    return held.getRing();
  return slot.getDefiningOp<AcquireOp>().getRing();
}

void DotOp::build(OpBuilder &builder, OperationState &state, Type result, Value lhs, Value rhs,
                  Value acc, bool transposed) {
  build(builder, state, result, lhs, rhs, acc, transposed ? builder.getUnitAttr() : UnitAttr());
}

LogicalResult DotOp::verify() {
  int64_t columns;
  if (auto slot = dyn_cast<SlotType>(getLhs().getType()))
    columns = slot.getColumns();
  else
    columns = cast<RankedTensorType>(getLhs().getType()).getDimSize(1);
  SlotType rhs = getRhs().getType();
  int64_t depth = getTransposed() ? rhs.getColumns() : rhs.getRows();
  if (columns != depth) // dot_c1
    return emitOpError("contraction sizes differ: lhs has ")
           << columns << " columns, rhs has " << depth;
  return success();
}
