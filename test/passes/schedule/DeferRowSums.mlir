// RUN: tessera-opt %s --tile-defer-row-sums | FileCheck %s --check-prefixes=CHECK,FOUR
// RUN: tessera-opt %s --tile-defer-row-sums=columns=8 | FileCheck %s --check-prefixes=CHECK,EIGHT

!tile = tensor<64x128xf32>
!rows = tensor<64x1xf32>

// Within the loop nothing crosses a row any more: parts are summed, and reduced once behind it.

// CHECK-LABEL: func @scaled_sum
// CHECK-SAME:    %[[E:[a-z0-9]*]]: tensor<64x128xf32>, %[[F:[a-z0-9]*]]: tensor<64x1xf32>, %[[L0:[a-z0-9]*]]: tensor<64x1xf32>
func.func @scaled_sum(%e: !tile, %f: !rows, %l0: !rows, %n: index) -> !rows {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // FOUR:       %[[INIT:.*]] = tile.spread %[[L0]] : tensor<64x1xf32> -> tensor<64x4xf32>
  // EIGHT:      %[[INIT:.*]] = tile.spread %[[L0]] : tensor<64x1xf32> -> tensor<64x8xf32>
  // CHECK-NEXT: %[[PARTS:.*]] = scf.for {{.*}} iter_args(%[[L:.*]] = %[[INIT]])
  // FOUR-NEXT:    %[[FACTOR:.*]] = tile.broadcast %[[F]] : tensor<64x1xf32> -> tensor<64x4xf32>
  // EIGHT-NEXT:   %[[FACTOR:.*]] = tile.broadcast %[[F]] : tensor<64x1xf32> -> tensor<64x8xf32>
  // CHECK-NEXT:   %[[SCALED:.*]] = arith.mulf %[[L]], %[[FACTOR]]
  // CHECK-NEXT:   %[[PART:.*]] = tile.partial_reduce add %[[E]]
  // CHECK-NEXT:   %[[NEXT:.*]] = arith.addf %[[SCALED]], %[[PART]]
  // CHECK-NEXT:   scf.yield %[[NEXT]]
  // CHECK-NEXT: }
  // CHECK-NEXT: %[[SUM:.*]] = tile.reduce add %[[PARTS]]
  // CHECK-NEXT: return %[[SUM]]
  %l = scf.for %t = %c0 to %n step %c1 iter_args(%s = %l0) -> (!rows) {
    %sum = tile.reduce add %e : !tile
    %scaled = arith.mulf %f, %s : !rows
    %next = arith.addf %sum, %scaled : !rows
    scf.yield %next : !rows
  }
  return %l : !rows
}

// A plain sum has no factor.

// CHECK-LABEL: func @plain_sum
// CHECK-SAME:    %[[E:[a-z0-9]*]]: tensor<64x128xf32>
func.func @plain_sum(%e: !tile, %l0: !rows, %n: index) -> !rows {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // CHECK:      scf.for {{.*}} iter_args(%[[L:.*]] = %{{.*}})
  // CHECK-NEXT:   %[[PART:.*]] = tile.partial_reduce add %[[E]]
  // CHECK-NEXT:   %[[NEXT:.*]] = arith.addf %[[L]], %[[PART]]
  // CHECK-NEXT:   scf.yield %[[NEXT]]
  %l = scf.for %t = %c0 to %n step %c1 iter_args(%s = %l0) -> (!rows) {
    %sum = tile.reduce add %e : !tile
    %next = arith.addf %s, %sum : !rows
    scf.yield %next : !rows
  }
  return %l : !rows
}

// Other states of the loop stay, and so does what reads them.

// CHECK-LABEL: func @among_others
// CHECK-SAME:    %[[M0:[a-z0-9]*]]: tensor<64x1xf32>
func.func @among_others(%m0: !rows, %e: !tile, %n: index) -> (!rows, !rows) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // CHECK: %[[R:.*]]:2 = scf.for {{.*}} iter_args(%[[M:.*]] = %[[M0]], %{{.*}} = %{{.*}}) -> (tensor<64x1xf32>, tensor<64x{{4|8}}xf32>)
  // CHECK:   arith.maxnumf %[[M]]
  // CHECK: %[[SUM:.*]] = tile.reduce add %[[R]]#1
  // CHECK: return %[[R]]#0, %[[SUM]]
  %r:2 = scf.for %t = %c0 to %n step %c1 iter_args(%m = %m0, %s = %m0) -> (!rows, !rows) {
    %max = tile.reduce max %e : !tile
    %greater = arith.maxnumf %m, %max : !rows
    %sum = tile.reduce add %e : !tile
    %next = arith.addf %s, %sum : !rows
    scf.yield %greater, %next : !rows, !rows
  }
  return %r#0, %r#1 : !rows, !rows
}
