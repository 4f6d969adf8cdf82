// RUN: tessera-opt %s --tile-split-masked-loops | sed 's/tile.length .*/arith.constant 5000 : index/' \
// RUN:   | tessera-opt --canonicalize --cse | FileCheck %s
// RUN: tessera-opt %s --tile-split-masked-loops --canonicalize --cse | FileCheck %s --check-prefix=FORM

// A tile has 96 queries and 64 keys. Tile 8 holds the queries 768 to 863. With
// the number of queries put in (5000), ranges of key tiles are plain numbers.

!view = !tile.view<64xf32>
!scores = tensor<96x64xf32>
!places = tensor<96x64xi32>
!mask = tensor<96x64xi1>

//===----------------------------------------------------------------------===//
// Keys past the end
//===----------------------------------------------------------------------===//

// 200 keys are three full tiles and one of 8 keys. Only that one is masked, and
// the second loop goes on from the state of the first.

// CHECK-LABEL: func @tail
// CHECK-SAME:    %[[NONE:[^ ]*]]: tensor<96x64xf32>)
func.func @tail(%k: !view, %batch: index, %none: !scores) -> !scores {
  // CHECK:     %[[MASKED:.*]] = tile.count (%c3) to (%c4)
  // CHECK:     %[[PART:.*]] = scf.for %[[T:[^ ]*]] = %c0 to %[[MASKED]] step %c1 iter_args(%{{.*}} = %[[NONE]])
  // CHECK:       %[[J:.*]] = tile.nth %[[T]] of (%c3) to (%c4)
  // CHECK:       tile.positions %{{.*}} tile %[[J]]
  // CHECK:       tile.mask
  // CHECK:     %[[FULL:.*]] = tile.count (%c0) to (%c3)
  // CHECK:     %[[ALL:.*]] = scf.for %[[U:[^ ]*]] = %c0 to %[[FULL]] step %c1 iter_args(%{{.*}} = %[[PART]])
  // CHECK:       %[[I:.*]] = tile.nth %[[U]] of (%c0) to (%c3)
  // CHECK:       tile.positions %{{.*}} tile %[[I]]
  // CHECK-NOT:   tile.mask
  // CHECK:     return %[[ALL]]
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %size = arith.constant 64 : index
  %length = arith.constant 200 : index
  %tiles = arith.ceildivsi %length, %size : index
  %end = arith.constant dense<200> : !places
  %out = scf.for %j = %zero to %tiles step %one iter_args(%sum = %none) -> (!scores) {
    %col = tile.positions %k[%batch] tile %j : !view -> tensor<1x64xi32>
    %c = tile.broadcast %col : tensor<1x64xi32> -> !places
    %keep = arith.cmpi slt, %c, %end : !places
    %x = arith.sitofp %c : !places to !scores
    %kept = tile.mask %x, %keep : !scores
    %next = arith.addf %sum, %kept : !scores
    scf.yield %next : !scores
  }
  return %out : !scores
}

// The length of the keys is the end of the loop, so it need not be compared with.

// CHECK-LABEL: func @tail_in_closed_form
// FORM-LABEL: func @tail_in_closed_form
// FORM:       %[[LENGTH:.*]] = tile.length
// FORM:       %[[TILES:.*]] = arith.ceildivsi %[[LENGTH]], %c64
// FORM:       arith.floordivsi %{{.*}}, %c64
// FORM-NOT:   arith.floordivsi
// FORM:       tile.count (%[[WHOLE:.*]]) to (%[[TILES]])
// FORM:       tile.count (%c0) to (%[[WHOLE]])
func.func @tail_in_closed_form(%k: !view, %batch: index, %none: !scores) -> !scores {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %size = arith.constant 64 : index
  %length = tile.length %k[%batch] : !view
  %tiles = arith.ceildivsi %length, %size : index
  %number = arith.index_cast %length : index to i32
  %end = tensor.splat %number : !places
  %out = scf.for %j = %zero to %tiles step %one iter_args(%sum = %none) -> (!scores) {
    %col = tile.positions %k[%batch] tile %j : !view -> tensor<1x64xi32>
    %c = tile.broadcast %col : tensor<1x64xi32> -> !places
    %keep = arith.cmpi slt, %c, %end : !places
    %x = arith.sitofp %c : !places to !scores
    %kept = tile.mask %x, %keep : !scores
    %next = arith.addf %sum, %kept : !scores
    scf.yield %next : !scores
  }
  return %out : !scores
}

//===----------------------------------------------------------------------===//
// Causal
//===----------------------------------------------------------------------===//

// Query 768 sees the keys before 769: the tiles 0 to 11 are full. Query 863 sees
// some of tile 13.

// CHECK-LABEL: func @causal_top_left
func.func @causal_top_left(%q: !view, %k: !view, %batch: index, %none: !scores) -> !scores {
  // CHECK:     %[[MASKED:.*]] = tile.count (%c12) to (%c14)
  // CHECK:     scf.for %{{.*}} = %c0 to %[[MASKED]] step %c1
  // CHECK:       tile.mask
  // CHECK:     %[[FULL:.*]] = tile.count (%c0) to (%c12)
  // CHECK:     scf.for %{{.*}} = %c0 to %[[FULL]] step %c1
  // CHECK-NOT:   tile.mask
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %tile = arith.constant 8 : index
  %tiles = arith.constant 20 : index
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

// Aligned at the end, positions are shifted by the difference of the lengths.

// CHECK-LABEL: func @causal_bottom_right
func.func @causal_bottom_right(%q: !view, %k: !view, %batch: index, %none: !scores) -> !scores {
  // CHECK:     %[[MASKED:.*]] = tile.count (%c7) to (%c9)
  // CHECK:     scf.for %{{.*}} = %c0 to %[[MASKED]] step %c1
  // CHECK:       tile.mask
  // CHECK:     %[[FULL:.*]] = tile.count (%c0) to (%c7)
  // CHECK:     scf.for %{{.*}} = %c0 to %[[FULL]] step %c1
  // CHECK-NOT:   tile.mask
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %tile = arith.constant 8 : index
  %tiles = arith.constant 20 : index
  %row = tile.positions %q[%batch] tile %tile : !view -> tensor<96x1xi32>
  %r = tile.broadcast %row : tensor<96x1xi32> -> !places
  %shift = arith.constant dense<-300> : !places
  %at = arith.addi %r, %shift : !places
  %out = scf.for %j = %zero to %tiles step %one iter_args(%sum = %none) -> (!scores) {
    %col = tile.positions %k[%batch] tile %j : !view -> tensor<1x64xi32>
    %c = tile.broadcast %col : tensor<1x64xi32> -> !places
    %keep = arith.cmpi sle, %c, %at : !places
    %x = arith.sitofp %c : !places to !scores
    %kept = tile.mask %x, %keep : !scores
    %next = arith.addf %sum, %kept : !scores
    scf.yield %next : !scores
  }
  return %out : !scores
}

// The same in closed form, for any tile, shift and number of keys.

// CHECK-LABEL: func @causal_in_closed_form
// FORM-LABEL: func @causal_in_closed_form
// FORM-SAME:    %[[TILE:[^:]*]]: index, %[[SHIFT:[^:]*]]: index, %[[TILES:[^:]*]]: index)
// FORM:       %[[QUERIES:.*]] = tile.length
// FORM:       %[[FIRST:.*]], %[[LAST:.*]] = tile.row_span %[[TILE]] of %[[QUERIES]] height 96
// FORM:       arith.addi %[[SHIFT]], %[[LAST]]
// FORM:       arith.floordivsi %{{.*}}, %c64
// FORM:       %[[AFTER:.*]] = arith.addi %[[SHIFT]], %c1
// FORM:       arith.addi %[[AFTER]], %[[FIRST]]
// FORM:       arith.floordivsi %{{.*}}, %c64
// FORM:       tile.count (%[[DIAGONAL:.*]]) to (%{{.*}})
// FORM:       tile.count (%c0) to (%[[DIAGONAL]])
func.func @causal_in_closed_form(%q: !view, %k: !view, %batch: index, %none: !scores,
                                 %tile: index, %shift: index, %tiles: index) -> !scores {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %row = tile.positions %q[%batch] tile %tile : !view -> tensor<96x1xi32>
  %r = tile.broadcast %row : tensor<96x1xi32> -> !places
  %number = arith.index_cast %shift : index to i32
  %splat = tensor.splat %number : !places
  %at = arith.addi %r, %splat : !places
  %out = scf.for %j = %zero to %tiles step %one iter_args(%sum = %none) -> (!scores) {
    %col = tile.positions %k[%batch] tile %j : !view -> tensor<1x64xi32>
    %c = tile.broadcast %col : tensor<1x64xi32> -> !places
    %keep = arith.cmpi sle, %c, %at : !places
    %x = arith.sitofp %c : !places to !scores
    %kept = tile.mask %x, %keep : !scores
    %next = arith.addf %sum, %kept : !scores
    scf.yield %next : !scores
  }
  return %out : !scores
}

// Tile 52 has 8 queries, 4992 to 4999. The rows past the end see nothing: the
// tile of keys from 5056, which only they would see, is not visited.

// CHECK-LABEL: func @causal_of_ragged_queries
func.func @causal_of_ragged_queries(%q: !view, %k: !view, %batch: index, %none: !scores) -> !scores {
  // CHECK:     %[[MASKED:.*]] = tile.count (%c78) to (%c79)
  // CHECK:     scf.for %{{.*}} = %c0 to %[[MASKED]] step %c1
  // CHECK:       tile.mask
  // CHECK:     %[[FULL:.*]] = tile.count (%c0) to (%c78)
  // CHECK:     scf.for %{{.*}} = %c0 to %[[FULL]] step %c1
  // CHECK-NOT:   tile.mask
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %tile = arith.constant 52 : index
  %tiles = arith.constant 90 : index
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
