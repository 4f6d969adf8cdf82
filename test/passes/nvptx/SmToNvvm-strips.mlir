// RUN: tessera-opt %s --sm-to-nvvm --canonicalize --cse --split-input-file | FileCheck %s

// A distance between positions is one dimension of a table: a warp reads a strip of it, 16 further
// on for each register, and each lane finds its numbers in the others'. A row and a column
// that are 8 further on are as far apart, so 16 elements have 10 numbers.

// CHECK-LABEL: llvm.func @distances
func.func @distances(%o: !tile.view<32xf32> {tile.name = "o"}, %t: !tile.table<2xf32> {tile.name = "t"},
                     %i: index {tile.name = "i"}) {
  // CHECK-DAG:  %[[SIXTEEN:.*]] = arith.constant 16 : i32
  // CHECK-DAG:  %[[BEHIND:.*]] = arith.constant 32 : i32
  // CHECK-DAG:  %[[ZERO:.*]] = arith.constant 0 : i32
  // CHECK-DAG:  %[[ONE:.*]] = arith.constant 1 : i64
  // What is outside in another dimension has no extent in this one.
  // CHECK:      %[[HEAD:.*]] = arith.cmpi ult, %{{.*}}, %{{.*}} : i32
  // CHECK-NEXT: %[[LIMIT:.*]] = arith.select %[[HEAD]], %{{.*}}, %[[ZERO]] : i32
  // CHECK:      %[[DATA:.*]] = llvm.getelementptr {{.*}} f32

  // Where all that a warp reads is inside, and dense, one address serves all registers.
  // CHECK:      %[[DENSE:.*]] = arith.cmpi eq, %{{.*}}, %[[ONE]] : i64
  // CHECK-NEXT: %[[ROOM:.*]] = arith.select %[[DENSE]], %[[LIMIT]], %[[ZERO]] : i32
  // CHECK-NEXT: %[[LAST:.*]] = arith.subi %[[ROOM]], %[[BEHIND]] : i32
  // CHECK-NEXT: %[[BELOW:.*]] = arith.maxsi %[[LAST]], %[[ZERO]] : i32
  // CHECK-NEXT: %[[FITS:.*]] = arith.cmpi ult, %[[PLACE:.*]], %[[BELOW]] : i32
  // CHECK-NEXT: %[[INSIDE:.*]] = nvvm.vote.sync all %{{.*}}, %[[FITS]]
  // CHECK-NEXT: scf.if %[[INSIDE]]
  // CHECK-NEXT:   %[[NUMBER:.*]] = arith.extsi %[[PLACE]]
  // CHECK-NEXT:   %[[FIRST:.*]] = llvm.getelementptr %[[DATA]][%[[NUMBER]]] {{.*}} f32
  // CHECK-NEXT:   %[[A:.*]] = llvm.load %[[FIRST]] invariant
  // CHECK-NEXT:   %[[NEXT:.*]] = llvm.getelementptr %[[FIRST]][16] {{.*}} f32
  // CHECK-NEXT:   %[[B:.*]] = llvm.load %[[NEXT]] invariant
  // CHECK-NEXT:   %[[NEXT:.*]] = llvm.getelementptr %[[FIRST]][32] {{.*}} f32
  // CHECK-NEXT:   %[[C:.*]] = llvm.load %[[NEXT]] invariant
  // CHECK-NEXT:   scf.yield %[[A]], %[[B]], %[[C]]
  // CHECK-NEXT: else

  // Otherwise each of them is looked at, and read only where it is inside.
  // CHECK-NEXT:   %[[COPY:.*]] = llvm.inline_asm has_side_effects {{.*}}mov.b32{{.*}} %[[PLACE]] :
  // CHECK:        %[[FITS:.*]] = arith.cmpi ult, %[[COPY]], %[[LIMIT]] : i32
  // CHECK-NEXT:   %[[A:.*]] = llvm.inline_asm {{.*}}@$2 ld.global.nc.b32{{.*}}, %[[FITS]]
  // CHECK-NEXT:   llvm.getelementptr
  // CHECK-NEXT:   %[[NEXT:.*]] = arith.addi %[[COPY]], %[[SIXTEEN]] : i32
  // CHECK-NEXT:   %[[FITS:.*]] = arith.cmpi ult, %[[NEXT]], %[[LIMIT]] : i32
  // CHECK-NEXT:   %[[B:.*]] = llvm.inline_asm {{.*}}@$2 ld.global.nc.b32{{.*}}, %[[FITS]]
  // CHECK:        %[[C:.*]] = llvm.inline_asm {{.*}}@$2 ld.global.nc.b32
  // CHECK-NEXT:   scf.yield %[[A]], %[[B]], %[[C]]
  // CHECK-NOT:  ld.global
  // CHECK-COUNT-10: nvvm.shfl.sync idx
  // CHECK-NOT:  nvvm.shfl.sync
  // CHECK:      llvm.return
  sm.roles groups 1 registers 40, 232 producer {
  } consumer {
    %rows = tile.positions %o[%i] tile %i : !tile.view<32xf32> -> tensor<64x1xi32>
    %columns = tile.positions %o[%i] tile %i : !tile.view<32xf32> -> tensor<1x32xi32>
    %r = tile.broadcast %rows : tensor<64x1xi32> -> tensor<64x32xi32>
    %c = tile.broadcast %columns : tensor<1x32xi32> -> tensor<64x32xi32>
    %distance = arith.subi %c, %r : tensor<64x32xi32>
    %number = arith.index_cast %i : index to i32
    %head = tensor.splat %number : tensor<64x32xi32>
    %numbers = tile.gather %t[%head, %distance] : !tile.table<2xf32>, tensor<64x32xi32> -> tensor<64x32xf32>
    tile.store %numbers, %o[%i, %i] tile %i : tensor<64x32xf32>, !tile.view<32xf32>
  }
  return
}

// -----

// Read where the places are known, in front of what the warp waits for.

// CHECK-LABEL: llvm.func @early
func.func @early(%o: !tile.view<32xf32> {tile.name = "o"}, %t: !tile.table<1xf32> {tile.name = "t"},
                 %i: index {tile.name = "i"}, %x: f32 {tile.name = "x"}) {
  // CHECK:     nvvm.vote.sync all
  // CHECK-COUNT-2: llvm.load %{{.*}} invariant : !llvm.ptr<1>
  // CHECK-COUNT-2: ld.global.nc.b32
  // CHECK-NOT: ld.global
  // CHECK:     tanh.approx
  // CHECK:     nvvm.shfl.sync idx
  sm.roles groups 1 registers 40, 232 producer {
  } consumer {
    %columns = tile.positions %o[%i] tile %i : !tile.view<32xf32> -> tensor<1x32xi32>
    %splat = tensor.splat %x : tensor<1x32xf32>
    %later = math.tanh %splat : tensor<1x32xf32>
    %numbers = tile.gather %t[%columns] : !tile.table<1xf32>, tensor<1x32xi32> -> tensor<1x32xf32>
    %sum = arith.addf %later, %numbers : tensor<1x32xf32>
    %all = tile.broadcast %sum : tensor<1x32xf32> -> tensor<64x32xf32>
    tile.store %all, %o[%i, %i] tile %i : tensor<64x32xf32>, !tile.view<32xf32>
  }
  return
}

// -----

// A strip of one register needs no choice, nor does it have to come from neighbours.

// CHECK-LABEL: llvm.func @short
func.func @short(%o: !tile.view<8xf32> {tile.name = "o"}, %t: !tile.table<1xf32> {tile.name = "t"},
                 %i: index {tile.name = "i"}) {
  // CHECK-NOT: nvvm.vote.sync
  // CHECK:     %[[STRIP:.*]] = llvm.inline_asm {{.*}}@$2 ld.global.nc.b32
  // CHECK-COUNT-2: nvvm.shfl.sync idx %{{.*}}, %[[STRIP]]
  // CHECK-NOT: ld.global
  // CHECK-NOT: nvvm.shfl.sync idx
  // CHECK:     llvm.return
  sm.roles groups 1 registers 40, 232 producer {
  } consumer {
    %columns = tile.positions %o[%i] tile %i : !tile.view<8xf32> -> tensor<1x8xi32>
    %c = tile.broadcast %columns : tensor<1x8xi32> -> tensor<64x8xi32>
    %numbers = tile.gather %t[%c] : !tile.table<1xf32>, tensor<64x8xi32> -> tensor<64x8xf32>
    tile.store %numbers, %o[%i, %i] tile %i : tensor<64x8xf32>, !tile.view<8xf32>
  }
  return
}

// -----

// Two dimensions that differ: each element by itself.

// CHECK-LABEL: llvm.func @pairs
func.func @pairs(%o: !tile.view<16xf32> {tile.name = "o"}, %t: !tile.table<2xf32> {tile.name = "t"},
                 %i: index {tile.name = "i"}) {
  // CHECK-COUNT-8: ld.global.nc.b32
  // CHECK-NOT: ld.global
  // CHECK-NOT: nvvm.shfl.sync idx
  // CHECK:     llvm.return
  sm.roles groups 1 registers 40, 232 producer {
  } consumer {
    %rows = tile.positions %o[%i] tile %i : !tile.view<16xf32> -> tensor<64x1xi32>
    %columns = tile.positions %o[%i] tile %i : !tile.view<16xf32> -> tensor<1x16xi32>
    %r = tile.broadcast %rows : tensor<64x1xi32> -> tensor<64x16xi32>
    %c = tile.broadcast %columns : tensor<1x16xi32> -> tensor<64x16xi32>
    %numbers = tile.gather %t[%r, %c] : !tile.table<2xf32>, tensor<64x16xi32> -> tensor<64x16xf32>
    tile.store %numbers, %o[%i, %i] tile %i : tensor<64x16xf32>, !tile.view<16xf32>
  }
  return
}
