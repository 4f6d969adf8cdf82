// RUN: tessera-opt %s --tile-to-vector --verify-diagnostics --split-input-file

// Only tiles of numbers have a place in memory.

func.func @number_as_state(%x: f32 {tile.name = "x"}, %n: index {tile.name = "n"}, %tile: index,
                           %head: index, %batch: index) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  // expected-error @+1 {{'scf.for' op on the host target: carries what is not a tile of numbers}}
  %r = scf.for %i = %zero to %n step %one iter_args(%s = %x) -> (f32) {
    %next = arith.mulf %s, %s : f32
    scf.yield %next : f32
  }
  return
}

// -----

!tile = tensor<8x8xf32>
func.func @mask_as_state(%q: !tile.view<8xf32> {tile.name = "q"}, %n: index {tile.name = "n"},
                         %tile: index, %head: index, %batch: index) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %none = arith.constant dense<0.0> : !tile
  %x = tile.load %q[%batch, %head] tile %tile padding zero : !tile.view<8xf32> -> !tile
  %keep = arith.cmpf ogt, %x, %none : !tile
  // expected-error @+1 {{'scf.for' op on the host target: carries what is not a tile of numbers}}
  %r = scf.for %i = %zero to %n step %one iter_args(%s = %keep) -> (tensor<8x8xi1>) {
    scf.yield %s : tensor<8x8xi1>
  }
  return
}

// -----

func.func @number_from_branch(%x: f32 {tile.name = "x"}, %tile: index, %head: index,
                              %batch: index) {
  %some = arith.cmpi eq, %tile, %head : index
  // expected-error @+1 {{'scf.if' op on the host target: yields what is not a tile of numbers}}
  %r = scf.if %some -> (f32) {
    %square = arith.mulf %x, %x : f32
    scf.yield %square : f32
  } else {
    scf.yield %x : f32
  }
  return
}

// -----

func.func @element(%q: !tile.view<8xf32> {tile.name = "q"}, %tile: index, %head: index,
                   %batch: index) {
  %x = tile.load %q[%batch, %head] tile %tile padding zero : !tile.view<8xf32> -> tensor<8x8xf32>
  // expected-error @+1 {{'tensor.extract' op on the host target: is neither arithmetic nor an op of the tile dialect}}
  %first = tensor.extract %x[%tile, %tile] : tensor<8x8xf32>
  return
}

// -----

// What lies between two stores is one loop over rows, too.

!view = !tile.view<8xf32>
func.func @two_heights(%q: !view {tile.name = "q"}, %tile: index, %head: index, %batch: index) {
  %x = tile.load %q[%batch, %head] tile %tile padding zero : !view -> tensor<8x8xf32>
  %y = tile.load %q[%batch, %head] tile %tile padding zero : !view -> tensor<16x8xf32>
  %a = math.absf %x : tensor<8x8xf32>
  // expected-error @+1 {{'math.absf' op on the host target: is computed together with tiles of other heights}}
  %b = math.absf %y : tensor<16x8xf32>
  tile.store %a, %q[%batch, %head] tile %tile : tensor<8x8xf32>, !view
  tile.store %b, %q[%batch, %head] tile %tile : tensor<16x8xf32>, !view
  return
}
