// RUN: tessera-opt %s --canonicalize | FileCheck %s

// A query of the key that nothing reads goes.

// CHECK-LABEL: func @unread_flag
func.func @unread_flag() {
  // CHECK-NEXT: return
  %causal = tile.key_flag "causal"
  return
}

// A grid stays, even if the program does not look at its point in it.

// CHECK-LABEL: func @unread_grid
func.func @unread_grid(%tiles: index, %heads: index, %batches: index) {
  // CHECK: tile.grid
  %tile, %head, %batch = tile.grid %tiles, %heads, %batches
  return
}
