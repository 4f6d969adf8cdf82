// RUN: tessera-opt %s --tile-to-vector --canonicalize --cse | FileCheck %s

// fp8 lies in memory as bytes; between them and its own type there is a bitcast,
// which tile-expand-fp8 understands. Computed is in f32.

!e4m3 = !tile.view<8xf8E4M3FN>
!e5m2 = !tile.view<8xf8E5M2>

// CHECK-LABEL: func @lanes(
func.func @lanes(%q: !e4m3 {tile.name = "q"}, %o: !tile.view<8xf32> {tile.name = "o"},
                 %tile: index, %head: index, %batch: index) {
  // CHECK:      %[[ROW:.*]] = llvm.getelementptr %{{.*}}[%{{.*}}] : (!llvm.ptr, i64) -> !llvm.ptr, i8
  // CHECK:      %[[PLACE:.*]] = llvm.getelementptr %[[ROW]][%{{.*}}] : (!llvm.ptr, i64) -> !llvm.ptr, i8
  // CHECK-NEXT: %[[BYTE:.*]] = llvm.load %[[PLACE]] {alignment = 1 : i64} : !llvm.ptr -> i8
  // CHECK-NEXT: %[[NARROW:.*]] = arith.bitcast %[[BYTE]] : i8 to f8E4M3FN
  // CHECK-NEXT: %[[X:.*]] = arith.extf %[[NARROW]] : f8E4M3FN to f32
  // CHECK:      llvm.store %[[X]], %{{.*}} : f32
  %x = tile.load %q[%batch, %head] tile %tile padding zero : !e4m3 -> tensor<16x8xf8E4M3FN>
  %y = arith.extf %x : tensor<16x8xf8E4M3FN> to tensor<16x8xf32>
  tile.store %y, %o[%batch, %head] tile %tile : tensor<16x8xf32>, !tile.view<8xf32>
  return
}

// As a right operand: vectors of bytes.

// CHECK-LABEL: func @natural(
func.func @natural(%k: !e5m2 {tile.name = "k"}, %o: !tile.view<8xf32> {tile.name = "o"},
                   %a: f32 {tile.name = "a"}, %tile: index, %head: index, %batch: index) {
  // CHECK:      %[[BYTES:.*]] = llvm.load %{{.*}} {alignment = 1 : i64} : !llvm.ptr -> vector<8xi8>
  // CHECK-NEXT: %[[NARROW:.*]] = arith.bitcast %[[BYTES]] : vector<8xi8> to vector<8xf8E5M2>
  // CHECK-NEXT: %[[X:.*]] = arith.extf %[[NARROW]] : vector<8xf8E5M2> to vector<8xf32>
  // CHECK:      llvm.store %[[X]], %{{.*}} : vector<8xf32>
  // CHECK:      math.fma
  %x = tile.load %k[%batch, %head] tile %tile padding zero : !e5m2 -> tensor<16x8xf8E5M2>
  %y = tensor.splat %a : tensor<16x16xf32>
  %zero = arith.constant dense<0.0> : tensor<16x8xf32>
  %z = tile.dot %y, %x, %zero : tensor<16x16xf32>, tensor<16x8xf8E5M2> -> tensor<16x8xf32>
  tile.store %z, %o[%batch, %head] tile %tile : tensor<16x8xf32>, !tile.view<8xf32>
  return
}

// Rounded where it is computed, and again, which changes nothing, where it is
// stored: tiles of fp8 are kept as f32.

// CHECK-LABEL: func @store(
func.func @store(%q: !tile.view<8xf32> {tile.name = "q"}, %o: !e4m3 {tile.name = "o"},
                 %tile: index, %head: index, %batch: index) {
  // CHECK:      %[[ROUND:.*]] = arith.truncf %{{.*}} : vector<16xf32> to vector<16xf8E4M3FN>
  // CHECK:      %[[BYTE:.*]] = arith.bitcast %{{.*}} : f8E4M3FN to i8
  // CHECK:      %[[PLACE:.*]] = llvm.getelementptr %{{.*}}[%{{.*}}] : (!llvm.ptr, i64) -> !llvm.ptr, i8
  // CHECK-NEXT: llvm.store %[[BYTE]], %[[PLACE]] {alignment = 1 : i64} : i8, !llvm.ptr
  %x = tile.load %q[%batch, %head] tile %tile padding zero : !tile.view<8xf32> -> tensor<16x8xf32>
  %y = arith.truncf %x : tensor<16x8xf32> to tensor<16x8xf8E4M3FN>
  tile.store %y, %o[%batch, %head] tile %tile : tensor<16x8xf8E4M3FN>, !e4m3
  return
}
