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
  // CHECK-NEXT:    %[[ONE:.*]] = arith.constant dense<1.000000e+00> : tensor<64x1xf32>
  // CHECK-NEXT:    %[[OTHER:.*]] = arith.cmpf une, %[[F]], %[[ONE]]
  // CHECK-NEXT:    %[[ANY:.*]] = sm.warp_any %[[OTHER]]
  // CHECK-NEXT:    %[[SCALED:.*]] = scf.if %[[ANY]]
  // BRANCH-NEXT:     sm.branch_only
  // PREDICATE-NOT:   sm.branch_only
  // CHECK-NEXT:      %[[FACTORS:.*]] = tile.broadcast %[[F]]
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

// Where it is known when they are not one, nobody is asked again, and other products by them stay.

// CHECK-LABEL: func @known
// CHECK-SAME:    %[[ANY:[a-z0-9]*]]: i1
// CHECK:         arith.mulf %{{.*}}, %{{.*}} : tensor<64x4xf32>
// CHECK:         %[[SUM:.*]] = tile.dot
// CHECK-NOT:     sm.warp_any
// CHECK:         scf.if %[[ANY]]
// CHECK:           arith.mulf %[[SUM]]
func.func @known(%any: i1, %p: !tile, %f: !rows, %l: tensor<64x4xf32>, %n: index) -> (!sums, tensor<64x4xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : !sums
  %one = arith.constant dense<1.0> : !rows
  %r:2 = scf.for %t = %c0 to %n step %c1 iter_args(%acc = %zero, %old = %l) -> (!sums, tensor<64x4xf32>) {
    %g = scf.if %any -> (!rows) {
      scf.yield %f : !rows
    } else {
      scf.yield %one : !rows
    }
    %narrow = tile.broadcast %g : !rows -> tensor<64x4xf32>
    %less = arith.mulf %old, %narrow : tensor<64x4xf32>
    %sum = tile.dot %p, %p, %acc : !tile, !tile -> !sums
    %factors = tile.broadcast %g : !rows -> !sums
    %scaled = arith.mulf %factors, %sum : !sums
    scf.yield %scaled, %less : !sums, tensor<64x4xf32>
  }
  return %r#0, %r#1 : !sums, tensor<64x4xf32>
}

// Of a maximum that grows it is known in which rows. What else is multiplied by the factors goes
// along, what needs that stands behind, and the factors are computed where they are needed.

// CHECK-LABEL: func @growth
// CHECK-SAME:    %{{.*}}: tensor<64x64xbf16>, %[[NEXT:.*]]: tensor<64x1xf32>, %{{.*}}: index
func.func @growth(%p: !tile, %next: !rows, %n: index) -> (!rows, !sums, !rows) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : !sums
  // CHECK:       scf.for {{.*}} iter_args(%[[L:.*]] = %{{.*}}, %[[ACC:.*]] = %{{.*}}, %[[OLD:.*]] = %{{.*}})
  // CHECK-NEXT:    %[[GREW:.*]] = arith.cmpf ogt, %[[NEXT]], %[[OLD]]
  // CHECK-NEXT:    %[[M:.*]] = arith.select %[[GREW]], %[[NEXT]], %[[OLD]]
  // CHECK-NEXT:    %[[SUM:.*]] = tile.dot
  // CHECK-NEXT:    %[[ANY:.*]] = sm.warp_any %[[GREW]]
  // CHECK-NEXT:    %[[BOTH:.*]]:2 = scf.if %[[ANY]]
  // BRANCH-NEXT:     sm.branch_only
  // CHECK-NEXT:      %[[BACK:.*]] = arith.subf %[[OLD]], %[[M]]
  // CHECK-NEXT:      %[[G:.*]] = math.exp2 %[[BACK]]
  // CHECK-DAG:       %[[WIDE:.*]] = tile.broadcast %[[G]] : tensor<64x1xf32> -> tensor<64x64xf32>
  // CHECK-DAG:       %[[NARROW:.*]] = tile.broadcast %[[G]] : tensor<64x1xf32> -> tensor<64x4xf32>
  // CHECK:           %[[X:.*]] = arith.mulf %[[SUM]], %[[WIDE]]
  // CHECK-NEXT:      %[[Y:.*]] = arith.mulf %[[L]], %[[NARROW]]
  // CHECK-NEXT:      scf.yield %[[X]], %[[Y]]
  // CHECK-NEXT:    } else {
  // CHECK-NEXT:      scf.yield %[[SUM]], %[[L]]
  // CHECK-NEXT:    }
  // CHECK-NEXT:    %[[MORE:.*]] = arith.addf %[[BOTH]]#1, %[[BOTH]]#1
  // CHECK-NEXT:    scf.yield %[[MORE]], %[[BOTH]]#0, %[[M]]
  %start = tile.spread %next : !rows -> tensor<64x4xf32>
  %r:3 = scf.for %t = %c0 to %n step %c1 iter_args(%l = %start, %acc = %zero, %old = %next) -> (tensor<64x4xf32>, !sums, !rows) {
    %grew = arith.cmpf ogt, %next, %old : !rows
    %m = arith.select %grew, %next, %old : tensor<64x1xi1>, !rows
    %back = arith.subf %old, %m : !rows
    %g = math.exp2 %back : !rows
    %narrow = tile.broadcast %g : !rows -> tensor<64x4xf32>
    %scaled_l = arith.mulf %l, %narrow : tensor<64x4xf32>
    %more = arith.addf %scaled_l, %scaled_l : tensor<64x4xf32>
    %sum = tile.dot %p, %p, %acc : !tile, !tile -> !sums
    %wide = tile.broadcast %g : !rows -> !sums
    %scaled = arith.mulf %wide, %sum : !sums
    scf.yield %more, %scaled, %m : tensor<64x4xf32>, !sums, !rows
  }
  %total = tile.reduce add %r#0 : tensor<64x4xf32>
  return %total, %r#1, %r#2 : !rows, !sums, !rows
}

// A product that a branch reads, or the dot itself, does not wait for the dot.

// CHECK-LABEL: func @needed_before
// CHECK:         %[[ROWS:.*]] = tile.broadcast
// CHECK:         %[[X:.*]] = arith.mulf %{{.*}}, %[[ROWS]]
// CHECK-NEXT:    scf.if
// CHECK-NEXT:      tile.store %[[X]]
// CHECK:         tile.dot
// CHECK:         %{{.*}} = scf.if
// CHECK-NOT:       %{{.*}}, %{{.*}} = scf.if
func.func @needed_before(%p: !tile, %x: !sums, %f: !rows, %n: index, %some: i1,
                         %v: !tile.view<64xf32>) -> !sums {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : !sums
  %r = scf.for %t = %c0 to %n step %c1 iter_args(%acc = %zero) -> (!sums) {
    %factors = tile.broadcast %f : !rows -> !sums
    %y = arith.mulf %x, %factors : !sums
    scf.if %some {
      tile.store %y, %v[%t, %t] tile %t : !sums, !tile.view<64xf32>
    }
    %sum = tile.dot %p, %p, %acc : !tile, !tile -> !sums
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
