// RUN: tessera-opt %s --sm-to-nvvm --canonicalize --cse --split-input-file | FileCheck %s

!view = !tile.view<64xf32>

// Extents and lengths are numbers of the argument block, behind the pointer and the strides.

// CHECK-LABEL: llvm.func @extents
// CHECK-SAME:    %[[BLOCK:[a-z0-9]*]]: !llvm.ptr
func.func @extents(%q: !view {tile.name = "q"}, %o: !tile.view<1xf32> {tile.name = "o"},
                   %x: f32 {tile.name = "x"}) {
  // CHECK:     "setmaxnreg.inc
  // CHECK-DAG: %[[A:.*]] = llvm.getelementptr %[[BLOCK]][32]
  // CHECK-DAG: %[[B:.*]] = llvm.getelementptr %[[BLOCK]][40]
  // CHECK-DAG: %[[C:.*]] = llvm.getelementptr %[[BLOCK]][48]
  // CHECK-DAG: llvm.load %[[A]] invariant : !llvm.ptr -> i64
  // CHECK-DAG: llvm.load %[[B]] invariant : !llvm.ptr -> i64
  // CHECK-DAG: llvm.load %[[C]] invariant : !llvm.ptr -> i64
  sm.roles groups 1 registers 40, 232 producer {
  } consumer {
    %batches = tile.extent %q batches : !view
    %heads = tile.extent %q heads : !view
    %rows = tile.length %q[%heads] : !view
    %y = tensor.splat %x : tensor<64x1xf32>
    tile.store %y, %o[%batches, %heads] tile %rows : tensor<64x1xf32>, !tile.view<1xf32>
  }
  return
}

// -----

// A thread writes its two rows, as far as the sequence goes: neighbours together, eight columns
// apart. Lanes meet behind it.

// CHECK-LABEL: llvm.func @store
func.func @store(%o: !tile.view<16xf32> {tile.name = "o"}, %x: f32 {tile.name = "x"},
                 %n: index {tile.name = "n"}, %i: index {tile.name = "i"}) {
  // CHECK:      %[[N:.*]] = arith.trunci
  // CHECK:      "setmaxnreg.inc
  // CHECK:      %[[FIRST:.*]] = arith.cmpi slt, %{{.*}}, %[[N]] : i32
  // CHECK:      scf.if %[[FIRST]] {
  // CHECK:        llvm.store %{{.*}}, %[[PLACE:.*]] {alignment = 8 : i64} : vector<2xf32>, !llvm.ptr<1>
  // CHECK:        %[[NEXT:.*]] = llvm.getelementptr %[[PLACE]][8]
  // CHECK:        llvm.store %{{.*}}, %[[NEXT]] {alignment = 8 : i64} : vector<2xf32>, !llvm.ptr<1>
  // CHECK:      }
  // CHECK:      %[[SECOND:.*]] = arith.cmpi slt, %{{.*}}, %[[N]] : i32
  // CHECK-NEXT: scf.if %[[SECOND]] {
  // CHECK-COUNT-2: llvm.store
  // CHECK-NOT:     llvm.store
  // CHECK:      "bar.warp.sync 0xffffffff;"
  sm.roles groups 1 registers 40, 232 producer {
  } consumer {
    %y = tensor.splat %x : tensor<64x16xf32>
    tile.store %y, %o[%i, %i] tile %i of %n : tensor<64x16xf32>, !tile.view<16xf32>
  }
  return
}

// -----

// Of a column, the first of the four lanes writes.

// CHECK-LABEL: llvm.func @store_column
func.func @store_column(%o: !tile.view<1xf32> {tile.name = "o"}, %x: f32 {tile.name = "x"},
                        %i: index {tile.name = "i"}) {
  // CHECK:      %[[INSIDE:.*]] = arith.cmpi slt
  // CHECK:      %[[FIRST:.*]] = arith.cmpi eq
  // CHECK-NEXT: %[[WRITES:.*]] = arith.andi %[[INSIDE]], %[[FIRST]]
  // CHECK-NEXT: scf.if %[[WRITES]] {
  // CHECK:        llvm.store %{{.*}} : f32, !llvm.ptr<1>
  sm.roles groups 1 registers 40, 232 producer {
  } consumer {
    %y = tensor.splat %x : tensor<64x1xf32>
    tile.store %y, %o[%i, %i] tile %i : tensor<64x1xf32>, !tile.view<1xf32>
  }
  return
}

// -----

// 32 columns of 16 bits are exchanged between the four lanes, and written by 16 bytes.

// CHECK-LABEL: llvm.func @store_pairs
func.func @store_pairs(%o: !tile.view<40xbf16> {tile.name = "o"}, %x: f32 {tile.name = "x"},
                       %n: index {tile.name = "n"}) {
  // CHECK:         "setmaxnreg.inc
  // CHECK-COUNT-4: nvvm.shfl.sync bfly
  // CHECK-NOT:     nvvm.shfl.sync bfly
  // CHECK:         scf.if
  // CHECK:           llvm.store %{{.*}} {alignment = 16 : i64} : vector<4xi32>, !llvm.ptr<1>
  // CHECK:           llvm.store %{{.*}} {alignment = 4 : i64} : i32, !llvm.ptr<1>
  // CHECK-NOT:       llvm.store
  // CHECK-COUNT-4: nvvm.shfl.sync bfly
  sm.roles groups 1 registers 40, 232 producer {
  } consumer {
    %wide = tensor.splat %x : tensor<64x40xf32>
    %y = arith.truncf %wide : tensor<64x40xf32> to tensor<64x40xbf16>
    tile.store %y, %o[%n, %n] tile %n of %n : tensor<64x40xbf16>, !tile.view<40xbf16>
  }
  return
}
