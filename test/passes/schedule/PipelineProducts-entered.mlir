// RUN: tessera-opt %s --tile-pipeline-products=peel=false --canonicalize | FileCheck %s

!view = !tile.view<64xbf16>
!tile = tensor<64x64xbf16>
!sums = tensor<64x64xf32>
!mask = tensor<64x64xi1>

// The first iteration runs in the loop, once at least, with zeros in place of what an iteration
// before it would leave over. It has no product of such an iteration to add.

// CHECK-LABEL: func @loop
// CHECK-SAME:    %[[Q:[a-z0-9]*]]: tensor<64x64xbf16>, %[[FACTORS:[a-z0-9]*]]: tensor<64x64xf32>, %[[INIT:[a-z0-9]*]]: tensor<64x64xf32>, %[[K:[a-z0-9]*]]: !tile.view<64xbf16>, %[[V:[a-z0-9]*]]: !tile.view<64xbf16>, %[[H:[a-z0-9]*]]: index, %[[E:[a-z0-9]*]]: index
func.func @loop(%q: !tile, %factors: !sums, %init: !sums, %k: !view, %v: !view, %h: index,
                %e: index) -> !sums {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : !sums
  // CHECK-DAG:  %[[C0:.*]] = arith.constant 0 : index
  // CHECK-DAG:  %[[C1:.*]] = arith.constant 1 : index
  // CHECK-DAG:  %[[NONE:.*]] = arith.constant dense<0.000000e+00> : tensor<64x64xbf16>
  // CHECK:      %[[N:.*]] = tile.count (%[[C0]]) to (%[[E]])
  // CHECK:      %[[SOME:.*]] = arith.cmpi sgt, %{{.*}}, %[[C0]]
  // CHECK-NEXT: scf.if %[[SOME]]
  // CHECK-NEXT:   %[[ONCE:.*]] = arith.maxsi %[[N]], %[[C1]]
  // CHECK-NEXT:   %[[LEFT:.*]]:3 = scf.for %[[T:.*]] = %[[C0]] to %[[ONCE]] step %[[C1]] iter_args(%[[O:.*]] = %[[INIT]], %[[P:.*]] = %[[NONE]], %[[BEFORE:.*]] = %[[C0]])
  // CHECK-NEXT:     %[[J:.*]] = tile.nth %[[T]] of (%[[C0]]) to (%[[E]])
  // CHECK-NEXT:     %[[KJ:.*]] = tile.load %[[K]][%[[H]], %[[H]]] tile %[[J]]
  // CHECK-NEXT:     %[[S:.*]] = tile.dot %[[Q]], %[[KJ]]
  // CHECK-NEXT:     %[[FOLLOWS:.*]] = arith.cmpi sgt, %[[T]], %[[C0]]
  // CHECK-NEXT:     %[[SUM:.*]] = scf.if %[[FOLLOWS]]
  // CHECK-NEXT:       %[[VJ:.*]] = tile.load %[[V]][%[[H]], %[[H]]] tile %[[BEFORE]]
  // CHECK-NEXT:       %[[MORE:.*]] = tile.dot %[[P]], %[[VJ]], %[[O]] skip_zeros
  // CHECK-NEXT:       scf.yield %[[MORE]]
  // CHECK-NEXT:     } else {
  // CHECK-NEXT:       scf.yield %[[O]]
  // CHECK-NEXT:     }
  // CHECK-NEXT:     %[[SCALED:.*]] = arith.mulf %[[SUM]], %[[FACTORS]]
  // CHECK-NEXT:     %[[NEXT:.*]] = arith.truncf %[[S]]
  // CHECK-NEXT:     scf.yield %[[SCALED]], %[[NEXT]], %[[J]]
  // CHECK-NEXT:   }
  // CHECK-NEXT:   %[[VLAST:.*]] = tile.load %[[V]][%[[H]], %[[H]]] tile %[[LEFT]]#2
  // CHECK-NEXT:   %[[LAST:.*]] = tile.dot %[[LEFT]]#1, %[[VLAST]], %[[LEFT]]#0 skip_zeros
  // CHECK-NEXT:   scf.yield %[[LAST]]
  // CHECK-NEXT: } else {
  // CHECK-NEXT:   scf.yield %[[INIT]]
  %n = tile.count (%c0) to (%e)
  %r = scf.for %t = %c0 to %n step %c1 iter_args(%acc = %init) -> (!sums) {
    %j = tile.nth %t of (%c0) to (%e)
    %kj = tile.load %k[%h, %h] tile %j padding undefined : !view -> !tile
    %s = tile.dot %q, %kj, %zero : !tile, !tile -> !sums
    %p = arith.truncf %s : !sums to !tile
    %vj = tile.load %v[%h, %h] tile %j padding zero : !view -> !tile
    %scaled = arith.mulf %acc, %factors : !sums
    %o = tile.dot %p, %vj, %scaled skip_zeros : !tile, !tile -> !sums
    scf.yield %o : !sums
  }
  return %r : !sums
}

// Of two loops the first is entered, by the first tile of both: if it had none of its own, the
// second begins at its second tile. Whatever comes second has a product to add.

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
  // CHECK-NEXT:  %[[ONCE:.*]] = arith.maxsi %[[MASKED]], %[[C1]]
  // CHECK-NEXT:  %[[FIRST:.*]]:3 = scf.for %[[T:.*]] = %[[C0]] to %[[ONCE]] step %[[C1]]
  // CHECK-NEXT:    tile.nth %[[T]] of (%[[M]], %[[C0]]) to (%[[E]], %[[M]])
  // CHECK:         %[[FOLLOWS:.*]] = arith.cmpi sgt, %[[T]], %[[C0]]
  // CHECK-NEXT:    scf.if %[[FOLLOWS]]
  // CHECK:           tile.dot
  // CHECK:         tile.mask
  // CHECK:       }
  // CHECK-NEXT:  %[[NONE:.*]] = arith.cmpi eq, %[[MASKED]], %[[C0]]
  // CHECK-NEXT:  %[[LOWER:.*]] = arith.select %[[NONE]], %[[C1]], %[[C0]]
  // CHECK-NEXT:  %[[SECOND:.*]]:3 = scf.for %[[T:.*]] = %[[LOWER]] to %[[FULL]] step %[[C1]] iter_args(%[[O:.*]] = %[[FIRST]]#0, %[[P:.*]] = %[[FIRST]]#1, %[[BEFORE:.*]] = %[[FIRST]]#2)
  // CHECK-NEXT:    tile.nth %[[T]] of (%[[C0]]) to (%[[M]])
  // CHECK-NOT:     scf.if
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

// A first loop of one tile at most is no loop afterwards: its tile stands in front all the same.

// CHECK-LABEL: func @tail
func.func @tail(%q: !tile, %keep: !mask, %k: !view, %v: !view, %h: index, %length: index) -> !sums {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %zero = arith.constant dense<0.0> : !sums
  %end = arith.ceildivsi %length, %c64 : index
  %m = arith.floordivsi %length, %c64 : index
  // CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
  // CHECK-DAG: %[[C1:.*]] = arith.constant 1 : index
  // CHECK:     %[[END:.*]] = arith.ceildivsi
  // CHECK:     %[[M:.*]] = arith.floordivsi
  // CHECK:     %[[MASKED:.*]] = tile.count (%[[M]]) to (%[[END]])
  // CHECK:     scf.if
  // CHECK-NEXT:  %[[J:.*]] = tile.nth %[[C0]] descending of (%[[M]], %[[C0]]) to (%[[END]], %[[M]])
  // CHECK-NOT:   scf.for
  // CHECK:       %[[X:.*]] = tile.mask
  // CHECK-NEXT:  %[[P:.*]] = arith.truncf %[[X]]
  // CHECK-NEXT:  %[[NONE:.*]] = arith.cmpi eq, %[[MASKED]], %[[C0]]
  // CHECK-NEXT:  %[[LOWER:.*]] = arith.select %[[NONE]], %[[C1]], %[[C0]]
  // CHECK-NEXT:  scf.for %{{.*}} = %[[LOWER]] to %{{.*}} iter_args(%{{.*}} = %{{.*}}, %{{.*}} = %[[P]], %{{.*}} = %[[J]])
  // CHECK-NOT:   scf.if
  // CHECK-NOT:   tile.mask
  // CHECK:     return
  %masked = tile.count (%m) to (%end)
  %a = scf.for %t = %c0 to %masked step %c1 iter_args(%acc = %zero) -> (!sums) {
    %j = tile.nth %t descending of (%m) to (%end)
    %kj = tile.load %k[%h, %h] tile %j padding undefined : !view -> !tile
    %s = tile.dot %q, %kj, %zero : !tile, !tile -> !sums
    %x = tile.mask %s, %keep : !sums
    %p = arith.truncf %x : !sums to !tile
    %vj = tile.load %v[%h, %h] tile %j padding zero : !view -> !tile
    %o = tile.dot %p, %vj, %acc : !tile, !tile -> !sums
    scf.yield %o : !sums
  }
  %full = tile.count (%c0) to (%m)
  %b = scf.for %t = %c0 to %full step %c1 iter_args(%acc = %a) -> (!sums) {
    %j = tile.nth %t descending of (%c0) to (%m)
    %kj = tile.load %k[%h, %h] tile %j padding undefined : !view -> !tile
    %s = tile.dot %q, %kj, %zero : !tile, !tile -> !sums
    %p = arith.truncf %s : !sums to !tile
    %vj = tile.load %v[%h, %h] tile %j padding zero : !view -> !tile
    %o = tile.dot %p, %vj, %acc : !tile, !tile -> !sums
    scf.yield %o : !sums
  }
  return %b : !sums
}
