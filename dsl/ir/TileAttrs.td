//===- TileAttrs.td - enums of the tile dialect ------------*- tablegen -*-===//

#ifndef TESSERA_DSL_IR_TILEATTRS
#define TESSERA_DSL_IR_TILEATTRS

include "dsl/ir/TileDialect.td"
include "mlir/IR/EnumAttr.td"

def Tile_ReduceKind : I32EnumAttr<"ReduceKind", "How a row is reduced.", [
    I32EnumAttrCase<"Max", 0, "max">,
    I32EnumAttrCase<"Add", 1, "add">
  ]> {
  let cppNamespace = "::tessera::tile";
  let genSpecializedAttr = 0;
}
def Tile_ReduceKindAttr : EnumAttr<Tile_Dialect, Tile_ReduceKind, "reduce">;

def Tile_Axis : I32EnumAttr<"Axis", "An outer extent of a view.", [
    I32EnumAttrCase<"Batches", 0, "batches">,
    I32EnumAttrCase<"Heads", 1, "heads">,
    I32EnumAttrCase<"Rows", 2, "rows">
  ]> {
  let cppNamespace = "::tessera::tile";
  let genSpecializedAttr = 0;
}
def Tile_AxisAttr : EnumAttr<Tile_Dialect, Tile_Axis, "axis">;

def Tile_Padding : I32EnumAttr<"Padding",
    "What a load puts in the rows past the end of its view.", [
    I32EnumAttrCase<"Undefined", 0, "undefined">,
    I32EnumAttrCase<"Zero", 1, "zero">
  ]> {
  let cppNamespace = "::tessera::tile";
  let genSpecializedAttr = 0;
}
def Tile_PaddingAttr : EnumAttr<Tile_Dialect, Tile_Padding, "padding">;

#endif // TESSERA_DSL_IR_TILEATTRS
