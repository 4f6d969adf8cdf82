// RUN: tessera-opt %s --sm-specialize-warps --canonicalize | FileCheck %s

!view = !tile.view<64xbf16>
!ring = !sm.ring<2, 64x64, bf16>
!slot = !sm.slot<64x64, bf16>

// What decides whether a tile is copied, and whether it is taken, is worked out by both.

// CHECK-LABEL: func @branch
// CHECK-SAME:    %[[K:[a-z0-9]*]]: !tile.view<64xbf16>, %[[N:[a-z0-9]*]]: index
func.func @branch(%k: !view, %n: index) {
  // CHECK:      producer {
  // CHECK-NEXT:   %[[LENGTH:.*]] = tile.length %[[K]][%[[N]]]
  // CHECK-NEXT:   %[[SOME:.*]] = arith.cmpi slt, %[[N]], %[[LENGTH]]
  // CHECK-NEXT:   scf.if %[[SOME]] {
  // CHECK-NEXT:     sm.fill
  // CHECK-NEXT:   }
  // CHECK-NEXT: } consumer {
  // CHECK-NEXT:   %[[LENGTH:.*]] = tile.length %[[K]][%[[N]]]
  // CHECK-NEXT:   %[[SOME:.*]] = arith.cmpi slt, %[[N]], %[[LENGTH]]
  // CHECK-NEXT:   scf.if %[[SOME]] {
  // CHECK-NEXT:     %[[X:.*]] = sm.acquire
  // CHECK-NEXT:     sm.release %[[X]]
  // CHECK-NEXT:   }
  // CHECK-NEXT: }
  %ring = sm.make_ring : !ring
  %length = tile.length %k[%n] : !view
  %some = arith.cmpi slt, %n, %length : index
  scf.if %some {
    sm.fill %ring, %k[%n, %n] tile %n : !ring, !view
    %x = sm.acquire %ring : !ring -> !slot
    sm.release %x : !slot
  }
  return
}

// Of a loop's states each role keeps those it needs: here the producer the tile's number, the
// consumers the sum.

// CHECK-LABEL: func @states
// CHECK-SAME:    %[[K:[a-z0-9]*]]: !tile.view<64xbf16>, %{{[a-z0-9]*}}: !tile.view<1xf32>, %[[N:[a-z0-9]*]]: index, %[[X:[a-z0-9]*]]: tensor<64x1xf32>
func.func @states(%k: !view, %o: !tile.view<1xf32>, %n: index, %x: tensor<64x1xf32>) {
  // CHECK:      producer {
  // CHECK-NEXT:   scf.for %{{.*}} iter_args(%[[J:.*]] = %[[N]]) -> (index) {
  // CHECK-NEXT:     sm.fill %{{.*}}, %[[K]][%[[N]], %[[N]]] tile %[[J]]
  // CHECK-NEXT:     %[[NEXT:.*]] = arith.addi %[[J]], %[[J]]
  // CHECK-NEXT:     scf.yield %[[NEXT]] : index
  // CHECK:      } consumer {
  // CHECK-NEXT:   %[[SUM:.*]] = scf.for %{{.*}} iter_args(%[[S:.*]] = %[[X]]) -> (tensor<64x1xf32>) {
  // CHECK-NEXT:     arith.addf %[[S]], %[[X]]
  // CHECK:        tile.store %[[SUM]]
  %c1 = arith.constant 1 : index
  %ring = sm.make_ring : !ring
  %r:2 = scf.for %t = %c1 to %n step %c1 iter_args(%j = %n, %s = %x) -> (index, tensor<64x1xf32>) {
    sm.fill %ring, %k[%n, %n] tile %j : !ring, !view
    %next = arith.addi %j, %j : index
    %sum = arith.addf %s, %x : tensor<64x1xf32>
    scf.yield %next, %sum : index, tensor<64x1xf32>
  }
  tile.store %r#1, %o[%n, %n] tile %n : tensor<64x1xf32>, !tile.view<1xf32>
  return
}

// The producer takes tickets, works out what they mean, and tells; consumers hear the result and
// compute nothing of it.

// CHECK-LABEL: func @tickets
// CHECK-SAME:    %[[N:[a-z0-9]*]]: index
func.func @tickets(%n: index, %o: !tile.view<1xf32>, %x: tensor<64x1xf32>) {
  // CHECK:      producer {
  // CHECK-NEXT:   %[[FIRST:.*]] = sm.block_id
  // CHECK-NEXT:   scf.while (%[[POINT:.*]] = %[[FIRST]])
  // CHECK-NEXT:     %[[LEFT:.*]] = arith.cmpi slt, %[[POINT]], %[[N]]
  // CHECK-NEXT:     scf.condition(%[[LEFT]]) %[[POINT]]
  // CHECK:          %[[TILE:.*]] = arith.divui
  // CHECK-NEXT:     sm.tell %[[TILE]] channel 1
  // CHECK-NEXT:     %[[TICKET:.*]] = sm.take_ticket
  // CHECK-NEXT:     %[[NEXT:.*]] = sm.tell %[[TICKET]] channel 0
  // CHECK-NEXT:     scf.yield %[[NEXT]]
  // CHECK:      } consumer {
  // CHECK:        scf.while (%[[POINT:.*]] = %{{.*}})
  // CHECK-NEXT:     %[[LEFT:.*]] = arith.cmpi slt, %[[POINT]], %[[N]]
  // CHECK-NOT:    arith.divui
  // CHECK-NOT:    sm.take_ticket
  // CHECK:          %[[TILE:.*]] = sm.hear channel 1 : index
  // CHECK-NEXT:     tile.store %{{.*}} tile %[[TILE]]
  // CHECK-NEXT:     %[[NEXT:.*]] = sm.hear channel 0 : index
  // CHECK-NEXT:     scf.yield %[[NEXT]]
  %first = sm.block_id
  %end = scf.while (%point = %first) : (index) -> index {
    %left = arith.cmpi slt, %point, %n : index
    scf.condition(%left) %point : index
  } do {
  ^bb0(%point: index):
    %quotient = arith.divui %point, %n : index
    %tile = sm.tell %quotient channel 1 : index
    tile.store %x, %o[%n, %n] tile %tile : tensor<64x1xf32>, !tile.view<1xf32>
    %ticket = sm.take_ticket
    %next = sm.tell %ticket channel 0 : index
    scf.yield %next : index
  }
  return
}

// What is rare stays apart, and is the consumers' alone.

// CHECK-LABEL: func @rarely
// CHECK-SAME:    %[[X:[a-z0-9]*]]: tensor<64x64xf32>, %[[O:[a-z0-9]*]]: !tile.view<64xf32>, %[[N:[a-z0-9]*]]: index
func.func @rarely(%x: tensor<64x64xf32>, %o: !tile.view<64xf32>, %n: index) {
  // CHECK:      producer {
  // CHECK-NEXT: } consumer {
  // CHECK-NEXT:   %[[PARTS:.*]] = sm.nonfinite_rows %[[X]]
  // CHECK-NEXT:   %[[ANY:.*]] = sm.group_any %[[PARTS]]
  // CHECK-NEXT:   sm.rarely %[[ANY]] {
  // CHECK-NEXT:     %[[AGAIN:.*]] = sm.renew %[[N]]
  // CHECK-NEXT:     %[[Y:.*]] = scf.for %{{.*}} to %[[AGAIN]] {{.*}} iter_args(%[[S:.*]] = %[[X]])
  // CHECK:          tile.store %[[Y]], %[[O]]
  // CHECK-NEXT:   }
  // CHECK-NEXT: }
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %parts = sm.nonfinite_rows %x : tensor<64x64xf32> -> tensor<64x4xi1>
  %any = sm.group_any %parts : tensor<64x4xi1>
  sm.rarely %any {
    %again = sm.renew %n : index
    %y = scf.for %t = %c0 to %again step %c1 iter_args(%s = %x) -> (tensor<64x64xf32>) {
      %next = arith.addf %s, %x : tensor<64x64xf32>
      scf.yield %next : tensor<64x64xf32>
    }
    tile.store %y, %o[%n, %n] tile %n : tensor<64x64xf32>, !tile.view<64xf32>
  }
  return
}
