//===- Passes.td - to vector code for this CPU -------------*- tablegen -*-===//
//
// In the order in which a program meets them. passes/Pipelines.cpp tells why.
//
//===----------------------------------------------------------------------===//

#ifndef TESSERA_PASSES_HOST
#define TESSERA_PASSES_HOST

include "mlir/Pass/PassBase.td"

def SkipIdlePointsPass : Pass<"tile-skip-idle-points", "::mlir::func::FuncOp"> {
  let summary = "Points of the grid past the end of a sequence do nothing.";
  let description = [{
    The grid covers the longest sequence; in shorter ones its last points have
    nothing to write. Where every store says how many rows there are, everything
    but the lengths goes under `scf.if (tile * rows < length)`.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect"];
}

def OutlineGridPass : Pass<"tile-outline-grid", "::mlir::ModuleOp"> {
  let summary = "Separate the extents of the grid from the work of one point.";
  let description = [{
    Input:   `func.func @f(args) { %t, %h, %b = tile.grid %tiles, %heads, %batches ... }`
    Output:  `func.func @f_extents(args) -> (index, index, index)` and
             `func.func @f(args, %t: index, %h: index, %b: index)`.

    Leaves no `tile.grid`. Who launches the program spreads the points.
  }];
  let dependentDialects = ["::mlir::func::FuncDialect"];
}

def TileToVectorPass : Pass<"tile-to-vector", "::mlir::ModuleOp"> {
  let summary = "Lower tiles to register-blocked loops over vectors.";
  let description = [{
    Tiles become buffers in a scratch area whose rows are lanes of vectors: the
    element at row r and column c of a tile with M rows lies at `c * M + r`. So
    softmax needs no reduction across lanes, and a matrix product reads its
    right operand as broadcasts straight from the natural layout of keys and
    values. Elementwise chains are computed where they are used; what is row-wise
    between two products becomes one loop over chunks of rows.

    Arguments become one block of memory (`passes/ArgumentBlock.h`):
    `func.func @f(%arguments: !llvm.ptr, %tile, %head, %batch: index, %scratch: !llvm.ptr)`.
    The bytes of scratch a point needs are written on the function
    (`tile.scratch_bytes`). Leaves no tile op.
  }];
  let options = [
    Option<"vectorBits", "vector-bits", "int64_t", "256", "Bits of a vector register.">,
    Option<"registers", "registers", "int64_t", "16", "Vector registers of the machine.">,
    Option<"checked", "checked", "bool", "false",
           "Check the bounds of loads and stores, and poison padding and scratch with NaN.">
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
    "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect",
    "::mlir::LLVM::LLVMDialect", "::mlir::func::FuncDialect"
  ];
}

def ExpandFp8Pass : Pass<"tile-expand-fp8", "::mlir::func::FuncOp"> {
  let summary = "Expand conversions from and to fp8; its values become bytes.";
  let description = [{
    LLVM has no type for fp8. For `f8E4M3FN` and `f8E5M2`, scalars and vectors:

    Input:   `%x = arith.extf %v : vector<16xf8E5M2> to vector<16xf32>`
    Output:  `%x = arith.extf` of an f16 that holds the same number, or for
             `f8E4M3FN` the number times 2^-8, which one product undoes. Exact.
    Input:   `%v = arith.truncf %x : vector<16xf32> to vector<16xf8E4M3FN>`
    Output:  an addition of f32 that rounds to the nearest number of fp8, ties to
             even, then integer arithmetic on its bits.

    Both know subnormal numbers, and NaN stays NaN. What rounds beyond the
    greatest number becomes NaN in `f8E4M3FN` and infinity in `f8E5M2`.

    In memory fp8 is `i8`: an `arith.bitcast` in between disappears. Leaves no
    value of the two types; any other op on one is an error.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def ExpandMathPass : Pass<"tile-expand-math", "::mlir::func::FuncOp"> {
  let summary = "Expand exp2, log2 and tanh into vector arithmetic.";
  let description = [{
    Within two units in the last place of f32. `exp2` flushes results below
    2^-126 to zero; NaN passes through.

    Input:   `%e = math.exp2 %x : vector<16xf32>`
    Output:  a polynomial of degree six and an exponent built from integer bits.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
                           "::mlir::vector::VectorDialect"];
}

#endif // TESSERA_PASSES_HOST
