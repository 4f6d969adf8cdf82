// RUN: tessera-opt %s | tessera-opt | FileCheck %s
// RUN: tessera-opt %s --mlir-print-op-generic | tessera-opt | FileCheck %s

// Each axis of a view has an extent.

// CHECK-LABEL: func @extents
// CHECK-SAME:    %[[VIEW:.*]]: !tile.view<64xbf16>
func.func @extents(%view: !tile.view<64xbf16>) -> (index, index, index) {
  // CHECK: tile.extent %[[VIEW]] batches : !tile.view<64xbf16>
  %batches = tile.extent %view batches : !tile.view<64xbf16>
  // CHECK: tile.extent %[[VIEW]] heads : !tile.view<64xbf16>
  %heads = tile.extent %view heads : !tile.view<64xbf16>
  // CHECK: tile.extent %[[VIEW]] rows : !tile.view<64xbf16>
  %rows = tile.extent %view rows : !tile.view<64xbf16>
  return %batches, %heads, %rows : index, index, index
}

// CHECK-LABEL: func @length
// CHECK-SAME:    %[[VIEW:.*]]: !tile.view<64xbf16>, %[[BATCH:.*]]: index
func.func @length(%view: !tile.view<64xbf16>, %batch: index) -> index {
  // CHECK: tile.length %[[VIEW]][%[[BATCH]]] : !tile.view<64xbf16>
  %length = tile.length %view[%batch] : !tile.view<64xbf16>
  return %length : index
}

// Positions are a column to compare with rows, or a row to compare with columns.

// CHECK-LABEL: func @positions
// CHECK-SAME:    %[[VIEW:.*]]: !tile.view<64xbf16>, %[[BATCH:.*]]: index, %[[I:.*]]: index
func.func @positions(%view: !tile.view<64xbf16>, %batch: index, %i: index)
    -> (tensor<96x1xi32>, tensor<1x64xi32>) {
  // CHECK: tile.positions %[[VIEW]][%[[BATCH]]] tile %[[I]] : !tile.view<64xbf16> -> tensor<96x1xi32>
  %row = tile.positions %view[%batch] tile %i : !tile.view<64xbf16> -> tensor<96x1xi32>
  // CHECK: tile.positions %[[VIEW]][%[[BATCH]]] tile %[[I]] : !tile.view<64xbf16> -> tensor<1x64xi32>
  %col = tile.positions %view[%batch] tile %i : !tile.view<64xbf16> -> tensor<1x64xi32>
  return %row, %col : tensor<96x1xi32>, tensor<1x64xi32>
}

// A load says what it puts in the rows past the end.

// CHECK-LABEL: func @load
// CHECK-SAME:    %[[VIEW:.*]]: !tile.view<64xbf16>, %[[I:.*]]: index
func.func @load(%view: !tile.view<64xbf16>, %i: index) -> (tensor<96x64xbf16>, tensor<96x64xbf16>) {
  // CHECK: tile.load %[[VIEW]][%[[I]], %[[I]]] tile %[[I]] padding undefined : !tile.view<64xbf16> -> tensor<96x64xbf16>
  %any = tile.load %view[%i, %i] tile %i padding undefined : !tile.view<64xbf16> -> tensor<96x64xbf16>
  // CHECK: tile.load %[[VIEW]][%[[I]], %[[I]]] tile %[[I]] padding zero : !tile.view<64xbf16> -> tensor<96x64xbf16>
  %zero = tile.load %view[%i, %i] tile %i padding zero : !tile.view<64xbf16> -> tensor<96x64xbf16>
  return %any, %zero : tensor<96x64xbf16>, tensor<96x64xbf16>
}

// CHECK-LABEL: func @store
// CHECK-SAME:    %[[TILE:.*]]: tensor<96x64xbf16>, %[[VIEW:.*]]: !tile.view<64xbf16>, %[[I:.*]]: index
func.func @store(%tile: tensor<96x64xbf16>, %view: !tile.view<64xbf16>, %i: index) {
  // CHECK: tile.store %[[TILE]], %[[VIEW]][%[[I]], %[[I]]] tile %[[I]] : tensor<96x64xbf16>, !tile.view<64xbf16>
  tile.store %tile, %view[%i, %i] tile %i : tensor<96x64xbf16>, !tile.view<64xbf16>
  return
}

// CHECK-LABEL: func @fetch
// CHECK-SAME:    %[[SLOPES:.*]]: !tile.per_head, %[[BATCH:.*]]: index, %[[HEAD:.*]]: index
func.func @fetch(%slopes: !tile.per_head, %batch: index, %head: index) -> f32 {
  // CHECK: tile.fetch %[[SLOPES]][%[[BATCH]], %[[HEAD]]]
  %slope = tile.fetch %slopes[%batch, %head]
  return %slope : f32
}
