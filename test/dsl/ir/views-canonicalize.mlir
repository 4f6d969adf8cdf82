// RUN: tessera-opt %s --canonicalize | FileCheck %s

// What nothing reads is not read from memory. Stores stay.

// CHECK-LABEL: func @unread
// CHECK-SAME:    %[[TILE:.*]]: tensor<96x64xf32>
func.func @unread(%tile: tensor<96x64xf32>, %view: !tile.view<64xf32>, %slopes: !tile.table<2xf32>,
                  %i: index, %place: tensor<96x64xi32>) {
  %loaded = tile.load %view[%i, %i] tile %i padding zero : !tile.view<64xf32> -> tensor<96x64xf32>
  %slope = tile.fetch %slopes[%i, %i] : !tile.table<2xf32> -> f32
  %bias = tile.gather %slopes[%place, %place] : !tile.table<2xf32>, tensor<96x64xi32> -> tensor<96x64xf32>
  %heads = tile.extent %view heads : !tile.view<64xf32>
  %length = tile.length %view[%i] : !tile.view<64xf32>
  %row = tile.positions %view[%i] tile %i : !tile.view<64xf32> -> tensor<96x1xi32>
  // CHECK-NEXT: tile.store %[[TILE]]
  tile.store %tile, %view[%i, %i] tile %i : tensor<96x64xf32>, !tile.view<64xf32>
  // CHECK-NEXT: return
  return
}
