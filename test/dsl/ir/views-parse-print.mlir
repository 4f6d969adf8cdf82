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

// Rows may be counted from a row of the sequence, be fewer than the view has, and
// lie in pages; each of the three alone too.

// CHECK-LABEL: func @load_from_of_through
// CHECK-SAME:    %[[VIEW:.*]]: !tile.view<64xbf16>, %[[PAGES:.*]]: !tile.table<2xi32>, %[[B:[a-z0-9]*]]: index, %[[H:[a-z0-9]*]]: index, %[[I:[a-z0-9]*]]: index, %[[FIRST:.*]]: index, %[[COUNT:.*]]: index
func.func @load_from_of_through(%view: !tile.view<64xbf16>, %pages: !tile.table<2xi32>, %b: index,
                                %h: index, %i: index, %first: index, %count: index)
    -> (tensor<96x64xbf16>, tensor<96x64xbf16>, tensor<96x64xbf16>, tensor<96x64xbf16>) {
  // CHECK: tile.load %[[VIEW]][%[[B]], %[[H]]] tile %[[I]] from %[[FIRST]] padding zero : !tile.view<64xbf16> -> tensor<96x64xbf16>
  %from = tile.load %view[%b, %h] tile %i from %first padding zero : !tile.view<64xbf16> -> tensor<96x64xbf16>
  // CHECK: tile.load %[[VIEW]][%[[B]], %[[H]]] tile %[[I]] of %[[COUNT]] padding undefined : !tile.view<64xbf16> -> tensor<96x64xbf16>
  %of = tile.load %view[%b, %h] tile %i of %count padding undefined : !tile.view<64xbf16> -> tensor<96x64xbf16>
  // CHECK: tile.load %[[VIEW]][%[[B]], %[[H]]] tile %[[I]] through %[[PAGES]] padding zero : !tile.view<64xbf16>, !tile.table<2xi32> -> tensor<96x64xbf16>
  %through = tile.load %view[%b, %h] tile %i through %pages padding zero : !tile.view<64xbf16>, !tile.table<2xi32> -> tensor<96x64xbf16>
  // CHECK: tile.load %[[VIEW]][%[[B]], %[[H]]] tile %[[I]] from %[[FIRST]] of %[[COUNT]] through %[[PAGES]] padding zero : !tile.view<64xbf16>, !tile.table<2xi32> -> tensor<96x64xbf16>
  %all = tile.load %view[%b, %h] tile %i from %first of %count through %pages padding zero : !tile.view<64xbf16>, !tile.table<2xi32> -> tensor<96x64xbf16>
  return %from, %of, %through, %all : tensor<96x64xbf16>, tensor<96x64xbf16>, tensor<96x64xbf16>, tensor<96x64xbf16>
}

// CHECK-LABEL: func @store_from_of_through
// CHECK-SAME:    %[[TILE:.*]]: tensor<96x64xbf16>, %[[VIEW:.*]]: !tile.view<64xbf16>, %[[PAGES:.*]]: !tile.table<2xi32>, %[[I:[a-z0-9]*]]: index, %[[FIRST:.*]]: index, %[[COUNT:.*]]: index
func.func @store_from_of_through(%tile: tensor<96x64xbf16>, %view: !tile.view<64xbf16>,
                                 %pages: !tile.table<2xi32>, %i: index, %first: index,
                                 %count: index) {
  // CHECK: tile.store %[[TILE]], %[[VIEW]][%[[I]], %[[I]]] tile %[[I]] from %[[FIRST]] : tensor<96x64xbf16>, !tile.view<64xbf16>
  tile.store %tile, %view[%i, %i] tile %i from %first : tensor<96x64xbf16>, !tile.view<64xbf16>
  // CHECK: tile.store %[[TILE]], %[[VIEW]][%[[I]], %[[I]]] tile %[[I]] of %[[COUNT]] : tensor<96x64xbf16>, !tile.view<64xbf16>
  tile.store %tile, %view[%i, %i] tile %i of %count : tensor<96x64xbf16>, !tile.view<64xbf16>
  // CHECK: tile.store %[[TILE]], %[[VIEW]][%[[I]], %[[I]]] tile %[[I]] through %[[PAGES]] : tensor<96x64xbf16>, !tile.view<64xbf16>, !tile.table<2xi32>
  tile.store %tile, %view[%i, %i] tile %i through %pages : tensor<96x64xbf16>, !tile.view<64xbf16>, !tile.table<2xi32>
  // CHECK: tile.store %[[TILE]], %[[VIEW]][%[[I]], %[[I]]] tile %[[I]] from %[[FIRST]] of %[[COUNT]] through %[[PAGES]] : tensor<96x64xbf16>, !tile.view<64xbf16>, !tile.table<2xi32>
  tile.store %tile, %view[%i, %i] tile %i from %first of %count through %pages : tensor<96x64xbf16>, !tile.view<64xbf16>, !tile.table<2xi32>
  return
}
