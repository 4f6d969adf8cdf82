// RUN: tessera-opt %s --tile-lower-views --split-input-file | FileCheck %s

// Dense views stay as they are; so do views whose sequences the key says nothing
// about, and those without a name.

module attributes {tile.key = "fwd,host,f32,d64,causal"} {
// CHECK-LABEL: func @dense
// CHECK-SAME:    (%[[Q:.*]]: !tile.view<64xf32> {tile.name = "q", tile.sequences = "q"}, %[[K:.*]]: !tile.view<64xf32> {tile.name = "k", tile.sequences = "kv"}, %[[I:.*]]: index {tile.name = "i"})
func.func @dense(%q: !tile.view<64xf32> {tile.name = "q", tile.sequences = "q"},
                 %k: !tile.view<64xf32> {tile.name = "k", tile.sequences = "kv"},
                 %i: index {tile.name = "i"}) {
  // CHECK-NEXT: tile.extent %[[Q]] batches
  // CHECK-NEXT: tile.extent %[[K]] rows
  // CHECK-NEXT: tile.length %[[K]][%[[I]]]
  // CHECK-NEXT: %[[X:.*]] = tile.load %[[K]][%[[I]], %[[I]]] tile %[[I]] padding zero
  // CHECK-NEXT: tile.store %[[X]], %[[Q]][%[[I]], %[[I]]] tile %[[I]] :
  // CHECK-NEXT: return
  %batches = tile.extent %q batches : !tile.view<64xf32>
  %rows = tile.extent %k rows : !tile.view<64xf32>
  %length = tile.length %k[%i] : !tile.view<64xf32>
  %x = tile.load %k[%i, %i] tile %i padding zero : !tile.view<64xf32> -> tensor<96x64xf32>
  tile.store %x, %q[%i, %i] tile %i : tensor<96x64xf32>, !tile.view<64xf32>
  return
}
}

// -----

module attributes {tile.key = "fwd,host,f32,d64,varlen_q,paged"} {
// CHECK-LABEL: func @other_sequences
// CHECK-SAME:    (%[[X:.*]]: !tile.view<64xf32> {tile.name = "x"}, %[[Y:.*]]: !tile.view<64xf32> {tile.name = "y", tile.sequences = "rows"}, %[[I:.*]]: index)
func.func @other_sequences(%x: !tile.view<64xf32> {tile.name = "x"},
                           %y: !tile.view<64xf32> {tile.name = "y", tile.sequences = "rows"},
                           %i: index) {
  // CHECK-NEXT: tile.extent %[[Y]] rows
  // CHECK-NEXT: %[[TILE:.*]] = tile.load %[[X]][%[[I]], %[[I]]] tile %[[I]] padding zero
  // CHECK-NEXT: tile.store %[[TILE]], %[[Y]][%[[I]], %[[I]]] tile %[[I]] :
  // CHECK-NEXT: return
  %rows = tile.extent %y rows : !tile.view<64xf32>
  %tile = tile.load %x[%i, %i] tile %i padding zero : !tile.view<64xf32> -> tensor<96x64xf32>
  tile.store %tile, %y[%i, %i] tile %i : tensor<96x64xf32>, !tile.view<64xf32>
  return
}

// A function without a body has nothing to lower.

// CHECK: func private @declared(!tile.view<64xf32>
func.func private @declared(!tile.view<64xf32> {tile.name = "q", tile.sequences = "q"})
}

// -----

// Packed queries: how many sequences there are and the longest of them are numbers
// of the call. A sequence is a piece of the only batch, from where it begins.
// Heads are read off the view, and so is all of the keys.

module attributes {tile.key = "fwd,host,f32,d64,varlen_q"} {
// CHECK-LABEL: func @packed_queries
// CHECK-SAME:    %[[Q:[a-z0-9]*]]: !tile.view<64xf32> {tile.name = "q", tile.sequences = "q"}
// CHECK-SAME:    %[[O:[a-z0-9]*]]: !tile.view<64xf32> {tile.name = "o", tile.sequences = "q"}
// CHECK-SAME:    %[[K:[a-z0-9]*]]: !tile.view<64xf32> {tile.name = "k", tile.sequences = "kv"}
// CHECK-SAME:    %[[B:[a-z0-9]*]]: index {tile.name = "b"}, %[[H:[a-z0-9]*]]: index {tile.name = "h"}
// CHECK-DAG:     %[[BATCH:[a-z0-9]*]]: index {tile.name = "batch"}
// CHECK-DAG:     %[[LONGEST:[a-z0-9]*]]: index {tile.name = "max_seqlen_q"}
// CHECK-DAG:     %[[STARTS:[a-z0-9]*]]: !tile.table<1xi32> {tile.name = "cu_seqlens_q"}
func.func @packed_queries(%q: !tile.view<64xf32> {tile.name = "q", tile.sequences = "q"},
                          %o: !tile.view<64xf32> {tile.name = "o", tile.sequences = "q"},
                          %k: !tile.view<64xf32> {tile.name = "k", tile.sequences = "kv"},
                          %b: index {tile.name = "b"}, %h: index {tile.name = "h"})
    -> (index, index, index, index, index) {
  // CHECK-NOT:  tile.extent
  // CHECK:      %[[HEADS:.*]] = tile.extent %[[Q]] heads
  %batches = tile.extent %q batches : !tile.view<64xf32>
  %heads = tile.extent %q heads : !tile.view<64xf32>
  %rows = tile.extent %q rows : !tile.view<64xf32>
  // CHECK:      %[[ONE:.*]] = arith.constant 1 : index
  // CHECK-NEXT: %[[NEXT:.*]] = arith.addi %[[B]], %[[ONE]] : index
  // CHECK-DAG:  %[[END:.*]] = tile.fetch %[[STARTS]][%[[NEXT]]] : !tile.table<1xi32> -> i32
  // CHECK-DAG:  %[[FIRST:.*]] = tile.fetch %[[STARTS]][%[[B]]]
  // CHECK-DAG:  %[[END_INDEX:.*]] = arith.index_cast %[[END]] : i32 to index
  // CHECK-DAG:  %[[FIRST_INDEX:.*]] = arith.index_cast %[[FIRST]] : i32 to index
  // CHECK:      %[[LENGTH:.*]] = arith.subi %[[END_INDEX]], %[[FIRST_INDEX]] : index
  %length = tile.length %q[%b] : !tile.view<64xf32>
  // CHECK:      %[[OF:.*]] = arith.subi
  // CHECK:      %[[AT:.*]] = tile.fetch %[[STARTS]][%[[B]]]
  // CHECK:      %[[FROM:.*]] = arith.index_cast %[[AT]]
  // CHECK:      %[[ONLY:.*]] = arith.constant 0 : index
  // CHECK:      %[[X:.*]] = tile.load %[[Q]][%[[ONLY]], %[[H]]] tile %[[B]] from %[[FROM]] of %[[OF]] padding undefined :
  %x = tile.load %q[%b, %h] tile %b padding undefined : !tile.view<64xf32> -> tensor<96x64xf32>
  // CHECK-NEXT: %[[Y:.*]] = tile.load %[[K]][%[[B]], %[[H]]] tile %[[B]] padding zero :
  // CHECK-NEXT: %[[KEYS:.*]] = tile.length %[[K]][%[[B]]]
  %y = tile.load %k[%b, %h] tile %b padding zero : !tile.view<64xf32> -> tensor<96x64xf32>
  %keys = tile.length %k[%b] : !tile.view<64xf32>
  // CHECK:      %[[OUT:.*]] = arith.subi
  // CHECK:      %[[OUT_AT:.*]] = tile.fetch %[[STARTS]][%[[B]]]
  // CHECK:      %[[OUT_FROM:.*]] = arith.index_cast %[[OUT_AT]]
  // CHECK:      tile.store %[[X]], %[[O]][%{{.*}}, %[[H]]] tile %[[B]] from %[[OUT_FROM]] of %[[OUT]] :
  tile.store %x, %o[%b, %h] tile %b : tensor<96x64xf32>, !tile.view<64xf32>
  // CHECK-NEXT: return %[[BATCH]], %[[HEADS]], %[[LONGEST]], %[[LENGTH]], %[[KEYS]]
  return %batches, %heads, %rows, %length, %keys : index, index, index, index, index
}
}

// -----

// Packed keys, of which only some are used: they begin where `cu_seqlens_kv` says,
// and the table of used rows says how many there are.

module attributes {tile.key = "fwd,host,f32,d64,varlen_kv,seqused_kv"} {
// CHECK-LABEL: func @packed_and_used
// CHECK-SAME:    %[[K:[a-z0-9]*]]: !tile.view<64xf32> {tile.name = "k", tile.sequences = "kv"}, %[[B:[a-z0-9]*]]: index
// CHECK-DAG:     %[[USED:[a-z0-9]*]]: !tile.table<1xi32> {tile.name = "seqused_kv"}
// CHECK-DAG:     %[[STARTS:[a-z0-9]*]]: !tile.table<1xi32> {tile.name = "cu_seqlens_kv"}
func.func @packed_and_used(%k: !tile.view<64xf32> {tile.name = "k", tile.sequences = "kv"},
                           %b: index {tile.name = "b"}) -> (index, tensor<96x64xf32>) {
  // CHECK:      %[[COUNT:.*]] = tile.fetch %[[USED]][%[[B]]]
  // CHECK-NEXT: %[[LENGTH:.*]] = arith.index_cast %[[COUNT]]
  // CHECK-NOT:  arith.subi
  %length = tile.length %k[%b] : !tile.view<64xf32>
  // CHECK:      %[[OF_COUNT:.*]] = tile.fetch %[[USED]][%[[B]]]
  // CHECK:      %[[OF:.*]] = arith.index_cast %[[OF_COUNT]]
  // CHECK:      %[[AT:.*]] = tile.fetch %[[STARTS]][%[[B]]]
  // CHECK:      %[[FROM:.*]] = arith.index_cast %[[AT]]
  // CHECK:      %[[ONLY:.*]] = arith.constant 0 : index
  // CHECK:      %[[X:.*]] = tile.load %[[K]][%[[ONLY]], %[[B]]] tile %[[B]] from %[[FROM]] of %[[OF]] padding zero :
  %x = tile.load %k[%b, %b] tile %b padding zero : !tile.view<64xf32> -> tensor<96x64xf32>
  // CHECK-NEXT: return %[[LENGTH]], %[[X]]
  return %length, %x : index, tensor<96x64xf32>
}
}

// -----

// Partly used rows of a dense view: still in their batch, from its first row on.
// The extents are those of the view.

module attributes {tile.key = "fwd,host,f32,d64,seqused_kv"} {
// CHECK-LABEL: func @used
// CHECK-SAME:    %[[K:[a-z0-9]*]]: !tile.view<64xf32> {{.*}}, %[[B:[a-z0-9]*]]: index {tile.name = "b"}, %[[USED:[a-z0-9]*]]: !tile.table<1xi32> {tile.name = "seqused_kv"})
func.func @used(%k: !tile.view<64xf32> {tile.name = "k", tile.sequences = "kv"},
                %b: index {tile.name = "b"}) -> (index, index, tensor<96x64xf32>) {
  // CHECK-NEXT: %[[BATCHES:.*]] = tile.extent %[[K]] batches
  // CHECK-NEXT: %[[ROWS:.*]] = tile.extent %[[K]] rows
  %batches = tile.extent %k batches : !tile.view<64xf32>
  %rows = tile.extent %k rows : !tile.view<64xf32>
  // CHECK-NEXT: %[[COUNT:.*]] = tile.fetch %[[USED]][%[[B]]]
  // CHECK-NEXT: %[[OF:.*]] = arith.index_cast %[[COUNT]]
  // CHECK-NEXT: %[[X:.*]] = tile.load %[[K]][%[[B]], %[[B]]] tile %[[B]] of %[[OF]] padding zero :
  %x = tile.load %k[%b, %b] tile %b padding zero : !tile.view<64xf32> -> tensor<96x64xf32>
  // CHECK-NEXT: return %[[BATCHES]], %[[ROWS]], %[[X]]
  return %batches, %rows, %x : index, index, tensor<96x64xf32>
}
}

// -----

// Pages: a load keeps its batch, which names a row of the page table. Two views of
// one name share the tables.

module attributes {tile.key = "fwd,host,f32,d64,paged"} {
// CHECK-LABEL: func @paged
// CHECK-SAME:    %[[K:[a-z0-9]*]]: !tile.view<64xf32> {{.*}}, %[[V:[a-z0-9]*]]: !tile.view<32xf32> {{.*}}, %[[B:[a-z0-9]*]]: index {tile.name = "b"}
// CHECK-DAG:     %[[LONGEST:[a-z0-9]*]]: index {tile.name = "max_seqlen_kv"}
// CHECK-DAG:     %[[USED:[a-z0-9]*]]: !tile.table<1xi32> {tile.name = "seqused_kv"}
// CHECK-DAG:     %[[PAGES:[a-z0-9]*]]: !tile.table<2xi32> {tile.name = "page_table"}
// CHECK-NOT:     cu_seqlens
func.func @paged(%k: !tile.view<64xf32> {tile.name = "k", tile.sequences = "kv"},
                 %v: !tile.view<32xf32> {tile.name = "v", tile.sequences = "kv"},
                 %b: index {tile.name = "b"}) -> (index, tensor<96x64xf32>, tensor<96x32xf32>) {
  %rows = tile.extent %k rows : !tile.view<64xf32>
  // CHECK:      %[[K_COUNT:.*]] = tile.fetch %[[USED]][%[[B]]]
  // CHECK-NEXT: %[[K_OF:.*]] = arith.index_cast %[[K_COUNT]]
  // CHECK-NEXT: %[[X:.*]] = tile.load %[[K]][%[[B]], %[[B]]] tile %[[B]] of %[[K_OF]] through %[[PAGES]] padding zero : !tile.view<64xf32>, !tile.table<2xi32>
  %x = tile.load %k[%b, %b] tile %b padding zero : !tile.view<64xf32> -> tensor<96x64xf32>
  // CHECK-NEXT: %[[V_COUNT:.*]] = tile.fetch %[[USED]][%[[B]]]
  // CHECK-NEXT: %[[V_OF:.*]] = arith.index_cast %[[V_COUNT]]
  // CHECK-NEXT: %[[Y:.*]] = tile.load %[[V]][%[[B]], %[[B]]] tile %[[B]] of %[[V_OF]] through %[[PAGES]] padding zero : !tile.view<32xf32>, !tile.table<2xi32>
  %y = tile.load %v[%b, %b] tile %b padding zero : !tile.view<32xf32> -> tensor<96x32xf32>
  // CHECK-NEXT: return %[[LONGEST]], %[[X]], %[[Y]]
  return %rows, %x, %y : index, tensor<96x64xf32>, tensor<96x32xf32>
}
}

// -----

// A slice has a start and a length of its own. In pages both stay: the start counts
// rows of the sequence.

module attributes {tile.key = "append,host,f32,d64,varlen_q,paged"} {
// CHECK-LABEL: func @slice_of_pages
// CHECK-SAME:    %[[CACHE:[a-z0-9]*]]: !tile.view<64xf32> {{.*}}, %[[B:[a-z0-9]*]]: index {{.*}}, %[[FIRST:[a-z0-9]*]]: index {{.*}}, %[[COUNT:[a-z0-9]*]]: index {{.*}}, %[[X:[a-z0-9]*]]: tensor<96x64xf32>, %[[PAGES:[a-z0-9]*]]: !tile.table<2xi32> {tile.name = "page_table"})
func.func @slice_of_pages(%cache: !tile.view<64xf32> {tile.name = "cache", tile.sequences = "kv"},
                          %b: index {tile.name = "b"}, %first: index {tile.name = "first"},
                          %count: index {tile.name = "count"}, %x: tensor<96x64xf32>) {
  // CHECK-NEXT: tile.store %[[X]], %[[CACHE]][%[[B]], %[[B]]] tile %[[B]] from %[[FIRST]] of %[[COUNT]] through %[[PAGES]] :
  tile.store %x, %cache[%b, %b] tile %b from %first of %count
    : tensor<96x64xf32>, !tile.view<64xf32>
  // CHECK-NEXT: return
  return
}

// In packed rows the start counts from where the sequence begins.

// CHECK-LABEL: func @slice_of_packed
// CHECK-SAME:    %[[ROWS:[a-z0-9]*]]: !tile.view<64xf32> {{.*}}, %[[B:[a-z0-9]*]]: index {{.*}}, %[[FIRST:[a-z0-9]*]]: index {{.*}}, %[[COUNT:[a-z0-9]*]]: index {{.*}}, %[[STARTS:[a-z0-9]*]]: !tile.table<1xi32> {tile.name = "cu_seqlens_q"})
func.func @slice_of_packed(%rows: !tile.view<64xf32> {tile.name = "rows", tile.sequences = "q"},
                           %b: index {tile.name = "b"}, %first: index {tile.name = "first"},
                           %count: index {tile.name = "count"}) -> tensor<96x64xf32> {
  // CHECK-NEXT: %[[AT:.*]] = tile.fetch %[[STARTS]][%[[B]]]
  // CHECK-NEXT: %[[START:.*]] = arith.index_cast %[[AT]]
  // CHECK-NEXT: %[[FROM:.*]] = arith.addi %[[FIRST]], %[[START]]
  // CHECK-NEXT: %[[ONLY:.*]] = arith.constant 0 : index
  // CHECK-NEXT: %[[X:.*]] = tile.load %[[ROWS]][%[[ONLY]], %[[B]]] tile %[[B]] from %[[FROM]] of %[[COUNT]] padding zero :
  %x = tile.load %rows[%b, %b] tile %b from %first of %count padding zero
         : !tile.view<64xf32> -> tensor<96x64xf32>
  // CHECK-NEXT: return %[[X]]
  return %x : tensor<96x64xf32>
}
}

// -----

// What is there already under its name is not added again.

module attributes {tile.key = "fwd,host,f32,d64,varlen_q"} {
// CHECK-LABEL: func @known_argument
// CHECK-SAME:    %{{[a-z0-9]*}}: !tile.view<64xf32> {{{[^}]*}}}, %[[BATCH:[a-z0-9]*]]: index {tile.name = "batch"})
func.func @known_argument(%q: !tile.view<64xf32> {tile.name = "q", tile.sequences = "q"},
                          %batch: index {tile.name = "batch"}) -> (index, index) {
  // CHECK-NEXT: return %[[BATCH]], %[[BATCH]]
  %batches = tile.extent %q batches : !tile.view<64xf32>
  return %batches, %batch : index, index
}
}
