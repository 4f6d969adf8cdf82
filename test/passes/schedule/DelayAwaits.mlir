// RUN: tessera-opt %s --sm-delay-awaits | FileCheck %s

!slot = !sm.slot<64x64, bf16>
!sums = tensor<64x64xf32>

// Arithmetic that does not need the product runs beside it. What is released when the product is
// done goes along.

// CHECK-LABEL: func @arithmetic
// CHECK-SAME:    %[[Q:[a-z0-9]*]]: !sm.slot<64x64, bf16>, %[[K:[a-z0-9]*]]: !sm.slot<64x64, bf16>, %[[X:[a-z0-9]*]]: tensor<64x64xf32>
func.func @arithmetic(%q: !slot, %k: !slot, %x: !sums) -> !sums {
  // CHECK-NEXT: %[[P:.*]] = sm.dot
  // CHECK-NEXT: %[[Y:.*]] = math.exp2 %[[X]]
  // CHECK-NEXT: %[[S:.*]] = sm.await %[[P]] pending 0
  // CHECK-NEXT: sm.release %[[K]]
  // CHECK-NEXT: sm.release %[[Q]]
  // CHECK-NEXT: arith.addf %[[Y]], %[[S]]
  %p = sm.dot %q, %k : !slot, !slot -> !sums
  %s = sm.await %p pending 0 : !sums
  sm.release %k : !slot
  sm.release %q : !slot
  %y = math.exp2 %x : !sums
  %z = arith.addf %y, %s : !sums
  return %z : !sums
}

// Products end in order, so one that was issued behind may still run.

// CHECK-LABEL: func @two_products
// CHECK-SAME:    %[[Q:[a-z0-9]*]]: !sm.slot<64x64, bf16>, %[[K:[a-z0-9]*]]: !sm.slot<64x64, bf16>, %[[V:[a-z0-9]*]]: !sm.slot<64x64, bf16>
func.func @two_products(%q: !slot, %k: !slot, %v: !slot) -> (!sums, !sums) {
  // CHECK-NEXT: %[[P:.*]] = sm.dot %[[Q]], %[[K]]
  // CHECK-NEXT: %[[R:.*]] = sm.dot %[[Q]], %[[V]]
  // CHECK-NEXT: %[[S:.*]] = sm.await %[[P]] pending 1
  // CHECK-NEXT: sm.release %[[K]]
  // CHECK-NEXT: %[[Y:.*]] = math.exp2 %[[S]]
  // CHECK-NEXT: %[[O:.*]] = sm.await %[[R]] pending 0
  // CHECK-NEXT: sm.release %[[V]]
  // CHECK-NEXT: return %[[Y]], %[[O]]
  %p = sm.dot %q, %k : !slot, !slot -> !sums
  %s = sm.await %p pending 0 : !sums
  sm.release %k : !slot
  %r = sm.dot %q, %v : !slot, !slot -> !sums
  %o = sm.await %r pending 0 : !sums
  sm.release %v : !slot
  %y = math.exp2 %s : !sums
  return %y, %o : !sums, !sums
}

// A result that is read under a branch, or in a loop, is needed where that begins.

// CHECK-LABEL: func @reader_in_branch
// CHECK-SAME:    %[[X:[a-z0-9]*]]: tensor<64x64xf32>
func.func @reader_in_branch(%x: !sums, %q: !slot, %k: !slot, %some: i1) -> (!sums, !sums) {
  // CHECK-NEXT: %[[P:.*]] = sm.dot
  // CHECK-NEXT: math.exp2 %[[X]]
  // CHECK-NEXT: %[[S:.*]] = sm.await %[[P]] pending 0
  // CHECK-NEXT: scf.if
  // CHECK-NEXT:   arith.negf %[[S]]
  %p = sm.dot %q, %k : !slot, !slot -> !sums
  %s = sm.await %p pending 0 : !sums
  %y = math.exp2 %x : !sums
  %z = scf.if %some -> (!sums) {
    %n = arith.negf %s : !sums
    scf.yield %n : !sums
  } else {
    scf.yield %x : !sums
  }
  return %y, %z : !sums, !sums
}

// A wait for a product of an iteration before counts nothing and stays.

// CHECK-LABEL: func @issued_elsewhere
// CHECK-SAME:    %[[P:[a-z0-9]*]]: tensor<64x64xf32>, %[[X:[a-z0-9]*]]: tensor<64x64xf32>
func.func @issued_elsewhere(%p: !sums, %x: !sums) -> !sums {
  // CHECK-NEXT: %[[S:.*]] = sm.await %[[P]] pending 3
  // CHECK-NEXT: math.exp2 %[[X]]
  %s = sm.await %p pending 3 : !sums
  %y = math.exp2 %x : !sums
  %z = arith.addf %y, %s : !sums
  return %z : !sums
}

// What reads the strip beside an operand would wait in line with the operands, and the product's
// buffer is not given back before it: neither comes in front of the wait.

// CHECK-LABEL: func @strip
// CHECK-SAME:    %[[Q:[a-z0-9]*]]: !sm.slot<64x64, bf16>, %[[K:[a-z0-9]*]]: !sm.slot<64x64, bf16>
func.func @strip(%q: !slot, %k: !slot, %t: !tile.table<1xf32>, %i: index, %x: !sums) -> !sums {
  // CHECK-NEXT: %[[P:.*]] = sm.dot
  // CHECK-NEXT: math.exp2
  // CHECK-NEXT: sm.await %[[P]] pending 0
  // CHECK-NEXT: %[[B:.*]] = sm.gather_strip %[[K]]
  // CHECK-NEXT: sm.release %[[K]]
  // CHECK-NEXT: math.exp2 %[[B]]
  %p = sm.dot %q, %k : !slot, !slot -> !sums
  %s = sm.await %p pending 0 : !sums
  %y = math.exp2 %x : !sums
  %b = sm.gather_strip %k, %t[%i] along 0 tile %i rows -1 columns 1 : !slot, !tile.table<1xf32> -> !sums
  sm.release %k : !slot
  %c = math.exp2 %b : !sums
  %z = arith.addf %c, %s : !sums
  %u = arith.addf %y, %z : !sums
  return %u : !sums
}

// A product reads registers until it is over. What the loop carries on in their place is computed as
// soon as it can be, behind the wait.

// CHECK-LABEL: func @successor
// CHECK-SAME:    %[[V:[a-z0-9]*]]: !sm.slot<64x64, bf16>
func.func @successor(%v: !slot, %first: tensor<64x64xbf16>, %x: !sums, %n: index) -> !sums {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // CHECK:       scf.for {{.*}} iter_args(%[[P:.*]] = %{{.*}}, %[[ACC:.*]] = %{{.*}})
  // CHECK-NEXT:    %[[D:.*]] = sm.dot %[[P]], %[[V]] acc %[[ACC]]
  // CHECK-NEXT:    %[[E:.*]] = math.exp2
  // CHECK-NEXT:    %[[S:.*]] = sm.await %[[D]] pending 0
  // CHECK-NEXT:    sm.release %[[V]]
  // CHECK-NEXT:    %[[NEXT:.*]] = arith.truncf %[[E]]
  // CHECK-NEXT:    arith.negf %[[E]]
  // CHECK-NEXT:    %[[Y:.*]] = arith.addf %[[S]]
  // CHECK-NEXT:    scf.yield %[[NEXT]], %[[Y]]
  %r:2 = scf.for %t = %c0 to %n step %c1 iter_args(%p = %first, %acc = %x) -> (tensor<64x64xbf16>, !sums) {
    %d = sm.dot %p, %v acc %acc : !sums : tensor<64x64xbf16>, !slot -> !sums
    %s = sm.await %d pending 0 : !sums
    sm.release %v : !slot
    %e = math.exp2 %x : !sums
    %minus = arith.negf %e : !sums
    %y = arith.addf %s, %minus : !sums
    %next = arith.truncf %e : !sums to tensor<64x64xbf16>
    scf.yield %next, %y : tensor<64x64xbf16>, !sums
  }
  return %r#1 : !sums
}
