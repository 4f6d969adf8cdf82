//===- TileOps.td - operations of the tile dialect ---------*- tablegen -*-===//

#ifndef TESSERA_DSL_IR_TILEOPS
#define TESSERA_DSL_IR_TILEOPS

include "dsl/ir/TileAttrs.td"
include "dsl/ir/TileTypes.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class Tile_Op<string opMnemonic, list<Trait> traits = []>
    : Op<Tile_Dialect, opMnemonic, traits>;

/// Rank 2, static shape.
class Tile_TileOf<list<Type> elements>
    : RankedTensorOf<elements, [HasStaticShapePred, HasAnyRankOfPred<[2]>], "tile">;

def Tile_Tile : Tile_TileOf<[AnyType]>;
def Tile_FloatTile : Tile_TileOf<[AnyFloat]>;
def Tile_F32Tile : Tile_TileOf<[F32]>;
def Tile_PositionTile : Tile_TileOf<[I32]>;
def Tile_MaskTile : Tile_TileOf<[I1]>;

//===----------------------------------------------------------------------===//
// The key and the grid
//===----------------------------------------------------------------------===//

def Tile_KeyFlagOp : Tile_Op<"key_flag", [Pure]> {
  let summary = "Whether a feature of the dispatch key is on.";
  let description = [{
    Stays symbolic until `tile-specialize-key` replaces it by a constant.

    Constraints:
    - (C1) `flag` is the spelling of a flag in `dsl/Key.def`.

    Example:
    ```mlir
    %causal = tile.key_flag "causal"
    ```
  }];
  let arguments = (ins StrAttr:$flag);
  let results = (outs I1:$result);
  let assemblyFormat = "$flag attr-dict";
  let hasVerifier = 1;
}

def Tile_GridOp : Tile_Op<"grid"> {
  let summary = "The extents of the program's grid, and this point in it.";
  let description = [{
    The program runs once for each point. Points are independent and run in any
    order and at the same time.

    Constraints:
    - (C1) A function has at most one grid, and it stands in its entry block.

    Example:
    ```mlir
    %tile, %head, %batch = tile.grid %tiles, %heads, %batches
    ```
  }];
  let arguments = (ins Index:$tiles, Index:$heads, Index:$batches);
  let results = (outs Index:$tile, Index:$head, Index:$batch);
  let assemblyFormat = "$tiles `,` $heads `,` $batches attr-dict";
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Views
//===----------------------------------------------------------------------===//

def Tile_ExtentOp : Tile_Op<"extent", [Pure]> {
  let summary = "How many batches, heads or rows a view has.";
  let description = [{
    `rows` is the length of its longest sequence.

    Example:
    ```mlir
    %heads = tile.extent %q heads : !tile.view<64xbf16>
    ```
  }];
  let arguments = (ins Tile_ViewType:$view, Tile_AxisAttr:$axis);
  let results = (outs Index:$result);
  let assemblyFormat = "$view `` $axis attr-dict `:` qualified(type($view))";
}

def Tile_LengthOp : Tile_Op<"length", [Pure]> {
  let summary = "How many rows the view has in one batch.";
  let description = [{
    Example:
    ```mlir
    %length = tile.length %k[%batch] : !tile.view<64xbf16>
    ```
  }];
  let arguments = (ins Tile_ViewType:$view, Index:$batch);
  let results = (outs Index:$result);
  let assemblyFormat = "$view `[` $batch `]` attr-dict `:` qualified(type($view))";
}

def Tile_PositionsOp : Tile_Op<"positions", [Pure]> {
  let summary = "The places in their sequence of the rows of one tile of a view.";
  let description = [{
    Tile `t` of height `n` holds the rows `t * n` to `t * n + n - 1`. The result
    is a column (`n x 1`, to compare with the rows of a tile) or a row (`1 x n`,
    to compare with its columns).

    A column stands for the rows of the program's result: those past the end
    of the view are never stored, so analyses leave them out. A row says nothing
    of the kind; a program masks the columns past the end itself.

    Constraints:
    - (C1) The result has one row or one column.

    Example:
    ```mlir
    %row = tile.positions %q[%batch] tile %i : !tile.view<64xbf16> -> tensor<96x1xi32>
    %col = tile.positions %k[%batch] tile %j : !tile.view<64xbf16> -> tensor<1x64xi32>
    ```
  }];
  let arguments = (ins Tile_ViewType:$view, Index:$batch, Index:$tile);
  let results = (outs Tile_PositionTile:$result);
  let assemblyFormat = [{
    $view `[` $batch `]` `tile` $tile attr-dict `:` qualified(type($view)) `->` type($result)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// Rows of the view in one tile.
    int64_t getTileSize() { return getResult().getType().getNumElements(); }
    /// True if the result is a column (`n x 1`).
    bool isColumn() { return getResult().getType().getDimSize(1) == 1; }
  }];
}

def Tile_LoadOp : Tile_Op<"load", [Pure, AttrSizedOperandSegments]> {
  let summary = "Load one tile of a view.";
  let description = [{
    Reads rows `t * n` to `t * n + n - 1` of one batch and head. Memory past the
    end of the sequence is not touched; the rows there are zero with `padding
    zero` and unspecified otherwise. Views that are loaded do not change while
    the program runs, so a load has no side effect.

    Rows are counted from row `from` of the sequence (0 if absent), which then
    has `of` rows (those of the view if absent). With `through`, batch b of the
    view is page b, and row r of sequence b lies in row `r mod n` of page
    `pages[b, r / n]`, n being the rows of a page.

    Constraints:
    - (C1) The result is as wide as the view.
    - (C2) The result has the element type of the view.
    - (C3) `pages` is a table of rank 2 of i32.

    Example:
    ```mlir
    %v = tile.load %values[%batch, %head] tile %j padding zero
           : !tile.view<64xbf16> -> tensor<64x64xbf16>
    %k = tile.load %keys[%batch, %head] tile %j of %length through %table padding undefined
           : !tile.view<64xbf16>, !tile.table<2xi32> -> tensor<64x64xbf16>
    ```
  }];
  let arguments = (ins Tile_ViewType:$view, Index:$batch, Index:$head, Index:$tile,
                       Optional<Index>:$start, Optional<Index>:$length,
                       Optional<Tile_TableType>:$pages, Tile_PaddingAttr:$padding);
  let results = (outs Tile_FloatTile:$result);
  let assemblyFormat = [{
    $view `[` $batch `,` $head `]` `tile` $tile (`from` $start^)? (`of` $length^)?
    (`through` $pages^)? `padding` `` $padding attr-dict
    `:` qualified(type($view)) (`,` qualified(type($pages))^)? `->` type($result)
  }];
  let hasVerifier = 1;
}

def Tile_StoreOp : Tile_Op<"store", [MemoryEffects<[MemWrite]>, AttrSizedOperandSegments]> {
  let summary = "Store one tile of a view.";
  let description = [{
    The counterpart of `tile.load`. Rows past the end of the sequence are not
    written.

    Constraints:
    - (C1) The value is as wide as the view.
    - (C2) The value has the element type of the view.
    - (C3) `pages` is a table of rank 2 of i32.

    Example:
    ```mlir
    tile.store %out, %o[%batch, %head] tile %i : tensor<96x64xbf16>, !tile.view<64xbf16>
    tile.store %new, %cache[%batch, %head] tile %i from %used of %count
      : tensor<96x64xbf16>, !tile.view<64xbf16>
    ```
  }];
  let arguments = (ins Tile_FloatTile:$value, Tile_ViewType:$view, Index:$batch,
                       Index:$head, Index:$tile, Optional<Index>:$start,
                       Optional<Index>:$length, Optional<Tile_TableType>:$pages);
  let assemblyFormat = [{
    $value `,` $view `[` $batch `,` $head `]` `tile` $tile (`from` $start^)? (`of` $length^)?
    (`through` $pages^)? attr-dict
    `:` type($value) `,` qualified(type($view)) (`,` qualified(type($pages))^)?
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Tables
//===----------------------------------------------------------------------===//

def Tile_FetchOp : Tile_Op<"fetch", [Pure]> {
  let summary = "Read one number of a table.";
  let description = [{
    Outside of the table there are zeros, and no memory is read.

    Constraints:
    - (C1) There are as many coordinates as the table has dimensions.
    - (C2) The result has the element type of the table.

    Example:
    ```mlir
    %slope = tile.fetch %slopes[%batch, %head] : !tile.table<2xf32> -> f32
    ```
  }];
  let arguments = (ins Tile_TableType:$table, Variadic<Index>:$coordinates);
  let results = (outs AnyTypeOf<[F32, I32]>:$result);
  let assemblyFormat = [{
    $table `[` $coordinates `]` attr-dict `:` qualified(type($table)) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Tile_GatherOp : Tile_Op<"gather", [Pure]> {
  let summary = "Read a number of a table for each element of a tile.";
  let description = [{
    The element at row i and column j is that of the table at the coordinates
    which stand at row i and column j. Outside of the table there are zeros, and
    no memory is read.

    Constraints:
    - (C1) There are as many coordinates as the table has dimensions.
    - (C2) The result has the element type of the table, and the coordinates
      have the shape of the result.

    Example:
    ```mlir
    %bias = tile.gather %table[%head, %distance] : !tile.table<2xf32>, tensor<96x64xi32> -> tensor<96x64xf32>
    ```
  }];
  let arguments = (ins Tile_TableType:$table, Variadic<Tile_PositionTile>:$coordinates);
  let results = (outs Tile_TileOf<[F32, I32]>:$result);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Tiles
//===----------------------------------------------------------------------===//

def Tile_DotOp : Tile_Op<"dot", [Pure, AllTypesMatch<["acc", "result"]>]> {
  let summary = "Matrix multiply-accumulate over tiles: `acc + lhs * rhs`.";
  let description = [{
    Products are exact and summed in f32, in an order of the target's choice.
    With `skip_zeros` a zero of `lhs` contributes nothing, even where the element
    of `rhs` is infinite or NaN: a probability that a mask has made zero keeps
    the value it hides out of the sum.

    Constraints:
    - (C1) The columns of `lhs` equal the rows of `rhs`.
    - (C2) `acc` has the rows of `lhs` and the columns of `rhs`.

    Example:
    ```mlir
    %s = tile.dot %q, %kt, %zero
           : tensor<96x64xbf16>, tensor<64x64xbf16> -> tensor<96x64xf32>
    ```
  }];
  let arguments = (ins Tile_FloatTile:$lhs, Tile_FloatTile:$rhs, Tile_F32Tile:$acc,
                       UnitAttr:$skip_zeros);
  let results = (outs Tile_F32Tile:$result);
  let assemblyFormat = [{
    $lhs `,` $rhs `,` $acc (`skip_zeros` $skip_zeros^)? attr-dict
    `:` type($lhs) `,` type($rhs) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Tile_TransposeOp : Tile_Op<"transpose", [Pure, InferTypeOpAdaptor]> {
  let summary = "Exchange the rows and columns of a tile.";
  let description = [{
    Example:
    ```mlir
    %kt = tile.transpose %k : tensor<64x128xbf16>
    ```
  }];
  let arguments = (ins Tile_Tile:$source);
  let results = (outs Tile_Tile:$result);
  let assemblyFormat = "$source attr-dict `:` type($source)";
  let hasFolder = 1;
}

def Tile_IotaOp : Tile_Op<"iota", [Pure]> {
  let summary = "The number of each column.";
  let description = [{
    Constraints:
    - (C1) The result has one row.

    Example:
    ```mlir
    %column = tile.iota : tensor<1x64xi32>
    ```
  }];
  let arguments = (ins);
  let results = (outs Tile_PositionTile:$result);
  let assemblyFormat = "attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Tile_ExchangeOp : Tile_Op<"exchange", [Pure, SameOperandsAndResultType]> {
  let summary = "Exchange neighbouring runs of columns.";
  let description = [{
    Runs of `run` columns change places with their neighbours: the first with the
    second, the third with the fourth. Columns that have no whole pair of runs
    around them stay.

    Constraints:
    - (C1) `run` is positive.

    Example:
    ```mlir
    %y = tile.exchange %x by 32 : tensor<96x64xf32>
    ```
  }];
  let arguments = (ins Tile_Tile:$source, I64Attr:$run);
  let results = (outs Tile_Tile:$result);
  let assemblyFormat = "$source `by` $run attr-dict `:` type($source)";
  let hasVerifier = 1;
}

def Tile_BroadcastOp : Tile_Op<"broadcast", [Pure, SameOperandsAndResultElementType]> {
  let summary = "Repeat a row or a column.";
  let description = [{
    Constraints:
    - (C1) Each extent of the source is one or that of the result.

    Example:
    ```mlir
    %m2 = tile.broadcast %m : tensor<96x1xf32> -> tensor<96x64xf32>
    ```
  }];
  let arguments = (ins Tile_Tile:$source);
  let results = (outs Tile_Tile:$result);
  let assemblyFormat = "$source attr-dict `:` type($source) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Tile_ReduceOp : Tile_Op<"reduce", [Pure, InferTypeOpAdaptor]> {
  let summary = "The maximum or the sum of each row.";
  let description = [{
    Summed in f32 in an order of the target's choice. A NaN in a row makes a sum
    NaN; a maximum may pass it over.

    Example:
    ```mlir
    %max = tile.reduce max %s : tensor<96x64xf32>
    ```
  }];
  let arguments = (ins Tile_ReduceKindAttr:$kind, Tile_F32Tile:$source);
  let results = (outs Tile_F32Tile:$result);
  let assemblyFormat = "`` $kind $source attr-dict `:` type($source)";
}

def Tile_PartialReduceOp : Tile_Op<"partial_reduce", [Pure]> {
  let summary = "The maxima or the sums of groups of columns, as many as the result has columns.";
  let description = [{
    Which columns are one group is the target's choice; reduced, a row of the result
    gives what the row of the source does. So a loop can add up partial sums and
    reduce them once behind it, and partial maxima can be looked at before they are one.

    Constraints:
    - (C1) Source and result have the same rows.

    Example:
    ```mlir
    %part = tile.partial_reduce add %e : tensor<128x64xf32> -> tensor<128x4xf32>
    %sum = tile.reduce add %part : tensor<128x4xf32>
    ```
  }];
  let arguments = (ins Tile_ReduceKindAttr:$kind, Tile_F32Tile:$source);
  let results = (outs Tile_F32Tile:$result);
  let assemblyFormat = "`` $kind $source attr-dict `:` type($source) `->` type($result)";
  let hasVerifier = 1;
}

def Tile_SpreadOp : Tile_Op<"spread", [Pure]> {
  let summary = "Columns whose sum is a given column.";
  let description = [{
    The inverse of `tile.reduce add`, in the sense that the rows of the result
    add up to the source. How the sum is spread over the columns is the target's choice.

    Constraints:
    - (C1) The source has one column, and the rows of the result.

    Example:
    ```mlir
    %part = tile.spread %l : tensor<128x1xf32> -> tensor<128x4xf32>
    ```
  }];
  let arguments = (ins Tile_F32Tile:$source);
  let results = (outs Tile_F32Tile:$result);
  let assemblyFormat = "$source attr-dict `:` type($source) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

//===----------------------------------------------------------------------===//
// Masks and the tiles they leave
//===----------------------------------------------------------------------===//

def Tile_MaskOp : Tile_Op<"mask", [
    Pure, AllTypesMatch<["source", "result"]>,
    TypesMatchWith<"keep has the shape of source", "source", "keep", [{
      ::llvm::cast<::mlir::ShapedType>($_self).clone(
          ::mlir::IntegerType::get($_self.getContext(), 1))
    }]>
  ]> {
  let summary = "Scores where `keep` holds, minus infinity elsewhere.";
  let description = [{
    A mask also makes a promise about the loop around it: an iteration in which
    nothing is kept leaves the loop's state as it was, and the order of the
    iterations does not matter. Passes use it to visit only the tiles in which
    something is kept.

    Example:
    ```mlir
    %x = tile.mask %s, %keep : tensor<96x64xf32>
    ```
  }];
  let arguments = (ins Tile_F32Tile:$source, Tile_MaskTile:$keep);
  let results = (outs Tile_F32Tile:$result);
  let assemblyFormat = "$source `,` $keep attr-dict `:` type($source)";
  let hasFolder = 1;
}

def Tile_AnyOp : Tile_Op<"any", [Pure]> {
  let summary = "Whether anything in a mask is kept.";
  let description = [{
    Example:
    ```mlir
    %some = tile.any %keep : tensor<96x64xi1>
    ```
  }];
  let arguments = (ins Tile_MaskTile:$keep);
  let results = (outs I1:$result);
  let assemblyFormat = "$keep attr-dict `:` type($keep)";
}

def Tile_CountOp : Tile_Op<"count", [Pure, AttrSizedOperandSegments]> {
  let summary = "How many indices a list of ranges holds.";
  let description = [{
    Ranges are half-open. One whose end is not after its start is empty.

    Constraints:
    - (C1) There are as many starts as ends.

    Example:
    ```mlir
    %n = tile.count (%start0, %start1) to (%end0, %end1)
    ```
  }];
  let arguments = (ins Variadic<Index>:$starts, Variadic<Index>:$ends);
  let results = (outs Index:$result);
  let assemblyFormat = "` ` `(` $starts `)` `to` ` ` `(` $ends `)` attr-dict";
  let hasVerifier = 1;
}

def Tile_NthOp : Tile_Op<"nth", [Pure, AttrSizedOperandSegments]> {
  let summary = "The `n`-th index of a list of ranges, counted from zero.";
  let description = [{
    The ranges are taken one after the other, as in `tile.count`; each from its start on, or
    with `descending` from its end on.

    Constraints:
    - (C1) There are as many starts as ends.

    Example:
    ```mlir
    %j = tile.nth %t of (%start0, %start1) to (%end0, %end1)
    %i = tile.nth %t descending of (%start) to (%end)
    ```
  }];
  let arguments = (ins Index:$n, Variadic<Index>:$starts, Variadic<Index>:$ends,
                       UnitAttr:$descending);
  let results = (outs Index:$result);
  let assemblyFormat = [{
    $n (`descending` $descending^)? `of` ` ` `(` $starts `)` `to` ` ` `(` $ends `)` attr-dict
  }];
  let hasVerifier = 1;
}

def Tile_RowSpanOp : Tile_Op<"row_span", [Pure]> {
  let summary = "The first and the last row of a tile that are there.";
  let description = [{
    Of a sequence of `length` rows in tiles of `height`: `tile * height`, and
    `min(tile * height + height, length) - 1`. What is computed of it holds for all rows of
    the tile, and can be computed again for some of them.

    Example:
    ```mlir
    %first, %last = tile.row_span %i of %length height 128
    ```
  }];
  let arguments = (ins Index:$tile, Index:$length, I64Attr:$height);
  let results = (outs Index:$first, Index:$last);
  let assemblyFormat = "$tile `of` $length `height` $height attr-dict";
  let hasFolder = 1;
}

#endif // TESSERA_DSL_IR_TILEOPS
