// RUN: tessera-opt %s --tile-to-vector --canonicalize --cse | FileCheck %s

!half = !tile.view<8xbf16>
!round = tensor<8x8xbf16>
!tile = tensor<8x8xf32>

// A rounded tile that is stored and read again is kept as f32, like every other:
// rounding it a second time changes nothing.

// CHECK-LABEL: func @left_operand
// CHECK-SAME:    tile.scratch_bytes = 1024
func.func @left_operand(%q: !half {tile.name = "q"}, %o: !tile.view<8xf32> {tile.name = "o"},
                        %tile: index, %head: index, %batch: index) {
  // CHECK:     %[[SQUARE:.*]] = arith.mulf
  // CHECK:     %[[ROUND:.*]] = arith.truncf %[[SQUARE]] : vector<8xf32> to vector<8xbf16>
  // CHECK:     %[[WIDE:.*]] = arith.extf %[[ROUND]]
  // CHECK:     llvm.store %[[WIDE]], %{{.*}} : vector<8xf32>
  // CHECK:     arith.truncf %{{.*}} : f32 to bf16
  // CHECK:     math.fma
  %none = arith.constant dense<0.0> : !tile
  %half = tile.load %q[%batch, %head] tile %tile padding zero : !half -> !round
  %x = arith.extf %half : !round to !tile
  %square = arith.mulf %x, %x : !tile
  %round = arith.truncf %square : !tile to !round
  tile.store %round, %q[%head, %batch] tile %tile : !round, !half
  %dot = tile.dot %round, %half, %none : !round, !round -> !tile
  tile.store %dot, %o[%batch, %head] tile %tile : !tile, !tile.view<8xf32>
  return
}

// So is one that becomes the state of a loop.

// CHECK-LABEL: func @state
func.func @state(%q: !half {tile.name = "q"}, %n: index {tile.name = "n"}, %tile: index,
                 %head: index, %batch: index) {
  // CHECK-NOT: vector<8xbf16>, !llvm.ptr
  // CHECK:     return
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %half = tile.load %q[%batch, %head] tile %tile padding zero : !half -> !round
  %r = scf.for %i = %zero to %n step %one iter_args(%s = %half) -> (!round) {
    %x = arith.extf %s : !round to !tile
    %square = arith.mulf %x, %x : !tile
    %round = arith.truncf %square : !tile to !round
    tile.store %round, %q[%batch, %head] tile %i : !round, !half
    scf.yield %round : !round
  }
  tile.store %r, %q[%head, %batch] tile %tile : !round, !half
  return
}
