// RUN: tessera-opt %s --tile-pipeline-products | FileCheck %s --implicit-check-not=scf.if

!view = !tile.view<64xbf16>
!tile = tensor<64x64xbf16>
!sums = tensor<64x64xf32>

// What the product gives is read in the same iteration.

// CHECK-LABEL: func @result_is_read
// CHECK:         scf.for {{.*}} iter_args(%{{.*}} = %{{.*}}, %{{.*}} = %{{.*}}) -> (tensor<64x64xf32>, tensor<64x64xf32>)
func.func @result_is_read(%q: !tile, %init: !sums, %k: !view, %v: !view, %e: index) -> !sums {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = tile.count (%c0) to (%e)
  %r:2 = scf.for %t = %c0 to %n step %c1 iter_args(%acc = %init, %sum = %init) -> (!sums, !sums) {
    %j = tile.nth %t of (%c0) to (%e)
    %kj = tile.load %k[%e, %e] tile %j padding undefined : !view -> !tile
    %s = tile.dot %q, %kj, %init : !tile, !tile -> !sums
    %p = arith.truncf %s : !sums to !tile
    %vj = tile.load %v[%e, %e] tile %j padding zero : !view -> !tile
    %o = tile.dot %p, %vj, %acc : !tile, !tile -> !sums
    %next = arith.addf %sum, %o : !sums
    scf.yield %o, %next : !sums, !sums
  }
  return %r#1 : !sums
}

// The sum so far is read by something else than the product.

// CHECK-LABEL: func @state_is_read
// CHECK:         scf.for {{.*}} iter_args(%{{.*}} = %{{.*}}, %{{.*}} = %{{.*}}) -> (tensor<64x64xf32>, tensor<64x64xf32>)
func.func @state_is_read(%q: !tile, %init: !sums, %k: !view, %v: !view, %e: index) -> !sums {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = tile.count (%c0) to (%e)
  %r:2 = scf.for %t = %c0 to %n step %c1 iter_args(%acc = %init, %sum = %init) -> (!sums, !sums) {
    %j = tile.nth %t of (%c0) to (%e)
    %kj = tile.load %k[%e, %e] tile %j padding undefined : !view -> !tile
    %s = tile.dot %q, %kj, %init : !tile, !tile -> !sums
    %p = arith.truncf %s : !sums to !tile
    %vj = tile.load %v[%e, %e] tile %j padding zero : !view -> !tile
    %o = tile.dot %p, %vj, %acc : !tile, !tile -> !sums
    %next = arith.addf %sum, %acc : !sums
    scf.yield %o, %next : !sums, !sums
  }
  return %r#1 : !sums
}

// There is only one product: nothing runs beside it.

// CHECK-LABEL: func @one_product
// CHECK:         scf.for {{.*}} iter_args(%{{.*}} = %{{.*}}) -> (tensor<64x64xf32>)
func.func @one_product(%q: !tile, %init: !sums, %v: !view, %e: index) -> !sums {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = tile.count (%c0) to (%e)
  %r = scf.for %t = %c0 to %n step %c1 iter_args(%acc = %init) -> (!sums) {
    %j = tile.nth %t of (%c0) to (%e)
    %vj = tile.load %v[%e, %e] tile %j padding zero : !view -> !tile
    %o = tile.dot %q, %vj, %acc : !tile, !tile -> !sums
    scf.yield %o : !sums
  }
  return %r : !sums
}

// The number of the iteration is read by itself: the first tile of another loop has another.

// CHECK-LABEL: func @counter_is_read
// CHECK:         scf.for {{.*}} iter_args(%{{.*}} = %{{.*}}) -> (tensor<64x64xf32>)
func.func @counter_is_read(%q: !tile, %init: !sums, %k: !view, %v: !view, %e: index) -> !sums {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = tile.count (%c0) to (%e)
  %r = scf.for %t = %c0 to %n step %c1 iter_args(%acc = %init) -> (!sums) {
    %j = tile.nth %t of (%c0) to (%e)
    %kj = tile.load %k[%e, %e] tile %t padding undefined : !view -> !tile
    %s = tile.dot %q, %kj, %init : !tile, !tile -> !sums
    %p = arith.truncf %s : !sums to !tile
    %vj = tile.load %v[%e, %e] tile %j padding zero : !view -> !tile
    %o = tile.dot %p, %vj, %acc : !tile, !tile -> !sums
    scf.yield %o : !sums
  }
  return %r : !sums
}
