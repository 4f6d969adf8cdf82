// RUN: tessera-opt %s --tile-to-vector=checked=true --canonicalize --cse | FileCheck %s
// RUN: tessera-opt %s --tile-to-vector --canonicalize --cse | FileCheck %s --check-prefix=PLAIN

!view = !tile.view<8xf32>
!tile = tensor<8x8xf32>

// PLAIN-NOT: tessera_host_violation
// PLAIN-NOT: 0x7FC00000

// The runtime says what is done about a violation.

// CHECK: llvm.func @tessera_host_violation(i64, i64, i64, i64)

// A load checks its batch (0), its head (1) and its tile (2), each against the
// extent of the view, and names its line. Negative coordinates are large ones. The
// rows past the end hold NaN, so that a result that depends on them shows it.

// CHECK-LABEL: func @load
// CHECK-SAME:    %[[BLOCK:[^:]*]]: !llvm.ptr, %[[TILE:[^:]*]]: index, %[[HEAD:[^:]*]]: index, %[[BATCH:[^:]*]]: index, %[[SCRATCH:[^:]*]]: !llvm.ptr
func.func @load(%q: !view {tile.name = "q"}, %o: !tile.view<1xf32> {tile.name = "o"},
                %tile: index, %head: index, %batch: index) {
  // CHECK-DAG: %[[NAN:.*]] = arith.constant 0x7FC00000 : f32
  // CHECK-DAG: %[[LINE:.*]] = arith.constant [[@LINE+25]] : i64
  // CHECK:     %[[AT_BATCHES:.*]] = llvm.getelementptr %[[BLOCK]][32]
  // CHECK:     %[[BATCHES_WIDE:.*]] = llvm.load %[[AT_BATCHES]]
  // CHECK:     %[[BATCHES:.*]] = arith.index_cast %[[BATCHES_WIDE]]
  // CHECK:     %[[AT_HEADS:.*]] = llvm.getelementptr %[[BLOCK]][40]
  // CHECK:     %[[HEADS_WIDE:.*]] = llvm.load %[[AT_HEADS]]
  // CHECK:     %[[HEADS:.*]] = arith.index_cast %[[HEADS_WIDE]]
  // CHECK:     %[[AT_ROWS:.*]] = llvm.getelementptr %[[BLOCK]][48]
  // CHECK:     %[[ROWS_WIDE:.*]] = llvm.load %[[AT_ROWS]]
  // CHECK:     %[[ROWS:.*]] = arith.index_cast %[[ROWS_WIDE]]
  // CHECK:     %[[TILES:.*]] = arith.ceildivsi %[[ROWS]], %c8
  // CHECK:     %[[OUTSIDE:.*]] = arith.cmpi uge, %[[BATCH]], %[[BATCHES]]
  // CHECK:     scf.if %[[OUTSIDE]] {
  // CHECK:       %[[VALUE:.*]] = arith.index_cast %[[BATCH]]
  // CHECK:       llvm.call @tessera_host_violation(%[[LINE]], %c0_i64, %[[VALUE]], %[[BATCHES_WIDE]])
  // CHECK:     %[[OUTSIDE:.*]] = arith.cmpi uge, %[[HEAD]], %[[HEADS]]
  // CHECK:     scf.if %[[OUTSIDE]] {
  // CHECK:       %[[VALUE:.*]] = arith.index_cast %[[HEAD]]
  // CHECK:       llvm.call @tessera_host_violation(%[[LINE]], %c1_i64, %[[VALUE]], %[[HEADS_WIDE]])
  // CHECK:     %[[OUTSIDE:.*]] = arith.cmpi uge, %[[TILE]], %[[TILES]]
  // CHECK:     scf.if %[[OUTSIDE]] {
  // CHECK:       %[[VALUE:.*]] = arith.index_cast %[[TILE]]
  // CHECK:       %[[LIMIT:.*]] = arith.index_cast %[[TILES]]
  // CHECK:       llvm.call @tessera_host_violation(%[[LINE]], %c2_i64, %[[VALUE]], %[[LIMIT]])
  // CHECK:     llvm.store %[[NAN]], %{{.*}} : f32
  %t = tile.load %q[%batch, %head] tile %tile padding undefined : !view -> !tile
  %sum = tile.reduce add %t : !tile
  tile.store %sum, %o[%batch, %head] tile %tile : tensor<8x1xf32>, !tile.view<1xf32>
  return
}

// Zero padding is a promise, so it stays zero. Scratch memory begins as NaN: a tile
// that is read before it is written shows as well.

// CHECK-LABEL: func @padding_zero
// CHECK-SAME:    %[[SCRATCH:[^: ]*]]: !llvm.ptr) attributes {tile.scratch_bytes = 256
func.func @padding_zero(%q: !view {tile.name = "q"}, %tile: index, %head: index, %batch: index) {
  // CHECK-DAG: %[[NAN:.*]] = arith.constant 0x7FC00000 : f32
  // CHECK-DAG: %[[ZERO:.*]] = arith.constant 0.000000e+00 : f32
  // CHECK:     scf.for %[[I:.*]] = %c0 to %c64 step %c1 {
  // CHECK:       llvm.getelementptr %[[SCRATCH]][
  // CHECK:       llvm.store %[[NAN]]
  // CHECK:     llvm.store %[[ZERO]], %{{.*}} : f32
  // CHECK-NOT: %[[NAN]]
  %t = tile.load %q[%batch, %head] tile %tile padding zero : !view -> !tile
  tile.store %t, %q[%batch, %head] tile %tile : !tile, !view
  return
}

// A store checks its coordinates, too; here of a value that is not loaded.

// CHECK-LABEL: func @store
func.func @store(%o: !view {tile.name = "o"}, %x: f32 {tile.name = "x"},
                 %tile: index, %head: index, %batch: index) {
  // CHECK:         %[[LINE:.*]] = arith.constant [[@LINE+3]] : i64
  // CHECK-COUNT-3: llvm.call @tessera_host_violation(%[[LINE]],
  %t = tensor.splat %x : !tile
  tile.store %t, %o[%batch, %head] tile %tile : !tile, !view
  return
}
