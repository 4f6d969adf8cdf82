// RUN: tessera-opt %s --sm-place-buffers="stages=3 outer-stages=2" --canonicalize | FileCheck %s

!view = !tile.view<64xbf16>
!tile = tensor<128x64xbf16>
!sums = tensor<128x128xf32>

// What a loop loads has several buffers, what is loaded in front of it has as many as points are
// in flight. A buffer is acquired where it is first read, and released behind the last reader.

// CHECK-LABEL: func @scores
// CHECK-SAME:    %[[Q:[a-z0-9]*]]: !tile.view<64xbf16>, %[[K:[a-z0-9]*]]: !tile.view<64xbf16>, %[[I:[a-z0-9]*]]: index, %[[N:[a-z0-9]*]]: index
func.func @scores(%q: !view, %k: !view, %i: index, %n: index) -> !sums {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : !sums
  // CHECK-DAG:  %[[QUERIES:.*]] = sm.make_ring : !sm.ring<2, 128x64, bf16>
  // CHECK-DAG:  %[[KEYS:.*]] = sm.make_ring : !sm.ring<3, 128x64, bf16>
  // CHECK:      sm.fill %[[QUERIES]], %[[Q]][%[[I]], %[[I]]] tile %[[I]]
  // CHECK-NEXT: %[[QI:.*]] = sm.acquire %[[QUERIES]]
  // CHECK-NEXT: scf.for %[[J:.*]] = {{.*}} iter_args(%[[ACC:.*]] =
  // CHECK-NEXT:   sm.fill %[[KEYS]], %[[K]][%[[I]], %[[I]]] tile %[[J]] from %[[N]]
  // CHECK-NEXT:   %[[KJ:.*]] = sm.acquire %[[KEYS]]
  // CHECK-NEXT:   %[[S:.*]] = sm.dot %[[QI]], %[[KJ]] transposed acc %[[ACC]]
  // CHECK-NEXT:   %[[DONE:.*]] = sm.await %[[S]] pending 0
  // CHECK-NEXT:   sm.release %[[KJ]]
  // CHECK-NEXT:   scf.yield %[[DONE]]
  // CHECK-NEXT: }
  // CHECK-NEXT: sm.release %[[QI]]
  // CHECK-NOT:  tile.
  %qi = tile.load %q[%i, %i] tile %i padding undefined : !view -> !tile
  %r = scf.for %j = %c0 to %n step %c1 iter_args(%acc = %zero) -> (!sums) {
    %kj = tile.load %k[%i, %i] tile %j from %n padding undefined : !view -> !tile
    %kt = tile.transpose %kj : !tile
    %s = tile.dot %qi, %kt, %acc : !tile, tensor<64x128xbf16> -> !sums
    scf.yield %s : !sums
  }
  return %r : !sums
}

// Zero is where a sum starts anyway, and a left operand may be in registers.

// CHECK-LABEL: func @start_at_zero
// CHECK-SAME:    %[[P:[a-z0-9]*]]: tensor<128x128xbf16>
func.func @start_at_zero(%p: tensor<128x128xbf16>, %v: !view, %i: index) -> tensor<128x64xf32> {
  // CHECK: %[[VI:.*]] = sm.acquire
  // CHECK: sm.dot %[[P]], %[[VI]] : tensor<128x128xbf16>, !sm.slot<128x64, bf16> -> tensor<128x64xf32>
  %zero = arith.constant dense<0.0> : tensor<128x64xf32>
  %vi = tile.load %v[%i, %i] tile %i padding undefined : !view -> !tile
  %o = tile.dot %p, %vi, %zero : tensor<128x128xbf16>, !tile -> tensor<128x64xf32>
  return %o : tensor<128x64xf32>
}

// Tiles of one shape from one view share a ring, those of another shape have their own.

// CHECK-LABEL: func @shared_ring
func.func @shared_ring(%p: tensor<128x128xbf16>, %v: !view, %i: index) -> tensor<128x64xf32> {
  // CHECK-DAG: %[[LARGE:.*]] = sm.make_ring : !sm.ring<2, 128x64, bf16>
  // CHECK-DAG: %[[SMALL:.*]] = sm.make_ring : !sm.ring<2, 64x64, bf16>
  // CHECK-NOT: sm.make_ring
  // CHECK:     sm.acquire %[[LARGE]]
  // CHECK:     sm.acquire %[[LARGE]]
  // CHECK:     sm.acquire %[[SMALL]]
  %zero = arith.constant dense<0.0> : tensor<128x64xf32>
  %a = tile.load %v[%i, %i] tile %i padding undefined : !view -> !tile
  %x = tile.dot %p, %a, %zero : tensor<128x128xbf16>, !tile -> tensor<128x64xf32>
  %b = tile.load %v[%i, %i] tile %i padding undefined : !view -> !tile
  %y = tile.dot %p, %b, %x : tensor<128x128xbf16>, !tile -> tensor<128x64xf32>
  %c = tile.load %v[%i, %i] tile %i padding undefined : !view -> tensor<64x64xbf16>
  %narrow = arith.truncf %y : tensor<128x64xf32> to !tile
  %z = tile.dot %narrow, %c, %zero : !tile, tensor<64x64xbf16> -> tensor<128x64xf32>
  return %z : tensor<128x64xf32>
}

// Who passes over a tile acquires a buffer of the same ring, and fills none.

// CHECK-LABEL: func @passed_over
// CHECK-SAME:    %[[P:[a-z0-9]*]]: tensor<128x128xbf16>, %[[V:[a-z0-9]*]]: !tile.view<64xbf16>
func.func @passed_over(%p: tensor<128x128xbf16>, %v: !view, %i: index, %n: index) -> tensor<128x64xf32> {
  // CHECK:      %[[RING:.*]] = sm.make_ring : !sm.ring<3, 128x64, bf16>
  // CHECK-NOT:  sm.make_ring
  // CHECK:      scf.for
  // CHECK-NEXT:   %[[SLOT:.*]] = sm.acquire %[[RING]]
  // CHECK-NEXT:   sm.zero_tail %[[SLOT]] tile %{{.*}} of %{{.*}}
  // CHECK-NEXT:   sm.release %[[SLOT]]
  // CHECK-NEXT: }
  // CHECK:      scf.for
  // CHECK-NEXT:   sm.fill %[[RING]], %[[V]]
  // CHECK-NEXT:   sm.acquire %[[RING]]
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : tensor<128x64xf32>
  scf.for %j = %c0 to %i step %c1 {
    %vj = tile.load %v[%i, %i] tile %j of %n padding zero : !view -> !tile
    sm.pass_over %vj : !tile
  }
  %r = scf.for %j = %c0 to %n step %c1 iter_args(%acc = %zero) -> (tensor<128x64xf32>) {
    %vj = tile.load %v[%i, %i] tile %j of %n padding zero : !view -> !tile
    %o = tile.dot %p, %vj, %acc : tensor<128x128xbf16>, !tile -> tensor<128x64xf32>
    scf.yield %o : tensor<128x64xf32>
  }
  return %r : tensor<128x64xf32>
}

// Tiles that are read in another order than they are loaded in are acquired as they are loaded.

// CHECK-LABEL: func @read_in_another_order
// CHECK-SAME:    %[[P:[a-z0-9]*]]: tensor<128x128xbf16>, %{{.*}}, %[[I:[a-z0-9]*]]: index, %[[N:[a-z0-9]*]]: index)
func.func @read_in_another_order(%p: tensor<128x128xbf16>, %v: !view, %i: index, %n: index) -> tensor<128x64xf32> {
  // CHECK:      sm.fill %[[RING:[0-9]*]], %{{.*}} tile %[[I]] : !sm.ring<2, 128x64, bf16>
  // CHECK-NEXT: sm.fill %[[RING]], %{{.*}} tile %[[N]] :
  // CHECK-NEXT: %[[FIRST:.*]] = sm.acquire %[[RING]]
  // CHECK-NEXT: sm.zero_tail %[[FIRST]]
  // CHECK-NEXT: %[[SECOND:.*]] = sm.acquire %[[RING]]
  // CHECK-NEXT: %[[X:.*]] = sm.dot %[[P]], %[[SECOND]]
  // CHECK-NEXT: %[[SUM:.*]] = sm.await %[[X]]
  // CHECK-NEXT: sm.release %[[SECOND]]
  // CHECK-NEXT: sm.dot %[[P]], %[[FIRST]] acc %[[SUM]]
  %zero = arith.constant dense<0.0> : tensor<128x64xf32>
  %a = tile.load %v[%i, %i] tile %i of %n padding zero : !view -> !tile
  %b = tile.load %v[%i, %i] tile %n padding undefined : !view -> !tile
  %x = tile.dot %p, %b, %zero : tensor<128x128xbf16>, !tile -> tensor<128x64xf32>
  %y = tile.dot %p, %a, %x : tensor<128x128xbf16>, !tile -> tensor<128x64xf32>
  return %y : tensor<128x64xf32>
}

// So are those that are read behind a loop that loads others.

// CHECK-LABEL: func @read_behind_a_loop
func.func @read_behind_a_loop(%p: tensor<128x128xbf16>, %v: !view, %i: index, %n: index) -> tensor<128x64xf32> {
  // CHECK:      sm.fill %[[RING:[0-9]*]]
  // CHECK-NEXT: %[[FIRST:.*]] = sm.acquire %[[RING]]
  // CHECK-NEXT: scf.for
  // CHECK:        sm.acquire %[[RING]]
  // CHECK:      sm.dot %{{.*}}, %[[FIRST]] acc
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : tensor<128x64xf32>
  %a = tile.load %v[%i, %i] tile %i padding undefined : !view -> !tile
  %x = scf.for %j = %c0 to %n step %c1 iter_args(%acc = %zero) -> (tensor<128x64xf32>) {
    %b = tile.load %v[%i, %i] tile %j padding undefined : !view -> !tile
    %y = tile.dot %p, %b, %acc : tensor<128x128xbf16>, !tile -> tensor<128x64xf32>
    scf.yield %y : tensor<128x64xf32>
  }
  %z = tile.dot %p, %a, %x : tensor<128x128xbf16>, !tile -> tensor<128x64xf32>
  return %z : tensor<128x64xf32>
}
