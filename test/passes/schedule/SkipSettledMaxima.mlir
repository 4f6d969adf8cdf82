// RUN: tessera-opt %s --tile-skip-settled-maxima | FileCheck %s --check-prefixes=CHECK,FLOATS
// RUN: tessera-opt %s --tile-skip-settled-maxima=integers | FileCheck %s --check-prefixes=CHECK,INTEGERS

!sums = tensor<64x64xf32>
!rows = tensor<64x1xf32>

// Threads look at what they hold, and tell each other where a maximum grows. The factor of a
// maximum that stays is one. What only differences read is computed beside them. A factor that may
// be negative does not go with integers.

// CHECK-LABEL: func @multiple
// CHECK-SAME:    %[[X:.*]]: tensor<64x64xf32>, %[[C:.*]]: tensor<64x1xf32>, %[[CC:.*]]: tensor<64x64xf32>, %{{.*}}: index
func.func @multiple(%x: !sums, %c: !rows, %cc: !sums, %n: index) -> (!rows, !rows, !sums) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %lowest = arith.constant dense<-1.0> : !rows
  %slack = arith.constant dense<8.0> : !rows
  // CHECK:       scf.for {{.*}} iter_args(%[[OLD:.*]] = %{{.*}}, %{{.*}} = %{{.*}}, %{{.*}} = %{{.*}})
  // CHECK-NEXT:    %[[BOUND:.*]] = arith.addf %[[OLD]]
  // CHECK-NEXT:    %[[PART:.*]] = tile.partial_reduce max %[[X]] : tensor<64x64xf32> -> tensor<64x4xf32>
  // CHECK-NEXT:    %[[FACTOR:.*]] = tile.broadcast %[[C]] : tensor<64x1xf32> -> tensor<64x4xf32>
  // CHECK-NEXT:    %[[PARTS:.*]] = arith.mulf %[[PART]], %[[FACTOR]]
  // CHECK-NEXT:    %[[BOUNDS:.*]] = tile.broadcast %[[BOUND]] : tensor<64x1xf32> -> tensor<64x4xf32>
  // CHECK-NEXT:    %[[GREW:.*]] = arith.cmpf ogt, %[[PARTS]], %[[BOUNDS]]
  // CHECK-NEXT:    %[[ANY:.*]] = sm.warp_any %[[GREW]]
  // CHECK-NEXT:    %[[BOTH:.*]]:2 = scf.if %[[ANY]]
  // CHECK-NEXT:      sm.branch_only
  // CHECK-NEXT:      %[[MAX:.*]] = tile.reduce max %[[PART]]
  // CHECK-NEXT:      %[[NEXT:.*]] = arith.mulf %[[MAX]], %[[C]]
  // CHECK-NEXT:      %[[MORE:.*]] = arith.cmpf ogt, %[[NEXT]], %[[BOUND]]
  // CHECK-NEXT:      %[[M:.*]] = arith.select %[[MORE]], %[[NEXT]], %[[OLD]]
  // CHECK-NEXT:      %[[BACK:.*]] = arith.subf %[[OLD]], %[[M]]
  // CHECK-NEXT:      %[[GROWTH:.*]] = math.exp2 %[[BACK]]
  // CHECK-NEXT:      scf.yield %[[M]], %[[GROWTH]]
  // CHECK-NEXT:    } else {
  // CHECK-NEXT:      %[[ONE:.*]] = arith.constant dense<1.000000e+00>
  // CHECK-NEXT:      scf.yield %[[OLD]], %[[ONE]]
  // CHECK-NEXT:    }
  // CHECK-NEXT:    %[[SCALED:.*]] = arith.mulf %[[X]], %[[CC]]
  // CHECK-NEXT:    %[[ROWS:.*]] = tile.broadcast %[[BOTH]]#0
  // CHECK-NEXT:    %[[D:.*]] = arith.subf %[[SCALED]], %[[ROWS]]
  // CHECK-NEXT:    scf.yield %[[BOTH]]#0, %[[BOTH]]#1, %[[D]]
  %r:3 = scf.for %t = %c0 to %n step %c1 iter_args(%old = %lowest, %f = %c, %y = %x) -> (!rows, !rows, !sums) {
    %scaled = arith.mulf %x, %cc : !sums
    %max = tile.reduce max %x : !sums
    %next = arith.mulf %max, %c : !rows
    %bound = arith.addf %old, %slack : !rows
    %grew = arith.cmpf ogt, %next, %bound : !rows
    %m = arith.select %grew, %next, %old : tensor<64x1xi1>, !rows
    %rows = tile.broadcast %m : !rows -> !sums
    %d = arith.subf %scaled, %rows : !sums
    %back = arith.subf %old, %m : !rows
    %growth = math.exp2 %back : !rows
    scf.yield %m, %growth, %d : !rows, !rows, !sums
  }
  return %r#0, %r#1, %r#2 : !rows, !rows, !sums
}

// By integers it shows whether one is above a bound that is not negative. The branch finds the
// maximum then.

// CHECK-LABEL: func @positive
// CHECK-SAME:    %[[X:.*]]: tensor<64x64xf32>, %{{.*}}: index
func.func @positive(%x: !sums, %n: index) -> !rows {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %lowest = arith.constant dense<-1.0> : !rows
  %slack = arith.constant dense<8.0> : !rows
  %three = arith.constant dense<3.0> : !rows
  // INTEGERS:      %[[THREE:.*]] = arith.constant dense<3.000000e+00>
  // INTEGERS:      scf.for {{.*}} iter_args(%[[OLD:.*]] = %{{.*}})
  // INTEGERS-NEXT:   %[[BOUND:.*]] = arith.addf %[[OLD]]
  // INTEGERS-NEXT:   %[[PART:.*]] = sm.positive_max %[[X]] : tensor<64x64xf32> -> tensor<64x4xf32>
  // INTEGERS-NEXT:   %[[FACTOR:.*]] = tile.broadcast %[[THREE]]
  // INTEGERS-NEXT:   %[[PARTS:.*]] = arith.mulf %[[PART]], %[[FACTOR]]
  // INTEGERS-NEXT:   %[[BOUNDS:.*]] = tile.broadcast %[[BOUND]]
  // INTEGERS-NEXT:   %[[ABOVE:.*]] = arith.cmpf ogt, %[[PARTS]], %[[BOUNDS]]
  // INTEGERS-NEXT:   %[[ZERO:.*]] = arith.constant dense<0.000000e+00> : tensor<64x1xf32>
  // INTEGERS-NEXT:   %[[NEGATIVE:.*]] = arith.cmpf olt, %[[BOUND]], %[[ZERO]]
  // INTEGERS-NEXT:   %[[NEGATIVES:.*]] = tile.broadcast %[[NEGATIVE]] : tensor<64x1xi1> -> tensor<64x4xi1>
  // INTEGERS-NEXT:   %[[GROWS:.*]] = arith.ori %[[ABOVE]], %[[NEGATIVES]]
  // INTEGERS-NEXT:   %[[ANY:.*]] = sm.warp_any %[[GROWS]]
  // INTEGERS-NEXT:   %[[M:.*]] = scf.if %[[ANY]]
  // INTEGERS-NEXT:     sm.branch_only
  // INTEGERS-NEXT:     %[[MAX:.*]] = tile.reduce max %[[X]]
  // INTEGERS-NEXT:     %[[NEXT:.*]] = arith.mulf %[[MAX]], %[[THREE]]
  // FLOATS:        tile.partial_reduce max %[[X]]
  %r = scf.for %t = %c0 to %n step %c1 iter_args(%old = %lowest) -> (!rows) {
    %max = tile.reduce max %x : !sums
    %next = arith.mulf %max, %three : !rows
    %bound = arith.addf %old, %slack : !rows
    %grew = arith.cmpf ogt, %next, %bound : !rows
    %m = arith.select %grew, %next, %old : tensor<64x1xi1>, !rows
    scf.yield %m : !rows
  }
  return %r : !rows
}

// A maximum itself, of which nothing else is asked. What is read before the branch stays there.

// CHECK-LABEL: func @itself
// CHECK:         %[[Y:.*]] = arith.addf
// FLOATS:        %[[PART:.*]] = tile.partial_reduce max %[[Y]]
// INTEGERS:      sm.positive_max %[[Y]]
// CHECK-NOT:     arith.mulf
// CHECK:         %[[M:.*]] = scf.if
// FLOATS:          tile.reduce max %[[PART]]
// INTEGERS:        tile.reduce max %[[Y]]
// CHECK-NOT:       math.exp2
// CHECK:         scf.yield %[[M]]
func.func @itself(%x: !sums, %c: !rows, %n: index) -> !rows {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = scf.for %t = %c0 to %n step %c1 iter_args(%old = %c) -> (!rows) {
    %y = arith.addf %x, %x : !sums
    %next = tile.reduce max %y : !sums
    %grew = arith.cmpf ogt, %next, %old : !rows
    %m = arith.select %grew, %next, %old : tensor<64x1xi1>, !rows
    scf.yield %m : !rows
  }
  return %r : !rows
}

// A maximum of what took longer to compute is left alone: an operation on an element and a function.

// CHECK-LABEL: func @behind_arithmetic
// CHECK-NOT:     scf.if
// CHECK:         return
func.func @behind_arithmetic(%x: !sums, %c: !rows, %n: index) -> !rows {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = scf.for %t = %c0 to %n step %c1 iter_args(%old = %c) -> (!rows) {
    %a = arith.mulf %x, %x : !sums
    %y = math.tanh %a : !sums
    %next = tile.reduce max %y : !sums
    %grew = arith.cmpf ogt, %next, %old : !rows
    %m = arith.select %grew, %next, %old : tensor<64x1xi1>, !rows
    scf.yield %m : !rows
  }
  return %r : !rows
}

// A maximum that is asked for anyway is exchanged anyway.

// CHECK-LABEL: func @read_by_others
// CHECK-NOT:     scf.if
// CHECK:         return
func.func @read_by_others(%x: !sums, %c: !rows, %n: index) -> (!rows, !rows) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r:2 = scf.for %t = %c0 to %n step %c1 iter_args(%old = %c, %last = %c) -> (!rows, !rows) {
    %next = tile.reduce max %x : !sums
    %grew = arith.cmpf ogt, %next, %old : !rows
    %m = arith.select %grew, %next, %old : tensor<64x1xi1>, !rows
    scf.yield %m, %next : !rows, !rows
  }
  return %r#0, %r#1 : !rows, !rows
}

// Done once, or rarely, an exchange is not worth a branch; sums and the least are no maxima.

// CHECK-LABEL: func @others
// CHECK-NOT:     scf.if
// CHECK:         return
func.func @others(%x: !sums, %c: !rows, %n: index, %some: i1) -> (!rows, !rows, !rows) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %once = tile.reduce max %x : !sums
  %is_more = arith.cmpf ogt, %once, %c : !rows
  %a = arith.select %is_more, %once, %c : tensor<64x1xi1>, !rows
  sm.rarely %some {
    %b = scf.for %t = %c0 to %n step %c1 iter_args(%old = %c) -> (!rows) {
      %next = tile.reduce max %x : !sums
      %grew = arith.cmpf ogt, %next, %old : !rows
      %m = arith.select %grew, %next, %old : tensor<64x1xi1>, !rows
      scf.yield %m : !rows
    }
  }
  %d:2 = scf.for %t = %c0 to %n step %c1 iter_args(%old = %c, %least = %c) -> (!rows, !rows) {
    %sum = tile.reduce add %x : !sums
    %grew = arith.cmpf ogt, %sum, %old : !rows
    %m = arith.select %grew, %sum, %old : tensor<64x1xi1>, !rows
    %next = tile.reduce max %x : !sums
    %fell = arith.cmpf olt, %next, %least : !rows
    %l = arith.select %fell, %next, %least : tensor<64x1xi1>, !rows
    scf.yield %m, %l : !rows, !rows
  }
  return %a, %d#0, %d#1 : !rows, !rows, !rows
}
