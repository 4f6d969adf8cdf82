// RUN: tessera-opt %s --tile-to-vector --canonicalize --cse | FileCheck %s

!f32 = !tile.view<8xf32>
!f16 = !tile.view<8xf16>
!bf16 = !tile.view<8xbf16>

// Rows past the end of the view are not written.

// CHECK-LABEL: func @tail
// CHECK-SAME:    %[[BLOCK:[^:]*]]: !llvm.ptr, %[[TILE:[^:]*]]: index
func.func @tail(%o: !f32 {tile.name = "o"}, %x: f32 {tile.name = "x"},
                %tile: index, %head: index, %batch: index) {
  // CHECK:      %[[DATA:.*]] = llvm.load %[[BLOCK]] {{.*}} -> !llvm.ptr
  // CHECK:      %[[AT_ROWS:.*]] = llvm.getelementptr %[[BLOCK]][48]
  // CHECK-NEXT: %[[WIDE:.*]] = llvm.load %[[AT_ROWS]]
  // CHECK-NEXT: %[[ROWS:.*]] = arith.index_cast %[[WIDE]]
  // CHECK:      %[[FIRST:.*]] = arith.muli %[[TILE]], %c16
  // CHECK-NEXT: %[[LEFT:.*]] = arith.subi %[[ROWS]], %[[FIRST]]
  // CHECK-NEXT: %[[POSITIVE:.*]] = arith.maxsi %[[LEFT]], %c0
  // CHECK-NEXT: %[[VALID:.*]] = arith.minsi %[[POSITIVE]], %c16
  // CHECK-NEXT: scf.for %[[ROW:.*]] = %c0 to %[[VALID]] step %c1
  // CHECK:        %[[TO:.*]] = llvm.getelementptr %[[DATA]]
  // CHECK-NEXT:   scf.for %[[COLUMN:.*]] = %c0 to %c8 step %c1
  // CHECK-NEXT:     %[[COLUMNS:.*]] = arith.muli %[[COLUMN]], %c16
  // CHECK-NEXT:     arith.addi %[[COLUMNS]], %[[ROW]]
  // CHECK:          %[[ELEMENT:.*]] = llvm.load {{.*}} -> f32
  // CHECK:          %[[PLACE:.*]] = llvm.getelementptr %[[TO]]
  // CHECK-NEXT:     llvm.store %[[ELEMENT]], %[[PLACE]] {alignment = 4 : i64} : f32
  // CHECK-NOT:  scf.for
  %t = tensor.splat %x : tensor<16x8xf32>
  tile.store %t, %o[%batch, %head] tile %tile : tensor<16x8xf32>, !f32
  return
}

// What is rounded to be stored is rounded as vectors, and kept in 16 bits.

// CHECK-LABEL: func @bf16
// CHECK-SAME:    tile.scratch_bytes = 256
func.func @bf16(%o: !bf16 {tile.name = "o"}, %x: f32 {tile.name = "x"},
                %tile: index, %head: index, %batch: index) {
  // CHECK:     %[[ROUND:.*]] = arith.truncf %{{.*}} : vector<16xf32> to vector<16xbf16>
  // CHECK:     llvm.store %[[ROUND]], %{{.*}} {alignment = 2 : i64} : vector<16xbf16>
  // CHECK:     %[[ELEMENT:.*]] = llvm.load {{.*}} {alignment = 2 : i64} : !llvm.ptr -> bf16
  // CHECK:     llvm.store %[[ELEMENT]], %{{.*}} {alignment = 2 : i64} : bf16
  %t = tensor.splat %x : tensor<16x8xf32>
  %round = arith.truncf %t : tensor<16x8xf32> to tensor<16x8xbf16>
  tile.store %round, %o[%batch, %head] tile %tile : tensor<16x8xbf16>, !bf16
  return
}

// CHECK-LABEL: func @f16
// CHECK-SAME:    tile.scratch_bytes = 256
func.func @f16(%o: !f16 {tile.name = "o"}, %x: f32 {tile.name = "x"},
               %tile: index, %head: index, %batch: index) {
  // CHECK:     %[[ROUND:.*]] = arith.truncf %{{.*}} : vector<16xf32> to vector<16xf16>
  // CHECK:     llvm.store %[[ROUND]], %{{.*}} {alignment = 2 : i64} : vector<16xf16>
  // CHECK:     %[[ELEMENT:.*]] = llvm.load {{.*}} {alignment = 2 : i64} : !llvm.ptr -> f16
  // CHECK:     llvm.store %[[ELEMENT]], %{{.*}} {alignment = 2 : i64} : f16
  %t = tensor.splat %x : tensor<16x8xf32>
  %round = arith.truncf %t : tensor<16x8xf32> to tensor<16x8xf16>
  tile.store %round, %o[%batch, %head] tile %tile : tensor<16x8xf16>, !f16
  return
}

// What lies in a buffer already, as f32, is rounded element by element.

// CHECK-LABEL: func @copied
func.func @copied(%q: !bf16 {tile.name = "q"}, %o: !bf16 {tile.name = "o"},
                  %tile: index, %head: index, %batch: index) {
  // CHECK:      %[[WIDE:.*]] = arith.extf %{{.*}} : bf16 to f32
  // CHECK:      llvm.store %[[WIDE]], %{{.*}} : f32
  // CHECK:      %[[ELEMENT:.*]] = llvm.load {{.*}} -> f32
  // CHECK-NEXT: %[[ROUND:.*]] = arith.truncf %[[ELEMENT]] : f32 to bf16
  // CHECK:      llvm.store %[[ROUND]], %{{.*}} : bf16
  %t = tile.load %q[%batch, %head] tile %tile padding undefined : !bf16 -> tensor<16x8xbf16>
  tile.store %t, %o[%batch, %head] tile %tile : tensor<16x8xbf16>, !bf16
  return
}

// A column of one number a row.

// CHECK-LABEL: func @row_values
// CHECK-SAME:    tile.scratch_bytes = 64
func.func @row_values(%lse: !tile.view<1xf32> {tile.name = "lse"}, %x: f32 {tile.name = "x"},
                      %tile: index, %head: index, %batch: index) {
  // CHECK: %[[VALUES:.*]] = vector.broadcast %{{.*}} : f32 to vector<16xf32>
  // CHECK: llvm.store %[[VALUES]], %{{.*}} : vector<16xf32>
  // CHECK: scf.for %[[ROW:.*]] = %c0
  // CHECK:   %[[ELEMENT:.*]] = llvm.load {{.*}} -> f32
  // CHECK:   llvm.store %[[ELEMENT]], %{{.*}} : f32
  %t = tensor.splat %x : tensor<16x1xf32>
  tile.store %t, %lse[%batch, %head] tile %tile : tensor<16x1xf32>, !tile.view<1xf32>
  return
}
