// RUN: tessera-opt %s --sm-hoist-coordinates | FileCheck %s

!slot = !sm.slot<64x64, bf16>
!sums = tensor<64x64xf32>

// Where a gather reads is known behind the first product; the gather and what needs products stay.

// CHECK-LABEL: func @distances
// CHECK-SAME:    %[[T:[a-z0-9]*]]: !tile.table<2xf32>, %[[I:[a-z0-9]*]]: index, %[[HEAD:[a-z0-9]*]]: i32, %[[ROWS:[a-z0-9]*]]: tensor<64x64xi32>
func.func @distances(%t: !tile.table<2xf32>, %i: index, %number: i32, %rows: tensor<64x64xi32>, %view: !tile.view<64xbf16>,
                     %q: !slot, %k: !slot, %p: tensor<64x64xbf16>, %v: !slot, %o: !sums) -> (!sums, !sums) {
  // CHECK:      %[[H:.*]] = tensor.splat %[[HEAD]]
  // CHECK-NEXT: %[[DOT:.*]] = sm.dot
  // CHECK-NEXT: %[[J:.*]] = arith.addi %[[I]], %[[I]]
  // CHECK-NEXT: %[[COLUMNS:.*]] = tile.positions {{.*}} tile %[[J]]
  // CHECK-NEXT: %[[C:.*]] = tile.broadcast %[[COLUMNS]]
  // CHECK-NEXT: %[[DISTANCE:.*]] = arith.subi %[[C]], %[[ROWS]]
  // CHECK-NEXT: sm.dot
  // CHECK-NEXT: sm.await %[[DOT]]
  // CHECK-NEXT: tile.gather %[[T]][%[[H]], %[[DISTANCE]]]
  %head = tensor.splat %number : tensor<64x64xi32>
  %x = sm.dot %q, %k : !slot, !slot -> !sums
  %y = sm.dot %p, %v acc %o : !sums : tensor<64x64xbf16>, !slot -> !sums
  %s = sm.await %x pending 1 : !sums
  %j = arith.addi %i, %i : index
  %columns = tile.positions %view[%i] tile %j : !tile.view<64xbf16> -> tensor<1x64xi32>
  %c = tile.broadcast %columns : tensor<1x64xi32> -> tensor<64x64xi32>
  %distance = arith.subi %c, %rows : tensor<64x64xi32>
  %bias = tile.gather %t[%head, %distance] : !tile.table<2xf32>, tensor<64x64xi32> -> !sums
  %sum = arith.addf %s, %bias : !sums
  return %sum, %y : !sums, !sums
}

// Behind what may not be moved, if a coordinate needs that.

// CHECK-LABEL: func @after_result
func.func @after_result(%t: !tile.table<1xf32>, %q: !slot, %k: !slot, %v: !slot) -> (!sums, !sums) {
  // CHECK:      %[[X:.*]] = sm.dot
  // CHECK-NEXT: %[[C:.*]] = arith.constant
  // CHECK-NEXT: %[[S:.*]] = sm.await %[[X]]
  // CHECK-NEXT: %[[N:.*]] = arith.fptosi %[[S]]
  // CHECK-NEXT: %[[PLACE:.*]] = arith.addi %[[N]], %[[C]]
  // CHECK-NEXT: sm.dot
  // CHECK-NEXT: tile.gather %{{.*}}[%[[PLACE]]]
  %x = sm.dot %q, %k : !slot, !slot -> !sums
  %s = sm.await %x pending 0 : !sums
  %y = sm.dot %q, %v : !slot, !slot -> !sums
  %c = arith.constant dense<3> : tensor<64x64xi32>
  %n = arith.fptosi %s : !sums to tensor<64x64xi32>
  %place = arith.addi %n, %c : tensor<64x64xi32>
  %bias = tile.gather %t[%place] : !tile.table<1xf32>, tensor<64x64xi32> -> !sums
  return %bias, %y : !sums, !sums
}

// In two dimensions each element has coordinates of its own, which take registers until they are
// read.

// CHECK-LABEL: func @pairs
func.func @pairs(%t: !tile.table<2xf32>, %rows: tensor<64x64xi32>, %columns: tensor<64x64xi32>, %q: !slot, %k: !slot) -> !sums {
  // CHECK:      sm.dot
  // CHECK-NEXT: sm.await
  // CHECK-NEXT: arith.addi
  %x = sm.dot %q, %k : !slot, !slot -> !sums
  %s = sm.await %x pending 0 : !sums
  %r = arith.addi %rows, %columns : tensor<64x64xi32>
  %bias = tile.gather %t[%r, %columns] : !tile.table<2xf32>, tensor<64x64xi32> -> !sums
  %sum = arith.addf %s, %bias : !sums
  return %sum : !sums
}
