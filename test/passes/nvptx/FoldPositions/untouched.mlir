// RUN: tessera-opt %s --nvptx-fold-positions | FileCheck %s

// Unsigned, a difference that is negative would be a large number.

// CHECK-LABEL: func @unsigned
// CHECK-SAME:    %[[ROWS:[a-z0-9]*]]: vector<2xi32>
func.func @unsigned(%rows: vector<2xi32>, %n: i32) -> vector<4xi1> {
  // CHECK:      %[[X:.*]] = vector.shuffle %[[ROWS]], %[[ROWS]]
  // CHECK-NEXT: %[[Y:.*]] = arith.addi %[[X]], %{{.*}} : vector<4xi32>
  // CHECK-NEXT: %[[ENDS:.*]] = vector.broadcast
  // CHECK-NEXT: arith.cmpi ult, %[[Y]], %[[ENDS]]
  // CHECK-NEXT: return
  %c = arith.constant dense<[0, 1, 0, 1]> : vector<4xi32>
  %x = vector.shuffle %rows, %rows [0, 0, 1, 1] : vector<2xi32>, vector<2xi32>
  %y = arith.addi %x, %c : vector<4xi32>
  %ends = vector.broadcast %n : i32 to vector<4xi32>
  %keep = arith.cmpi ult, %y, %ends : vector<4xi32>
  return %keep : vector<4xi1>
}

// What is read from memory differs from element to element, and is no constant.

// CHECK-LABEL: func @no_position
// CHECK-SAME:    %[[IDS:[a-z0-9]*]]: vector<4xi32>, %[[OTHERS:[a-z0-9]*]]: vector<4xi32>
func.func @no_position(%ids: vector<4xi32>, %others: vector<4xi32>) -> (vector<4xi1>, vector<4xf32>) {
  // CHECK-NEXT: %[[KEEP:.*]] = arith.cmpi eq, %[[IDS]], %[[OTHERS]]
  // CHECK-NEXT: %[[FLOAT:.*]] = arith.sitofp %[[IDS]]
  // CHECK-NEXT: return %[[KEEP]], %[[FLOAT]]
  %keep = arith.cmpi eq, %ids, %others : vector<4xi32>
  %float = arith.sitofp %ids : vector<4xi32> to vector<4xf32>
  return %keep, %float : vector<4xi1>, vector<4xf32>
}

// Nothing is added to a number of the row, so there is nothing to take apart.

// CHECK-LABEL: func @row
// CHECK-SAME:    %[[ROWS:[a-z0-9]*]]: vector<2xi32>
func.func @row(%rows: vector<2xi32>) -> vector<4xf32> {
  // CHECK-NEXT: %[[X:.*]] = vector.shuffle %[[ROWS]], %[[ROWS]]
  // CHECK-NEXT: arith.sitofp %[[X]]
  // CHECK-NEXT: return
  %x = vector.shuffle %rows, %rows [0, 0, 1, 1] : vector<2xi32>, vector<2xi32>
  %float = arith.sitofp %x : vector<4xi32> to vector<4xf32>
  return %float : vector<4xf32>
}

// One number a row is compared once a row already.

// CHECK-LABEL: func @rows
// CHECK-SAME:    %[[A:[a-z0-9]*]]: vector<2xi32>, %[[B:[a-z0-9]*]]: vector<2xi32>
func.func @rows(%a: vector<2xi32>, %b: vector<2xi32>) -> vector<2xi1> {
  // CHECK-NEXT: arith.cmpi slt, %[[A]], %[[B]]
  // CHECK-NEXT: return
  %keep = arith.cmpi slt, %a, %b : vector<2xi32>
  return %keep : vector<2xi1>
}
