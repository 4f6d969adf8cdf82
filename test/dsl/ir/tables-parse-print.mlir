// RUN: tessera-opt %s | tessera-opt | FileCheck %s
// RUN: tessera-opt %s --mlir-print-op-generic | tessera-opt | FileCheck %s

// One number, at a coordinate for each dimension; its type is that of the table.

// CHECK-LABEL: func @fetch
// CHECK-SAME:    %[[SLOPES:.*]]: !tile.table<2xf32>, %[[STARTS:.*]]: !tile.table<1xi32>, %[[BATCH:.*]]: index, %[[HEAD:.*]]: index
func.func @fetch(%slopes: !tile.table<2xf32>, %starts: !tile.table<1xi32>, %batch: index,
                 %head: index) -> (f32, i32) {
  // CHECK: tile.fetch %[[SLOPES]][%[[BATCH]], %[[HEAD]]] : !tile.table<2xf32> -> f32
  %slope = tile.fetch %slopes[%batch, %head] : !tile.table<2xf32> -> f32
  // CHECK: tile.fetch %[[STARTS]][%[[BATCH]]] : !tile.table<1xi32> -> i32
  %start = tile.fetch %starts[%batch] : !tile.table<1xi32> -> i32
  return %slope, %start : f32, i32
}

// A number for each element, at the coordinates that stand there.

// CHECK-LABEL: func @gather
// CHECK-SAME:    %[[BIAS:.*]]: !tile.table<4xf32>, %[[LABELS:.*]]: !tile.table<1xi32>, %[[A:.*]]: tensor<96x64xi32>, %[[B:.*]]: tensor<96x64xi32>, %[[C:.*]]: tensor<1x64xi32>
func.func @gather(%bias: !tile.table<4xf32>, %labels: !tile.table<1xi32>, %a: tensor<96x64xi32>,
                  %b: tensor<96x64xi32>, %c: tensor<1x64xi32>)
    -> (tensor<96x64xf32>, tensor<1x64xi32>) {
  // CHECK: tile.gather %[[BIAS]][%[[A]], %[[B]], %[[B]], %[[A]]] : !tile.table<4xf32>, tensor<96x64xi32> -> tensor<96x64xf32>
  %biases = tile.gather %bias[%a, %b, %b, %a] : !tile.table<4xf32>, tensor<96x64xi32> -> tensor<96x64xf32>
  // CHECK: tile.gather %[[LABELS]][%[[C]]] : !tile.table<1xi32>, tensor<1x64xi32> -> tensor<1x64xi32>
  %label = tile.gather %labels[%c] : !tile.table<1xi32>, tensor<1x64xi32> -> tensor<1x64xi32>
  return %biases, %label : tensor<96x64xf32>, tensor<1x64xi32>
}
