// RUN: tessera-opt %s --canonicalize | FileCheck %s

// CHECK-LABEL: func @mask_that_keeps_all
// CHECK-SAME:    %[[S:.*]]: tensor<96x64xf32>
func.func @mask_that_keeps_all(%s: tensor<96x64xf32>) -> tensor<96x64xf32> {
  %all = arith.constant dense<true> : tensor<96x64xi1>
  %x = tile.mask %s, %all : tensor<96x64xf32>
  // CHECK-NEXT: return %[[S]]
  return %x : tensor<96x64xf32>
}

// A mask of one row folds before it is repeated, and then the mask goes.

// CHECK-LABEL: func @mask_of_rows_that_keeps_all
// CHECK-SAME:    %[[S:.*]]: tensor<96x64xf32>
func.func @mask_of_rows_that_keeps_all(%s: tensor<96x64xf32>) -> tensor<96x64xf32> {
  %row = arith.constant dense<true> : tensor<1x64xi1>
  %all = tile.broadcast %row : tensor<1x64xi1> -> tensor<96x64xi1>
  %x = tile.mask %s, %all : tensor<96x64xf32>
  // CHECK-NEXT: return %[[S]]
  return %x : tensor<96x64xf32>
}

// A mask that keeps nothing stays: its value is minus infinity.

// CHECK-LABEL: func @mask_that_keeps_nothing
func.func @mask_that_keeps_nothing(%s: tensor<96x64xf32>) -> tensor<96x64xf32> {
  %none = arith.constant dense<false> : tensor<96x64xi1>
  // CHECK: tile.mask
  %x = tile.mask %s, %none : tensor<96x64xf32>
  return %x : tensor<96x64xf32>
}

// Nothing counts what nothing reads.

// CHECK-LABEL: func @unread
func.func @unread(%keep: tensor<96x64xi1>, %a: index, %b: index) {
  // CHECK-NEXT: return
  %some = tile.any %keep : tensor<96x64xi1>
  %n = tile.count (%a) to (%b)
  %j = tile.nth %n of (%a) to (%b)
  return
}

// Of a sequence of 200 rows, tile 1 holds 96 and tile 2 holds 8.

// CHECK-LABEL: func @row_spans
func.func @row_spans() -> (index, index, index, index) {
  // CHECK-DAG: %[[FIRST:.*]] = arith.constant 96 : index
  // CHECK-DAG: %[[LAST:.*]] = arith.constant 191 : index
  // CHECK-DAG: %[[NEXT:.*]] = arith.constant 192 : index
  // CHECK-DAG: %[[END:.*]] = arith.constant 199 : index
  // CHECK:     return %[[FIRST]], %[[LAST]], %[[NEXT]], %[[END]]
  %one = arith.constant 1 : index
  %two = arith.constant 2 : index
  %length = arith.constant 200 : index
  %a, %b = tile.row_span %one of %length height 96
  %c, %d = tile.row_span %two of %length height 96
  return %a, %b, %c, %d : index, index, index, index
}
