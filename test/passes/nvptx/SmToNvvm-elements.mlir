// RUN: tessera-opt %s --sm-to-nvvm --split-input-file | FileCheck %s

// A thread holds a half of each eighth of two rows: of 64 x 16 elements, 8. Arithmetic is the same
// op on these.

// CHECK-LABEL: llvm.func @arithmetic
func.func @arithmetic(%a: f32 {tile.name = "a"}) {
  sm.roles groups 1 registers 24, 240 producer {
  } consumer {
    // CHECK: %[[X:.*]] = vector.broadcast %{{.*}} : f32 to vector<8xf32>
    %x = tensor.splat %a : tensor<64x16xf32>
    // CHECK: %[[E:.*]] = math.exp2 %[[X]] : vector<8xf32>
    %e = math.exp2 %x : tensor<64x16xf32>
    // CHECK: arith.addf %[[E]], %[[X]] : vector<8xf32>
    %y = arith.addf %e, %x : tensor<64x16xf32>
  }
  return
}

// -----

// What LLVM has no instruction for, the machine has.

// CHECK-LABEL: llvm.func @functions
func.func @functions(%a: f32 {tile.name = "a"}) {
  sm.roles groups 1 registers 24, 240 producer {
  } consumer {
    %x = tensor.splat %a : tensor<64x1xf32>
    // CHECK-COUNT-2: llvm.inline_asm {{.*}}"lg2.approx.ftz.f32 $0, $1;"
    // CHECK:         vector.from_elements {{.*}} : vector<2xf32>
    %log = math.log2 %x : tensor<64x1xf32>
    // CHECK-COUNT-2: llvm.inline_asm {{.*}}"tanh.approx.f32 $0, $1;"
    %tanh = math.tanh %x : tensor<64x1xf32>
  }
  return
}

// -----

// Floats of 16 bits are pairs in registers of 32.

// CHECK-LABEL: llvm.func @pairs
func.func @pairs(%a: f32 {tile.name = "a"}) {
  sm.roles groups 1 registers 24, 240 producer {
  } consumer {
    // CHECK: %[[X:.*]] = vector.broadcast
    %x = tensor.splat %a : tensor<64x16xf32>
    // CHECK: %[[LOW:.*]] = vector.extract %[[X]][0]
    // CHECK: %[[HIGH:.*]] = vector.extract %[[X]][1]
    // CHECK: %[[FIRST:.*]] = llvm.inline_asm has_side_effects {{.*}}"cvt.rn.bf16x2.f32 $0, $1, $2;", "=r,f,f" %[[HIGH]], %[[LOW]] : (f32, f32) -> i32
    // CHECK-COUNT-3: "cvt.rn.bf16x2.f32 $0, $1, $2;"
    // CHECK: %[[PAIRS:.*]] = vector.from_elements %[[FIRST]], {{.*}} : vector<4xi32>
    %narrow = arith.truncf %x : tensor<64x16xf32> to tensor<64x16xbf16>
    // CHECK: %[[AGAIN:.*]] = vector.bitcast %[[PAIRS]] : vector<4xi32> to vector<8xbf16>
    // CHECK: arith.extf %[[AGAIN]] : vector<8xbf16> to vector<8xf32>
    %wide = arith.extf %narrow : tensor<64x16xbf16> to tensor<64x16xf32>
    // CHECK-COUNT-4: "cvt.rn.f16x2.f32 $0, $1, $2;"
    %half = arith.truncf %x : tensor<64x16xf32> to tensor<64x16xf16>
  }
  return
}

// -----

// What a mask hides is minus infinity.

// CHECK-LABEL: llvm.func @mask
func.func @mask(%a: f32 {tile.name = "a"}, %b: f32 {tile.name = "b"}) {
  sm.roles groups 1 registers 24, 240 producer {
  } consumer {
    %x = tensor.splat %a : tensor<64x8xf32>
    %y = tensor.splat %b : tensor<64x8xf32>
    // CHECK: %[[KEEP:.*]] = arith.cmpf olt, %[[X:.*]], %{{.*}} : vector<4xf32>
    %keep = arith.cmpf olt, %x, %y : tensor<64x8xf32>
    // CHECK: %[[HIDDEN:.*]] = arith.constant dense<0xFF800000> : vector<4xf32>
    // CHECK: arith.select %[[KEEP]], %[[X]], %[[HIDDEN]] : vector<4xi1>, vector<4xf32>
    %z = tile.mask %x, %keep : tensor<64x8xf32>
  }
  return
}

// -----

// One division a row, not one an element.

// CHECK-LABEL: llvm.func @division_by_row
func.func @division_by_row(%a: f32 {tile.name = "a"}, %b: f32 {tile.name = "b"}) {
  sm.roles groups 1 registers 24, 240 producer {
  } consumer {
    %x = tensor.splat %a : tensor<64x8xf32>
    // CHECK: %[[ROWS:.*]] = vector.broadcast %{{.*}} : f32 to vector<2xf32>
    %rows = tensor.splat %b : tensor<64x1xf32>
    %divisors = tile.broadcast %rows : tensor<64x1xf32> -> tensor<64x8xf32>
    // CHECK: %[[INVERSE:.*]] = arith.divf %{{.*}}, %[[ROWS]] : vector<2xf32>
    // CHECK: %[[FACTORS:.*]] = vector.shuffle %[[INVERSE]], %[[INVERSE]] [0, 0, 1, 1]
    // CHECK: arith.mulf %{{.*}}, %[[FACTORS]] : vector<4xf32>
    // CHECK-NOT: arith.divf
    // CHECK: llvm.return
    %y = arith.divf %x, %divisors : tensor<64x8xf32>
  }
  return
}

// -----

// An index is an i32.

// CHECK-LABEL: llvm.func @index
func.func @index(%n: index {tile.name = "n"}) {
  sm.roles groups 1 registers 24, 240 producer {
  } consumer {
    %c3 = arith.constant 3 : index
    // CHECK: %[[N:.*]] = arith.trunci %{{.*}} : i64 to i32
    // CHECK: arith.addi %[[N]], %{{.*}} : i32
    %m = arith.addi %n, %c3 : index
    // CHECK-NOT: index
    // CHECK: llvm.return
    %narrow = arith.index_cast %m : index to i32
  }
  return
}
