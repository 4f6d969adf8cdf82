// RUN: tessera-opt %s --sm-place-buffers --verify-diagnostics --split-input-file

!view = !tile.view<64xbf16>
!tile = tensor<64x64xbf16>
!sums = tensor<64x64xf32>

// A tile in shared memory is read by products only.

func.func @read_by_arithmetic(%p: !tile, %v: !view, %i: index) -> !tile {
  %zero = arith.constant dense<0.0> : !sums
  // expected-error @+1 {{'tile.load' op is read by more than matrix products, which this target cannot do yet}}
  %x = tile.load %v[%i, %i] tile %i padding undefined : !view -> !tile
  %s = tile.dot %p, %x, %zero : !tile, !tile -> !sums
  %y = arith.negf %x : !tile
  return %y : !tile
}

// -----

!view = !tile.view<64xbf16>
!tile = tensor<64x64xbf16>
!sums = tensor<64x64xf32>

func.func @pages(%p: !tile, %v: !view, %pages: !tile.table<2xi32>, %i: index) -> !sums {
  %zero = arith.constant dense<0.0> : !sums
  // expected-error @+1 {{'tile.load' op goes through pages, which this target cannot do yet}}
  %x = tile.load %v[%i, %i] tile %i through %pages padding undefined : !view, !tile.table<2xi32> -> !tile
  %s = tile.dot %p, %x, %zero : !tile, !tile -> !sums
  return %s : !sums
}

// -----

!tile = tensor<64x64xbf16>
!sums = tensor<64x64xf32>

// The right operand of a product is in shared memory.

func.func @computed_operand(%p: !tile, %x: !tile) -> !sums {
  %zero = arith.constant dense<0.0> : !sums
  // expected-error @+1 {{'tile.dot' op has a right operand that is not loaded, which this target cannot do yet}}
  %s = tile.dot %p, %x, %zero : !tile, !tile -> !sums
  return %s : !sums
}

// -----

!view = !tile.view<64xbf16>
!tile = tensor<64x64xbf16>
!sums = tensor<64x64xf32>

// Two tiles at once in a ring of one buffer: the second would wait for the first.

func.func @too_many_at_once(%p: !tile, %v: !view, %i: index, %n: index) -> !sums {
  %zero = arith.constant dense<0.0> : !sums
  %a = tile.load %v[%i, %i] tile %i padding undefined : !view -> !tile
  // expected-error @+1 {{'sm.acquire' op holds 2 tiles of one view and shape at once, where there are 1 buffers}}
  %b = tile.load %v[%i, %i] tile %n padding undefined : !view -> !tile
  %x = tile.dot %p, %b, %zero : !tile, !tile -> !sums
  %y = tile.dot %p, %a, %x : !tile, !tile -> !sums
  return %y : !sums
}
