//===- Passes.td - one variant out of the generic program --*- tablegen -*-===//
//
// In the order in which a program meets them. passes/Pipelines.cpp tells why.
//
//===----------------------------------------------------------------------===//

#ifndef TESSERA_PASSES_SPECIALIZE
#define TESSERA_PASSES_SPECIALIZE

include "mlir/Pass/PassBase.td"

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
    Input:   `func.func @f(%q: !tile.view<64xf32>, %slopes: !tile.table<2xf32>) { ...no slopes... }`
    Output:  `func.func @f(%q: !tile.view<64xf32>) { ... }`

    A call binds arguments by name (`tile.name`), so it need not know which are
    left.
  }];
}

def MergeFactorsPass : Pass<"tile-merge-factors", "::mlir::func::FuncOp"> {
  let summary = "Scale every element of a tile once, by the product of the factors.";
  let description = [{
    Input:   `(%t * splat(%a)) * splat(%b)`
    Output:  `%t * splat(%a * %b)`

    One multiplication of f32 per element instead of two; the product of the
    factors is a scalar, so it leaves the loop. This happens to the scale of the
    scores, `log2(e)` for `exp2` and the scales of quantised keys and values.

    A factor is a `tensor.splat` or a constant that is the same for all elements.
    A division counts as one together with a multiplication:

    ```mlir
    (%t / splat(%a)) * splat(%b)  ->  %t * splat(%b / %a)
    (%t * splat(%a)) / splat(%b)  ->  %t * splat(%a / %b)
    ```

    A division alone stays, and so does a scaled tile that something else reads
    too. Results change by an ulp, as the product is rounded in another order, and
    the product of the factors itself must fit into f32.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::tensor::TensorDialect"];
  let statistics = [
    Statistic<"merged", "merged-factors", "Multiplications or divisions of tiles saved.">
  ];
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

    With `descending`, tiles are visited from the last to the first: a loop for those that are
    partly visible at the end, one for those fully visible, and one for the rest, each over the
    range that ends where that of the loop before begins. Where visible tiles are not
    neighbours there are two loops all the same.
  }];
  let options = [
    Option<"descending", "descending", "bool", "false", "From the last tile to the first.">
  ];
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

def LowerViewsPass : Pass<"tile-lower-views", "::mlir::ModuleOp"> {
  let summary = "Say where the rows of packed, partly used and paged sequences lie.";
  let description = [{
    A view names its sequences (`tile.sequences`), and the module's key says how
    they are kept. Lengths become arithmetic over tables; loads and stores say
    from which row of the view they count, how many rows there are, and through
    which pages they lie. What only a call knows is added as arguments:
    `cu_seqlens_<s>`, `seqused_<s>`, `page_table`, `batch`, `max_seqlen_<s>`.

    Input (varlen_q):
    ```mlir
    %n = tile.length %q[%batch] : !tile.view<64xf32>
    %x = tile.load %q[%batch, %head] tile %i padding undefined : ...
    ```
    Output:
    ```mlir
    %first = tile.fetch %cu_seqlens_q[%batch]      // and %next[%batch + 1]
    %n = arith.subi %next, %first
    %x = tile.load %q[%c0, %head] tile %i from %first of %n padding undefined : ...
    ```

    Dense views stay as they are: their strides are arguments already.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
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

#endif // TESSERA_PASSES_SPECIALIZE
