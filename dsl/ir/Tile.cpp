//===- Tile.cpp - dialect, types and attributes ---------------------------===//

#include "dsl/ir/Tile.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace tessera::tile;

#include "dsl/ir/TileDialect.cpp.inc"
#include "dsl/ir/TileEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "dsl/ir/TileAttrs.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "dsl/ir/TileTypes.cpp.inc"

void TileDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dsl/ir/TileAttrs.cpp.inc"
      >();
  addTypes<
#define GET_TYPEDEF_LIST
#include "dsl/ir/TileTypes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dsl/ir/TileOps.cpp.inc"
      >();
}

// Folders make constants of tiles.
Operation *TileDialect::materializeConstant(OpBuilder &builder, Attribute value, Type type,
                                            Location loc) {
  return arith::ConstantOp::materialize(builder, value, type, loc);
}

/// `<64xbf16>`: one size and a type.
static ParseResult parseSized(AsmParser &parser, SMLoc &loc, int64_t &size, Type &element) {
  SmallVector<int64_t, 1> sizes;
  loc = parser.getCurrentLocation();
  if (parser.parseLess() || parser.parseDimensionList(sizes, /*allowDynamic=*/false) ||
      parser.parseType(element) || parser.parseGreater())
    return failure();
  if (sizes.size() != 1)
    return parser.emitError(loc, "expected one size, found ") << sizes.size();
  size = sizes.front();
  return success();
}

Type ViewType::parse(AsmParser &parser) {
  SMLoc loc;
  int64_t width;
  Type element;
  if (parseSized(parser, loc, width, element))
    return {};
  return parser.getChecked<ViewType>(loc, parser.getContext(), width, element);
}

void ViewType::print(AsmPrinter &printer) const {
  printer << '<' << getWidth() << 'x' << getElement() << '>';
}

LogicalResult ViewType::verify(function_ref<InFlightDiagnostic()> emitError, int64_t width,
                               Type element) {
  if (width <= 0) // view_c1
    return emitError() << "width must be positive, found " << width;
  if (!isa<Float32Type, Float16Type, BFloat16Type, Float8E4M3FNType, Float8E5M2Type>(
          element)) // view_c2
    return emitError() << "element type must be f32, f16, bf16, f8E4M3FN or f8E5M2, found "
                       << element;
  return success();
}

Type TableType::parse(AsmParser &parser) {
  SMLoc loc;
  int64_t rank;
  Type element;
  if (parseSized(parser, loc, rank, element))
    return {};
  return parser.getChecked<TableType>(loc, parser.getContext(), rank, element);
}

void TableType::print(AsmPrinter &printer) const {
  printer << '<' << getRank() << 'x' << getElement() << '>';
}

LogicalResult TableType::verify(function_ref<InFlightDiagnostic()> emitError, int64_t rank,
                                Type element) {
  if (rank < 1 || rank > 4) // table_c1
    return emitError() << "rank must be 1 to 4, found " << rank;
  if (!element.isF32() && !element.isInteger(32)) // table_c2
    return emitError() << "element type must be f32 or i32, found " << element;
  return success();
}

void tessera::registerDialects(DialectRegistry &registry) {
  registry
      .insert<TileDialect, arith::ArithDialect, func::FuncDialect, LLVM::LLVMDialect,
              math::MathDialect, scf::SCFDialect, tensor::TensorDialect, vector::VectorDialect>();
}
