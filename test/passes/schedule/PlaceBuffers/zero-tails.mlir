// RUN: tessera-opt %s --sm-place-buffers --canonicalize | FileCheck %s

!view = !tile.view<64xbf16>
!tile = tensor<64x64xbf16>
!sums = tensor<64x64xf32>

// Behind the end of a sequence lies the next one: where rows must be zero, the consumers make
// them so, once the buffer is filled.

// CHECK-LABEL: func @packed
// CHECK-SAME:    %[[I:[a-z0-9]*]]: index, %[[N:[a-z0-9]*]]: index)
func.func @packed(%q: !tile, %v: !view, %i: index, %n: index) -> !sums {
  // CHECK:      %[[X:.*]] = sm.acquire
  // CHECK-NEXT: sm.zero_tail %[[X]] tile %[[I]] of %[[N]]
  // CHECK-NEXT: sm.dot %{{.*}}, %[[X]]
  %zero = arith.constant dense<0.0> : !sums
  %x = tile.load %v[%i, %i] tile %i of %n padding zero : !view -> !tile
  %s = tile.dot %q, %x, %zero : !tile, !tile -> !sums
  return %s : !sums
}

// Also in a loop without a mask: its first tile may be one that a masked loop left over.

// CHECK-LABEL: func @unmasked_loop
// CHECK-SAME:    %[[N:[a-z0-9]*]]: index, %[[LEFT:[a-z0-9]*]]: index)
func.func @unmasked_loop(%q: !tile, %v: !view, %n: index, %left: index) -> !sums {
  // CHECK:      scf.for %[[J:.*]] = {{.*}} iter_args(%{{.*}} = %{{.*}}, %[[BEFORE:.*]] = %[[LEFT]])
  // CHECK:        %[[X:.*]] = sm.acquire
  // CHECK-NEXT:   sm.zero_tail %[[X]] tile %[[BEFORE]] of %[[N]]
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : !sums
  %r:2 = scf.for %j = %c0 to %n step %c1 iter_args(%acc = %zero, %before = %left) -> (!sums, index) {
    %x = tile.load %v[%n, %n] tile %before of %n padding zero : !view -> !tile
    %s = tile.dot %q, %x, %acc : !tile, !tile -> !sums
    scf.yield %s, %j : !sums, index
  }
  return %r#0 : !sums
}

// Padding that nobody counts on, and sequences as long as the view, behind which the copy
// writes zeros itself.

// CHECK-LABEL: func @nothing_to_do
func.func @nothing_to_do(%q: !tile, %v: !view, %w: !view, %i: index) -> !sums {
  // CHECK-NOT: sm.zero_tail
  // CHECK:     return
  %zero = arith.constant dense<0.0> : !sums
  %x = tile.load %v[%i, %i] tile %i of %i padding undefined : !view -> !tile
  %s = tile.dot %q, %x, %zero : !tile, !tile -> !sums
  %y = tile.load %w[%i, %i] tile %i padding zero : !view -> !tile
  %o = tile.dot %q, %y, %s : !tile, !tile -> !sums
  return %o : !sums
}
