// RUN: tessera-opt %s --tile-to-vector --canonicalize --cse | FileCheck %s

!view = !tile.view<8xf32>
!tile = tensor<32x8xf32>
!row = tensor<32x1xf32>

// What one walk computes and the next reads lies in memory between them. The
// scores die with it, so it takes their place: in scratch memory there are the
// left operand, the right one, the scores, and nothing else.

// CHECK-LABEL: func @in_place
// CHECK-SAME:    tile.scratch_bytes = 2304
func.func @in_place(%q: !view {tile.name = "q"}, %tile: index, %head: index, %batch: index) {
  // CHECK:      math.fma
  // CHECK:      %[[MAX:.*]] = scf.for {{.*}} -> (vector<16xf32>) {
  // CHECK:        %[[S:.*]] = llvm.load %[[PLACE:.*]] {alignment
  // CHECK:        %[[X:.*]] = arith.mulf %[[S]], %[[S]]
  // CHECK:        llvm.store %[[X]], %[[PLACE]]
  // CHECK:      scf.for %{{.*}} = %c0 to %c8 step %c1 {
  // CHECK:        %[[X:.*]] = llvm.load %[[PLACE:.*]] {alignment
  // CHECK:        %[[Y:.*]] = arith.subf %[[X]], %[[MAX]]
  // CHECK:        llvm.store %[[Y]], %[[PLACE]]
  %zero = arith.constant dense<0.0> : !tile
  %a = tile.load %q[%batch, %head] tile %tile padding undefined : !view -> !tile
  %b = tile.load %q[%head, %batch] tile %tile padding zero : !view -> tensor<8x8xf32>
  %s = tile.dot %a, %b, %zero : !tile, tensor<8x8xf32> -> !tile
  %x = arith.mulf %s, %s : !tile
  %m = tile.reduce max %x : !tile
  %mb = tile.broadcast %m : !row -> !tile
  %y = arith.subf %x, %mb : !tile
  tile.store %y, %q[%batch, %head] tile %tile : !tile, !view
  return
}

// A tile that is read again after the walk keeps its place.

// CHECK-LABEL: func @read_again
// CHECK-SAME:    tile.scratch_bytes = 3328
func.func @read_again(%q: !view {tile.name = "q"}, %tile: index, %head: index, %batch: index) {
  %zero = arith.constant dense<0.0> : !tile
  %a = tile.load %q[%batch, %head] tile %tile padding undefined : !view -> !tile
  %b = tile.load %q[%head, %batch] tile %tile padding zero : !view -> tensor<8x8xf32>
  %s = tile.dot %a, %b, %zero : !tile, tensor<8x8xf32> -> !tile
  %x = arith.mulf %s, %s : !tile
  tile.store %x, %q[%batch, %head] tile %tile : !tile, !view
  tile.store %s, %q[%head, %batch] tile %tile : !tile, !view
  return
}
