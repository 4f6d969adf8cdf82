// RUN: tessera-opt %s --sm-place-buffers --canonicalize | FileCheck %s

!view = !tile.view<64xbf16>
!tile = tensor<64x64xbf16>
!sums = tensor<64x64xf32>

// Of several products, the last one that reads a buffer frees it.

// CHECK-LABEL: func @two_products
func.func @two_products(%p: !tile, %v: !view, %i: index) -> !sums {
  // CHECK:      %[[X:.*]] = sm.acquire
  // CHECK-NEXT: sm.dot %{{.*}}, %[[X]] :
  // CHECK-NEXT: sm.await
  // CHECK-NEXT: sm.dot %{{.*}}, %[[X]] transposed
  // CHECK-NEXT: sm.await
  // CHECK-NEXT: sm.release %[[X]]
  %zero = arith.constant dense<0.0> : !sums
  %x = tile.load %v[%i, %i] tile %i padding undefined : !view -> !tile
  %xt = tile.transpose %x : !tile
  %a = tile.dot %p, %x, %zero : !tile, !tile -> !sums
  %b = tile.dot %p, %xt, %a : !tile, !tile -> !sums
  return %b : !sums
}

// Where a branch reads it, each side frees it: early, and also the one that does not read it.

// CHECK-LABEL: func @branch
func.func @branch(%p: !tile, %v: !view, %i: index, %some: i1) -> !sums {
  // CHECK:      %[[X:.*]] = sm.acquire
  // CHECK-NEXT: scf.if
  // CHECK-NEXT:   sm.dot %{{.*}}, %[[X]] :
  // CHECK-NEXT:   sm.await
  // CHECK-NEXT:   sm.release %[[X]]
  // CHECK:      } else {
  // CHECK-NEXT:   sm.release %[[X]]
  // CHECK-NEXT:   scf.yield
  // CHECK-NEXT: }
  // CHECK-NEXT: return
  %zero = arith.constant dense<0.0> : !sums
  %x = tile.load %v[%i, %i] tile %i padding undefined : !view -> !tile
  %r = scf.if %some -> (!sums) {
    %a = tile.dot %p, %x, %zero : !tile, !tile -> !sums
    %b = arith.negf %a : !sums
    scf.yield %b : !sums
  } else {
    scf.yield %zero : !sums
  }
  return %r : !sums
}
