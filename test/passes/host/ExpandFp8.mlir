// RUN: tessera-opt %s --tile-expand-fp8 | FileCheck %s --implicit-check-not=f8E
// RUN: tessera-opt %s --tile-expand-fp8 --host-llvm | FileCheck %s --check-prefix=LLVM --implicit-check-not=f8E

// That the arithmetic is right is the subject of ExpandFp8-values.test.

// e5m2 is the upper half of an f16.

// CHECK-LABEL: func @from_e5m2
// CHECK-SAME:    %[[BYTES:.*]]: vector<16xi8>
// LLVM:        llvm.fpext {{.*}} : vector<16xf16> to vector<16xf32>
func.func @from_e5m2(%bytes: vector<16xi8>) -> vector<16xf32> {
  // CHECK-NEXT: %[[WIDE:.*]] = arith.extui %[[BYTES]] : vector<16xi8> to vector<16xi16>
  // CHECK-NEXT: %[[EIGHT:.*]] = arith.constant dense<8>
  // CHECK-NEXT: %[[BITS:.*]] = arith.shli %[[WIDE]], %[[EIGHT]]
  // CHECK-NEXT: %[[HALF:.*]] = arith.bitcast %[[BITS]] : vector<16xi16> to vector<16xf16>
  // CHECK-NEXT: %[[X:.*]] = arith.extf %[[HALF]] : vector<16xf16> to vector<16xf32>
  // CHECK-NEXT: return %[[X]]
  %v = arith.bitcast %bytes : vector<16xi8> to vector<16xf8E5M2>
  %x = arith.extf %v : vector<16xf8E5M2> to vector<16xf32>
  return %x : vector<16xf32>
}

// e4m3fn in the places of an f16 is the number times 2^-8. Its NaN is none of
// f16, so it is made one.

// CHECK-LABEL: func @from_e4m3fn
// CHECK-SAME:    %[[BYTES:.*]]: vector<8xi8>
func.func @from_e4m3fn(%bytes: vector<8xi8>) -> vector<8xf32> {
  // CHECK:      %[[WIDE:.*]] = arith.extsi %[[BYTES]] : vector<8xi8> to vector<8xi16>
  // CHECK:      %[[MASK:.*]] = arith.constant dense<-16385>
  // CHECK:      %[[NUMBER:.*]] = arith.andi %{{.*}}, %[[MASK]]
  // CHECK:      %[[NAN:.*]] = arith.constant dense<-512>
  // CHECK:      %[[IS_NAN:.*]] = arith.cmpi eq, %{{.*}}, %[[NAN]]
  // CHECK:      %[[ONES:.*]] = arith.extsi %[[IS_NAN]] : vector<8xi1> to vector<8xi16>
  // CHECK:      %[[BITS:.*]] = arith.ori %[[NUMBER]], %[[ONES]]
  // CHECK:      %[[HALF:.*]] = arith.bitcast %[[BITS]] : vector<8xi16> to vector<8xf16>
  // CHECK:      %[[SCALED:.*]] = arith.extf %[[HALF]] : vector<8xf16> to vector<8xf32>
  // CHECK:      %[[SCALE:.*]] = arith.constant dense<2.560000e+02>
  // CHECK:      %[[X:.*]] = arith.mulf %[[SCALED]], %[[SCALE]]
  // CHECK-NEXT: return %[[X]]
  %v = arith.bitcast %bytes : vector<8xi8> to vector<8xf8E4M3FN>
  %x = arith.extf %v : vector<8xf8E4M3FN> to vector<8xf32>
  return %x : vector<8xf32>
}

// The code of 480 is NaN, so limiting the magnitude is all that NaN and what is
// too great need. An addition rounds, its last bits are the code.

// CHECK-LABEL: func @to_e4m3fn
// CHECK-SAME:    %[[X:.*]]: vector<8xf32>
func.func @to_e4m3fn(%x: vector<8xf32>) -> vector<8xi8> {
  // CHECK:      %[[LIMIT:.*]] = arith.constant dense<1139802112>
  // CHECK:      %[[MAGNITUDE:.*]] = arith.minsi %{{.*}}, %[[LIMIT]]
  // CHECK:      %[[EXPONENT:.*]] = arith.maxsi
  // CHECK:      %[[SUM:.*]] = arith.addf
  // CHECK:      %[[TWENTY:.*]] = arith.constant dense<20>
  // CHECK:      %[[HIGH:.*]] = arith.shrui %[[EXPONENT]], %[[TWENTY]]
  // CHECK:      %[[LOW:.*]] = arith.bitcast %[[SUM]] : vector<8xf32> to vector<8xi32>
  // CHECK:      %[[CODE:.*]] = arith.addi %[[LOW]], %[[HIGH]]
  // CHECK-NOT:  arith.cmpi
  // CHECK:      %[[SIGNED:.*]] = arith.ori %[[CODE]], %{{.*}}
  // CHECK-NEXT: %[[BYTES:.*]] = arith.trunci %[[SIGNED]] : vector<8xi32> to vector<8xi8>
  // CHECK-NEXT: return %[[BYTES]]
  %v = arith.truncf %x : vector<8xf32> to vector<8xf8E4M3FN>
  %bytes = arith.bitcast %v : vector<8xf8E4M3FN> to vector<8xi8>
  return %bytes : vector<8xi8>
}

// Infinity is not NaN in e5m2. One number is converted like many.

// CHECK-LABEL: func @to_e5m2_scalar
func.func @to_e5m2_scalar(%x: f32) -> i8 {
  // CHECK:      %[[INFINITY:.*]] = arith.constant 2139095040 : i32
  // CHECK:      %[[IS_NAN:.*]] = arith.cmpi sgt, %{{.*}}, %{{.*}} : i32
  // CHECK:      arith.extsi %[[IS_NAN]] : i1 to i32
  // CHECK:      %[[BYTE:.*]] = arith.trunci %{{.*}} : i32 to i8
  // CHECK-NEXT: return %[[BYTE]]
  %v = arith.truncf %x : f32 to f8E5M2
  %byte = arith.bitcast %v : f8E5M2 to i8
  return %byte : i8
}

// CHECK-LABEL: func @from_e4m3fn_scalar
func.func @from_e4m3fn_scalar(%byte: i8) -> f32 {
  // CHECK: arith.extf %{{.*}} : f16 to f32
  // CHECK: arith.mulf %{{.*}} : f32
  %v = arith.bitcast %byte : i8 to f8E4M3FN
  %x = arith.extf %v : f8E4M3FN to f32
  return %x : f32
}

// What only moves fp8 moves bytes. 0x38 is one in e4m3fn.

// CHECK-LABEL: func @moves
// CHECK-SAME:    %[[SOME:.*]]: i1, %[[BYTE:.*]]: i8
func.func @moves(%some: i1, %byte: i8) -> i8 {
  // CHECK-NEXT: %[[ONE:.*]] = arith.constant 56 : i8
  // CHECK-NEXT: %[[CHOSEN:.*]] = arith.select %[[SOME]], %[[BYTE]], %[[ONE]] : i8
  // CHECK-NEXT: return %[[CHOSEN]]
  %v = arith.bitcast %byte : i8 to f8E4M3FN
  %one = arith.constant 1.0 : f8E4M3FN
  %chosen = arith.select %some, %v, %one : f8E4M3FN
  %result = arith.bitcast %chosen : f8E4M3FN to i8
  return %result : i8
}

// CHECK-LABEL: func @constants
func.func @constants() -> (vector<2xi8>, vector<4xi8>) {
  // CHECK-DAG: arith.constant dense<[60, -64]> : vector<2xi8>
  // CHECK-DAG: arith.constant dense<60> : vector<4xi8>
  %two = arith.constant dense<[1.0, -2.0]> : vector<2xf8E5M2>
  %same = arith.constant dense<1.0> : vector<4xf8E5M2>
  %a = arith.bitcast %two : vector<2xf8E5M2> to vector<2xi8>
  %b = arith.bitcast %same : vector<4xf8E5M2> to vector<4xi8>
  return %a, %b : vector<2xi8>, vector<4xi8>
}

// Conversions of other types are left to the conversions that follow.

// CHECK-LABEL: func @left_alone
func.func @left_alone(%x: vector<8xf32>, %y: vector<8xf16>) -> (vector<8xbf16>, vector<8xf32>) {
  // CHECK-NEXT: arith.truncf %{{.*}} : vector<8xf32> to vector<8xbf16>
  // CHECK-NEXT: arith.extf %{{.*}} : vector<8xf16> to vector<8xf32>
  // CHECK-NEXT: return
  %a = arith.truncf %x : vector<8xf32> to vector<8xbf16>
  %b = arith.extf %y : vector<8xf16> to vector<8xf32>
  return %a, %b : vector<8xbf16>, vector<8xf32>
}
