// RUN: tessera-opt %s --sm-delay-awaits=into-branches | FileCheck %s

!slot = !sm.slot<64x64, bf16>
!sums = tensor<64x64xf32>

// Both sides of a branch wait: what stands in front of it is not held up. What is released when the
// product is done goes along.

// CHECK-LABEL: func @reader_in_branch
// CHECK-SAME:    %[[Q:[a-z0-9]*]]: !sm.slot<64x64, bf16>, %[[K:[a-z0-9]*]]: !sm.slot<64x64, bf16>, %[[X:[a-z0-9]*]]: tensor<64x64xf32>, %[[SOME:[a-z0-9]*]]: i1
func.func @reader_in_branch(%q: !slot, %k: !slot, %x: !sums, %some: i1, %n: index) -> !sums {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // CHECK:      scf.for
  // CHECK-NEXT:   %[[P:.*]] = sm.dot
  // CHECK-NEXT:   %[[Y:.*]] = math.exp2
  // CHECK-NEXT:   %[[Z:.*]] = scf.if %[[SOME]]
  // CHECK-NEXT:     sm.branch_only
  // CHECK-NEXT:     %[[S:.*]] = sm.await %[[P]] pending 0
  // CHECK-NEXT:     sm.release %[[K]]
  // CHECK-NEXT:     %[[N:.*]] = arith.negf %[[S]]
  // CHECK-NEXT:     scf.yield %[[N]]
  // CHECK-NEXT:   } else {
  // CHECK-NEXT:     sm.branch_only
  // CHECK-NEXT:     %[[S:.*]] = sm.await %[[P]] pending 0
  // CHECK-NEXT:     sm.release %[[K]]
  // CHECK-NEXT:     scf.yield %[[S]]
  // CHECK-NEXT:   }
  // CHECK-NEXT:   arith.addf %[[Y]], %[[Z]]
  %r = scf.for %t = %c0 to %n step %c1 iter_args(%a = %x) -> (!sums) {
    %p = sm.dot %q, %k : !slot, !slot -> !sums
    %s = sm.await %p pending 0 : !sums
    sm.release %k : !slot
    %y = math.exp2 %a : !sums
    %z = scf.if %some -> (!sums) {
      sm.branch_only
      %m = arith.negf %s : !sums
      scf.yield %m : !sums
    } else {
      scf.yield %s : !sums
    }
    %e = arith.addf %y, %z : !sums
    scf.yield %e : !sums
  }
  return %r : !sums
}

// What takes the place of the product's left operand is computed behind the branch.

// CHECK-LABEL: func @successor
// CHECK:           %[[Z:.*]] = scf.if
// CHECK:             sm.await
// CHECK:           } else {
// CHECK:             sm.await
// CHECK:           }
// CHECK-NEXT:      %[[NEXT:.*]] = arith.truncf
// CHECK-NEXT:      scf.yield %[[NEXT]], %[[Z]]
func.func @successor(%v: !slot, %first: tensor<64x64xbf16>, %x: !sums, %some: i1, %n: index) -> !sums {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r:2 = scf.for %t = %c0 to %n step %c1 iter_args(%p = %first, %a = %x) -> (tensor<64x64xbf16>, !sums) {
    %d = sm.dot %p, %v acc %a : !sums : tensor<64x64xbf16>, !slot -> !sums
    %s = sm.await %d pending 0 : !sums
    %e = math.exp2 %x : !sums
    %z = scf.if %some -> (!sums) {
      %m = arith.negf %s : !sums
      scf.yield %m : !sums
    } else {
      scf.yield %s : !sums
    }
    %next = arith.truncf %e : !sums to tensor<64x64xbf16>
    scf.yield %next, %z : tensor<64x64xbf16>, !sums
  }
  return %r#1 : !sums
}

// Where somebody else reads the result, where there is one side only, and outside of loops, the
// wait stays in front.

// CHECK-LABEL: func @others
// CHECK:         %[[P:.*]] = sm.dot
// CHECK-NEXT:    %[[S:.*]] = sm.await %[[P]]
// CHECK-NEXT:    scf.if
// CHECK:         scf.for
// CHECK:           %[[P:.*]] = sm.dot
// CHECK-NEXT:      %[[S:.*]] = sm.await %[[P]]
// CHECK-NEXT:      scf.if
// CHECK:           arith.addf %[[S]]
// CHECK:         scf.for
// CHECK:           %[[P:.*]] = sm.dot
// CHECK-NEXT:      %[[S:.*]] = sm.await %[[P]]
// CHECK-NEXT:      scf.if
// CHECK-NOT:       sm.await
func.func @others(%q: !slot, %k: !slot, %x: !sums, %some: i1, %n: index, %o: !tile.view<64xf32>) -> (!sums, !sums) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %p = sm.dot %q, %k : !slot, !slot -> !sums
  %s = sm.await %p pending 0 : !sums
  %z = scf.if %some -> (!sums) {
    %m = arith.negf %s : !sums
    scf.yield %m : !sums
  } else {
    scf.yield %s : !sums
  }
  %r = scf.for %t = %c0 to %n step %c1 iter_args(%a = %x) -> (!sums) {
    %p1 = sm.dot %q, %k : !slot, !slot -> !sums
    %s1 = sm.await %p1 pending 0 : !sums
    %z1 = scf.if %some -> (!sums) {
      %m = arith.negf %s1 : !sums
      scf.yield %m : !sums
    } else {
      scf.yield %x : !sums
    }
    %e = arith.addf %s1, %z1 : !sums
    scf.yield %e : !sums
  }
  scf.for %t = %c0 to %n step %c1 {
    %p2 = sm.dot %q, %k : !slot, !slot -> !sums
    %s2 = sm.await %p2 pending 0 : !sums
    scf.if %some {
      tile.store %s2, %o[%t, %t] tile %t : !sums, !tile.view<64xf32>
    }
  }
  return %z, %r : !sums, !sums
}
