// RUN: tessera-opt %s --tile-split-masked-loops=descending | sed 's/tile.length .*/arith.constant 5000 : index/' \
// RUN:   | tessera-opt --canonicalize --cse | FileCheck %s
// RUN: tessera-opt %s --tile-split-masked-loops=descending --canonicalize --cse \
// RUN:   | FileCheck %s --check-prefix=FORM

// From the last tile to the first: the partly visible tiles at the end, the fully visible
// ones, the partly visible ones at the front. Each loop ends where the next one begins.
//
// A tile has 96 queries and 64 keys. Tile 8 holds the queries 768 to 863. With
// the number of queries put in (5000), ranges of key tiles are plain numbers.

!view = !tile.view<64xf32>
!scores = tensor<96x64xf32>
!places = tensor<96x64xi32>
!mask = tensor<96x64xi1>

// 100 keys on each side.

// CHECK-LABEL: func @window
// CHECK:     %[[BACK:.*]] = tile.count (%c13) to (%c16)
// CHECK:     scf.for %[[T:.*]] = %c0 to %[[BACK]] step %c1
// CHECK:       tile.nth %[[T]] descending of (%c13) to (%c16)
// CHECK:       tile.mask
// CHECK:     %[[FULL:.*]] = tile.count (%c12) to (%c13)
// CHECK:     scf.for %[[T:.*]] = %c0 to %[[FULL]] step %c1
// CHECK:       tile.nth %[[T]] descending of (%c12) to (%c13)
// CHECK-NOT:   tile.mask
// CHECK:     %[[FRONT:.*]] = tile.count (%c10) to (%c12)
// CHECK:     scf.for %[[T:.*]] = %c0 to %[[FRONT]] step %c1
// CHECK:       tile.nth %[[T]] descending of (%c10) to (%c12)
// CHECK:       tile.mask
// FORM-LABEL: func @window
// FORM:      tile.count (%[[FULL_END:.*]]) to (%{{.*}})
// FORM:      tile.count (%[[FULL_START:.*]]) to (%[[FULL_END]])
// FORM:      tile.count (%{{.*}}) to (%[[FULL_START]])
func.func @window(%q: !view, %k: !view, %batch: index, %none: !scores) -> !scores {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %tile = arith.constant 8 : index
  %tiles = arith.constant 20 : index
  %row = tile.positions %q[%batch] tile %tile : !view -> tensor<96x1xi32>
  %r = tile.broadcast %row : tensor<96x1xi32> -> !places
  %size = arith.constant dense<100> : !places
  %first = arith.subi %r, %size : !places
  %last = arith.addi %r, %size : !places
  %out = scf.for %j = %zero to %tiles step %one iter_args(%sum = %none) -> (!scores) {
    %col = tile.positions %k[%batch] tile %j : !view -> tensor<1x64xi32>
    %c = tile.broadcast %col : tensor<1x64xi32> -> !places
    %left = arith.cmpi sge, %c, %first : !places
    %right = arith.cmpi sle, %c, %last : !places
    %keep = arith.andi %left, %right : !mask
    %x = arith.sitofp %c : !places to !scores
    %kept = tile.mask %x, %keep : !scores
    %next = arith.addf %sum, %kept : !scores
    scf.yield %next : !scores
  }
  return %out : !scores
}

// A window of 10 is narrower than a tile: nothing is fully visible, and no tile comes twice.

// CHECK-LABEL: func @narrow_window
// CHECK:     tile.count (%c14) to (%c14)
// CHECK:       tile.nth %{{.*}} descending of (%c14) to (%c14)
// CHECK:       tile.nth %{{.*}} descending of (%c14) to (%c14)
// CHECK:     tile.count (%c11) to (%c14)
func.func @narrow_window(%q: !view, %k: !view, %batch: index, %none: !scores) -> !scores {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %tile = arith.constant 8 : index
  %tiles = arith.constant 20 : index
  %row = tile.positions %q[%batch] tile %tile : !view -> tensor<96x1xi32>
  %r = tile.broadcast %row : tensor<96x1xi32> -> !places
  %size = arith.constant dense<10> : !places
  %first = arith.subi %r, %size : !places
  %out = scf.for %j = %zero to %tiles step %one iter_args(%sum = %none) -> (!scores) {
    %col = tile.positions %k[%batch] tile %j : !view -> tensor<1x64xi32>
    %c = tile.broadcast %col : tensor<1x64xi32> -> !places
    %left = arith.cmpi sge, %c, %first : !places
    %right = arith.cmpi sle, %c, %r : !places
    %keep = arith.andi %left, %right : !mask
    %x = arith.sitofp %c : !places to !scores
    %kept = tile.mask %x, %keep : !scores
    %next = arith.addf %sum, %kept : !scores
    scf.yield %next : !scores
  }
  return %out : !scores
}

// A mask that is not understood may hide something in any tile: one loop over what may be seen.

// CHECK-LABEL: func @undecided
// CHECK:       %[[ALL:.*]] = tile.count (%c0) to (%c20)
// CHECK:       scf.for %[[T:.*]] = %c0 to %[[ALL]] step %c1
// CHECK:         tile.nth %[[T]] descending of (%c0) to (%c20)
// CHECK:         tile.mask
// CHECK-NOT:   scf.for
func.func @undecided(%q: !view, %k: !view, %batch: index, %none: !scores) -> !scores {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %tiles = arith.constant 20 : index
  %out = scf.for %j = %zero to %tiles step %one iter_args(%sum = %none) -> (!scores) {
    %col = tile.positions %k[%batch] tile %j : !view -> tensor<1x64xi32>
    %c = tile.broadcast %col : tensor<1x64xi32> -> !places
    %square = arith.muli %c, %c : !places
    %keep = arith.cmpi sge, %square, %c : !places
    %x = arith.sitofp %c : !places to !scores
    %kept = tile.mask %x, %keep : !scores
    %next = arith.addf %sum, %kept : !scores
    scf.yield %next : !scores
  }
  return %out : !scores
}

// The first 4 keys, besides a causal window of 300: what is visible has a hole, and the tiles are
// visited as they are without the option.

// CHECK-LABEL: func @window_with_sink
// CHECK:     tile.count (%c0, %{{.*}}, %c7, %c12) to (%c1, %{{.*}}, %c9, %c14)
// CHECK:       tile.nth %{{[a-z0-9]*}} of
// CHECK:     tile.count (%c0, %c9) to (%c0, %c12)
// CHECK:       tile.nth %{{[a-z0-9]*}} of
func.func @window_with_sink(%q: !view, %k: !view, %batch: index, %none: !scores) -> !scores {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %tile = arith.constant 8 : index
  %tiles = arith.constant 20 : index
  %row = tile.positions %q[%batch] tile %tile : !view -> tensor<96x1xi32>
  %r = tile.broadcast %row : tensor<96x1xi32> -> !places
  %size = arith.constant dense<300> : !places
  %sinks = arith.constant dense<4> : !places
  %first = arith.subi %r, %size : !places
  %out = scf.for %j = %zero to %tiles step %one iter_args(%sum = %none) -> (!scores) {
    %col = tile.positions %k[%batch] tile %j : !view -> tensor<1x64xi32>
    %c = tile.broadcast %col : tensor<1x64xi32> -> !places
    %window = arith.cmpi sge, %c, %first : !places
    %sink = arith.cmpi slt, %c, %sinks : !places
    %either = arith.ori %window, %sink : !mask
    %causal = arith.cmpi sle, %c, %r : !places
    %keep = arith.andi %either, %causal : !mask
    %x = arith.sitofp %c : !places to !scores
    %kept = tile.mask %x, %keep : !scores
    %next = arith.addf %sum, %kept : !scores
    scf.yield %next : !scores
  }
  return %out : !scores
}

// Without an end that hides anything, the first loop would be one without a mask: masked tiles come
// first as they do without the option.

// CHECK-LABEL: func @window_left
// CHECK:     tile.count (%c10) to (%c12)
// CHECK:       tile.nth %{{[a-z0-9]*}} of
// CHECK:       tile.mask
// CHECK:     tile.count (%c12) to (%c20)
// CHECK:       tile.nth %{{[a-z0-9]*}} of
func.func @window_left(%q: !view, %k: !view, %batch: index, %none: !scores) -> !scores {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %tile = arith.constant 8 : index
  %tiles = arith.constant 20 : index
  %row = tile.positions %q[%batch] tile %tile : !view -> tensor<96x1xi32>
  %r = tile.broadcast %row : tensor<96x1xi32> -> !places
  %size = arith.constant dense<100> : !places
  %first = arith.subi %r, %size : !places
  %out = scf.for %j = %zero to %tiles step %one iter_args(%sum = %none) -> (!scores) {
    %col = tile.positions %k[%batch] tile %j : !view -> tensor<1x64xi32>
    %c = tile.broadcast %col : tensor<1x64xi32> -> !places
    %keep = arith.cmpi sge, %c, %first : !places
    %x = arith.sitofp %c : !places to !scores
    %kept = tile.mask %x, %keep : !scores
    %next = arith.addf %sum, %kept : !scores
    scf.yield %next : !scores
  }
  return %out : !scores
}
