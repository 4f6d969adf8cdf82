// RUN: tessera-opt %s --sm-place-buffers --canonicalize | FileCheck %s

!view = !tile.view<64xbf16>
!tile = tensor<64x64xbf16>
!sums = tensor<64x64xf32>

// A strip is filled with its tile. Each is given back behind its own last reader, and by who passes
// over them as well.

// CHECK-LABEL: func @strip
// CHECK-SAME:    %{{.*}}: tensor<64x64xbf16>, %[[V:[a-z0-9]*]]: !tile.view<64xbf16>, %[[T:[a-z0-9]*]]: !tile.table<2xf32>, %[[I:[a-z0-9]*]]: index, %[[F:[a-z0-9]*]]: index
func.func @strip(%p: !tile, %v: !view, %t: !tile.table<2xf32>, %i: index, %first: index) -> !sums {
  // CHECK:      %[[RING:.*]] = sm.make_ring : !sm.ring<1, 64x64, bf16, strip 127>
  // CHECK:      sm.fill %[[RING]], %[[V]][%[[I]], %[[I]]] tile %[[I]] with %[[T]][%[[I]], %[[F]]] along 1 step -64
  // CHECK-NEXT: %[[X:.*]] = sm.acquire %[[RING]]
  // CHECK-NEXT: sm.dot %{{.*}}, %[[X]] transposed
  // CHECK-NEXT: sm.await
  // CHECK-NEXT: sm.release %[[X]]
  // CHECK-NEXT: sm.gather_strip %[[X]], %[[T]][%[[I]], %[[F]]] along 1 tile %[[I]] rows 1 columns -1
  // CHECK-NEXT: sm.release strip %[[X]]
  // CHECK:      %[[Y:.*]] = sm.acquire %[[RING]]
  // CHECK-NEXT: sm.release strip %[[Y]]
  // CHECK-NEXT: sm.release %[[Y]]
  %zero = arith.constant dense<0.0> : !sums
  %x = tile.load %v[%i, %i] tile %i padding undefined : !view -> !tile
  %xt = tile.transpose %x : !tile
  %a = tile.dot %p, %xt, %zero : !tile, !tile -> !sums
  %b = sm.gather_strip %x, %t[%i, %first] along 1 tile %i rows 1 columns -1 : !tile, !tile.table<2xf32> -> !sums
  %c = arith.addf %a, %b : !sums
  %y = tile.load %v[%i, %i] tile %first padding undefined : !view -> !tile
  sm.pass_over %y : !tile
  return %c : !sums
}
