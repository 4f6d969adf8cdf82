// RUN: tessera-opt %s --tile-expand-math | FileCheck %s

// The argument is limited to where 2^x is neither zero nor infinite. Its whole
// part becomes the exponent's bits, its fraction goes through a polynomial of
// degree six.

// CHECK-LABEL: func @exp2
// CHECK-SAME:    %[[ARGUMENT:.*]]: vector<16xf32>
func.func @exp2(%x: vector<16xf32>) -> vector<16xf32> {
  // CHECK-DAG:     %[[LEAST:.*]] = arith.constant dense<-1.270000e+02> : vector<16xf32>
  // CHECK-DAG:     %[[MOST:.*]] = arith.constant dense<1.280000e+02> : vector<16xf32>
  // CHECK-DAG:     %[[BIAS:.*]] = arith.constant dense<0x4B400000> : vector<16xf32>
  // CHECK-DAG:     %[[MANTISSA:.*]] = arith.constant dense<23> : vector<16xi32>
  // CHECK-DAG:     %[[ONE:.*]] = arith.constant dense<1065353216> : vector<16xi32>
  // CHECK-NOT:     math.exp2
  // CHECK:         arith.cmpf olt, %[[ARGUMENT]], %[[LEAST]]
  // CHECK:         arith.cmpf olt, %[[MOST]], %{{.*}}
  // CHECK:         %[[X:.*]] = arith.select %{{.*}}, %[[MOST]], %{{.*}}
  // CHECK:         %[[BIASED:.*]] = arith.addf %[[X]], %[[BIAS]]
  // CHECK:         %[[WHOLE:.*]] = arith.subf %[[BIASED]], %[[BIAS]]
  // CHECK:         %[[FRACTION:.*]] = arith.subf %[[X]], %[[WHOLE]]
  // CHECK-COUNT-6: %[[POWER:.*]] = math.fma %{{.*}}, %[[FRACTION]], %{{.*}}
  // CHECK-NOT:     math.fma
  // CHECK:         %[[BITS:.*]] = arith.bitcast %[[BIASED]] : vector<16xf32> to vector<16xi32>
  // CHECK:         %[[SHIFTED:.*]] = arith.shli %[[BITS]], %[[MANTISSA]]
  // CHECK:         %[[EXPONENT:.*]] = arith.addi %[[SHIFTED]], %[[ONE]]
  // CHECK:         %[[SCALE:.*]] = arith.bitcast %[[EXPONENT]] : vector<16xi32> to vector<16xf32>
  // CHECK:         %[[RESULT:.*]] = arith.mulf %{{.*}}, %[[SCALE]]
  // CHECK:         return %[[RESULT]]
  %y = math.exp2 %x : vector<16xf32>
  return %y : vector<16xf32>
}

// Near zero tanh is a series of odd powers, elsewhere it comes from exp2 of the
// magnitude, with the sign put back.

// CHECK-LABEL: func @tanh
// CHECK-SAME:    %[[X:.*]]: vector<8xf32>
func.func @tanh(%x: vector<8xf32>) -> vector<8xf32> {
  // CHECK-DAG:     %[[SIGN_BIT:.*]] = arith.constant dense<-2147483648> : vector<8xi32>
  // CHECK-DAG:     %[[OTHER_BITS:.*]] = arith.constant dense<2147483647> : vector<8xi32>
  // CHECK-DAG:     %[[BORDER:.*]] = arith.constant dense<6.250000e-01> : vector<8xf32>
  // CHECK-NOT:     math.tanh
  // CHECK-DAG:     %[[SIGN:.*]] = arith.andi %{{.*}}, %[[SIGN_BIT]]
  // CHECK-DAG:     %[[REST:.*]] = arith.andi %{{.*}}, %[[OTHER_BITS]]
  // CHECK-DAG:     %[[MAGNITUDE:.*]] = arith.bitcast %[[REST]] : vector<8xi32> to vector<8xf32>
  // CHECK-COUNT-6: math.fma
  // CHECK:         arith.divf
  // CHECK:         %[[LARGE:.*]] = arith.subf
  // CHECK:         %[[LARGE_BITS:.*]] = arith.bitcast %[[LARGE]]
  // CHECK:         %[[SIGNED_BITS:.*]] = arith.ori %[[LARGE_BITS]], %[[SIGN]]
  // CHECK:         %[[SIGNED:.*]] = arith.bitcast %[[SIGNED_BITS]]
  // CHECK:         %[[SQUARE:.*]] = arith.mulf %[[X]], %[[X]]
  // CHECK-COUNT-4: math.fma %{{.*}}, %[[SQUARE]], %{{.*}}
  // CHECK:         %[[SMALL:.*]] = math.fma %{{.*}}, %[[X]], %[[X]]
  // CHECK:         %[[IS_SMALL:.*]] = arith.cmpf olt, %[[MAGNITUDE]], %[[BORDER]]
  // CHECK:         arith.select %[[IS_SMALL]], %[[SMALL]], %[[SIGNED]]
  %y = math.tanh %x : vector<8xf32>
  return %y : vector<8xf32>
}

// CHECK-LABEL: func @log2
func.func @log2(%x: vector<8xf32>) -> vector<8xf32> {
  // CHECK-NOT: math.log2
  // CHECK:     math.fma
  // CHECK-NOT: math.log2
  // CHECK:     return
  %y = math.log2 %x : vector<8xf32>
  return %y : vector<8xf32>
}

// One number is expanded like many.

// CHECK-LABEL: func @scalar
func.func @scalar(%x: f32) -> f32 {
  // CHECK-NOT:     math.exp2
  // CHECK-COUNT-6: math.fma {{.*}} : f32
  // CHECK-NOT:     math.exp2
  // CHECK:         return
  %y = math.exp2 %x : f32
  return %y : f32
}

// The polynomials are made for f32: other types are left to the conversions that
// follow, and so are other functions.

// CHECK-LABEL: func @left_alone
func.func @left_alone(%x: vector<8xf16>, %y: vector<8xf64>, %z: vector<8xf32>)
    -> (vector<8xf16>, vector<8xf64>, vector<8xf32>) {
  // CHECK-NEXT: math.exp2 %{{.*}} : vector<8xf16>
  // CHECK-NEXT: math.tanh %{{.*}} : vector<8xf64>
  // CHECK-NEXT: math.sin %{{.*}} : vector<8xf32>
  // CHECK-NEXT: return
  %a = math.exp2 %x : vector<8xf16>
  %b = math.tanh %y : vector<8xf64>
  %c = math.sin %z : vector<8xf32>
  return %a, %b, %c : vector<8xf16>, vector<8xf64>, vector<8xf32>
}
