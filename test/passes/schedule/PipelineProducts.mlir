// RUN: tessera-opt %s --tile-pipeline-products --canonicalize | FileCheck %s

!view = !tile.view<64xbf16>
!tile = tensor<64x64xbf16>
!sums = tensor<64x64xf32>

// The first iteration stands in front of the loop and the last product behind it. In the loop the
// product of the iteration before follows the first product, and its values are loaded there.

// CHECK-LABEL: func @loop
// CHECK-SAME:    %[[Q:[a-z0-9]*]]: tensor<64x64xbf16>, %[[FACTORS:[a-z0-9]*]]: tensor<64x64xf32>, %[[INIT:[a-z0-9]*]]: tensor<64x64xf32>, %[[K:[a-z0-9]*]]: !tile.view<64xbf16>, %[[V:[a-z0-9]*]]: !tile.view<64xbf16>, %[[H:[a-z0-9]*]]: index, %[[E:[a-z0-9]*]]: index
func.func @loop(%q: !tile, %factors: !sums, %init: !sums, %k: !view, %v: !view, %h: index,
                %e: index) -> !sums {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : !sums
  // CHECK-DAG:  %[[C0:.*]] = arith.constant 0 : index
  // CHECK-DAG:  %[[C1:.*]] = arith.constant 1 : index
  // CHECK:      %[[SOME:.*]] = arith.cmpi sgt, %{{.*}}, %[[C0]]
  // CHECK-NEXT: scf.if %[[SOME]]
  // CHECK-NEXT:   %[[J0:.*]] = tile.nth %[[C0]] of (%[[C0]]) to (%[[E]])
  // CHECK-NEXT:   %[[K0:.*]] = tile.load %[[K]][%[[H]], %[[H]]] tile %[[J0]]
  // CHECK-NEXT:   %[[S0:.*]] = tile.dot %[[Q]], %[[K0]]
  // CHECK-NEXT:   %[[O0:.*]] = arith.mulf %[[INIT]], %[[FACTORS]]
  // CHECK-NEXT:   %[[P0:.*]] = arith.truncf %[[S0]]
  // CHECK-NEXT:   %[[LEFT:.*]]:3 = scf.for %[[T:.*]] = %[[C1]] to %{{.*}} step %[[C1]] iter_args(%[[O:.*]] = %[[O0]], %[[P:.*]] = %[[P0]], %[[BEFORE:.*]] = %[[J0]])
  // CHECK-NEXT:     %[[J:.*]] = tile.nth %[[T]] of (%[[C0]]) to (%[[E]])
  // CHECK-NEXT:     %[[KJ:.*]] = tile.load %[[K]][%[[H]], %[[H]]] tile %[[J]]
  // CHECK-NEXT:     %[[S:.*]] = tile.dot %[[Q]], %[[KJ]]
  // CHECK-NEXT:     %[[VJ:.*]] = tile.load %[[V]][%[[H]], %[[H]]] tile %[[BEFORE]]
  // CHECK-NEXT:     %[[SUM:.*]] = tile.dot %[[P]], %[[VJ]], %[[O]] skip_zeros
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

// A sum that starts at zero is not scaled: there is nothing yet.

// CHECK-LABEL: func @start_at_zero
func.func @start_at_zero(%q: !tile, %factors: !sums, %k: !view, %v: !view, %h: index,
                         %e: index) -> !sums {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : !sums
  // CHECK:     %[[ZERO:.*]] = arith.constant dense<0.000000e+00>
  // CHECK:     scf.if
  // CHECK-NOT:   arith.mulf
  // CHECK:       scf.for {{.*}} iter_args(%{{.*}} = %[[ZERO]],
  // CHECK:         arith.mulf
  %n = tile.count (%c0) to (%e)
  %r = scf.for %t = %c0 to %n step %c1 iter_args(%acc = %zero) -> (!sums) {
    %j = tile.nth %t of (%c0) to (%e)
    %kj = tile.load %k[%h, %h] tile %j padding undefined : !view -> !tile
    %s = tile.dot %q, %kj, %zero : !tile, !tile -> !sums
    %p = arith.truncf %s : !sums to !tile
    %vj = tile.load %v[%h, %h] tile %j padding zero : !view -> !tile
    %scaled = arith.mulf %acc, %factors : !sums
    %o = tile.dot %p, %vj, %scaled : !tile, !tile -> !sums
    scf.yield %o : !sums
  }
  return %r : !sums
}
