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
    - (C2) `element` is f32, f16 or bf16.

    Example: `!tile.view<64xbf16>`
  }];
  let parameters = (ins "int64_t":$width, "::mlir::Type":$element);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}

def Tile_PerHeadType : Tile_Type<"PerHead", "per_head"> {
  let summary = "One f32 in memory for each batch and head.";
  let description = [{
    For instance ALiBi slopes or learned sinks. A value shared by all batches has
    a batch stride of zero.
  }];
}

#endif // TESSERA_DSL_IR_TILETYPES
