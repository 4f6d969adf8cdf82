// RUN: tessera-opt %s | tessera-opt | FileCheck %s
// RUN: tessera-opt %s --mlir-print-op-generic | tessera-opt | FileCheck %s

!ring = !sm.ring<2, 128x64, bf16>
!slot = !sm.slot<128x64, bf16>

// A ring is filled by one role; the other takes its buffers and gives them back.

// CHECK-LABEL: func @ring
// CHECK-SAME:    %[[KEYS:.*]]: !tile.view<64xbf16>, %[[I:.*]]: index
func.func @ring(%keys: !tile.view<64xbf16>, %i: index) {
  // CHECK: %[[RING:.*]] = sm.make_ring : !sm.ring<2, 128x64, bf16>
  %ring = sm.make_ring : !ring
  // CHECK: sm.fill %[[RING]], %[[KEYS]][%[[I]], %[[I]]] tile %[[I]] : !sm.ring<2, 128x64, bf16>, !tile.view<64xbf16>
  sm.fill %ring, %keys[%i, %i] tile %i : !ring, !tile.view<64xbf16>
  // CHECK: sm.fill %[[RING]], %[[KEYS]][%[[I]], %[[I]]] tile %[[I]] from %[[I]] : !sm.ring
  sm.fill %ring, %keys[%i, %i] tile %i from %i : !ring, !tile.view<64xbf16>
  // CHECK: %[[SLOT:.*]] = sm.acquire %[[RING]] : !sm.ring<2, 128x64, bf16> -> !sm.slot<128x64, bf16>
  %slot = sm.acquire %ring : !ring -> !slot
  // CHECK: sm.zero_tail %[[SLOT]] tile %[[I]] of %[[I]] : !sm.slot<128x64, bf16>
  sm.zero_tail %slot tile %i of %i : !slot
  // CHECK: %[[HELD:.*]] = sm.held %[[RING]] : !sm.ring<2, 128x64, bf16> -> !sm.slot<128x64, bf16>
  %held = sm.held %ring : !ring -> !slot
  // CHECK: sm.release %[[HELD]] : !sm.slot<128x64, bf16>
  sm.release %held : !slot
  return
}

// A buffer may have a strip of a table beside its tile.

// CHECK-LABEL: func @strip
// CHECK-SAME:    %[[KEYS:[a-z0-9]*]]: !tile.view<64xbf16>, %[[T:[a-z0-9]*]]: !tile.table<2xf32>, %[[I:[a-z0-9]*]]: index
func.func @strip(%keys: !tile.view<64xbf16>, %t: !tile.table<2xf32>, %i: index) {
  // CHECK: %[[RING:.*]] = sm.make_ring : !sm.ring<2, 128x64, bf16, strip 191>
  %ring = sm.make_ring : !sm.ring<2, 128x64, bf16, strip 191>
  // CHECK: sm.fill %[[RING]], %[[KEYS]][%[[I]], %[[I]]] tile %[[I]] with %[[T]][%[[I]], %[[I]]] along 1 step -128 : !sm.ring<2, 128x64, bf16, strip 191>, !tile.view<64xbf16>, !tile.table<2xf32>
  sm.fill %ring, %keys[%i, %i] tile %i with %t[%i, %i] along 1 step -128 : !sm.ring<2, 128x64, bf16, strip 191>, !tile.view<64xbf16>, !tile.table<2xf32>
  // CHECK: %[[SLOT:.*]] = sm.acquire %[[RING]]
  %slot = sm.acquire %ring : !sm.ring<2, 128x64, bf16, strip 191> -> !slot
  // CHECK: sm.gather_strip %[[SLOT]], %[[T]][%[[I]], %[[I]]] along 1 tile %[[I]] rows 1 columns -1 : !sm.slot<128x64, bf16>, !tile.table<2xf32> -> tensor<64x128xf32>
  %b = sm.gather_strip %slot, %t[%i, %i] along 1 tile %i rows 1 columns -1 : !slot, !tile.table<2xf32> -> tensor<64x128xf32>
  // CHECK: sm.release strip %[[SLOT]] : !sm.slot<128x64, bf16>
  sm.release strip %slot : !slot
  return
}

// The left operand is in shared memory or in registers; without `acc` a sum starts at zero.

// CHECK-LABEL: func @products
// CHECK-SAME:    %[[Q:[a-z0-9]*]]: !sm.slot<128x64, bf16>, %[[K:[a-z0-9]*]]: !sm.slot<128x64, bf16>, %[[P:[a-z0-9]*]]: tensor<128x128xbf16>, %[[ACC:[a-z0-9]*]]: tensor<128x64xf32>
func.func @products(%q: !slot, %k: !slot, %p: tensor<128x128xbf16>, %acc: tensor<128x64xf32>) {
  // CHECK: %[[S:.*]] = sm.dot %[[Q]], %[[K]] transposed : !sm.slot<128x64, bf16>, !sm.slot<128x64, bf16> -> tensor<128x128xf32>
  %s = sm.dot %q, %k transposed : !slot, !slot -> tensor<128x128xf32>
  // CHECK: %[[O:.*]] = sm.dot %[[P]], %[[K]] acc %[[ACC]] : tensor<128x64xf32> : tensor<128x128xbf16>, !sm.slot<128x64, bf16> -> tensor<128x64xf32>
  %o = sm.dot %p, %k acc %acc : tensor<128x64xf32> : tensor<128x128xbf16>, !slot -> tensor<128x64xf32>
  // CHECK: sm.await %[[S]] pending 1 : tensor<128x128xf32>
  %s1 = sm.await %s pending 1 : tensor<128x128xf32>
  // CHECK: sm.await %[[O]] pending 0 : tensor<128x64xf32>
  %o1 = sm.await %o pending 0 : tensor<128x64xf32>
  return
}

// Buffers hold any type of element.

// CHECK-LABEL: func @elements
// CHECK-SAME:    !sm.ring<1, 64x256, f16>
// CHECK-SAME:    !sm.slot<64x256, f8E4M3FN>
func.func @elements(%ring: !sm.ring<1, 64x256, f16>, %slot: !sm.slot<64x256, f8E4M3FN>) {
  return
}

// A tile that others read.

// CHECK-LABEL: func @pass_over
// CHECK-SAME:    %[[T:[a-z0-9]*]]: tensor<64x64xbf16>
func.func @pass_over(%t: tensor<64x64xbf16>) {
  // CHECK: sm.pass_over %[[T]] : tensor<64x64xbf16>
  sm.pass_over %t : tensor<64x64xbf16>
  return
}
