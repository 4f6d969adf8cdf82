// RUN: tessera-opt %s --tile-to-vector --canonicalize --cse | FileCheck %s

// Memory is used again only when nothing reads it any more. A tile of 8 by 8 takes
// 256 bytes of scratch memory.

!view = !tile.view<8xf32>
!tile = tensor<8x8xf32>

// A tile from outside of a loop is read again in the next iteration, though it has
// one use: what is computed from it goes elsewhere.

// CHECK-LABEL: func @read_in_each_iteration
// CHECK-SAME:    %[[SCRATCH:[^: ]*]]: !llvm.ptr) attributes {tile.scratch_bytes = 1280
func.func @read_in_each_iteration(%q: !view {tile.name = "q"}, %n: index {tile.name = "n"},
                                  %tile: index, %head: index, %batch: index) {
  // CHECK-DAG: %[[ABS:.*]] = llvm.getelementptr %[[SCRATCH]][256]
  // CHECK-DAG: %[[SUM:.*]] = llvm.getelementptr %[[SCRATCH]][1024]
  // CHECK:     math.absf
  // CHECK:     llvm.getelementptr %[[ABS]][
  // CHECK:     arith.addf
  // CHECK:     %[[PLACE:.*]] = llvm.getelementptr %[[SUM]][
  // CHECK:     llvm.store %{{.*}}, %[[PLACE]]
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %x = tile.load %q[%batch, %head] tile %tile padding undefined : !view -> !tile
  %abs = math.absf %x : !tile
  %r = scf.for %i = %zero to %n step %one iter_args(%s = %x) -> (!tile) {
    %right = tile.load %q[%batch, %head] tile %i padding zero : !view -> !tile
    %sum = arith.addf %abs, %s : !tile
    %dot = tile.dot %sum, %right, %s : !tile, !tile -> !tile
    scf.yield %dot : !tile
  }
  tile.store %r, %q[%batch, %head] tile %tile : !tile, !view
  return
}

// A loop takes over the memory of its start, but not in a loop around it.

// CHECK-LABEL: func @start_of_inner_loop
// CHECK-SAME:    %[[SCRATCH:[^: ]*]]: !llvm.ptr) attributes {tile.scratch_bytes = 1280
func.func @start_of_inner_loop(%q: !view {tile.name = "q"}, %n: index {tile.name = "n"},
                               %tile: index, %head: index, %batch: index) {
  // CHECK-DAG: %[[ABS:.*]] = llvm.getelementptr %[[SCRATCH]][256]
  // CHECK-DAG: %[[STATE:.*]] = llvm.getelementptr %[[SCRATCH]][768]
  // CHECK:     math.absf
  // CHECK:     scf.for
  // CHECK:       llvm.getelementptr %[[ABS]][
  // CHECK:       llvm.load
  // CHECK:       llvm.getelementptr %[[STATE]][
  // CHECK:       llvm.store
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %x = tile.load %q[%batch, %head] tile %tile padding undefined : !view -> !tile
  %abs = math.absf %x : !tile
  %r = scf.for %i = %zero to %n step %one iter_args(%s = %x) -> (!tile) {
    %inner = scf.for %j = %zero to %n step %one iter_args(%t = %abs) -> (!tile) {
      %right = tile.load %q[%batch, %head] tile %j padding zero : !view -> !tile
      %dot = tile.dot %x, %right, %t : !tile, !tile -> !tile
      scf.yield %dot : !tile
    }
    %next = arith.addf %s, %inner : !tile
    scf.yield %next : !tile
  }
  tile.store %r, %q[%batch, %head] tile %tile : !tile, !view
  return
}
