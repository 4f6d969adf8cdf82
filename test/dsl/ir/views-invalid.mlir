// RUN: tessera-opt %s --verify-diagnostics --split-input-file

// Positions are one row or one column, not a matrix.

func.func @positions_of_matrix(%view: !tile.view<64xf32>, %i: index) -> tensor<96x64xi32> {
  // expected-error @+1 {{'tile.positions' op result must have one row or one column, found 96 x 64}}
  %rows = tile.positions %view[%i] tile %i : !tile.view<64xf32> -> tensor<96x64xi32>
  return %rows : tensor<96x64xi32>
}

// -----

func.func @load_of_wrong_width(%view: !tile.view<64xf32>, %i: index) -> tensor<96x128xf32> {
  // expected-error @+1 {{'tile.load' op tile is 128 wide, the view is 64}}
  %tile = tile.load %view[%i, %i] tile %i padding zero : !tile.view<64xf32> -> tensor<96x128xf32>
  return %tile : tensor<96x128xf32>
}

// -----

// A load converts nothing.

func.func @load_of_wrong_type(%view: !tile.view<64xbf16>, %i: index) -> tensor<96x64xf32> {
  // expected-error @+1 {{'tile.load' op tile has elements of 'f32', the view of 'bf16'}}
  %tile = tile.load %view[%i, %i] tile %i padding zero : !tile.view<64xbf16> -> tensor<96x64xf32>
  return %tile : tensor<96x64xf32>
}

// -----

// The height of a tile is known.

func.func @load_of_unknown_height(%view: !tile.view<64xf32>, %i: index) -> tensor<?x64xf32> {
  // expected-error @+1 {{'tile.load' op result #0 must be tile of}}
  %tile = tile.load %view[%i, %i] tile %i padding zero : !tile.view<64xf32> -> tensor<?x64xf32>
  return %tile : tensor<?x64xf32>
}

// -----

func.func @store_of_wrong_width(%tile: tensor<96x1xf32>, %view: !tile.view<64xf32>, %i: index) {
  // expected-error @+1 {{'tile.store' op tile is 1 wide, the view is 64}}
  tile.store %tile, %view[%i, %i] tile %i : tensor<96x1xf32>, !tile.view<64xf32>
  return
}

// -----

func.func @store_of_wrong_type(%tile: tensor<96x64xf32>, %view: !tile.view<64xf16>, %i: index) {
  // expected-error @+1 {{'tile.store' op tile has elements of 'f32', the view of 'f16'}}
  tile.store %tile, %view[%i, %i] tile %i : tensor<96x64xf32>, !tile.view<64xf16>
  return
}

// -----

// A page is named by its sequence and its place in it: two coordinates.

func.func @load_through_a_row(%view: !tile.view<64xf32>, %pages: !tile.table<1xi32>, %i: index)
    -> tensor<96x64xf32> {
  // expected-error @+1 {{'tile.load' op pages must be !tile.table<2xi32>, found '!tile.table<1xi32>'}}
  %tile = tile.load %view[%i, %i] tile %i through %pages padding zero
            : !tile.view<64xf32>, !tile.table<1xi32> -> tensor<96x64xf32>
  return %tile : tensor<96x64xf32>
}

// -----

func.func @load_through_floats(%view: !tile.view<64xf32>, %pages: !tile.table<2xf32>, %i: index)
    -> tensor<96x64xf32> {
  // expected-error @+1 {{'tile.load' op pages must be !tile.table<2xi32>, found '!tile.table<2xf32>'}}
  %tile = tile.load %view[%i, %i] tile %i through %pages padding zero
            : !tile.view<64xf32>, !tile.table<2xf32> -> tensor<96x64xf32>
  return %tile : tensor<96x64xf32>
}

// -----

func.func @store_through_a_row(%tile: tensor<96x64xf32>, %view: !tile.view<64xf32>,
                               %pages: !tile.table<3xi32>, %i: index) {
  // expected-error @+1 {{'tile.store' op pages must be !tile.table<2xi32>, found '!tile.table<3xi32>'}}
  tile.store %tile, %view[%i, %i] tile %i through %pages
    : tensor<96x64xf32>, !tile.view<64xf32>, !tile.table<3xi32>
  return
}
