// RUN: tessera-opt %s --tile-skip-unit-scaling | FileCheck %s --check-prefixes=CHECK,PREDICATE
// RUN: tessera-opt %s --tile-skip-unit-scaling=branch | FileCheck %s --check-prefixes=CHECK,BRANCH

!tile = tensor<64x64xbf16>
!sums = tensor<64x64xf32>
!rows = tensor<64x1xf32>

// Most factors are one. A NaN is not, so it is multiplied.

// CHECK-LABEL: func @product_in_loop
// CHECK-SAME:    %{{.*}}: tensor<64x64xbf16>, %[[F:.*]]: tensor<64x1xf32>, %{{.*}}: index
func.func @product_in_loop(%p: !tile, %f: !rows, %n: index) -> !sums {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : !sums
  // CHECK:       scf.for
  // CHECK:         %[[SUM:.*]] = tile.dot
  // CHECK-NEXT:    %[[FACTORS:.*]] = tile.broadcast %[[F]]
  // CHECK-NEXT:    %[[ONE:.*]] = arith.constant dense<1.000000e+00> : tensor<64x1xf32>
  // CHECK-NEXT:    %[[OTHER:.*]] = arith.cmpf une, %[[F]], %[[ONE]]
  // CHECK-NEXT:    %[[ANY:.*]] = sm.warp_any %[[OTHER]]
  // CHECK-NEXT:    %[[SCALED:.*]] = scf.if %[[ANY]]
  // BRANCH-NEXT:     sm.branch_only
  // PREDICATE-NOT:   sm.branch_only
  // CHECK-NEXT:      %[[X:.*]] = arith.mulf %[[SUM]], %[[FACTORS]]
  // CHECK-NEXT:      scf.yield %[[X]]
  // CHECK-NEXT:    } else {
  // CHECK-NEXT:      scf.yield %[[SUM]]
  // CHECK-NEXT:    }
  // CHECK-NEXT:    scf.yield %[[SCALED]]
  %r = scf.for %t = %c0 to %n step %c1 iter_args(%acc = %zero) -> (!sums) {
    %sum = tile.dot %p, %p, %acc : !tile, !tile -> !sums
    %factors = tile.broadcast %f : !rows -> !sums
    %scaled = arith.mulf %factors, %sum : !sums
    scf.yield %scaled : !sums
  }
  return %r : !sums
}

// Where it is known when they are not one, nobody is asked again.

// CHECK-LABEL: func @known
// CHECK-SAME:    %[[ANY:[a-z0-9]*]]: i1
// CHECK:         %[[SUM:.*]] = tile.dot
// CHECK-NOT:     sm.warp_any
// CHECK:         scf.if %[[ANY]]
// CHECK:           arith.mulf %[[SUM]]
func.func @known(%any: i1, %p: !tile, %f: !rows, %n: index) -> !sums {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : !sums
  %one = arith.constant dense<1.0> : !rows
  %r = scf.for %t = %c0 to %n step %c1 iter_args(%acc = %zero) -> (!sums) {
    %g = scf.if %any -> (!rows) {
      scf.yield %f : !rows
    } else {
      scf.yield %one : !rows
    }
    %sum = tile.dot %p, %p, %acc : !tile, !tile -> !sums
    %factors = tile.broadcast %g : !rows -> !sums
    %scaled = arith.mulf %factors, %sum : !sums
    scf.yield %scaled : !sums
  }
  return %r : !sums
}

// Other numbers otherwise tell nothing.

// CHECK-LABEL: func @unknown
// CHECK:         tile.dot
// CHECK:         sm.warp_any
func.func @unknown(%any: i1, %p: !tile, %f: !rows, %n: index) -> !sums {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : !sums
  %two = arith.constant dense<2.0> : !rows
  %r = scf.for %t = %c0 to %n step %c1 iter_args(%acc = %zero) -> (!sums) {
    %g = scf.if %any -> (!rows) {
      scf.yield %f : !rows
    } else {
      scf.yield %two : !rows
    }
    %sum = tile.dot %p, %p, %acc : !tile, !tile -> !sums
    %factors = tile.broadcast %g : !rows -> !sums
    %scaled = arith.mulf %factors, %sum : !sums
    scf.yield %scaled : !sums
  }
  return %r : !sums
}

// Done once, a multiplication is not worth a branch.

// CHECK-LABEL: func @outside_of_a_loop
// CHECK-NOT:     scf.if
// CHECK:         return
func.func @outside_of_a_loop(%p: !tile, %f: !rows) -> !sums {
  %zero = arith.constant dense<0.0> : !sums
  %sum = tile.dot %p, %p, %zero : !tile, !tile -> !sums
  %factors = tile.broadcast %f : !rows -> !sums
  %scaled = arith.mulf %sum, %factors : !sums
  return %scaled : !sums
}

// Factors of columns, and tiles that are no product, stay as they are.

// CHECK-LABEL: func @others
// CHECK-NOT:     scf.if
// CHECK:         return
func.func @others(%p: !tile, %x: !sums, %f: !rows, %g: tensor<1x64xf32>, %n: index) -> !sums {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : !sums
  %r = scf.for %t = %c0 to %n step %c1 iter_args(%acc = %zero) -> (!sums) {
    %sum = tile.dot %p, %p, %acc : !tile, !tile -> !sums
    %columns = tile.broadcast %g : tensor<1x64xf32> -> !sums
    %a = arith.mulf %sum, %columns : !sums
    %rows = tile.broadcast %f : !rows -> !sums
    %b = arith.mulf %x, %rows : !sums
    %c = arith.addf %a, %b : !sums
    scf.yield %c : !sums
  }
  return %r : !sums
}
