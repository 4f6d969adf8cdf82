//===- TileTypes.td - types of the tile dialect ------------*- tablegen -*-===//

#ifndef TESSERA_DSL_IR_TILETYPES
#define TESSERA_DSL_IR_TILETYPES

include "dsl/ir/TileDialect.td"
include "mlir/IR/AttrTypeBase.td"

class Tile_Type<string name, string typeMnemonic> : TypeDef<Tile_Dialect, name> {
  let mnemonic = typeMnemonic;
}

def Tile_ViewType : Tile_Type<"View", "view"> {
  let summary = "Sequences of rows in memory, one for each batch and head.";
  let description = [{
    Rows of `width` contiguous elements. Where a row lies (dense with strides,
    packed sequences, pages) is not part of the type: it is decided when views
    are lowered, so a program does not change with it.

    Constraints:
    - (C1) `width` is positive.
    - (C2) `element` is f32, f16, bf16, f8E4M3FN or f8E5M2.

    Example: `!tile.view<64xbf16>`
  }];
  let parameters = (ins "int64_t":$width, "::mlir::Type":$element);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}

def Tile_TableType : Tile_Type<"Table", "table"> {
  let summary = "Numbers in memory beside the operands: lengths, slopes, biases.";
  let description = [{
    Up to four dimensions with strides of their own, so that a number shared by
    all batches or heads is stored once (a stride of zero).

    Constraints:
    - (C1) `rank` is 1 to 4.
    - (C2) `element` is f32 or i32.

    Example: `!tile.table<2xf32>`
  }];
  let parameters = (ins "int64_t":$rank, "::mlir::Type":$element);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}

#endif // TESSERA_DSL_IR_TILETYPES
