// RUN: tessera-opt %s --tile-to-vector --canonicalize --cse | FileCheck %s

!view = !tile.view<8xf32>
!rows = tensor<16x8xf32>

// Columns are copied, whole vectors of rows at a time, to where their neighbours
// were: here the runs 0-2 and 3-5. Columns 6 and 7 have no whole pair around them.

// CHECK-LABEL: func @exchange(
// CHECK-SAME:    %[[FROM:[^: ]*]]: !llvm.ptr) attributes {tile.scratch_bytes = 1024
func.func @exchange(%q: !view {tile.name = "q"}, %tile: index, %head: index, %batch: index) {
  // CHECK:      %[[TO:.*]] = llvm.getelementptr %[[FROM]][512]
  // CHECK:      scf.for %[[I:.*]] = %c0 to %c3 step %c1 {
  // CHECK-NEXT:   %[[J:.*]] = arith.addi %[[I]], %c3
  // CHECK-NEXT:   %[[LEFT_OFFSET:.*]] = arith.muli %[[I]], %c16
  // CHECK-NEXT:   %[[LEFT:.*]] = arith.index_cast %[[LEFT_OFFSET]]
  // CHECK-NEXT:   %[[FROM_LEFT:.*]] = llvm.getelementptr %[[FROM]][%[[LEFT]]]
  // CHECK-NEXT:   %[[A:.*]] = llvm.load %[[FROM_LEFT]] {{.*}} -> vector<16xf32>
  // CHECK-NEXT:   %[[RIGHT_OFFSET:.*]] = arith.muli %[[J]], %c16
  // CHECK-NEXT:   %[[RIGHT:.*]] = arith.index_cast %[[RIGHT_OFFSET]]
  // CHECK-NEXT:   %[[TO_RIGHT:.*]] = llvm.getelementptr %[[TO]][%[[RIGHT]]]
  // CHECK-NEXT:   llvm.store %[[A]], %[[TO_RIGHT]]
  // CHECK-NEXT:   %[[FROM_RIGHT:.*]] = llvm.getelementptr %[[FROM]][%[[RIGHT]]]
  // CHECK-NEXT:   %[[B:.*]] = llvm.load %[[FROM_RIGHT]] {{.*}} -> vector<16xf32>
  // CHECK-NEXT:   %[[TO_LEFT:.*]] = llvm.getelementptr %[[TO]][%[[LEFT]]]
  // CHECK-NEXT:   llvm.store %[[B]], %[[TO_LEFT]]
  // CHECK:      scf.for %[[K:.*]] = %c6 to %c8 step %c1 {
  // CHECK:        %[[C:.*]] = llvm.load %{{.*}} -> vector<16xf32>
  // CHECK:        llvm.store %[[C]]
  // CHECK:      scf.for
  // CHECK:        llvm.getelementptr %[[TO]][
  %x = tile.load %q[%batch, %head] tile %tile padding zero : !view -> !rows
  %y = tile.exchange %x by 3 : !rows
  tile.store %y, %q[%batch, %head] tile %tile : !rows, !view
  return
}

// Neighbours: four pairs, and no column stays.

// CHECK-LABEL: func @neighbours(
func.func @neighbours(%q: !view {tile.name = "q"}, %tile: index, %head: index, %batch: index) {
  // CHECK:      scf.for %[[PAIR:.*]] = %c0 to %c4 step %c1 {
  // CHECK-NEXT:   %[[LEFT:.*]] = arith.muli %[[PAIR]], %c2
  // CHECK-NEXT:   arith.addi %[[LEFT]], %c1
  // CHECK-NOT:  = %c8 to %c8
  %x = tile.load %q[%batch, %head] tile %tile padding zero : !view -> !rows
  %y = tile.exchange %x by 1 : !rows
  tile.store %y, %q[%batch, %head] tile %tile : !rows, !view
  return
}

// A run that is longer than half of the columns: everything stays.

// CHECK-LABEL: func @no_pair(
func.func @no_pair(%q: !view {tile.name = "q"}, %tile: index, %head: index, %batch: index) {
  // CHECK:      llvm.store %cst, %{{.*}} : f32
  // CHECK:      scf.for %[[K:.*]] = %c0 to %c8 step %c1 {
  // CHECK-NEXT:   %[[OFFSET:.*]] = arith.muli %[[K]], %c16
  // CHECK-NEXT:   %[[WIDE:.*]] = arith.index_cast %[[OFFSET]]
  // CHECK-NEXT:   %[[FROM:.*]] = llvm.getelementptr %{{.*}}[%[[WIDE]]]
  // CHECK-NEXT:   %[[X:.*]] = llvm.load %[[FROM]] {{.*}} -> vector<16xf32>
  // CHECK-NEXT:   %[[TO:.*]] = llvm.getelementptr %{{.*}}[%[[WIDE]]]
  // CHECK-NEXT:   llvm.store %[[X]], %[[TO]] {alignment = 4 : i64} : vector<16xf32>
  // CHECK-NOT:  vector<16xf32>
  // CHECK:      return
  %x = tile.load %q[%batch, %head] tile %tile padding zero : !view -> !rows
  %y = tile.exchange %x by 5 : !rows
  tile.store %y, %q[%batch, %head] tile %tile : !rows, !view
  return
}

// What is computed is put into memory first: an exchange reads other columns than
// it writes.

// CHECK-LABEL: func @of_computed(
// CHECK-SAME:    %[[SCRATCH:[^: ]*]]: !llvm.ptr) attributes
func.func @of_computed(%q: !view {tile.name = "q"}, %tile: index, %head: index, %batch: index) {
  // CHECK:      %[[SQUARE:.*]] = arith.mulf %{{.*}} : vector<16xf32>
  // CHECK:      llvm.store %[[SQUARE]]
  // CHECK:      scf.for %{{.*}} = %c0 to %c4 step %c1 {
  // CHECK-NOT:    arith.mulf
  // CHECK:        llvm.load %{{.*}} -> vector<16xf32>
  // CHECK:        llvm.load %{{.*}} -> vector<16xf32>
  // CHECK:      %[[SUM:.*]] = arith.addf
  // CHECK:      llvm.store %[[SUM]]
  %x = tile.load %q[%batch, %head] tile %tile padding zero : !view -> !rows
  %square = arith.mulf %x, %x : !rows
  %y = tile.exchange %square by 4 : !rows
  %sum = arith.addf %square, %y : !rows
  tile.store %sum, %q[%batch, %head] tile %tile : !rows, !view
  return
}
