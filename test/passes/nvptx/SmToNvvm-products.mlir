// RUN: tessera-opt %s --sm-to-nvvm --canonicalize --cse --split-input-file | FileCheck %s

// Scores: one instruction for each 16 columns of a row, 32 bytes apart in shared memory. The first
// one starts the sum, whatever the registers hold.

// CHECK-LABEL: llvm.func @from_shared
func.func @from_shared() {
  // CHECK:      llvm.inline_asm has_side_effects {{.*}}wgmma.fence.sync.aligned;
  // CHECK-SAME: add.s64 b, $5, 0;\0Aadd.s64 a, $4, 0;
  // CHECK-SAME: wgmma.mma_async.sync.aligned.m64n8k16.f32.bf16.bf16 {$0,$1,$2,$3}, a, b, more, 1, 1, 0, 0;
  // CHECK-SAME: add.s64 b, $5, 2;\0Aadd.s64 a, $4, 2;
  // CHECK-SAME: m64n8k16.f32.bf16.bf16 {$0,$1,$2,$3}, a, b, 1, 1, 1, 0, 0;
  // CHECK-SAME: wgmma.commit_group.sync.aligned;
  // CHECK-SAME: "=f,=f,=f,=f,l,l" %{{.*}}, %{{.*}} : (i64, i64)
  %queries = sm.make_ring : !sm.ring<1, 64x32, bf16>
  %keys = sm.make_ring : !sm.ring<2, 8x32, bf16>
  sm.roles groups 1 registers 40, 232 producer {
  } consumer {
    %q = sm.acquire %queries : !sm.ring<1, 64x32, bf16> -> !sm.slot<64x32, bf16>
    %k = sm.acquire %keys : !sm.ring<2, 8x32, bf16> -> !sm.slot<8x32, bf16>
    %p = sm.dot %q, %k transposed : !sm.slot<64x32, bf16>, !sm.slot<8x32, bf16> -> tensor<64x8xf32>
  }
  return
}

// -----

// Rows wider than 128 bytes go on in the next chunk: 64 rows behind for the queries, 8 for the
// keys, in units of 16 bytes.

// CHECK-LABEL: llvm.func @second_chunk
func.func @second_chunk() {
  // CHECK:      add.s64 b, $5, 6;\0Aadd.s64 a, $4, 6;
  // CHECK-SAME: add.s64 b, $5, 64;\0Aadd.s64 a, $4, 512;
  // CHECK-SAME: add.s64 b, $5, 66;\0Aadd.s64 a, $4, 514;
  %queries = sm.make_ring : !sm.ring<1, 64x128, f16>
  %keys = sm.make_ring : !sm.ring<2, 8x128, f16>
  sm.roles groups 1 registers 40, 232 producer {
  } consumer {
    %q = sm.acquire %queries : !sm.ring<1, 64x128, f16> -> !sm.slot<64x128, f16>
    %k = sm.acquire %keys : !sm.ring<2, 8x128, f16> -> !sm.slot<8x128, f16>
    %p = sm.dot %q, %k transposed : !sm.slot<64x128, f16>, !sm.slot<8x128, f16> -> tensor<64x8xf32>
  }
  return
}

// -----

// Output: the left operand is in registers, four pairs for 16 columns, and the right one goes
// down its rows, 16 rows of 128 bytes a step. The sum so far stays in the registers it is in.

// CHECK-LABEL: llvm.func @from_registers
func.func @from_registers(%x: f32 {tile.name = "x"}) {
  // CHECK:      add.s64 b, $16, 0;
  // CHECK-SAME: m64n8k16.f32.f16.f16 {$0,$1,$2,$3}, {$8,$9,$10,$11}, b, 1, 1, 1, 1;
  // CHECK-SAME: add.s64 b, $16, 128;
  // CHECK-SAME: m64n8k16.f32.f16.f16 {$0,$1,$2,$3}, {$12,$13,$14,$15}, b, 1, 1, 1, 1;
  // CHECK-SAME: "=f,=f,=f,=f,0,1,2,3,r,r,r,r,r,r,r,r,l"
  %values = sm.make_ring : !sm.ring<2, 32x8, f16>
  sm.roles groups 1 registers 40, 232 producer {
  } consumer {
    %wide = tensor.splat %x : tensor<64x32xf32>
    %p = arith.truncf %wide : tensor<64x32xf32> to tensor<64x32xf16>
    %acc = tensor.splat %x : tensor<64x8xf32>
    %v = sm.acquire %values : !sm.ring<2, 32x8, f16> -> !sm.slot<32x8, f16>
    %o = sm.dot %p, %v acc %acc : tensor<64x8xf32> : tensor<64x32xf16>, !sm.slot<32x8, f16> -> tensor<64x8xf32>
  }
  return
}

// -----

// Under a condition, which all threads of a group share, there is a group of products in any case,
// so that a wait counts alike: one without products if the condition does not hold. The registers
// keep the sum so far.

// CHECK-LABEL: llvm.func @under_a_condition
func.func @under_a_condition(%x: f32 {tile.name = "x"}, %n: index {tile.name = "n"}) {
  // CHECK:      "setmaxnreg.inc
  // CHECK:      %[[C:.*]] = arith.cmpi sgt,
  // CHECK:      llvm.inline_asm has_side_effects {{.*}}setp.ne.b32 more, 0, 0;\0A@!$17 bra.uni none;\0Awgmma.fence.sync.aligned;\0A
  // CHECK-SAME: {$0,$1,$2,$3}, {$8,$9,$10,$11}, b, 1, 1, 1, 1;
  // CHECK-SAME: {$0,$1,$2,$3}, {$12,$13,$14,$15}, b, 1, 1, 1, 1;\0Awgmma.commit_group.sync.aligned;\0Abra.uni issued;
  // CHECK-SAME: \0Anone:\0Awgmma.fence.sync.aligned;\0Awgmma.commit_group.sync.aligned;\0Aissued:\0A}"
  // CHECK-SAME: "=f,=f,=f,=f,0,1,2,3,r,r,r,r,r,r,r,r,l,b"
  // CHECK-SAME: %[[C]] : (
  // CHECK:      wgmma.wait_group.sync.aligned 0;
  %c0 = arith.constant 0 : index
  %values = sm.make_ring : !sm.ring<2, 32x8, f16>
  sm.roles groups 1 registers 40, 232 producer {
  } consumer {
    %c = arith.cmpi sgt, %n, %c0 : index
    %wide = tensor.splat %x : tensor<64x32xf32>
    %p = arith.truncf %wide : tensor<64x32xf32> to tensor<64x32xf16>
    %acc = tensor.splat %x : tensor<64x8xf32>
    %v = sm.acquire %values if %c : !sm.ring<2, 32x8, f16> -> !sm.slot<32x8, f16>
    %o = sm.dot %p, %v acc %acc : tensor<64x8xf32> if %c : tensor<64x32xf16>, !sm.slot<32x8, f16> -> tensor<64x8xf32>
    %s = sm.await %o pending 0 : tensor<64x8xf32>
  }
  return
}

// -----

// With the left operand in shared memory too, the condition is the operand behind two addresses.

// CHECK-LABEL: llvm.func @from_shared_under_a_condition
func.func @from_shared_under_a_condition(%x: f32 {tile.name = "x"}, %n: index {tile.name = "n"}) {
  // CHECK:      llvm.inline_asm has_side_effects {{.*}}@!$10 bra.uni none;
  // CHECK-SAME: add.s64 b, $9, 0;\0Aadd.s64 a, $8, 0;
  // CHECK-SAME: "=f,=f,=f,=f,0,1,2,3,l,l,b"
  %c0 = arith.constant 0 : index
  %queries = sm.make_ring : !sm.ring<1, 64x32, bf16>
  %keys = sm.make_ring : !sm.ring<2, 8x32, bf16>
  sm.roles groups 1 registers 40, 232 producer {
  } consumer {
    %c = arith.cmpi sgt, %n, %c0 : index
    %acc = tensor.splat %x : tensor<64x8xf32>
    %q = sm.acquire %queries : !sm.ring<1, 64x32, bf16> -> !sm.slot<64x32, bf16>
    %k = sm.acquire %keys if %c : !sm.ring<2, 8x32, bf16> -> !sm.slot<8x32, bf16>
    %p = sm.dot %q, %k transposed acc %acc : tensor<64x8xf32> if %c : !sm.slot<64x32, bf16>, !sm.slot<8x32, bf16> -> tensor<64x8xf32>
  }
  return
}

// -----

// A group's rows of the left operand lie 8192 bytes behind those of the group before. All
// buffers are swizzled by 128 bytes (bit 62), eight rows being 1024 bytes.

// CHECK-LABEL: llvm.func @descriptors
func.func @descriptors() {
  // CHECK-DAG:  %[[FIXED:.*]] = arith.constant 4611686293305360384 : i64
  // CHECK-DAG:  %[[ROWS:.*]] = arith.constant 8192 : i32
  // CHECK-DAG:  %[[ONE:.*]] = arith.constant 1 : i32
  // CHECK-DAG:  %[[GROUP:.*]] = nvvm.shfl.sync idx
  // CHECK:      %[[CONSUMER:.*]] = arith.subi %[[GROUP]], %[[ONE]] : i32
  // CHECK-NEXT: %[[OFFSET:.*]] = arith.muli %[[CONSUMER]], %[[ROWS]] : i32
  // CHECK-NEXT: %[[ADDRESS:.*]] = arith.addi %{{.*}}, %[[OFFSET]] : i32
  // CHECK-NEXT: %[[PART:.*]] = arith.andi %[[ADDRESS]],
  // CHECK-NEXT: %[[UNITS:.*]] = arith.shrui %[[PART]],
  // CHECK-NEXT: %[[WIDE:.*]] = arith.extui %[[UNITS]]
  // CHECK-NEXT: %[[Q:.*]] = arith.ori %[[WIDE]], %[[FIXED]] : i64
  // CHECK:      wgmma.mma_async{{.*}} %[[Q]], %{{.*}} : (i64, i64)
  %queries = sm.make_ring : !sm.ring<1, 128x64, bf16>
  %keys = sm.make_ring : !sm.ring<2, 8x64, bf16>
  sm.roles groups 2 registers 40, 232 producer {
  } consumer {
    %q = sm.acquire %queries : !sm.ring<1, 128x64, bf16> -> !sm.slot<128x64, bf16>
    %k = sm.acquire %keys : !sm.ring<2, 8x64, bf16> -> !sm.slot<8x64, bf16>
    %p = sm.dot %q, %k transposed : !sm.slot<128x64, bf16>, !sm.slot<8x64, bf16> -> tensor<128x8xf32>
  }
  return
}

// -----

// A wait passes the registers through, so that nothing reads them in front of it.

// CHECK-LABEL: llvm.func @await
func.func @await() {
  // CHECK: %[[P:.*]] = llvm.inline_asm {{.*}}wgmma.mma_async
  // CHECK: %[[FIRST:.*]] = llvm.extractvalue %[[P]][0]
  // CHECK: llvm.inline_asm has_side_effects {{.*}}"wgmma.wait_group.sync.aligned 1;", "=f,=f,=f,=f,0,1,2,3" %[[FIRST]],
  %queries = sm.make_ring : !sm.ring<1, 64x16, bf16>
  %keys = sm.make_ring : !sm.ring<1, 8x16, bf16>
  sm.roles groups 1 registers 40, 232 producer {
  } consumer {
    %q = sm.acquire %queries : !sm.ring<1, 64x16, bf16> -> !sm.slot<64x16, bf16>
    %k = sm.acquire %keys : !sm.ring<1, 8x16, bf16> -> !sm.slot<8x16, bf16>
    %p = sm.dot %q, %k transposed : !sm.slot<64x16, bf16>, !sm.slot<8x16, bf16> -> tensor<64x8xf32>
    %s = sm.await %p pending 1 : tensor<64x8xf32>
  }
  return
}
