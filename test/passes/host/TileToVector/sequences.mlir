// RUN: tessera-opt %s --tile-to-vector --canonicalize --cse | FileCheck %s
// RUN: tessera-opt %s --tile-to-vector=checked=true --canonicalize --cse | FileCheck %s --check-prefix=CHECKED

// A load or store may begin at a row of the view and end before the view does.

!view = !tile.view<8xf32>
!rows = tensor<16x8xf32>

// `of` says how many rows there are, instead of the view; `from` moves all of them.

// CHECK-LABEL: func @from_of(
// CHECK-SAME:    %[[BLOCK:[^:]*]]: !llvm.ptr, %[[TILE:[^:]*]]: index, %[[HEAD:[^:]*]]: index, %[[BATCH:[^:]*]]: index, %{{.*}}: !llvm.ptr
func.func @from_of(%q: !view {tile.name = "q"}, %o: !view {tile.name = "o"},
                   %start: index {tile.name = "start"}, %count: index {tile.name = "count"},
                   %end: index {tile.name = "end"}, %tile: index, %head: index, %batch: index) {
  // CHECK:      %[[AT_STRIDE:.*]] = llvm.getelementptr %[[BLOCK]][24]
  // CHECK-NEXT: %[[STRIDE_WIDE:.*]] = llvm.load %[[AT_STRIDE]]
  // CHECK-NEXT: %[[STRIDE:.*]] = arith.index_cast %[[STRIDE_WIDE]]
  // CHECK:      %[[AT_START:.*]] = llvm.getelementptr %[[BLOCK]][112]
  // CHECK-NEXT: %[[START_WIDE:.*]] = llvm.load %[[AT_START]]
  // CHECK-NEXT: %[[START:.*]] = arith.index_cast %[[START_WIDE]]
  // CHECK:      %[[AT_COUNT:.*]] = llvm.getelementptr %[[BLOCK]][120]
  // CHECK-NEXT: %[[COUNT_WIDE:.*]] = llvm.load %[[AT_COUNT]]
  // CHECK-NEXT: %[[COUNT:.*]] = arith.index_cast %[[COUNT_WIDE]]
  // CHECK:      %[[FIRST:.*]] = arith.muli %[[TILE]], %c16
  // CHECK-NEXT: %[[LEFT:.*]] = arith.subi %[[COUNT]], %[[FIRST]]
  // CHECK-NEXT: %[[POSITIVE:.*]] = arith.maxsi %[[LEFT]], %c0
  // CHECK-NEXT: %[[VALID:.*]] = arith.minsi %[[POSITIVE]], %c16
  // CHECK-NEXT: %[[BEGIN:.*]] = arith.addi %[[START]], %[[FIRST]]
  // CHECK-NEXT: scf.for %[[I:.*]] = %c0 to %[[VALID]] step %c1 {
  // CHECK-NEXT:   %[[ROW:.*]] = arith.addi %[[BEGIN]], %[[I]]
  // CHECK:        arith.muli %[[ROW]], %[[STRIDE]]
  // CHECK:          llvm.load %{{.*}} -> f32
  %x = tile.load %q[%batch, %head] tile %tile from %start of %count padding zero : !view -> !rows

  // Padding begins where the rows end.

  // CHECK:      scf.for %{{.*}} = %c0 to %c8
  // CHECK-NEXT:   scf.for %{{.*}} = %[[VALID]] to %c16

  // The store has a length of its own, and begins at the first row.

  // CHECK:      %[[LEFT:.*]] = arith.subi %{{.*}}, %[[FIRST]]
  // CHECK-NEXT: %[[POSITIVE:.*]] = arith.maxsi %[[LEFT]], %c0
  // CHECK-NEXT: %[[VALID:.*]] = arith.minsi %[[POSITIVE]], %c16
  // CHECK-NEXT: scf.for %[[I:.*]] = %c0 to %[[VALID]] step %c1 {
  // CHECK-NEXT:   %[[ROW:.*]] = arith.addi %[[FIRST]], %[[I]]
  tile.store %x, %o[%batch, %head] tile %tile of %end : !rows, !view
  return
}

// What begins at a row must end within the view: start + length is a number of
// rows, so one more than them is the limit. Violation 3 is of a row.

// CHECKED-LABEL: func @from_of(
// CHECKED-SAME:    %[[BLOCK:[^:]*]]: !llvm.ptr
// CHECKED:         llvm.getelementptr %[[BLOCK]][48]
// CHECKED:         %[[ROWS:.*]] = arith.index_cast
// CHECKED:         llvm.getelementptr %[[BLOCK]][112]
// CHECKED:         %[[START:.*]] = arith.index_cast
// CHECKED:         llvm.getelementptr %[[BLOCK]][120]
// CHECKED:         %[[COUNT:.*]] = arith.index_cast
// CHECKED-DAG:     %[[LAST:.*]] = arith.addi %[[START]], %[[COUNT]] : index
// CHECKED-DAG:     %[[LIMIT:.*]] = arith.addi %[[ROWS]], %c1 : index
// CHECKED:         %[[OUTSIDE:.*]] = arith.cmpi uge, %[[LAST]], %[[LIMIT]]
// CHECKED-NEXT:    scf.if %[[OUTSIDE]] {
// CHECKED:           llvm.call @tessera_host_violation(%{{.*}}, %c3_i64,
