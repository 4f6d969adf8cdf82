//===- TileDialect.td - the tile dialect -------------------*- tablegen -*-===//

#ifndef TESSERA_DSL_IR_TILEDIALECT
#define TESSERA_DSL_IR_TILEDIALECT

include "mlir/IR/OpBase.td"

def Tile_Dialect : Dialect {
  let name = "tile";
  let cppNamespace = "::tessera::tile";
  let summary = "Attention programs over tiles.";
  let description = [{
    A program is a function over views of memory. It runs once for each point of
    its grid, loads tiles (tensors of rank 2 and static shape), computes on
    them, and stores tiles.

    Arithmetic on tiles is `arith` and `math`, loops over key tiles are
    `scf.for`, constants are `arith.constant` and `tensor.splat`. This dialect
    adds only what those cannot say: views and positions, matrix products, row
    reductions, masks, and questions about the dispatch key.

    Rows of a tile are independent of each other: no op moves data between the
    rows of its result. What is computed for a row past the end of its view is
    unspecified and is never stored.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
  let hasConstantMaterializer = 1;
  let useDefaultTypePrinterParser = 1;
  let useDefaultAttributePrinterParser = 1;
}

#endif // TESSERA_DSL_IR_TILEDIALECT
