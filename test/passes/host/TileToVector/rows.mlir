// RUN: tessera-opt %s --tile-to-vector --canonicalize --cse | FileCheck %s

!view = !tile.view<8xf32>
!tile = tensor<32x8xf32>
!row = tensor<32x1xf32>

// One loop over chunks of rows. A tile is walked column by column; what needs the
// maximum of the row is computed in a second walk, what needs the sum is a
// number a row and waits for neither.

// CHECK-LABEL: func @softmax
// CHECK-SAME:    %[[SCRATCH:[^: ]*]]: !llvm.ptr)
func.func @softmax(%q: !view {tile.name = "q"}, %lse: !tile.view<1xf32> {tile.name = "lse"},
                   %tile: index, %head: index, %batch: index) {
  // CHECK:      scf.for %[[ROW:.*]] = %c0 to %c32 step %c16 {
  // CHECK-NEXT:   %[[MAX:.*]] = scf.for %{{.*}} = %c0 to %c8 step %c1 iter_args(%[[M:.*]] = %{{.*}}) -> (vector<16xf32>) {
  // CHECK:          %[[X:.*]] = llvm.load {{.*}} -> vector<16xf32>
  // CHECK-NEXT:     %[[GREATER:.*]] = arith.cmpf ogt, %[[M]], %[[X]]
  // CHECK-NEXT:     %[[NEXT:.*]] = arith.select %[[GREATER]], %[[M]], %[[X]]
  // CHECK-NEXT:     scf.yield %[[NEXT]]
  // CHECK:        %[[SUM:.*]] = scf.for %{{.*}} = %c0 to %c8 step %c1 iter_args(%[[L:.*]] = %{{.*}}) -> (vector<16xf32>) {
  // CHECK:          %[[X:.*]] = llvm.load {{.*}} -> vector<16xf32>
  // CHECK-NEXT:     %[[BELOW:.*]] = arith.subf %[[X]], %[[MAX]]
  // CHECK-NEXT:     %[[E:.*]] = math.exp2 %[[BELOW]]
  // CHECK-NEXT:     %[[NEXT:.*]] = arith.addf %[[L]], %[[E]]
  // CHECK-NEXT:     scf.yield %[[NEXT]]
  // CHECK:        %[[LOG:.*]] = math.log2 %[[SUM]] : vector<16xf32>
  // CHECK-NEXT:   %[[LSE:.*]] = arith.addf %[[MAX]], %[[LOG]]
  // CHECK:        llvm.store %[[LSE]]
  // CHECK-NOT:    scf.for
  // CHECK:      }
  %x = tile.load %q[%batch, %head] tile %tile padding undefined : !view -> !tile
  %m = tile.reduce max %x : !tile
  %mb = tile.broadcast %m : !row -> !tile
  %below = arith.subf %x, %mb : !tile
  %e = math.exp2 %below : !tile
  %l = tile.reduce add %e : !tile
  %log = math.log2 %l : !row
  %sum = arith.addf %m, %log : !row
  tile.store %sum, %lse[%batch, %head] tile %tile : !row, !tile.view<1xf32>
  return
}

// A maximum starts at minus infinity, a sum at zero.

// CHECK-LABEL: func @identities
func.func @identities(%q: !view {tile.name = "q"}, %o: !tile.view<1xf32> {tile.name = "o"},
                      %tile: index, %head: index, %batch: index) {
  // CHECK-DAG: %[[ZERO:.*]] = arith.constant dense<0.000000e+00> : vector<16xf32>
  // CHECK-DAG: %[[LEAST:.*]] = arith.constant dense<0xFF800000> : vector<16xf32>
  // CHECK:     scf.for %{{.*}} = %c0 to %c8 step %c1 iter_args(%{{.*}} = %[[LEAST]], %{{.*}} = %[[ZERO]])
  %x = tile.load %q[%batch, %head] tile %tile padding undefined : !view -> !tile
  %m = tile.reduce max %x : !tile
  %l = tile.reduce add %x : !tile
  %both = arith.addf %m, %l : !row
  tile.store %both, %o[%batch, %head] tile %tile : !row, !tile.view<1xf32>
  return
}
