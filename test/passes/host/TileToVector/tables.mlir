// RUN: tessera-opt %s --tile-to-vector --canonicalize --cse | FileCheck %s

!view = !tile.view<8xf32>
!rows = tensor<16x8xf32>
!places = tensor<16x8xi32>

// One number: read only where each coordinate is within its extent, zero elsewhere.
// Unsigned comparisons catch what is negative.

// CHECK-LABEL: func @fetch(
// CHECK-SAME:    %[[BLOCK:[^:]*]]: !llvm.ptr, %[[OUT:[^:]*]]: !llvm.ptr)
func.func @fetch(%starts: !tile.table<2xi32> {tile.name = "starts"}, %i: index {tile.name = "i"},
                 %j: index {tile.name = "j"}) -> index {
  // CHECK:      %[[ZERO:.*]] = arith.constant 0 : i32
  // CHECK:      %[[DATA:.*]] = llvm.load %[[BLOCK]] {{.*}} -> !llvm.ptr
  // CHECK-NEXT: %[[AT_ROWS:.*]] = llvm.getelementptr %[[BLOCK]][8]
  // CHECK-NEXT: %[[ROWS_WIDE:.*]] = llvm.load %[[AT_ROWS]]
  // CHECK-NEXT: %[[ROWS:.*]] = arith.index_cast %[[ROWS_WIDE]]
  // CHECK-NEXT: %[[AT_ROW:.*]] = llvm.getelementptr %[[BLOCK]][40]
  // CHECK-NEXT: %[[ROW_WIDE:.*]] = llvm.load %[[AT_ROW]]
  // CHECK-NEXT: %[[ROW:.*]] = arith.index_cast %[[ROW_WIDE]]
  // CHECK-NEXT: %[[AT_COLUMNS:.*]] = llvm.getelementptr %[[BLOCK]][16]
  // CHECK-NEXT: %[[COLUMNS_WIDE:.*]] = llvm.load %[[AT_COLUMNS]]
  // CHECK-NEXT: %[[COLUMNS:.*]] = arith.index_cast %[[COLUMNS_WIDE]]
  // CHECK-NEXT: %[[AT_COLUMN:.*]] = llvm.getelementptr %[[BLOCK]][48]
  // CHECK-NEXT: %[[COLUMN_WIDE:.*]] = llvm.load %[[AT_COLUMN]]
  // CHECK-NEXT: %[[COLUMN:.*]] = arith.index_cast %[[COLUMN_WIDE]]
  // CHECK:      %[[IN_ROWS:.*]] = arith.cmpi ult, %[[I:.*]], %[[ROWS]] : index
  // CHECK-NEXT: %[[LINE:.*]] = arith.muli %[[I]], %[[ROW]]
  // CHECK-NEXT: %[[IN_COLUMNS:.*]] = arith.cmpi ult, %[[J:.*]], %[[COLUMNS]] : index
  // CHECK-NEXT: %[[WITHIN:.*]] = arith.andi %[[IN_ROWS]], %[[IN_COLUMNS]]
  // CHECK-NEXT: %[[PLACE:.*]] = arith.muli %[[J]], %[[COLUMN]]
  // CHECK-NEXT: %[[OFFSET:.*]] = arith.addi %[[LINE]], %[[PLACE]]
  // CHECK-NEXT: %[[NUMBER:.*]] = scf.if %[[WITHIN]] -> (i32) {
  // CHECK-NEXT:   %[[WIDE:.*]] = arith.index_cast %[[OFFSET]]
  // CHECK-NEXT:   %[[ADDRESS:.*]] = llvm.getelementptr %[[DATA]][%[[WIDE]]] : (!llvm.ptr, i64) -> !llvm.ptr, i32
  // CHECK-NEXT:   %[[ENTRY:.*]] = llvm.load %[[ADDRESS]] {alignment = 4 : i64} : !llvm.ptr -> i32
  // CHECK-NEXT:   scf.yield %[[ENTRY]]
  // CHECK-NEXT: } else {
  // CHECK-NEXT:   scf.yield %[[ZERO]]
  // CHECK:      llvm.store %{{.*}}, %[[OUT]]
  %number = tile.fetch %starts[%i, %j] : !tile.table<2xi32> -> i32
  %index = arith.index_cast %number : i32 to index
  return %index : index
}

// A number for each element: vectors of addresses and of what lies within. They are
// computed in 64 bits, so that no product of a place and a stride wraps. Elsewhere
// there are zeros.

// CHECK-LABEL: func @gather(
// CHECK-SAME:    %[[BLOCK:[^:]*]]: !llvm.ptr, %[[TILE:[^:]*]]: index,
func.func @gather(%o: !view {tile.name = "o"}, %bias: !tile.table<2xf32> {tile.name = "bias"},
                  %tile: index, %head: index, %batch: index) {
  // CHECK-DAG:  %[[ZEROS:.*]] = arith.constant dense<0.000000e+00> : vector<16xf32>
  // CHECK-DAG:  %[[LANES:.*]] = arith.constant dense<[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]> : vector<16xi32>
  // CHECK:      %[[AT_DATA:.*]] = llvm.getelementptr %[[BLOCK]][56]
  // CHECK-NEXT: %[[DATA:.*]] = llvm.load %[[AT_DATA]] {{.*}} -> !llvm.ptr
  // CHECK:      %[[AT_ROWS:.*]] = llvm.getelementptr %[[BLOCK]][64]
  // CHECK-NEXT: %[[ROWS:.*]] = llvm.load %[[AT_ROWS]] {{.*}} -> i64
  // CHECK:      %[[AT_ROW:.*]] = llvm.getelementptr %[[BLOCK]][96]
  // CHECK-NEXT: %[[ROW:.*]] = llvm.load %[[AT_ROW]] {{.*}} -> i64
  // CHECK:      %[[AT_COLUMNS:.*]] = llvm.getelementptr %[[BLOCK]][72]
  // CHECK-NEXT: %[[COLUMNS:.*]] = llvm.load %[[AT_COLUMNS]] {{.*}} -> i64
  // CHECK:      %[[AT_COLUMN:.*]] = llvm.getelementptr %[[BLOCK]][104]
  // CHECK-NEXT: %[[COLUMN:.*]] = llvm.load %[[AT_COLUMN]] {{.*}} -> i64
  // CHECK:      %[[I_NARROW:.*]] = arith.addi %{{.*}}, %[[LANES]]
  // CHECK:      scf.for %[[C:.*]] = %c0 to %c8 step %c1 {
  %row = tile.positions %o[%batch] tile %tile : !view -> tensor<16x1xi32>
  %rows = tile.broadcast %row : tensor<16x1xi32> -> !places

  // The number of a column is the counter of the loop over them.

  // CHECK-NEXT:   %[[C_NARROW:.*]] = arith.index_cast %[[C]] : index to i32
  // CHECK-NEXT:   %[[J_NARROW:.*]] = vector.broadcast %[[C_NARROW]] : i32 to vector<16xi32>
  %col = tile.iota : tensor<1x8xi32>
  %cols = tile.broadcast %col : tensor<1x8xi32> -> !places
  // CHECK-NEXT:   %[[I:.*]] = arith.extsi %[[I_NARROW]] : vector<16xi32> to vector<16xi64>
  // CHECK-NEXT:   %[[ROWS_ALL:.*]] = vector.broadcast %[[ROWS]]
  // CHECK-NEXT:   %[[IN_ROWS:.*]] = arith.cmpi ult, %[[I]], %[[ROWS_ALL]] : vector<16xi64>
  // CHECK-NEXT:   %[[ROW_ALL:.*]] = vector.broadcast %[[ROW]]
  // CHECK-NEXT:   %[[LINE:.*]] = arith.muli %[[I]], %[[ROW_ALL]]
  // CHECK-NEXT:   %[[J:.*]] = arith.extsi %[[J_NARROW]] : vector<16xi32> to vector<16xi64>
  // CHECK-NEXT:   %[[COLUMNS_ALL:.*]] = vector.broadcast %[[COLUMNS]]
  // CHECK-NEXT:   %[[IN_COLUMNS:.*]] = arith.cmpi ult, %[[J]], %[[COLUMNS_ALL]] : vector<16xi64>
  // CHECK-NEXT:   %[[WITHIN:.*]] = arith.andi %[[IN_ROWS]], %[[IN_COLUMNS]]
  // CHECK-NEXT:   %[[COLUMN_ALL:.*]] = vector.broadcast %[[COLUMN]]
  // CHECK-NEXT:   %[[PLACE:.*]] = arith.muli %[[J]], %[[COLUMN_ALL]]
  // CHECK-NEXT:   %[[OFFSET:.*]] = arith.addi %[[LINE]], %[[PLACE]]
  // CHECK-NEXT:   %[[ADDRESSES:.*]] = llvm.getelementptr %[[DATA]][%[[OFFSET]]] : (!llvm.ptr, vector<16xi64>) -> vector<16x!llvm.ptr>, f32
  // CHECK-NEXT:   %[[NUMBERS:.*]] = llvm.intr.masked.gather %[[ADDRESSES]], %[[WITHIN]], %[[ZEROS]] {alignment = 4 : i32}
  // CHECK:        llvm.store %[[NUMBERS]]
  %x = tile.gather %bias[%rows, %cols] : !tile.table<2xf32>, !places -> !rows
  tile.store %x, %o[%batch, %head] tile %tile : !rows, !view
  return
}

// Positions read from a table, and what is read at them: no memory in between.

// CHECK-LABEL: func @gather_of_gather(
func.func @gather_of_gather(%o: !view {tile.name = "o"}, %bias: !tile.table<1xf32> {tile.name = "bias"},
                            %labels: !tile.table<1xi32> {tile.name = "labels"},
                            %tile: index, %head: index, %batch: index) {
  // CHECK:      %[[LABELS:.*]] = llvm.intr.masked.gather {{.*}} -> vector<16xi32>
  // CHECK-NOT:  llvm.store
  // CHECK:      %[[WIDE:.*]] = arith.extsi %[[LABELS]] : vector<16xi32> to vector<16xi64>
  // CHECK-NOT:  llvm.store
  // CHECK:      llvm.intr.masked.gather {{.*}} -> vector<16xf32>
  // CHECK:      llvm.store %{{.*}} : vector<16xf32>
  %row = tile.positions %o[%batch] tile %tile : !view -> tensor<16x1xi32>
  %label = tile.gather %labels[%row] : !tile.table<1xi32>, tensor<16x1xi32> -> tensor<16x1xi32>
  %all = tile.broadcast %label : tensor<16x1xi32> -> !places
  %x = tile.gather %bias[%all] : !tile.table<1xf32>, !places -> !rows
  tile.store %x, %o[%batch, %head] tile %tile : !rows, !view
  return
}
