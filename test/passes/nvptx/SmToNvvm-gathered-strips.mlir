// RUN: tessera-opt %s --sm-to-nvvm --canonicalize --cse --split-input-file | FileCheck %s

!ring = !sm.ring<2, 64x64, bf16, strip 127>
!view = !tile.view<64xbf16>

// Two buffers of 8192 bytes, two strips of 127 numbers (512 bytes with their padding) and two
// barriers for each: full is what the producer and each lane of the gatherer have arrived at, empty
// what the four warps of consumers release. A ring without strips is full with one arrival. A channel is read by the gatherer's
// warp too.

// CHECK-LABEL: llvm.func @fill
// CHECK-SAME:    sm.shared_bytes = 25672 : i64
func.func @fill(%k: !view {tile.name = "k"}, %t: !tile.table<2xf32> {tile.name = "t"},
                %i: index {tile.name = "i"}, %f: f32 {tile.name = "f"}) {
  // CHECK-DAG:  %[[ZERO:.*]] = arith.constant 0 : i32
  // CHECK-DAG:  %[[ONE:.*]] = arith.constant 1 : i32
  // CHECK-DAG:  %[[FULLS:.*]] = arith.constant 25600 : i32
  // CHECK-DAG:  %[[EMPTIES:.*]] = arith.constant 25616 : i32
  // CHECK-DAG:  %[[STRIPS:.*]] = arith.constant 24576 : i32
  // CHECK-DAG:  %[[STRIPBYTES:.*]] = arith.constant 512 : i32
  // CHECK-DAG:  %[[LASTLANES:.*]] = arith.constant 31 : i32

  // CHECK:      "mbarrier.init.shared::cta.b64 [$0], 1;"
  // CHECK:      "mbarrier.init.shared::cta.b64 [$0], 5;"
  // CHECK:      %[[AT:.*]] = arith.addi %{{.*}}, %[[FULLS]] : i32
  // CHECK-NEXT: "mbarrier.init.shared::cta.b64 [$0], 33;", "r,~{memory}" %[[AT]]
  // CHECK:      %[[AT:.*]] = arith.addi %{{.*}}, %[[EMPTIES]] : i32
  // CHECK-NEXT: "mbarrier.init.shared::cta.b64 [$0], 4;", "r,~{memory}" %[[AT]]
  // CHECK:      "mbarrier.init.shared::cta.b64 [$0], 33;"
  // CHECK:      "mbarrier.init.shared::cta.b64 [$0], 4;"
  // CHECK:      "mbarrier.init.shared::cta.b64 [$0], 1;"
  // CHECK:      "mbarrier.init.shared::cta.b64 [$0], 4;"
  // CHECK-NOT:  mbarrier.init.shared
  // CHECK:      "fence.mbarrier_init

  // The first warp of the producer's group copies the tile, and the second one gathers with all
  // of its lanes.
  // CHECK:      setmaxnreg.dec
  // CHECK-NEXT: %[[WARP:.*]] = nvvm.shfl.sync idx
  // CHECK-NEXT: %[[FIRST:.*]] = arith.cmpi eq, %[[WARP]], %[[ZERO]] : i32
  // CHECK-NEXT: scf.if %[[FIRST]] {
  // CHECK:        nvvm.elect.sync
  // CHECK:        "mbarrier.arrive.expect_tx.shared::cta.b64 _, [$0], $1;"
  // CHECK:        cp.async.bulk.tensor.4d
  // CHECK:      %[[SECOND:.*]] = arith.cmpi eq, %[[WARP]], %[[ONE]] : i32
  // CHECK-NEXT: scf.if %[[SECOND]] {
  // CHECK-NOT:    nvvm.elect.sync

  // It hears what consumers hear.
  // CHECK:        mbarrier.try_wait.parity
  // CHECK:        %[[LANE0:.*]] = arith.cmpi eq, %[[LANE:.*]], %[[ZERO]] : i32
  // CHECK:        ld.shared.b32
  // CHECK:        %[[TILE:.*]] = nvvm.shfl.sync idx
  // CHECK:        mbarrier.arrive

  // A lane reads every 32nd number from its own on, while it is not known whether the buffer is
  // free, and nothing outside of the table.
  // CHECK:        %[[SLOT:.*]] = arith.remui
  // CHECK:        %[[LIMIT:.*]] = arith.select %{{.*}}, %{{.*}}, %[[ZERO]] : i32
  // CHECK:        %[[MOVED:.*]] = arith.muli %[[TILE]], %{{.*}} : i32
  // CHECK-NEXT:   %[[BEGIN:.*]] = arith.addi %{{.*}}, %[[MOVED]] : i32
  // CHECK-NEXT:   %[[PLACE:.*]] = arith.addi %[[BEGIN]], %[[LANE]] : i32
  // CHECK:        %[[FITS:.*]] = arith.cmpi ult, %[[PLACE]], %[[LIMIT]] : i32
  // CHECK-NEXT:   %[[A:.*]] = llvm.inline_asm {{.*}}mov.b32 $0, 0;{{.*}}@$2 ld.global.nc.b32 $0, [$1];{{.*}}, %[[FITS]]
  // CHECK:        %[[NEXT:.*]] = arith.addi %[[PLACE]], %c32_i32 : i32
  // CHECK-NEXT:   %[[FITS:.*]] = arith.cmpi ult, %[[NEXT]], %[[LIMIT]] : i32
  // CHECK-NEXT:   %[[B:.*]] = llvm.inline_asm {{.*}}@$2 ld.global.nc.b32 {{.*}}, %[[FITS]]
  // CHECK:        %[[C:.*]] = llvm.inline_asm {{.*}}@$2 ld.global.nc.b32
  // CHECK:        %[[D:.*]] = llvm.inline_asm {{.*}}@$2 ld.global.nc.b32
  // CHECK-NOT:    ld.global

  // Then it waits for the ring's buffer, and multiplies.
  // CHECK:        %[[EMPTY:.*]] = arith.addi %{{.*}}, %[[EMPTIES]] : i32
  // CHECK-NEXT:   %[[EMPTY_BARRIER:.*]] = arith.addi %[[EMPTY]], %{{.*}} : i32
  // CHECK-NEXT:   mbarrier.try_wait.parity{{.*}} %[[EMPTY_BARRIER]],
  // CHECK-NEXT:   %[[A1:.*]] = arith.mulf %[[A]], %[[F:.*]] : f32
  // CHECK-NEXT:   %[[B1:.*]] = arith.mulf %[[B]], %[[F]] : f32
  // CHECK-NEXT:   %[[C1:.*]] = arith.mulf %[[C]], %[[F]] : f32
  // CHECK-NEXT:   %[[D1:.*]] = arith.mulf %[[D]], %[[F]] : f32

  // The last of the 128 numbers is none of the strip.
  // CHECK-NEXT:   arith.muli %[[SLOT]], %[[STRIPBYTES]] : i32
  // CHECK-NEXT:   arith.addi %{{.*}}, %[[STRIPS]] : i32
  // CHECK:        "@$2 st.shared.b32 [$0], $1;", "r,f,b,~{memory}" %{{.*}}, %[[A1]], %
  // CHECK:        "@$2 st.shared.b32 [$0], $1;", "r,f,b,~{memory}" %{{.*}}, %[[B1]], %
  // CHECK:        "@$2 st.shared.b32 [$0], $1;", "r,f,b,~{memory}" %{{.*}}, %[[C1]], %
  // CHECK:        %[[INSIDE:.*]] = arith.cmpi slt, %[[LANE]], %[[LASTLANES]] : i32
  // CHECK:        "@$2 st.shared.b32 [$0], $1;", "r,f,b,~{memory}" %{{.*}}, %[[D1]], %[[INSIDE]] :
  // CHECK-NOT:    st.shared

  // Each lane arrives where the tile arrives, for what it has written.
  // CHECK:        "bar.warp.sync 0xffffffff;"
  // CHECK-NEXT:   %[[FULL:.*]] = arith.addi %{{.*}}, %[[FULLS]] : i32
  // CHECK-NEXT:   %[[FULL_BARRIER:.*]] = arith.addi %[[FULL]], %{{.*}} : i32
  // CHECK-NEXT:   "mbarrier.arrive.shared::cta.b64 _, [$0];", "r,~{memory}" %[[FULL_BARRIER]]
  // CHECK-NEXT: }
  // CHECK:      setmaxnreg.inc
  %ring = sm.make_ring : !ring
  %other = sm.make_ring : !sm.ring<1, 64x64, bf16>
  sm.roles groups 1 registers 40, 232 producer {
    %told = sm.tell %i channel 0 : index
    sm.fill %ring, %k[%i, %i] tile %told : !ring, !view
  } consumer {
    %heard = sm.hear channel 0 : index
  } gatherer {
    %heard = sm.hear channel 0 : index
    sm.fill_strip %ring tile %heard with %t[%i, %i] along 1 step 64 times %f : !ring, !tile.table<2xf32>
  }
  return
}

// -----

!ring = !sm.ring<2, 64x64, bf16, strip 127>

// Numbers that are multiplied by nothing are written as they are.

// CHECK-LABEL: llvm.func @integers
func.func @integers(%t: !tile.table<1xi32> {tile.name = "t"}, %i: index {tile.name = "i"}) {
  // CHECK:     %[[A:.*]] = llvm.inline_asm {{.*}}@$2 ld.global.nc.b32{{.*}} -> i32
  // CHECK:     mbarrier.try_wait.parity
  // CHECK-NOT: arith.mulf
  // CHECK:     "@$2 st.shared.b32 [$0], $1;", "r,r,b,~{memory}" %{{.*}}, %[[A]], %
  // CHECK:     mbarrier.arrive
  %ring = sm.make_ring : !ring
  sm.roles groups 1 registers 40, 232 producer {
  } consumer {
  } gatherer {
    sm.fill_strip %ring tile %i with %t[%i] along 0 step -64 : !ring, !tile.table<1xi32>
  }
  return
}

// -----

!ring = !sm.ring<2, 64x64, bf16, strip 127>

// A strip that stays as it is takes its turn: nothing is read or written, and arrivals follow the
// wait.

// CHECK-LABEL: llvm.func @nothing
func.func @nothing(%i: index {tile.name = "i"}) {
  // CHECK:      setmaxnreg.dec
  // CHECK-NOT:  {{ld.global|st.shared}}
  // CHECK:      mbarrier.try_wait.parity
  // CHECK-NEXT: "bar.warp.sync 0xffffffff;"
  // CHECK-NOT:  {{ld.global|st.shared}}
  // CHECK:      "mbarrier.arrive.shared::cta.b64 _, [$0];"
  // CHECK-NOT:  mbarrier.arrive
  // CHECK:      llvm.return
  %ring = sm.make_ring : !ring
  sm.roles groups 1 registers 40, 232 producer {
  } consumer {
  } gatherer {
    sm.fill_strip %ring tile %i : !ring
  }
  return
}

// -----

!ring = !sm.ring<2, 64x32, bf16, strip 127>
!slot = !sm.slot<64x32, bf16>

// A row and a column that are 8 further on are as far apart: 34 numbers for 64 elements. One address
// for all of them. All lanes have read when one gives the buffer back.

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
    sm.release %k : !slot
    tile.store %b, %o[%i, %i] tile %i : tensor<64x64xf32>, !tile.view<64xf32>
  }
  return
}
