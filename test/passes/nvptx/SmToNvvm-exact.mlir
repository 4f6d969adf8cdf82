// RUN: tessera-opt %s --sm-to-nvvm --canonicalize --cse --split-input-file | FileCheck %s

!view = !tile.view<64xbf16>
!out = !tile.view<16xbf16>

// A thread sums up zero times what it holds of each row, two elements at once, and its group meets
// to hear whether one of the sums is not zero. What is rare is a branch, in which threads put what
// they hold of rows that are those of the sequence.

// CHECK-LABEL: llvm.func @rarely
func.func @rarely(%o: !out {tile.name = "o"}, %x: f32 {tile.name = "x"}, %i: index {tile.name = "i"}) {
  // CHECK-DAG:     %[[ZERO:.*]] = arith.constant 0 : i32
  // CHECK-DAG:     %[[MAGNITUDE:.*]] = arith.constant 2147450879 : i32
  // CHECK:         "setmaxnreg.inc
  // CHECK:         %[[A:.*]] = llvm.inline_asm {{.*}}"fma.rn.bf16x2 $0, $1, $2, $3;", "=r,r,r,r" %{{.*}}, %[[ZERO]], %[[ZERO]]
  // CHECK:         %[[B:.*]] = llvm.inline_asm {{.*}}"fma.rn.bf16x2 $0, $1, $2, $3;", "=r,r,r,r" %{{.*}}, %[[ZERO]], %[[ZERO]]
  // CHECK:         %[[SUM:.*]] = llvm.inline_asm {{.*}}"fma.rn.bf16x2 $0, $1, $2, $3;", "=r,r,r,r" %{{.*}}, %[[ZERO]], %[[A]]
  // CHECK:         llvm.inline_asm {{.*}}"fma.rn.bf16x2 $0, $1, $2, $3;", "=r,r,r,r" %{{.*}}, %[[ZERO]], %[[B]]
  // CHECK-NOT:     fma.rn
  // CHECK:         %[[ABS:.*]] = arith.andi %[[SUM]], %[[MAGNITUDE]]
  // CHECK-NEXT:    arith.cmpi ne, %[[ABS]], %[[ZERO]]
  // CHECK:         %[[ANY:.*]] = llvm.inline_asm has_side_effects {{.*}}"bar.red.or.pred $0, $1, 128, $2;", "=b,r,b,~{memory}"
  // CHECK-NEXT:    %[[NUMBER:.*]] = arith.extui %[[ANY]]
  // CHECK-NEXT:    %[[SAME:.*]] = nvvm.shfl.sync idx %{{.*}}, %[[NUMBER]]
  // CHECK-NEXT:    %[[UNIFORM:.*]] = arith.cmpi ne, %[[SAME]], %[[ZERO]]
  // CHECK-NEXT:    scf.if %[[UNIFORM]] {
  // CHECK:           "bar.sync $0, 128;"
  // CHECK-NEXT:      %[[AGAIN:.*]] = llvm.inline_asm has_side_effects {{.*}}"mov.b32 $0, $1;", "=r,r"
  // CHECK-NOT:     stmatrix
  // CHECK-NOT:     cp.async.bulk.tensor
  // CHECK:         arith.cmpi slt
  // CHECK:         llvm.inline_asm has_side_effects {{.*}}"@$1 st.global.b32 [$0+0], $2;\0A@$1 st.global.b32 [$0+16], $3;", "l,b,r,r,~{memory}"
  // CHECK:         arith.cmpi slt
  // CHECK:         "@$1 st.global.b32 [$0+0], $2;\0A@$1 st.global.b32 [$0+16], $3;"
  // CHECK-NOT:     llvm.store
  sm.roles groups 1 registers 40, 232 producer {
  } consumer {
    %wide = tensor.splat %x : tensor<64x16xf32>
    %y = arith.truncf %wide : tensor<64x16xf32> to tensor<64x16xbf16>
    %parts = sm.nonfinite_rows %y : tensor<64x16xbf16> -> tensor<64x4xi1>
    %any = sm.group_any %parts : tensor<64x4xi1>
    sm.rarely %any {
      %again = sm.renew %i : index
      %place = sm.locate %o[%i, %i] tile %again : !out -> !sm.place<64x16, bf16>
      sm.put %y, %place : tensor<64x16xbf16>, !sm.place<64x16, bf16>
    }
  }
  return
}

// -----

// Of other types the same, in their own arithmetic.

// CHECK-LABEL:   llvm.func @elements
// CHECK-COUNT-2: math.fma %{{.*}} : f32
// CHECK:         arith.cmpf uno, %{{.*}} : f32
// CHECK-COUNT-2: "fma.rn.f16x2 $0, $1, $2, $3;"
func.func @elements(%x: f32 {tile.name = "x"}) {
  sm.roles groups 1 registers 40, 232 producer {
  } consumer {
    %y = tensor.splat %x : tensor<64x8xf32>
    %parts = sm.nonfinite_rows %y : tensor<64x8xf32> -> tensor<64x4xi1>
    %any = sm.group_any %parts : tensor<64x4xi1>
    %n = arith.truncf %y : tensor<64x8xf32> to tensor<64x8xf16>
    %narrow = sm.nonfinite_rows %n : tensor<64x8xf16> -> tensor<64x4xi1>
    %some = sm.group_any %narrow : tensor<64x4xi1>
  }
  return
}

// -----

!view = !tile.view<64xbf16>

// Rows times rows: a loop along them, in which a thread reads four columns of the two rows that it
// has of each operand, where these are rows of the sequence.

// CHECK-LABEL: llvm.func @rows
func.func @rows(%q: !view {tile.name = "q"}, %o: !tile.view<8xf32> {tile.name = "o"},
                %n: index {tile.name = "n"}, %i: index {tile.name = "i"}) {
  // CHECK-DAG:      %[[C0:.*]] = arith.constant 0 : i32
  // CHECK-DAG:      %[[C4:.*]] = arith.constant 4 : i32
  // CHECK-DAG:      %[[C64:.*]] = arith.constant 64 : i32
  // CHECK:          "setmaxnreg.inc
  // CHECK-COUNT-4:  arith.cmpi slt, %{{.*}}, %{{.*}} : i32
  // CHECK:          scf.for %[[COLUMN:.*]] = %[[C0]] to %[[C64]] step %[[C4]] iter_args(%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}) -> (f32, f32, f32, f32)
  // CHECK:            llvm.getelementptr %{{.*}}[%[[COLUMN]]]
  // CHECK-COUNT-4:    mov.b32 $0, 0;\0Amov.b32 $1, 0;\0A@$3 ld.global.nc.v2.b32 {$0, $1}, [$2];
  // CHECK-COUNT-16:   math.fma
  // CHECK-NOT:        math.fma
  sm.roles groups 1 registers 40, 232 producer {
  } consumer {
    %zero = arith.constant dense<0.0> : tensor<64x8xf32>
    %left = sm.locate %q[%i, %i] tile %i of %n : !view -> !sm.place<64x64, bf16>
    %right = sm.locate %q[%i, %i] tile %i from %i of %n : !view -> !sm.place<8x64, bf16>
    %s = sm.exact_dot %left, %right, %zero transposed : !sm.place<64x64, bf16>, !sm.place<8x64, bf16> -> tensor<64x8xf32>
    tile.store %s, %o[%i, %i] tile %i : tensor<64x8xf32>, !tile.view<8xf32>
  }
  return
}

// -----

!view = !tile.view<64xf16>

// A tile times rows: a loop over its eight columns, which lanes have by turns. A zero takes the sum
// as it was.

// CHECK-LABEL: llvm.func @tile
func.func @tile(%v: !view {tile.name = "v"}, %o: !tile.view<64xf32> {tile.name = "o"},
                %x: f32 {tile.name = "x"}, %n: index {tile.name = "n"}, %i: index {tile.name = "i"}) {
  // CHECK-DAG:     %[[C0:.*]] = arith.constant 0 : i32
  // CHECK-DAG:     %[[C1:.*]] = arith.constant 1 : i32
  // CHECK-DAG:     %[[C8:.*]] = arith.constant 8 : i32
  // CHECK:         %[[SKIPS:.*]] = arith.cmpi slt
  // CHECK:         scf.for %[[COLUMN:.*]] = %[[C0]] to %[[C8]] step %[[C1]] iter_args(%[[ACC:.*]] = %{{.*}}) -> (vector<32xf32>)
  // CHECK-COUNT-2:   nvvm.shfl.sync idx
  // CHECK:           %[[LEFT:.*]] = vector.from_elements %{{.*}}, %{{.*}} : vector<2xf32>
  // CHECK:           @$9 ld.global.nc.b32 $0, [$8+0];{{.*}}[$8+16];{{.*}}[$8+112];
  // CHECK:           %[[SUM:.*]] = math.fma %{{.*}}, %{{.*}}, %[[ACC]] : vector<32xf32>
  // CHECK:           %[[ZEROS:.*]] = arith.cmpf oeq, %[[LEFT]]
  // CHECK:           %[[ROWS:.*]] = arith.andi %[[ZEROS]]
  // CHECK:           %[[ELEMENTS:.*]] = vector.shuffle %[[ROWS]]
  // CHECK:           %[[NEXT:.*]] = arith.select %[[ELEMENTS]], %[[ACC]], %[[SUM]]
  // CHECK:           scf.yield %[[NEXT]]
  sm.roles groups 1 registers 40, 232 producer {
  } consumer {
    %skips = arith.cmpi slt, %i, %n : index
    %zero = arith.constant dense<0.0> : tensor<64x64xf32>
    %wide = tensor.splat %x : tensor<64x8xf32>
    %p = arith.truncf %wide : tensor<64x8xf32> to tensor<64x8xf16>
    %right = sm.locate %v[%i, %i] tile %i : !view -> !sm.place<8x64, f16>
    %s = sm.exact_dot %p, %right, %zero skip_zeros %skips : tensor<64x8xf16>, !sm.place<8x64, f16> -> tensor<64x64xf32>
    tile.store %s, %o[%i, %i] tile %i : tensor<64x64xf32>, !tile.view<64xf32>
  }
  return
}
