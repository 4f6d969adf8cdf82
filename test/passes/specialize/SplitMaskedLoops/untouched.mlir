// RUN: tessera-opt %s --tile-split-masked-loops | FileCheck %s

// Loops that stay as they are.

!view = !tile.view<64xf32>
!scores = tensor<96x64xf32>
!places = tensor<96x64xi32>

// A mask that does not look at keys says nothing about tiles.

// CHECK-LABEL: func @mask_of_rows
func.func @mask_of_rows(%q: !view, %k: !view, %batch: index, %none: !scores) -> !scores {
  // CHECK-NOT: tile.count
  // CHECK:     scf.for %[[J:[^ ]*]] =
  // CHECK:       tile.positions %{{.*}} tile %[[J]]
  // CHECK:       tile.mask
  // CHECK-NOT: scf.for
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %tile = arith.constant 8 : index
  %tiles = arith.constant 20 : index
  %row = tile.positions %q[%batch] tile %tile : !view -> tensor<96x1xi32>
  %r = tile.broadcast %row : tensor<96x1xi32> -> !places
  %limit = arith.constant dense<10> : !places
  %out = scf.for %j = %zero to %tiles step %one iter_args(%sum = %none) -> (!scores) {
    %col = tile.positions %k[%batch] tile %j : !view -> tensor<1x64xi32>
    %c = tile.broadcast %col : tensor<1x64xi32> -> !places
    %keep = arith.cmpi sge, %r, %limit : !places
    %x = arith.sitofp %c : !places to !scores
    %kept = tile.mask %x, %keep : !scores
    %next = arith.addf %sum, %kept : !scores
    scf.yield %next : !scores
  }
  return %out : !scores
}

// A second mask may hide something else.

// CHECK-LABEL: func @two_masks
func.func @two_masks(%q: !view, %k: !view, %batch: index, %none: !scores) -> !scores {
  // CHECK-NOT: tile.count
  // CHECK:     scf.for %[[J:[^ ]*]] =
  // CHECK:       tile.positions %{{.*}} tile %[[J]]
  // CHECK:       tile.mask
  // CHECK-NOT: scf.for
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
    %again = tile.mask %kept, %keep : !scores
    %next = arith.addf %sum, %again : !scores
    scf.yield %next : !scores
  }
  return %out : !scores
}

// A loop that starts at another tile than 0.

// CHECK-LABEL: func @not_from_zero
func.func @not_from_zero(%q: !view, %k: !view, %batch: index, %none: !scores) -> !scores {
  // CHECK-NOT: tile.count
  // CHECK:     scf.for %[[J:[^ ]*]] =
  // CHECK:       tile.positions %{{.*}} tile %[[J]]
  // CHECK:       tile.mask
  // CHECK-NOT: scf.for
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %tile = arith.constant 8 : index
  %tiles = arith.constant 20 : index
  %row = tile.positions %q[%batch] tile %tile : !view -> tensor<96x1xi32>
  %r = tile.broadcast %row : tensor<96x1xi32> -> !places
  %out = scf.for %j = %one to %tiles step %one iter_args(%sum = %none) -> (!scores) {
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

// A loop that leaves out every other tile.

// CHECK-LABEL: func @steps_of_two
func.func @steps_of_two(%q: !view, %k: !view, %batch: index, %none: !scores) -> !scores {
  // CHECK-NOT: tile.count
  // CHECK:     scf.for %[[J:[^ ]*]] =
  // CHECK:       tile.positions %{{.*}} tile %[[J]]
  // CHECK:       tile.mask
  // CHECK-NOT: scf.for
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %tile = arith.constant 8 : index
  %tiles = arith.constant 20 : index
  %two = arith.constant 2 : index
  %row = tile.positions %q[%batch] tile %tile : !view -> tensor<96x1xi32>
  %r = tile.broadcast %row : tensor<96x1xi32> -> !places
  %out = scf.for %j = %zero to %tiles step %two iter_args(%sum = %none) -> (!scores) {
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

// Nothing is promised about a loop without a mask.

// CHECK-LABEL: func @no_mask
func.func @no_mask(%k: !view, %batch: index, %tiles: index, %none: !scores) -> !scores {
  // CHECK-NOT: tile.count
  // CHECK:     scf.for
  // CHECK-NOT: scf.for
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %out = scf.for %j = %zero to %tiles step %one iter_args(%sum = %none) -> (!scores) {
    %col = tile.positions %k[%batch] tile %j : !view -> tensor<1x64xi32>
    %c = tile.broadcast %col : tensor<1x64xi32> -> !places
    %x = arith.sitofp %c : !places to !scores
    %next = arith.addf %sum, %x : !scores
    scf.yield %next : !scores
  }
  return %out : !scores
}

// Nor about one without state, which can only have effects.

// CHECK-LABEL: func @no_state
func.func @no_state(%k: !view, %o: !view, %batch: index, %tiles: index) {
  // CHECK-NOT: tile.count
  // CHECK:     scf.for
  // CHECK:       tile.mask
  // CHECK-NOT: scf.for
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %limit = arith.constant dense<100> : !places
  scf.for %j = %zero to %tiles step %one {
    %col = tile.positions %k[%batch] tile %j : !view -> tensor<1x64xi32>
    %c = tile.broadcast %col : tensor<1x64xi32> -> !places
    %keep = arith.cmpi sge, %c, %limit : !places
    %x = arith.sitofp %c : !places to !scores
    %kept = tile.mask %x, %keep : !scores
    tile.store %kept, %o[%batch, %batch] tile %j : !scores, !view
  }
  return
}
