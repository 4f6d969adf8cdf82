// RUN: tessera-opt %s --sm-to-nvvm --canonicalize --cse --split-input-file | FileCheck %s

!ring = !sm.ring<3, 80x128, bf16>
!slot = !sm.slot<80x128, bf16>
!view = !tile.view<128xbf16>

// A ring is its buffers in shared memory and two barriers for each: three of 20480 bytes. A fill
// tells one arrival; of two groups eight warps release. A copy moves 64 columns at a time.

// CHECK-LABEL: llvm.func @fill
// CHECK-SAME:    %[[BLOCK:[a-z0-9]*]]: !llvm.ptr {{{.*}}nvvm.grid_constant}, %[[MAP:[a-z0-9]*]]: !llvm.ptr {llvm.align = 64 : i64, llvm.byval = !llvm.array<128 x i8>, nvvm.grid_constant})
// CHECK-SAME:    nvvm.kernel, nvvm.maxntid = array<i32: 384>
// CHECK-SAME:    sm.maps = [{columns = 64 : i64, rows = 80 : i64, view = "k"}], sm.shared_bytes = 61488 : i64, sm.threads = 384 : i64
func.func @fill(%k: !view {tile.name = "k"}, %i: index {tile.name = "i"}) {
  // CHECK-COUNT-6: "mbarrier.init.shared::cta.b64 [$0], {{[18]}};"
  // CHECK-NOT:     mbarrier.init
  // CHECK:         "prefetch.tensormap [$0];", "l,~{memory}" %[[MAP]]
  // CHECK:         "bar.sync 0;"
  // CHECK:         scf.if
  // CHECK:           "setmaxnreg.dec.sync.aligned.u32 40;"
  // CHECK:           scf.if
  // CHECK:             nvvm.elect.sync
  // CHECK-NEXT:        scf.if
  // CHECK:               mbarrier.try_wait.parity
  // CHECK:               "mbarrier.arrive.expect_tx.shared::cta.b64 _, [$0], $1;", "r,r,~{memory}" %[[FULL:.*]], %{{.*}} :
  // CHECK:               cp.async.bulk.tensor.4d.shared::cluster.global{{.*}} %{{.*}}, %[[MAP]], %[[FULL]],
  // CHECK:               cp.async.bulk.tensor.4d.shared::cluster.global{{.*}} %{{.*}}, %[[MAP]], %[[FULL]],
  // CHECK-NOT:           cp.async
  // CHECK:           } else {
  // CHECK:           "setmaxnreg.inc.sync.aligned.u32 232;"
  %ring = sm.make_ring : !ring
  sm.roles groups 2 registers 40, 232 producer {
    sm.fill %ring, %k[%i, %i] tile %i from %i : !ring, !view
  } consumer {
  }
  return
}

// -----

!ring = !sm.ring<3, 80x128, bf16>
!slot = !sm.slot<80x128, bf16>

// The first lane of a warp gives a buffer back. Buffers are taken in turn; a round's parity is
// what a barrier is waited for with.

// CHECK-LABEL: llvm.func @acquire
func.func @acquire() {
  // CHECK:      "setmaxnreg.inc
  // CHECK-NEXT: %[[TURN:.*]] = llvm.load %[[COUNTER:.*]] : !llvm.ptr -> i32
  // CHECK-NEXT: %[[NEXT:.*]] = arith.addi %[[TURN]], %{{.*}} : i32
  // CHECK-NEXT: llvm.store %[[NEXT]], %[[COUNTER]]
  // CHECK-NEXT: %[[ROUND:.*]] = arith.divui %[[TURN]], %[[STAGES:.*]] : i32
  // CHECK-NEXT: %[[SLOT:.*]] = arith.remui %[[TURN]], %[[STAGES]] : i32
  // CHECK-NEXT: %[[PARITY:.*]] = arith.andi %[[ROUND]], %{{.*}} : i32
  // CHECK:      mbarrier.try_wait.parity{{.*}}, %[[PARITY]] : (i32, i32)
  // CHECK-NEXT: %[[FIRST:.*]] = arith.cmpi eq, %{{.*}}, %{{.*}} : i32
  // CHECK:      "@$1 mbarrier.arrive.shared::cta.b64 _, [$0];", {{.*}}, %[[FIRST]] : (i32, i1)
  %ring = sm.make_ring : !ring
  sm.roles groups 2 registers 40, 232 producer {
  } consumer {
    %x = sm.acquire %ring : !ring -> !slot
    sm.release %x : !slot
  }
  return
}

// -----

!ring = !sm.ring<3, 80x128, bf16>
!slot = !sm.slot<80x128, bf16>

// Where a condition does not hold no turn is taken, nothing is waited for, and nobody arrives.

// CHECK-LABEL: llvm.func @acquire_if
func.func @acquire_if(%n: index {tile.name = "n"}) {
  // CHECK:      "setmaxnreg.inc
  // CHECK-NEXT: %[[C:.*]] = arith.cmpi sgt,
  // CHECK-NEXT: %[[TURN:.*]] = llvm.load %[[COUNTER:.*]] : !llvm.ptr -> i32
  // CHECK-NEXT: %[[TAKEN:.*]] = arith.extui %[[C]] : i1 to i32
  // CHECK-NEXT: %[[NEXT:.*]] = arith.addi %[[TURN]], %[[TAKEN]] : i32
  // CHECK-NEXT: llvm.store %[[NEXT]], %[[COUNTER]]
  // CHECK-NEXT: %[[ROUND:.*]] = arith.divui %[[TURN]], %[[STAGES:.*]] : i32
  // CHECK-NEXT: %[[SLOT:.*]] = arith.remui %[[TURN]], %[[STAGES]] : i32
  // CHECK-NEXT: %[[PARITY:.*]] = arith.andi %[[ROUND]], %{{.*}} : i32
  // CHECK-NEXT: scf.if %[[C]] {
  // CHECK:        mbarrier.try_wait.parity{{.*}}, %[[PARITY]] : (i32, i32)
  // CHECK-NEXT: {{^ *[}]$}}
  // CHECK-NEXT: %[[FIRST:.*]] = arith.cmpi eq, %{{.*}}, %{{.*}} : i32
  // CHECK-NEXT: %[[ARRIVES:.*]] = arith.andi %[[FIRST]], %[[C]] : i1
  // CHECK-NEXT: arith.muli %[[SLOT]],
  // CHECK:      "@$1 mbarrier.arrive.shared::cta.b64 _, [$0];", {{.*}}, %[[ARRIVES]] : (i32, i1)
  %c0 = arith.constant 0 : index
  %ring = sm.make_ring : !ring
  sm.roles groups 2 registers 40, 232 producer {
  } consumer {
    %c = arith.cmpi sgt, %n, %c0 : index
    %x = sm.acquire %ring if %c : !ring -> !slot
    sm.release %x if %c : !slot
  }
  return
}

// -----

!ring = !sm.ring<3, 80x128, bf16>
!slot = !sm.slot<80x128, bf16>

// Only the buffer in which a sequence ends has something to zero: rows of 128 bytes by 16 bytes a
// thread, in both chunks. The products read it when all threads are done.

// CHECK-LABEL: llvm.func @zero_tail
func.func @zero_tail(%n: index {tile.name = "n"}, %i: index {tile.name = "i"}) {
  // CHECK:      mbarrier.try_wait
  // CHECK:      %[[LEFT:.*]] = arith.maxsi
  // CHECK-NEXT: %[[SHORT:.*]] = arith.cmpi slt, %[[LEFT]], %{{.*}} : i32
  // CHECK-NEXT: scf.if %[[SHORT]] {
  // CHECK:        scf.for
  // CHECK-COUNT-2:  "st.shared.v4.b32 [$0], {$1, $1, $1, $1};"
  // CHECK-NOT:      st.shared
  // CHECK:        {{^ *[}]$}}
  // CHECK-NEXT:   llvm.inline_asm {{.*}}"bar.warp.sync 0xffffffff;"
  // CHECK-NEXT:   llvm.inline_asm {{.*}}"fence.proxy.async.shared::cta;"
  // CHECK-NEXT:   llvm.inline_asm {{.*}}"bar.sync $0, 256;"
  // CHECK-NEXT: {{^ *[}]$}}
  %ring = sm.make_ring : !ring
  sm.roles groups 2 registers 40, 232 producer {
  } consumer {
    %x = sm.acquire %ring : !ring -> !slot
    sm.zero_tail %x tile %i of %n : !slot
  }
  return
}

// -----

// Without rings a block needs no shared memory, and without views no maps.

// CHECK-LABEL: llvm.func @no_rings
// CHECK-SAME:    sm.maps = [], sm.shared_bytes = 0 : i64, sm.threads = 256 : i64
func.func @no_rings() {
  sm.roles groups 1 registers 40, 232 producer {
  } consumer {
  }
  return
}
