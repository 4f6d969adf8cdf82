// RUN: tessera-opt %s --tile-guard-products | FileCheck %s --implicit-check-not=skip_zeros --implicit-check-not=sm.

!view = !tile.view<64xbf16>
!tile = tensor<64x64xbf16>
!sums = tensor<64x64xf32>

// Nothing needs to be skipped where the mask hides only what lies past the end of a sequence:
// values are zero there. The keys' sequences are as long as those of the values.

// CHECK-LABEL: func @padding
func.func @padding(%q: !view {tile.sequences = "q"}, %k: !view {tile.sequences = "kv"},
                   %v: !view {tile.sequences = "kv"}, %out: !view, %h: index) {
  // CHECK: tile.dot
  // CHECK: tile.dot
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : !sums
  %queries = tile.load %q[%h, %h] tile %h padding undefined : !view -> !tile
  %length = tile.length %k[%h] : !view
  %number = arith.index_cast %length : index to i32
  %end = tensor.splat %number : tensor<1x64xi32>
  %r = scf.for %j = %c0 to %h step %c1 iter_args(%acc = %zero) -> (!sums) {
    %keys = tile.load %k[%h, %h] tile %j padding undefined : !view -> !tile
    %kt = tile.transpose %keys : !tile
    %s = tile.dot %queries, %kt, %zero : !tile, !tile -> !sums
    %col = tile.positions %k[%h] tile %j : !view -> tensor<1x64xi32>
    %inside = arith.cmpi slt, %col, %end : tensor<1x64xi32>
    %keep = tile.broadcast %inside : tensor<1x64xi1> -> tensor<64x64xi1>
    %x = tile.mask %s, %keep : !sums
    %w = arith.truncf %x : !sums to !tile
    %values = tile.load %v[%h, %h] tile %j padding zero : !view -> !tile
    %o = tile.dot %w, %values, %acc skip_zeros : !tile, !tile -> !sums
    scf.yield %o : !sums
  }
  %narrow = arith.truncf %r : !sums to !tile
  tile.store %narrow, %out[%h, %h] tile %h : !tile, !view
  return
}

// The same where a load says how long its sequence is.

// CHECK-LABEL: func @packed
func.func @packed(%q: !view, %k: !view, %v: !view, %out: !view, %h: index, %length: index) {
  // CHECK: tile.dot
  // CHECK: tile.dot
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : !sums
  %queries = tile.load %q[%h, %h] tile %h padding undefined : !view -> !tile
  %number = arith.index_cast %length : index to i32
  %end = tensor.splat %number : tensor<1x64xi32>
  %r = scf.for %j = %c0 to %h step %c1 iter_args(%acc = %zero) -> (!sums) {
    %keys = tile.load %k[%h, %h] tile %j of %length padding undefined : !view -> !tile
    %kt = tile.transpose %keys : !tile
    %s = tile.dot %queries, %kt, %zero : !tile, !tile -> !sums
    %col = tile.positions %k[%h] tile %j : !view -> tensor<1x64xi32>
    %inside = arith.cmpi slt, %col, %end : tensor<1x64xi32>
    %keep = tile.broadcast %inside : tensor<1x64xi1> -> tensor<64x64xi1>
    %x = tile.mask %s, %keep : !sums
    %w = arith.truncf %x : !sums to !tile
    %values = tile.load %v[%h, %h] tile %j of %length padding zero : !view -> !tile
    %o = tile.dot %w, %values, %acc skip_zeros : !tile, !tile -> !sums
    scf.yield %o : !sums
  }
  %narrow = arith.truncf %r : !sums to !tile
  tile.store %narrow, %out[%h, %h] tile %h : !tile, !view
  return
}
