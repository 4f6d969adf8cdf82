// RUN: tessera-opt %s --sm-verify-scheduled --verify-diagnostics --split-input-file

// A scheduled program is accepted.

func.func @good(%k: !tile.view<64xbf16>, %o: !tile.view<64xf32>, %i: index, %q: tensor<64x64xbf16>) {
  %ring = sm.make_ring : !sm.ring<2, 64x64, bf16>
  sm.roles groups 1 registers 24, 240 producer {
    sm.fill %ring, %k[%i, %i] tile %i : !sm.ring<2, 64x64, bf16>, !tile.view<64xbf16>
    %ticket = sm.take_ticket
    %told = sm.tell %ticket channel 0 : index
  } consumer {
    %x = sm.acquire %ring : !sm.ring<2, 64x64, bf16> -> !sm.slot<64x64, bf16>
    %p = sm.dot %q, %x : tensor<64x64xbf16>, !sm.slot<64x64, bf16> -> tensor<64x64xf32>
    %s = sm.await %p pending 0 : tensor<64x64xf32>
    sm.release %x : !sm.slot<64x64, bf16>
    tile.store %s, %o[%i, %i] tile %i : tensor<64x64xf32>, !tile.view<64xf32>
    %heard = sm.hear channel 0 : index
  }
  return
}

// -----

// expected-error @+1 {{scheduled: expected one sm.roles, found 0}}
func.func @without_roles() {
  return
}

// -----

// expected-error @+1 {{scheduled: expected one sm.roles, found 2}}
func.func @two_roles() {
  sm.roles groups 1 registers 24, 240 producer {
  } consumer {
  }
  sm.roles groups 1 registers 24, 240 producer {
  } consumer {
  }
  return
}

// -----

// Points of a grid were given to blocks.

func.func @grid(%n: index) {
  // expected-error @+1 {{'tile.grid' op is left over at the stage scheduled}}
  %tile, %head, %batch = tile.grid %n, %n, %n
  sm.roles groups 1 registers 24, 240 producer {
  } consumer {
  }
  return
}

// -----

// Every op is named that is left over.

func.func @load_and_range(%k: !tile.view<64xbf16>, %i: index) {
  sm.roles groups 1 registers 24, 240 producer {
    // expected-error @+1 {{'tile.nth' op is left over at the stage scheduled}}
    %j = tile.nth %i of (%i) to (%i)
  } consumer {
    // expected-error @+1 {{'tile.load' op is left over at the stage scheduled}}
    %x = tile.load %k[%i, %i] tile %i padding zero : !tile.view<64xbf16> -> tensor<64x64xbf16>
  }
  return
}

// -----

func.func @fill_in_consumer(%k: !tile.view<64xbf16>, %i: index) {
  %ring = sm.make_ring : !sm.ring<2, 64x64, bf16>
  sm.roles groups 1 registers 24, 240 producer {
  } consumer {
    // expected-error @+1 {{'sm.fill' op outside of the producer}}
    sm.fill %ring, %k[%i, %i] tile %i : !sm.ring<2, 64x64, bf16>, !tile.view<64xbf16>
  }
  return
}

// -----

func.func @ticket_in_consumer() {
  sm.roles groups 1 registers 24, 240 producer {
  } consumer {
    // expected-error @+1 {{'sm.take_ticket' op outside of the producer}}
    %ticket = sm.take_ticket
    // expected-error @+1 {{'sm.tell' op outside of the producer}}
    %told = sm.tell %ticket channel 0 : index
  }
  return
}

// -----

// Neither does what stands under a branch of the producer compute.

func.func @acquire_in_producer(%some: i1) {
  %ring = sm.make_ring : !sm.ring<2, 64x64, bf16>
  sm.roles groups 1 registers 24, 240 producer {
    scf.if %some {
      // expected-error @+1 {{'sm.acquire' op in the producer}}
      %x = sm.acquire %ring : !sm.ring<2, 64x64, bf16> -> !sm.slot<64x64, bf16>
    }
  } consumer {
  }
  return
}

// -----

func.func @product_is_read(%q: tensor<64x64xbf16>, %x: !sm.slot<64x64, bf16>) {
  sm.roles groups 1 registers 24, 240 producer {
  } consumer {
    // expected-error @+1 {{'sm.dot' op is read before it is awaited}}
    %p = sm.dot %q, %x : tensor<64x64xbf16>, !sm.slot<64x64, bf16> -> tensor<64x64xf32>
    %y = math.exp2 %p : tensor<64x64xf32>
  }
  return
}

// -----

// Rows of a group are none of the producer's.

func.func @rows_of_no_group(%n: index) {
  sm.roles groups 1 registers 24, 240 producer {
    // expected-error @+1 {{'sm.group_row_span' op in the producer}}
    %first, %last = sm.group_row_span %n of %n height 64
  } consumer {
  }
  return
}

// -----

// Roles were split.

func.func @both_roles(%n: index) {
  // expected-error @+1 {{'sm.by_role' op is left over at the stage scheduled}}
  %end = sm.by_role %n, %n
  sm.roles groups 1 registers 24, 240 producer {
  } consumer {
  }
  return
}

// -----

func.func @zero_tail_of_the_producer(%n: index) {
  %ring = sm.make_ring : !sm.ring<2, 64x64, bf16>
  sm.roles groups 1 registers 24, 240 producer {
    %x = sm.acquire %ring : !sm.ring<2, 64x64, bf16> -> !sm.slot<64x64, bf16> // expected-error {{in the producer}}
    sm.zero_tail %x tile %n of %n : !sm.slot<64x64, bf16> // expected-error {{'sm.zero_tail' op in the producer}}
  } consumer {
  }
  return
}

// -----

func.func @strip_of_a_tile(%t: !tile.table<1xf32>, %i: index, %k: tensor<64x64xbf16>) {
  sm.roles groups 1 registers 24, 240 producer {
  } consumer {
    // expected-error @+1 {{'sm.gather_strip' op reads no buffer at the stage scheduled}}
    %b = sm.gather_strip %k, %t[%i] along 0 tile %i rows 1 columns 1 : tensor<64x64xbf16>, !tile.table<1xf32> -> tensor<64x64xf32>
  }
  return
}

// -----

func.func @strip_in_the_producer(%t: !tile.table<1xf32>, %i: index) {
  %ring = sm.make_ring : !sm.ring<2, 64x64, bf16, strip 127>
  sm.roles groups 1 registers 24, 240 producer {
    // expected-error @+1 {{'sm.acquire' op in the producer}}
    %k = sm.acquire %ring : !sm.ring<2, 64x64, bf16, strip 127> -> !sm.slot<64x64, bf16>
    // expected-error @+1 {{'sm.gather_strip' op in the producer}}
    %b = sm.gather_strip %k, %t[%i] along 0 tile %i rows 1 columns 1 : !sm.slot<64x64, bf16>, !tile.table<1xf32> -> tensor<64x64xf32>
  } consumer {
  }
  return
}

// -----

// A scheduled program that gathers is accepted: who does hears numbers as consumers do.

func.func @good_gatherer(%k: !tile.view<64xbf16>, %t: !tile.table<1xf32>, %i: index) {
  %ring = sm.make_ring : !sm.ring<2, 64x64, bf16, strip 127>
  sm.roles groups 1 registers 24, 240 producer {
    %told = sm.tell %i channel 0 : index
    sm.fill %ring, %k[%i, %i] tile %told : !sm.ring<2, 64x64, bf16, strip 127>, !tile.view<64xbf16>
  } consumer {
    %heard = sm.hear channel 0 : index
    %x = sm.acquire %ring : !sm.ring<2, 64x64, bf16, strip 127> -> !sm.slot<64x64, bf16>
    %b = sm.gather_strip %x, %t[%i] along 0 tile %heard rows 1 columns 1 : !sm.slot<64x64, bf16>, !tile.table<1xf32> -> tensor<64x64xf32>
    sm.release %x : !sm.slot<64x64, bf16>
  } gatherer {
    %heard = sm.hear channel 0 : index
    sm.fill_strip %ring tile %heard with %t[%i] along 0 step 64 : !sm.ring<2, 64x64, bf16, strip 127>, !tile.table<1xf32>
  }
  return
}

// -----

// Strips are filled by the gatherer alone,

func.func @fill_strip_elsewhere(%t: !tile.table<1xf32>, %i: index) {
  %ring = sm.make_ring : !sm.ring<2, 64x64, bf16, strip 127>
  sm.roles groups 1 registers 24, 240 producer {
    // expected-error @+1 {{'sm.fill_strip' op outside of the gatherer}}
    sm.fill_strip %ring tile %i with %t[%i] along 0 step 64 : !sm.ring<2, 64x64, bf16, strip 127>, !tile.table<1xf32>
  } consumer {
    // expected-error @+1 {{'sm.fill_strip' op outside of the gatherer}}
    sm.fill_strip %ring tile %i : !sm.ring<2, 64x64, bf16, strip 127>
  } gatherer {
  }
  return
}

// -----

// which does nothing of what the others do, under a branch neither.

func.func @work_of_others_in_the_gatherer(%k: !tile.view<64xbf16>, %t: !tile.table<1xf32>, %i: index,
                                          %some: i1) {
  %ring = sm.make_ring : !sm.ring<2, 64x64, bf16, strip 127>
  sm.roles groups 1 registers 24, 240 producer {
  } consumer {
  } gatherer {
    // expected-error @+1 {{'sm.fill' op outside of the producer}}
    sm.fill %ring, %k[%i, %i] tile %i : !sm.ring<2, 64x64, bf16, strip 127>, !tile.view<64xbf16>
    // expected-error @+1 {{'sm.tell' op outside of the producer}}
    %told = sm.tell %i channel 0 : index
    scf.if %some {
      // expected-error @+1 {{'sm.acquire' op in the gatherer}}
      %x = sm.acquire %ring : !sm.ring<2, 64x64, bf16, strip 127> -> !sm.slot<64x64, bf16>
      // expected-error @+1 {{'sm.gather_strip' op in the gatherer}}
      %b = sm.gather_strip %x, %t[%i] along 0 tile %i rows 1 columns 1 : !sm.slot<64x64, bf16>, !tile.table<1xf32> -> tensor<64x64xf32>
      // expected-error @+1 {{'sm.release' op in the gatherer}}
      sm.release %x : !sm.slot<64x64, bf16>
    }
  }
  return
}
