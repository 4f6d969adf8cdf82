// RUN: tessera-opt %s --sm-schedule-tiles | FileCheck %s --check-prefixes=CHECK,FIRST
// RUN: tessera-opt %s --sm-schedule-tiles=longest-last | FileCheck %s --check-prefixes=CHECK,LAST
// RUN: tessera-opt %s --sm-schedule-tiles=cache-bytes=65536 | FileCheck %s --check-prefix=CACHE

!view = !tile.view<64xbf16>
!tile = tensor<64x64xbf16>

// A block starts with the point of its own number, and goes on with what tickets say, as long as
// there are points. Constants stay in front.

// CHECK-LABEL: func @points
// CHECK-SAME:    %[[O:[a-z0-9]*]]: !tile.view<64xbf16>, %[[TILES:[a-z0-9]*]]: index, %[[HEADS:[a-z0-9]*]]: index, %[[BATCHES:[a-z0-9]*]]: index
func.func @points(%o: !view, %tiles: index, %heads: index, %batches: index) {
  // CHECK-NOT:  tile.grid
  // CHECK:      %[[ALL_HEADS:.*]] = arith.muli %[[HEADS]], %[[BATCHES]]
  // CHECK:      %[[ALL:.*]] = arith.muli %[[TILES]], %[[ALL_HEADS]]
  // CHECK:      %[[OWN:.*]] = sm.block_id
  // CHECK-NEXT: %[[ZERO:.*]] = arith.constant dense<0.0
  // CHECK-NEXT: scf.while (%[[N:.*]] = %[[OWN]])
  // CHECK-NEXT:   %[[LEFT:.*]] = arith.cmpi slt, %[[N]], %[[ALL]]
  // CHECK-NEXT:   scf.condition(%[[LEFT]]) %[[N]]
  // CHECK-NEXT: } do {
  // CHECK:        %[[POINT:.*]]:3 = sm.tell %[[TILE:.*]], %{{.*}}, %{{.*}} channel 1
  // CHECK-NEXT:   tile.store %[[ZERO]], %[[O]][%[[POINT]]#2, %[[POINT]]#1] tile %[[POINT]]#0
  // CHECK-NEXT:   %[[TICKET:.*]] = sm.take_ticket
  // CHECK-NEXT:   %[[NEXT:.*]] = sm.tell %[[TICKET]] channel 0
  // CHECK-NEXT:   scf.yield %[[NEXT]]
  %t, %h, %b = tile.grid %tiles, %heads, %batches
  %zero = arith.constant dense<0.0> : !tile
  tile.store %zero, %o[%b, %h] tile %t : !tile, !view
  return
}

// Heads vary fastest, and where later tiles take longer they come first.

// CHECK-LABEL: func @order
// CHECK-SAME:    %[[O:[a-z0-9]*]]: !tile.view<64xbf16>, %[[TILES:[a-z0-9]*]]: index, %[[HEADS:[a-z0-9]*]]: index
func.func @order(%o: !view, %tiles: index, %heads: index, %x: !tile) {
  // CHECK:      } do {
  // CHECK-NEXT: ^{{.*}}(%[[POINT:.*]]: index):
  // CHECK:      %[[REST:.*]] = arith.subi %[[POINT]], %{{.*}}
  // CHECK:      %[[WIDTH:.*]] = arith.minsi
  // CHECK-NEXT: %[[TILE:.*]] = arith.divui %[[REST]], %[[WIDTH]]
  // LAST:       %[[GREATEST:.*]] = arith.subi %[[TILES]], %{{.*}}
  // LAST-NEXT:  %[[MIRRORED:.*]] = arith.subi %[[GREATEST]], %[[TILE]]
  // FIRST:      sm.tell %[[TILE]], %{{.*}}, %{{.*}} channel 1
  // LAST:       sm.tell %[[MIRRORED]], %{{.*}}, %{{.*}} channel 1
  %t, %h, %b = tile.grid %tiles, %heads, %heads
  tile.store %x, %o[%b, %h] tile %t : !tile, !view
  return
}

// As many heads go together as their keys fit into the cache: of 4 KiB there are 16 in 64 KiB.
// What is loaded once for a point is not shared.

// CACHE-LABEL: func @cache
// CACHE-SAME:    %{{[a-z0-9]*}}: !tile.view<64xbf16>, %[[K:[a-z0-9]*]]: !tile.view<64xbf16>
func.func @cache(%q: !view, %k: !view, %tiles: index, %heads: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // CACHE-NOT:  tile.extent %{{.*}} rows
  // CACHE:      tile.extent %[[K]] rows
  // CACHE-NOT:  tile.extent %{{.*}} rows
  // CACHE:      %[[CACHE:.*]] = arith.constant 16 : index
  // CACHE:      %[[FITTING:.*]] = arith.divui %[[CACHE]], %{{.*}}
  // CACHE:      arith.minsi %[[FITTING]],
  // CACHE:      sm.block_id
  %t, %h, %b = tile.grid %tiles, %heads, %heads
  %x = tile.load %q[%b, %h] tile %t padding zero : !view -> !tile
  scf.for %j = %c0 to %tiles step %c1 {
    %y = tile.load %k[%b, %h] tile %j padding zero : !view -> !tile
    tile.store %y, %q[%b, %h] tile %t : !tile, !view
  }
  return
}

// A function without a grid has no points.

// CHECK-LABEL: func @no_grid
// CHECK-NEXT:    return
func.func @no_grid() {
  return
}

// CHECK: func private @declared(index)
func.func private @declared(index)
