// RUN: tessera-opt %s | tessera-opt | FileCheck %s
// RUN: tessera-opt %s --mlir-print-op-generic | tessera-opt | FileCheck %s

// A product adds to its accumulator. Operands may be narrower than the sum.

// CHECK-LABEL: func @dot
// CHECK-SAME:    %[[Q:.*]]: tensor<96x128xbf16>, %[[KT:.*]]: tensor<128x64xbf16>, %[[ACC:.*]]: tensor<96x64xf32>
func.func @dot(%q: tensor<96x128xbf16>, %kt: tensor<128x64xbf16>, %acc: tensor<96x64xf32>)
    -> tensor<96x64xf32> {
  // CHECK: tile.dot %[[Q]], %[[KT]], %[[ACC]] : tensor<96x128xbf16>, tensor<128x64xbf16> -> tensor<96x64xf32>
  %s = tile.dot %q, %kt, %acc : tensor<96x128xbf16>, tensor<128x64xbf16> -> tensor<96x64xf32>
  return %s : tensor<96x64xf32>
}

// The type of a transposed tile follows from that of the tile.

// CHECK-LABEL: func @transpose
// CHECK-SAME:    %[[K:.*]]: tensor<64x128xbf16>
func.func @transpose(%k: tensor<64x128xbf16>) -> tensor<128x64xbf16> {
  // CHECK: tile.transpose %[[K]] : tensor<64x128xbf16>
  %kt = tile.transpose %k : tensor<64x128xbf16>
  return %kt : tensor<128x64xbf16>
}

// A column, a row and a single element can be repeated; of any type.

// CHECK-LABEL: func @broadcast
// CHECK-SAME:    %[[COL:.*]]: tensor<96x1xf32>, %[[ROW:.*]]: tensor<1x64xi32>, %[[ONE:.*]]: tensor<1x1xi1>
func.func @broadcast(%col: tensor<96x1xf32>, %row: tensor<1x64xi32>, %one: tensor<1x1xi1>)
    -> (tensor<96x64xf32>, tensor<96x64xi32>, tensor<96x64xi1>) {
  // CHECK: tile.broadcast %[[COL]] : tensor<96x1xf32> -> tensor<96x64xf32>
  %a = tile.broadcast %col : tensor<96x1xf32> -> tensor<96x64xf32>
  // CHECK: tile.broadcast %[[ROW]] : tensor<1x64xi32> -> tensor<96x64xi32>
  %b = tile.broadcast %row : tensor<1x64xi32> -> tensor<96x64xi32>
  // CHECK: tile.broadcast %[[ONE]] : tensor<1x1xi1> -> tensor<96x64xi1>
  %c = tile.broadcast %one : tensor<1x1xi1> -> tensor<96x64xi1>
  return %a, %b, %c : tensor<96x64xf32>, tensor<96x64xi32>, tensor<96x64xi1>
}

// Each row is reduced to one element.

// CHECK-LABEL: func @reduce
// CHECK-SAME:    %[[S:.*]]: tensor<96x64xf32>
func.func @reduce(%s: tensor<96x64xf32>) -> (tensor<96x1xf32>, tensor<96x1xf32>) {
  // CHECK: tile.reduce max %[[S]] : tensor<96x64xf32>
  %max = tile.reduce max %s : tensor<96x64xf32>
  // CHECK: tile.reduce add %[[S]] : tensor<96x64xf32>
  %sum = tile.reduce add %s : tensor<96x64xf32>
  return %max, %sum : tensor<96x1xf32>, tensor<96x1xf32>
}

// Columns are numbered in one row.

// CHECK-LABEL: func @iota
func.func @iota() -> tensor<1x64xi32> {
  // CHECK: tile.iota : tensor<1x64xi32>
  %column = tile.iota : tensor<1x64xi32>
  return %column : tensor<1x64xi32>
}

// Runs of columns change places; tiles of any type have some.

// CHECK-LABEL: func @exchange
// CHECK-SAME:    %[[X:.*]]: tensor<96x64xf32>, %[[Y:.*]]: tensor<96x64xbf16>
func.func @exchange(%x: tensor<96x64xf32>, %y: tensor<96x64xbf16>)
    -> (tensor<96x64xf32>, tensor<96x64xbf16>) {
  // CHECK: tile.exchange %[[X]] by 32 : tensor<96x64xf32>
  %halves = tile.exchange %x by 32 : tensor<96x64xf32>
  // CHECK: tile.exchange %[[Y]] by 1 : tensor<96x64xbf16>
  %neighbours = tile.exchange %y by 1 : tensor<96x64xbf16>
  return %halves, %neighbours : tensor<96x64xf32>, tensor<96x64xbf16>
}
