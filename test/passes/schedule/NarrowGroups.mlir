// RUN: tessera-opt %s --sm-narrow-groups --canonicalize --cse | FileCheck %s

!view = !tile.view<64xbf16>
!tile = tensor<64x64xbf16>
!sums = tensor<128x64xf32>

// Two loops from the last tile to the first, under a mask that moves with the row. The group's
// own bounds are computed as the block's are, from its rows, and stay within the block's; a
// group without rows has no tiles at all. What is behind its end comes first, and is passed over.

// CHECK-LABEL: func @causal
// CHECK-SAME:    %[[V:[a-z0-9]*]]: !tile.view<64xbf16>, %{{.*}}: !tile.view<64xf32>, %[[I:[a-z0-9]*]]: index, %[[LENGTH:[a-z0-9]*]]: index, %[[SHIFT:[a-z0-9]*]]: index)
// CHECK-DAG:   %[[C0:.*]] = arith.constant 0 : index
// CHECK:       %[[FIRST:.*]], %[[LAST:.*]] = tile.row_span %[[I]] of %[[LENGTH]] height 128
// CHECK-DAG:   %[[END:.*]] = arith.addi %[[LAST]], %[[SHIFT]]
// CHECK-DAG:   %[[DIAGONAL:.*]] = arith.minsi %[[FIRST]], %[[END]]
// CHECK:       %[[GROUP_FIRST:.*]], %[[GROUP_LAST:.*]] = sm.group_row_span %[[I]] of %[[LENGTH]] height 128
// CHECK:       %[[IDLE:.*]] = arith.cmpi slt, %[[GROUP_LAST]], %[[GROUP_FIRST]]
// CHECK:       %[[GROUP_END:.*]] = arith.addi %[[GROUP_LAST]], %[[SHIFT]]
// CHECK:       arith.minsi %[[GROUP_END]], %[[END]]
// CHECK:       %[[OWN_END:.*]] = arith.select %[[IDLE]], %[[C0]], %{{.*}}
// CHECK:       %[[ROLE_END:.*]] = sm.by_role %[[END]], %[[OWN_END]]
// CHECK:       arith.minsi %[[GROUP_FIRST]], %[[GROUP_END]]
// CHECK:       %[[OWN_DIAGONAL:.*]] = arith.select %[[IDLE]], %[[C0]], %{{.*}}
// CHECK:       %[[ROLE_DIAGONAL:.*]] = sm.by_role %[[DIAGONAL]], %[[OWN_DIAGONAL]]
// CHECK:       %[[PASSED:.*]] = tile.count (%[[OWN_END]]) to (%[[END]])
// CHECK:       scf.for %[[T:.*]] = %[[C0]] to %[[PASSED]]
// CHECK-NEXT:    %[[J:.*]] = tile.nth %[[T]] descending of (%[[OWN_END]]) to (%[[END]])
// CHECK-NEXT:    %[[X:.*]] = tile.load %[[V]][%{{.*}}] tile %[[J]]
// CHECK-NEXT:    sm.pass_over %[[X]]
// CHECK-NEXT:  }
// CHECK:       %[[MASKED:.*]] = tile.count (%[[ROLE_DIAGONAL]]) to (%[[ROLE_END]])
// CHECK:       scf.for %[[T:.*]] = %[[C0]] to %[[MASKED]]
// CHECK:         tile.nth %[[T]] descending of (%[[ROLE_DIAGONAL]]) to (%[[ROLE_END]])
// CHECK:       %[[FULL:.*]] = tile.count (%[[C0]]) to (%[[ROLE_DIAGONAL]])
// CHECK:       scf.for %[[T:.*]] = %[[C0]] to %[[FULL]]
// CHECK:         tile.nth %[[T]] descending of (%[[C0]]) to (%[[ROLE_DIAGONAL]])
// CHECK-NOT:   sm.pass_over
// CHECK:       tile.store
func.func @causal(%v: !view, %out: !tile.view<64xf32>, %i: index, %length: index, %shift: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : !sums
  %w = arith.constant dense<1.0> : tensor<128x64xbf16>
  %first, %last = tile.row_span %i of %length height 128
  %end = arith.addi %last, %shift : index
  %diagonal = arith.minsi %first, %end : index
  %m = tile.count (%diagonal) to (%end)
  %masked = scf.for %t = %c0 to %m step %c1 iter_args(%acc = %zero) -> (!sums) {
    %j = tile.nth %t descending of (%diagonal) to (%end)
    %x = tile.load %v[%i, %i] tile %j padding zero : !view -> !tile
    %o = tile.dot %w, %x, %acc : tensor<128x64xbf16>, !tile -> !sums
    scf.yield %o : !sums
  }
  %n = tile.count (%c0) to (%diagonal)
  %full = scf.for %t = %c0 to %n step %c1 iter_args(%acc = %masked) -> (!sums) {
    %j = tile.nth %t descending of (%c0) to (%diagonal)
    %x = tile.load %v[%i, %i] tile %j padding zero : !view -> !tile
    %o = tile.dot %w, %x, %acc : tensor<128x64xbf16>, !tile -> !sums
    scf.yield %o : !sums
  }
  tile.store %full, %out[%i, %i] tile %i of %length : !sums, !tile.view<64xf32>
  return
}

// A window begins with the row too: what is before its start comes last.

// CHECK-LABEL: func @window
// CHECK:       %[[FIRST:.*]], %[[LAST:.*]] = tile.row_span
// CHECK:       %[[GROUP_FIRST:.*]], %[[GROUP_LAST:.*]] = sm.group_row_span
// CHECK:       sm.by_role %[[LAST]], %{{.*}}
// CHECK:       %[[OWN_START:.*]] = arith.select %{{.*}}, %[[FIRST]], %{{.*}}
// CHECK:       %[[ROLE_START:.*]] = sm.by_role %[[FIRST]], %[[OWN_START]]
// CHECK:       sm.pass_over
// CHECK:       %[[N:.*]] = tile.count (%[[ROLE_START]]) to
// CHECK:       scf.for %{{.*}} to %[[N]]
// CHECK:       %[[PASSED:.*]] = tile.count (%[[FIRST]]) to (%[[OWN_START]])
// CHECK:       scf.for %[[T:.*]] = %{{.*}} to %[[PASSED]]
// CHECK-NEXT:    tile.nth %[[T]] descending of (%[[FIRST]]) to (%[[OWN_START]])
// CHECK:         sm.pass_over
func.func @window(%v: !view, %out: !tile.view<64xf32>, %i: index, %length: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : !sums
  %w = arith.constant dense<1.0> : tensor<128x64xbf16>
  %first, %last = tile.row_span %i of %length height 128
  %n = tile.count (%first) to (%last)
  %r = scf.for %t = %c0 to %n step %c1 iter_args(%acc = %zero) -> (!sums) {
    %j = tile.nth %t descending of (%first) to (%last)
    %x = tile.load %v[%i, %i] tile %j padding zero : !view -> !tile
    %o = tile.dot %w, %x, %acc : tensor<128x64xbf16>, !tile -> !sums
    scf.yield %o : !sums
  }
  tile.store %r, %out[%i, %i] tile %i of %length : !sums, !tile.view<64xf32>
  return
}

// Where nothing depends on rows, only groups without any pass over tiles: over all.

// CHECK-LABEL: func @all_keys
// CHECK-SAME:    %{{.*}}: index, %[[N:[a-z0-9]*]]: index)
// CHECK-DAG:   %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG:   %[[LENGTH:.*]] = tile.length
// CHECK:       %[[FIRST:.*]], %[[LAST:.*]] = sm.group_row_span %{{.*}} of %[[LENGTH]] height 128
// CHECK:       %[[IDLE:.*]] = arith.cmpi slt, %[[LAST]], %[[FIRST]]
// CHECK:       %[[OWN:.*]] = arith.select %[[IDLE]], %[[C0]], %[[N]]
// CHECK:       tile.count (%[[OWN]]) to (%[[N]])
// CHECK:       sm.pass_over
func.func @all_keys(%v: !view, %out: !tile.view<64xf32>, %i: index, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : !sums
  %w = arith.constant dense<1.0> : tensor<128x64xbf16>
  %count = tile.count (%c0) to (%n)
  %r = scf.for %t = %c0 to %count step %c1 iter_args(%acc = %zero) -> (!sums) {
    %j = tile.nth %t descending of (%c0) to (%n)
    %x = tile.load %v[%i, %i] tile %j padding zero : !view -> !tile
    %o = tile.dot %w, %x, %acc : tensor<128x64xbf16>, !tile -> !sums
    scf.yield %o : !sums
  }
  tile.store %r, %out[%i, %i] tile %i : !sums, !tile.view<64xf32>
  return
}

// Ranges with a gap between them are left as they are, and so are those from the first tile on:
// what a group need not see would stand amid what it does.

// CHECK-LABEL: func @with_a_gap
// CHECK-NOT:   sm.
// CHECK-LABEL: func @ascending
// CHECK-NOT:   sm.
// CHECK-LABEL: func @two_of_a_ring
// CHECK-NOT:   sm.
func.func @with_a_gap(%v: !view, %out: !tile.view<64xf32>, %i: index, %length: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : !sums
  %w = arith.constant dense<1.0> : tensor<128x64xbf16>
  %first, %last = tile.row_span %i of %length height 128
  %n = tile.count (%first) to (%last)
  %r = scf.for %t = %c0 to %n step %c1 iter_args(%acc = %zero) -> (!sums) {
    %j = tile.nth %t descending of (%first) to (%last)
    %x = tile.load %v[%i, %i] tile %j padding zero : !view -> !tile
    %o = tile.dot %w, %x, %acc : tensor<128x64xbf16>, !tile -> !sums
    scf.yield %o : !sums
  }
  %m = tile.count (%c0) to (%c1)
  %s = scf.for %t = %c0 to %m step %c1 iter_args(%acc = %r) -> (!sums) {
    %j = tile.nth %t descending of (%c0) to (%c1)
    %x = tile.load %v[%i, %i] tile %j padding zero : !view -> !tile
    %o = tile.dot %w, %x, %acc : tensor<128x64xbf16>, !tile -> !sums
    scf.yield %o : !sums
  }
  tile.store %s, %out[%i, %i] tile %i of %length : !sums, !tile.view<64xf32>
  return
}

func.func @ascending(%v: !view, %out: !tile.view<64xf32>, %i: index, %length: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : !sums
  %w = arith.constant dense<1.0> : tensor<128x64xbf16>
  %first, %last = tile.row_span %i of %length height 128
  %n = tile.count (%first) to (%last)
  %r = scf.for %t = %c0 to %n step %c1 iter_args(%acc = %zero) -> (!sums) {
    %j = tile.nth %t of (%first) to (%last)
    %x = tile.load %v[%i, %i] tile %j padding zero : !view -> !tile
    %o = tile.dot %w, %x, %acc : tensor<128x64xbf16>, !tile -> !sums
    scf.yield %o : !sums
  }
  tile.store %r, %out[%i, %i] tile %i of %length : !sums, !tile.view<64xf32>
  return
}

// Two tiles of one view would share a ring, in an order that is not known yet.

func.func @two_of_a_ring(%v: !view, %out: !tile.view<64xf32>, %i: index, %length: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : !sums
  %w = arith.constant dense<1.0> : tensor<128x64xbf16>
  %first, %last = tile.row_span %i of %length height 128
  %n = tile.count (%first) to (%last)
  %r = scf.for %t = %c0 to %n step %c1 iter_args(%acc = %zero) -> (!sums) {
    %j = tile.nth %t descending of (%first) to (%last)
    %x = tile.load %v[%i, %i] tile %j padding undefined : !view -> !tile
    %y = tile.load %v[%i, %i] tile %j padding zero : !view -> !tile
    %s = tile.dot %w, %x, %acc : tensor<128x64xbf16>, !tile -> !sums
    %o = tile.dot %w, %y, %s : tensor<128x64xbf16>, !tile -> !sums
    scf.yield %o : !sums
  }
  tile.store %r, %out[%i, %i] tile %i of %length : !sums, !tile.view<64xf32>
  return
}
