// RUN: tessera-opt %s | tessera-opt | FileCheck %s
// RUN: tessera-opt %s --mlir-print-op-generic | tessera-opt | FileCheck %s

// The sum of a row, put off: some columns whose sum it is.

// CHECK-LABEL: func @partial_sum
// CHECK-SAME:    %[[E:.*]]: tensor<128x64xf32>
func.func @partial_sum(%e: tensor<128x64xf32>) -> tensor<128x4xf32> {
  // CHECK: %[[PART:.*]] = tile.partial_sum %[[E]] : tensor<128x64xf32> -> tensor<128x4xf32>
  %part = tile.partial_sum %e : tensor<128x64xf32> -> tensor<128x4xf32>
  // CHECK: return %[[PART]]
  return %part : tensor<128x4xf32>
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
