// RUN: tessera-opt %s --tile-defer-scaling | FileCheck %s

!tile = tensor<64x128xf32>
!mask = tensor<64x128xi1>
!rows = tensor<64x1xf32>

// The sign of an argument is unknown: a negative one turns a maximum into a minimum.

// CHECK-LABEL: func @unknown_sign
func.func @unknown_sign(%s: !tile, %keep: !mask, %scale: f32) -> !rows {
  // CHECK:      %[[X:.*]] = arith.mulf
  // CHECK-NEXT: %[[Y:.*]] = tile.mask %[[X]]
  // CHECK-NEXT: %[[MAX:.*]] = tile.reduce max %[[Y]]
  // CHECK-NEXT: return %[[MAX]]
  %scales = tensor.splat %scale : !tile
  %x = arith.mulf %s, %scales : !tile
  %y = tile.mask %x, %keep : !tile
  %max = tile.reduce max %y : !tile
  return %max : !rows
}

// A product of two unknown signs is unknown, also where one factor is positive.

// CHECK-LABEL: func @unknown_product
func.func @unknown_product(%s: !tile, %scale: f32) -> !rows {
  // CHECK:      %[[X:.*]] = arith.mulf %{{.*}} : tensor<64x128xf32>
  // CHECK-NEXT: tile.reduce max %[[X]]
  // CHECK-NEXT: return
  %two = arith.constant 2.0 : f32
  %factor = arith.mulf %scale, %two : f32
  %factors = tensor.splat %factor : !tile
  %x = arith.mulf %s, %factors : !tile
  %max = tile.reduce max %x : !tile
  return %max : !rows
}

// Neither is a maximum with a number that is not positive itself.

// CHECK-LABEL: func @max_with_zero
func.func @max_with_zero(%s: !tile, %scale: f32) -> !rows {
  // CHECK:      %[[X:.*]] = arith.mulf
  // CHECK-NEXT: tile.reduce max %[[X]]
  // CHECK-NEXT: return
  %zero = arith.constant 0.0 : f32
  %factor = arith.maxnumf %scale, %zero : f32
  %factors = tensor.splat %factor : !tile
  %x = arith.mulf %s, %factors : !tile
  %max = tile.reduce max %x : !tile
  return %max : !rows
}

// The factors of a column differ from row to row.

// CHECK-LABEL: func @factors_differ
func.func @factors_differ(%s: !tile, %factors: !tile) -> !rows {
  // CHECK:      %[[X:.*]] = arith.mulf
  // CHECK-NEXT: tile.reduce max %[[X]]
  // CHECK-NEXT: return
  %x = arith.mulf %s, %factors : !tile
  %max = tile.reduce max %x : !tile
  return %max : !rows
}

// A sum is rounded after each addition, so it is not the same.

// CHECK-LABEL: func @sum
func.func @sum(%s: !tile) -> !rows {
  // CHECK:      %[[X:.*]] = arith.mulf
  // CHECK-NEXT: tile.reduce add %[[X]]
  // CHECK-NEXT: return
  %two = arith.constant 2.0 : f32
  %twos = tensor.splat %two : !tile
  %x = arith.mulf %s, %twos : !tile
  %sum = tile.reduce add %x : !tile
  return %sum : !rows
}

// What is subtracted is no multiple of a tile: only the maximum of the difference is left.

// CHECK-LABEL: func @unscaled_subtrahend
// CHECK-SAME:    %[[S:[a-z0-9]*]]: tensor<64x128xf32>, %[[BIAS:[a-z0-9]*]]: tensor<64x128xf32>
func.func @unscaled_subtrahend(%s: !tile, %bias: !tile) -> !rows {
  // CHECK:      %[[X:.*]] = arith.mulf %[[S]]
  // CHECK-NEXT: %[[Y:.*]] = arith.subf %[[X]], %[[BIAS]]
  // CHECK-NEXT: tile.reduce max %[[Y]]
  // CHECK-NEXT: return
  %two = arith.constant 2.0 : f32
  %twos = tensor.splat %two : !tile
  %x = arith.mulf %s, %twos : !tile
  %y = arith.subf %x, %bias : !tile
  %max = tile.reduce max %y : !tile
  return %max : !rows
}

// Infinity times zero is no number, and the greatest of such products none of the greatest.

// CHECK-LABEL: func @infinite
func.func @infinite(%s: !tile) -> !rows {
  // CHECK:      %[[X:.*]] = arith.mulf
  // CHECK-NEXT: tile.reduce max %[[X]]
  // CHECK-NEXT: return
  %factors = arith.constant dense<0x7F800000> : !tile
  %x = arith.mulf %s, %factors : !tile
  %max = tile.reduce max %x : !tile
  return %max : !rows
}
