// RUN: tessera-opt %s --tile-merge-factors | FileCheck %s

!tile = tensor<96x64xf32>

// Two factors become one, whichever side they stand on.

// CHECK-LABEL: func @two_scalars
// CHECK-SAME:    %[[T:.*]]: tensor<96x64xf32>, %[[A:.*]]: f32, %[[B:.*]]: f32
func.func @two_scalars(%t: !tile, %a: f32, %b: f32) -> !tile {
  // CHECK-NEXT: %[[AB:.*]] = arith.mulf %[[A]], %[[B]] : f32
  // CHECK-NEXT: %[[FACTOR:.*]] = tensor.splat %[[AB]] : tensor<96x64xf32>
  // CHECK-NEXT: %[[X:.*]] = arith.mulf %[[T]], %[[FACTOR]] : tensor<96x64xf32>
  // CHECK-NEXT: return %[[X]]
  %as = tensor.splat %a : !tile
  %bs = tensor.splat %b : !tile
  %x = arith.mulf %as, %t : !tile
  %y = arith.mulf %bs, %x : !tile
  return %y : !tile
}

// CHECK-LABEL: func @scalar_and_constant
// CHECK-SAME:    %[[T:.*]]: tensor<96x64xf32>, %[[A:.*]]: f32
func.func @scalar_and_constant(%t: !tile, %a: f32) -> !tile {
  // CHECK:      %[[LOG2E:.*]] = arith.constant 1.500000e+00 : f32
  // CHECK:      %[[AB:.*]] = arith.mulf %[[A]], %[[LOG2E]] : f32
  // CHECK-NEXT: %[[FACTOR:.*]] = tensor.splat %[[AB]]
  // CHECK-NEXT: arith.mulf %[[T]], %[[FACTOR]]
  // CHECK-NEXT: return
  %as = tensor.splat %a : !tile
  %log2e = arith.constant dense<1.5> : !tile
  %x = arith.mulf %t, %as : !tile
  %y = arith.mulf %x, %log2e : !tile
  return %y : !tile
}

// CHECK-LABEL: func @two_constants
// CHECK-SAME:    %[[T:.*]]: tensor<96x64xf32>
func.func @two_constants(%t: !tile) -> !tile {
  // CHECK-NEXT: %[[SIX:.*]] = arith.constant dense<6.000000e+00> : tensor<96x64xf32>
  // CHECK-NEXT: arith.mulf %[[T]], %[[SIX]]
  // CHECK-NEXT: return
  %two = arith.constant dense<2.0> : !tile
  %three = arith.constant dense<3.0> : !tile
  %x = arith.mulf %t, %two : !tile
  %y = arith.mulf %x, %three : !tile
  return %y : !tile
}

// The scale of the scores, of quantised queries and of quantised keys.

// CHECK-LABEL: func @three_factors
// CHECK-SAME:    %[[T:.*]]: tensor<96x64xf32>, %[[A:.*]]: f32, %[[B:.*]]: f32, %[[C:.*]]: f32
func.func @three_factors(%t: !tile, %a: f32, %b: f32, %c: f32) -> !tile {
  // CHECK-COUNT-2: arith.mulf %{{.*}} : f32
  // CHECK:         arith.mulf %[[T]], %{{.*}} : tensor<96x64xf32>
  // CHECK-NEXT:    return
  %as = tensor.splat %a : !tile
  %bs = tensor.splat %b : !tile
  %cs = tensor.splat %c : !tile
  %x = arith.mulf %t, %as : !tile
  %y = arith.mulf %x, %bs : !tile
  %z = arith.mulf %y, %cs : !tile
  return %z : !tile
}

// A division goes into the factor, as in the soft cap of the scores.

// CHECK-LABEL: func @divided_then_multiplied
// CHECK-SAME:    %[[T:.*]]: tensor<96x64xf32>, %[[A:.*]]: f32, %[[B:.*]]: f32
func.func @divided_then_multiplied(%t: !tile, %a: f32, %b: f32) -> !tile {
  // CHECK-NEXT: %[[BA:.*]] = arith.divf %[[B]], %[[A]] : f32
  // CHECK-NEXT: %[[FACTOR:.*]] = tensor.splat %[[BA]]
  // CHECK-NEXT: arith.mulf %[[T]], %[[FACTOR]]
  // CHECK-NEXT: return
  %as = tensor.splat %a : !tile
  %bs = tensor.splat %b : !tile
  %x = arith.divf %t, %as : !tile
  %y = arith.mulf %x, %bs : !tile
  return %y : !tile
}

// CHECK-LABEL: func @multiplied_then_divided
// CHECK-SAME:    %[[T:.*]]: tensor<96x64xf32>, %[[A:.*]]: f32, %[[B:.*]]: f32
func.func @multiplied_then_divided(%t: !tile, %a: f32, %b: f32) -> !tile {
  // CHECK-NEXT: %[[AB:.*]] = arith.divf %[[A]], %[[B]] : f32
  // CHECK-NEXT: %[[FACTOR:.*]] = tensor.splat %[[AB]]
  // CHECK-NEXT: arith.mulf %[[T]], %[[FACTOR]]
  // CHECK-NEXT: return
  %as = tensor.splat %a : !tile
  %bs = tensor.splat %b : !tile
  %x = arith.mulf %t, %as : !tile
  %y = arith.divf %x, %bs : !tile
  return %y : !tile
}

// Divisions alone stay as they are, and a tile below a number is no multiple of
// the tile.

// CHECK-LABEL: func @divisions
func.func @divisions(%t: !tile, %a: f32, %b: f32) -> (!tile, !tile) {
  // CHECK:      %[[X:.*]] = arith.divf %{{.*}} : tensor<96x64xf32>
  // CHECK-NEXT: arith.divf %[[X]], %{{.*}} : tensor<96x64xf32>
  // CHECK-NEXT: %[[INVERSE:.*]] = arith.divf %{{.*}} : tensor<96x64xf32>
  // CHECK-NEXT: arith.mulf %[[INVERSE]], %{{.*}} : tensor<96x64xf32>
  %as = tensor.splat %a : !tile
  %bs = tensor.splat %b : !tile
  %x = arith.divf %t, %as : !tile
  %y = arith.divf %x, %bs : !tile
  %inverse = arith.divf %as, %t : !tile
  %z = arith.mulf %inverse, %bs : !tile
  return %y, %z : !tile, !tile
}

// Both products would still be needed.

// CHECK-LABEL: func @two_uses
func.func @two_uses(%t: !tile, %a: f32, %b: f32) -> (!tile, !tile) {
  // CHECK:      %[[X:.*]] = arith.mulf %{{.*}} : tensor<96x64xf32>
  // CHECK-NEXT: arith.mulf %[[X]], %{{.*}} : tensor<96x64xf32>
  %as = tensor.splat %a : !tile
  %bs = tensor.splat %b : !tile
  %x = arith.mulf %t, %as : !tile
  %y = arith.mulf %x, %bs : !tile
  return %x, %y : !tile, !tile
}

// A product of factors would be rounded too coarsely in f16.

// CHECK-LABEL: func @not_f32
func.func @not_f32(%t: tensor<96x64xf16>, %a: f16, %b: f16) -> tensor<96x64xf16> {
  // CHECK:      %[[X:.*]] = arith.mulf %{{.*}} : tensor<96x64xf16>
  // CHECK-NEXT: arith.mulf %[[X]], %{{.*}} : tensor<96x64xf16>
  %as = tensor.splat %a : tensor<96x64xf16>
  %bs = tensor.splat %b : tensor<96x64xf16>
  %x = arith.mulf %t, %as : tensor<96x64xf16>
  %y = arith.mulf %x, %bs : tensor<96x64xf16>
  return %y : tensor<96x64xf16>
}

// A row repeated, or a constant of many values, is no single factor.

// CHECK-LABEL: func @row
func.func @row(%t: tensor<2x2xf32>, %row: tensor<1x2xf32>, %a: f32)
    -> (tensor<2x2xf32>, tensor<2x2xf32>) {
  // CHECK:      %[[X:.*]] = arith.mulf %{{.*}} : tensor<2x2xf32>
  // CHECK-NEXT: arith.mulf %[[X]], %{{.*}} : tensor<2x2xf32>
  // CHECK-NEXT: %[[Y:.*]] = arith.mulf %{{.*}} : tensor<2x2xf32>
  // CHECK-NEXT: arith.mulf %[[Y]], %{{.*}} : tensor<2x2xf32>
  %as = tensor.splat %a : tensor<2x2xf32>
  %rows = tile.broadcast %row : tensor<1x2xf32> -> tensor<2x2xf32>
  %many = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %x = arith.mulf %t, %rows : tensor<2x2xf32>
  %xa = arith.mulf %x, %as : tensor<2x2xf32>
  %y = arith.mulf %t, %as : tensor<2x2xf32>
  %yb = arith.mulf %y, %many : tensor<2x2xf32>
  return %xa, %yb : tensor<2x2xf32>, tensor<2x2xf32>
}
