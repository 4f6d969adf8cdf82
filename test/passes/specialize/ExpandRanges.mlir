// RUN: tessera-opt %s --tile-expand-ranges | FileCheck %s
// RUN: tessera-opt %s --tile-expand-ranges --canonicalize | FileCheck %s --check-prefix=VALUE

// The length of a range is never negative.

// CHECK-LABEL: func @count_one
// CHECK-SAME:    %[[START:.*]]: index, %[[END:.*]]: index
func.func @count_one(%start: index, %end: index) -> index {
  // CHECK:     %[[DIFFERENCE:.*]] = arith.subi %[[END]], %[[START]]
  // CHECK:     %[[LENGTH:.*]] = arith.maxsi %[[DIFFERENCE]], %c0
  // CHECK-NOT: tile.count
  // CHECK:     return %[[LENGTH]]
  %n = tile.count (%start) to (%end)
  return %n : index
}

// In one range nothing is chosen.

// CHECK-LABEL: func @nth_of_one
// CHECK-SAME:    %[[N:.*]]: index, %[[START:.*]]: index, %[[END:.*]]: index
func.func @nth_of_one(%n: index, %start: index, %end: index) -> index {
  // CHECK-NOT: tile.nth
  // CHECK-NOT: arith.select
  // CHECK:     %[[J:.*]] = arith.addi %[[START]], %[[N]]
  // CHECK:     return %[[J]]
  %j = tile.nth %n of (%start) to (%end)
  return %j : index
}

// In two, the length of the first decides.

// CHECK-LABEL: func @nth_of_two
// CHECK-SAME:    %[[N:.*]]: index, %[[S0:.*]]: index, %[[S1:.*]]: index, %[[E0:.*]]: index, %[[E1:.*]]: index
func.func @nth_of_two(%n: index, %s0: index, %s1: index, %e0: index, %e1: index) -> index {
  // CHECK: %[[IN0:.*]] = arith.addi %[[S0]], %[[N]]
  // CHECK: %[[DIFFERENCE:.*]] = arith.subi %[[E0]], %[[S0]]
  // CHECK: %[[LENGTH:.*]] = arith.maxsi %[[DIFFERENCE]], %c0
  // CHECK: %[[OFFSET:.*]] = arith.subi %[[S1]], %[[LENGTH]]
  // CHECK: %[[IN1:.*]] = arith.addi %[[OFFSET]], %[[N]]
  // CHECK: %[[REACHED:.*]] = arith.cmpi sge, %[[N]], %[[LENGTH]]
  // CHECK: %[[J:.*]] = arith.select %[[REACHED]], %[[IN1]], %[[IN0]]
  // CHECK: return %[[J]]
  %j = tile.nth %n of (%s0, %s1) to (%e0, %e1)
  return %j : index
}

// From the end of a range on.

// CHECK-LABEL: func @nth_descending
// CHECK-SAME:    %[[N:.*]]: index, %[[START:.*]]: index, %[[END:.*]]: index
func.func @nth_descending(%n: index, %start: index, %end: index) -> index {
  // CHECK:     %[[LAST:.*]] = arith.addi %[[END]], %c-1
  // CHECK:     %[[J:.*]] = arith.subi %[[LAST]], %[[N]]
  // CHECK:     return %[[J]]
  %j = tile.nth %n descending of (%start) to (%end)
  return %j : index
}

// CHECK-LABEL: func @row_span
// CHECK-SAME:    %[[TILE:.*]]: index, %[[LENGTH:.*]]: index
func.func @row_span(%tile: index, %length: index) -> (index, index) {
  // CHECK:     %[[FIRST:.*]] = arith.muli %[[TILE]], %c192
  // CHECK:     %[[END:.*]] = arith.addi %[[FIRST]], %c192
  // CHECK:     %[[CUT:.*]] = arith.minsi %[[END]], %[[LENGTH]]
  // CHECK:     %[[LAST:.*]] = arith.addi %[[CUT]], %c-1
  // CHECK:     return %[[FIRST]], %[[LAST]]
  %first, %last = tile.row_span %tile of %length height 192
  return %first, %last : index, index
}

// 2, 3, 4 and 10, 11: the empty range between them (20 to 20) and the one that
// ends before it starts (9 to 3) hold nothing.

// VALUE-LABEL: func @values
func.func @values() -> (index, index, index, index) {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %c4 = arith.constant 4 : index
  %c5 = arith.constant 5 : index
  %c9 = arith.constant 9 : index
  %c10 = arith.constant 10 : index
  %c12 = arith.constant 12 : index
  %c20 = arith.constant 20 : index
  %n = tile.count (%c2, %c20, %c9, %c10) to (%c5, %c20, %c3, %c12)
  %first = tile.nth %c0 of (%c2, %c20, %c9, %c10) to (%c5, %c20, %c3, %c12)
  %third = tile.nth %c2 of (%c2, %c20, %c9, %c10) to (%c5, %c20, %c3, %c12)
  %fifth = tile.nth %c4 of (%c2, %c20, %c9, %c10) to (%c5, %c20, %c3, %c12)
  // VALUE: return %c5, %c2, %c4, %c11
  return %n, %first, %third, %fifth : index, index, index, index
}

// 4, 3, 2 and 11, 10.

// VALUE-LABEL: func @values_descending
func.func @values_descending() -> (index, index, index) {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %c5 = arith.constant 5 : index
  %c10 = arith.constant 10 : index
  %c12 = arith.constant 12 : index
  %c20 = arith.constant 20 : index
  %first = tile.nth %c0 descending of (%c2, %c20, %c10) to (%c5, %c20, %c12)
  %third = tile.nth %c2 descending of (%c2, %c20, %c10) to (%c5, %c20, %c12)
  %fourth = tile.nth %c3 descending of (%c2, %c20, %c10) to (%c5, %c20, %c12)
  // VALUE: return %c4, %c2, %c11
  return %first, %third, %fourth : index, index, index
}

// VALUE-LABEL: func @no_ranges
func.func @no_ranges() -> index {
  %n = tile.count () to ()
  // VALUE: return %c0
  return %n : index
}
