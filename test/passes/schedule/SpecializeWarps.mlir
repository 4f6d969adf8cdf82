// RUN: tessera-opt %s --sm-specialize-warps | FileCheck %s
// RUN: tessera-opt %s --sm-specialize-warps="groups=3 producer-registers=32 consumer-registers=160" \
// RUN:   | FileCheck %s --check-prefix=THREE

!view = !tile.view<64xbf16>
!ring = !sm.ring<2, 128x64, bf16>
!slot = !sm.slot<128x64, bf16>
!sums = tensor<128x128xf32>

// The producer keeps the fills, the consumers everything else. Both have the loop, but only the
// consumers its state. Rings stand in front.

// CHECK-LABEL: func @scores
// CHECK-SAME:    %[[Q:[a-z0-9]*]]: !tile.view<64xbf16>, %[[K:[a-z0-9]*]]: !tile.view<64xbf16>, %{{.*}}: !tile.view<128xf32>, %[[N:[a-z0-9]*]]: index
// THREE-LABEL: func @scores
func.func @scores(%q: !view, %k: !view, %o: !tile.view<128xf32>, %n: index) {
  // CHECK-NEXT:  %[[QUERIES:.*]] = sm.make_ring
  // CHECK-NEXT:  %[[KEYS:.*]] = sm.make_ring
  // CHECK-NEXT:  sm.roles groups 2 registers 24, 240 producer {
  // THREE:       sm.roles groups 3 registers 32, 160 producer {
  // CHECK:         sm.fill %[[QUERIES]], %[[Q]]
  // CHECK:         scf.for %[[J:.*]] = %{{.*}} to %[[N]] step %{{[a-z0-9_]*}} {
  // CHECK-NEXT:      sm.fill %[[KEYS]], %[[K]][%[[N]], %[[N]]] tile %[[J]]
  // CHECK-NEXT:    }
  // CHECK-NEXT:  } consumer {
  // CHECK-NOT:     sm.fill
  // CHECK:         %[[QI:.*]] = sm.acquire %[[QUERIES]]
  // CHECK:         scf.for {{.*}} to %[[N]] {{.*}} iter_args(%[[ACC:.*]] = %{{.*}})
  // CHECK-NEXT:      %[[KJ:.*]] = sm.acquire %[[KEYS]]
  // CHECK-NEXT:      sm.dot %[[QI]], %[[KJ]] transposed acc %[[ACC]]
  // CHECK-NEXT:      sm.await
  // CHECK-NEXT:      sm.release %[[KJ]]
  // CHECK-NEXT:      scf.yield
  // CHECK-NEXT:    }
  // CHECK-NEXT:    sm.release %[[QI]]
  // CHECK-NEXT:    tile.store
  // CHECK-NEXT:  }
  // CHECK-NEXT:  return
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : !sums
  %queries = sm.make_ring : !ring
  %keys = sm.make_ring : !ring
  sm.fill %queries, %q[%c0, %c0] tile %c0 : !ring, !view
  %qi = sm.acquire %queries : !ring -> !slot
  %r = scf.for %j = %c0 to %n step %c1 iter_args(%acc = %zero) -> (!sums) {
    sm.fill %keys, %k[%n, %n] tile %j : !ring, !view
    %kj = sm.acquire %keys : !ring -> !slot
    %p = sm.dot %qi, %kj transposed acc %acc : !sums : !slot, !slot -> !sums
    %s = sm.await %p pending 0 : !sums
    sm.release %kj : !slot
    scf.yield %s : !sums
  }
  sm.release %qi : !slot
  tile.store %r, %o[%c0, %c0] tile %c0 : !sums, !tile.view<128xf32>
  return
}

// Each role has its own of two numbers, and does not compute the other's. A loop that fills
// nothing is the consumers' alone.

// CHECK-LABEL: func @own_numbers
// CHECK-SAME:    %[[K:[a-z0-9]*]]: !tile.view<64xbf16>, %[[N:[a-z0-9]*]]: index
func.func @own_numbers(%k: !view, %n: index) {
  // CHECK:         producer {
  // CHECK-NOT:     sm.group_row_span
  // CHECK:         scf.for %{{.*}} = %{{.*}} to %[[N]] step
  // CHECK-NEXT:      sm.fill
  // CHECK-NEXT:    }
  // CHECK-NEXT:  } consumer {
  // CHECK:         %[[FIRST:.*]], %[[LAST:.*]] = sm.group_row_span
  // CHECK:         scf.for %{{.*}} = %{{.*}} to %[[FIRST]] step
  // CHECK-NEXT:      sm.acquire
  // CHECK-NEXT:      sm.release
  // CHECK:         scf.for %{{.*}} = %{{.*}} to %[[LAST]] step
  // CHECK-NEXT:      sm.acquire
  // CHECK-NOT:     sm.by_role
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %keys = sm.make_ring : !ring
  %first, %last = sm.group_row_span %c0 of %n height 128
  %end = sm.by_role %n, %last
  scf.for %j = %c0 to %first step %c1 {
    %kj = sm.acquire %keys : !ring -> !slot
    sm.release %kj : !slot
  }
  scf.for %j = %c0 to %end step %c1 {
    sm.fill %keys, %k[%n, %n] tile %j : !ring, !view
    %kj = sm.acquire %keys : !ring -> !slot
    sm.release %kj : !slot
  }
  return
}
