// RUN: tessera-opt %s --canonicalize | FileCheck %s

// What was reduced need not be spread again: a loop continues with the parts of the one before.

// CHECK-LABEL: func @spread_of_sum
// CHECK-SAME:    %[[PART:.*]]: tensor<128x4xf32>
func.func @spread_of_sum(%part: tensor<128x4xf32>) -> tensor<128x4xf32> {
  // CHECK-NEXT: return %[[PART]]
  %l = tile.reduce add %part : tensor<128x4xf32>
  %again = tile.spread %l : tensor<128x1xf32> -> tensor<128x4xf32>
  return %again : tensor<128x4xf32>
}

// CHECK-LABEL: func @spread_of_zero
func.func @spread_of_zero() -> tensor<128x4xf32> {
  // CHECK-NEXT: %[[ZERO:.*]] = arith.constant dense<0.000000e+00> : tensor<128x4xf32>
  // CHECK-NEXT: return %[[ZERO]]
  %zero = arith.constant dense<0.0> : tensor<128x1xf32>
  %part = tile.spread %zero : tensor<128x1xf32> -> tensor<128x4xf32>
  return %part : tensor<128x4xf32>
}

// Four ones add up to four: a number other than zero stays to be spread.

// CHECK-LABEL: func @spread_of_one
func.func @spread_of_one() -> tensor<128x4xf32> {
  // CHECK-NEXT: %[[ONE:.*]] = arith.constant
  // CHECK-NEXT: tile.spread %[[ONE]]
  %one = arith.constant dense<1.0> : tensor<128x1xf32>
  %part = tile.spread %one : tensor<128x1xf32> -> tensor<128x4xf32>
  return %part : tensor<128x4xf32>
}

// A maximum is no sum.

// CHECK-LABEL: func @spread_of_max
func.func @spread_of_max(%x: tensor<128x4xf32>) -> tensor<128x4xf32> {
  // CHECK-NEXT: %[[MAX:.*]] = tile.reduce max
  // CHECK-NEXT: tile.spread %[[MAX]]
  %max = tile.reduce max %x : tensor<128x4xf32>
  %part = tile.spread %max : tensor<128x1xf32> -> tensor<128x4xf32>
  return %part : tensor<128x4xf32>
}

// The parts are as many as are asked for: those of another tile have to be summed.

// CHECK-LABEL: func @spread_over_fewer_columns
func.func @spread_over_fewer_columns(%x: tensor<128x64xf32>) -> tensor<128x4xf32> {
  // CHECK-NEXT: %[[SUM:.*]] = tile.reduce add
  // CHECK-NEXT: tile.spread %[[SUM]]
  %sum = tile.reduce add %x : tensor<128x64xf32>
  %part = tile.spread %sum : tensor<128x1xf32> -> tensor<128x4xf32>
  return %part : tensor<128x4xf32>
}
