// RUN: tessera-opt %s --tile-split-masked-loops | sed 's/tile.length .*/arith.constant 5000 : index/' \
// RUN:   | tessera-opt --canonicalize --cse | FileCheck %s

// Limits that lie outside of the keys.
//
// A tile has 96 queries and 64 keys. Tile 8 holds the queries 768 to 863. With
// the number of queries put in (5000), ranges of key tiles are plain numbers.

!view = !tile.view<64xf32>
!scores = tensor<96x64xf32>
!places = tensor<96x64xi32>
!mask = tensor<96x64xi1>

// A window that reaches in front of the first key starts at tile 0.

// CHECK-LABEL: func @window_before_first_key
func.func @window_before_first_key(%q: !view, %k: !view, %batch: index, %none: !scores) -> !scores {
  // CHECK:     %[[MASKED:.*]] = tile.count (%c0) to (%c0)
  // CHECK:     scf.for %{{.*}} = %c0 to %[[MASKED]] step %c1
  // CHECK:       tile.mask
  // CHECK:     %[[FULL:.*]] = tile.count (%c0) to (%c20)
  // CHECK:     scf.for %{{.*}} = %c0 to %[[FULL]] step %c1
  // CHECK-NOT:   tile.mask
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %tile = arith.constant 8 : index
  %tiles = arith.constant 20 : index
  %row = tile.positions %q[%batch] tile %tile : !view -> tensor<96x1xi32>
  %r = tile.broadcast %row : tensor<96x1xi32> -> !places
  %size = arith.constant dense<1000> : !places
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

// Queries that stand behind the last key see all keys, and no tile beyond them.

// CHECK-LABEL: func @causal_behind_last_key
func.func @causal_behind_last_key(%q: !view, %k: !view, %batch: index, %none: !scores) -> !scores {
  // CHECK:     %[[MASKED:.*]] = tile.count (%c5) to (%c5)
  // CHECK:     scf.for %{{.*}} = %c0 to %[[MASKED]] step %c1
  // CHECK:       tile.mask
  // CHECK:     %[[FULL:.*]] = tile.count (%c0) to (%c5)
  // CHECK:     scf.for %{{.*}} = %c0 to %[[FULL]] step %c1
  // CHECK-NOT:   tile.mask
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %tile = arith.constant 8 : index
  %tiles = arith.constant 5 : index
  %row = tile.positions %q[%batch] tile %tile : !view -> tensor<96x1xi32>
  %r = tile.broadcast %row : tensor<96x1xi32> -> !places
  %out = scf.for %j = %zero to %tiles step %one iter_args(%sum = %none) -> (!scores) {
    %col = tile.positions %k[%batch] tile %j : !view -> tensor<1x64xi32>
    %c = tile.broadcast %col : tensor<1x64xi32> -> !places
    %keep = arith.cmpi sle, %c, %r : !places
    %x = arith.sitofp %c : !places to !scores
    %kept = tile.mask %x, %keep : !scores
    %next = arith.addf %sum, %kept : !scores
    scf.yield %next : !scores
  }
  return %out : !scores
}

// What is hidden besides the tail, but lies behind it, hides nothing more: of 100
// keys, tile 0 is full and tile 1 is ragged.

// CHECK-LABEL: func @hole_behind_tail
func.func @hole_behind_tail(%k: !view, %batch: index, %none: !scores) -> !scores {
  // CHECK:     %[[MASKED:.*]] = tile.count (%c1, %c1, %c2, %c2) to (%c1, %c2, %c0, %c0)
  // CHECK:     scf.for %{{.*}} = %c0 to %[[MASKED]] step %c1
  // CHECK:       tile.mask
  // CHECK:     %[[FULL:.*]] = tile.count (%c0, %c1) to (%c1, %c1)
  // CHECK:     scf.for %{{.*}} = %c0 to %[[FULL]] step %c1
  // CHECK-NOT:   tile.mask
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %tiles = arith.constant 2 : index
  %from = arith.constant dense<200> : !places
  %to = arith.constant dense<300> : !places
  %end = arith.constant dense<100> : !places
  %out = scf.for %j = %zero to %tiles step %one iter_args(%sum = %none) -> (!scores) {
    %col = tile.positions %k[%batch] tile %j : !view -> tensor<1x64xi32>
    %c = tile.broadcast %col : tensor<1x64xi32> -> !places
    %before = arith.cmpi slt, %c, %from : !places
    %after = arith.cmpi sgt, %c, %to : !places
    %around = arith.ori %before, %after : !mask
    %inside = arith.cmpi slt, %c, %end : !places
    %keep = arith.andi %around, %inside : !mask
    %x = arith.sitofp %c : !places to !scores
    %kept = tile.mask %x, %keep : !scores
    %next = arith.addf %sum, %kept : !scores
    scf.yield %next : !scores
  }
  return %out : !scores
}
