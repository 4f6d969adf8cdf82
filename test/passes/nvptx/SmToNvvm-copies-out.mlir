// RUN: tessera-opt %s --sm-to-nvvm --canonicalize --cse --split-input-file | FileCheck %s

!view = !tile.view<80xbf16>
!tile = tensor<128x80xbf16>

// Where there is room, each group lays its 64 rows out in shared memory, 16 columns at a time, and
// has them copied out 64 columns at a time; rows past the end are the copy's business. Before
// a program ends it waits for its copies.

// CHECK-LABEL: llvm.func @staged
// CHECK-SAME:    %[[MAP:[a-z0-9]*]]: !llvm.ptr {llvm.align = 64 : i64
// CHECK-SAME:    sm.maps = [{columns = 64 : i64, rows = 64 : i64, view = "o"}], sm.shared_bytes = 32768 : i64
func.func @staged(%o: !view {tile.name = "o"}, %x: f32 {tile.name = "x"}, %i: index {tile.name = "i"}) {
  // CHECK:         "setmaxnreg.inc
  // CHECK:         scf.if %[[FIRST:.*]] {
  // CHECK-NEXT:      llvm.inline_asm {{.*}}"cp.async.bulk.wait_group.read 0;"
  // CHECK:         "bar.sync $0, 128;"
  // CHECK-COUNT-5: "stmatrix.sync.aligned.m8n8.x4.shared.b16 [$0], {$1, $2, $3, $4};"
  // CHECK-NOT:     stmatrix
  // CHECK:         "fence.proxy.async.shared::cta;"
  // CHECK:         "bar.sync $0, 128;"
  // CHECK:         scf.if %[[FIRST]] {
  // CHECK-COUNT-2:   cp.async.bulk.tensor.4d.global.shared::cta.tile.bulk_group{{.*}} %[[MAP]],
  // CHECK-NOT:       cp.async.bulk.tensor
  // CHECK:           "cp.async.bulk.commit_group;"
  // CHECK-NOT:     llvm.store
  // CHECK:         "cp.async.bulk.wait_group 0;"
  sm.roles groups 2 registers 40, 232 producer {
  } consumer {
    %wide = tensor.splat %x : tensor<128x80xf32>
    %y = arith.truncf %wide : tensor<128x80xf32> to !tile
    tile.store %y, %o[%i, %i] tile %i : !tile, !view
  }
  return
}

// -----

// A copy knows the end of the view, not that of a sequence: rows of these are written by threads.

// CHECK-LABEL: llvm.func @sequence
// CHECK-SAME:    sm.shared_bytes = 0 : i64
// CHECK-NOT:     cp.async
// CHECK:         llvm.store
// CHECK-NOT:     cp.async
// CHECK:         llvm.return
func.func @sequence(%o: !tile.view<16xbf16> {tile.name = "o"}, %x: f32 {tile.name = "x"},
                    %i: index {tile.name = "i"}) {
  sm.roles groups 1 registers 40, 232 producer {
  } consumer {
    %wide = tensor.splat %x : tensor<64x16xf32>
    %y = arith.truncf %wide : tensor<64x16xf32> to tensor<64x16xbf16>
    tile.store %y, %o[%i, %i] tile %i from %i of %i : tensor<64x16xbf16>, !tile.view<16xbf16>
  }
  return
}

// -----

// Rings come first: 224 KiB leave no room for the result.

// CHECK-LABEL: llvm.func @no_room
// CHECK-SAME:    sm.shared_bytes = 229488 : i64
// CHECK-NOT:     stmatrix
// CHECK:         llvm.store
// CHECK:         llvm.return
func.func @no_room(%o: !tile.view<16xbf16> {tile.name = "o"}, %x: f32 {tile.name = "x"},
                   %i: index {tile.name = "i"}) {
  %ring = sm.make_ring : !sm.ring<7, 128x128, bf16>
  sm.roles groups 1 registers 40, 232 producer {
  } consumer {
    %wide = tensor.splat %x : tensor<64x16xf32>
    %y = arith.truncf %wide : tensor<64x16xf32> to tensor<64x16xbf16>
    tile.store %y, %o[%i, %i] tile %i : tensor<64x16xbf16>, !tile.view<16xbf16>
  }
  return
}
