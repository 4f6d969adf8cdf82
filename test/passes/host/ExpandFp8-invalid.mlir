// RUN: tessera-opt %s --tile-expand-fp8 --verify-diagnostics --split-input-file

// Arithmetic is done in f32.

func.func @arithmetic(%byte: i8) -> i8 {
  %v = arith.bitcast %byte : i8 to f8E5M2
  // expected-error @+1 {{'arith.negf' op has a value of 'f8E5M2', expected fp8 only in extf to f32, truncf from f32, bitcast from and to i8, select and constants}}
  %n = arith.negf %v : f8E5M2
  %result = arith.bitcast %n : f8E5M2 to i8
  return %result : i8
}

// -----

// A function takes bytes.

// expected-error @+1 {{'func.func' op has a value of 'vector<8xf8E4M3FN>', expected fp8 only in}}
func.func @argument(%v: vector<8xf8E4M3FN>) {
  return
}

// -----

// From bf16 it would have to be rounded by way of f32.

func.func @other_width(%x: bf16) -> i8 {
  // expected-error @+1 {{'arith.truncf' op has a value of 'f8E4M3FN', expected fp8 only in}}
  %v = arith.truncf %x : bf16 to f8E4M3FN
  %result = arith.bitcast %v : f8E4M3FN to i8
  return %result : i8
}

// -----

func.func @other_rounding(%x: f32) -> i8 {
  // expected-error @+1 {{'arith.truncf' op has a value of 'f8E4M3FN', expected fp8 only in}}
  %v = arith.truncf %x toward_zero : f32 to f8E4M3FN
  %result = arith.bitcast %v : f8E4M3FN to i8
  return %result : i8
}

// -----

func.func @tile(%bytes: tensor<4x4xi8>) {
  // expected-error @+1 {{'arith.bitcast' op has a value of 'tensor<4x4xf8E4M3FN>', expected fp8 only in}}
  %v = arith.bitcast %bytes : tensor<4x4xi8> to tensor<4x4xf8E4M3FN>
  return
}
