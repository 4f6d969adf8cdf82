// RUN: tessera-opt %s --tile-pipeline-products --canonicalize | FileCheck %s

!view = !tile.view<64xbf16>
!tile = tensor<64x64xbf16>
!sums = tensor<64x64xf32>
!mask = tensor<64x64xi1>

// Only the last tile of a sequence is masked: it stands in front, and no loop has its mask.

// CHECK-LABEL: func @tail
func.func @tail(%q: !tile, %keep: !mask, %k: !view, %v: !view, %h: index, %length: index) -> !sums {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %zero = arith.constant dense<0.0> : !sums
  %end = arith.ceildivsi %length, %c64 : index
  %whole = arith.maxsi %length, %c0 : index
  %touched = arith.floordivsi %whole, %c64 : index
  %m = arith.minsi %touched, %end : index
  // CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
  // CHECK-DAG: %[[C1:.*]] = arith.constant 1 : index
  // CHECK:     %[[M:.*]] = arith.minsi
  // CHECK:     %[[MASKED:.*]] = tile.count (%[[M]]) to
  // CHECK:     scf.if
  // CHECK:       tile.mask
  // CHECK-NOT:   scf.for
  // CHECK:       %[[NONE:.*]] = arith.cmpi eq, %[[MASKED]], %[[C0]]
  // CHECK:       %[[LOWER:.*]] = arith.select %[[NONE]], %[[C1]], %[[C0]]
  // CHECK:       scf.for %{{.*}} = %[[LOWER]]
  // CHECK-NOT:   tile.mask
  // CHECK:     return
  %masked = tile.count (%m) to (%end)
  %a = scf.for %t = %c0 to %masked step %c1 iter_args(%acc = %zero) -> (!sums) {
    %j = tile.nth %t descending of (%m) to (%end)
    %kj = tile.load %k[%h, %h] tile %j padding undefined : !view -> !tile
    %s = tile.dot %q, %kj, %zero : !tile, !tile -> !sums
    %x = tile.mask %s, %keep : !sums
    %p = arith.truncf %x : !sums to !tile
    %vj = tile.load %v[%h, %h] tile %j padding zero : !view -> !tile
    %o = tile.dot %p, %vj, %acc : !tile, !tile -> !sums
    scf.yield %o : !sums
  }
  %full = tile.count (%c0) to (%m)
  %b = scf.for %t = %c0 to %full step %c1 iter_args(%acc = %a) -> (!sums) {
    %j = tile.nth %t descending of (%c0) to (%m)
    %kj = tile.load %k[%h, %h] tile %j padding undefined : !view -> !tile
    %s = tile.dot %q, %kj, %zero : !tile, !tile -> !sums
    %p = arith.truncf %s : !sums to !tile
    %vj = tile.load %v[%h, %h] tile %j padding zero : !view -> !tile
    %o = tile.dot %p, %vj, %acc : !tile, !tile -> !sums
    scf.yield %o : !sums
  }
  return %b : !sums
}

// The same tile of the rows of a group, some of which have none.

// CHECK-LABEL: func @tail_of_group
func.func @tail_of_group(%q: !tile, %k: !view, %v: !view, %h: index, %length: index,
                         %idle: i1) -> !sums {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %zero = arith.constant dense<0.0> : !sums
  %end = arith.ceildivsi %length, %c64 : index
  %m = arith.floordivsi %length, %c64 : index
  %ownEnd = arith.select %idle, %c0, %end : index
  %ownM = arith.select %idle, %c0, %m : index
  %to = sm.by_role %end, %ownEnd
  %from = sm.by_role %m, %ownM
  // CHECK-NOT: scf.for
  %n = tile.count (%from) to (%to)
  %r = scf.for %t = %c0 to %n step %c1 iter_args(%acc = %zero) -> (!sums) {
    %j = tile.nth %t descending of (%from) to (%to)
    %kj = tile.load %k[%h, %h] tile %j padding undefined : !view -> !tile
    %s = tile.dot %q, %kj, %zero : !tile, !tile -> !sums
    %p = arith.truncf %s : !sums to !tile
    %vj = tile.load %v[%h, %h] tile %j padding zero : !view -> !tile
    %o = tile.dot %p, %vj, %acc : !tile, !tile -> !sums
    scf.yield %o : !sums
  }
  return %r : !sums
}

// Another size, another length, or tiles between the two: there may be more.

// CHECK-LABEL: func @other_size
// CHECK: scf.for
func.func @other_size(%q: !tile, %k: !view, %v: !view, %h: index, %length: index) -> !sums {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %c128 = arith.constant 128 : index
  %zero = arith.constant dense<0.0> : !sums
  %end = arith.ceildivsi %length, %c64 : index
  %m = arith.floordivsi %length, %c128 : index
  %n = tile.count (%m) to (%end)
  %r = scf.for %t = %c0 to %n step %c1 iter_args(%acc = %zero) -> (!sums) {
    %j = tile.nth %t descending of (%m) to (%end)
    %kj = tile.load %k[%h, %h] tile %j padding undefined : !view -> !tile
    %s = tile.dot %q, %kj, %zero : !tile, !tile -> !sums
    %p = arith.truncf %s : !sums to !tile
    %vj = tile.load %v[%h, %h] tile %j padding zero : !view -> !tile
    %o = tile.dot %p, %vj, %acc : !tile, !tile -> !sums
    scf.yield %o : !sums
  }
  return %r : !sums
}

// CHECK-LABEL: func @diagonal
// CHECK: scf.for
func.func @diagonal(%q: !tile, %k: !view, %v: !view, %h: index, %length: index,
                    %d: index) -> !sums {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %zero = arith.constant dense<0.0> : !sums
  %end = arith.ceildivsi %length, %c64 : index
  %whole = arith.floordivsi %length, %c64 : index
  %m = arith.minsi %whole, %d : index
  %n = tile.count (%m) to (%end)
  %r = scf.for %t = %c0 to %n step %c1 iter_args(%acc = %zero) -> (!sums) {
    %j = tile.nth %t descending of (%m) to (%end)
    %kj = tile.load %k[%h, %h] tile %j padding undefined : !view -> !tile
    %s = tile.dot %q, %kj, %zero : !tile, !tile -> !sums
    %p = arith.truncf %s : !sums to !tile
    %vj = tile.load %v[%h, %h] tile %j padding zero : !view -> !tile
    %o = tile.dot %p, %vj, %acc : !tile, !tile -> !sums
    scf.yield %o : !sums
  }
  return %r : !sums
}
