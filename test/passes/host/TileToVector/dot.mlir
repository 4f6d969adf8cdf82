// RUN: tessera-opt %s --tile-to-vector="vector-bits=128 registers=16" --canonicalize --cse | FileCheck %s --check-prefixes=CHECK,SMALL
// RUN: tessera-opt %s --tile-to-vector="vector-bits=256 registers=16" --canonicalize --cse | FileCheck %s --check-prefixes=CHECK,AVX2
// RUN: tessera-opt %s --tile-to-vector="vector-bits=128 registers=32" --canonicalize --cse | FileCheck %s --check-prefixes=CHECK,NEON
// RUN: tessera-opt %s --tile-to-vector="vector-bits=512 registers=32" --canonicalize --cse | FileCheck %s --check-prefixes=CHECK,AVX512

!view = !tile.view<64xf32>
!scores = tensor<96x64xf32>

// A block of the result stays in registers: three vectors by four columns of 16
// registers, by eight of 32. Two steps of k are done in one iteration.

// CHECK-LABEL: func @block
func.func @block(%q: !view {tile.name = "q"}, %k: !view {tile.name = "k"},
                 %o: !view {tile.name = "o"}, %tile: index, %head: index, %batch: index) {
  // SMALL:           scf.for %{{.*}} = %c0 to %c96 step %c12
  // SMALL:             scf.for %{{.*}} = %c0 to %c64 step %c4
  // SMALL:               %{{.*}}:12 = scf.for %{{.*}} = %c0 to %c64 step %c2
  // SMALL-COUNT-24:        math.fma {{.*}} : vector<4xf32>
  // AVX2:            scf.for %{{.*}} = %c0 to %c96 step %c24
  // AVX2:              scf.for %{{.*}} = %c0 to %c64 step %c4
  // AVX2:                %{{.*}}:12 = scf.for %{{.*}} = %c0 to %c64 step %c2
  // AVX2-COUNT-24:         math.fma {{.*}} : vector<8xf32>
  // NEON:            scf.for %{{.*}} = %c0 to %c96 step %c12
  // NEON:              scf.for %{{.*}} = %c0 to %c64 step %c8
  // NEON:                %{{.*}}:24 = scf.for %{{.*}} = %c0 to %c64 step %c2
  // NEON-COUNT-48:         math.fma {{.*}} : vector<4xf32>
  // AVX512:          scf.for %{{.*}} = %c0 to %c96 step %c48
  // AVX512:            scf.for %{{.*}} = %c0 to %c64 step %c8
  // AVX512:              %{{.*}}:24 = scf.for %{{.*}} = %c0 to %c64 step %c2
  // AVX512-COUNT-48:       math.fma {{.*}} : vector<16xf32>
  // CHECK-NOT:       math.fma
  %zero = arith.constant dense<0.0> : !scores
  %left = tile.load %q[%batch, %head] tile %tile padding undefined : !view -> !scores
  %right = tile.load %k[%batch, %head] tile %tile padding zero : !view -> tensor<64x64xf32>
  %dot = tile.dot %left, %right, %zero : !scores, tensor<64x64xf32> -> !scores
  tile.store %dot, %o[%batch, %head] tile %tile : !scores, !view
  return
}

// Vectors divide the 12 rows, blocks the five columns, and unrolling the depth: no
// register is partly filled.

// CHECK-LABEL: func @odd
func.func @odd(%q: !tile.view<5xf32> {tile.name = "q"}, %tile: index, %head: index, %batch: index) {
  // SMALL:          %{{.*}}:5 = scf.for %{{.*}} = %c0 to %c5 step %c1
  // SMALL-COUNT-5:    math.fma {{.*}} : vector<4xf32>
  // AVX2:           %{{.*}}:5 = scf.for %{{.*}} = %c0 to %c5 step %c1
  // AVX2-COUNT-5:     math.fma {{.*}} : vector<4xf32>
  // NEON:           %{{.*}}:15 = scf.for %{{.*}} = %c0 to %c5 step %c1
  // NEON-COUNT-15:    math.fma {{.*}} : vector<4xf32>
  // AVX512:         %{{.*}}:15 = scf.for %{{.*}} = %c0 to %c5 step %c1
  // AVX512-COUNT-15:  math.fma {{.*}} : vector<4xf32>
  // CHECK-NOT:      math.fma
  %zero = arith.constant dense<0.0> : tensor<12x5xf32>
  %left = tile.load %q[%batch, %head] tile %tile padding undefined : !tile.view<5xf32> -> tensor<12x5xf32>
  %right = tile.load %q[%batch, %head] tile %tile padding zero : !tile.view<5xf32> -> tensor<5x5xf32>
  %dot = tile.dot %left, %right, %zero : tensor<12x5xf32>, tensor<5x5xf32> -> tensor<12x5xf32>
  tile.store %dot, %q[%batch, %head] tile %tile : tensor<12x5xf32>, !tile.view<5xf32>
  return
}
