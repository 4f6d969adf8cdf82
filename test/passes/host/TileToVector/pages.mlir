// RUN: tessera-opt %s --tile-to-vector --canonicalize --cse | FileCheck %s
// RUN: tessera-opt %s --tile-to-vector=checked=true --canonicalize --cse | FileCheck %s --check-prefix=CHECKED

// Row r of a sequence lies in the page that the table names at r / n, n being the
// rows of a page: the view's.

!view = !tile.view<8xf32>
!pages = !tile.table<2xi32>
!rows = tensor<16x8xf32>

// The loop over the pages of a tile reads one entry of the table for each page. A
// tile without rows has no page: the loop ends where it begins.

// CHECK-LABEL: func @load(
// CHECK-SAME:    %[[BLOCK:[^:]*]]: !llvm.ptr, %[[TILE:[^:]*]]: index, %[[HEAD:[^:]*]]: index, %[[BATCH:[^:]*]]: index, %[[SCRATCH:[^:]*]]: !llvm.ptr
func.func @load(%k: !view {tile.name = "k"}, %o: !view {tile.name = "o"},
                %pages: !pages {tile.name = "page_table"}, %count: index {tile.name = "count"},
                %start: index {tile.name = "start"}, %tile: index, %head: index, %batch: index) {
  // CHECK:      %[[AT_PAGE_STRIDE:.*]] = llvm.getelementptr %[[BLOCK]][8]
  // CHECK-NEXT: %[[PAGE_STRIDE_WIDE:.*]] = llvm.load %[[AT_PAGE_STRIDE]]
  // CHECK-NEXT: %[[PAGE_STRIDE:.*]] = arith.index_cast %[[PAGE_STRIDE_WIDE]]
  // CHECK:      %[[AT_ROW_STRIDE:.*]] = llvm.getelementptr %[[BLOCK]][24]
  // CHECK-NEXT: %[[ROW_STRIDE_WIDE:.*]] = llvm.load %[[AT_ROW_STRIDE]]
  // CHECK-NEXT: %[[ROW_STRIDE:.*]] = arith.index_cast %[[ROW_STRIDE_WIDE]]
  // CHECK:      %[[AT_SIZE:.*]] = llvm.getelementptr %[[BLOCK]][48]
  // CHECK-NEXT: %[[SIZE_WIDE:.*]] = llvm.load %[[AT_SIZE]]
  // CHECK-NEXT: %[[SIZE:.*]] = arith.index_cast %[[SIZE_WIDE]]
  // CHECK:      %[[AT_TABLE:.*]] = llvm.getelementptr %[[BLOCK]][112]
  // CHECK-NEXT: %[[TABLE:.*]] = llvm.load %[[AT_TABLE]]
  // CHECK:      %[[AT_SEQUENCE:.*]] = llvm.getelementptr %[[BLOCK]][152]
  // CHECK-NEXT: %[[SEQUENCE_WIDE:.*]] = llvm.load %[[AT_SEQUENCE]]
  // CHECK-NEXT: %[[SEQUENCE:.*]] = arith.index_cast %[[SEQUENCE_WIDE]]
  // CHECK:      %[[AT_PLACE:.*]] = llvm.getelementptr %[[BLOCK]][160]
  // CHECK-NEXT: %[[PLACE_WIDE:.*]] = llvm.load %[[AT_PLACE]]
  // CHECK-NEXT: %[[PLACE:.*]] = arith.index_cast %[[PLACE_WIDE]]
  // CHECK:      %[[VALID:.*]] = arith.minsi %{{.*}}, %c16
  // CHECK-NEXT: %[[BEGIN:.*]] = arith.addi
  // CHECK-NEXT: %[[END:.*]] = arith.addi %[[BEGIN]], %[[VALID]]
  // CHECK-NEXT: %[[NONE:.*]] = arith.cmpi eq, %[[VALID]], %c0
  // CHECK-NEXT: %[[FIRST:.*]] = arith.divui %[[BEGIN]], %[[SIZE]]
  // CHECK-NEXT: %[[LAST_ROW:.*]] = arith.subi %[[END]], %c1
  // CHECK-NEXT: %[[LAST:.*]] = arith.divui %[[LAST_ROW]], %[[SIZE]]
  // CHECK-NEXT: %[[AFTER:.*]] = arith.addi %[[LAST]], %c1
  // CHECK-NEXT: %[[STOP:.*]] = arith.select %[[NONE]], %[[FIRST]], %[[AFTER]]
  // CHECK-NEXT: scf.for %[[PAGE:.*]] = %[[FIRST]] to %[[STOP]] step %c1 {
  // CHECK-DAG:    %[[COLUMN:.*]] = arith.muli %[[PAGE]], %[[PLACE]]
  // CHECK-DAG:    %[[LINE:.*]] = arith.muli %[[BATCH]], %[[SEQUENCE]]
  // CHECK:        %[[ENTRY:.*]] = arith.addi %[[LINE]], %[[COLUMN]]
  // CHECK-NEXT:   %[[ENTRY_WIDE:.*]] = arith.index_cast %[[ENTRY]]
  // CHECK-NEXT:   %[[AT_ENTRY:.*]] = llvm.getelementptr %[[TABLE]][%[[ENTRY_WIDE]]] : (!llvm.ptr, i64) -> !llvm.ptr, i32
  // CHECK-NEXT:   %[[NUMBER_NARROW:.*]] = llvm.load %[[AT_ENTRY]] {{.*}} -> i32
  // CHECK-NEXT:   %[[NUMBER:.*]] = arith.index_cast %[[NUMBER_NARROW]] : i32 to index

  // Of each page the rows that the tile has there.

  // CHECK-NEXT:   %[[PAGE_BEGIN:.*]] = arith.muli %[[PAGE]], %[[SIZE]]
  // CHECK-NEXT:   %[[FROM:.*]] = arith.maxsi %[[BEGIN]], %[[PAGE_BEGIN]]
  // CHECK-NEXT:   %[[PAGE_END:.*]] = arith.addi %[[PAGE_BEGIN]], %[[SIZE]]
  // CHECK-NEXT:   %[[TO:.*]] = arith.minsi %[[END]], %[[PAGE_END]]
  // CHECK-NEXT:   scf.for %[[ROW:.*]] = %[[FROM]] to %[[TO]] step %c1 {
  // CHECK-DAG:      %[[LANE:.*]] = arith.subi %[[ROW]], %[[BEGIN]]
  // CHECK-DAG:      %[[WITHIN:.*]] = arith.subi %[[ROW]], %[[PAGE_BEGIN]]
  // CHECK-DAG:      arith.muli %[[NUMBER]], %[[PAGE_STRIDE]]
  // CHECK-DAG:      arith.muli %[[WITHIN]], %[[ROW_STRIDE]]
  // CHECK:          scf.for
  // CHECK:            %[[ELEMENT:.*]] = llvm.load %{{.*}} -> f32
  // CHECK:            arith.addi %{{.*}}, %[[LANE]]
  // CHECK:            llvm.store %[[ELEMENT]]
  // CHECK:      scf.for %{{.*}} = %c0 to %c8 step %c1
  // CHECK-NEXT:   scf.for %{{.*}} = %[[VALID]] to %c16 step %c1
  %x = tile.load %k[%batch, %head] tile %tile from %start of %count through %pages padding zero
         : !view, !pages -> !rows
  tile.store %x, %o[%batch, %head] tile %tile : !rows, !view
  return
}

// The batch names a line of the table, so it is not checked against the view: the
// page is (4), where it is read.

// CHECKED-LABEL: func @load(
// CHECKED-NOT:     tessera_host_violation(%{{.*}}, %c0_i64,
// CHECKED:         llvm.call @tessera_host_violation(%[[LINE:.*]], %c1_i64,
// CHECKED:         llvm.call @tessera_host_violation(%[[LINE]], %c2_i64,
// CHECKED-NOT:     tessera_host_violation
// CHECKED:         arith.divui
// CHECKED:         scf.for
// CHECKED:           %[[NUMBER:.*]] = llvm.load {{.*}} -> i32
// CHECKED-NEXT:      %[[PAGE:.*]] = arith.index_cast %[[NUMBER]]
// CHECKED-NEXT:      %[[OUTSIDE:.*]] = arith.cmpi uge, %[[PAGE]],
// CHECKED-NEXT:      scf.if %[[OUTSIDE]] {
// CHECKED:             llvm.call @tessera_host_violation(%[[LINE]], %c4_i64,

// The other layout of a load, and stores, go through the pages too.

// CHECK-LABEL: func @natural_and_store(
func.func @natural_and_store(%k: !view {tile.name = "k"}, %o: !view {tile.name = "o"},
                             %pages: !pages {tile.name = "page_table"}, %a: f32 {tile.name = "a"},
                             %tile: index, %head: index, %batch: index) {
  // CHECK:      scf.for %{{.*}} = %[[FIRST:.*]] to
  // CHECK:        llvm.load {{.*}} -> i32
  // CHECK:        scf.for
  // CHECK:          llvm.load {{.*}} -> vector<8xf32>
  // CHECK:      math.fma
  // CHECK:      scf.for %{{.*}} = %{{.*}} to
  // CHECK:        llvm.load {{.*}} -> i32
  // CHECK:        scf.for
  // CHECK:          scf.for
  // CHECK:            llvm.store %{{.*}} : f32
  %x = tile.load %k[%batch, %head] tile %tile through %pages padding zero : !view, !pages -> !rows
  %y = tensor.splat %a : tensor<16x16xf32>
  %zero = arith.constant dense<0.0> : !rows
  %z = tile.dot %y, %x, %zero : tensor<16x16xf32>, !rows -> !rows
  tile.store %z, %o[%batch, %head] tile %tile through %pages : !rows, !view, !pages
  return
}
