// RUN: tessera-opt %s --tile-outline-grid | FileCheck %s

!view = !tile.view<8xf32>

// What stands before the grid says how many points there are. The program of one
// point keeps it all: the canonicalizer drops what it does not need. Coordinates
// come behind the arguments, which keep their names.

// CHECK-LABEL: func @program_extents
// CHECK-SAME:    (%[[Q:.*]]: !tile.view<8xf32> {tile.name = "q"}, %[[N:.*]]: index {tile.name = "n"})
// CHECK-SAME:    -> (index, index, index)
// CHECK-NEXT:    %[[HEADS:.*]] = tile.extent %[[Q]] heads
// CHECK-NEXT:    %[[BATCHES:.*]] = tile.extent %[[Q]] batches
// CHECK-NEXT:    return %[[N]], %[[HEADS]], %[[BATCHES]]

// CHECK-LABEL: func @program(
// CHECK-SAME:    %[[Q:.*]]: !tile.view<8xf32> {tile.name = "q"}, %[[N:.*]]: index {tile.name = "n"},
// CHECK-SAME:    %[[TILE:.*]]: index, %[[HEAD:.*]]: index, %[[BATCH:.*]]: index) {
func.func @program(%q: !view {tile.name = "q"}, %n: index {tile.name = "n"}) {
  // CHECK-NOT: tile.grid
  // CHECK:     %[[T:.*]] = tile.load %[[Q]][%[[BATCH]], %[[HEAD]]] tile %[[TILE]]
  // CHECK:     tile.store %[[T]], %[[Q]][%[[BATCH]], %[[HEAD]]] tile %[[TILE]]
  // CHECK:     return
  %heads = tile.extent %q heads : !view
  %batches = tile.extent %q batches : !view
  %tile, %head, %batch = tile.grid %n, %heads, %batches
  %t = tile.load %q[%batch, %head] tile %tile padding zero : !view -> tensor<8x8xf32>
  tile.store %t, %q[%batch, %head] tile %tile : tensor<8x8xf32>, !view
  return
}

// What stands behind the grid and in branches is gone from the extents.

// CHECK-LABEL: func @branch_extents
// CHECK-NEXT:    return
// CHECK-LABEL: func @branch(
// CHECK:         scf.if
func.func @branch(%q: !view {tile.name = "q"}, %n: index {tile.name = "n"}) {
  %tile, %head, %batch = tile.grid %n, %n, %n
  %some = arith.cmpi eq, %tile, %head : index
  scf.if %some {
    %t = tile.load %q[%batch, %head] tile %tile padding zero : !view -> tensor<8x8xf32>
    tile.store %t, %q[%batch, %head] tile %tile : tensor<8x8xf32>, !view
  }
  return
}

// A coordinate may be unused.

// CHECK-LABEL: func @unused(
// CHECK-SAME:    %{{.*}}: index {tile.name = "n"}, %{{.*}}: index, %{{.*}}: index, %{{.*}}: index)
// CHECK-NEXT:    return
func.func @unused(%n: index {tile.name = "n"}) {
  %tile, %head, %batch = tile.grid %n, %n, %n
  return
}

// A function without a grid stays as it is, and so does one without a body.

// CHECK-NOT:   _extents
// CHECK-LABEL: func @no_grid(
// CHECK-SAME:    %{{[^,]*}}: index {tile.name = "n"}) {
func.func @no_grid(%n: index {tile.name = "n"}) {
  return
}

// CHECK: func private @declared(index)
func.func private @declared(index)
