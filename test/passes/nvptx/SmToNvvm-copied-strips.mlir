// RUN: tessera-opt %s --sm-to-nvvm --canonicalize --cse --split-input-file | FileCheck %s

!ring = !sm.ring<2, 64x64, bf16, strip 127>
!slot = !sm.slot<64x64, bf16>
!view = !tile.view<64xbf16>

// Two buffers of 8192 bytes, two strips of 127 numbers and 3 in front of them (528 bytes), and three
// barriers for each. The tile is copied before the strip's buffer is waited for.

// CHECK-LABEL: llvm.func @fill
// CHECK-SAME:    sm.shared_bytes = 17488 : i64
func.func @fill(%k: !view {tile.name = "k"}, %t: !tile.table<2xf32> {tile.name = "t"},
                %i: index {tile.name = "i"}) {
  // CHECK-COUNT-6: "mbarrier.init.shared::cta.b64 [$0], {{[14]}};"
  // CHECK-NOT:     mbarrier.init
  // CHECK:         mbarrier.try_wait.parity
  // CHECK:         cp.async.bulk.tensor.4d
  // CHECK:         mbarrier.try_wait.parity

  // In one go the units of 16 bytes that are inside of the table, if neighbours lie next to each
  // other.
  // CHECK:         %[[BEGIN:.*]] = arith.subi %{{.*}}, %{{.*}} : i32
  // CHECK:         %[[DENSE:.*]] = arith.cmpi eq, %{{.*}}, %{{.*}} : i64
  // CHECK-NEXT:    %[[ROOM:.*]] = arith.select %[[DENSE]]
  // CHECK:         arith.subi %[[ROOM]], %[[BEGIN]] : i32
  // CHECK:         arith.minui %{{.*}}, %c33_i32 : i32
  // CHECK:         %[[STRIP:.*]] = arith.muli %{{.*}}, %c16_i32 : i32
  // CHECK:         scf.if
  // CHECK:           "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [$0], [$1], $2, [$3];", "r,l,r,r,~{memory}" %{{.*}}, %{{.*}}, %[[STRIP]], %
  // CHECK:         }

  // The others one by one, with zeros for what is outside.
  // CHECK:         scf.if
  // CHECK:           scf.for
  // CHECK:             %[[FITS:.*]] = arith.cmpi ult, %{{.*}}, %{{.*}} : i32
  // CHECK:             llvm.inline_asm {{.*}}selp.b32 size, 4, 0, $2;{{.*}}cp.async.ca.shared.global [$0], [$1], 4, size;{{.*}}, %[[FITS]]
  // CHECK:           }
  // CHECK-NEXT:      "cp.async.wait_all;"
  // CHECK-NEXT:      fence.proxy.async
  // CHECK:         }
  // CHECK:         %[[BYTES:.*]] = arith.addi %[[STRIP]], %{{.*}} : i32
  // CHECK-NEXT:    "mbarrier.arrive.expect_tx.shared::cta.b64 _, [$0], $1;", "r,r,~{memory}" %{{.*}}, %[[BYTES]]
  %ring = sm.make_ring : !ring
  sm.roles groups 1 registers 40, 232 producer {
    sm.fill %ring, %k[%i, %i] tile %i with %t[%i, %i] along 1 step 64 : !ring, !view, !tile.table<2xf32>
  } consumer {
  }
  return
}

// -----

!ring = !sm.ring<2, 64x32, bf16, strip 127>
!slot = !sm.slot<64x32, bf16>

// A row and a column that are 8 further on are as far apart: 34 numbers for 64 elements. One address
// for all of them.

// CHECK-LABEL: llvm.func @gather
func.func @gather(%o: !tile.view<64xf32> {tile.name = "o"}, %t: !tile.table<1xf32> {tile.name = "t"},
                  %i: index {tile.name = "i"}) {
  // CHECK:          %[[BASE:.*]] = llvm.inttoptr %{{.*}} : i32 to !llvm.ptr<3>
  // CHECK-NEXT:     llvm.load %[[BASE]] {alignment = 4 : i64} : !llvm.ptr<3> -> f32
  // CHECK-COUNT-17: llvm.load %{{.*}} {alignment = 4 : i64} : !llvm.ptr<3> -> f32
  // CHECK-NOT:      llvm.load {{.*}} !llvm.ptr<3>
  // CHECK:          bar.warp.sync
  // CHECK:          mbarrier.arrive
  %ring = sm.make_ring : !ring
  sm.roles groups 1 registers 40, 232 producer {
  } consumer {
    %k = sm.acquire %ring : !ring -> !slot
    %b = sm.gather_strip %k, %t[%i] along 0 tile %i rows -1 columns 1 : !slot, !tile.table<1xf32> -> tensor<64x64xf32>
    sm.release strip %k : !slot
    tile.store %b, %o[%i, %i] tile %i : tensor<64x64xf32>, !tile.view<64xf32>
  }
  return
}
