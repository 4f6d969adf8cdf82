// RUN: tessera-opt %s | tessera-opt | FileCheck %s
// RUN: tessera-opt %s --mlir-print-op-generic | tessera-opt | FileCheck %s

// A block knows its number, and takes others.

// CHECK-LABEL: func @tickets
func.func @tickets() -> (index, index, index) {
  // CHECK: %[[OWN:.*]] = sm.block_id
  %own = sm.block_id
  // CHECK: %[[COUNT:.*]] = sm.block_count
  %count = sm.block_count
  // CHECK: %[[TICKET:.*]] = sm.take_ticket
  %ticket = sm.take_ticket
  // CHECK: return %[[OWN]], %[[COUNT]], %[[TICKET]]
  return %own, %count, %ticket : index, index, index
}

// What one role tells, the other hears; one number or several.

// CHECK-LABEL: func @channels
// CHECK-SAME:    %[[A:[a-z0-9]*]]: index, %[[B:[a-z0-9]*]]: index
func.func @channels(%a: index, %b: index) {
  // CHECK: sm.tell %[[A]], %[[B]] channel 1 : index, index
  %told:2 = sm.tell %a, %b channel 1 : index, index
  // CHECK: sm.tell %[[A]] channel 0 : index
  %one = sm.tell %a channel 0 : index
  // CHECK: sm.hear channel 1 : index, index
  %heard:2 = sm.hear channel 1 : index, index
  return
}

// Two programs that run at the same time; they may be empty.

// CHECK-LABEL: func @roles
func.func @roles() {
  // CHECK: sm.roles groups 2 registers 40, 232 producer {
  // CHECK-NEXT: sm.take_ticket
  // CHECK-NEXT: } consumer {
  // CHECK-NEXT: sm.branch_only
  // CHECK-NEXT: }
  sm.roles groups 2 registers 40, 232 producer {
    %ticket = sm.take_ticket
  } consumer {
    sm.branch_only
  }
  // CHECK: sm.roles groups 1 registers 24, 240 producer {
  // CHECK-NEXT: } consumer {
  // CHECK-NEXT: }
  sm.roles groups 1 registers 24, 240 producer {
  } consumer {
  }
  return
}

// A third one gathers.

// CHECK-LABEL: func @gatherer
func.func @gatherer() {
  // CHECK: sm.roles groups 2 registers 40, 232 producer {
  // CHECK-NEXT: sm.take_ticket
  // CHECK-NEXT: } consumer {
  // CHECK-NEXT: sm.branch_only
  // CHECK-NEXT: } gatherer {
  // CHECK-NEXT: sm.hear channel 0 : index
  // CHECK-NEXT: }
  sm.roles groups 2 registers 40, 232 producer {
    %ticket = sm.take_ticket
  } consumer {
    sm.branch_only
  } gatherer {
    %heard = sm.hear channel 0 : index
  }
  // CHECK: sm.roles groups 1 registers 24, 240 producer {
  // CHECK-NEXT: } consumer {
  // CHECK-NEXT: } gatherer {
  // CHECK-NEXT: }
  sm.roles groups 1 registers 24, 240 producer {
  } consumer {
  } gatherer {
  }
  return
}

// Any row of a warp: one answer for all its threads.

// CHECK-LABEL: func @warp_any
// CHECK-SAME:    %[[ROWS:.*]]: tensor<128x1xi1>
func.func @warp_any(%rows: tensor<128x1xi1>) -> i1 {
  // CHECK: sm.warp_any %[[ROWS]] : tensor<128x1xi1>
  %any = sm.warp_any %rows : tensor<128x1xi1>
  return %any : i1
}

// What a consumer group has of a tile, and numbers that tell the roles apart.

// CHECK-LABEL: func @of_groups
// CHECK-SAME:    %[[TILE:[a-z0-9]*]]: index, %[[LENGTH:[a-z0-9]*]]: index
func.func @of_groups(%tile: index, %length: index) -> index {
  // CHECK: %{{.*}}, %[[LAST:.*]] = sm.group_row_span %[[TILE]] of %[[LENGTH]] height 192
  %first, %last = sm.group_row_span %tile of %length height 192
  // CHECK: sm.by_role %[[LENGTH]], %[[LAST]]
  %end = sm.by_role %length, %last
  return %end : index
}

// CHECK-LABEL: func @positive_max
// CHECK-SAME:    %[[X:.*]]: tensor<128x64xf32>
func.func @positive_max(%x: tensor<128x64xf32>) -> tensor<128x4xf32> {
  // CHECK: sm.positive_max %[[X]] : tensor<128x64xf32> -> tensor<128x4xf32>
  %part = sm.positive_max %x : tensor<128x64xf32> -> tensor<128x4xf32>
  return %part : tensor<128x4xf32>
}
