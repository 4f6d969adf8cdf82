// RUN: tessera-opt %s --sm-place-buffers --canonicalize | FileCheck %s

!view = !tile.view<64xbf16>
!tile = tensor<64x64xbf16>
!sums = tensor<64x64xf32>

// A strip is filled behind its tile, and multiplied there. Their buffer is given back behind the
// last reader of either, here the strip's, and by who passes over both as well. A tile without a
// reader of a strip leaves the strip as it is.

// CHECK-LABEL: func @strip
// CHECK-SAME:    %{{.*}}: tensor<64x64xbf16>, %[[V:[a-z0-9]*]]: !tile.view<64xbf16>, %[[T:[a-z0-9]*]]: !tile.table<2xf32>, %[[I:[a-z0-9]*]]: index, %[[FIRST:[a-z0-9]*]]: index, %[[F:[a-z0-9]*]]: f32
func.func @strip(%p: !tile, %v: !view, %t: !tile.table<2xf32>, %i: index, %first: index,
                 %f: f32, %some: i1) -> !sums {
  // CHECK:      %[[RING:.*]] = sm.make_ring : !sm.ring<1, 64x64, bf16, strip 127>
  // CHECK-NEXT: sm.fill %[[RING]], %[[V]][%[[I]], %[[I]]] tile %[[I]] :
  // CHECK-NEXT: sm.fill_strip %[[RING]] tile %[[I]] with %[[T]][%[[I]], %[[FIRST]]] along 1 step -64 times %[[F]] :
  // CHECK-NEXT: %[[X:.*]] = sm.acquire %[[RING]]
  // CHECK-NEXT: sm.dot %{{.*}}, %[[X]] transposed
  // CHECK-NEXT: sm.await
  // CHECK-NEXT: sm.gather_strip %[[X]], %[[T]][%[[I]], %[[FIRST]]] along 1 tile %[[I]] rows 1 columns -1 times %[[F]] :
  // CHECK-NEXT: sm.release %[[X]]
  // CHECK-NEXT: arith.addf
  // CHECK-NEXT: scf.if
  // CHECK-NEXT:   sm.fill %[[RING]], %[[V]][%[[I]], %[[I]]] tile %[[FIRST]] :
  // CHECK-NEXT:   sm.fill_strip %[[RING]] tile %[[FIRST]] : !sm.ring<1, 64x64, bf16, strip 127>{{$}}
  // CHECK-NEXT:   %[[Y:.*]] = sm.acquire %[[RING]]
  // CHECK-NEXT:   sm.dot %{{.*}}, %[[Y]] transposed
  // CHECK-NEXT:   sm.await
  // CHECK-NEXT:   sm.release %[[Y]]
  // CHECK-NOT:  sm.release
  // CHECK:      return
  %zero = arith.constant dense<0.0> : !sums
  %x = tile.load %v[%i, %i] tile %i padding undefined : !view -> !tile
  %xt = tile.transpose %x : !tile
  %a = tile.dot %p, %xt, %zero : !tile, !tile -> !sums
  %b = sm.gather_strip %x, %t[%i, %first] along 1 tile %i rows 1 columns -1 times %f : !tile, !tile.table<2xf32> -> !sums
  %c = arith.addf %a, %b : !sums
  %d = scf.if %some -> (!sums) {
    %y = tile.load %v[%i, %i] tile %first padding undefined : !view -> !tile
    %yt = tile.transpose %y : !tile
    %e = tile.dot %p, %yt, %c : !tile, !tile -> !sums
    scf.yield %e : !sums
  } else {
    scf.yield %c : !sums
  }
  return %d : !sums
}

// A strip that a product begins with is read before the product, whose reader releases the buffer.

// CHECK-LABEL: func @begin
func.func @begin(%p: !tile, %v: !view, %t: !tile.table<2xf32>, %i: index, %first: index) -> !sums {
  // CHECK:      sm.fill %[[RING:[a-z0-9]*]],
  // CHECK-NEXT: sm.fill_strip %[[RING]]
  // CHECK-NEXT: %[[X:.*]] = sm.acquire %[[RING]]
  // CHECK-NEXT: %[[B:.*]] = sm.gather_strip %[[X]]
  // CHECK-NEXT: sm.dot %{{.*}}, %[[X]] transposed acc %[[B]]
  // CHECK-NEXT: sm.await
  // CHECK-NEXT: sm.release %[[X]]
  // CHECK-NOT:  sm.release
  // CHECK:      return
  %x = tile.load %v[%i, %i] tile %i padding undefined : !view -> !tile
  %xt = tile.transpose %x : !tile
  %b = sm.gather_strip %x, %t[%i, %first] along 1 tile %i rows 1 columns -1 : !tile, !tile.table<2xf32> -> !sums
  %a = tile.dot %p, %xt, %b : !tile, !tile -> !sums
  return %a : !sums
}

// Who passes over a tile passes over its strip: one buffer is taken and given back.

// CHECK-LABEL: func @pass_over
func.func @pass_over(%p: !tile, %v: !view, %t: !tile.table<2xf32>, %i: index, %first: index) -> !sums {
  // CHECK:      sm.gather_strip
  // CHECK-NEXT: sm.release
  // CHECK-NEXT: %[[Y:.*]] = sm.acquire
  // CHECK-NEXT: sm.release %[[Y]]
  // CHECK-NEXT: return
  %x = tile.load %v[%i, %i] tile %i padding undefined : !view -> !tile
  %b = sm.gather_strip %x, %t[%i, %first] along 1 tile %i rows 1 columns -1 : !tile, !tile.table<2xf32> -> !sums
  %y = tile.load %v[%i, %i] tile %first padding undefined : !view -> !tile
  sm.pass_over %y : !tile
  return %b : !sums
}
