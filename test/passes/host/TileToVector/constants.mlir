// RUN: tessera-opt %s --tile-to-vector --canonicalize --cse | FileCheck %s

!view = !tile.view<8xf32>
!tile = tensor<8x8xf32>

// A constant lies in memory for one reader only; the next one writes it again. A
// tile of 8 by 8 takes 256 bytes of scratch memory.

// CHECK-LABEL: func @stored_twice
// CHECK-SAME:    tile.scratch_bytes = 512
func.func @stored_twice(%o: !view {tile.name = "o"}, %tile: index, %head: index, %batch: index) {
  // CHECK:         %[[ONES:.*]] = arith.constant dense<1.000000e+00> : vector<8xf32>
  // CHECK-COUNT-2: llvm.store %[[ONES]]
  // CHECK-NOT:     llvm.store %[[ONES]]
  %ones = arith.constant dense<1.0> : !tile
  tile.store %ones, %o[%batch, %head] tile %tile : !tile, !view
  tile.store %ones, %o[%head, %batch] tile %tile : !tile, !view
  return
}

// As a left operand it lies in memory, as the accumulator of the same product it
// is a number.

// CHECK-LABEL: func @left_operand_and_accumulator
func.func @left_operand_and_accumulator(%q: !view {tile.name = "q"}, %tile: index, %head: index,
                                        %batch: index) {
  // CHECK:     %[[ONES:.*]] = arith.constant dense<1.000000e+00> : vector<8xf32>
  // CHECK:     llvm.store %[[ONES]]
  // CHECK:     scf.for {{.*}} iter_args(%{{.*}} = %[[ONES]],
  // CHECK:     math.fma
  %ones = arith.constant dense<1.0> : !tile
  %right = tile.load %q[%batch, %head] tile %tile padding zero : !view -> !tile
  %dot = tile.dot %ones, %right, %ones : !tile, !tile -> !tile
  tile.store %dot, %q[%batch, %head] tile %tile : !tile, !view
  return
}

// Each branch writes it where it needs it.

// CHECK-LABEL: func @in_both_branches
func.func @in_both_branches(%q: !view {tile.name = "q"}, %tile: index, %head: index, %batch: index) {
  // CHECK:     %[[ONES:.*]] = arith.constant dense<1.000000e+00> : vector<8xf32>
  // CHECK:     scf.if
  // CHECK-DAG:   llvm.store %[[ONES]]
  // CHECK-DAG:   arith.mulf
  // CHECK:     } else {
  // CHECK-DAG:   llvm.store %[[ONES]]
  // CHECK-DAG:   arith.addf
  %ones = arith.constant dense<1.0> : !tile
  %x = tile.load %q[%batch, %head] tile %tile padding undefined : !view -> !tile
  %some = arith.cmpi eq, %tile, %head : index
  %r:2 = scf.if %some -> (!tile, !tile) {
    %square = arith.mulf %x, %x : !tile
    scf.yield %ones, %square : !tile, !tile
  } else {
    %twice = arith.addf %x, %x : !tile
    scf.yield %twice, %ones : !tile, !tile
  }
  tile.store %r#0, %q[%batch, %head] tile %tile : !tile, !view
  tile.store %r#1, %q[%head, %batch] tile %tile : !tile, !view
  return
}
