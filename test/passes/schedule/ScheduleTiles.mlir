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

// Sections of a group of heads each, and one of all others: the last two groups, and what does not
// fill one. Heads vary fastest, and where later tiles take longer they come first.

// CHECK-LABEL: func @order
// CHECK-SAME:    %[[O:[a-z0-9]*]]: !tile.view<64xbf16>, %[[TILES:[a-z0-9]*]]: index, %[[HEADS:[a-z0-9]*]]: index
func.func @order(%o: !view, %tiles: index, %heads: index, %x: !tile) {
  // CHECK:      %[[ALL:.*]] = arith.muli %[[HEADS]], %[[HEADS]]
  // CHECK:      %[[GROUP:.*]] = arith.constant 1 : index
  // CHECK:      %[[TWO:.*]] = arith.muli %[[GROUP]], %{{.*}}
  // CHECK:      arith.subi %[[ALL]], %[[TWO]]
  // CHECK:      %[[GROUPS:.*]] = arith.divui %{{.*}}, %[[GROUP]]
  // CHECK-NEXT: %[[EARLY:.*]] = arith.muli %[[GROUPS]], %[[GROUP]]
  // CHECK:      } do {
  // CHECK-NEXT: ^{{.*}}(%[[POINT:.*]]: index):
  // CHECK:      %[[EARLY_POINTS:.*]] = arith.muli %[[EARLY]], %[[TILES]]
  // CHECK-NEXT: %[[IS_EARLY:.*]] = arith.cmpi slt, %[[POINT]], %[[EARLY_POINTS]]
  // CHECK:      %[[FIRST:.*]] = arith.select %[[IS_EARLY]], %{{.*}}, %[[EARLY]]
  // CHECK-NEXT: %[[OTHERS:.*]] = arith.subi %[[ALL]], %[[EARLY]]
  // CHECK-NEXT: %[[WIDTH:.*]] = arith.select %[[IS_EARLY]], %[[GROUP]], %[[OTHERS]]
  // CHECK:      %[[REST:.*]] = arith.subi %[[POINT]], %{{.*}}
  // CHECK-NEXT: %[[TILE:.*]] = arith.divui %[[REST]], %[[WIDTH]]
  // LAST:       %[[GREATEST:.*]] = arith.subi %[[TILES]], %{{.*}}
  // LAST-NEXT:  %[[MIRRORED:.*]] = arith.subi %[[GREATEST]], %[[TILE]]
  // FIRST:      sm.tell %[[TILE]], %{{.*}}, %{{.*}} channel 1
  // LAST:       sm.tell %[[MIRRORED]], %{{.*}}, %{{.*}} channel 1
  %t, %h, %b = tile.grid %tiles, %heads, %heads
  tile.store %x, %o[%b, %h] tile %t : !tile, !view
  return
}

// As many heads go together as their keys fit into the cache, 16 at most: of 4 KiB there are 16 in
// 64 KiB. What is loaded once for a point is not shared.

// CACHE-LABEL: func @cache
// CACHE-SAME:    %{{[a-z0-9]*}}: !tile.view<64xbf16>, %[[K:[a-z0-9]*]]: !tile.view<64xbf16>
func.func @cache(%q: !view, %k: !view, %tiles: index, %heads: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // CACHE-NOT:  tile.extent %{{.*}} rows
  // CACHE:      %[[ROWS:.*]] = tile.extent %[[K]] rows
  // CACHE:      arith.addi %[[ROWS]],
  // CACHE-NOT:  tile.extent %{{.*}} rows
  // CACHE:      %[[UNITS:.*]] = arith.constant 16 : index
  // CACHE:      %[[FITTING:.*]] = arith.divui %[[UNITS]], %{{.*}}
  // CACHE:      %[[MOST:.*]] = arith.constant 16 : index
  // CACHE:      arith.minsi %[[FITTING]], %[[MOST]]
  // CACHE:      sm.block_id
  %t, %h, %b = tile.grid %tiles, %heads, %heads
  %x = tile.load %q[%b, %h] tile %t padding zero : !view -> !tile
  scf.for %j = %c0 to %tiles step %c1 {
    %y = tile.load %k[%b, %h] tile %j padding zero : !view -> !tile
    tile.store %y, %q[%b, %h] tile %t : !tile, !view
  }
  return
}

// A view that holds the rows of all sequences counts for one of them.

// CACHE-LABEL: func @packed
// CACHE-SAME:    %[[K:[a-z0-9]*]]: !tile.view<64xbf16>, %{{[a-z0-9]*}}: index, %{{[a-z0-9]*}}: index, %[[BATCHES:[a-z0-9]*]]: index
func.func @packed(%k: !view, %tiles: index, %heads: index, %batches: index, %start: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // CACHE:      %[[ROWS:.*]] = tile.extent %[[K]] rows
  // CACHE:      %[[SEQUENCES:.*]] = arith.maxsi %[[BATCHES]],
  // CACHE-NEXT: arith.divui %[[ROWS]], %[[SEQUENCES]]
  %t, %h, %b = tile.grid %tiles, %heads, %batches
  scf.for %j = %c0 to %tiles step %c1 {
    %y = tile.load %k[%c0, %h] tile %j from %start padding zero : !view -> !tile
    tile.store %y, %k[%c0, %h] tile %t : !tile, !view
  }
  return
}

// Points that do nothing are passed over where tickets are taken, and the first point is told too.

// CHECK-LABEL: func @idle
// CHECK-SAME:    %[[O:[a-z0-9]*]]: !tile.view<64xbf16>, %{{.*}}: index, %{{.*}}: index, %[[N:[a-z0-9]*]]: index, %[[X:[a-z0-9]*]]:
func.func @idle(%o: !view, %tiles: index, %heads: index, %n: index, %x: !tile) {
  // CHECK:      %[[OWN:.*]] = sm.block_id
  // CHECK-NEXT: %[[BUSY:.*]] = scf.while (%[[P:.*]] = %[[OWN]])
  // CHECK:        %[[SOME:.*]] = arith.cmpi slt, %{{.*}}, %[[N]]
  // CHECK:        %[[LEFT:.*]] = arith.cmpi slt, %[[P]], %{{.*}}
  // CHECK:        %[[ON:.*]] = arith.select %[[SOME]], %{{.*}}, %[[LEFT]]
  // CHECK-NEXT:   scf.condition(%[[ON]]) %[[P]]
  // CHECK:        %[[TICKET:.*]] = sm.take_ticket
  // CHECK-NEXT:   scf.yield %[[TICKET]]
  // CHECK:      %[[FIRST:.*]] = sm.tell %[[BUSY]] channel 0
  // CHECK:      scf.while (%{{.*}} = %[[FIRST]])
  // CHECK:        sm.tell %{{.*}}, %{{.*}}, %{{.*}} channel 1
  // CHECK-NOT:    scf.if
  // CHECK:        tile.store %[[X]], %[[O]]
  // CHECK:        %[[TAKEN:.*]] = sm.take_ticket
  // CHECK-NEXT:   %[[NEXT:.*]] = scf.while (%{{.*}} = %[[TAKEN]])
  // CHECK:        sm.tell %[[NEXT]] channel 0
  %c64 = arith.constant 64 : index
  %t, %h, %b = tile.grid %tiles, %heads, %heads
  %first = arith.muli %t, %c64 : index
  %some = arith.cmpi slt, %first, %n : index
  scf.if %some {
    tile.store %x, %o[%b, %h] tile %t : !tile, !view
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
