// RUN: tessera-opt %s --tile-to-vector --canonicalize --cse | FileCheck %s

// Arguments lie one behind the other in one block of memory: a view takes 56
// bytes, a table 72, a number 8.

// Where nothing is read of an argument, nothing is loaded.

// CHECK-LABEL: func @unread
// CHECK-SAME:    (%{{.*}}: !llvm.ptr, %{{.*}}: index, %{{.*}}: index, %{{.*}}: index, %{{.*}}: !llvm.ptr)
// CHECK-SAME:    tile.scratch_bytes = 0
func.func @unread(%tile: index, %head: index, %batch: index) {
  // CHECK-NEXT: return
  return
}

// The extents of a grid go through the pointer that follows the arguments:
// batches, heads and rows lie behind the address and the three strides.

// CHECK-LABEL: func @extents
// CHECK-SAME:    (%[[BLOCK:.*]]: !llvm.ptr, %[[OUT:.*]]: !llvm.ptr)
// CHECK-NOT:     tile.scratch_bytes
func.func @extents(%q: !tile.view<8xf32> {tile.name = "q"}) -> (index, index, index) {
  // CHECK-DAG: %[[AT_BATCHES:.*]] = llvm.getelementptr %[[BLOCK]][32]
  // CHECK-DAG: %[[BATCHES:.*]] = llvm.load %[[AT_BATCHES]]
  // CHECK-DAG: %[[AT_HEADS:.*]] = llvm.getelementptr %[[BLOCK]][40]
  // CHECK-DAG: %[[HEADS:.*]] = llvm.load %[[AT_HEADS]]
  // CHECK-DAG: %[[AT_ROWS:.*]] = llvm.getelementptr %[[BLOCK]][48]
  // CHECK-DAG: %[[ROWS:.*]] = llvm.load %[[AT_ROWS]]
  %rows = tile.extent %q rows : !tile.view<8xf32>
  %heads = tile.extent %q heads : !tile.view<8xf32>
  %batches = tile.extent %q batches : !tile.view<8xf32>
  // CHECK:     llvm.store %[[ROWS]], %[[OUT]]
  // CHECK:     %[[OUT1:.*]] = llvm.getelementptr %[[OUT]][8]
  // CHECK:     llvm.store %[[HEADS]], %[[OUT1]]
  // CHECK:     %[[OUT2:.*]] = llvm.getelementptr %[[OUT]][16]
  // CHECK:     llvm.store %[[BATCHES]], %[[OUT2]]
  return %rows, %heads, %batches : index, index, index
}

// All sequences of a view are equally long.

// CHECK-LABEL: func @length
// CHECK-SAME:    (%[[BLOCK:.*]]: !llvm.ptr, %[[OUT:.*]]: !llvm.ptr)
func.func @length(%q: !tile.view<8xf32> {tile.name = "q"},
                  %i: index {tile.name = "i"}) -> index {
  // CHECK: %[[AT_ROWS:.*]] = llvm.getelementptr %[[BLOCK]][48]
  // CHECK: %[[ROWS:.*]] = llvm.load %[[AT_ROWS]]
  // CHECK: llvm.store %[[ROWS]], %[[OUT]]
  %length = tile.length %q[%i] : !tile.view<8xf32>
  return %length : index
}

// A view, a table, a number and an index, in this order. Of a table the address
// comes first, then room for four extents and four strides.

// CHECK-LABEL: func @every_kind
// CHECK-SAME:    (%[[BLOCK:.*]]: !llvm.ptr, %{{.*}}: index, %[[HEAD:.*]]: index, %[[BATCH:.*]]: index, %{{.*}}: !llvm.ptr)
func.func @every_kind(%o: !tile.view<8xf32> {tile.name = "o"},
                      %slopes: !tile.table<2xf32> {tile.name = "alibi_slopes"},
                      %scale: f32 {tile.name = "scale"}, %left: index {tile.name = "window_left"},
                      %tile: index, %head: index, %batch: index) {
  // CHECK-DAG: %[[SLOPES:.*]] = llvm.getelementptr %[[BLOCK]][56]
  // CHECK-DAG: %[[AT_SCALE:.*]] = llvm.getelementptr %[[BLOCK]][128]
  // CHECK-DAG: %[[SCALE:.*]] = llvm.load %[[AT_SCALE]] {{.*}} -> f32
  // CHECK-DAG: %[[AT_LEFT:.*]] = llvm.getelementptr %[[BLOCK]][136]
  // CHECK-DAG: %[[WIDE:.*]] = llvm.load %[[AT_LEFT]] {{.*}} -> i64
  // CHECK-DAG: %[[LEFT:.*]] = arith.index_cast %[[WIDE]] : i64 to index
  // CHECK-DAG: %[[DATA:.*]] = llvm.load %[[SLOPES]] {{.*}} -> !llvm.ptr
  // CHECK-DAG: %[[AT_BATCHES:.*]] = llvm.getelementptr %[[BLOCK]][64]
  // CHECK-DAG: %[[BATCHES_WIDE:.*]] = llvm.load %[[AT_BATCHES]]
  // CHECK-DAG: %[[BATCHES:.*]] = arith.index_cast %[[BATCHES_WIDE]]
  // CHECK-DAG: %[[AT_HEADS:.*]] = llvm.getelementptr %[[BLOCK]][72]
  // CHECK-DAG: %[[HEADS_WIDE:.*]] = llvm.load %[[AT_HEADS]]
  // CHECK-DAG: %[[HEADS:.*]] = arith.index_cast %[[HEADS_WIDE]]
  // CHECK-DAG: %[[AT_BATCH_STRIDE:.*]] = llvm.getelementptr %[[BLOCK]][96]
  // CHECK-DAG: %[[BATCH_WIDE:.*]] = llvm.load %[[AT_BATCH_STRIDE]]
  // CHECK-DAG: %[[BATCH_STRIDE:.*]] = arith.index_cast %[[BATCH_WIDE]]
  // CHECK-DAG: %[[AT_HEAD_STRIDE:.*]] = llvm.getelementptr %[[BLOCK]][104]
  // CHECK-DAG: %[[HEAD_WIDE:.*]] = llvm.load %[[AT_HEAD_STRIDE]]
  // CHECK-DAG: %[[HEAD_STRIDE:.*]] = arith.index_cast %[[HEAD_WIDE]]
  // CHECK-DAG: arith.cmpi ult, %[[BATCH]], %[[BATCHES]]
  // CHECK-DAG: arith.muli %[[BATCH]], %[[BATCH_STRIDE]]
  // CHECK-DAG: arith.cmpi ult, %[[HEAD]], %[[HEADS]]
  // CHECK-DAG: arith.muli %[[HEAD]], %[[HEAD_STRIDE]]
  // CHECK:     %[[SLOPE:.*]] = scf.if
  // CHECK:       %[[PLACE:.*]] = llvm.getelementptr %[[DATA]]
  // CHECK:       llvm.load %[[PLACE]] {{.*}} -> f32
  // CHECK:     arith.mulf %[[SLOPE]], %[[SCALE]]
  // CHECK:     arith.muli %[[LEFT]],
  %slope = tile.fetch %slopes[%batch, %head] : !tile.table<2xf32> -> f32
  %number = arith.mulf %slope, %scale : f32
  %value = tensor.splat %number : tensor<8x8xf32>
  tile.store %value, %o[%batch, %head] tile %left : tensor<8x8xf32>, !tile.view<8xf32>
  return
}
