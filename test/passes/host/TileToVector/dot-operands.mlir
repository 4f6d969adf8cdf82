// RUN: tessera-opt %s --tile-to-vector --canonicalize --cse | FileCheck %s

!view = !tile.view<8xf32>
!wide = !tile.view<16xf32>
!acc = tensor<8x8xf32>
!result = tensor<8x16xf32>

// The right operand is read where it was loaded, one element for all lanes: row k
// begins at k * 16.

// CHECK-LABEL: func @plain
func.func @plain(%q: !view {tile.name = "q"}, %v: !wide {tile.name = "v"},
                 %tile: index, %head: index, %batch: index) {
  // CHECK:        scf.for %[[COLUMN:.*]] = %c0 to %c16 step %c8
  // CHECK:          scf.for %[[K:.*]] = %c0 to %c8 step %c2 iter_args
  // CHECK:            %[[LEFT:.*]] = llvm.load {{.*}} -> vector<8xf32>
  // CHECK:            %[[ROW:.*]] = arith.muli %[[K]], %c16
  // CHECK-NEXT:       arith.addi %[[ROW]], %[[COLUMN]]
  // CHECK:            %[[ELEMENT:.*]] = llvm.load {{.*}} -> f32
  // CHECK-NEXT:       %[[RIGHT:.*]] = vector.broadcast %[[ELEMENT]]
  // CHECK-NEXT:       math.fma %[[LEFT]], %[[RIGHT]], %{{.*}}
  %zero = arith.constant dense<0.0> : !result
  %left = tile.load %q[%batch, %head] tile %tile padding undefined : !view -> tensor<8x8xf32>
  %right = tile.load %v[%batch, %head] tile %tile padding zero : !wide -> tensor<8x16xf32>
  %dot = tile.dot %left, %right, %zero : tensor<8x8xf32>, tensor<8x16xf32> -> !result
  tile.store %dot, %v[%batch, %head] tile %tile : !result, !wide
  return
}

// Transposed, column c begins at c * 8.

// CHECK-LABEL: func @transposed
func.func @transposed(%q: !view {tile.name = "q"}, %v: !wide {tile.name = "v"},
                      %tile: index, %head: index, %batch: index) {
  // CHECK:        scf.for %[[COLUMN:.*]] = %c0 to %c16 step %c8
  // CHECK:          scf.for %[[K:.*]] = %c0 to %c8 step %c2 iter_args
  // CHECK:            %[[LEFT:.*]] = llvm.load {{.*}} -> vector<8xf32>
  // CHECK:            %[[ROW:.*]] = arith.muli %[[COLUMN]], %c8
  // CHECK-NEXT:       arith.addi %[[ROW]], %[[K]]
  // CHECK:            %[[ELEMENT:.*]] = llvm.load {{.*}} -> f32
  // CHECK-NEXT:       %[[RIGHT:.*]] = vector.broadcast %[[ELEMENT]]
  // CHECK-NEXT:       math.fma %[[LEFT]], %[[RIGHT]], %{{.*}}
  %zero = arith.constant dense<0.0> : !result
  %left = tile.load %q[%batch, %head] tile %tile padding undefined : !view -> tensor<8x8xf32>
  %right = tile.load %q[%head, %batch] tile %tile padding zero : !view -> tensor<16x8xf32>
  %t = tile.transpose %right : tensor<16x8xf32>
  %dot = tile.dot %left, %t, %zero : tensor<8x8xf32>, tensor<8x16xf32> -> !result
  tile.store %dot, %v[%batch, %head] tile %tile : !result, !wide
  return
}

// What only becomes the accumulator is computed in the product, block by block,
// and has no buffer: three tiles of 256 bytes and one row of numbers are all.

// CHECK-LABEL: func @accumulator
// CHECK-SAME:    tile.scratch_bytes = 832
func.func @accumulator(%q: !view {tile.name = "q"}, %tile: index, %head: index, %batch: index) {
  // CHECK:      %[[MAX:.*]] = scf.for {{.*}} iter_args(%{{.*}} = %{{.*}}) -> (vector<8xf32>)
  // CHECK:      llvm.store %[[MAX]], %[[ROW:.*]] {alignment
  // CHECK:      %[[ALPHA:.*]] = llvm.load %[[ROW]]
  // CHECK:      %[[OLD:.*]] = llvm.load {{.*}} -> vector<8xf32>
  // CHECK-NEXT: %[[SCALED:.*]] = arith.mulf %[[OLD]], %[[ALPHA]]
  // CHECK-NOT:  llvm.store
  // CHECK:      scf.for {{.*}} iter_args(%{{.*}} = %[[SCALED]],
  %left = tile.load %q[%batch, %head] tile %tile padding undefined : !view -> !acc
  %right = tile.load %q[%head, %batch] tile %tile padding zero : !view -> !acc
  %t = tile.transpose %right : !acc
  %alpha = tile.reduce max %left : !acc
  %a = tile.broadcast %alpha : tensor<8x1xf32> -> !acc
  %acc = arith.mulf %left, %a : !acc
  %dot = tile.dot %left, %t, %acc : !acc, !acc -> !acc
  tile.store %dot, %q[%batch, %head] tile %tile : !acc, !view
  return
}

// What something else reads as well is computed once, into a buffer.

// CHECK-LABEL: func @accumulator_read_twice
// CHECK-SAME:    tile.scratch_bytes = 1024
func.func @accumulator_read_twice(%q: !view {tile.name = "q"}, %tile: index, %head: index,
                                  %batch: index) {
  // CHECK:      %[[SQUARE:.*]] = arith.mulf %{{.*}} : vector<8xf32>
  // CHECK:      llvm.store %[[SQUARE]]
  // CHECK-NOT:  arith.mulf
  %left = tile.load %q[%batch, %head] tile %tile padding undefined : !view -> !acc
  %right = tile.load %q[%head, %batch] tile %tile padding zero : !view -> !acc
  %t = tile.transpose %right : !acc
  %acc = arith.mulf %left, %left : !acc
  %dot = tile.dot %left, %t, %acc : !acc, !acc -> !acc
  tile.store %dot, %q[%batch, %head] tile %tile : !acc, !view
  tile.store %acc, %q[%head, %batch] tile %tile : !acc, !view
  return
}
