// RUN: tessera-opt %s --tile-guard-products --cse --canonicalize | FileCheck %s

!view = !tile.view<64xbf16>
!rows = tensor<64x1xf32>
!sums = tensor<64x64xf32>

// Loops become matrix instructions, which skip nothing, and what they made is looked at: a row
// that is not finite though what it is divided by is a number has seen a value through a zero.

// CHECK-LABEL: func @chain
// CHECK-SAME:    %[[Q:[a-z0-9]*]]: !tile.view<64xbf16>, %[[K:[a-z0-9]*]]: !tile.view<64xbf16>, %[[V:[a-z0-9]*]]: !tile.view<64xbf16>, %[[OUT:[a-z0-9]*]]: !tile.view<64xbf16>, %[[N:[a-z0-9]*]]: index, %[[E:[a-z0-9]*]]: index
func.func @chain(%q: !view, %k: !view, %v: !view, %out: !view, %n: index, %e: index) {
  // CHECK-DAG:  %[[C0:.*]] = arith.constant 0 : index
  // CHECK-DAG:  %[[C1:.*]] = arith.constant 1 : index
  // CHECK-DAG:  %[[C2:.*]] = arith.constant 2 : index
  // CHECK-DAG:  %[[C4:.*]] = arith.constant 4 : index
  // CHECK-DAG:  %[[ZERO:.*]] = arith.constant dense<0.000000e+00> : tensor<64x32xf32>
  // CHECK-DAG:  %[[NONE:.*]] = arith.constant dense<0.000000e+00> : tensor<64x1xf32>
  // CHECK-DAG:  %[[SCORES:.*]] = arith.constant dense<0.000000e+00> : tensor<64x8xf32>
  // CHECK:      %[[T:.*]], %[[H:.*]], %[[B:.*]] = tile.grid
  // CHECK:      %[[MASKED:.*]]:2 = scf.for
  // CHECK:        tile.dot %{{.*}}, %{{.*}}, %{{.*}} : tensor<64x32xbf16>
  // CHECK:      %[[FULL:.*]]:2 = scf.for
  // CHECK:      %[[O:.*]] = arith.truncf %{{.*}} : tensor<64x64xf32>
  // CHECK-NEXT: %[[PARTS:.*]] = sm.nonfinite_rows %[[O]] : tensor<64x64xbf16> -> tensor<64x4xi1>
  // CHECK-NEXT: %[[NUMBER:.*]] = arith.cmpf ord, %[[FULL]]#0, %[[FULL]]#0
  // CHECK-NEXT: %[[NUMBERS:.*]] = tile.broadcast %[[NUMBER]] : tensor<64x1xi1> -> tensor<64x4xi1>
  // CHECK-NEXT: %[[LEAKS:.*]] = arith.andi %[[PARTS]], %[[NUMBERS]]
  // CHECK-NEXT: %[[ANY:.*]] = sm.group_any %[[LEAKS]]
  // CHECK-NEXT: tile.store %[[O]], %[[OUT]][%[[B]], %[[H]]] tile %[[T]] :

  // For 32 columns of the result at a time, all tiles of both loops, eight keys at a time, in the
  // order of the loops; zeros are skipped in the masked ones. What depends on the point is computed
  // there.

  // CHECK-NEXT: sm.rarely %[[ANY]] {
  // CHECK-NEXT:   %[[P:.*]]:3 = sm.renew %[[T]], %[[H]], %[[B]]
  // CHECK-NEXT:   scf.for %[[COLUMNS:.*]] = %[[C0]] to %[[C2]] step %[[C1]] {
  // CHECK-NEXT:   %[[DIAGONAL:.*]] = arith.addi %[[P]]#0, %[[E]]
  // CHECK-NEXT:   %[[COUNT:.*]] = tile.count (%[[DIAGONAL]]) to (%[[N]])
  // CHECK-NEXT:   %[[ALL:.*]] = tile.count (%[[DIAGONAL]], %[[C0]]) to (%[[N]], %[[DIAGONAL]])
  // CHECK-NEXT:   %[[PARTS:.*]] = arith.muli %[[ALL]], %[[C4]]
  // CHECK-NEXT:   %[[R:.*]]:2 = scf.for %[[I:.*]] = %[[C0]] to %[[PARTS]] step %[[C1]] iter_args(%[[L:.*]] = %[[NONE]], %[[ACC:.*]] = %[[ZERO]]) -> (tensor<64x1xf32>, tensor<64x32xf32>)
  // CHECK-DAG:      %[[NUMBER:.*]] = arith.divui %[[I]], %[[C4]]
  // CHECK-DAG:      %[[PART:.*]] = arith.remui %[[I]], %[[C4]]
  // CHECK-DAG:      %[[SKIPS:.*]] = arith.cmpi slt, %[[NUMBER]], %[[COUNT]]
  // CHECK-DAG:      %[[J:.*]] = tile.nth %[[NUMBER]] of (%[[DIAGONAL]], %[[C0]]) to
  // CHECK-DAG:      %[[FIRST:.*]] = arith.muli %[[J]], %[[C4]]
  // CHECK-DAG:      %[[KEYS:.*]] = arith.addi %[[FIRST]], %[[PART]]
  // CHECK-DAG:      %[[QS:.*]] = sm.locate %[[Q]][%[[P]]#2, %[[P]]#1] tile %[[P]]#0 : {{.*}} -> !sm.place<64x64, bf16>
  // CHECK-DAG:      %[[KS:.*]] = sm.locate %[[K]][%[[P]]#2, %[[P]]#1] tile %[[KEYS]] : {{.*}} -> !sm.place<8x64, bf16>
  // CHECK:          %[[S:.*]] = sm.exact_dot %[[QS]], %[[KS]], %[[SCORES]] transposed
  // CHECK:          tile.positions %[[K]][%[[P]]#2] tile %[[KEYS]] : {{.*}} -> tensor<1x8xi32>
  // CHECK:          tile.mask %[[S]], %{{.*}} : tensor<64x8xf32>
  // CHECK:          tile.reduce add %{{.*}} : tensor<64x8xf32>
  // CHECK:          %[[W:.*]] = arith.truncf %{{.*}} : tensor<64x8xf32> to tensor<64x8xbf16>
  // CHECK:          %[[VS:.*]] = sm.locate %[[V]][%[[P]]#2, %[[P]]#1] tile %[[KEYS]] columns %[[COLUMNS]] : {{.*}} -> !sm.place<8x32, bf16>
  // CHECK:          sm.exact_dot %[[W]], %[[VS]], %[[ACC]] skip_zeros %[[SKIPS]]
  // CHECK-NOT:      tile.load
  // CHECK:        %[[DIVISOR:.*]] = tile.broadcast %[[R]]#0
  // CHECK:        arith.divf %[[R]]#1, %[[DIVISOR]]
  // CHECK:        %[[PART:.*]] = arith.truncf %{{.*}} : tensor<64x32xf32> to tensor<64x32xbf16>
  // CHECK:        %[[OS:.*]] = sm.locate %[[OUT]][%[[P]]#2, %[[P]]#1] tile %[[P]]#0 columns %[[COLUMNS]] : {{.*}} -> !sm.place<64x32, bf16>
  // CHECK:        sm.put %[[PART]], %[[OS]]
  // CHECK-NOT:  tile.store
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %none = arith.constant dense<0.0> : !rows
  %zero = arith.constant dense<0.0> : !sums
  %scores = arith.constant dense<0.0> : tensor<64x32xf32>
  %tile, %h, %b = tile.grid %n, %n, %n
  %queries = tile.load %q[%b, %h] tile %tile padding undefined : !view -> tensor<64x64xbf16>
  %row = tile.positions %q[%b] tile %tile : !view -> tensor<64x1xi32>
  %rows = tile.broadcast %row : tensor<64x1xi32> -> tensor<64x32xi32>
  %diagonal = arith.addi %tile, %e : index
  %count = tile.count (%diagonal) to (%n)
  %r:2 = scf.for %t = %c0 to %count step %c1 iter_args(%l = %none, %acc = %zero) -> (!rows, !sums) {
    %j = tile.nth %t of (%diagonal) to (%n)
    %keys = tile.load %k[%b, %h] tile %j padding undefined : !view -> tensor<32x64xbf16>
    %kt = tile.transpose %keys : tensor<32x64xbf16>
    %s = tile.dot %queries, %kt, %scores : tensor<64x64xbf16>, tensor<64x32xbf16> -> tensor<64x32xf32>
    %col = tile.positions %k[%b] tile %j : !view -> tensor<1x32xi32>
    %cols = tile.broadcast %col : tensor<1x32xi32> -> tensor<64x32xi32>
    %keep = arith.cmpi sle, %cols, %rows : tensor<64x32xi32>
    %x = tile.mask %s, %keep : tensor<64x32xf32>
    %p = math.exp2 %x : tensor<64x32xf32>
    %sum = tile.reduce add %p : tensor<64x32xf32>
    %next = arith.addf %l, %sum : !rows
    %values = tile.load %v[%b, %h] tile %j padding zero : !view -> tensor<32x64xbf16>
    %w = arith.truncf %p : tensor<64x32xf32> to tensor<64x32xbf16>
    %o = tile.dot %w, %values, %acc skip_zeros : tensor<64x32xbf16>, tensor<32x64xbf16> -> !sums
    scf.yield %next, %o : !rows, !sums
  }
  %countFull = tile.count (%c0) to (%diagonal)
  %f:2 = scf.for %t = %c0 to %countFull step %c1 iter_args(%l = %r#0, %acc = %r#1) -> (!rows, !sums) {
    %j = tile.nth %t of (%c0) to (%diagonal)
    %keys = tile.load %k[%b, %h] tile %j padding undefined : !view -> tensor<32x64xbf16>
    %kt = tile.transpose %keys : tensor<32x64xbf16>
    %s = tile.dot %queries, %kt, %scores : tensor<64x64xbf16>, tensor<64x32xbf16> -> tensor<64x32xf32>
    %p = math.exp2 %s : tensor<64x32xf32>
    %sum = tile.reduce add %p : tensor<64x32xf32>
    %next = arith.addf %l, %sum : !rows
    %values = tile.load %v[%b, %h] tile %j padding zero : !view -> tensor<32x64xbf16>
    %w = arith.truncf %p : tensor<64x32xf32> to tensor<64x32xbf16>
    %o = tile.dot %w, %values, %acc : tensor<64x32xbf16>, tensor<32x64xbf16> -> !sums
    scf.yield %next, %o : !rows, !sums
  }
  %divisor = tile.broadcast %f#0 : !rows -> !sums
  %result = arith.divf %f#1, %divisor : !sums
  %narrow = arith.truncf %result : !sums to tensor<64x64xbf16>
  tile.store %narrow, %out[%b, %h] tile %tile : tensor<64x64xbf16>, !view
  return
}
