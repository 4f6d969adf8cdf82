// RUN: tessera-opt %s --sm-to-nvvm --verify-diagnostics --split-input-file

// Rings that do not fit are the schedule's fault.

// expected-error @+1 {{the schedule needs 262208 bytes of shared memory, a block has 232448}}
func.func @too_many_stages() {
  %ring = sm.make_ring : !sm.ring<4, 256x128, bf16>
  sm.roles groups 1 registers 40, 232 producer {
  } consumer {
  }
  return
}

// -----

// Warp groups multiply what they have an instruction for.

func.func @product_of_f32(%x: f32 {tile.name = "x"}) {
  %ring = sm.make_ring : !sm.ring<1, 64x64, f32>
  sm.roles groups 1 registers 40, 232 producer {
  } consumer {
    %k = sm.acquire %ring : !sm.ring<1, 64x64, f32> -> !sm.slot<64x64, f32>
    // expected-error @+2 {{'sm.dot' op multiplies elements of 'f32', expected bf16 or f16}}
    // expected-error @+1 {{failed to legalize operation 'sm.dot' that was explicitly marked illegal}}
    %s = sm.dot %k, %k transposed : !sm.slot<64x64, f32>, !sm.slot<64x64, f32> -> tensor<64x64xf32>
  }
  return
}

// -----

func.func @store_through_pages(%o: !tile.view<64xf32> {tile.name = "o"},
                               %pages: !tile.table<2xi32> {tile.name = "pages"},
                               %x: f32 {tile.name = "x"}) {
  sm.roles groups 1 registers 40, 232 producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %y = tensor.splat %x : tensor<64x64xf32>
    // expected-error @+2 {{'tile.store' op goes through pages, which this target cannot do yet}}
    // expected-error @+1 {{failed to legalize operation 'tile.store' that was explicitly marked illegal}}
    tile.store %y, %o[%c0, %c0] tile %c0 through %pages : tensor<64x64xf32>, !tile.view<64xf32>, !tile.table<2xi32>
  }
  return
}

// -----

// Partial sums are those of the lanes of a row.

func.func @other_partial_sums(%x: f32 {tile.name = "x"}) {
  sm.roles groups 1 registers 40, 232 producer {
  } consumer {
    %y = tensor.splat %x : tensor<64x64xf32>
    // expected-error @+1 {{failed to legalize operation 'tile.partial_reduce' that was explicitly marked illegal}}
    %part = tile.partial_reduce add %y : tensor<64x64xf32> -> tensor<64x8xf32>
  }
  return
}

// -----

func.func @exact_product_of_f32(%k: !tile.view<64xf32> {tile.name = "k"}, %i: index {tile.name = "i"}) {
  sm.roles groups 1 registers 40, 232 producer {
  } consumer {
    %zero = arith.constant dense<0.0> : tensor<64x8xf32>
    %left = sm.locate %k[%i, %i] tile %i : !tile.view<64xf32> -> !sm.place<64x64, f32>
    %right = sm.locate %k[%i, %i] tile %i : !tile.view<64xf32> -> !sm.place<8x64, f32>
    // expected-error @+2 {{'sm.exact_dot' op multiplies elements of 'f32', expected bf16 or f16}}
    // expected-error @+1 {{failed to legalize operation 'sm.exact_dot' that was explicitly marked illegal}}
    %s = sm.exact_dot %left, %right, %zero transposed : !sm.place<64x64, f32>, !sm.place<8x64, f32> -> tensor<64x8xf32>
  }
  return
}

// -----

func.func @nonfinite_rows_of_f64(%x: f64 {tile.name = "x"}) {
  sm.roles groups 1 registers 40, 232 producer {
  } consumer {
    %y = tensor.splat %x : tensor<64x8xf64>
    // expected-error @+2 {{'sm.nonfinite_rows' op looks at elements of 'f64', expected bf16, f16 or f32}}
    // expected-error @+1 {{failed to legalize operation 'sm.nonfinite_rows' that was explicitly marked illegal}}
    %parts = sm.nonfinite_rows %y : tensor<64x8xf64> -> tensor<64x4xi1>
  }
  return
}
