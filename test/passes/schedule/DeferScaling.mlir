// RUN: tessera-opt %s --tile-defer-scaling | FileCheck %s

!tile = tensor<64x128xf32>
!mask = tensor<64x128xi1>
!rows = tensor<64x1xf32>

// A maximum is found in the product's own units: only the maximum itself is scaled, and the mask
// sees what the product gives.

// CHECK-LABEL: func @mask_and_max
// CHECK-SAME:    %[[S:[a-z0-9]*]]: tensor<64x128xf32>, %[[KEEP:[a-z0-9]*]]: tensor<64x128xi1>
func.func @mask_and_max(%s: !tile, %keep: !mask) -> !rows {
  // CHECK:      %[[MASKED:.*]] = tile.mask %[[S]], %[[KEEP]]
  // CHECK-NEXT: %[[MAX:.*]] = tile.reduce max %[[MASKED]]
  // CHECK-NEXT: %[[SCALED:.*]] = arith.mulf %[[MAX]], %{{.*}} : tensor<64x1xf32>
  // CHECK-NEXT: return %[[SCALED]]
  %half = arith.constant dense<0.5> : !tile
  %x = arith.mulf %s, %half : !tile
  %y = tile.mask %x, %keep : !tile
  %max = tile.reduce max %y : !tile
  return %max : !rows
}

// Behind its maximum, a tile is scaled once: where it is read.

// CHECK-LABEL: func @another_reader
// CHECK-SAME:    %[[S:[a-z0-9]*]]: tensor<64x128xf32>, %[[KEEP:[a-z0-9]*]]: tensor<64x128xi1>
func.func @another_reader(%s: !tile, %keep: !mask) -> (!rows, !tile) {
  // CHECK:      %[[HALF:.*]] = arith.constant dense<5.000000e-01> : tensor<64x128xf32>
  // CHECK:      %[[MASKED:.*]] = tile.mask %[[S]], %[[KEEP]]
  // CHECK:      %[[SCALED:.*]] = arith.mulf %[[MASKED]], %[[HALF]] : tensor<64x128xf32>
  // CHECK-NOT:  arith.mulf {{.*}} : tensor<64x128xf32>
  // CHECK:      tile.reduce max %[[MASKED]]
  // CHECK:      return %{{.*}}, %[[SCALED]]
  %half = arith.constant dense<0.5> : !tile
  %x = arith.mulf %s, %half : !tile
  %y = tile.mask %x, %keep : !tile
  %max = tile.reduce max %y : !tile
  return %max, %y : !rows, !tile
}

// A maximum with a positive number is positive, and so are quotients of such and constants.

// CHECK-LABEL: func @positive_argument
// CHECK-SAME:    %[[S:[a-z0-9]*]]: tensor<64x128xf32>, %[[A:[a-z0-9]*]]: f32
func.func @positive_argument(%s: !tile, %a: f32) -> !rows {
  // CHECK:      %[[FACTOR:.*]] = arith.divf
  // CHECK-NEXT: %[[MAX:.*]] = tile.reduce max %[[S]]
  // CHECK-NEXT: %[[FACTORS:.*]] = tensor.splat %[[FACTOR]] : tensor<64x1xf32>
  // CHECK-NEXT: arith.mulf %[[MAX]], %[[FACTORS]]
  %least = arith.constant 1.0e-30 : f32
  %log2e = arith.constant 1.5 : f32
  %scale = arith.maxnumf %a, %least : f32
  %factor = arith.divf %scale, %log2e : f32
  %factors = tensor.splat %factor : !tile
  %x = arith.mulf %factors, %s : !tile
  %max = tile.reduce max %x : !tile
  return %max : !rows
}

// A bias goes along, in the product's units.

// CHECK-LABEL: func @bias
// CHECK-SAME:    %[[S:[a-z0-9]*]]: tensor<64x128xf32>, %[[DISTANCE:[a-z0-9]*]]: tensor<64x128xf32>, %[[SLOPE:[a-z0-9]*]]: f32
func.func @bias(%s: !tile, %distance: !tile, %slope: f32) -> !rows {
  // CHECK:      %[[HALF:.*]] = arith.constant 5.000000e-01 : f32
  // CHECK:      %[[RATIO:.*]] = arith.divf %[[SLOPE]], %[[HALF]] : f32
  // CHECK-NEXT: %[[RATIOS:.*]] = tensor.splat %[[RATIO]]
  // CHECK-NEXT: %[[BIAS:.*]] = arith.mulf %[[DISTANCE]], %[[RATIOS]]
  // CHECK-NEXT: %[[DIFFERENCE:.*]] = arith.subf %[[S]], %[[BIAS]]
  // CHECK-NEXT: %[[MAX:.*]] = tile.reduce max %[[DIFFERENCE]]
  // CHECK-NEXT: arith.mulf %[[MAX]], %{{.*}} : tensor<64x1xf32>
  %half = arith.constant dense<0.5> : !tile
  %slopes = tensor.splat %slope : !tile
  %x = arith.mulf %s, %half : !tile
  %bias = arith.mulf %distance, %slopes : !tile
  %y = arith.subf %x, %bias : !tile
  %max = tile.reduce max %y : !tile
  return %max : !rows
}
