// RUN: tessera-opt %s --sm-overlap-points | FileCheck %s
// RUN: tessera-opt %s --sm-overlap-points --sm-delay-awaits | FileCheck %s --check-prefix=WAITS

!view = !tile.view<64xbf16>
!one = !sm.ring<2, 64x64, bf16>
!slot = !sm.slot<64x64, bf16>
!tile = tensor<64x64xbf16>
!sums = tensor<64x64xf32>

// An iteration ends the point that has begun, and begins the next one. What the point's head
// acquired is found again, and given back behind the loops; numbers are computed again.

// CHECK-LABEL: func @points
// WAITS-LABEL: func @points
func.func @points(%o: !view, %n: index, %total: index, %bad: tensor<64x4xi1>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : !sums
  %queries = sm.make_ring : !one
  %keys = sm.make_ring : !one
  %values = sm.make_ring : !one
  sm.roles groups 1 registers 40, 232 producer {
  } consumer {
    // CHECK:      } consumer {
    // CHECK:      %[[OWN:.*]] = sm.block_id
    // CHECK:      scf.while (%{{.*}} = %[[OWN]], %{{.*}} = %false, %{{.*}} = %{{.*}}, %{{.*}} = %{{.*}})
    // CHECK:      scf.condition
    // CHECK:      ^bb0(%[[POINT:.*]]: index, %[[BEGUN:.*]]: i1, %[[TILE:.*]]: index, %[[LEFT:.*]]: tensor<64x64xbf16>):
    // CHECK-NEXT: %[[SOME:.*]] = arith.cmpi sgt, %[[TILE]], %{{.*}}
    // CHECK-NEXT: %[[HELD:.*]] = sm.held
    // CHECK-NEXT: %[[WORKS:.*]] = arith.andi %[[BEGUN]], %[[SOME]]
    // CHECK-NEXT: %[[CHAIN:.*]]:2 = scf.if %[[WORKS]]
    // CHECK-NEXT:   scf.for {{.*}} iter_args(%{{.*}} = %{{.*}}, %{{.*}} = %[[LEFT]])
    // CHECK:          sm.dot %[[HELD]]
    // CHECK:      scf.if %[[BEGUN]] {
    // CHECK-NEXT:   sm.release %[[HELD]]
    // CHECK-NEXT: }
    // CHECK-NEXT: %[[NEXT:.*]] = scf.if %[[BEGUN]] -> (index) {
    // CHECK-NEXT:   sm.hear channel 0
    // CHECK:      } else {
    // CHECK-NEXT:   scf.yield %[[POINT]]
    // CHECK:      %[[FOLLOWS:.*]] = arith.cmpi slt, %[[NEXT]], %{{.*}}
    // CHECK-NEXT: %[[TOLD:.*]] = scf.if %[[FOLLOWS]] -> (index) {
    // CHECK-NEXT:   sm.hear channel 1
    // CHECK:      %[[SOME_NEXT:.*]] = arith.cmpi sgt, %[[TOLD]], %{{.*}}
    // CHECK-NEXT: %[[WORKS_NEXT:.*]] = arith.andi %[[FOLLOWS]], %[[SOME_NEXT]]
    // CHECK-NEXT: %[[BOTH:.*]] = arith.andi %[[WORKS]], %[[WORKS_NEXT]]

    // The first product is issued before the last one, and both before anything is computed.

    // CHECK-NEXT: %[[END:.*]]:2 = scf.if %[[BOTH]]
    // CHECK-NEXT:   %[[Q:.*]] = sm.acquire
    // CHECK-NEXT:   %[[K:.*]] = sm.acquire
    // CHECK-NEXT:   %[[FIRST:.*]] = sm.dot %[[Q]], %[[K]] transposed
    // CHECK-NEXT:   %[[V:.*]] = sm.acquire
    // CHECK-NEXT:   %[[LAST:.*]] = sm.dot %[[CHAIN]]#1, %[[V]] acc %[[CHAIN]]#0
    // CHECK-NEXT:   %[[SUM:.*]] = sm.await %[[LAST]]
    // CHECK-NEXT:   sm.release %[[V]]
    // CHECK-NEXT:   sm.await %[[FIRST]]
    // CHECK-NEXT:   sm.release %[[K]]
    // CHECK-NEXT:   %[[P:.*]] = arith.truncf
    // CHECK-NEXT:   %[[OUT:.*]] = arith.truncf %[[SUM]]
    // CHECK-NEXT:   tile.store %[[OUT]], %{{.*}} tile %[[TILE]]
    // CHECK-NEXT:   %[[ANY:.*]] = sm.group_any
    // CHECK-NEXT:   scf.yield %[[P]], %[[ANY]]

    // Otherwise one follows the other.

    // CHECK-NEXT: } else {
    // CHECK-NEXT:   %[[ANY:.*]] = scf.if %[[BEGUN]] -> (i1) {
    // CHECK-NEXT:     %[[SUM:.*]] = scf.if %[[WORKS]]
    // CHECK:            sm.dot %[[CHAIN]]#1
    // CHECK:          tile.store
    // CHECK:        %[[P:.*]] = scf.if %[[FOLLOWS]]
    // CHECK-NEXT:     sm.acquire
    // CHECK-NEXT:     scf.if %[[WORKS_NEXT]]
    // CHECK:        scf.yield %[[P]], %[[ANY]]
    // CHECK:      sm.rarely %[[END]]#1
    // CHECK-NEXT:   arith.truncf
    // CHECK-NEXT:   tile.store %{{.*}} tile %[[TILE]]
    // CHECK-NOT:  sm.rarely
    // CHECK:      scf.yield %[[NEXT]], %true{{.*}}, %[[TOLD]], %[[END]]#0

    // WAITS: scf.if {{.*}} -> (tensor<64x64xbf16>, i1)
    // WAITS: sm.await %{{.*}} pending 1
    // WAITS: arith.truncf
    // WAITS: sm.await %{{.*}} pending 0
    // WAITS: tile.store
    %own = sm.block_id
    scf.while (%p = %own) : (index) -> () {
      %left = arith.cmpi slt, %p, %total : index
      scf.condition(%left)
    } do {
      %tile = sm.hear channel 1 : index
      %some = arith.cmpi sgt, %tile, %c0 : index
      %q = sm.acquire %queries : !one -> !slot
      %sum = scf.if %some -> (!sums) {
        %k = sm.acquire %keys : !one -> !slot
        %s = sm.dot %q, %k transposed : !slot, !slot -> !sums
        %x = sm.await %s pending 0 : !sums
        sm.release %k : !slot
        %w = arith.truncf %x : !sums to !tile
        %r:2 = scf.for %i = %c1 to %n step %c1 iter_args(%acc = %zero, %a = %w) -> (!sums, !tile) {
          %k1 = sm.acquire %keys : !one -> !slot
          %s1 = sm.dot %q, %k1 transposed : !slot, !slot -> !sums
          %v1 = sm.acquire %values : !one -> !slot
          %d1 = sm.dot %a, %v1 acc %acc : !sums : !tile, !slot -> !sums
          %x1 = sm.await %s1 pending 1 : !sums
          sm.release %k1 : !slot
          %y1 = sm.await %d1 pending 0 : !sums
          sm.release %v1 : !slot
          %w1 = arith.truncf %x1 : !sums to !tile
          scf.yield %y1, %w1 : !sums, !tile
        }
        sm.release %q : !slot
        %v = sm.acquire %values : !one -> !slot
        %d = sm.dot %r#1, %v acc %r#0 : !sums : !tile, !slot -> !sums
        %y = sm.await %d pending 0 : !sums
        sm.release %v : !slot
        scf.yield %y : !sums
      } else {
        sm.release %q : !slot
        scf.yield %zero : !sums
      }
      %out = arith.truncf %sum : !sums to !tile
      tile.store %out, %o[%c0, %c0] tile %tile : !tile, !view
      %any = sm.group_any %bad : tensor<64x4xi1>
      sm.rarely %any {
        %again = arith.truncf %zero : !sums to !tile
        tile.store %again, %o[%c0, %c0] tile %tile : !tile, !view
      }
      %next = sm.hear channel 0 : index
      scf.yield %next : index
    }
  }
  return
}

// Points without loops stay as they are.

// CHECK-LABEL: func @no_loops
// CHECK:         scf.while
// CHECK-NEXT:      arith.cmpi
// CHECK-NOT:     sm.held
func.func @no_loops(%o: !view, %total: index, %x: !tile) {
  %c0 = arith.constant 0 : index
  sm.roles groups 1 registers 40, 232 producer {
  } consumer {
    %own = sm.block_id
    scf.while (%p = %own) : (index) -> () {
      %left = arith.cmpi slt, %p, %total : index
      scf.condition(%left)
    } do {
      %tile = sm.hear channel 1 : index
      tile.store %x, %o[%c0, %c0] tile %tile : !tile, !view
      %next = sm.hear channel 0 : index
      scf.yield %next : index
    }
  }
  return
}
