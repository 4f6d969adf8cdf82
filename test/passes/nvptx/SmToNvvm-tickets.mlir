// RUN: tessera-opt %s --sm-to-nvvm --canonicalize --cse --split-input-file | FileCheck %s

// Tickets are counted in global memory, behind the blocks' own numbers. The last block to end
// leaves the counters at zero, for the next launch.

// CHECK-LABEL: llvm.func @tickets
// CHECK-SAME:    %[[COUNTERS:[a-z0-9]*]]: !llvm.ptr<1>)
// CHECK-SAME:    sm.tickets
func.func @tickets() {
  // CHECK:      nvvm.elect.sync
  // CHECK-NEXT: scf.if
  // CHECK-NEXT:   %[[TAKEN:.*]] = llvm.atomicrmw add %[[COUNTERS]], %{{.*}} monotonic
  // CHECK-NEXT:   %[[BLOCKS:.*]] = nvvm.read.ptx.sreg.nctaid.x
  // CHECK-NEXT:   %[[TICKET:.*]] = arith.addi %[[TAKEN]], %[[BLOCKS]]
  // CHECK:        "st.shared.b32 [$0], $1;"{{.*}}, %[[TICKET]] : (i32, i32)
  // CHECK:        %[[DONE:.*]] = llvm.getelementptr %[[COUNTERS]][1]
  // CHECK-NEXT:   llvm.inline_asm has_side_effects {{.*}} "fence.acq_rel.gpu;"
  // CHECK-NEXT:   %[[BEFORE:.*]] = llvm.atomicrmw add %[[DONE]], %{{.*}} monotonic
  // CHECK-NEXT:   llvm.inline_asm has_side_effects {{.*}} "fence.acq_rel.gpu;"
  // CHECK-NEXT:   %[[LAST:.*]] = arith.subi %[[BLOCKS]],
  // CHECK-NEXT:   %[[IS_LAST:.*]] = arith.cmpi eq, %[[BEFORE]], %[[LAST]]
  // CHECK-NEXT:   scf.if %[[IS_LAST]] {
  // CHECK-NEXT:     llvm.store %{{.*}}, %[[COUNTERS]]
  // CHECK-NEXT:     llvm.store %{{.*}}, %[[DONE]]
  sm.roles groups 1 registers 40, 232 producer {
    %ticket = sm.take_ticket
    %told = sm.tell %ticket channel 0 : index
  } consumer {
  }
  return
}

// -----

// The producer writes numbers when the consumers have read those before; the first lane of a warp
// reads them for all, and is the one that gives the place back.

// CHECK-LABEL: llvm.func @channel
// CHECK-SAME:    sm.shared_bytes = 24 : i64
func.func @channel(%n: index {tile.name = "n"}) {
  // CHECK:      %[[N:.*]] = arith.trunci
  // CHECK:      nvvm.elect.sync
  // CHECK:        mbarrier.try_wait
  // CHECK:        "st.shared.b32 [$0], $1;"{{.*}}, %[[N]] : (i32, i32)
  // CHECK:        "st.shared.b32 [$0], $1;"{{.*}}, %[[N]] : (i32, i32)
  // CHECK:        "mbarrier.arrive.shared::cta.b64 _, [$0];"
  // CHECK:      "setmaxnreg.inc
  // CHECK:      mbarrier.try_wait
  // CHECK:      %[[READER:.*]] = arith.cmpi eq, %{{.*}}, %c0_i32
  // CHECK:      %[[FIRST:.*]] = llvm.inline_asm {{.*}}@$2 ld.shared.b32 $0, [$1];{{.*}}, %[[READER]] :
  // CHECK:      nvvm.shfl.sync idx %{{.*}}, %[[FIRST]],
  // CHECK:      %[[SECOND:.*]] = llvm.inline_asm {{.*}}@$2 ld.shared.b32 $0, [$1];{{.*}}, %[[READER]] :
  // CHECK:      nvvm.shfl.sync idx %{{.*}}, %[[SECOND]],
  // CHECK:      "@$1 mbarrier.arrive.shared::cta.b64 _, [$0];"{{.*}}, %[[READER]] :
  sm.roles groups 1 registers 40, 232 producer {
    %told:2 = sm.tell %n, %n channel 0 : index, index
  } consumer {
    %heard:2 = sm.hear channel 0 : index, index
  }
  return
}

// -----

// A block's number is the machine's. What must stay under its branch has an effect there.

// CHECK-LABEL: llvm.func @blocks
func.func @blocks(%o: !tile.view<1xf32> {tile.name = "o"}, %x: f32 {tile.name = "x"}) {
  // CHECK-DAG: nvvm.read.ptx.sreg.ctaid.x
  // CHECK-DAG: nvvm.read.ptx.sreg.nctaid.x
  // CHECK:     scf.if
  // CHECK-NEXT:  llvm.inline_asm has_side_effects {{.*}}"", ""
  sm.roles groups 1 registers 40, 232 producer {
  } consumer {
    %own = sm.block_id
    %all = sm.block_count
    %is_last = arith.cmpi eq, %own, %all : index
    scf.if %is_last {
      sm.branch_only
      %y = tensor.splat %x : tensor<64x1xf32>
      tile.store %y, %o[%own, %own] tile %own : tensor<64x1xf32>, !tile.view<1xf32>
    }
  }
  return
}

// -----

// Rows of a group: 64 for each group before it, and no more than there are.

// CHECK-LABEL: llvm.func @rows_of_group
func.func @rows_of_group(%n: index {tile.name = "n"}, %out: !tile.view<64xf32> {tile.name = "out"}) {
  // CHECK:     "setmaxnreg.inc
  // CHECK:     %[[BEFORE:.*]] = arith.addi %[[GROUP:.*]], %c-1_i32
  // CHECK:     %[[OFFSET:.*]] = arith.muli %[[BEFORE]], %c64_i32
  // CHECK:     %[[FIRST:.*]] = arith.addi %{{.*}}, %[[OFFSET]]
  // CHECK:     %[[NEXT:.*]] = arith.addi %[[FIRST]], %c64_i32
  // CHECK:     %[[END:.*]] = arith.minsi %[[NEXT]], %{{.*}}
  // CHECK:     %[[LAST:.*]] = arith.addi %[[END]], %c-1_i32
  // CHECK:     scf.for %{{.*}} = %[[FIRST]] to %[[LAST]]
  sm.roles groups 2 registers 40, 232 producer {
  } consumer {
    %c1 = arith.constant 1 : index
    %first, %last = sm.group_row_span %n of %n height 128
    scf.for %i = %first to %last step %c1 {
      sm.branch_only
    }
  }
  return
}
