// RUN: tessera-opt %s --tile-guard-products --verify-diagnostics --split-input-file | FileCheck %s

!view = !tile.view<64xbf16>
!tile = tensor<64x64xbf16>
!sums = tensor<64x64xf32>

// Lengths of other sequences say nothing of the values: here they may be longer than the keys.

// CHECK-LABEL: func @other_sequences
func.func @other_sequences(%q: !view, %k: !view {tile.sequences = "k"},
                           %v: !view {tile.sequences = "v"}, %out: !view, %h: index) {
  // A loop over all tiles, in parts of eight keys, with zeros skipped in each.
  // CHECK:      sm.rarely
  // CHECK:        %[[PARTS:.*]] = arith.muli %[[TILES:.*]], %[[EIGHT:.*]] : index
  // CHECK:        scf.for %[[I:.*]] = %{{.*}} to %[[PARTS]]
  // CHECK:          %[[J:.*]] = arith.divui %[[I]], %[[EIGHT]]
  // CHECK:          %[[SKIPS:.*]] = arith.cmpi slt, %[[J]], %[[TILES]]
  // CHECK:          sm.exact_dot {{.*}} skip_zeros %[[SKIPS]]
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : !sums
  %queries = tile.load %q[%h, %h] tile %h padding undefined : !view -> !tile
  %length = tile.length %k[%h] : !view
  %number = arith.index_cast %length : index to i32
  %end = tensor.splat %number : tensor<1x64xi32>
  %r = scf.for %j = %c0 to %h step %c1 iter_args(%acc = %zero) -> (!sums) {
    %keys = tile.load %k[%h, %h] tile %j padding undefined : !view -> !tile
    %kt = tile.transpose %keys : !tile
    %s = tile.dot %queries, %kt, %zero : !tile, !tile -> !sums
    %col = tile.positions %k[%h] tile %j : !view -> tensor<1x64xi32>
    %inside = arith.cmpi slt, %col, %end : tensor<1x64xi32>
    %keep = tile.broadcast %inside : tensor<1x64xi1> -> tensor<64x64xi1>
    %x = tile.mask %s, %keep : !sums
    %w = arith.truncf %x : !sums to !tile
    %values = tile.load %v[%h, %h] tile %j padding zero : !view -> !tile
    %o = tile.dot %w, %values, %acc skip_zeros : !tile, !tile -> !sums
    scf.yield %o : !sums
  }
  %narrow = arith.truncf %r : !sums to !tile
  tile.store %narrow, %out[%h, %h] tile %h : !tile, !view
  return
}

// -----

!view = !tile.view<64xbf16>
!tile = tensor<64x64xbf16>
!sums = tensor<64x64xf32>

// Of whatever has a column for each key, the columns of eight keys are made: numbers of columns, of
// constants, what is read from tables. What a point decides outside of the loop is made there too.

// CHECK-LABEL: func @columns
// CHECK-SAME:    %[[Q:[a-z0-9]*]]: !tile.view<64xbf16>, %[[K:[a-z0-9]*]]: !tile.view<64xbf16>, %[[V:[a-z0-9]*]]: !tile.view<64xbf16>, %[[T:[a-z0-9]*]]: !tile.table<1xf32>
func.func @columns(%q: !view, %k: !view, %v: !view, %table: !tile.table<1xf32>,
                   %out: !tile.view<64xf32>, %n: index) {
  // CHECK:      sm.rarely
  // CHECK-NEXT:   %[[P:.*]]:3 = sm.renew
  // CHECK:        scf.for
  // CHECK:          %[[PART:.*]] = arith.remui
  // CHECK:          sm.exact_dot {{.*}} transposed
  // CHECK:          %[[FIRST:.*]] = arith.muli %[[PART]], %{{.*}} : index
  // CHECK-NEXT:     %[[NUMBER:.*]] = arith.index_cast %[[FIRST]]
  // CHECK-NEXT:     %[[FIRSTS:.*]] = tensor.splat %[[NUMBER]] : tensor<1x8xi32>
  // CHECK-NEXT:     %[[OWN:.*]] = tile.iota : tensor<1x8xi32>
  // CHECK-NEXT:     %[[COLUMN:.*]] = arith.addi %[[FIRSTS]], %[[OWN]]
  // CHECK-NEXT:     %[[BIAS:.*]] = tile.gather %[[T]][%[[COLUMN]]] : !tile.table<1xf32>, tensor<1x8xi32> -> tensor<1x8xf32>
  // CHECK-NEXT:     tile.broadcast %[[BIAS]] : tensor<1x8xf32> -> tensor<64x8xf32>
  // CHECK:          %[[SLOPE:.*]] = tile.fetch %[[T]][%[[P]]#1]
  // CHECK-NEXT:     tensor.splat %[[SLOPE]] : tensor<64x8xf32>
  // CHECK:          sm.exact_dot {{.*}} skip_zeros
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : !sums
  %tile, %h, %b = tile.grid %n, %n, %n
  %queries = tile.load %q[%b, %h] tile %tile padding undefined : !view -> !tile
  %slope = tile.fetch %table[%h] : !tile.table<1xf32> -> f32
  %slopes = tensor.splat %slope : !sums
  %r = scf.for %j = %c0 to %n step %c1 iter_args(%acc = %zero) -> (!sums) {
    %keys = tile.load %k[%b, %h] tile %j padding undefined : !view -> !tile
    %kt = tile.transpose %keys : !tile
    %s = tile.dot %queries, %kt, %zero : !tile, !tile -> !sums
    %column = tile.iota : tensor<1x64xi32>
    %bias = tile.gather %table[%column] : !tile.table<1xf32>, tensor<1x64xi32> -> tensor<1x64xf32>
    %biases = tile.broadcast %bias : tensor<1x64xf32> -> !sums
    %biased = arith.addf %s, %biases : !sums
    %scaled = arith.mulf %biased, %slopes : !sums
    %w = arith.truncf %scaled : !sums to !tile
    %values = tile.load %v[%b, %h] tile %j padding zero : !view -> !tile
    %o = tile.dot %w, %values, %acc skip_zeros : !tile, !tile -> !sums
    scf.yield %o : !sums
  }
  tile.store %r, %out[%b, %h] tile %tile : !sums, !tile.view<64xf32>
  return
}

// -----

!view = !tile.view<64xbf16>
!tile = tensor<64x64xbf16>
!sums = tensor<64x64xf32>

// A product outside of a loop cannot be computed again in one.

func.func @no_loop(%p: !tile, %v: !view, %out: !tile.view<64xf32>, %h: index) {
  %zero = arith.constant dense<0.0> : !sums
  %values = tile.load %v[%h, %h] tile %h padding zero : !view -> !tile
  // expected-error @+1 {{'tile.dot' op skips zeros in a loop that cannot be computed exactly, which this target needs}}
  %o = tile.dot %p, %values, %zero skip_zeros : !tile, !tile -> !sums
  tile.store %o, %out[%h, %h] tile %h : !sums, !tile.view<64xf32>
  return
}

// -----

!view = !tile.view<64xbf16>
!tile = tensor<64x64xbf16>
!sums = tensor<64x64xf32>

// Nor can the columns of a few keys be made of a tile that comes from elsewhere.

func.func @other_tile(%p: !tile, %v: !view, %out: !tile.view<64xf32>, %h: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : !sums
  %r = scf.for %j = %c0 to %h step %c1 iter_args(%acc = %zero) -> (!sums) {
    %values = tile.load %v[%h, %h] tile %j padding zero : !view -> !tile
    // expected-error @+1 {{'tile.dot' op skips zeros in a loop that cannot be computed exactly, which this target needs}}
    %o = tile.dot %p, %values, %acc skip_zeros : !tile, !tile -> !sums
    scf.yield %o : !sums
  }
  tile.store %r, %out[%h, %h] tile %h : !sums, !tile.view<64xf32>
  return
}

// -----

!view = !tile.view<64xbf16>
!tile = tensor<64x64xbf16>
!sums = tensor<64x64xf32>

// Of three loops the first and the last skip zeros: their iterations do, where all are one loop
// that runs as they do, from the last tile to the first.

// CHECK-LABEL: func @masked_at_both_ends
// CHECK-SAME:    %[[H:[a-z0-9]*]]: index, %[[A:[a-z0-9]*]]: index, %[[B:[a-z0-9]*]]: index, %[[C:[a-z0-9]*]]: index)
// CHECK:         %[[N0:.*]] = tile.count (%[[B]]) to (%[[C]])
// CHECK:           tile.dot %{{.*}}, %{{.*}}, %{{.*}} : tensor<64x64xbf16>
// CHECK:         %[[N1:.*]] = tile.count (%[[A]]) to (%[[B]])
// CHECK:           tile.dot %{{.*}}, %{{.*}}, %{{.*}} : tensor<64x64xbf16>
// CHECK:         %[[N2:.*]] = tile.count (%{{.*}}) to (%[[A]])
// CHECK:           tile.dot %{{.*}}, %{{.*}}, %{{.*}} : tensor<64x64xbf16>
// CHECK:         sm.rarely
// CHECK:           %[[E1:.*]] = arith.addi %[[N0]], %[[N1]]
// CHECK:           %[[E2:.*]] = arith.addi %[[E1]], %[[N2]]
// CHECK:           scf.for
// CHECK:             %[[T:.*]] = arith.divui
// CHECK:             %[[FIRST:.*]] = arith.cmpi slt, %[[T]], %[[N0]]
// CHECK-DAG:         %[[BEFORE:.*]] = arith.cmpi slt, %[[T]], %[[E2]]
// CHECK-DAG:         %[[FROM:.*]] = arith.cmpi sge, %[[T]], %[[E1]]
// CHECK:             %[[LAST:.*]] = arith.andi %[[FROM]], %[[BEFORE]]
// CHECK-NEXT:        %[[SKIPS:.*]] = arith.ori %[[FIRST]], %[[LAST]]
// CHECK:             tile.nth %[[T]] descending of (%[[B]], %[[A]], %{{.*}}) to (%[[C]], %[[B]], %[[A]])
// CHECK:             sm.exact_dot {{.*}} skip_zeros %[[SKIPS]]
func.func @masked_at_both_ends(%q: !view, %v: !view, %out: !view, %h: index, %a: index, %b: index,
                               %c: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : !sums
  %w = arith.constant dense<1.0> : !tile
  %n0 = tile.count (%b) to (%c)
  %r0 = scf.for %t = %c0 to %n0 step %c1 iter_args(%acc = %zero) -> (!sums) {
    %j = tile.nth %t descending of (%b) to (%c)
    %values = tile.load %v[%h, %h] tile %j padding zero : !view -> !tile
    %o = tile.dot %w, %values, %acc skip_zeros : !tile, !tile -> !sums
    scf.yield %o : !sums
  }
  %n1 = tile.count (%a) to (%b)
  %r1 = scf.for %t = %c0 to %n1 step %c1 iter_args(%acc = %r0) -> (!sums) {
    %j = tile.nth %t descending of (%a) to (%b)
    %values = tile.load %v[%h, %h] tile %j padding zero : !view -> !tile
    %o = tile.dot %w, %values, %acc : !tile, !tile -> !sums
    scf.yield %o : !sums
  }
  %n2 = tile.count (%c0) to (%a)
  %r2 = scf.for %t = %c0 to %n2 step %c1 iter_args(%acc = %r1) -> (!sums) {
    %j = tile.nth %t descending of (%c0) to (%a)
    %values = tile.load %v[%h, %h] tile %j padding zero : !view -> !tile
    %o = tile.dot %w, %values, %acc skip_zeros : !tile, !tile -> !sums
    scf.yield %o : !sums
  }
  %narrow = arith.truncf %r2 : !sums to !tile
  tile.store %narrow, %out[%h, %h] tile %h : !tile, !view
  return
}

// -----

!view = !tile.view<64xbf16>
!tile = tensor<64x64xbf16>
!sums = tensor<64x64xf32>

// What columns of the result are made of, are the same columns of constants and numbers.

// CHECK-LABEL: func @epilogue
// CHECK-SAME:    %[[FACTOR:[a-z0-9]*]]: f32)
// CHECK:         sm.rarely
// CHECK:           %[[R:.*]] = scf.for {{.*}} -> (tensor<64x32xf32>)
// CHECK:           %[[ONE:.*]] = arith.constant dense<1.000000e+00> : tensor<64x32xf32>
// CHECK:           arith.addf %[[R]], %[[ONE]]
// CHECK:           tensor.splat %[[FACTOR]] : tensor<64x32xf32>
// CHECK:           sm.put %{{.*}} : tensor<64x32xf32>, !sm.place<64x32, f32>
func.func @epilogue(%v: !view, %out: !tile.view<64xf32>, %h: index, %factor: f32) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : !sums
  %ones = arith.constant dense<1.0> : !sums
  %factors = tensor.splat %factor : !sums
  %p = arith.constant dense<1.0> : !tile
  %r = scf.for %j = %c0 to %h step %c1 iter_args(%acc = %zero) -> (!sums) {
    %values = tile.load %v[%h, %h] tile %j padding zero : !view -> !tile
    %o = tile.dot %p, %values, %acc skip_zeros : !tile, !tile -> !sums
    scf.yield %o : !sums
  }
  %more = arith.addf %r, %ones : !sums
  %scaled = arith.mulf %more, %factors : !sums
  tile.store %scaled, %out[%h, %h] tile %h : !sums, !tile.view<64xf32>
  return
}

// -----

!view = !tile.view<64xbf16>
!tile = tensor<64x64xbf16>
!sums = tensor<64x64xf32>

// What differs from column to column is not known for a part of them.

func.func @column_of_result(%v: !view, %out: !tile.view<64xf32>, %table: !tile.table<1xf32>,
                            %h: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : !sums
  %p = arith.constant dense<1.0> : !tile
  %column = tile.iota : tensor<1x64xi32>
  %bias = tile.gather %table[%column] : !tile.table<1xf32>, tensor<1x64xi32> -> tensor<1x64xf32>
  %biases = tile.broadcast %bias : tensor<1x64xf32> -> !sums
  %r = scf.for %j = %c0 to %h step %c1 iter_args(%acc = %zero) -> (!sums) {
    %values = tile.load %v[%h, %h] tile %j padding zero : !view -> !tile
    // expected-error @+1 {{'tile.dot' op skips zeros in a loop that cannot be computed exactly, which this target needs}}
    %o = tile.dot %p, %values, %acc skip_zeros : !tile, !tile -> !sums
    scf.yield %o : !sums
  }
  %biased = arith.addf %r, %biases : !sums
  tile.store %biased, %out[%h, %h] tile %h : !sums, !tile.view<64xf32>
  return
}
