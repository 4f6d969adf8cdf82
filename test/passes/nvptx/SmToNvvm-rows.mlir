// RUN: tessera-opt %s --sm-to-nvvm --split-input-file | FileCheck %s

// Elements 2 and 3 of four are in a thread's second row. Those of a row repeat in both rows, and a
// pair of neighbours stays one.

// CHECK-LABEL: llvm.func @broadcast
func.func @broadcast(%a: f32 {tile.name = "a"}) {
  sm.roles groups 1 registers 24, 240 producer {
  } consumer {
    // CHECK: %[[COLUMN:.*]] = vector.broadcast %{{.*}} : f32 to vector<2xf32>
    %column = tensor.splat %a : tensor<64x1xf32>
    // CHECK: %[[ROW:.*]] = vector.broadcast %{{.*}} : f32 to vector<4xf32>
    %row = tensor.splat %a : tensor<1x16xf32>
    // CHECK: %[[ONE:.*]] = vector.broadcast %{{.*}} : f32 to vector<1xf32>
    %one = tensor.splat %a : tensor<1x1xf32>
    // CHECK: vector.shuffle %[[COLUMN]], %[[COLUMN]] [0, 0, 1, 1, 0, 0, 1, 1]
    %x = tile.broadcast %column : tensor<64x1xf32> -> tensor<64x16xf32>
    // CHECK: vector.shuffle %[[ROW]], %[[ROW]] [0, 1, 0, 1, 2, 3, 2, 3]
    %y = tile.broadcast %row : tensor<1x16xf32> -> tensor<64x16xf32>
    // CHECK: vector.shuffle %[[ONE]], %[[ONE]] [0, 0, 0, 0, 0, 0, 0, 0]
    %z = tile.broadcast %one : tensor<1x1xf32> -> tensor<64x16xf32>
    // CHECK: vector.shuffle %[[COLUMN]], %[[COLUMN]] [0, 1]
    %parts = tile.broadcast %column : tensor<64x1xf32> -> tensor<64x4xf32>
  }
  return
}

// -----

// A thread reduces the elements of its rows, then the four lanes of a row exchange what they have.

// CHECK-LABEL: llvm.func @max
func.func @max(%a: f32 {tile.name = "a"}) {
  sm.roles groups 1 registers 24, 240 producer {
  } consumer {
    // CHECK:     %[[X:.*]] = vector.broadcast %{{.*}} : f32 to vector<4xf32>
    %x = tensor.splat %a : tensor<64x8xf32>
    // CHECK-DAG: %[[X0:.*]] = vector.extract %[[X]][0]
    // CHECK-DAG: %[[X1:.*]] = vector.extract %[[X]][1]
    // CHECK:     %[[FIRST:.*]] = arith.maxnumf %[[X0]], %[[X1]] : f32
    // CHECK-DAG: %[[X2:.*]] = vector.extract %[[X]][2]
    // CHECK-DAG: %[[X3:.*]] = vector.extract %[[X]][3]
    // CHECK:     arith.maxnumf %[[X2]], %[[X3]] : f32
    // CHECK:     %[[TWO:.*]] = arith.constant 2 : i32
    // CHECK:     %[[OTHER:.*]] = nvvm.shfl.sync bfly %{{.*}}, %[[FIRST]], %[[TWO]], %{{.*}} : f32
    // CHECK:     %[[BOTH:.*]] = arith.maxnumf %[[FIRST]], %[[OTHER]]
    // CHECK:     %[[ONE:.*]] = arith.constant 1 : i32
    // CHECK:     nvvm.shfl.sync bfly %{{.*}}, %[[BOTH]], %[[ONE]], %{{.*}} : f32
    // CHECK:     arith.maxnumf
    // CHECK:     vector.from_elements {{.*}} : vector<2xf32>
    %max = tile.reduce max %x : tensor<64x8xf32>
  }
  return
}

// -----

// A partial sum exchanges nothing. Its lanes start with zeros but for the first of a row.

// CHECK-LABEL: llvm.func @partial_sums
func.func @partial_sums(%a: f32 {tile.name = "a"}) {
  sm.roles groups 1 registers 24, 240 producer {
  } consumer {
    // CHECK: llvm.inline_asm {{.*}}setmaxnreg.inc
    %x = tensor.splat %a : tensor<64x8xf32>
    // CHECK: %[[L:.*]] = vector.broadcast %{{.*}} : f32 to vector<2xf32>
    %l = tensor.splat %a : tensor<64x1xf32>
    // CHECK:     %[[FIRST:.*]] = arith.cmpi eq
    // CHECK:     %[[ZERO:.*]] = arith.constant dense<0.000000e+00> : vector<2xf32>
    // CHECK:     arith.select %[[FIRST]], %[[L]], %[[ZERO]] : vector<2xf32>
    %start = tile.spread %l : tensor<64x1xf32> -> tensor<64x4xf32>
    // CHECK-COUNT-2: arith.addf %{{.*}} : f32
    // CHECK-NOT: nvvm.shfl.sync
    // CHECK:     %[[PART:.*]] = vector.from_elements {{.*}} : vector<2xf32>
    %part = tile.partial_reduce add %x : tensor<64x8xf32> -> tensor<64x4xf32>
    // CHECK-COUNT-4: nvvm.shfl.sync bfly
    // CHECK-NOT: nvvm.shfl.sync
    // CHECK: llvm.return
    %sum = tile.reduce add %part : tensor<64x4xf32>
  }
  return
}

// -----

// Bits of positive numbers are compared like integers, and nothing is exchanged.

// CHECK-LABEL: llvm.func @positive_max
func.func @positive_max(%a: f32 {tile.name = "a"}) {
  sm.roles groups 1 registers 24, 240 producer {
  } consumer {
    // CHECK:      %[[X:.*]] = vector.broadcast %{{.*}} : f32 to vector<8xf32>
    %x = tensor.splat %a : tensor<64x16xf32>
    // CHECK-NEXT: %[[A:.*]] = vector.extract %[[X]][0]
    // CHECK-NEXT: %[[B:.*]] = vector.extract %[[X]][1]
    // CHECK-NEXT: %[[C:.*]] = vector.extract %[[X]][4]
    // CHECK-DAG:  %[[ABITS:.*]] = arith.bitcast %[[A]] : f32 to i32
    // CHECK-DAG:  %[[CBITS:.*]] = arith.bitcast %[[C]] : f32 to i32
    // CHECK-NEXT: %[[AC:.*]] = arith.maxsi %[[ABITS]], %[[CBITS]] : i32
    // CHECK-NEXT: %[[D:.*]] = vector.extract %[[X]][5]
    // CHECK-DAG:  %[[BBITS:.*]] = arith.bitcast %[[B]] : f32 to i32
    // CHECK-DAG:  %[[DBITS:.*]] = arith.bitcast %[[D]] : f32 to i32
    // CHECK-NEXT: %[[BD:.*]] = arith.maxsi %[[BBITS]], %[[DBITS]] : i32
    // CHECK-NEXT: %[[MAX:.*]] = arith.maxsi %[[AC]], %[[BD]] : i32
    // CHECK-COUNT-3: arith.maxsi
    // CHECK-NOT:  nvvm.shfl.sync
    // CHECK:      %[[FIRST:.*]] = arith.bitcast %[[MAX]] : i32 to f32
    // CHECK:      vector.from_elements %[[FIRST]], %{{.*}} : vector<2xf32>
    %part = sm.positive_max %x : tensor<64x16xf32> -> tensor<64x4xf32>
  }
  return
}

// -----

// Rows of a thread stand eight apart. Columns are constants from the lane's first one on.

// CHECK-LABEL: llvm.func @positions
func.func @positions(%q: !tile.view<64xf32> {tile.name = "q"}, %n: index {tile.name = "n"}) {
  sm.roles groups 1 registers 24, 240 producer {
  } consumer {
    // CHECK: %[[EIGHT:.*]] = arith.constant 8 : i32
    // CHECK: %[[SECOND:.*]] = arith.addi %[[FIRST:.*]], %[[EIGHT]] : i32
    // CHECK: vector.from_elements %[[FIRST]], %[[SECOND]] : vector<2xi32>
    %rows = tile.positions %q[%n] tile %n : !tile.view<64xf32> -> tensor<64x1xi32>
    // CHECK: %[[COLUMNS:.*]] = arith.constant dense<[0, 1, 8, 9]> : vector<4xi32>
    // CHECK: arith.addi %[[COLUMNS]], %{{.*}} : vector<4xi32>
    %columns = tile.positions %q[%n] tile %n : !tile.view<64xf32> -> tensor<1x16xi32>
    // CHECK: %[[NUMBERS:.*]] = arith.constant dense<[0, 1, 8, 9]> : vector<4xi32>
    // CHECK: arith.addi %[[NUMBERS]], %{{.*}} : vector<4xi32>
    %numbers = tile.iota : tensor<1x16xi32>
  }
  return
}

// -----

// One vote of a warp about the rows of all its threads.

// CHECK-LABEL: llvm.func @warp_any
func.func @warp_any(%a: f32 {tile.name = "a"}, %b: f32 {tile.name = "b"}) {
  sm.roles groups 1 registers 24, 240 producer {
  } consumer {
    %x = tensor.splat %a : tensor<64x1xf32>
    %y = tensor.splat %b : tensor<64x1xf32>
    // CHECK:     %[[C:.*]] = arith.cmpf une, {{.*}} : vector<2xf32>
    // CHECK-DAG: %[[FIRST:.*]] = vector.extract %[[C]][0]
    // CHECK-DAG: %[[SECOND:.*]] = vector.extract %[[C]][1]
    // CHECK:     %[[BOTH:.*]] = arith.ori %[[FIRST]], %[[SECOND]] : i1
    // CHECK:     nvvm.vote.sync any %{{.*}}, %[[BOTH]] -> i1
    %c = arith.cmpf une, %x, %y : tensor<64x1xf32>
    %any = sm.warp_any %c : tensor<64x1xi1>
  }
  return
}
