// RUN: tessera-opt %s --nvptx-fold-positions --canonicalize | FileCheck %s

!rows = vector<2xi32>
!fragment = vector<4xi32>
!mask = vector<4xi1>

// Two bounds on one side are one: here rows that must not exceed a constant of the column.

// CHECK-LABEL: func @upper
// CHECK-SAME:    %[[A:[a-z0-9]*]]: vector<2xi32>, %[[B:[a-z0-9]*]]: vector<2xi32>
func.func @upper(%a: !rows, %b: !rows) -> !mask {
  // CHECK-DAG:  %[[C:.*]] = arith.constant dense<[0, 1, 0, 1]>
  // CHECK:      %[[BOUND:.*]] = arith.maxsi %[[A]], %[[B]] : vector<2xi32>
  // CHECK-NEXT: %[[REPEATED:.*]] = vector.shuffle %[[BOUND]], %[[BOUND]] [0, 0, 1, 1]
  // CHECK-NEXT: %[[BOTH:.*]] = arith.cmpi sle, %[[REPEATED]], %[[C]]
  // CHECK-NEXT: return %[[BOTH]]
  %c = arith.constant dense<[0, 1, 0, 1]> : !fragment
  %x = vector.shuffle %a, %a [0, 0, 1, 1] : !rows, !rows
  %y = vector.shuffle %b, %b [0, 0, 1, 1] : !rows, !rows
  %first = arith.cmpi sle, %x, %c : !fragment
  %second = arith.cmpi sle, %y, %c : !fragment
  %both = arith.andi %first, %second : !mask
  return %both : !mask
}

// Of the other side, the lesser. A strict bound is that of its neighbour.

// CHECK-LABEL: func @lower
// CHECK-SAME:    %[[A:[a-z0-9]*]]: vector<2xi32>, %[[B:[a-z0-9]*]]: vector<2xi32>
func.func @lower(%a: !rows, %b: !rows) -> !mask {
  // CHECK-DAG:  %[[LESS:.*]] = arith.constant dense<-1> : vector<2xi32>
  // CHECK:      %[[B1:.*]] = arith.addi %[[B]], %[[LESS]]
  // CHECK-NEXT: %[[BOUND:.*]] = arith.minsi %[[A]], %[[B1]] : vector<2xi32>
  // CHECK:      arith.cmpi sge
  // CHECK-NOT:  arith.andi
  // CHECK:      return
  %c = arith.constant dense<[0, 1, 0, 1]> : !fragment
  %x = vector.shuffle %a, %a [0, 0, 1, 1] : !rows, !rows
  %y = vector.shuffle %b, %b [0, 0, 1, 1] : !rows, !rows
  %first = arith.cmpi sge, %x, %c : !fragment
  %second = arith.cmpi sgt, %y, %c : !fragment
  %both = arith.andi %first, %second : !mask
  return %both : !mask
}

// A bound of all rows goes along with one of each row.

// CHECK-LABEL: func @scalar
// CHECK-SAME:    %[[A:[a-z0-9]*]]: vector<2xi32>, %[[N:[a-z0-9]*]]: i32
func.func @scalar(%a: !rows, %n: i32) -> !mask {
  // CHECK:      %[[NS:.*]] = vector.broadcast %{{.*}} : i32 to vector<2xi32>
  // CHECK-NEXT: arith.maxsi %[[A]], %[[NS]] : vector<2xi32>
  // CHECK-NOT:  arith.andi
  // CHECK:      return
  %c = arith.constant dense<[0, 1, 0, 1]> : !fragment
  %x = vector.shuffle %a, %a [0, 0, 1, 1] : !rows, !rows
  %y = vector.broadcast %n : i32 to !fragment
  %first = arith.cmpi sle, %x, %c : !fragment
  %second = arith.cmpi slt, %y, %c : !fragment
  %both = arith.andi %first, %second : !mask
  return %both : !mask
}

// A band has a bound on each side: two comparisons stay.

// CHECK-LABEL: func @both_sides
// CHECK-DAG:     arith.cmpi sle
// CHECK-DAG:     arith.cmpi sge
// CHECK:         arith.andi
func.func @both_sides(%a: !rows, %b: !rows) -> !mask {
  %c = arith.constant dense<[0, 1, 0, 1]> : !fragment
  %x = vector.shuffle %a, %a [0, 0, 1, 1] : !rows, !rows
  %y = vector.shuffle %b, %b [0, 0, 1, 1] : !rows, !rows
  %first = arith.cmpi sle, %x, %c : !fragment
  %second = arith.cmpi sge, %y, %c : !fragment
  %both = arith.andi %first, %second : !mask
  return %both : !mask
}

// And so do those with different columns.

// CHECK-LABEL: func @other_columns
// CHECK-COUNT-2: arith.cmpi sle
// CHECK:         arith.andi
func.func @other_columns(%a: !rows, %b: !rows) -> !mask {
  %c = arith.constant dense<[0, 1, 0, 1]> : !fragment
  %d = arith.constant dense<[8, 9, 8, 9]> : !fragment
  %x = vector.shuffle %a, %a [0, 0, 1, 1] : !rows, !rows
  %y = vector.shuffle %b, %b [0, 0, 1, 1] : !rows, !rows
  %first = arith.cmpi sle, %x, %c : !fragment
  %second = arith.cmpi sle, %y, %d : !fragment
  %both = arith.andi %first, %second : !mask
  return %both : !mask
}
