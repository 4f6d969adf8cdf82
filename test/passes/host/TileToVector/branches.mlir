// RUN: tessera-opt %s --tile-to-vector --canonicalize --cse | FileCheck %s

!view = !tile.view<8xf32>
!tile = tensor<8x8xf32>
!mask = tensor<8x8xi1>

// Results of a branch lie in buffers that both sides write.

// CHECK-LABEL: func @both_sides
// CHECK-SAME:    %[[SCRATCH:[^: ]*]]: !llvm.ptr) attributes {tile.scratch_bytes = 512
func.func @both_sides(%q: !view {tile.name = "q"}, %tile: index, %head: index, %batch: index) {
  // CHECK:     %[[RESULT:.*]] = llvm.getelementptr %[[SCRATCH]][256]
  // CHECK:     %[[SOME:.*]] = arith.cmpi eq
  // CHECK:     scf.if %[[SOME]] {
  // CHECK:       %[[SQUARE:.*]] = arith.mulf
  // CHECK:       %[[PLACE:.*]] = llvm.getelementptr %[[RESULT]]
  // CHECK:       llvm.store %[[SQUARE]], %[[PLACE]]
  // CHECK:     } else {
  // CHECK:       %[[TWICE:.*]] = arith.addf
  // CHECK:       %[[PLACE:.*]] = llvm.getelementptr %[[RESULT]]
  // CHECK:       llvm.store %[[TWICE]], %[[PLACE]]
  // CHECK:     }
  %x = tile.load %q[%batch, %head] tile %tile padding undefined : !view -> !tile
  %some = arith.cmpi eq, %tile, %head : index
  %r = scf.if %some -> (!tile) {
    %square = arith.mulf %x, %x : !tile
    scf.yield %square : !tile
  } else {
    %twice = arith.addf %x, %x : !tile
    scf.yield %twice : !tile
  }
  tile.store %r, %q[%batch, %head] tile %tile : !tile, !view
  return
}

// A state that passes through the other side stays where it is: nothing is copied
// on either side. This is the body of a loop whose tiles are visited on demand.

// CHECK-LABEL: func @passed_through
// CHECK-SAME:    %[[SCRATCH:[^: ]*]]: !llvm.ptr) attributes {tile.scratch_bytes = 768
func.func @passed_through(%q: !view {tile.name = "q"}, %n: index {tile.name = "n"},
                          %tile: index, %head: index, %batch: index) {
  // CHECK:     %[[STATE:.*]] = llvm.getelementptr %[[SCRATCH]][256]
  // CHECK:     scf.for
  // CHECK:       scf.if
  // CHECK:         %[[OLD:.*]] = llvm.load %[[STATE]] {{.*}} -> vector<8xf32>
  // CHECK:         %[[NEW:.*]]:8 = scf.for {{.*}} iter_args(%{{.*}} = %[[OLD]],
  // CHECK:         llvm.store %[[NEW]]#0, %[[STATE]]
  // CHECK:         llvm.store %[[NEW]]#7, {{.*}}
  // CHECK-NEXT:  }
  // CHECK-NEXT: }
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %none = arith.constant dense<0.0> : !tile
  %left = tile.load %q[%batch, %head] tile %tile padding undefined : !view -> !tile
  %sum = scf.for %i = %zero to %n step %one iter_args(%s = %none) -> (!tile) {
    %some = arith.cmpi eq, %i, %head : index
    %next = scf.if %some -> (!tile) {
      %right = tile.load %q[%batch, %head] tile %i padding zero : !view -> !tile
      %dot = tile.dot %left, %right, %s : !tile, !tile -> !tile
      scf.yield %dot : !tile
    } else {
      scf.yield %s : !tile
    }
    scf.yield %next : !tile
  }
  tile.store %sum, %q[%batch, %head] tile %tile : !tile, !view
  return
}

// Whether anything is kept: lanes are joined over the columns, then over the rows.

// CHECK-LABEL: func @any
func.func @any(%q: !view {tile.name = "q"}, %x: f32 {tile.name = "x"},
               %tile: index, %head: index, %batch: index) {
  // CHECK-DAG: %[[NONE:.*]] = arith.constant dense<false> : vector<8xi1>
  // CHECK:     %[[LANES:.*]] = scf.for %{{.*}} = %c0 to %c8 step %c1 iter_args(%[[SOME:.*]] = %[[NONE]]) -> (vector<8xi1>) {
  // CHECK:       %[[KEEP:.*]] = arith.cmpf ogt
  // CHECK:       %[[NEXT:.*]] = arith.ori %[[SOME]], %[[KEEP]]
  // CHECK:       scf.yield %[[NEXT]]
  // CHECK:     %[[ANY:.*]] = vector.reduction <or>, %[[LANES]]
  // CHECK:     scf.if %[[ANY]] {
  %limit = tensor.splat %x : !tile
  %t = tile.load %q[%batch, %head] tile %tile padding undefined : !view -> !tile
  %keep = arith.cmpf ogt, %t, %limit : !tile
  %some = tile.any %keep : !mask
  scf.if %some {
    tile.store %t, %q[%batch, %head] tile %head : !tile, !view
  }
  return
}
