// RUN: tessera-opt %s --host-vector --host-llvm | FileCheck %s

// Rounding to bf16 becomes integer arithmetic: no truncation is left that a CPU
// without such an instruction would call a function for.

// CHECK-LABEL: llvm.func @round(
// CHECK-NOT:     llvm.fptrunc
// CHECK:         llvm.lshr %{{.*}} : vector<8xi32>
// CHECK:         llvm.trunc %{{.*}} : vector<8xi32> to vector<8xi16>
// CHECK:         llvm.bitcast %{{.*}} : vector<8xi16> to vector<8xbf16>
// CHECK-NOT:     llvm.fptrunc
// CHECK:         llvm.return
func.func @round(%q: !tile.view<8xf32> {tile.name = "q"}, %o: !tile.view<8xbf16> {tile.name = "o"},
                 %n: index {tile.name = "n"}) {
  %tile, %head, %batch = tile.grid %n, %n, %n
  %x = tile.load %q[%batch, %head] tile %tile padding undefined : !tile.view<8xf32> -> tensor<8x8xf32>
  %round = arith.truncf %x : tensor<8x8xf32> to tensor<8x8xbf16>
  tile.store %round, %o[%batch, %head] tile %tile : tensor<8x8xbf16>, !tile.view<8xbf16>
  return
}
