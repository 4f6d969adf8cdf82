// RUN: tessera-opt %s --tile-join-masked-loops --canonicalize | FileCheck %s

!view = !tile.view<64xbf16>
!tile = tensor<64x64xbf16>
!sums = tensor<64x64xf32>
!places = tensor<64x64xi32>

// Tiles with a mask and tiles without one, whose range ends where the other begins: one loop over
// one range. A tile is masked if it is not in front of the masked ones; none is behind them. What
// only the mask reads stands under the branch with it.

// CHECK-LABEL: func @two_loops
// CHECK-SAME:    %[[Q:[a-z0-9]*]]: tensor<64x64xbf16>, %[[K:[a-z0-9]*]]: !tile.view<64xbf16>, %[[LIMIT:[a-z0-9]*]]: tensor<64x64xi32>, %[[H:[a-z0-9]*]]: index, %[[M:[a-z0-9]*]]: index, %[[E:[a-z0-9]*]]: index
// CHECK-DAG:   %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG:   %[[C1:.*]] = arith.constant 1 : index
// CHECK-DAG:   %[[ZERO:.*]] = arith.constant dense<0.000000e+00>
// CHECK:       %[[N:.*]] = tile.count (%[[C0]]) to (%[[E]])
// CHECK-NEXT:  %[[ALL:.*]] = scf.for %[[T:.*]] = %[[C0]] to %[[N]] step %[[C1]] iter_args(%[[ACC:.*]] = %[[ZERO]])
// CHECK-NEXT:    %[[J:.*]] = tile.nth %[[T]] descending of (%[[C0]]) to (%[[E]])
// CHECK-NEXT:    %[[MASKED:.*]] = arith.cmpi sge, %[[J]], %[[M]]
// CHECK-NEXT:    %[[X:.*]] = tile.load %[[K]][%[[H]], %[[H]]] tile %[[J]]
// CHECK-NEXT:    %[[S:.*]] = tile.dot %[[Q]], %[[X]], %[[ZERO]]
// CHECK-NEXT:    %[[Y:.*]] = scf.if %[[MASKED]]
// CHECK-NEXT:      sm.branch_only
// CHECK-NEXT:      %[[COLUMN:.*]] = tile.positions %[[K]][%[[H]]] tile %[[J]]
// CHECK-NEXT:      %[[COLUMNS:.*]] = tile.broadcast %[[COLUMN]]
// CHECK-NEXT:      %[[KEEP:.*]] = arith.cmpi slt, %[[COLUMNS]], %[[LIMIT]]
// CHECK-NEXT:      %[[KEPT:.*]] = tile.mask %[[S]], %[[KEEP]]
// CHECK-NEXT:      scf.yield %[[KEPT]]
// CHECK-NEXT:    } else {
// CHECK-NEXT:      scf.yield %[[S]]
// CHECK-NEXT:    }
// CHECK-NEXT:    %[[Z:.*]] = arith.addf %[[ACC]], %[[Y]]
// CHECK-NEXT:    scf.yield %[[Z]]
// CHECK-NEXT:  }
// CHECK-NEXT:  return %[[ALL]]
func.func @two_loops(%q: !tile, %k: !view, %limit: !places, %h: index, %m: index,
                     %e: index) -> !sums {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : !sums
  %masked = tile.count (%m) to (%e)
  %a = scf.for %t = %c0 to %masked step %c1 iter_args(%acc = %zero) -> (!sums) {
    %j = tile.nth %t descending of (%m) to (%e)
    %x = tile.load %k[%h, %h] tile %j padding undefined : !view -> !tile
    %s = tile.dot %q, %x, %zero : !tile, !tile -> !sums
    %column = tile.positions %k[%h] tile %j : !view -> tensor<1x64xi32>
    %columns = tile.broadcast %column : tensor<1x64xi32> -> !places
    %keep = arith.cmpi slt, %columns, %limit : !places
    %y = tile.mask %s, %keep : !sums
    %z = arith.addf %acc, %y : !sums
    scf.yield %z : !sums
  }
  %full = tile.count (%c0) to (%m)
  %b = scf.for %t = %c0 to %full step %c1 iter_args(%acc = %a) -> (!sums) {
    %j = tile.nth %t descending of (%c0) to (%m)
    %x = tile.load %k[%h, %h] tile %j padding undefined : !view -> !tile
    %s = tile.dot %q, %x, %zero : !tile, !tile -> !sums
    %z = arith.addf %acc, %s : !sums
    scf.yield %z : !sums
  }
  return %b : !sums
}

// The first tiles may be masked as well: those between both ends of their range.

// CHECK-LABEL: func @three_loops
// CHECK-SAME:    %[[S0:[a-z0-9]*]]: index, %[[S1:[a-z0-9]*]]: index, %[[S2:[a-z0-9]*]]: index, %[[E:[a-z0-9]*]]: index) ->
// CHECK:       %[[N:.*]] = tile.count (%[[S0]]) to (%[[E]])
// CHECK-NEXT:  %[[ALL:.*]] = scf.for %[[T:.*]] = %{{.*}} to %[[N]]
// CHECK-NEXT:    %[[J:.*]] = tile.nth %[[T]] descending of (%[[S0]]) to (%[[E]])
// CHECK-NEXT:    %[[LAST:.*]] = arith.cmpi sge, %[[J]], %[[S2]]
// CHECK-NEXT:    %[[FROM:.*]] = arith.cmpi sge, %[[J]], %[[S0]]
// CHECK-NEXT:    %[[BEFORE:.*]] = arith.cmpi slt, %[[J]], %[[S1]]
// CHECK-NEXT:    %[[FIRST:.*]] = arith.andi %[[FROM]], %[[BEFORE]]
// CHECK-NEXT:    %[[MASKED:.*]] = arith.ori %[[LAST]], %[[FIRST]]
// CHECK:         %[[S:.*]] = tile.dot
// CHECK-NEXT:    scf.if %[[MASKED]]
// CHECK-NEXT:      sm.branch_only
// CHECK-NEXT:      tile.mask %[[S]]
// CHECK-NOT:     tile.mask
// CHECK-NOT:     scf.for
// CHECK:         return %[[ALL]]
func.func @three_loops(%q: !tile, %k: !view, %keep: tensor<64x64xi1>, %h: index, %s0: index,
                       %s1: index, %s2: index, %e: index) -> !sums {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : !sums
  %last = tile.count (%s2) to (%e)
  %a = scf.for %t = %c0 to %last step %c1 iter_args(%acc = %zero) -> (!sums) {
    %j = tile.nth %t descending of (%s2) to (%e)
    %x = tile.load %k[%h, %h] tile %j padding undefined : !view -> !tile
    %s = tile.dot %q, %x, %zero : !tile, !tile -> !sums
    %y = tile.mask %s, %keep : !sums
    %z = arith.addf %acc, %y : !sums
    scf.yield %z : !sums
  }
  %full = tile.count (%s1) to (%s2)
  %b = scf.for %t = %c0 to %full step %c1 iter_args(%acc = %a) -> (!sums) {
    %j = tile.nth %t descending of (%s1) to (%s2)
    %x = tile.load %k[%h, %h] tile %j padding undefined : !view -> !tile
    %s = tile.dot %q, %x, %zero : !tile, !tile -> !sums
    %z = arith.addf %acc, %s : !sums
    scf.yield %z : !sums
  }
  %first = tile.count (%s0) to (%s1)
  %c = scf.for %t = %c0 to %first step %c1 iter_args(%acc = %b) -> (!sums) {
    %j = tile.nth %t descending of (%s0) to (%s1)
    %x = tile.load %k[%h, %h] tile %j padding undefined : !view -> !tile
    %s = tile.dot %q, %x, %zero : !tile, !tile -> !sums
    %y = tile.mask %s, %keep : !sums
    %z = arith.addf %acc, %y : !sums
    scf.yield %z : !sums
  }
  return %c : !sums
}

// Ranges that do not touch stay a list, in the order of their loops.

// CHECK-LABEL: func @with_a_gap
// CHECK-SAME:    %[[S0:[a-z0-9]*]]: index, %[[E0:[a-z0-9]*]]: index, %[[S1:[a-z0-9]*]]: index, %[[E1:[a-z0-9]*]]: index, %{{[a-z0-9]*}}: tensor
// CHECK:       %[[N:.*]] = tile.count (%[[S1]], %[[S0]]) to (%[[E1]], %[[E0]])
// CHECK-NEXT:  scf.for %[[T:.*]] = %{{.*}} to %[[N]]
// CHECK-NEXT:    %[[J:.*]] = tile.nth %[[T]] descending of (%[[S1]], %[[S0]]) to (%[[E1]], %[[E0]])
// CHECK-NEXT:    %[[MASKED:.*]] = arith.cmpi sge, %[[J]], %[[S1]]
// CHECK:         scf.if %[[MASKED]]
// CHECK-NOT:     scf.for
func.func @with_a_gap(%k: !view, %keep: tensor<64x64xi1>, %h: index, %s0: index, %e0: index,
                      %s1: index, %e1: index, %x: !sums) -> !sums {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %masked = tile.count (%s1) to (%e1)
  %a = scf.for %t = %c0 to %masked step %c1 iter_args(%acc = %x) -> (!sums) {
    %j = tile.nth %t descending of (%s1) to (%e1)
    %s = tile.load %k[%h, %h] tile %j padding undefined : !view -> !tile
    %w = arith.extf %s : !tile to !sums
    %y = tile.mask %w, %keep : !sums
    %z = arith.addf %acc, %y : !sums
    scf.yield %z : !sums
  }
  %full = tile.count (%s0) to (%e0)
  %b = scf.for %t = %c0 to %full step %c1 iter_args(%acc = %a) -> (!sums) {
    %j = tile.nth %t descending of (%s0) to (%e0)
    %s = tile.load %k[%h, %h] tile %j padding undefined : !view -> !tile
    %w = arith.extf %s : !tile to !sums
    %z = arith.addf %acc, %w : !sums
    scf.yield %z : !sums
  }
  return %b : !sums
}

// From the first tile on, ranges are a list too, and a tile is looked for between both ends.

// CHECK-LABEL: func @ascending
// CHECK-SAME:    %[[M:[a-z0-9]*]]: index, %[[E:[a-z0-9]*]]: index, %{{[a-z0-9]*}}: tensor
// CHECK-DAG:   %[[C0:.*]] = arith.constant 0 : index
// CHECK:       %[[N:.*]] = tile.count (%[[M]], %[[C0]]) to (%[[E]], %[[M]])
// CHECK-NEXT:  scf.for %[[T:.*]] = %{{.*}} to %[[N]]
// CHECK-NEXT:    %[[J:.*]] = tile.nth %[[T]] of (%[[M]], %[[C0]]) to (%[[E]], %[[M]])
// CHECK-NEXT:    %[[FROM:.*]] = arith.cmpi sge, %[[J]], %[[M]]
// CHECK-NEXT:    %[[BEFORE:.*]] = arith.cmpi slt, %[[J]], %[[E]]
// CHECK-NEXT:    %[[MASKED:.*]] = arith.andi %[[FROM]], %[[BEFORE]]
// CHECK:         scf.if %[[MASKED]]
// CHECK-NOT:     scf.for
func.func @ascending(%k: !view, %keep: tensor<64x64xi1>, %h: index, %m: index, %e: index,
                     %x: !sums) -> !sums {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %masked = tile.count (%m) to (%e)
  %a = scf.for %t = %c0 to %masked step %c1 iter_args(%acc = %x) -> (!sums) {
    %j = tile.nth %t of (%m) to (%e)
    %s = tile.load %k[%h, %h] tile %j padding undefined : !view -> !tile
    %w = arith.extf %s : !tile to !sums
    %y = tile.mask %w, %keep : !sums
    %z = arith.addf %acc, %y : !sums
    scf.yield %z : !sums
  }
  %full = tile.count (%c0) to (%m)
  %b = scf.for %t = %c0 to %full step %c1 iter_args(%acc = %a) -> (!sums) {
    %j = tile.nth %t of (%c0) to (%m)
    %s = tile.load %k[%h, %h] tile %j padding undefined : !view -> !tile
    %w = arith.extf %s : !tile to !sums
    %z = arith.addf %acc, %w : !sums
    scf.yield %z : !sums
  }
  return %b : !sums
}

// What the mask reads and others too stays where it is.

// CHECK-LABEL: func @read_by_others
// CHECK:         %[[COLUMN:.*]] = tile.positions
// CHECK-NEXT:    %[[COLUMNS:.*]] = tile.broadcast %[[COLUMN]]
// CHECK-NEXT:    %[[SCORES:.*]] = arith.sitofp %[[COLUMNS]]
// CHECK-NEXT:    scf.if
// CHECK-NEXT:      sm.branch_only
// CHECK-NEXT:      %[[KEEP:.*]] = arith.cmpi slt, %[[COLUMNS]]
// CHECK-NEXT:      tile.mask %[[SCORES]], %[[KEEP]]
func.func @read_by_others(%k: !view, %limit: !places, %h: index, %m: index, %e: index,
                          %x: !sums) -> !sums {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %masked = tile.count (%m) to (%e)
  %a = scf.for %t = %c0 to %masked step %c1 iter_args(%acc = %x) -> (!sums) {
    %j = tile.nth %t descending of (%m) to (%e)
    %column = tile.positions %k[%h] tile %j : !view -> tensor<1x64xi32>
    %columns = tile.broadcast %column : tensor<1x64xi32> -> !places
    %s = arith.sitofp %columns : !places to !sums
    %keep = arith.cmpi slt, %columns, %limit : !places
    %y = tile.mask %s, %keep : !sums
    %z = arith.addf %acc, %y : !sums
    scf.yield %z : !sums
  }
  %full = tile.count (%c0) to (%m)
  %b = scf.for %t = %c0 to %full step %c1 iter_args(%acc = %a) -> (!sums) {
    %j = tile.nth %t descending of (%c0) to (%m)
    %column = tile.positions %k[%h] tile %j : !view -> tensor<1x64xi32>
    %columns = tile.broadcast %column : tensor<1x64xi32> -> !places
    %s = arith.sitofp %columns : !places to !sums
    %z = arith.addf %acc, %s : !sums
    scf.yield %z : !sums
  }
  return %b : !sums
}

// Bodies that differ in more than the mask, or in what it keeps, are not one.

// CHECK-LABEL: func @other_body
// CHECK-NOT:   scf.if
// CHECK:       tile.mask
// CHECK:       scf.for
// CHECK:       arith.mulf
// CHECK-LABEL: func @other_mask
// CHECK-NOT:   scf.if
// CHECK:       tile.mask %{{.*}}, %[[KEEP:[a-z0-9]*]]
// CHECK:       scf.for
// CHECK-NOT:   tile.mask %{{.*}}, %[[KEEP]]
// CHECK:       tile.mask
// CHECK:       return
func.func @other_body(%k: !view, %keep: tensor<64x64xi1>, %h: index, %m: index, %e: index,
                      %x: !sums) -> !sums {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %masked = tile.count (%m) to (%e)
  %a = scf.for %t = %c0 to %masked step %c1 iter_args(%acc = %x) -> (!sums) {
    %j = tile.nth %t descending of (%m) to (%e)
    %s = tile.load %k[%h, %h] tile %j padding undefined : !view -> !tile
    %w = arith.extf %s : !tile to !sums
    %y = tile.mask %w, %keep : !sums
    %z = arith.addf %acc, %y : !sums
    scf.yield %z : !sums
  }
  %full = tile.count (%c0) to (%m)
  %b = scf.for %t = %c0 to %full step %c1 iter_args(%acc = %a) -> (!sums) {
    %j = tile.nth %t descending of (%c0) to (%m)
    %s = tile.load %k[%h, %h] tile %j padding undefined : !view -> !tile
    %w = arith.extf %s : !tile to !sums
    %z = arith.mulf %acc, %w : !sums
    scf.yield %z : !sums
  }
  return %b : !sums
}

func.func @other_mask(%k: !view, %keep: tensor<64x64xi1>, %other: tensor<64x64xi1>, %h: index,
                      %m: index, %e: index, %x: !sums) -> !sums {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %last = tile.count (%m) to (%e)
  %a = scf.for %t = %c0 to %last step %c1 iter_args(%acc = %x) -> (!sums) {
    %j = tile.nth %t descending of (%m) to (%e)
    %s = tile.load %k[%h, %h] tile %j padding undefined : !view -> !tile
    %w = arith.extf %s : !tile to !sums
    %y = tile.mask %w, %keep : !sums
    %z = arith.addf %acc, %y : !sums
    scf.yield %z : !sums
  }
  %first = tile.count (%c0) to (%m)
  %b = scf.for %t = %c0 to %first step %c1 iter_args(%acc = %a) -> (!sums) {
    %j = tile.nth %t descending of (%c0) to (%m)
    %s = tile.load %k[%h, %h] tile %j padding undefined : !view -> !tile
    %w = arith.extf %s : !tile to !sums
    %y = tile.mask %w, %other : !sums
    %z = arith.addf %acc, %y : !sums
    scf.yield %z : !sums
  }
  return %b : !sums
}

// A chain whose first loop has no mask is left alone, as is a loop that nothing continues, and
// loops that run in different directions.

// CHECK-LABEL: func @mask_behind
// CHECK-NOT:   scf.if
// CHECK:       scf.for
// CHECK-NOT:   tile.mask
// CHECK:       scf.for
// CHECK-NOT:   scf.if
// CHECK:         tile.mask
// CHECK-LABEL: func @alone
// CHECK-NOT:   scf.if
// CHECK:       tile.mask
// CHECK-LABEL: func @both_ways
// CHECK-NOT:   scf.if
// CHECK:       tile.nth %{{.*}} descending of
// CHECK-NOT:   scf.if
// CHECK:       tile.mask
// CHECK:       tile.nth %{{[a-z0-9]*}} of
// CHECK:       return
func.func @mask_behind(%k: !view, %keep: tensor<64x64xi1>, %h: index, %m: index, %e: index,
                       %x: !sums) -> !sums {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %full = tile.count (%m) to (%e)
  %a = scf.for %t = %c0 to %full step %c1 iter_args(%acc = %x) -> (!sums) {
    %j = tile.nth %t descending of (%m) to (%e)
    %s = tile.load %k[%h, %h] tile %j padding undefined : !view -> !tile
    %w = arith.extf %s : !tile to !sums
    %z = arith.addf %acc, %w : !sums
    scf.yield %z : !sums
  }
  %masked = tile.count (%c0) to (%m)
  %b = scf.for %t = %c0 to %masked step %c1 iter_args(%acc = %a) -> (!sums) {
    %j = tile.nth %t descending of (%c0) to (%m)
    %s = tile.load %k[%h, %h] tile %j padding undefined : !view -> !tile
    %w = arith.extf %s : !tile to !sums
    %y = tile.mask %w, %keep : !sums
    %z = arith.addf %acc, %y : !sums
    scf.yield %z : !sums
  }
  return %b : !sums
}

func.func @alone(%k: !view, %keep: tensor<64x64xi1>, %h: index, %e: index, %x: !sums) -> !sums {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %masked = tile.count (%c0) to (%e)
  %a = scf.for %t = %c0 to %masked step %c1 iter_args(%acc = %x) -> (!sums) {
    %j = tile.nth %t descending of (%c0) to (%e)
    %s = tile.load %k[%h, %h] tile %j padding undefined : !view -> !tile
    %w = arith.extf %s : !tile to !sums
    %y = tile.mask %w, %keep : !sums
    %z = arith.addf %acc, %y : !sums
    scf.yield %z : !sums
  }
  return %a : !sums
}

func.func @both_ways(%k: !view, %keep: tensor<64x64xi1>, %h: index, %m: index, %e: index,
                     %x: !sums) -> !sums {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %masked = tile.count (%m) to (%e)
  %a = scf.for %t = %c0 to %masked step %c1 iter_args(%acc = %x) -> (!sums) {
    %j = tile.nth %t descending of (%m) to (%e)
    %s = tile.load %k[%h, %h] tile %j padding undefined : !view -> !tile
    %w = arith.extf %s : !tile to !sums
    %y = tile.mask %w, %keep : !sums
    %z = arith.addf %acc, %y : !sums
    scf.yield %z : !sums
  }
  %full = tile.count (%c0) to (%m)
  %b = scf.for %t = %c0 to %full step %c1 iter_args(%acc = %a) -> (!sums) {
    %j = tile.nth %t of (%c0) to (%m)
    %s = tile.load %k[%h, %h] tile %j padding undefined : !view -> !tile
    %w = arith.extf %s : !tile to !sums
    %z = arith.addf %acc, %w : !sums
    scf.yield %z : !sums
  }
  return %b : !sums
}
