// RUN: tessera-opt %s | tessera-opt | FileCheck %s
// RUN: tessera-opt %s --mlir-print-op-generic | tessera-opt | FileCheck %s

// The mask has the shape of the scores, so its type is not spelled.

// CHECK-LABEL: func @mask
// CHECK-SAME:    %[[S:.*]]: tensor<96x64xf32>, %[[KEEP:.*]]: tensor<96x64xi1>
func.func @mask(%s: tensor<96x64xf32>, %keep: tensor<96x64xi1>) -> tensor<96x64xf32> {
  // CHECK: tile.mask %[[S]], %[[KEEP]] : tensor<96x64xf32>
  %x = tile.mask %s, %keep : tensor<96x64xf32>
  return %x : tensor<96x64xf32>
}

// CHECK-LABEL: func @any
// CHECK-SAME:    %[[KEEP:.*]]: tensor<96x64xi1>
func.func @any(%keep: tensor<96x64xi1>) -> i1 {
  // CHECK: tile.any %[[KEEP]] : tensor<96x64xi1>
  %some = tile.any %keep : tensor<96x64xi1>
  return %some : i1
}

// Ranges are written as their starts and their ends.

// CHECK-LABEL: func @count
// CHECK-SAME:    %[[A:.*]]: index, %[[B:.*]]: index, %[[C:.*]]: index, %[[D:.*]]: index
func.func @count(%a: index, %b: index, %c: index, %d: index) -> index {
  // CHECK: tile.count (%[[A]], %[[C]]) to (%[[B]], %[[D]])
  %n = tile.count (%a, %c) to (%b, %d)
  return %n : index
}

// CHECK-LABEL: func @nth
// CHECK-SAME:    %[[N:.*]]: index, %[[A:.*]]: index, %[[B:.*]]: index
func.func @nth(%n: index, %a: index, %b: index) -> index {
  // CHECK: tile.nth %[[N]] of (%[[A]]) to (%[[B]])
  %j = tile.nth %n of (%a) to (%b)
  // CHECK: tile.nth %[[N]] descending of (%[[A]]) to (%[[B]])
  %i = tile.nth %n descending of (%a) to (%b)
  return %j : index
}

// CHECK-LABEL: func @row_span
// CHECK-SAME:    %[[TILE:.*]]: index, %[[LENGTH:.*]]: index
func.func @row_span(%tile: index, %length: index) -> (index, index) {
  // CHECK: tile.row_span %[[TILE]] of %[[LENGTH]] height 96
  %first, %last = tile.row_span %tile of %length height 96
  return %first, %last : index, index
}

// There may be no range at all.

// CHECK-LABEL: func @no_ranges
func.func @no_ranges() -> index {
  // CHECK: tile.count () to ()
  %n = tile.count () to ()
  return %n : index
}
