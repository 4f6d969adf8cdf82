// RUN: tessera-opt %s --canonicalize | FileCheck %s

// CHECK-LABEL: func @transpose_of_transpose
// CHECK-SAME:    %[[K:.*]]: tensor<64x128xf32>
func.func @transpose_of_transpose(%k: tensor<64x128xf32>) -> tensor<64x128xf32> {
  %kt = tile.transpose %k : tensor<64x128xf32>
  %same = tile.transpose %kt : tensor<128x64xf32>
  // CHECK-NEXT: return %[[K]]
  return %same : tensor<64x128xf32>
}

// CHECK-LABEL: func @broadcast_to_same_shape
// CHECK-SAME:    %[[TILE:.*]]: tensor<96x64xf32>
func.func @broadcast_to_same_shape(%tile: tensor<96x64xf32>) -> tensor<96x64xf32> {
  %same = tile.broadcast %tile : tensor<96x64xf32> -> tensor<96x64xf32>
  // CHECK-NEXT: return %[[TILE]]
  return %same : tensor<96x64xf32>
}

// CHECK-LABEL: func @broadcast_of_constant
func.func @broadcast_of_constant() -> tensor<96x64xf32> {
  // CHECK-NEXT: %[[ONES:.*]] = arith.constant dense<1.000000e+00> : tensor<96x64xf32>
  %ones = arith.constant dense<1.0> : tensor<96x1xf32>
  %tile = tile.broadcast %ones : tensor<96x1xf32> -> tensor<96x64xf32>
  // CHECK-NEXT: return %[[ONES]]
  return %tile : tensor<96x64xf32>
}

// A column whose elements differ stays a broadcast.

// CHECK-LABEL: func @broadcast_of_different_elements
func.func @broadcast_of_different_elements() -> tensor<2x64xf32> {
  // CHECK-NEXT: %[[COLUMN:.*]] = arith.constant
  %column = arith.constant dense<[[1.0], [2.0]]> : tensor<2x1xf32>
  // CHECK-NEXT: tile.broadcast %[[COLUMN]]
  %tile = tile.broadcast %column : tensor<2x1xf32> -> tensor<2x64xf32>
  return %tile : tensor<2x64xf32>
}

// Nothing computes a tile that nothing reads.

// CHECK-LABEL: func @unread
func.func @unread(%q: tensor<96x64xf32>, %k: tensor<64x64xf32>, %acc: tensor<96x64xf32>) {
  // CHECK-NEXT: return
  %kt = tile.transpose %k : tensor<64x64xf32>
  %s = tile.dot %q, %kt, %acc : tensor<96x64xf32>, tensor<64x64xf32> -> tensor<96x64xf32>
  %m = tile.reduce max %s : tensor<96x64xf32>
  return
}
