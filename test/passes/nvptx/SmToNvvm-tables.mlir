// RUN: tessera-opt %s --sm-to-nvvm --canonicalize --cse --split-input-file | FileCheck %s

// Outside of a table there are zeros, and nothing is read. Negative places are outside, too.

// CHECK-LABEL: llvm.func @fetch
func.func @fetch(%o: !tile.view<1xf32> {tile.name = "o"}, %t: !tile.table<1xf32> {tile.name = "t"},
                 %i: index {tile.name = "i"}) {
  // CHECK:      %[[PLACE:.*]] = arith.extsi %{{.*}} : i32 to i64
  // CHECK:      %[[EXTENT:.*]] = llvm.load %{{.*}} invariant : !llvm.ptr -> i64
  // CHECK-NEXT: %[[INSIDE:.*]] = arith.cmpi ult, %[[PLACE]], %[[EXTENT]] : i64
  // CHECK:      %[[OFFSET:.*]] = arith.muli %[[PLACE]], %{{.*}} : i64
  // CHECK:      %[[ADDRESS:.*]] = llvm.getelementptr %{{.*}}[%[[OFFSET]]]
  // CHECK-NEXT: llvm.inline_asm {{.*}}mov.b32 $0, 0;{{.*}}@$2 ld.global.nc.b32 $0, [$1];{{.*}} %[[ADDRESS]], %[[INSIDE]]
  sm.roles groups 1 registers 40, 232 producer {
  } consumer {
    %number = tile.fetch %t[%i] : !tile.table<1xf32> -> f32
    %y = tensor.splat %number : tensor<64x1xf32>
    tile.store %y, %o[%i, %i] tile %i : tensor<64x1xf32>, !tile.view<1xf32>
  }
  return
}

// -----

// Each element of a tile has its own place, in two dimensions.

// CHECK-LABEL: llvm.func @gather
func.func @gather(%o: !tile.view<1xf32> {tile.name = "o"}, %t: !tile.table<2xf32> {tile.name = "t"},
                  %i: index {tile.name = "i"}) {
  // CHECK:      %[[A:.*]] = arith.cmpi ult
  // CHECK:      %[[B:.*]] = arith.cmpi ult
  // CHECK-NEXT: %[[BOTH:.*]] = arith.andi %[[A]], %[[B]]
  // CHECK:      %[[FIRST:.*]] = llvm.inline_asm {{.*}}ld.global.nc.b32{{.*}}, %[[BOTH]]
  // CHECK:      %[[SECOND:.*]] = llvm.inline_asm {{.*}}ld.global.nc.b32
  // CHECK-NOT:  ld.global
  // CHECK:      llvm.store %[[FIRST]],
  // CHECK:      llvm.store %[[SECOND]],
  sm.roles groups 1 registers 40, 232 producer {
  } consumer {
    %rows = tile.positions %o[%i] tile %i : !tile.view<1xf32> -> tensor<64x1xi32>
    %numbers = tile.gather %t[%rows, %rows] : !tile.table<2xf32>, tensor<64x1xi32> -> tensor<64x1xf32>
    tile.store %numbers, %o[%i, %i] tile %i : tensor<64x1xf32>, !tile.view<1xf32>
  }
  return
}
