// RUN: tessera-opt %s | tessera-opt | FileCheck %s
// RUN: tessera-opt %s --mlir-print-op-generic | tessera-opt | FileCheck %s

// Places name rows of a view; products read them there.

// CHECK-LABEL: func @products
// CHECK-SAME:    %[[K:[a-z0-9]*]]: !tile.view<64xbf16>, %[[I:[a-z0-9]*]]: index, %[[P:[a-z0-9]*]]: tensor<128x8xbf16>, %[[S:[a-z0-9]*]]: tensor<128x8xf32>, %[[O:[a-z0-9]*]]: tensor<128x64xf32>, %[[SKIPS:[a-z0-9]*]]: i1
func.func @products(%k: !tile.view<64xbf16>, %i: index, %p: tensor<128x8xbf16>,
                    %s: tensor<128x8xf32>, %o: tensor<128x64xf32>, %skips: i1) {
  // CHECK: %[[LEFT:.*]] = sm.locate %[[K]][%[[I]], %[[I]]] tile %[[I]] : !tile.view<64xbf16> -> !sm.place<128x64, bf16>
  %left = sm.locate %k[%i, %i] tile %i : !tile.view<64xbf16> -> !sm.place<128x64, bf16>
  // CHECK: %[[RIGHT:.*]] = sm.locate %[[K]][%[[I]], %[[I]]] tile %[[I]] from %[[I]] of %[[I]] : !tile.view<64xbf16> -> !sm.place<8x64, bf16>
  %right = sm.locate %k[%i, %i] tile %i from %i of %i : !tile.view<64xbf16> -> !sm.place<8x64, bf16>
  // CHECK: %[[PART:.*]] = sm.locate %[[K]][%[[I]], %[[I]]] tile %[[I]] columns %[[I]] of %[[I]] : !tile.view<64xbf16> -> !sm.place<128x8, bf16>
  %part = sm.locate %k[%i, %i] tile %i columns %i of %i : !tile.view<64xbf16> -> !sm.place<128x8, bf16>
  // CHECK: sm.put %[[P]], %[[PART]] : tensor<128x8xbf16>, !sm.place<128x8, bf16>
  sm.put %p, %part : tensor<128x8xbf16>, !sm.place<128x8, bf16>
  // CHECK: sm.exact_dot %[[LEFT]], %[[RIGHT]], %[[S]] transposed : !sm.place<128x64, bf16>, !sm.place<8x64, bf16> -> tensor<128x8xf32>
  %0 = sm.exact_dot %left, %right, %s transposed : !sm.place<128x64, bf16>, !sm.place<8x64, bf16> -> tensor<128x8xf32>
  // CHECK: sm.exact_dot %[[P]], %[[RIGHT]], %[[O]] : tensor<128x8xbf16>, !sm.place<8x64, bf16> -> tensor<128x64xf32>
  %1 = sm.exact_dot %p, %right, %o : tensor<128x8xbf16>, !sm.place<8x64, bf16> -> tensor<128x64xf32>
  // CHECK: sm.exact_dot %[[P]], %[[RIGHT]], %[[O]] skip_zeros %[[SKIPS]] : tensor<128x8xbf16>, !sm.place<8x64, bf16> -> tensor<128x64xf32>
  %2 = sm.exact_dot %p, %right, %o skip_zeros %skips : tensor<128x8xbf16>, !sm.place<8x64, bf16> -> tensor<128x64xf32>
  return
}

// What a group finds decides whether it does something rare.

// CHECK-LABEL: func @rarely
// CHECK-SAME:    %[[O:[a-z0-9]*]]: tensor<128x64xbf16>, %[[I:[a-z0-9]*]]: index
func.func @rarely(%o: tensor<128x64xbf16>, %i: index) {
  // CHECK:      %[[PARTS:.*]] = sm.nonfinite_rows %[[O]] : tensor<128x64xbf16> -> tensor<128x4xi1>
  %parts = sm.nonfinite_rows %o : tensor<128x64xbf16> -> tensor<128x4xi1>
  // CHECK-NEXT: %[[ANY:.*]] = sm.group_any %[[PARTS]] : tensor<128x4xi1>
  %any = sm.group_any %parts : tensor<128x4xi1>
  // CHECK-NEXT: sm.rarely %[[ANY]] {
  // CHECK-NEXT:   sm.renew %[[I]], %[[I]] : index, index
  // CHECK-NEXT: }
  sm.rarely %any {
    %again:2 = sm.renew %i, %i : index, index
  }
  return
}
