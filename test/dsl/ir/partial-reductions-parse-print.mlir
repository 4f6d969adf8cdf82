// RUN: tessera-opt %s | tessera-opt | FileCheck %s
// RUN: tessera-opt %s --mlir-print-op-generic | tessera-opt | FileCheck %s

// The sum or the maximum of a row, put off: some columns that give the same, reduced.

// CHECK-LABEL: func @partial_reductions
// CHECK-SAME:    %[[E:.*]]: tensor<128x64xf32>
func.func @partial_reductions(%e: tensor<128x64xf32>) -> (tensor<128x4xf32>, tensor<128x4xf32>) {
  // CHECK: %[[SUM:.*]] = tile.partial_reduce add %[[E]] : tensor<128x64xf32> -> tensor<128x4xf32>
  %sum = tile.partial_reduce add %e : tensor<128x64xf32> -> tensor<128x4xf32>
  // CHECK: %[[MAX:.*]] = tile.partial_reduce max %[[E]] : tensor<128x64xf32> -> tensor<128x4xf32>
  %max = tile.partial_reduce max %e : tensor<128x64xf32> -> tensor<128x4xf32>
  // CHECK: return %[[SUM]], %[[MAX]]
  return %sum, %max : tensor<128x4xf32>, tensor<128x4xf32>
}

// And where such a sum starts.

// CHECK-LABEL: func @spread
// CHECK-SAME:    %[[L:.*]]: tensor<128x1xf32>
func.func @spread(%l: tensor<128x1xf32>) -> tensor<128x4xf32> {
  // CHECK: %[[PART:.*]] = tile.spread %[[L]] : tensor<128x1xf32> -> tensor<128x4xf32>
  %part = tile.spread %l : tensor<128x1xf32> -> tensor<128x4xf32>
  // CHECK: return %[[PART]]
  return %part : tensor<128x4xf32>
}
