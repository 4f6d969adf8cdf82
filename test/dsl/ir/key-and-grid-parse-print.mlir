// RUN: tessera-opt %s | tessera-opt | FileCheck %s
// RUN: tessera-opt %s --mlir-print-op-generic | tessera-opt | FileCheck %s

// A flag of the key is named by its spelling.

// CHECK-LABEL: func @flags
func.func @flags() -> (i1, i1) {
  // CHECK: %[[CAUSAL:.*]] = tile.key_flag "causal"
  %causal = tile.key_flag "causal"
  // CHECK: %[[LEFT:.*]] = tile.key_flag "window_left"
  %left = tile.key_flag "window_left"
  // CHECK: return %[[CAUSAL]], %[[LEFT]] : i1, i1
  return %causal, %left : i1, i1
}

// A grid takes three extents and gives the three coordinates of a point.

// CHECK-LABEL: func @grid
// CHECK-SAME:    %[[TILES:.*]]: index, %[[HEADS:.*]]: index, %[[BATCHES:.*]]: index)
func.func @grid(%tiles: index, %heads: index, %batches: index) -> (index, index, index) {
  // CHECK: %[[TILE:.*]], %[[HEAD:.*]], %[[BATCH:.*]] = tile.grid %[[TILES]], %[[HEADS]], %[[BATCHES]]
  %tile, %head, %batch = tile.grid %tiles, %heads, %batches
  // CHECK: return %[[TILE]], %[[HEAD]], %[[BATCH]]
  return %tile, %head, %batch : index, index, index
}
