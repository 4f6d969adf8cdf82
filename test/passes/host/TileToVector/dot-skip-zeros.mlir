// RUN: tessera-opt %s --tile-to-vector --canonicalize --cse | FileCheck %s

!view = !tile.view<8xf32>
!tile = tensor<8x8xf32>

// A lane whose left element is zero keeps its sum, whatever the right element is;
// zeros are found once for all columns of the block.

// CHECK-LABEL: func @skip_zeros
func.func @skip_zeros(%q: !view {tile.name = "q"}, %tile: index, %head: index, %batch: index) {
  // CHECK:     %[[ZERO:.*]] = arith.constant dense<0.000000e+00> : vector<8xf32>
  // CHECK:     scf.for {{.*}} iter_args(%[[SUM0:[^ ]*]] = %[[ZERO]], %[[SUM1:[^ ]*]] = %[[ZERO]],
  // CHECK:       %[[LEFT:.*]] = llvm.load {{.*}} -> vector<8xf32>
  // CHECK-NEXT:  %[[IS_ZERO:.*]] = arith.cmpf oeq, %[[LEFT]], %[[ZERO]]
  // CHECK:       %[[MORE:.*]] = math.fma %[[LEFT]], %{{.*}}, %[[SUM0]]
  // CHECK-NEXT:  arith.select %[[IS_ZERO]], %[[SUM0]], %[[MORE]]
  // CHECK-NOT:   arith.cmpf
  // CHECK:       %[[MORE:.*]] = math.fma %[[LEFT]], %{{.*}}, %[[SUM1]]
  // CHECK-NEXT:  arith.select %[[IS_ZERO]], %[[SUM1]], %[[MORE]]
  %none = arith.constant dense<0.0> : !tile
  %left = tile.load %q[%batch, %head] tile %tile padding undefined : !view -> !tile
  %right = tile.load %q[%head, %batch] tile %tile padding zero : !view -> !tile
  %dot = tile.dot %left, %right, %none skip_zeros : !tile, !tile -> !tile
  tile.store %dot, %q[%batch, %head] tile %tile : !tile, !view
  return
}

// Without it, infinity times zero is NaN, as in IEEE 754.

// CHECK-LABEL: func @all
func.func @all(%q: !view {tile.name = "q"}, %tile: index, %head: index, %batch: index) {
  // CHECK-NOT: arith.select
  // CHECK:     math.fma
  // CHECK-NOT: arith.select
  // CHECK:     return
  %none = arith.constant dense<0.0> : !tile
  %left = tile.load %q[%batch, %head] tile %tile padding undefined : !view -> !tile
  %right = tile.load %q[%head, %batch] tile %tile padding zero : !view -> !tile
  %dot = tile.dot %left, %right, %none : !tile, !tile -> !tile
  tile.store %dot, %q[%batch, %head] tile %tile : !tile, !view
  return
}
