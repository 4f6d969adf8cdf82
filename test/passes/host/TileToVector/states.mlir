// RUN: tessera-opt %s --tile-to-vector --canonicalize --cse | FileCheck %s

// Loops with several states. A tile of 8 by 8 takes 256 bytes of scratch memory.

!view = !tile.view<8xf32>
!tile = tensor<8x8xf32>
!row = tensor<8x1xf32>

// States that change places are set aside before any is overwritten.

// CHECK-LABEL: func @swapped
// CHECK-SAME:    %[[SCRATCH:[^: ]*]]: !llvm.ptr) attributes {tile.scratch_bytes = 1280
func.func @swapped(%q: !view {tile.name = "q"}, %n: index {tile.name = "n"},
                   %tile: index, %head: index, %batch: index) {
  // CHECK-DAG: %[[A:.*]] = llvm.getelementptr %[[SCRATCH]][256]
  // CHECK-DAG: %[[B:.*]] = llvm.getelementptr %[[SCRATCH]][512]
  // CHECK-DAG: %[[B_ASIDE:.*]] = llvm.getelementptr %[[SCRATCH]][768]
  // CHECK-DAG: %[[A_ASIDE:.*]] = llvm.getelementptr %[[SCRATCH]][1024]
  // CHECK:     scf.for %{{.*}} = %c0 to %{{.*}} step %c1 {
  // CHECK:       llvm.getelementptr %[[B]][
  // CHECK:       llvm.getelementptr %[[B_ASIDE]][
  // CHECK:       llvm.getelementptr %[[A]][
  // CHECK:       llvm.getelementptr %[[A_ASIDE]][
  // CHECK:       llvm.getelementptr %[[B_ASIDE]][
  // CHECK:       llvm.getelementptr %[[A]][
  // CHECK:       llvm.getelementptr %[[A_ASIDE]][
  // CHECK:       llvm.getelementptr %[[B]][
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %x = tile.load %q[%batch, %head] tile %tile padding undefined : !view -> !tile
  %none = arith.constant dense<0.0> : !tile
  %r:2 = scf.for %i = %zero to %n step %one iter_args(%a = %x, %b = %none) -> (!tile, !tile) {
    scf.yield %b, %a : !tile, !tile
  }
  tile.store %r#0, %q[%batch, %head] tile %tile : !tile, !view
  return
}

// Rows of numbers are written when all of the old ones are read: in place, though
// the next maximum needs the last one.

// CHECK-LABEL: func @running_maximum
// CHECK-SAME:    %[[SCRATCH:[^: ]*]]: !llvm.ptr) attributes {tile.scratch_bytes = 320
func.func @running_maximum(%q: !view {tile.name = "q"}, %o: !tile.view<1xf32> {tile.name = "o"},
                           %n: index {tile.name = "n"}, %tile: index, %head: index, %batch: index) {
  // CHECK:     scf.for %{{.*}} = %c0 to %{{.*}} step %c1 {
  // CHECK:       %[[MAX:.*]] = scf.for {{.*}} -> (vector<8xf32>)
  // CHECK:         scf.yield
  // CHECK:       %[[OLD:.*]] = llvm.load %[[STATE:.*]] {alignment
  // CHECK:       %[[NEW:.*]] = arith.maxnumf %[[OLD]], %[[MAX]]
  // CHECK:       llvm.store %[[NEW]], %[[STATE]]
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %least = arith.constant dense<0xFF800000> : !row
  %m = scf.for %i = %zero to %n step %one iter_args(%s = %least) -> (!row) {
    %x = tile.load %q[%batch, %head] tile %i padding zero : !view -> !tile
    %max = tile.reduce max %x : !tile
    %next = arith.maxnumf %s, %max : !row
    scf.yield %next : !row
  }
  tile.store %m, %o[%batch, %head] tile %tile : !row, !tile.view<1xf32>
  return
}
