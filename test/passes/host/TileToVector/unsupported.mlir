// RUN: tessera-opt %s --tile-to-vector --verify-diagnostics --split-input-file

// What the host target cannot lower is named; nothing is lowered wrongly instead.

!tile = tensor<8x8xf32>
!view = !tile.view<8xf32>
func.func @computed_right_operand(%q: !view {tile.name = "q"}, %tile: index, %head: index,
                                  %batch: index) {
  %x = tile.load %q[%batch, %head] tile %tile padding zero : !view -> !tile
  %square = arith.mulf %x, %x : !tile
  // expected-error @+1 {{'tile.dot' op on the host target: needs a loaded tile as its right operand}}
  %dot = tile.dot %x, %square, %x : !tile, !tile -> !tile
  tile.store %dot, %q[%batch, %head] tile %tile : !tile, !view
  return
}

// -----

// Transposed tiles only exist as right operands.

!tile = tensor<8x8xf32>
!view = !tile.view<8xf32>
func.func @transposed_store(%q: !view {tile.name = "q"}, %tile: index, %head: index,
                            %batch: index) {
  %x = tile.load %q[%batch, %head] tile %tile padding zero : !view -> !tile
  // expected-error @+1 {{'tile.transpose' op on the host target: is not elementwise and has no place to be computed}}
  %t = tile.transpose %x : !tile
  tile.store %t, %q[%batch, %head] tile %tile : !tile, !view
  return
}

// -----

!tile = tensor<2x2xf32>
func.func @several_constants(%o: !tile.view<2xf32> {tile.name = "o"}, %tile: index, %head: index,
                             %batch: index) {
  // expected-error @+1 {{'arith.constant' op on the host target: is not elementwise and has no place to be computed}}
  %t = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : !tile
  tile.store %t, %o[%batch, %head] tile %tile : !tile, !tile.view<2xf32>
  return
}

// -----

// What lies between two products is one loop over rows, so it has one height.

!tile = tensor<8x8xf32>
!view = !tile.view<8xf32>
func.func @two_heights(%q: !view {tile.name = "q"}, %tile: index, %head: index, %batch: index) {
  %none = arith.constant dense<0.0> : !tile
  %x = tile.load %q[%batch, %head] tile %tile padding zero : !view -> !tile
  %y = tile.load %q[%batch, %head] tile %tile padding zero : !view -> tensor<16x8xf32>
  %a = math.absf %x : !tile
  // expected-error @+1 {{'math.absf' op on the host target: is computed together with tiles of other heights}}
  %b = math.absf %y : tensor<16x8xf32>
  %dot = tile.dot %x, %x, %none : !tile, !tile -> !tile
  tile.store %a, %q[%batch, %head] tile %tile : !tile, !view
  tile.store %b, %q[%batch, %head] tile %tile : tensor<16x8xf32>, !view
  return
}
