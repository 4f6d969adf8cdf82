// RUN: tessera-opt %s --tile-split-masked-loops | sed 's/tile.length .*/arith.constant 5000 : index/' \
// RUN:   | tessera-opt --canonicalize --cse | FileCheck %s

// Parts of a mask that analysis does not understand.
//
// A tile has 96 queries and 64 keys. Tile 8 holds the queries 768 to 863. With
// the number of queries put in (5000), ranges of key tiles are plain numbers.

!view = !tile.view<64xf32>
!scores = tensor<96x64xf32>
!places = tensor<96x64xi32>
!mask = tensor<96x64xi1>

// Documents of 128 keys: the diagonal bounds the loop, and all of it stays masked.

// CHECK-LABEL: func @quotients
func.func @quotients(%q: !view, %k: !view, %batch: index, %none: !scores) -> !scores {
  // CHECK:     tile.count (%c0) to (%c14)
  // CHECK:     scf.for
  // CHECK:       tile.mask
  // CHECK-NOT: scf.for
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %tile = arith.constant 8 : index
  %tiles = arith.constant 20 : index
  %row = tile.positions %q[%batch] tile %tile : !view -> tensor<96x1xi32>
  %r = tile.broadcast %row : tensor<96x1xi32> -> !places
  %size = arith.constant dense<128> : !places
  %e = arith.floordivsi %r, %size : !places
  %out = scf.for %j = %zero to %tiles step %one iter_args(%sum = %none) -> (!scores) {
    %col = tile.positions %k[%batch] tile %j : !view -> tensor<1x64xi32>
    %c = tile.broadcast %col : tensor<1x64xi32> -> !places
    %d = arith.floordivsi %c, %size : !places
    %same = arith.cmpi eq, %d, %e : !places
    %causal = arith.cmpi sle, %c, %r : !places
    %keep = arith.andi %same, %causal : !mask
    %x = arith.sitofp %c : !places to !scores
    %kept = tile.mask %x, %keep : !scores
    %next = arith.addf %sum, %kept : !scores
    scf.yield %next : !scores
  }
  return %out : !scores
}

// A product of two positions is not linear.

// CHECK-LABEL: func @product
func.func @product(%q: !view, %k: !view, %batch: index, %none: !scores) -> !scores {
  // CHECK:     tile.count (%c0) to (%c20)
  // CHECK:     scf.for
  // CHECK:       tile.mask
  // CHECK-NOT: scf.for
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %tile = arith.constant 8 : index
  %tiles = arith.constant 20 : index
  %row = tile.positions %q[%batch] tile %tile : !view -> tensor<96x1xi32>
  %r = tile.broadcast %row : tensor<96x1xi32> -> !places
  %limit = arith.constant dense<1000> : !places
  %out = scf.for %j = %zero to %tiles step %one iter_args(%sum = %none) -> (!scores) {
    %col = tile.positions %k[%batch] tile %j : !view -> tensor<1x64xi32>
    %c = tile.broadcast %col : tensor<1x64xi32> -> !places
    %product = arith.muli %c, %r : !places
    %keep = arith.cmpi sle, %product, %limit : !places
    %x = arith.sitofp %c : !places to !scores
    %kept = tile.mask %x, %keep : !scores
    %next = arith.addf %sum, %kept : !scores
    scf.yield %next : !scores
  }
  return %out : !scores
}

// A limit that is computed in the loop is not known in front of it.

// CHECK-LABEL: func @limit_in_loop
func.func @limit_in_loop(%k: !view, %batch: index, %none: !scores) -> !scores {
  // CHECK:     tile.count (%c0) to (%c20)
  // CHECK:     scf.for
  // CHECK:       tile.mask
  // CHECK-NOT: scf.for
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %tiles = arith.constant 20 : index
  %out = scf.for %j = %zero to %tiles step %one iter_args(%sum = %none) -> (!scores) {
    %col = tile.positions %k[%batch] tile %j : !view -> tensor<1x64xi32>
    %c = tile.broadcast %col : tensor<1x64xi32> -> !places
    %size = arith.index_cast %j : index to i32
    %limit = tensor.splat %size : !places
    %keep = arith.cmpi sle, %c, %limit : !places
    %x = arith.sitofp %c : !places to !scores
    %kept = tile.mask %x, %keep : !scores
    %next = arith.addf %sum, %kept : !scores
    scf.yield %next : !scores
  }
  return %out : !scores
}

// Rows that move with the loop are no queries.

// CHECK-LABEL: func @rows_in_loop
func.func @rows_in_loop(%k: !view, %batch: index, %none: !scores) -> !scores {
  // CHECK:     tile.count (%c0) to (%c20)
  // CHECK:     scf.for
  // CHECK:       tile.mask
  // CHECK-NOT: scf.for
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %tiles = arith.constant 20 : index
  %out = scf.for %j = %zero to %tiles step %one iter_args(%sum = %none) -> (!scores) {
    %col = tile.positions %k[%batch] tile %j : !view -> tensor<1x64xi32>
    %c = tile.broadcast %col : tensor<1x64xi32> -> !places
    %row = tile.positions %k[%batch] tile %j : !view -> tensor<96x1xi32>
    %r = tile.broadcast %row : tensor<96x1xi32> -> !places
    %keep = arith.cmpi sle, %c, %r : !places
    %x = arith.sitofp %c : !places to !scores
    %kept = tile.mask %x, %keep : !scores
    %next = arith.addf %sum, %kept : !scores
    scf.yield %next : !scores
  }
  return %out : !scores
}
