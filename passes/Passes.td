//===- Passes.td - every pass of the compiler --------------*- tablegen -*-===//
//
// In the order in which a program meets them. passes/Pipelines.cpp tells why.
//
//===----------------------------------------------------------------------===//

#ifndef TESSERA_PASSES
#define TESSERA_PASSES

include "mlir/Pass/PassBase.td"

//===----------------------------------------------------------------------===//
// Specialize: one variant out of the generic program
//===----------------------------------------------------------------------===//

def SpecializeKeyPass : Pass<"tile-specialize-key", "::mlir::ModuleOp"> {
  let summary = "Replace every query of the dispatch key by its constant.";
  let description = [{
    Input:            `%causal = tile.key_flag "causal"`
    Output (causal):  `%causal = arith.constant true`

    Writes the key on the module (`tile.key`). Leaves no `tile.key_flag`; the
    canonicalizer then drops what became dead.
  }];
  let options = [
    Option<"key", "key", "std::string", "\"\"",
           "The key's text, for instance causal,d64.">
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def DropUnusedArgumentsPass : Pass<"tile-drop-unused-arguments", "::mlir::func::FuncOp"> {
  let summary = "Remove arguments that nothing reads any more.";
  let description = [{
    Input:   `func.func @f(%q: !tile.view<64xf32>, %slopes: !tile.per_head) { ...no slopes... }`
    Output:  `func.func @f(%q: !tile.view<64xf32>) { ... }`

    A call binds arguments by name (`tile.name`), so it need not know which are
    left.
  }];
}

def SplitMaskedLoopsPass : Pass<"tile-split-masked-loops", "::mlir::func::FuncOp"> {
  let summary = "Visit only tiles in which something is visible; mask only those partly visible.";
  let description = [{
    Input:   one `scf.for` over all key tiles whose body holds a `tile.mask`.
    Output:  two loops, over the ranges of tiles that are partly visible (with
             the mask) and over those fully visible (without it):

    ```mlir
    %m = tile.count (%diagonal) to (%end)
    %0 = scf.for %t = %c0 to %m ... { %j = tile.nth %t of (%diagonal) to (%end) ... tile.mask ... }
    %f = tile.count (%c0) to (%diagonal)
    %1 = scf.for %t = %c0 to %f ... { %j = tile.nth %t of (%c0) to (%diagonal) ... }
    ```

    The ranges are closed forms of the tile of queries, from the interval
    analysis in `passes/specialize/VisibleRange.h`. They are exact for comparisons
    of a query's position, a key's position and values that are the same for the whole tile,
    joined by and, or and not. A part of a predicate that the analysis does not
    understand counts as possibly true and possibly false, so its tiles are
    visited with the mask.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect"];
  let statistics = [
    Statistic<"split", "split-loops", "Loops split into masked and unmasked.">
  ];
}

def GuardUndecidedMasksPass : Pass<"tile-guard-undecided-masks", "::mlir::func::FuncOp"> {
  let summary = "Decide at run time whether a tile is visited, where analysis could not.";
  let description = [{
    Input:   a loop whose mask holds a part that the visible-range analysis does
             not understand.
    Output:  its body under `scf.if (tile.any %keep)`; without a visible element
             the state passes through unchanged, which `tile.mask` promises.
  }];
  let dependentDialects = ["::mlir::scf::SCFDialect"];
}

def VerifySpecializedPass : Pass<"tile-verify-specialized", "::mlir::ModuleOp"> {
  let summary = "Check what must hold at the stage `specialized`.";
  let description = [{
    - One function, with one grid.
    - No op asks for the key.
    - Every argument is used and has a name.
  }];
}

def ExpandRangesPass : Pass<"tile-expand-ranges", "::mlir::func::FuncOp"> {
  let summary = "Lower lists of ranges to integer arithmetic.";
  let description = [{
    Input:   `%j = tile.nth %t of (%s0, %s1) to (%e0, %e1)`
    Output:  `%j = select(%t < %len0, %s0 + %t, %s1 + %t - %len0)`

    Leaves no `tile.count` and no `tile.nth`.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

//===----------------------------------------------------------------------===//
// Host: a specialized program to vector code for this CPU
//===----------------------------------------------------------------------===//

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

#endif // TESSERA_PASSES
