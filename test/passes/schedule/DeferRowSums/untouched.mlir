// RUN: tessera-opt %s --tile-defer-row-sums | FileCheck %s --implicit-check-not=partial_reduce

!tile = tensor<64x128xf32>
!rows = tensor<64x1xf32>

// Something else in the loop needs the sum so far.

// CHECK-LABEL: func @state_is_read
func.func @state_is_read(%e: !tile, %l0: !rows, %n: index) -> (!rows, !rows) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // CHECK: scf.for {{.*}} -> (tensor<64x1xf32>, tensor<64x1xf32>)
  %r:2 = scf.for %t = %c0 to %n step %c1 iter_args(%s = %l0, %m = %l0) -> (!rows, !rows) {
    %sum = tile.reduce add %e : !tile
    %next = arith.addf %s, %sum : !rows
    %greater = arith.maxnumf %m, %s : !rows
    scf.yield %next, %greater : !rows, !rows
  }
  return %r#0, %r#1 : !rows, !rows
}

// Something else in the loop needs the next sum.

// CHECK-LABEL: func @next_is_read
func.func @next_is_read(%e: !tile, %l0: !rows, %n: index) -> (!rows, !rows) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // CHECK: scf.for {{.*}} -> (tensor<64x1xf32>, tensor<64x1xf32>)
  %r:2 = scf.for %t = %c0 to %n step %c1 iter_args(%s = %l0, %m = %l0) -> (!rows, !rows) {
    %sum = tile.reduce add %e : !tile
    %next = arith.addf %s, %sum : !rows
    %greater = arith.maxnumf %m, %next : !rows
    scf.yield %next, %greater : !rows, !rows
  }
  return %r#0, %r#1 : !rows, !rows
}

// The sum of this tile alone is needed, so it is reduced anyway.

// CHECK-LABEL: func @sum_is_read
func.func @sum_is_read(%e: !tile, %l0: !rows, %n: index) -> (!rows, !rows) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // CHECK: scf.for {{.*}} -> (tensor<64x1xf32>, tensor<64x1xf32>)
  %r:2 = scf.for %t = %c0 to %n step %c1 iter_args(%s = %l0, %m = %l0) -> (!rows, !rows) {
    %sum = tile.reduce add %e : !tile
    %next = arith.addf %s, %sum : !rows
    scf.yield %next, %sum : !rows, !rows
  }
  return %r#0, %r#1 : !rows, !rows
}

// A maximum cannot be put together from parts by addition.

// CHECK-LABEL: func @max
func.func @max(%e: !tile, %l0: !rows, %n: index) -> !rows {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // CHECK: scf.for {{.*}} -> (tensor<64x1xf32>)
  %l = scf.for %t = %c0 to %n step %c1 iter_args(%s = %l0) -> (!rows) {
    %max = tile.reduce max %e : !tile
    %next = arith.addf %s, %max : !rows
    scf.yield %next : !rows
  }
  return %l : !rows
}
