// RUN: tessera-opt %s --sm-specialize-warps --canonicalize | FileCheck %s --implicit-check-not=sm.by_role

!view = !tile.view<64xbf16>
!ring = !sm.ring<2, 64x64, bf16, strip 127>
!slot = !sm.slot<64x64, bf16>
!sums = tensor<64x64xf32>

// Strips are filled by a role of their own, which hears what the producer tells and goes along with
// it, tile by tile: of two numbers the producer's is its own. It works out where strips are and what
// multiplies them, and nothing else.

// CHECK-LABEL: func @strips
// CHECK-SAME:    %[[K:[a-z0-9]*]]: !tile.view<64xbf16>, %[[T:[a-z0-9]*]]: !tile.table<1xf32>, %{{[a-z0-9]*}}: !tile.view<64xf32>, %[[N:[a-z0-9]*]]: index, %[[F:[a-z0-9]*]]: f32
func.func @strips(%k: !view, %t: !tile.table<1xf32>, %o: !tile.view<64xf32>, %n: index, %f: f32,
                  %zero: !sums) {
  // CHECK:      %[[RING:.*]] = sm.make_ring
  // CHECK-NEXT: sm.roles groups 2 registers 24, 240 producer {
  // CHECK-NEXT:   %[[TICKET:.*]] = sm.take_ticket
  // CHECK-NEXT:   %[[POINT:.*]] = sm.tell %[[TICKET]] channel 0
  // CHECK-NEXT:   scf.for %[[J:.*]] = %{{.*}} to %[[N]] step %{{[a-z0-9]*}} {
  // CHECK-NEXT:     sm.fill %[[RING]], %[[K]][%[[POINT]], %[[N]]] tile %[[J]]
  // CHECK-NEXT:   }
  // CHECK-NEXT: } consumer {
  // CHECK-NEXT:   %[[POINT:.*]] = sm.hear channel 0
  // CHECK-NEXT:   %{{.*}}, %[[LAST:.*]] = sm.group_row_span %[[POINT]]
  // CHECK-NEXT:   %[[G:.*]] = arith.divf
  // CHECK-NEXT:   scf.for %{{.*}} = %{{.*}} to %[[LAST]] step {{.*}} iter_args
  // CHECK-NEXT:     sm.acquire
  // CHECK-NEXT:     sm.gather_strip {{.*}} times %[[G]] :
  // CHECK-NEXT:     sm.release
  // CHECK-NEXT:     arith.addf
  // CHECK-NEXT:     scf.yield
  // CHECK-NEXT:   }
  // CHECK-NEXT:   tile.store
  // CHECK-NEXT: } gatherer {
  // CHECK-NEXT:   %[[POINT:.*]] = sm.hear channel 0
  // CHECK-NEXT:   %[[G:.*]] = arith.divf %[[F]], %[[F]]
  // CHECK-NEXT:   scf.for %[[J:.*]] = %{{.*}} to %[[N]] step %{{[a-z0-9]*}} {
  // CHECK-NEXT:     sm.fill_strip %[[RING]] tile %[[J]] with %[[T]][%[[POINT]]] along 0 step 64 times %[[G]] :
  // CHECK-NEXT:   }
  // CHECK-NEXT: }
  // CHECK-NEXT: return
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %ring = sm.make_ring : !ring
  %ticket = sm.take_ticket
  %point = sm.tell %ticket channel 0 : index
  %first, %last = sm.group_row_span %point of %n height 64
  %end = sm.by_role %n, %last
  %g = arith.divf %f, %f : f32
  %r = scf.for %j = %c0 to %end step %c1 iter_args(%acc = %zero) -> (!sums) {
    sm.fill %ring, %k[%point, %n] tile %j : !ring, !view
    sm.fill_strip %ring tile %j with %t[%point] along 0 step 64 times %g : !ring, !tile.table<1xf32>
    %x = sm.acquire %ring : !ring -> !slot
    %b = sm.gather_strip %x, %t[%point] along 0 tile %j rows 1 columns 1 times %g : !slot, !tile.table<1xf32> -> !sums
    sm.release %x : !slot
    %s = arith.addf %acc, %b : !sums
    scf.yield %s : !sums
  }
  tile.store %r, %o[%n, %n] tile %point : !sums, !tile.view<64xf32>
  return
}

// Whether a strip is filled depends on what the producer looks at.

// CHECK-LABEL: func @branch
func.func @branch(%k: !view, %n: index, %i: index) {
  // CHECK:      } gatherer {
  // CHECK-NEXT:   %[[LENGTH:.*]] = tile.length
  // CHECK-NEXT:   %[[SOME:.*]] = arith.cmpi slt, %{{.*}}, %[[LENGTH]]
  // CHECK-NEXT:   scf.if %[[SOME]] {
  // CHECK-NEXT:     sm.fill_strip
  // CHECK-NEXT:   }
  // CHECK-NEXT: }
  %ring = sm.make_ring : !ring
  %length = tile.length %k[%n] : !view
  %some = arith.cmpi slt, %n, %length : index
  scf.if %some {
    sm.fill %ring, %k[%n, %n] tile %i : !ring, !view
    sm.fill_strip %ring tile %i : !ring
    %x = sm.acquire %ring : !ring -> !slot
    sm.release %x : !slot
  }
  return
}

// Where no strip is filled there is nobody to do it, even if a ring has room for strips.

// CHECK-LABEL: func @no_strips
func.func @no_strips(%k: !view, %n: index) {
  // CHECK:      consumer {
  // CHECK-NOT:  gatherer
  // CHECK:      return
  %ring = sm.make_ring : !ring
  %point = sm.tell %n channel 0 : index
  sm.fill %ring, %k[%n, %n] tile %point : !ring, !view
  %x = sm.acquire %ring : !ring -> !slot
  sm.release %x : !slot
  return
}
