// RUN: tessera-opt %s --tile-to-vector --canonicalize --cse | FileCheck %s

// A tile is loaded in the layout its readers want, and widened to f32. Memory
// past the last row of the view is not read.

!view = !tile.view<8xf32>
!half = !tile.view<24xbf16>

// As a left operand, rows are lanes: the element at row r and column c lies at
// c * 4 + r. Rows past the end become zero.

// CHECK-LABEL: func @lanes
// CHECK-SAME:    %[[BLOCK:[^:]*]]: !llvm.ptr, %[[TILE:[^:]*]]: index, %{{.*}}: index, %{{.*}}: index, %[[SCRATCH:[^:]*]]: !llvm.ptr
func.func @lanes(%q: !view {tile.name = "q"}, %o: !view {tile.name = "o"},
                 %tile: index, %head: index, %batch: index) {
  // CHECK:      %[[AT_ROWS:.*]] = llvm.getelementptr %[[BLOCK]][48]
  // CHECK-NEXT: %[[WIDE:.*]] = llvm.load %[[AT_ROWS]]
  // CHECK-NEXT: %[[ROWS:.*]] = arith.index_cast %[[WIDE]]
  // CHECK:      %[[FIRST:.*]] = arith.muli %[[TILE]], %c4
  // CHECK-NEXT: %[[LEFT:.*]] = arith.subi %[[ROWS]], %[[FIRST]]
  // CHECK-NEXT: %[[POSITIVE:.*]] = arith.maxsi %[[LEFT]], %c0
  // CHECK-NEXT: %[[VALID:.*]] = arith.minsi %[[POSITIVE]], %c4
  // CHECK-NEXT: scf.for %[[ROW:.*]] = %c0 to %[[VALID]] step %c1
  // CHECK-NEXT:   arith.addi %[[FIRST]], %[[ROW]]
  // CHECK:        scf.for %[[COLUMN:.*]] = %c0 to %c8 step %c1
  // CHECK:          %[[ELEMENT:.*]] = llvm.load {{.*}} -> f32
  // CHECK-NEXT:     %[[COLUMNS:.*]] = arith.muli %[[COLUMN]], %c4
  // CHECK-NEXT:     %[[INDEX:.*]] = arith.addi %[[COLUMNS]], %[[ROW]]
  // CHECK-NEXT:     %[[OFFSET:.*]] = arith.index_cast %[[INDEX]]
  // CHECK-NEXT:     %[[PLACE:.*]] = llvm.getelementptr %[[SCRATCH]][%[[OFFSET]]]
  // CHECK-NEXT:     llvm.store %[[ELEMENT]], %[[PLACE]]
  // CHECK:      scf.for %{{.*}} = %c0 to %c8 step %c1
  // CHECK-NEXT:   scf.for %{{.*}} = %[[VALID]] to %c4 step %c1
  // CHECK:          llvm.store %cst{{.*}}, %{{.*}} : f32
  %t = tile.load %q[%batch, %head] tile %tile padding zero : !view -> tensor<4x8xf32>
  tile.store %t, %o[%batch, %head] tile %tile : tensor<4x8xf32>, !view
  return
}

// As a right operand it keeps its natural layout: whole vectors of one row, here
// as many as divide 24 columns, one row behind the other.

// CHECK-LABEL: func @natural
// CHECK-SAME:    %[[SCRATCH:[^: ]*]]: !llvm.ptr)
func.func @natural(%k: !half {tile.name = "k"}, %o: !half {tile.name = "o"},
                   %tile: index, %head: index, %batch: index) {
  // CHECK:      scf.for %[[ROW:.*]] = %c0 to %[[VALID:.*]] step %c1
  // CHECK:        scf.for %[[COLUMN:.*]] = %c0 to %c24 step %c8
  // CHECK:          %[[NARROW:.*]] = llvm.load {{.*}} {alignment = 2 : i64} : !llvm.ptr -> vector<8xbf16>
  // CHECK-NEXT:     %[[WIDE:.*]] = arith.extf %[[NARROW]]
  // CHECK-NEXT:     %[[ROWS:.*]] = arith.muli %[[ROW]], %c24
  // CHECK-NEXT:     %[[INDEX:.*]] = arith.addi %[[ROWS]], %[[COLUMN]]
  // CHECK-NEXT:     %[[OFFSET:.*]] = arith.index_cast %[[INDEX]]
  // CHECK-NEXT:     %[[PLACE:.*]] = llvm.getelementptr %[[SCRATCH]][%[[OFFSET]]]
  // CHECK-NEXT:     llvm.store %[[WIDE]], %[[PLACE]]
  // CHECK:      scf.for %{{.*}} = %[[VALID]] to %c4 step %c1
  // CHECK-NEXT:   scf.for %{{.*}} = %c0 to %c24 step %c8
  // CHECK:          llvm.store %cst{{.*}}, %{{.*}} : vector<8xf32>
  %zero = arith.constant 0 : index
  %ones = arith.constant dense<1.0> : tensor<8x4xbf16>
  %acc = arith.constant dense<0.0> : tensor<8x24xf32>
  %t = tile.load %k[%batch, %head] tile %zero padding zero : !half -> tensor<4x24xbf16>
  %dot = tile.dot %ones, %t, %acc : tensor<8x4xbf16>, tensor<4x24xbf16> -> tensor<8x24xf32>
  %sum = arith.truncf %dot : tensor<8x24xf32> to tensor<8x24xbf16>
  tile.store %sum, %o[%batch, %head] tile %tile : tensor<8x24xbf16>, !half
  return
}

// As both, it is loaded once in each layout. A transposed tile has no layout of
// its own: the product exchanges the indices.

// CHECK-LABEL: func @both
func.func @both(%k: !view {tile.name = "k"}, %o: !view {tile.name = "o"},
                %tile: index, %head: index, %batch: index) {
  // CHECK:     llvm.load {{.*}} {alignment = 4 : i64} : !llvm.ptr -> vector<8xf32>
  // CHECK:     llvm.load {{.*}} {alignment = 4 : i64} : !llvm.ptr -> f32
  // CHECK:     math.fma
  // CHECK-NOT: tile.transpose
  %acc = arith.constant dense<0.0> : tensor<8x8xf32>
  %t = tile.load %k[%batch, %head] tile %tile padding zero : !view -> tensor<8x8xf32>
  %transposed = tile.transpose %t : tensor<8x8xf32>
  %dot = tile.dot %t, %transposed, %acc : tensor<8x8xf32>, tensor<8x8xf32> -> tensor<8x8xf32>
  tile.store %dot, %o[%batch, %head] tile %tile : tensor<8x8xf32>, !view
  return
}

// A load that nothing reads is not done.

// CHECK-LABEL: func @unread
func.func @unread(%q: !view {tile.name = "q"}, %tile: index, %head: index, %batch: index) {
  // CHECK-NOT: scf.for
  // CHECK:     return
  %t = tile.load %q[%batch, %head] tile %tile padding zero : !view -> tensor<4x8xf32>
  return
}
