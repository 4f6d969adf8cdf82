// RUN: tessera-opt %s --tile-split-masked-loops | sed 's/tile.length .*/arith.constant 5000 : index/' \
// RUN:   | tessera-opt --canonicalize --cse | FileCheck %s

// Windows of keys around a query.
//
// A tile has 96 queries and 64 keys. Tile 8 holds the queries 768 to 863. With
// the number of queries put in (5000), ranges of key tiles are plain numbers.

!view = !tile.view<64xf32>
!scores = tensor<96x64xf32>
!places = tensor<96x64xi32>
!mask = tensor<96x64xi1>

// 100 keys before the query: 668 to 762 are visible to some queries, what comes
// after to all.

// CHECK-LABEL: func @window_left
func.func @window_left(%q: !view, %k: !view, %batch: index, %none: !scores) -> !scores {
  // CHECK:     %[[MASKED:.*]] = tile.count (%c10) to (%c12)
  // CHECK:     scf.for %{{.*}} = %c0 to %[[MASKED]] step %c1
  // CHECK:       tile.mask
  // CHECK:     %[[FULL:.*]] = tile.count (%c12) to (%c20)
  // CHECK:     scf.for %{{.*}} = %c0 to %[[FULL]] step %c1
  // CHECK-NOT:   tile.mask
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

// 100 keys on each side: two partly visible ranges around a full tile.

// CHECK-LABEL: func @window_both
func.func @window_both(%q: !view, %k: !view, %batch: index, %none: !scores) -> !scores {
  // CHECK:     %[[MASKED:.*]] = tile.count (%c10, %c13) to (%c12, %c16)
  // CHECK:     scf.for %{{.*}} = %c0 to %[[MASKED]] step %c1
  // CHECK:       tile.mask
  // CHECK:     %[[FULL:.*]] = tile.count (%c12) to (%c13)
  // CHECK:     scf.for %{{.*}} = %c0 to %[[FULL]] step %c1
  // CHECK-NOT:   tile.mask
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

// The first 4 keys, besides a causal window of 300. Between the tile of the first
// keys and the window nothing is visited.

// CHECK-LABEL: func @window_with_sink
func.func @window_with_sink(%q: !view, %k: !view, %batch: index, %none: !scores) -> !scores {
  // CHECK:     %[[MASKED:.*]] = tile.count (%c0, %{{.*}}, %c7, %c12) to (%c1, %{{.*}}, %c9, %c14)
  // CHECK:     scf.for %{{.*}} = %c0 to %[[MASKED]] step %c1
  // CHECK:       tile.mask
  // CHECK:     %[[FULL:.*]] = tile.count (%c0, %c9) to (%c0, %c12)
  // CHECK:     scf.for %{{.*}} = %c0 to %[[FULL]] step %c1
  // CHECK-NOT:   tile.mask
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
