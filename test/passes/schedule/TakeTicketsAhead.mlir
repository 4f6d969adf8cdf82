// RUN: tessera-opt %s --sm-take-tickets-ahead --canonicalize | FileCheck %s

!view = !tile.view<64xbf16>
!ring = !sm.ring<2, 64x64, bf16>

// The last copies of a point wait for a buffer, and the counter answers meanwhile.

// CHECK-LABEL: func @last_copies
func.func @last_copies(%k: !view, %v: !view, %n: index, %some: i1) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %keys = sm.make_ring : !ring
  %values = sm.make_ring : !ring
  // CHECK: sm.roles
  sm.roles groups 1 registers 40, 232 producer {
    %own = sm.block_id
    %last = scf.while (%p = %own) : (index) -> index {
      %left = arith.cmpi slt, %p, %n : index
      scf.condition(%left) %p : index
    } do {
    ^bb0(%p: index):
      // CHECK:      %[[LEFT:.*]] = scf.if %[[SOME:.*]] -> (index) {
      // CHECK:        %[[J:.*]] = scf.for
      // CHECK:        scf.yield %[[J]] : index
      // CHECK-NEXT: } else {
      // CHECK:      }
      // CHECK-NEXT: %[[TICKET:.*]] = sm.take_ticket
      // CHECK-NEXT: scf.if %[[SOME]] {
      // CHECK-NEXT:   sm.fill %{{.*}}, %{{.*}} tile %[[LEFT]] :
      // CHECK-NEXT: }
      // CHECK-NEXT: sm.tell %[[TICKET]] channel 0
      scf.if %some {
        %j = scf.for %i = %c1 to %n step %c1 iter_args(%before = %c0) -> (index) {
          sm.fill %keys, %k[%c0, %c0] tile %i : !ring, !view
          sm.fill %values, %v[%c0, %c0] tile %before : !ring, !view
          scf.yield %i : index
        }
        sm.fill %values, %v[%c0, %c0] tile %j : !ring, !view
      }
      %ticket = sm.take_ticket
      %next = sm.tell %ticket channel 0 : index
      scf.yield %next : index
    }
  } consumer {
  }
  return
}

// Without a loop nothing is the last.

// CHECK-LABEL: func @no_loop
func.func @no_loop(%k: !view, %n: index, %some: i1) {
  %c0 = arith.constant 0 : index
  %keys = sm.make_ring : !ring
  sm.roles groups 1 registers 40, 232 producer {
    %own = sm.block_id
    %last = scf.while (%p = %own) : (index) -> index {
      %left = arith.cmpi slt, %p, %n : index
      scf.condition(%left) %p : index
    } do {
    ^bb0(%p: index):
      // CHECK:      scf.if
      // CHECK-NEXT:   sm.fill
      // CHECK-NEXT: }
      // CHECK-NEXT: sm.take_ticket
      scf.if %some {
        sm.fill %keys, %k[%c0, %c0] tile %p : !ring, !view
      }
      %ticket = sm.take_ticket
      %next = sm.tell %ticket channel 0 : index
      scf.yield %next : index
    }
  } consumer {
  }
  return
}
