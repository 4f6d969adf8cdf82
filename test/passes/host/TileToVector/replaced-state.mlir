// RUN: tessera-opt %s --tile-to-vector --canonicalize --cse | FileCheck %s

// A state is replaced only when nothing reads it any more. A tile of 8 by 8 takes
// 256 bytes of scratch memory.

!view = !tile.view<8xf32>
!tile = tensor<8x8xf32>
!row = tensor<8x1xf32>
!mask = tensor<8x8xi1>

// A mask is computed where it is read, here after the next maximum. So the last
// maximum must stay until then.

// CHECK-LABEL: func @state_of_mask
// CHECK-SAME:    %[[SCRATCH:[^: ]*]]: !llvm.ptr) attributes
func.func @state_of_mask(%q: !view {tile.name = "q"}, %o: !tile.view<1xf32> {tile.name = "o"},
                         %n: index {tile.name = "n"}, %tile: index, %head: index, %batch: index) {
  // CHECK:     %[[STATE:.*]] = llvm.getelementptr %[[SCRATCH]][256]
  // CHECK:     scf.for
  // CHECK:       math.fma
  // CHECK:       %[[MAX:.*]] = scf.for {{.*}} -> (vector<8xf32>)
  // CHECK:       llvm.store %[[MAX]], %[[NEXT:.*]] {alignment
  // CHECK:       math.fma
  // CHECK:       llvm.load %[[STATE]] {{.*}} -> vector<8xf32>
  // CHECK:       arith.select
  // CHECK:       %[[COPIED:.*]] = llvm.load %[[NEXT]]
  // CHECK:       llvm.store %[[COPIED]], %[[STATE]]
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %none = arith.constant dense<0.0> : !tile
  %least = arith.constant dense<0.0> : !row
  %x = tile.load %q[%batch, %head] tile %tile padding undefined : !view -> !tile
  %r:2 = scf.for %i = %zero to %n step %one iter_args(%m = %least, %l = %least) -> (!row, !row) {
    %last = tile.broadcast %m : !row -> !tile
    %keep = arith.cmpf ogt, %x, %last : !tile
    %right = tile.load %q[%batch, %head] tile %i padding zero : !view -> !tile
    %scores = tile.dot %x, %right, %none : !tile, !tile -> !tile
    %max = tile.reduce max %scores : !tile
    %again = tile.dot %scores, %right, %none : !tile, !tile -> !tile
    %kept = arith.select %keep, %again, %x : !mask, !tile
    %sum = tile.reduce add %kept : !tile
    scf.yield %max, %sum : !row, !row
  }
  tile.store %r#1, %o[%batch, %head] tile %tile : !row, !tile.view<1xf32>
  tile.store %r#0, %o[%head, %batch] tile %tile : !row, !tile.view<1xf32>
  return
}

// A chain into an accumulator is computed in the product. Where it shares a link
// with something else, the link is computed twice, and what it reads must stay.

// CHECK-LABEL: func @state_of_shared_chain
// CHECK-SAME:    %[[SCRATCH:[^: ]*]]: !llvm.ptr) attributes
func.func @state_of_shared_chain(%q: !view {tile.name = "q"}, %n: index {tile.name = "n"},
                                 %tile: index, %head: index, %batch: index) {
  // CHECK:      %[[STATE:.*]] = llvm.getelementptr %[[SCRATCH]][256]
  // CHECK:      scf.for {{.*}} iter_args
  // CHECK:      llvm.store %{{.*}}#7
  // CHECK:      arith.addf
  // CHECK-NOT:  llvm.getelementptr %[[STATE]][%
  // CHECK:      %[[OLD:.*]] = llvm.load %[[STATE]] {{.*}} -> vector<8xf32>
  // CHECK-NEXT: %[[LINK:.*]] = math.absf %[[OLD]]
  // CHECK-NEXT: %[[ACC:.*]] = arith.addf %[[LINK]]
  // CHECK:      scf.for {{.*}} iter_args(%{{.*}} = %[[ACC]],
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %none = arith.constant dense<0.0> : !tile
  %ones = arith.constant dense<1.0> : !tile
  %x = tile.load %q[%batch, %head] tile %tile padding undefined : !view -> !tile
  %r:2 = scf.for %i = %zero to %n step %one iter_args(%s = %none, %t = %none) -> (!tile, !tile) {
    %link = math.absf %s : !tile
    %acc = arith.addf %link, %ones : !tile
    %left = arith.mulf %link, %x : !tile
    %right = tile.load %q[%batch, %head] tile %i padding zero : !view -> !tile
    %dot = tile.dot %left, %right, %none : !tile, !tile -> !tile
    %next = arith.addf %dot, %x : !tile
    %other = tile.dot %x, %right, %acc : !tile, !tile -> !tile
    scf.yield %next, %other : !tile, !tile
  }
  %sum = arith.addf %r#0, %r#1 : !tile
  tile.store %sum, %q[%batch, %head] tile %tile : !tile, !view
  return
}

// A branch may be given the memory of a state that it reads. The product of the
// state needs a place of its own there.

// CHECK-LABEL: func @left_operand_in_branch
// CHECK-SAME:    tile.scratch_bytes = 1024
func.func @left_operand_in_branch(%q: !view {tile.name = "q"}, %n: index {tile.name = "n"},
                                  %tile: index, %head: index, %batch: index) {
  // CHECK: scf.if
  // CHECK:   math.fma
  // CHECK:   scf.for %{{.*}} = %c0 to %c8 step %c1 {
  // CHECK:     %[[COPIED:.*]] = llvm.load {{.*}} -> vector<8xf32>
  // CHECK:     llvm.store %[[COPIED]]
  // CHECK: } else {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %none = arith.constant dense<0.0> : !tile
  %x = tile.load %q[%batch, %head] tile %tile padding undefined : !view -> !tile
  %r = scf.for %i = %zero to %n step %one iter_args(%s = %x) -> (!tile) {
    %some = arith.cmpi eq, %i, %head : index
    %next = scf.if %some -> (!tile) {
      %right = tile.load %q[%batch, %head] tile %i padding zero : !view -> !tile
      %dot = tile.dot %s, %right, %none : !tile, !tile -> !tile
      scf.yield %dot : !tile
    } else {
      %twice = arith.addf %x, %x : !tile
      scf.yield %twice : !tile
    }
    scf.yield %next : !tile
  }
  tile.store %r, %q[%batch, %head] tile %tile : !tile, !view
  return
}
