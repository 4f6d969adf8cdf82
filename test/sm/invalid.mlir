// RUN: tessera-opt %s --verify-diagnostics --split-input-file

!ring = !sm.ring<2, 128x64, bf16>

// A buffer has as many columns as the rows it is filled with, of the same type.

func.func @fill_of_other_width(%ring: !ring, %view: !tile.view<128xbf16>, %i: index) {
  // expected-error @+1 {{'sm.fill' op view of 128 x 'bf16' does not fit a ring of 64 x 'bf16'}}
  sm.fill %ring, %view[%i, %i] tile %i : !ring, !tile.view<128xbf16>
  return
}

// -----

!ring = !sm.ring<2, 128x64, bf16>

func.func @fill_of_other_type(%ring: !ring, %view: !tile.view<64xf16>, %i: index) {
  // expected-error @+1 {{'sm.fill' op view of 64 x 'f16' does not fit a ring of 64 x 'bf16'}}
  sm.fill %ring, %view[%i, %i] tile %i : !ring, !tile.view<64xf16>
  return
}

// -----

!ring = !sm.ring<2, 128x64, bf16>

func.func @acquire_of_other_rows(%ring: !ring) {
  // expected-error @+1 {{'sm.acquire' op slot '!sm.slot<64x64, bf16>' is not one of the ring '!sm.ring<2, 128x64, bf16>'}}
  %slot = sm.acquire %ring : !ring -> !sm.slot<64x64, bf16>
  return
}

// -----

!ring = !sm.ring<2, 128x64, bf16>

func.func @acquire_of_other_type(%ring: !ring) {
  // expected-error @+1 {{'sm.acquire' op slot '!sm.slot<128x64, f16>' is not one of the ring '!sm.ring<2, 128x64, bf16>'}}
  %slot = sm.acquire %ring : !ring -> !sm.slot<128x64, f16>
  return
}

// -----

!ring = !sm.ring<2, 128x64, bf16>

func.func @held_of_other_rows(%ring: !ring) {
  // expected-error @+1 {{'sm.held' op slot '!sm.slot<64x64, bf16>' is not one of the ring '!sm.ring<2, 128x64, bf16>'}}
  %slot = sm.held %ring : !ring -> !sm.slot<64x64, bf16>
  return
}

// -----

// A forgotten `transposed`.

func.func @dot_of_other_depth(%q: !sm.slot<128x64, bf16>, %k: !sm.slot<128x64, bf16>) {
  // expected-error @+1 {{'sm.dot' op contraction sizes differ: lhs has 64 columns, rhs has 128}}
  %s = sm.dot %q, %k : !sm.slot<128x64, bf16>, !sm.slot<128x64, bf16> -> tensor<128x128xf32>
  return
}

// -----

// One too many, with a left operand in registers.

func.func @transposed_dot_of_other_depth(%p: tensor<128x128xbf16>, %v: !sm.slot<128x64, bf16>) {
  // expected-error @+1 {{'sm.dot' op contraction sizes differ: lhs has 128 columns, rhs has 64}}
  %o = sm.dot %p, %v transposed : tensor<128x128xbf16>, !sm.slot<128x64, bf16> -> tensor<128x128xf32>
  return
}

// -----

func.func @dot_of_other_width(%p: tensor<128x128xbf16>, %v: !sm.slot<128x64, bf16>) {
  // expected-error @+1 {{'sm.dot' op expected a product of 128 x 64, found 'tensor<128x128xf32>'}}
  %o = sm.dot %p, %v : tensor<128x128xbf16>, !sm.slot<128x64, bf16> -> tensor<128x128xf32>
  return
}

// -----

func.func @dot_on_another_sum(%p: tensor<128x128xbf16>, %v: !sm.slot<128x64, bf16>, %o: tensor<128x32xf32>) {
  // expected-error @+1 {{'sm.dot' op adds 'tensor<128x64xf32>' to 'tensor<128x32xf32>'}}
  %0 = sm.dot %p, %v acc %o : tensor<128x32xf32> : tensor<128x128xbf16>, !sm.slot<128x64, bf16> -> tensor<128x64xf32>
  return
}

// -----

func.func @dot_without_a_sum_to_leave(%p: tensor<128x128xbf16>, %v: !sm.slot<128x64, bf16>, %c: i1) {
  // expected-error @+1 {{'sm.dot' op has a condition, and no sum to leave as it is}}
  %o = sm.dot %p, %v if %c : tensor<128x128xbf16>, !sm.slot<128x64, bf16> -> tensor<128x64xf32>
  return
}

// -----

func.func @tell_of_fewer(%a: index) {
  // expected-error @+1 {{'sm.tell' op has 1 values and 2 results}}
  %told:2 = "sm.tell"(%a) {channel = 0 : i64} : (index) -> (index, index)
  return
}

// -----

// Buffers have rows and columns, both known.

// expected-error @+1 {{expected two extents, found 3}}
func.func private @ring_of_three_extents(!sm.ring<2, 4x128x64, bf16>)

// -----

// expected-error @+1 {{expected two extents, found 1}}
func.func private @slot_of_one_extent(!sm.slot<64, bf16>)

// -----

// expected-error @+1 {{expected static shape}}
func.func private @slot_of_unknown_rows(!sm.slot<?x64, bf16>)

// -----

func.func @renew_of_fewer(%a: index) {
  // expected-error @+1 {{'sm.renew' op has 1 values and 2 results}}
  %again:2 = "sm.renew"(%a) : (index) -> (index, index)
  return
}

// -----

func.func @nonfinite_rows_of_fewer(%o: tensor<128x64xbf16>) {
  // expected-error @+1 {{'sm.nonfinite_rows' op source has 128 rows, result has 64}}
  %parts = sm.nonfinite_rows %o : tensor<128x64xbf16> -> tensor<64x4xi1>
  return
}

// -----

func.func @locate_of_other_width(%view: !tile.view<128xbf16>, %i: index) {
  // expected-error @+1 {{'sm.locate' op view of 128 x 'bf16' does not hold a place of 64 x 'bf16'}}
  %k = sm.locate %view[%i, %i] tile %i : !tile.view<128xbf16> -> !sm.place<8x64, bf16>
  return
}

// -----

func.func @locate_of_part(%view: !tile.view<128xbf16>, %i: index) {
  // expected-error @+1 {{'sm.locate' op view of 128 x 'bf16' does not hold a place of 48 x 'bf16'}}
  %k = sm.locate %view[%i, %i] tile %i columns %i : !tile.view<128xbf16> -> !sm.place<8x48, bf16>
  return
}

// -----

func.func @put_elsewhere(%o: tensor<128x64xbf16>, %place: !sm.place<128x32, bf16>) {
  // expected-error @+1 {{'sm.put' op expected a place of 'tensor<128x64xbf16>', found '!sm.place<128x32, bf16>'}}
  sm.put %o, %place : tensor<128x64xbf16>, !sm.place<128x32, bf16>
  return
}

// -----

!place = !sm.place<8x64, bf16>

func.func @exact_dot_of_other_depth(%p: tensor<128x16xbf16>, %v: !place, %o: tensor<128x64xf32>) {
  // expected-error @+1 {{'sm.exact_dot' op contraction sizes differ: lhs has 16 columns, rhs has 8}}
  %0 = sm.exact_dot %p, %v, %o : tensor<128x16xbf16>, !place -> tensor<128x64xf32>
  return
}

// -----

!place = !sm.place<8x64, bf16>

func.func @exact_dot_of_tile_with_rows(%p: tensor<128x64xbf16>, %k: !place, %s: tensor<128x8xf32>) {
  // expected-error @+1 {{'sm.exact_dot' op expected a place on the left, found 'tensor<128x64xbf16>'}}
  %0 = sm.exact_dot %p, %k, %s transposed : tensor<128x64xbf16>, !place -> tensor<128x8xf32>
  return
}

// -----

!place = !sm.place<8x8, bf16>

func.func @exact_dot_of_place_with_columns(%p: !place, %v: !place, %o: tensor<8x8xf32>) {
  // expected-error @+1 {{'sm.exact_dot' op expected a tile in registers on the left, found '!sm.place<8x8, bf16>'}}
  %0 = sm.exact_dot %p, %v, %o : !place, !place -> tensor<8x8xf32>
  return
}

// -----

!rows = !sm.place<64x64, bf16>
!place = !sm.place<8x64, bf16>

func.func @exact_dot_skips_of_place(%q: !rows, %k: !place, %s: tensor<64x8xf32>, %skips: i1) {
  // expected-error @+1 {{'sm.exact_dot' op skips zeros of a place}}
  %0 = sm.exact_dot %q, %k, %s transposed skip_zeros %skips : !rows, !place -> tensor<64x8xf32>
  return
}

// -----

!rows = !sm.place<64x64, bf16>
!place = !sm.place<8x64, bf16>

func.func @exact_dot_of_other_result(%q: !rows, %k: !place, %s: tensor<64x16xf32>) {
  // expected-error @+1 {{'sm.exact_dot' op expected a product of 64 x 8, found 'tensor<64x16xf32>'}}
  %0 = sm.exact_dot %q, %k, %s transposed : !rows, !place -> tensor<64x16xf32>
  return
}

// -----

!rows = !sm.place<64x64, bf16>

func.func @exact_dot_of_many_keys(%q: !rows, %s: tensor<64x64xf32>) {
  // expected-error @+1 {{'sm.exact_dot' op expected 8 rows on the right, found 64}}
  %0 = sm.exact_dot %q, %q, %s transposed : !rows, !rows -> tensor<64x64xf32>
  return
}

// -----

!ring = !sm.ring<2, 128x64, bf16, strip 191>

func.func @fill_strip_of_other_rank(%ring: !ring, %t: !tile.table<2xf32>, %i: index) {
  // expected-error @+1 {{'sm.fill_strip' op has 1 coordinates, and neighbours along 0, of a table of rank 2}}
  sm.fill_strip %ring tile %i with %t[%i] along 0 step 64 : !ring, !tile.table<2xf32>
  return
}

// -----

!ring = !sm.ring<2, 128x64, bf16>

func.func @fill_strip_without_room(%ring: !ring, %t: !tile.table<1xf32>, %i: index) {
  // expected-error @+1 {{'sm.fill_strip' op fills a strip, and the ring has none}}
  sm.fill_strip %ring tile %i with %t[%i] along 0 step 64 : !ring, !tile.table<1xf32>
  return
}

// -----

// Nor is a strip left as it is that is not there.

!ring = !sm.ring<2, 128x64, bf16>

func.func @leave_no_strip(%ring: !ring, %i: index) {
  // expected-error @+1 {{'sm.fill_strip' op fills a strip, and the ring has none}}
  sm.fill_strip %ring tile %i : !ring
  return
}

// -----

!ring = !sm.ring<2, 128x64, bf16, strip 191>

func.func @fill_strip_of_multiplied_integers(%ring: !ring, %t: !tile.table<1xi32>, %i: index, %f: f32) {
  // expected-error @+1 {{'sm.fill_strip' op multiplies what are no numbers of f32}}
  sm.fill_strip %ring tile %i with %t[%i] along 0 step 64 times %f : !ring, !tile.table<1xi32>
  return
}

// -----

// Without a table there is nothing to multiply.

!ring = !sm.ring<2, 128x64, bf16, strip 191>

func.func @fill_strip_of_multiplied_nothing(%ring: !ring, %i: index, %f: f32) {
  // expected-error @+1 {{'sm.fill_strip' op multiplies what are no numbers of f32}}
  sm.fill_strip %ring tile %i times %f : !ring
  return
}

// -----

!slot = !sm.slot<64x64, bf16>

func.func @gather_along_nothing(%k: !slot, %t: !tile.table<1xf32>, %i: index) {
  // expected-error @+1 {{'sm.gather_strip' op has 1 coordinates, and neighbours along 1, of a table of rank 1}}
  %b = sm.gather_strip %k, %t[%i] along 1 tile %i rows 1 columns 1 : !slot, !tile.table<1xf32> -> tensor<64x64xf32>
  return
}

// -----

!slot = !sm.slot<64x64, bf16>

func.func @gather_of_other_type(%k: !slot, %t: !tile.table<1xf32>, %i: index) {
  // expected-error @+1 {{'sm.gather_strip' op result 'tensor<64x64xi32>' is not of the table's 'f32'}}
  %b = sm.gather_strip %k, %t[%i] along 0 tile %i rows 1 columns 1 : !slot, !tile.table<1xf32> -> tensor<64x64xi32>
  return
}

// -----

!slot = !sm.slot<64x64, bf16>

func.func @gather_of_other_keys(%k: !slot, %t: !tile.table<1xf32>, %i: index) {
  // expected-error @+1 {{'sm.gather_strip' op source has 64 rows, result has 32 columns}}
  %b = sm.gather_strip %k, %t[%i] along 0 tile %i rows 1 columns 1 : !slot, !tile.table<1xf32> -> tensor<64x32xf32>
  return
}

// -----

!slot = !sm.slot<64x64, bf16>

func.func @gather_of_no_neighbours(%k: !slot, %t: !tile.table<1xf32>, %i: index) {
  // expected-error @+1 {{'sm.gather_strip' op expected rows of -1, 0 or 1 and columns of -1 or 1, found -2 and 1}}
  %b = sm.gather_strip %k, %t[%i] along 0 tile %i rows -2 columns 1 : !slot, !tile.table<1xf32> -> tensor<64x64xf32>
  return
}

// -----

!slot = !sm.slot<64x64, bf16>

func.func @gather_of_multiplied_integers(%k: !slot, %t: !tile.table<1xi32>, %i: index, %f: f32) {
  // expected-error @+1 {{'sm.gather_strip' op multiplies what are no numbers of f32}}
  %b = sm.gather_strip %k, %t[%i] along 0 tile %i rows 1 columns 1 times %f : !slot, !tile.table<1xi32> -> tensor<64x64xi32>
  return
}

// -----

func.func @maxima_of_other_rows(%x: tensor<64x32xf32>) {
  // expected-error @+1 {{'sm.positive_max' op source has 64 rows, result has 32}}
  %m = sm.positive_max %x : tensor<64x32xf32> -> tensor<32x4xf32>
  return
}
