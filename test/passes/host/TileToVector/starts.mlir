// RUN: tessera-opt %s --tile-to-vector --canonicalize --cse | FileCheck %s

// How the states of a loop begin. A tile of 8 by 8 takes 256 bytes of scratch memory.

!view = !tile.view<8xf32>
!tile = tensor<8x8xf32>

// One value may be the start of two states, and still be read in the loop.

// CHECK-LABEL: func @same_start
// CHECK-SAME:    %[[SCRATCH:[^: ]*]]: !llvm.ptr) attributes
func.func @same_start(%q: !view {tile.name = "q"}, %n: index {tile.name = "n"},
                      %tile: index, %head: index, %batch: index) {
  // CHECK-DAG: %[[A:.*]] = llvm.getelementptr %[[SCRATCH]][256]
  // CHECK-DAG: %[[B:.*]] = llvm.getelementptr %[[SCRATCH]][512]
  // CHECK:     %[[X:.*]] = llvm.load %{{.*}} -> vector<8xf32>
  // CHECK:     %[[TO:.*]] = llvm.getelementptr %[[A]][
  // CHECK:     llvm.store %[[X]], %[[TO]]
  // CHECK:     %[[X:.*]] = llvm.load %{{.*}} -> vector<8xf32>
  // CHECK:     %[[TO:.*]] = llvm.getelementptr %[[B]][
  // CHECK:     llvm.store %[[X]], %[[TO]]
  // CHECK:     scf.for %{{.*}} = %c0 to %{{.*}} step %c1 {
  // CHECK:       llvm.getelementptr %[[SCRATCH]][%
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %x = tile.load %q[%batch, %head] tile %tile padding undefined : !view -> !tile
  %r:2 = scf.for %i = %zero to %n step %one iter_args(%a = %x, %b = %x) -> (!tile, !tile) {
    %next = arith.addf %a, %x : !tile
    %product = arith.mulf %b, %x : !tile
    scf.yield %next, %product : !tile, !tile
  }
  %sum = arith.addf %r#0, %r#1 : !tile
  tile.store %sum, %q[%batch, %head] tile %tile : !tile, !view
  return
}

// A constant start is written into the state; in the loop it is a constant again.

// CHECK-LABEL: func @constant_start
// CHECK-SAME:    tile.scratch_bytes = 768
func.func @constant_start(%q: !view {tile.name = "q"}, %n: index {tile.name = "n"},
                          %tile: index, %head: index, %batch: index) {
  // CHECK:     %[[ONE:.*]] = arith.constant dense<1.000000e+00> : vector<8xf32>
  // CHECK:     llvm.store %[[ONE]]
  // CHECK:     scf.for %{{.*}} = %c0 to %{{.*}} step %c1 {
  // CHECK:       arith.subf %{{.*}}, %[[ONE]]
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %ones = arith.constant dense<1.0> : !tile
  %x = tile.load %q[%batch, %head] tile %tile padding undefined : !view -> !tile
  %r = scf.for %i = %zero to %n step %one iter_args(%s = %ones) -> (!tile) {
    %less = arith.subf %s, %ones : !tile
    %next = arith.mulf %less, %x : !tile
    scf.yield %next : !tile
  }
  tile.store %r, %q[%batch, %head] tile %tile : !tile, !view
  return
}
