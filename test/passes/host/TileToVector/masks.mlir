// RUN: tessera-opt %s --tile-to-vector --canonicalize --cse | FileCheck %s

!view = !tile.view<8xf32>
!tile = tensor<32x8xf32>
!places = tensor<32x8xi32>
!mask = tensor<32x8xi1>

// Positions are numbers, not memory: those of the rows are counted in the lanes,
// that of the column is the same in all of them. A hidden score is minus infinity.

// CHECK-LABEL: func @causal
// CHECK-SAME:    (%{{.*}}: !llvm.ptr, %[[TILE:.*]]: index, %[[HEAD:.*]]: index, %{{.*}}: index, %{{.*}}: !llvm.ptr)
// CHECK-SAME:    tile.scratch_bytes = 2048
func.func @causal(%q: !view {tile.name = "q"}, %tile: index, %head: index, %batch: index) {
  // CHECK-DAG:  %[[LANES:.*]] = arith.constant dense<[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]>
  // CHECK-DAG:  %[[HIDDEN:.*]] = arith.constant dense<0xFF800000>
  // CHECK:      scf.for %[[ROW:.*]] = %c0 to %c32 step %c16
  // CHECK:        %[[FIRST:.*]] = arith.addi %{{.*}}, %[[ROW]]
  // CHECK-NEXT:   %[[NUMBER:.*]] = arith.index_cast %[[FIRST]] : index to i32
  // CHECK-NEXT:   %[[SAME:.*]] = vector.broadcast %[[NUMBER]]
  // CHECK-NEXT:   %[[R:.*]] = arith.addi %[[SAME]], %[[LANES]]
  // CHECK-NEXT:   scf.for %[[COLUMN:.*]] = %c0 to %c8 step %c1
  // CHECK:          %[[AT:.*]] = arith.addi %{{.*}}, %[[COLUMN]]
  // CHECK-NEXT:     %[[NUMBER:.*]] = arith.index_cast %[[AT]] : index to i32
  // CHECK-NEXT:     %[[C:.*]] = vector.broadcast %[[NUMBER]]
  // CHECK-NEXT:     %[[KEEP:.*]] = arith.cmpi sle, %[[C]], %[[R]]
  // CHECK:          %[[X:.*]] = llvm.load {{.*}} -> vector<16xf32>
  // CHECK-NEXT:     %[[SCORE:.*]] = arith.select %[[KEEP]], %[[X]], %[[HIDDEN]]
  // CHECK:          llvm.store %[[SCORE]]
  %x = tile.load %q[%batch, %head] tile %tile padding undefined : !view -> !tile
  %row = tile.positions %q[%batch] tile %tile : !view -> tensor<32x1xi32>
  %column = tile.positions %q[%batch] tile %head : !view -> tensor<1x8xi32>
  %r = tile.broadcast %row : tensor<32x1xi32> -> !places
  %c = tile.broadcast %column : tensor<1x8xi32> -> !places
  %keep = arith.cmpi sle, %c, %r : !places
  %score = tile.mask %x, %keep : !tile
  tile.store %score, %q[%batch, %head] tile %tile : !tile, !view
  return
}

// Bits have no memory: a mask is computed again wherever it is read, also beyond
// a product or a store.

// CHECK-LABEL: func @read_twice
// CHECK-SAME:    tile.scratch_bytes = 3072
func.func @read_twice(%q: !view {tile.name = "q"}, %tile: index, %head: index, %batch: index) {
  // CHECK-COUNT-2: arith.cmpf ogt
  // CHECK-NOT:     xi1>, !llvm.ptr
  // CHECK:         return
  %zero = arith.constant dense<0.0> : !tile
  %x = tile.load %q[%batch, %head] tile %tile padding undefined : !view -> !tile
  %keep = arith.cmpf ogt, %x, %zero : !tile
  %positive = arith.select %keep, %x, %zero : !mask, !tile
  tile.store %positive, %q[%batch, %head] tile %tile : !tile, !view
  %negative = arith.select %keep, %zero, %x : !mask, !tile
  tile.store %negative, %q[%head, %batch] tile %tile : !tile, !view
  return
}
