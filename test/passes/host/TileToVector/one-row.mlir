// RUN: tessera-opt %s --tile-to-vector --canonicalize --cse | FileCheck %s

!view = !tile.view<8xf32>
!tile = tensor<8x8xf32>

// A loaded tile of one row, for instance a bias for each key, has one element for
// all lanes.

// CHECK-LABEL: func @loaded_row
func.func @loaded_row(%q: !view {tile.name = "q"}, %bias: !view {tile.name = "bias"},
                      %tile: index, %head: index, %batch: index) {
  // CHECK:      %[[SAME:.*]] = vector.broadcast %{{.*}} : f32 to vector<8xf32>
  // CHECK-NEXT: arith.addf %{{.*}}, %[[SAME]]
  %x = tile.load %q[%batch, %head] tile %tile padding undefined : !view -> !tile
  %row = tile.load %bias[%batch, %head] tile %tile padding zero : !view -> tensor<1x8xf32>
  %rows = tile.broadcast %row : tensor<1x8xf32> -> !tile
  %sum = arith.addf %x, %rows : !tile
  tile.store %sum, %q[%batch, %head] tile %tile : !tile, !view
  return
}
