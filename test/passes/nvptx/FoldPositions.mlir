// RUN: tessera-opt %s --nvptx-fold-positions --canonicalize | FileCheck %s

// Element i of a fragment is in row 0, 0, 1, 1 and so on, and its column is a constant from the
// first one on. What differs from element to element is one constant vector, the rest is
// computed once a row.

// CHECK-LABEL: func @column_and_row
// CHECK-SAME:    %[[ROWS:[a-z0-9]*]]: vector<2xi32>, %[[FIRST:[a-z0-9]*]]: i32
func.func @column_and_row(%rows: vector<2xi32>, %first: i32) -> vector<8xi1> {
  // CHECK-DAG:  %[[C:.*]] = arith.constant dense<[0, -1, 0, -1, -8, -9, -8, -9]>
  // CHECK-DAG:  %[[FIRSTS:.*]] = vector.broadcast %[[FIRST]] : i32 to vector<2xi32>
  // CHECK:      %[[DISTANCE:.*]] = arith.subi %[[FIRSTS]], %[[ROWS]] : vector<2xi32>
  // CHECK-NEXT: %[[REPEATED:.*]] = vector.shuffle %[[DISTANCE]], %[[DISTANCE]] [0, 0, 1, 1, 0, 0, 1, 1]
  // CHECK-NEXT: arith.cmpi sle, %[[REPEATED]], %[[C]] : vector<8xi32>
  %c = arith.constant dense<[0, 1, 8, 9]> : vector<4xi32>
  %firsts = vector.broadcast %first : i32 to vector<4xi32>
  %columns = arith.addi %c, %firsts : vector<4xi32>
  %x = vector.shuffle %columns, %columns [0, 1, 0, 1, 2, 3, 2, 3] : vector<4xi32>, vector<4xi32>
  %y = vector.shuffle %rows, %rows [0, 0, 1, 1, 0, 0, 1, 1] : vector<2xi32>, vector<2xi32>
  %keep = arith.cmpi sle, %x, %y : vector<8xi32>
  return %keep : vector<8xi1>
}

// What is the same for all rows stays a scalar.

// CHECK-LABEL: func @column_and_length
// CHECK-SAME:    %[[FIRST:[a-z0-9]*]]: i32, %[[N:[a-z0-9]*]]: i32
func.func @column_and_length(%first: i32, %n: i32) -> vector<4xi1> {
  // CHECK-DAG:  %[[C:.*]] = arith.constant dense<[0, -1, -8, -9]>
  // CHECK-DAG:  %[[LEFT:.*]] = arith.subi %[[FIRST]], %[[N]] : i32
  // CHECK:      %[[REPEATED:.*]] = vector.broadcast %[[LEFT]] : i32 to vector<4xi32>
  // CHECK-NEXT: arith.cmpi slt, %[[REPEATED]], %[[C]]
  %c = arith.constant dense<[0, 1, 8, 9]> : vector<4xi32>
  %firsts = vector.broadcast %first : i32 to vector<4xi32>
  %columns = arith.addi %c, %firsts : vector<4xi32>
  %ends = vector.broadcast %n : i32 to vector<4xi32>
  %keep = arith.cmpi slt, %columns, %ends : vector<4xi32>
  return %keep : vector<4xi1>
}

// A comparison of columns is repeated as one of a fragment, so that it can be joined with others.

// CHECK-LABEL: func @repeated_comparison
// CHECK-SAME:    %[[FIRST:[a-z0-9]*]]: i32, %[[N:[a-z0-9]*]]: i32
func.func @repeated_comparison(%first: i32, %n: i32) -> vector<8xi1> {
  // CHECK-DAG:  %[[C:.*]] = arith.constant dense<[0, -1, 0, -1, -8, -9, -8, -9]>
  // CHECK-DAG:  %[[LEFT:.*]] = arith.subi %[[FIRST]], %[[N]] : i32
  // CHECK:      %[[REPEATED:.*]] = vector.broadcast %[[LEFT]] : i32 to vector<8xi32>
  // CHECK-NEXT: %[[KEEP:.*]] = arith.cmpi slt, %[[REPEATED]], %[[C]]
  // CHECK-NEXT: return %[[KEEP]]
  %c = arith.constant dense<[0, 1, 8, 9]> : vector<4xi32>
  %firsts = vector.broadcast %first : i32 to vector<4xi32>
  %columns = arith.addi %c, %firsts : vector<4xi32>
  %ends = vector.broadcast %n : i32 to vector<4xi32>
  %keep = arith.cmpi slt, %columns, %ends : vector<4xi32>
  %x = vector.shuffle %keep, %keep [0, 1, 0, 1, 2, 3, 2, 3] : vector<4xi1>, vector<4xi1>
  return %x : vector<8xi1>
}

// The distance of two positions becomes a float once a row, and then is one addition away.

// CHECK-LABEL: func @distance
// CHECK-SAME:    %[[ROWS:[a-z0-9]*]]: vector<2xi32>
func.func @distance(%rows: vector<2xi32>) -> vector<4xf32> {
  // CHECK-DAG:  %[[C:.*]] = arith.constant dense<[0.000000e+00, -1.000000e+00, 0.000000e+00, -1.000000e+00]>
  // CHECK-DAG:  %[[R:.*]] = arith.sitofp %[[ROWS]] : vector<2xi32> to vector<2xf32>
  // CHECK:      %[[REPEATED:.*]] = vector.shuffle %[[R]], %[[R]] [0, 0, 1, 1]
  // CHECK-NEXT: %[[DISTANCE:.*]] = arith.addf %[[REPEATED]], %[[C]]
  // CHECK-NEXT: %[[D:.*]] = math.absf %[[DISTANCE]]
  // CHECK-NEXT: return %[[D]]
  %c = arith.constant dense<[0, 1, 0, 1]> : vector<4xi32>
  %x = vector.shuffle %rows, %rows [0, 0, 1, 1] : vector<2xi32>, vector<2xi32>
  %distance = arith.subi %x, %c : vector<4xi32>
  %positive = math.absi %distance : vector<4xi32>
  %float = arith.sitofp %positive : vector<4xi32> to vector<4xf32>
  return %float : vector<4xf32>
}

// The second row is eight further on, like the second pair of columns: two of eight distances are
// the same numbers.

// CHECK-LABEL: func @distances_of_a_thread
// CHECK-SAME:    %[[ROW:[a-z0-9]*]]: i32
func.func @distances_of_a_thread(%row: i32) -> vector<8xf32> {
  // CHECK-DAG:  %[[C:.*]] = arith.constant dense<[0.000000e+00, -1.000000e+00, 8.000000e+00, 7.000000e+00, -8.000000e+00, -9.000000e+00, 0.000000e+00, -1.000000e+00]>
  // CHECK-DAG:  %[[R:.*]] = arith.sitofp %[[ROW]] : i32 to f32
  // CHECK:      %[[REPEATED:.*]] = vector.broadcast %[[R]] : f32 to vector<8xf32>
  // CHECK-NEXT: %[[D:.*]] = arith.addf %[[REPEATED]], %[[C]]
  // CHECK-NEXT: return %[[D]]
  %c8 = arith.constant 8 : i32
  %second = arith.addi %row, %c8 : i32
  %rows = vector.from_elements %row, %second : vector<2xi32>
  %c = arith.constant dense<[0, 1, 0, 1, 8, 9, 8, 9]> : vector<8xi32>
  %x = vector.shuffle %rows, %rows [0, 0, 1, 1, 0, 0, 1, 1] : vector<2xi32>, vector<2xi32>
  %distance = arith.subi %x, %c : vector<8xi32>
  %float = arith.sitofp %distance : vector<8xi32> to vector<8xf32>
  return %float : vector<8xf32>
}
