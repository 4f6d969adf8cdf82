// RUN: tessera-opt %s --tile-to-vector --canonicalize --cse | FileCheck %s

// The state of a loop lies in buffers; scf.for carries nothing. A tile of 8 by 8
// takes 256 bytes of scratch memory.

!view = !tile.view<8xf32>
!tile = tensor<8x8xf32>

// What becomes the state is computed in its place. In scratch memory there are
// two loaded tiles and one for the state.

// CHECK-LABEL: func @in_place
// CHECK-SAME:    tile.scratch_bytes = 768
func.func @in_place(%q: !view {tile.name = "q"}, %n: index {tile.name = "n"},
                    %tile: index, %head: index, %batch: index) {
  // CHECK:     %[[STATE:.*]] = llvm.getelementptr %{{.*}}[256]
  // CHECK:     scf.for %{{.*}} = %c0 to %{{.*}} step %c1 {
  // CHECK:       %[[OLD:.*]] = llvm.load %[[STATE]] {{.*}} -> vector<8xf32>
  // CHECK:       %[[NEW:.*]]:8 = scf.for {{.*}} iter_args(%{{.*}} = %[[OLD]],
  // CHECK:       llvm.store %[[NEW]]#0, %[[STATE]]
  // CHECK:       llvm.store %[[NEW]]#7, {{.*}}
  // CHECK-NEXT: }
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %none = arith.constant dense<0.0> : !tile
  %left = tile.load %q[%batch, %head] tile %tile padding undefined : !view -> !tile
  %sum = scf.for %i = %zero to %n step %one iter_args(%s = %none) -> (!tile) {
    %right = tile.load %q[%batch, %head] tile %i padding zero : !view -> !tile
    %dot = tile.dot %left, %right, %s : !tile, !tile -> !tile
    scf.yield %dot : !tile
  }
  tile.store %sum, %q[%batch, %head] tile %tile : !tile, !view
  return
}

// A left operand is read while the product is written, so the product needs a
// place of its own and is copied.

// CHECK-LABEL: func @left_operand
// CHECK-SAME:    tile.scratch_bytes = 1024
func.func @left_operand(%q: !view {tile.name = "q"}, %n: index {tile.name = "n"},
                        %tile: index, %head: index, %batch: index) {
  // CHECK:     %[[STATE:.*]] = llvm.getelementptr %{{.*}}[256]
  // CHECK:     math.fma
  // CHECK:     llvm.store %{{.*}}#7
  // CHECK:     scf.for %{{.*}} = %c0 to %c8 step %c1 {
  // CHECK:       %[[COPIED:.*]] = llvm.load {{.*}} -> vector<8xf32>
  // CHECK:       %[[TO:.*]] = llvm.getelementptr %[[STATE]]
  // CHECK:       llvm.store %[[COPIED]], %[[TO]]
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %none = arith.constant dense<0.0> : !tile
  %first = tile.load %q[%batch, %head] tile %tile padding undefined : !view -> !tile
  %power = scf.for %i = %zero to %n step %one iter_args(%s = %first) -> (!tile) {
    %right = tile.load %q[%batch, %head] tile %i padding zero : !view -> !tile
    %dot = tile.dot %s, %right, %none : !tile, !tile -> !tile
    scf.yield %dot : !tile
  }
  tile.store %power, %q[%batch, %head] tile %tile : !tile, !view
  return
}

// A state that is read after its successor is computed stays until the end.

// CHECK-LABEL: func @read_after_successor
// CHECK-SAME:    tile.scratch_bytes = 1280
func.func @read_after_successor(%q: !view {tile.name = "q"}, %n: index {tile.name = "n"},
                                %tile: index, %head: index, %batch: index) {
  // CHECK:     %[[STATE:.*]] = llvm.getelementptr %{{.*}}[256]
  // CHECK:     math.fma
  // CHECK:     %[[OLD_AT:.*]] = llvm.getelementptr %[[STATE]]
  // CHECK:     %[[OLD:.*]] = llvm.load %[[OLD_AT]]
  // CHECK:     arith.subf %{{.*}}, %[[OLD]]
  // CHECK:     scf.for
  // CHECK:     scf.for %{{.*}} = %c0 to %c8 step %c1 {
  // CHECK:       %[[COPIED:.*]] = llvm.load {{.*}} -> vector<8xf32>
  // CHECK:       %[[TO:.*]] = llvm.getelementptr %[[STATE]]
  // CHECK:       llvm.store %[[COPIED]], %[[TO]]
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %none = arith.constant dense<0.0> : !tile
  %left = tile.load %q[%batch, %head] tile %tile padding undefined : !view -> !tile
  %sum = scf.for %i = %zero to %n step %one iter_args(%s = %none) -> (!tile) {
    %right = tile.load %q[%batch, %head] tile %i padding zero : !view -> !tile
    %dot = tile.dot %left, %right, %s : !tile, !tile -> !tile
    %step = arith.subf %dot, %s : !tile
    tile.store %step, %q[%batch, %head] tile %i : !tile, !view
    scf.yield %dot : !tile
  }
  tile.store %sum, %q[%batch, %head] tile %tile : !tile, !view
  return
}
