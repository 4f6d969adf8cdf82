// RUN: tessera-opt %s --tile-guard-undecided-masks | FileCheck %s

!view = !tile.view<64xf32>
!scores = tensor<96x64xf32>
!places = tensor<96x64xi32>
!mask = tensor<96x64xi1>

// What the mask needs is computed first, wherever it stood. All the rest, loads
// included, happens only if something is visible; else the state passes through.

// CHECK-LABEL: func @product
// CHECK-SAME:    %[[Q:.*]]: tensor<96x64xf32>, %[[R:.*]]: tensor<96x64xi32>, %[[LIMIT:.*]]: tensor<96x64xi32>
func.func @product(%q: !scores, %r: !places, %limit: !places, %k: !view, %batch: index,
                   %tiles: index, %none: !scores) -> !scores {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  // CHECK:      %[[OUT:.*]] = scf.for {{.*}} iter_args(%[[SUM:[^ ]*]] =
  // CHECK-NEXT:   %[[COL:.*]] = tile.positions
  // CHECK-NEXT:   %[[C:.*]] = tile.broadcast %[[COL]]
  // CHECK-NEXT:   %[[PRODUCT:.*]] = arith.muli %[[C]], %[[R]]
  // CHECK-NEXT:   %[[KEEP:.*]] = arith.cmpi sle, %[[PRODUCT]], %[[LIMIT]]
  // CHECK-NEXT:   %[[ANY:.*]] = tile.any %[[KEEP]]
  // CHECK-NEXT:   %[[STATE:.*]] = scf.if %[[ANY]]
  // CHECK-NEXT:     tile.load
  // CHECK-NEXT:     tile.transpose
  // CHECK-NEXT:     %[[DOT:.*]] = tile.dot %[[Q]], %{{.*}}, %[[SUM]]
  // CHECK-NEXT:     %[[NEXT:.*]] = tile.mask %[[DOT]], %[[KEEP]]
  // CHECK-NEXT:     scf.yield %[[NEXT]]
  // CHECK-NEXT:   } else {
  // CHECK-NEXT:     scf.yield %[[SUM]]
  // CHECK-NEXT:   }
  // CHECK-NEXT:   scf.yield %[[STATE]]
  %out = scf.for %j = %zero to %tiles step %one iter_args(%sum = %none) -> (!scores) {
    %keys = tile.load %k[%batch, %batch] tile %j padding undefined : !view -> tensor<64x64xf32>
    %kt = tile.transpose %keys : tensor<64x64xf32>
    %x = tile.dot %q, %kt, %sum : !scores, tensor<64x64xf32> -> !scores
    %col = tile.positions %k[%batch] tile %j : !view -> tensor<1x64xi32>
    %c = tile.broadcast %col : tensor<1x64xi32> -> !places
    %product = arith.muli %c, %r : !places
    %keep = arith.cmpi sle, %product, %limit : !places
    %kept = tile.mask %x, %keep : !scores
    scf.yield %kept : !scores
  }
  return %out : !scores
}

// A mask from outside is looked at in every iteration.

// CHECK-LABEL: func @mask_from_outside
// CHECK-SAME:    %[[KEEP:.*]]: tensor<96x64xi1>
func.func @mask_from_outside(%keep: !mask, %tiles: index, %none: !scores) -> !scores {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  // CHECK:      scf.for
  // CHECK-NEXT:   %[[ANY:.*]] = tile.any %[[KEEP]]
  // CHECK-NEXT:   scf.if %[[ANY]]
  // CHECK-NEXT:     tile.mask
  %out = scf.for %j = %zero to %tiles step %one iter_args(%sum = %none) -> (!scores) {
    %kept = tile.mask %sum, %keep : !scores
    scf.yield %kept : !scores
  }
  return %out : !scores
}

// In a loop that was split already, the ranges hold exactly what is visible.

// CHECK-LABEL: func @decided
func.func @decided(%k: !view, %batch: index, %n: index, %end: index, %r: !places, %none: !scores)
    -> !scores {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %limit = arith.constant dense<100> : !places
  // CHECK-NOT: tile.any
  // CHECK-NOT: scf.if
  %out = scf.for %t = %zero to %n step %one iter_args(%sum = %none) -> (!scores) {
    %j = tile.nth %t of (%zero) to (%end)
    %col = tile.positions %k[%batch] tile %j : !view -> tensor<1x64xi32>
    %c = tile.broadcast %col : tensor<1x64xi32> -> !places
    %keep = arith.cmpi sle, %c, %limit : !places
    %kept = tile.mask %sum, %keep : !scores
    scf.yield %kept : !scores
  }
  return %out : !scores
}

// A loop without state has effects, and nothing is promised about those.

// CHECK-LABEL: func @no_state
func.func @no_state(%keep: !mask, %x: !scores, %o: !view, %tiles: index) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  // CHECK-NOT: scf.if
  // CHECK:     tile.store
  scf.for %j = %zero to %tiles step %one {
    %kept = tile.mask %x, %keep : !scores
    tile.store %kept, %o[%zero, %zero] tile %j : !scores, !view
  }
  return
}
