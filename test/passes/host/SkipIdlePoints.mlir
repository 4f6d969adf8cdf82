// RUN: tessera-opt %s --tile-skip-idle-points | FileCheck %s

!view = !tile.view<64xf32>
!rows = tensor<96x64xf32>
!starts = !tile.table<1xi32>

// Every store says how many rows there are: what decides it stays in front, the
// rest is done only where a row is left.

// CHECK-LABEL: func @packed
// CHECK-SAME:    %[[Q:[a-z0-9]*]]: !tile.view<64xf32>, %[[O:[a-z0-9]*]]: !tile.view<64xf32>, %[[STARTS:[a-z0-9]*]]: !tile.table<1xi32>, %[[N:[a-z0-9]*]]: index
func.func @packed(%q: !view, %o: !view, %starts: !starts, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // CHECK:      %[[TILE:[a-z]*]], %[[HEAD:[a-z]*]], %[[BATCH:[a-z]*]] = tile.grid
  %tile, %head, %batch = tile.grid %n, %n, %n
  // CHECK-NEXT: %[[NEXT:.*]] = arith.addi %[[BATCH]],
  // CHECK-NEXT: %[[END:.*]] = tile.fetch %[[STARTS]][%[[NEXT]]]
  // CHECK-NEXT: %[[FIRST:.*]] = tile.fetch %[[STARTS]][%[[BATCH]]]
  // CHECK-NEXT: %[[COUNT:.*]] = arith.subi %[[END]], %[[FIRST]] : i32
  // CHECK-NEXT: %[[LENGTH:.*]] = arith.index_cast %[[COUNT]]
  // CHECK-NEXT: %[[SIZE:.*]] = arith.constant 96 : index
  // CHECK-NEXT: %[[ROW:.*]] = arith.muli %[[TILE]], %[[SIZE]] : index
  // CHECK-NEXT: %[[LIVE:.*]] = arith.cmpi slt, %[[ROW]], %[[LENGTH]] : index
  // CHECK-NEXT: scf.if %[[LIVE]] {
  // CHECK-NEXT:   %[[FROM:.*]] = arith.index_cast %[[FIRST]]
  // CHECK-NEXT:   %[[X:.*]] = tile.load %[[Q]][%{{.*}}, %[[HEAD]]] tile %[[TILE]] from %[[FROM]] of %[[LENGTH]]
  // CHECK-NEXT:   %[[Y:.*]] = math.exp2 %[[X]]
  // CHECK-NEXT:   tile.store %[[Y]], %[[O]][%{{.*}}, %[[HEAD]]] tile %[[TILE]] from %[[FROM]] of %[[LENGTH]]
  // CHECK-NEXT: }
  // CHECK-NEXT: return
  %next = arith.addi %batch, %c1 : index
  %end = tile.fetch %starts[%next] : !starts -> i32
  %first = tile.fetch %starts[%batch] : !starts -> i32
  %from = arith.index_cast %first : i32 to index
  %count = arith.subi %end, %first : i32
  %length = arith.index_cast %count : i32 to index
  %x = tile.load %q[%c0, %head] tile %tile from %from of %length padding undefined : !view -> !rows
  %y = math.exp2 %x : !rows
  tile.store %y, %o[%c0, %head] tile %tile from %from of %length : !rows, !view
  return
}

// Stores of several sizes and lengths: a point is idle when none has a row left. A
// store under a branch counts, too.

// CHECK-LABEL: func @two_stores
// CHECK-SAME:    %{{[a-z0-9]*}}: !tile.view<64xf32>, %[[A:[a-z0-9]*]]: index, %[[B:[a-z0-9]*]]: index
func.func @two_stores(%o: !view, %a: index, %b: index, %some: i1) {
  // CHECK:      %[[TILE:[a-z]*]], %{{.*}}, %{{.*}} = tile.grid
  %tile, %head, %batch = tile.grid %a, %a, %a
  // CHECK-NEXT: %[[TALL:.*]] = arith.constant 96 : index
  // CHECK-NEXT: %[[TALL_ROW:.*]] = arith.muli %[[TILE]], %[[TALL]]
  // CHECK-NEXT: %[[FIRST:.*]] = arith.cmpi slt, %[[TALL_ROW]], %[[A]]
  // CHECK-NEXT: %[[LOW:.*]] = arith.constant 32 : index
  // CHECK-NEXT: %[[LOW_ROW:.*]] = arith.muli %[[TILE]], %[[LOW]]
  // CHECK-NEXT: %[[SECOND:.*]] = arith.cmpi slt, %[[LOW_ROW]], %[[B]]
  // CHECK-NEXT: %[[LIVE:.*]] = arith.ori %[[FIRST]], %[[SECOND]]
  // CHECK-NEXT: scf.if %[[LIVE]] {
  // CHECK:        tile.store
  // CHECK:        scf.if
  // CHECK:          tile.store
  // CHECK:      return
  %x = tile.load %o[%batch, %head] tile %tile padding zero : !view -> !rows
  %y = tile.load %o[%batch, %head] tile %tile padding zero : !view -> tensor<32x64xf32>
  tile.store %x, %o[%batch, %head] tile %tile of %a : !rows, !view
  scf.if %some {
    tile.store %y, %o[%batch, %head] tile %tile of %b : tensor<32x64xf32>, !view
  }
  return
}

// A store without a length writes all rows of the view: the grid is made for it.

// CHECK-LABEL: func @store_without_length
func.func @store_without_length(%o: !view, %n: index) {
  // CHECK-NOT: scf.if
  // CHECK:     return
  %tile, %head, %batch = tile.grid %n, %n, %n
  %x = tile.load %o[%batch, %head] tile %tile of %n padding zero : !view -> !rows
  tile.store %x, %o[%batch, %head] tile %tile of %n : !rows, !view
  tile.store %x, %o[%batch, %head] tile %tile : !rows, !view
  return
}

// A store of another tile than that of the point.

// CHECK-LABEL: func @store_in_loop
func.func @store_in_loop(%o: !view, %n: index) {
  // CHECK-NOT: scf.if
  // CHECK:     return
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %tile, %head, %batch = tile.grid %n, %n, %n
  scf.for %j = %c0 to %n step %c1 {
    %x = tile.load %o[%batch, %head] tile %j of %n padding zero : !view -> !rows
    tile.store %x, %o[%batch, %head] tile %j of %n : !rows, !view
  }
  return
}

// A length that is only known inside of a loop.

// CHECK-LABEL: func @length_in_loop
func.func @length_in_loop(%o: !view, %starts: !starts, %n: index) {
  // CHECK-NOT: scf.if
  // CHECK:     return
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %tile, %head, %batch = tile.grid %n, %n, %n
  scf.for %j = %c0 to %n step %c1 {
    %count = tile.fetch %starts[%j] : !starts -> i32
    %length = arith.index_cast %count : i32 to index
    %x = tile.load %o[%j, %head] tile %tile of %length padding zero : !view -> !rows
    tile.store %x, %o[%j, %head] tile %tile of %length : !rows, !view
  }
  return
}

// Nothing is stored, and there is no grid.

// CHECK-LABEL: func @no_store
func.func @no_store(%n: index) {
  // CHECK-NEXT: tile.grid
  // CHECK-NEXT: return
  %tile, %head, %batch = tile.grid %n, %n, %n
  return
}

// CHECK-LABEL: func @no_grid
func.func @no_grid(%o: !view, %i: index, %x: !rows) {
  // CHECK-NEXT: tile.store
  // CHECK-NEXT: return
  tile.store %x, %o[%i, %i] tile %i of %i : !rows, !view
  return
}

// CHECK: func private @declared(index)
func.func private @declared(index)
