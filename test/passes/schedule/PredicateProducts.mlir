// RUN: tessera-opt %s --sm-predicate-products | FileCheck %s

!ring = !sm.ring<2, 64x64, bf16>
!slot = !sm.slot<64x64, bf16>
!view = !tile.view<64xbf16>
!tile = tensor<64x64xbf16>
!sums = tensor<64x64xf32>

// A product is issued if the condition holds, and its sum is awaited in any case. Its buffer is
// taken and given back under the same condition.

// CHECK-LABEL: func @product
// CHECK-SAME:    %[[C:[a-z0-9]*]]: i1, %[[RING:[a-z0-9]*]]: !sm.ring<2, 64x64, bf16>, %[[A:[a-z0-9]*]]: tensor<64x64xbf16>, %[[X:[a-z0-9]*]]: tensor<64x64xf32>
func.func @product(%c: i1, %ring: !ring, %a: !tile, %x: !sums) -> !sums {
  // CHECK-NEXT: %[[V:.*]] = sm.acquire %[[RING]] if %[[C]] :
  // CHECK-NEXT: %[[P:.*]] = sm.dot %[[A]], %[[V]] acc %[[X]] : tensor<64x64xf32> if %[[C]] :
  // CHECK-NEXT: %[[Y:.*]] = sm.await %[[P]] pending 0
  // CHECK-NEXT: sm.release %[[V]] if %[[C]] :
  // CHECK-NEXT: math.exp2 %[[Y]]
  %y = scf.if %c -> (!sums) {
    %v = sm.acquire %ring : !ring -> !slot
    %p = sm.dot %a, %v acc %x : !sums : !tile, !slot -> !sums
    %r = sm.await %p pending 0 : !sums
    sm.release %v : !slot
    scf.yield %r : !sums
  } else {
    scf.yield %x : !sums
  }
  %z = math.exp2 %y : !sums
  return %z : !sums
}

// What fills the buffer and what zeros its rows stays under a branch, in front of the product;
// arithmetic that they read does not.

// CHECK-LABEL: func @fill_and_zero_tail
// CHECK-SAME:    %[[C:[a-z0-9]*]]: i1, %[[RING:[a-z0-9]*]]: !sm.ring<2, 64x64, bf16>, %[[K:[a-z0-9]*]]: !tile.view<64xbf16>, %[[W:[a-z0-9]*]]: tensor<64x64xf32>, %[[X:[a-z0-9]*]]: tensor<64x64xf32>, %[[I:[a-z0-9]*]]: index, %[[N:[a-z0-9]*]]: index
func.func @fill_and_zero_tail(%c: i1, %ring: !ring, %k: !view, %w: !sums, %x: !sums, %i: index,
                              %n: index) -> !sums {
  // CHECK-NEXT: %[[J:.*]] = arith.addi %[[I]], %[[I]]
  // CHECK-NEXT: %[[V:.*]] = sm.acquire %[[RING]] if %[[C]] :
  // CHECK-NEXT: %[[A:.*]] = arith.truncf %[[W]]
  // CHECK-NEXT: scf.if %[[C]] {
  // CHECK-NEXT:   sm.fill %[[RING]], %[[K]][%[[I]], %[[I]]] tile %[[J]]
  // CHECK-NEXT:   sm.zero_tail %[[V]] tile %[[J]] of %[[N]]
  // CHECK-NEXT: }
  // CHECK-NEXT: %[[P:.*]] = sm.dot %[[A]], %[[V]] acc %[[X]] : tensor<64x64xf32> if %[[C]] :
  // CHECK-NEXT: %[[Y:.*]] = sm.await %[[P]] pending 0
  // CHECK-NEXT: sm.release %[[V]] if %[[C]] :
  // CHECK-NEXT: return %[[Y]]
  %y = scf.if %c -> (!sums) {
    %j = arith.addi %i, %i : index
    sm.fill %ring, %k[%i, %i] tile %j : !ring, !view
    %v = sm.acquire %ring : !ring -> !slot
    sm.zero_tail %v tile %j of %n : !slot
    %a = arith.truncf %w : !sums to !tile
    %p = sm.dot %a, %v acc %x : !sums : !tile, !slot -> !sums
    %r = sm.await %p pending 0 : !sums
    sm.release %v : !slot
    scf.yield %r : !sums
  } else {
    scf.yield %x : !sums
  }
  return %y : !sums
}

// A branch is left alone if its other side yields another value than the sum, or computes one;

// CHECK-LABEL: func @another_value
// CHECK-NEXT:    scf.if
// CHECK:           sm.acquire %{{[a-z0-9]*}} :
// CHECK-NEXT:      sm.dot {{.*}} acc %{{[a-z0-9]*}} : tensor<64x64xf32> : tensor
// CHECK-NEXT:      sm.await
// CHECK-NEXT:      sm.release %{{[a-z0-9]*}} :
// CHECK:         return
func.func @another_value(%c: i1, %ring: !ring, %a: !tile, %x: !sums, %other: !sums) -> !sums {
  %y = scf.if %c -> (!sums) {
    %v = sm.acquire %ring : !ring -> !slot
    %p = sm.dot %a, %v acc %x : !sums : !tile, !slot -> !sums
    %r = sm.await %p pending 0 : !sums
    sm.release %v : !slot
    scf.yield %r : !sums
  } else {
    scf.yield %other : !sums
  }
  return %y : !sums
}

// CHECK-LABEL: func @other_side_works
// CHECK-NEXT:    scf.if
// CHECK-NEXT:      sm.acquire %{{[a-z0-9]*}} :
// CHECK:         } else {
// CHECK-NEXT:      tile.store
// CHECK-NEXT:      scf.yield
func.func @other_side_works(%c: i1, %ring: !ring, %a: !tile, %x: !sums, %out: !tile.view<64xf32>,
                            %i: index) -> !sums {
  %y = scf.if %c -> (!sums) {
    %v = sm.acquire %ring : !ring -> !slot
    %p = sm.dot %a, %v acc %x : !sums : !tile, !slot -> !sums
    %r = sm.await %p pending 0 : !sums
    sm.release %v : !slot
    scf.yield %r : !sums
  } else {
    tile.store %x, %out[%i, %i] tile %i : !sums, !tile.view<64xf32>
    scf.yield %x : !sums
  }
  return %y : !sums
}

// if it does something else;

// CHECK-LABEL: func @store
// CHECK-NEXT:    scf.if
// CHECK-NEXT:      sm.acquire %{{[a-z0-9]*}} :
// CHECK-NEXT:      sm.dot
// CHECK-NEXT:      sm.await
// CHECK-NEXT:      tile.store
// CHECK-NEXT:      sm.release %{{[a-z0-9]*}} :
func.func @store(%c: i1, %ring: !ring, %a: !tile, %x: !sums, %out: !tile.view<64xf32>,
                 %i: index) -> !sums {
  %y = scf.if %c -> (!sums) {
    %v = sm.acquire %ring : !ring -> !slot
    %p = sm.dot %a, %v acc %x : !sums : !tile, !slot -> !sums
    %r = sm.await %p pending 0 : !sums
    tile.store %r, %out[%i, %i] tile %i : !sums, !tile.view<64xf32>
    sm.release %v : !slot
    scf.yield %r : !sums
  } else {
    scf.yield %x : !sums
  }
  return %y : !sums
}

// if it has two results;

// CHECK-LABEL: func @two_results
// CHECK-NEXT:    scf.if
// CHECK-NEXT:      sm.acquire %{{[a-z0-9]*}} :
// CHECK-NEXT:      sm.dot
// CHECK-NEXT:      sm.await
// CHECK-NEXT:      sm.release %{{[a-z0-9]*}} :
// CHECK-NEXT:      scf.yield
func.func @two_results(%c: i1, %ring: !ring, %a: !tile, %x: !sums) -> (!sums, !tile) {
  %y:2 = scf.if %c -> (!sums, !tile) {
    %v = sm.acquire %ring : !ring -> !slot
    %p = sm.dot %a, %v acc %x : !sums : !tile, !slot -> !sums
    %r = sm.await %p pending 0 : !sums
    sm.release %v : !slot
    scf.yield %r, %a : !sums, !tile
  } else {
    scf.yield %x, %a : !sums, !tile
  }
  return %y#0, %y#1 : !sums, !tile
}

// if what it yields is more than the sum;

// CHECK-LABEL: func @more_than_the_sum
// CHECK-NEXT:    scf.if
// CHECK-NEXT:      sm.acquire %{{[a-z0-9]*}} :
// CHECK:           arith.negf
// CHECK-NEXT:      scf.yield
func.func @more_than_the_sum(%c: i1, %ring: !ring, %a: !tile, %x: !sums) -> !sums {
  %y = scf.if %c -> (!sums) {
    %v = sm.acquire %ring : !ring -> !slot
    %p = sm.dot %a, %v acc %x : !sums : !tile, !slot -> !sums
    %r = sm.await %p pending 0 : !sums
    sm.release %v : !slot
    %z = arith.negf %r : !sums
    scf.yield %z : !sums
  } else {
    scf.yield %x : !sums
  }
  return %y : !sums
}

// if it has another product, whose buffer is no part of this one;

// CHECK-LABEL: func @two_products
// CHECK-NEXT:    scf.if
// CHECK-NEXT:      sm.acquire %{{[a-z0-9]*}} :
// CHECK-NEXT:      sm.dot {{.*}} acc %{{[a-z0-9]*}} : tensor<64x64xf32> : tensor
// CHECK-NEXT:      sm.await
// CHECK-NEXT:      sm.release %{{[a-z0-9]*}} :
// CHECK-NEXT:      arith.truncf
// CHECK-NEXT:      sm.acquire %{{[a-z0-9]*}} :
// CHECK-NEXT:      sm.dot {{.*}} acc %{{[a-z0-9]*}} : tensor<64x64xf32> : tensor
// CHECK-NEXT:      %[[R:.*]] = sm.await
// CHECK-NEXT:      sm.release %{{[a-z0-9]*}} :
// CHECK-NEXT:      scf.yield %[[R]]
func.func @two_products(%c: i1, %ring: !ring, %a: !tile, %x: !sums) -> !sums {
  %y = scf.if %c -> (!sums) {
    %k = sm.acquire %ring : !ring -> !slot
    %p0 = sm.dot %a, %k acc %x : !sums : !tile, !slot -> !sums
    %r0 = sm.await %p0 pending 0 : !sums
    sm.release %k : !slot
    %a1 = arith.truncf %r0 : !sums to !tile
    %v = sm.acquire %ring : !ring -> !slot
    %p = sm.dot %a1, %v acc %x : !sums : !tile, !slot -> !sums
    %r = sm.await %p pending 0 : !sums
    sm.release %v : !slot
    scf.yield %r : !sums
  } else {
    scf.yield %x : !sums
  }
  return %y : !sums
}

// if something in it reads the sum, which would stand in front of the product outside;

// CHECK-LABEL: func @reads_the_sum
// CHECK-NEXT:    scf.if
// CHECK-NEXT:      sm.acquire %{{[a-z0-9]*}} :
// CHECK-NEXT:      sm.dot
// CHECK-NEXT:      %[[R:.*]] = sm.await
// CHECK-NEXT:      math.exp2 %[[R]]
// CHECK-NEXT:      sm.release %{{[a-z0-9]*}} :
// CHECK-NEXT:      scf.yield %[[R]]
func.func @reads_the_sum(%c: i1, %ring: !ring, %a: !tile, %x: !sums) -> !sums {
  %y = scf.if %c -> (!sums) {
    %v = sm.acquire %ring : !ring -> !slot
    %p = sm.dot %a, %v acc %x : !sums : !tile, !slot -> !sums
    %r = sm.await %p pending 0 : !sums
    %z = math.exp2 %r : !sums
    sm.release %v : !slot
    scf.yield %r : !sums
  } else {
    scf.yield %x : !sums
  }
  return %y : !sums
}

// or if it gives back a buffer that was taken in any case, be it the product's or another one.

// CHECK-LABEL: func @taken_outside
// CHECK-NEXT:    %[[V:.*]] = sm.acquire %{{[a-z0-9]*}} :
// CHECK-NEXT:    scf.if
// CHECK-NEXT:      sm.dot {{.*}}, %[[V]] acc %{{[a-z0-9]*}} : tensor<64x64xf32> : tensor
// CHECK-NEXT:      sm.await
// CHECK-NEXT:      sm.release %[[V]] :
// CHECK-NEXT:      scf.yield
func.func @taken_outside(%c: i1, %ring: !ring, %a: !tile, %x: !sums) -> !sums {
  %v = sm.acquire %ring : !ring -> !slot
  %y = scf.if %c -> (!sums) {
    %p = sm.dot %a, %v acc %x : !sums : !tile, !slot -> !sums
    %r = sm.await %p pending 0 : !sums
    sm.release %v : !slot
    scf.yield %r : !sums
  } else {
    scf.yield %x : !sums
  }
  return %y : !sums
}

// CHECK-LABEL: func @another_taken_outside
// CHECK-NEXT:    %[[U:.*]] = sm.acquire %{{[a-z0-9]*}} :
// CHECK-NEXT:    scf.if
// CHECK-NEXT:      %[[V:.*]] = sm.acquire %{{[a-z0-9]*}} :
// CHECK-NEXT:      sm.dot
// CHECK-NEXT:      sm.await
// CHECK-NEXT:      sm.release %[[V]] :
// CHECK-NEXT:      sm.release %[[U]] :
func.func @another_taken_outside(%c: i1, %ring: !ring, %a: !tile, %x: !sums) -> !sums {
  %u = sm.acquire %ring : !ring -> !slot
  %y = scf.if %c -> (!sums) {
    %v = sm.acquire %ring : !ring -> !slot
    %p = sm.dot %a, %v acc %x : !sums : !tile, !slot -> !sums
    %r = sm.await %p pending 0 : !sums
    sm.release %v : !slot
    sm.release %u : !slot
    scf.yield %r : !sums
  } else {
    scf.yield %x : !sums
  }
  return %y : !sums
}

// So is a product that reads a buffer which is held, and not acquired, in the branch.

// CHECK-LABEL: func @held
// CHECK-NEXT:    scf.if
// CHECK-NEXT:      sm.held
// CHECK-NEXT:      sm.dot
// CHECK-NEXT:      sm.await
// CHECK-NEXT:      sm.release
func.func @held(%c: i1, %ring: !ring, %a: !tile, %x: !sums) -> !sums {
  %y = scf.if %c -> (!sums) {
    %v = sm.held %ring : !ring -> !slot
    %p = sm.dot %a, %v acc %x : !sums : !tile, !slot -> !sums
    %r = sm.await %p pending 0 : !sums
    sm.release %v : !slot
    scf.yield %r : !sums
  } else {
    scf.yield %x : !sums
  }
  return %y : !sums
}
