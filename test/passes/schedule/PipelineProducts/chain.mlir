// RUN: tessera-opt %s --tile-pipeline-products --canonicalize | FileCheck %s

!view = !tile.view<64xbf16>
!tile = tensor<64x64xbf16>
!sums = tensor<64x64xf32>
!mask = tensor<64x64xi1>

// Tiles with a mask and tiles without one: the second loop continues with what the first leaves
// over, and begins at its second tile if the first had none.

// CHECK-LABEL: func @two_loops
// CHECK-SAME:    %[[Q:[a-z0-9]*]]: tensor<64x64xbf16>, %[[KEEP:[a-z0-9]*]]: tensor<64x64xi1>, %[[K:[a-z0-9]*]]: !tile.view<64xbf16>, %[[V:[a-z0-9]*]]: !tile.view<64xbf16>, %[[M:[a-z0-9]*]]: index, %[[E:[a-z0-9]*]]: index
func.func @two_loops(%q: !tile, %keep: !mask, %k: !view, %v: !view, %m: index, %e: index) -> !sums {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : !sums
  // CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
  // CHECK-DAG: %[[C1:.*]] = arith.constant 1 : index
  // CHECK:     %[[MASKED:.*]] = tile.count (%[[M]]) to (%[[E]])
  // CHECK:     %[[FULL:.*]] = tile.count (%[[C0]]) to (%[[M]])
  // CHECK:     %[[ALL:.*]] = tile.count (%[[M]], %[[C0]]) to (%[[E]], %[[M]])
  // CHECK:     %[[SOME:.*]] = arith.cmpi sgt, %[[ALL]], %[[C0]]
  // CHECK:     scf.if %[[SOME]]

  // The first tile of both takes the body that masks.
  // CHECK:       tile.nth %[[C0]] of (%[[M]], %[[C0]]) to (%[[E]], %[[M]])
  // CHECK:       tile.mask
  // CHECK:       %[[FIRST:.*]]:3 = scf.for %{{.*}} = %[[C1]] to %[[MASKED]] step %[[C1]]
  // CHECK:         tile.mask
  // CHECK:       }
  // CHECK-NEXT:  %[[NONE:.*]] = arith.cmpi eq, %[[MASKED]], %[[C0]]
  // CHECK-NEXT:  %[[LOWER:.*]] = arith.select %[[NONE]], %[[C1]], %[[C0]]
  // CHECK-NEXT:  %[[SECOND:.*]]:3 = scf.for %[[T:.*]] = %[[LOWER]] to %[[FULL]] step %[[C1]] iter_args(%[[O:.*]] = %[[FIRST]]#0, %[[P:.*]] = %[[FIRST]]#1, %[[BEFORE:.*]] = %[[FIRST]]#2)
  // CHECK-NEXT:    tile.nth %[[T]] of (%[[C0]]) to (%[[M]])
  // CHECK:         tile.dot %[[Q]],
  // CHECK-NEXT:    %[[VJ:.*]] = tile.load %[[V]][%{{.*}}] tile %[[BEFORE]]
  // CHECK-NEXT:    tile.dot %[[P]], %[[VJ]], %[[O]]
  // CHECK-NOT:     tile.mask
  // CHECK:       }
  // CHECK-NEXT:  %[[VLAST:.*]] = tile.load %[[V]][%{{.*}}] tile %[[SECOND]]#2
  // CHECK-NEXT:  tile.dot %[[SECOND]]#1, %[[VLAST]], %[[SECOND]]#0
  %masked = tile.count (%m) to (%e)
  %a = scf.for %t = %c0 to %masked step %c1 iter_args(%acc = %zero) -> (!sums) {
    %j = tile.nth %t of (%m) to (%e)
    %kj = tile.load %k[%m, %m] tile %j padding undefined : !view -> !tile
    %s = tile.dot %q, %kj, %zero : !tile, !tile -> !sums
    %x = tile.mask %s, %keep : !sums
    %p = arith.truncf %x : !sums to !tile
    %vj = tile.load %v[%m, %m] tile %j padding zero : !view -> !tile
    %o = tile.dot %p, %vj, %acc : !tile, !tile -> !sums
    scf.yield %o : !sums
  }
  %full = tile.count (%c0) to (%m)
  %b = scf.for %t = %c0 to %full step %c1 iter_args(%acc = %a) -> (!sums) {
    %j = tile.nth %t of (%c0) to (%m)
    %kj = tile.load %k[%m, %m] tile %j padding undefined : !view -> !tile
    %s = tile.dot %q, %kj, %zero : !tile, !tile -> !sums
    %p = arith.truncf %s : !sums to !tile
    %vj = tile.load %v[%m, %m] tile %j padding zero : !view -> !tile
    %o = tile.dot %p, %vj, %acc : !tile, !tile -> !sums
    scf.yield %o : !sums
  }
  return %b : !sums
}
