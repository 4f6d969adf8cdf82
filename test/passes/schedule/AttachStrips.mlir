// RUN: tessera-opt %s --sm-attach-strips --canonicalize | FileCheck %s

!view = !tile.view<64xbf16>
!keys = tensor<64x64xbf16>
!scores = tensor<128x64xf32>

// What a gather reads of a table moves by one with each column, and by one back with each row: the
// strip of tile 0 begins at the number of its first column and its last row. It comes with the
// first operand that is loaded with the keys, and stands in front of what computes with it.

// CHECK-LABEL: func @distances
// CHECK-SAME:    %[[Q:[a-z0-9]*]]: !tile.view<64xbf16>, %[[K:[a-z0-9]*]]: !tile.view<64xbf16>, %[[T:[a-z0-9]*]]: !tile.table<2xf32>, %[[I:[a-z0-9]*]]: index, %[[REACH:[a-z0-9]*]]: index, %{{.*}}: index
func.func @distances(%q: !view, %k: !view, %t: !tile.table<2xf32>, %i: index, %reach: index,
                     %n: index, %w: tensor<128x64xbf16>, %init: !scores) -> !scores {
  // CHECK-DAG:  %[[ROWS:.*]] = arith.constant 128 : index
  // CHECK-DAG:  %[[LAST:.*]] = arith.constant -127 : index
  // CHECK:      %[[TILE:.*]] = arith.muli %[[I]], %[[ROWS]]
  // CHECK-NEXT: %[[CORNER:.*]] = arith.subi %[[REACH]], %[[TILE]]
  // CHECK-NEXT: %[[START:.*]] = arith.addi %[[CORNER]], %[[LAST]]
  // CHECK:      scf.for
  // CHECK-NEXT:   %[[J:.*]] = tile.nth
  // CHECK-NEXT:   %[[X:.*]] = tile.load %[[K]]
  // CHECK-NEXT:   %[[B:.*]] = sm.gather_strip %[[X]], %[[T]][%[[I]], %[[START]]] along 1 tile %[[J]] rows -1 columns 1
  // CHECK:        tile.dot
  // CHECK-NEXT:   arith.addf %{{.*}}, %[[B]]
  // CHECK-NOT:    tile.gather
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %rows = tile.positions %q[%i] tile %i : !view -> tensor<128x1xi32>
  %r = tile.broadcast %rows : tensor<128x1xi32> -> tensor<128x64xi32>
  %number = arith.index_cast %reach : index to i32
  %shift = tensor.splat %number : tensor<128x64xi32>
  %head = arith.index_cast %i : index to i32
  %h = tensor.splat %head : tensor<128x64xi32>
  %m = tile.count (%c0) to (%n)
  %s = scf.for %step = %c0 to %m step %c1 iter_args(%acc = %init) -> (!scores) {
    %j = tile.nth %step descending of (%c0) to (%n)
    %x = tile.load %k[%i, %i] tile %j padding undefined : !view -> !keys
    %xt = tile.transpose %x : !keys
    %p = tile.dot %w, %xt, %acc : tensor<128x64xbf16>, !keys -> !scores
    %columns = tile.positions %k[%i] tile %j : !view -> tensor<1x64xi32>
    %c = tile.broadcast %columns : tensor<1x64xi32> -> tensor<128x64xi32>
    %apart = arith.subi %c, %r : tensor<128x64xi32>
    %distance = arith.addi %apart, %shift : tensor<128x64xi32>
    %b = tile.gather %t[%h, %distance] : !tile.table<2xf32>, tensor<128x64xi32> -> !scores
    %y = arith.addf %p, %b : !scores
    scf.yield %y : !scores
  }
  return %s : !scores
}

// One strip for a tile, whatever else is loaded with it: a second gather stays. Numbers of the columns alone are a strip as well, and
// so are those that count backwards, from the last column on.

// CHECK-LABEL: func @of_columns
// CHECK-SAME:    %{{.*}}: !tile.view<64xbf16>, %[[T:[a-z0-9]*]]: !tile.table<1xi32>, %[[I:[a-z0-9]*]]: index
func.func @of_columns(%k: !view, %t: !tile.table<1xi32>, %i: index, %n: index,
                      %w: tensor<128x64xbf16>, %init: !scores) -> !scores {
  // CHECK-DAG: %[[START:.*]] = arith.constant -63 : index
  // CHECK:     scf.for
  // CHECK:       sm.gather_strip %{{.*}}, %[[T]][%[[START]]] along 0 tile %{{.*}} rows 0 columns -1 : {{.*}} -> tensor<1x64xi32>
  // CHECK:       tile.gather
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0> : tensor<1x64xi32>
  %m = tile.count (%c0) to (%n)
  %s = scf.for %step = %c0 to %m step %c1 iter_args(%acc = %init) -> (!scores) {
    %j = tile.nth %step descending of (%c0) to (%n)
    %x = tile.load %k[%i, %i] tile %j padding undefined : !view -> !keys
    %xt = tile.transpose %x : !keys
    %first = tile.dot %w, %xt, %acc : tensor<128x64xbf16>, !keys -> !scores
    %v = tile.load %k[%n, %i] tile %j padding undefined : !view -> !keys
    %p = tile.dot %w, %v, %first : tensor<128x64xbf16>, !keys -> !scores
    %columns = tile.positions %k[%i] tile %j : !view -> tensor<1x64xi32>
    %back = arith.subi %zero, %columns : tensor<1x64xi32>
    %a = tile.gather %t[%back] : !tile.table<1xi32>, tensor<1x64xi32> -> tensor<1x64xi32>
    %b = tile.gather %t[%columns] : !tile.table<1xi32>, tensor<1x64xi32> -> tensor<1x64xi32>
    %both = arith.addi %a, %b : tensor<1x64xi32>
    %f = arith.sitofp %both : tensor<1x64xi32> to tensor<1x64xf32>
    %g = tile.broadcast %f : tensor<1x64xf32> -> !scores
    %y = arith.addf %p, %g : !scores
    scf.yield %y : !scores
  }
  return %s : !scores
}

// No neighbours: every second number, or two coordinates that move.

// CHECK-LABEL: func @apart
func.func @apart(%q: !view, %k: !view, %t: !tile.table<1xf32>, %u: !tile.table<2xf32>, %i: index,
                 %n: index, %w: tensor<128x64xbf16>, %init: !scores) -> !scores {
  // CHECK-NOT:     sm.gather_strip
  // CHECK-COUNT-2: tile.gather
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %two = arith.constant dense<2> : tensor<1x64xi32>
  %rows = tile.positions %q[%i] tile %i : !view -> tensor<128x1xi32>
  %r = tile.broadcast %rows : tensor<128x1xi32> -> tensor<128x64xi32>
  %m = tile.count (%c0) to (%n)
  %s = scf.for %step = %c0 to %m step %c1 iter_args(%acc = %init) -> (!scores) {
    %j = tile.nth %step descending of (%c0) to (%n)
    %x = tile.load %k[%i, %i] tile %j padding undefined : !view -> !keys
    %xt = tile.transpose %x : !keys
    %p = tile.dot %w, %xt, %acc : tensor<128x64xbf16>, !keys -> !scores
    %columns = tile.positions %k[%i] tile %j : !view -> tensor<1x64xi32>
    %double = arith.muli %columns, %two : tensor<1x64xi32>
    %a = tile.gather %t[%double] : !tile.table<1xf32>, tensor<1x64xi32> -> tensor<1x64xf32>
    %c = tile.broadcast %columns : tensor<1x64xi32> -> tensor<128x64xi32>
    %b = tile.gather %u[%r, %c] : !tile.table<2xf32>, tensor<128x64xi32> -> !scores
    %g = tile.broadcast %a : tensor<1x64xf32> -> !scores
    %y = arith.addf %p, %g : !scores
    %z = arith.addf %y, %b : !scores
    scf.yield %z : !scores
  }
  return %s : !scores
}
