// RUN: tessera-opt %s --tile-specialize-key=key=causal | FileCheck %s --check-prefixes=CHECK,CAUSAL
// RUN: tessera-opt %s --tile-specialize-key=key=f16,d64,window_left | FileCheck %s --check-prefixes=CHECK,LEFT
// RUN: tessera-opt %s --tile-specialize-key | FileCheck %s --check-prefixes=CHECK,FULL
// RUN: not tessera-opt %s --tile-specialize-key=key=casual 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// RUN: not tessera-opt %s --tile-specialize-key=key=d60 2>&1 | FileCheck %s --check-prefix=WIDTH

// A key that cannot be read is refused, and the nearest one is named.

// UNKNOWN: error: key: the field is "casual", expected a field of `tessera supports --list`; the nearest is causal
// WIDTH:   error: key: d is 60, expected a multiple of 8 from 8 to 512; the nearest is fwd,host,bf16,d64

// The module says for which variant it was made.

// CAUSAL: module attributes {tile.key = "fwd,host,bf16,d128,causal"}
// LEFT:   module attributes {tile.key = "fwd,host,f16,d64,window_left"}
// FULL:   module attributes {tile.key = "fwd,host,bf16,d128"}
module {

// Every query of the key becomes a constant; nothing else changes.

// CHECK-LABEL: func @flags
// CHECK-SAME:    %[[BAND:.*]]: i1
func.func @flags(%band: i1) -> (i1, i1) {
  // CHECK-NOT: tile.key_flag
  // CAUSAL:      %[[FIRST:.*]] = arith.constant true
  // CAUSAL-NEXT: %[[SECOND:.*]] = arith.constant false
  // LEFT:        %[[FIRST:.*]] = arith.constant false
  // LEFT-NEXT:   %[[SECOND:.*]] = arith.constant true
  // FULL:        %[[FIRST:.*]] = arith.constant false
  // FULL-NEXT:   %[[SECOND:.*]] = arith.constant false
  %causal = tile.key_flag "causal"
  %left = tile.key_flag "window_left"
  // CHECK-NEXT: %[[AND:.*]] = arith.andi %[[BAND]], %[[FIRST]]
  %and = arith.andi %band, %causal : i1
  // CHECK-NEXT: return %[[AND]], %[[SECOND]]
  return %and, %left : i1, i1
}

// A query under a branch is found too.

// CHECK-LABEL: func @nested
func.func @nested(%some: i1) -> i1 {
  // CHECK-NOT: tile.key_flag
  %lse = scf.if %some -> i1 {
    // CHECK: arith.constant false
    %inner = tile.key_flag "lse"
    scf.yield %inner : i1
  } else {
    scf.yield %some : i1
  }
  return %lse : i1
}

}
