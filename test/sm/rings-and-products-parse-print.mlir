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

// A buffer may have a strip of a table beside its tile: of its numbers, a multiple of them, or of
// none that are read.

// CHECK-LABEL: func @strip
// CHECK-SAME:    %[[T:[a-z0-9]*]]: !tile.table<2xf32>, %[[I:[a-z0-9]*]]: index, %[[F:[a-z0-9]*]]: f32
func.func @strip(%t: !tile.table<2xf32>, %i: index, %f: f32) {
  // CHECK: %[[RING:.*]] = sm.make_ring : !sm.ring<2, 128x64, bf16, strip 191>
  %ring = sm.make_ring : !sm.ring<2, 128x64, bf16, strip 191>
  // CHECK: sm.fill_strip %[[RING]] tile %[[I]] with %[[T]][%[[I]], %[[I]]] along 1 step -128 : !sm.ring<2, 128x64, bf16, strip 191>, !tile.table<2xf32>
  sm.fill_strip %ring tile %i with %t[%i, %i] along 1 step -128 : !sm.ring<2, 128x64, bf16, strip 191>, !tile.table<2xf32>
  // CHECK: sm.fill_strip %[[RING]] tile %[[I]] with %[[T]][%[[I]], %[[I]]] along 0 step 128 times %[[F]] : !sm.ring<2, 128x64, bf16, strip 191>, !tile.table<2xf32>
  sm.fill_strip %ring tile %i with %t[%i, %i] along 0 step 128 times %f : !sm.ring<2, 128x64, bf16, strip 191>, !tile.table<2xf32>
  // CHECK: sm.fill_strip %[[RING]] tile %[[I]] : !sm.ring<2, 128x64, bf16, strip 191>{{$}}
  sm.fill_strip %ring tile %i : !sm.ring<2, 128x64, bf16, strip 191>
  // CHECK: %[[SLOT:.*]] = sm.acquire %[[RING]]
  %slot = sm.acquire %ring : !sm.ring<2, 128x64, bf16, strip 191> -> !slot
  // CHECK: sm.gather_strip %[[SLOT]], %[[T]][%[[I]], %[[I]]] along 1 tile %[[I]] rows 1 columns -1 : !sm.slot<128x64, bf16>, !tile.table<2xf32> -> tensor<64x128xf32>
  %b = sm.gather_strip %slot, %t[%i, %i] along 1 tile %i rows 1 columns -1 : !slot, !tile.table<2xf32> -> tensor<64x128xf32>
  // CHECK: sm.gather_strip %[[SLOT]], %[[T]][%[[I]], %[[I]]] along 1 tile %[[I]] rows 0 columns 1 times %[[F]] : !sm.slot<128x64, bf16>, !tile.table<2xf32> -> tensor<1x128xf32>
  %c = sm.gather_strip %slot, %t[%i, %i] along 1 tile %i rows 0 columns 1 times %f : !slot, !tile.table<2xf32> -> tensor<1x128xf32>
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

// A buffer is taken and given back, and a product issued, only where a condition holds.

// CHECK-LABEL: func @under_a_condition
// CHECK-SAME:    %[[C:[a-z0-9]*]]: i1, %[[RING:[a-z0-9]*]]: !sm.ring<2, 128x64, bf16>, %[[P:[a-z0-9]*]]: tensor<128x128xbf16>, %[[S:[a-z0-9]*]]: tensor<128x128xf32>, %[[ACC:[a-z0-9]*]]: tensor<128x64xf32>
func.func @under_a_condition(%c: i1, %ring: !ring, %p: tensor<128x128xbf16>,
                             %s: tensor<128x128xf32>, %acc: tensor<128x64xf32>) {
  // CHECK: %[[V:.*]] = sm.acquire %[[RING]] if %[[C]] : !sm.ring<2, 128x64, bf16> -> !sm.slot<128x64, bf16>
  %v = sm.acquire %ring if %c : !ring -> !slot
  // CHECK: sm.dot %[[V]], %[[V]] transposed acc %[[S]] : tensor<128x128xf32> if %[[C]] : !sm.slot<128x64, bf16>, !sm.slot<128x64, bf16> -> tensor<128x128xf32>
  %t = sm.dot %v, %v transposed acc %s : tensor<128x128xf32> if %c : !slot, !slot -> tensor<128x128xf32>
  // CHECK: sm.dot %[[P]], %[[V]] acc %[[ACC]] : tensor<128x64xf32> if %[[C]] : tensor<128x128xbf16>, !sm.slot<128x64, bf16> -> tensor<128x64xf32>
  %o = sm.dot %p, %v acc %acc : tensor<128x64xf32> if %c : tensor<128x128xbf16>, !slot -> tensor<128x64xf32>
  // CHECK: sm.release %[[V]] if %[[C]] : !sm.slot<128x64, bf16>
  sm.release %v if %c : !slot
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
