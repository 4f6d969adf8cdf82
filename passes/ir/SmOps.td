//===- SmOps.td - operations of the sm dialect -------------*- tablegen -*-===//

#ifndef TESSERA_PASSES_IR_SMOPS
#define TESSERA_PASSES_IR_SMOPS

include "passes/ir/SmTypes.td"
include "dsl/ir/TileTypes.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class Sm_Op<string opMnemonic, list<Trait> traits = []>
    : Op<Sm_Dialect, opMnemonic, traits>;

def Sm_Tile : RankedTensorOf<[AnyType], [HasStaticShapePred, HasAnyRankOfPred<[2]>], "tile">;
def Sm_F32Tile : RankedTensorOf<[F32], [HasStaticShapePred, HasAnyRankOfPred<[2]>], "tile">;
def Sm_FloatTile : RankedTensorOf<[AnyFloat], [HasStaticShapePred, HasAnyRankOfPred<[2]>], "tile">;
def Sm_MaskTile : RankedTensorOf<[I1], [HasStaticShapePred, HasAnyRankOfPred<[2]>], "tile">;

//===----------------------------------------------------------------------===//
// Blocks and roles
//===----------------------------------------------------------------------===//

def Sm_BlockIdOp : Sm_Op<"block_id", [Pure]> {
  let summary = "The number of this thread block.";
  let results = (outs Index:$result);
  let assemblyFormat = "attr-dict";
}

def Sm_BlockCountOp : Sm_Op<"block_count", [Pure]> {
  let summary = "How many thread blocks there are.";
  let results = (outs Index:$result);
  let assemblyFormat = "attr-dict";
}

def Sm_TakeTicketOp : Sm_Op<"take_ticket"> {
  let summary = "The next number that no block has.";
  let description = [{
    Numbers below the count of blocks belong to the blocks themselves
    (`sm.block_id`); tickets follow. Only a producer takes them.
  }];
  let results = (outs Index:$result);
  let assemblyFormat = "attr-dict";
}

def Sm_TellOp : Sm_Op<"tell"> {
  let summary = "Numbers that the producer works out for its whole block.";
  let description = [{
    Constraints:
    - (C1) There are as many results as values.

    The results are the values. Consumers do not compute them: they are told, through
    shared memory, and have `sm.hear` of the same channel in this place.

    Example:
    ```mlir
    %t, %h = sm.tell %tile, %head channel 0 : index, index
    ```
  }];
  let arguments = (ins Variadic<Index>:$values, I64Attr:$channel);
  let results = (outs Variadic<Index>:$results);
  let assemblyFormat = "$values `channel` $channel attr-dict `:` type($results)";
  let hasVerifier = 1;
}

def Sm_HearOp : Sm_Op<"hear"> {
  let summary = "What the producer tells.";
  let description = [{
    Waits for the numbers of a channel, `sm.tell` of the producer.

    Example:
    ```mlir
    %t, %h = sm.hear channel 0 : index, index
    ```
  }];
  let arguments = (ins I64Attr:$channel);
  let results = (outs Variadic<Index>:$results);
  let assemblyFormat = "`channel` $channel attr-dict `:` type($results)";
}

def Sm_RolesOp : Sm_Op<"roles", [NoTerminator, SingleBlock]> {
  let summary = "What the producer and the consumers do, at the same time.";
  let description = [{
    One warp group is the producer, and one thread of it runs the first region.
    `groups` warp groups are consumers: each holds 64 rows of every tile,
    and all run the second region. Another warp of the producer's group runs the region of the
    `gatherer`, if there is one: it reads what no copy engine can fetch.
    `producer_registers` and `consumer_registers` are what a thread of either group may use.

    Example:
    ```mlir
    sm.roles groups 2 registers 24, 240 producer { ... } consumer { ... }
    sm.roles groups 2 registers 40, 232 producer { ... } consumer { ... } gatherer { ... }
    ```
  }];
  let arguments = (ins I64Attr:$groups, I64Attr:$producer_registers,
                       I64Attr:$consumer_registers);
  let regions = (region SizedRegion<1>:$producer, SizedRegion<1>:$consumer,
                        VariadicRegion<SizedRegion<1>>:$gatherer);
  let assemblyFormat = [{
    `groups` $groups `registers` $producer_registers `,` $consumer_registers
    `producer` $producer `consumer` $consumer (`gatherer` $gatherer^)? attr-dict
  }];
}

def Sm_GroupRowSpanOp : Sm_Op<"group_row_span", [Pure]> {
  let summary = "The first and the last row of a consumer group's part of a tile.";
  let description = [{
    `tile.row_span` of the 64 rows that a group holds. The last one is before the first
    where the sequence ends before them.

    Example:
    ```mlir
    %first, %last = sm.group_row_span %i of %length height 192
    ```
  }];
  let arguments = (ins Index:$tile, Index:$length, I64Attr:$height);
  let results = (outs Index:$first, Index:$last);
  let assemblyFormat = "$tile `of` $length `height` $height attr-dict";
}

def Sm_ByRoleOp : Sm_Op<"by_role", [Pure]> {
  let summary = "A number that differs between the producer and the consumers.";
  let description = [{
    Stands until the roles are split. What either does with it has to fit together: tiles that
    the producer copies are acquired by every consumer group.

    Example:
    ```mlir
    %end = sm.by_role %of_block, %of_group
    ```
  }];
  let arguments = (ins Index:$producer, Index:$consumer);
  let results = (outs Index:$result);
  let assemblyFormat = "$producer `,` $consumer attr-dict";
}

//===----------------------------------------------------------------------===//
// Rings
//===----------------------------------------------------------------------===//

def Sm_PassOverOp : Sm_Op<"pass_over"> {
  let summary = "A tile that is loaded for others.";
  let description = [{
    Stands for a reader: the buffer of the tile is acquired and given back, and nobody fills
    another one for it.

    Example:
    ```mlir
    sm.pass_over %k : tensor<128x64xbf16>
    ```
  }];
  let arguments = (ins Sm_Tile:$tile);
  let assemblyFormat = "$tile attr-dict `:` type($tile)";
}

def Sm_MakeRingOp : Sm_Op<"make_ring"> {
  let summary = "Shared memory for a ring, and the barriers that go with it.";
  let description = [{
    Example:
    ```mlir
    %keys = sm.make_ring : !sm.ring<2, 128x64, bf16>
    ```
  }];
  let results = (outs Sm_RingType:$result);
  let assemblyFormat = "attr-dict `:` qualified(type($result))";
}

def Sm_FillOp : Sm_Op<"fill"> {
  let summary = "Copy one tile of a view into the next buffer of a ring.";
  let description = [{
    Waits until the consumers have released the buffer, and returns before the copy is
    done: who acquires the buffer waits for it. Rows are those that `tile.load` would
    read, counted from `from`. What lies outside of the view is zero; rows past the end of
    a sequence inside of it are those of the next one.

    Constraints:
    - (C1) The view is as wide as the ring, and of its element type.

    Example:
    ```mlir
    sm.fill %ring, %keys[%batch, %head] tile %j : !sm.ring<2, 128x64, bf16>, !tile.view<64xbf16>
    ```
  }];
  let arguments = (ins Sm_RingType:$ring, Tile_ViewType:$view, Index:$batch, Index:$head,
                       Index:$tile, Optional<Index>:$start);
  let assemblyFormat = [{
    $ring `,` $view `[` $batch `,` $head `]` `tile` $tile (`from` $start^)? attr-dict
    `:` qualified(type($ring)) `,` qualified(type($view))
  }];
  let hasVerifier = 1;
}

def Sm_FillStripOp : Sm_Op<"fill_strip", [AttrSizedOperandSegments]> {
  let summary = "Put neighbours of a table beside the next tile of a ring.";
  let description = [{
    The numbers `along` a dimension that begin at the coordinates, `step` further for each tile,
    `times` a factor, and zeros for those outside of the table. Without a table the strip stays as
    it is, for a tile of which none is read. The buffer is full when both its tile and its strip
    are there.

    Constraints:
    - (C1) There are as many coordinates as the table has dimensions, one of them `along`.
    - (C2) The ring has strips.
    - (C3) Numbers that are multiplied are of f32.

    Example:
    ```mlir
    sm.fill_strip %ring tile %j with %bias[%head, %first] along 1 step 128 times %factor
      : !sm.ring<2, 128x64, bf16, strip 255>, !tile.table<2xf32>
    ```
  }];
  let arguments = (ins Sm_RingType:$ring, Index:$tile, Optional<Tile_TableType>:$table,
                       Variadic<Index>:$coordinates, Optional<F32>:$factor,
                       OptionalAttr<I64Attr>:$along, OptionalAttr<I64Attr>:$step);
  let assemblyFormat = [{
    $ring `tile` $tile (`with` $table^ `[` $coordinates `]` `along` $along `step` $step)?
    (`times` $factor^)? attr-dict
    `:` qualified(type($ring)) (`,` qualified(type($table))^)?
  }];
  let hasVerifier = 1;
}

def Sm_AcquireOp : Sm_Op<"acquire"> {
  let summary = "Wait for the next buffer of a ring to be filled.";
  let description = [{
    With `if`, only where that holds; otherwise the ring is left as it is, and nothing may be read
    of the slot.

    Constraints:
    - (C1) The slot holds the tiles of the ring.

    Example:
    ```mlir
    %k = sm.acquire %keys : !sm.ring<2, 128x64, bf16> -> !sm.slot<128x64, bf16>
    %v = sm.acquire %values if %follows : !sm.ring<2, 128x64, bf16> -> !sm.slot<128x64, bf16>
    ```
  }];
  let arguments = (ins Sm_RingType:$ring, Optional<I1>:$condition);
  let results = (outs Sm_SlotType:$slot);
  let assemblyFormat = [{
    $ring (`if` $condition^)? attr-dict `:` qualified(type($ring)) `->` qualified(type($slot))
  }];
  let hasVerifier = 1;
  let builders = [OpBuilder<(ins "::mlir::Type":$slot, "::mlir::Value":$ring), [{
    build($_builder, $_state, slot, ring, /*condition=*/::mlir::Value());
  }]>];
}

def Sm_HeldOp : Sm_Op<"held"> {
  let summary = "The buffer of a ring that was acquired last.";
  let description = [{
    For what is acquired in one iteration of a loop and used in the next.

    Constraints:
    - (C1) The slot holds the tiles of the ring.

    Example:
    ```mlir
    %q = sm.held %queries : !sm.ring<2, 128x64, bf16> -> !sm.slot<128x64, bf16>
    ```
  }];
  let arguments = (ins Sm_RingType:$ring);
  let results = (outs Sm_SlotType:$slot);
  let assemblyFormat = [{
    $ring attr-dict `:` qualified(type($ring)) `->` qualified(type($slot))
  }];
  let hasVerifier = 1;
}

def Sm_ZeroTailOp : Sm_Op<"zero_tail"> {
  let summary = "Zero the rows of a buffer from the end of a sequence on.";
  let description = [{
    Rows of the buffer that stand at `length` or behind it are made zero, `tile` being the
    number of the tile in its sequence. All consumers take part.
  }];
  let arguments = (ins Sm_SlotType:$slot, Index:$tile, Index:$length);
  let assemblyFormat = [{
    $slot `tile` $tile `of` $length attr-dict `:` qualified(type($slot))
  }];
}

def Sm_GatherStripOp : Sm_Op<"gather_strip", [AttrSizedOperandSegments]> {
  let summary = "`tile.gather` of neighbours that come with a tile of keys.";
  let description = [{
    A strip of a table: the neighbours `along` a dimension that begin at the coordinates,
    `columns` times the width of the result further for each tile of `source`, whose number is
    `tile`. The element at row i and column j is the number at i * `rows` + j * `columns` of it,
    counted from its end where a factor is negative. Outside of the table there are zeros. All of
    it is multiplied by a factor, `times`, before it is here.

    The strip is loaded together with `source`: a tile, or the buffer that it is placed in.

    Constraints:
    - (C1) There are as many coordinates as the table has dimensions, one of them `along`.
    - (C2) The result has the element type of the table.
    - (C3) The result has a column for each row of `source`.
    - (C4) `rows` is -1, 0 or 1, and `columns` is -1 or 1.
    - (C5) Numbers that are multiplied are of f32.

    Example:
    ```mlir
    %b = sm.gather_strip %k, %bias[%head, %first] along 1 tile %j rows -1 columns 1
      : !sm.slot<128x64, bf16>, !tile.table<2xf32> -> tensor<128x128xf32>
    ```
  }];
  let arguments = (ins AnyTypeOf<[Sm_SlotType, Sm_Tile]>:$source, Tile_TableType:$table,
                       Variadic<Index>:$coordinates, Index:$tile, Optional<F32>:$factor,
                       I64Attr:$along, I64Attr:$rows, I64Attr:$columns);
  let results = (outs Sm_Tile:$result);
  let assemblyFormat = [{
    $source `,` $table `[` $coordinates `]` `along` $along `tile` $tile `rows` $rows
    `columns` $columns (`times` $factor^)? attr-dict
    `:` qualified(type($source)) `,` qualified(type($table)) `->` type($result)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// `rows` and `columns`, with their signs.
    int64_t getRowFactor() { return static_cast<int64_t>(getRows()); }
    int64_t getColumnFactor() { return static_cast<int64_t>(getColumns()); }
    /// How many numbers a strip has.
    int64_t getStripLength();
    /// How much further it begins for each tile.
    int64_t getStep();
  }];
}

def Sm_ReleaseOp : Sm_Op<"release"> {
  let summary = "Give a buffer back to the producer.";
  let description = [{
    Nothing reads it any more, nor the strip beside it: products that do are awaited. With `if`,
    only where that holds.

    Example:
    ```mlir
    sm.release %k : !sm.slot<128x64, bf16>
    ```
  }];
  let arguments = (ins Sm_SlotType:$slot, Optional<I1>:$condition);
  let assemblyFormat = [{
    $slot (`if` $condition^)? attr-dict `:` qualified(type($slot))
  }];
  let builders = [OpBuilder<(ins "::mlir::Value":$slot), [{
    build($_builder, $_state, slot, /*condition=*/::mlir::Value());
  }]>];
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

def Sm_DotOp : Sm_Op<"dot", [AttrSizedOperandSegments]> {
  let summary = "Issue a matrix product: `acc + lhs * rhs`.";
  let description = [{
    The result must not be used before it is awaited. Products of one
    consumer end in the order in which they were issued. `lhs` is a slot or a tile in
    registers. With `transposed`, the columns of the product are the rows of `rhs`.
    Without `acc` the sum starts at zero. With `if`, nothing is added where that does not hold;
    it is awaited all the same.

    Constraints:
    - (C1) The columns of `lhs` equal the rows of `rhs`, or its columns with `transposed`.
    - (C2) The result has the rows of `lhs`, and the columns of `rhs`, or its rows with `transposed`.
    - (C3) `acc` has the type of the result.
    - (C4) What has a condition has an `acc`.

    Example:
    ```mlir
    %s = sm.dot %q, %k transposed : !sm.slot<128x64, bf16>, !sm.slot<128x64, bf16> -> tensor<128x128xf32>
    %o = sm.dot %p, %v acc %o0 : tensor<128x64xf32> : tensor<128x128xbf16>, !sm.slot<128x64, bf16> -> tensor<128x64xf32>
    ```
  }];
  let arguments = (ins AnyTypeOf<[Sm_SlotType, Sm_Tile]>:$lhs, Sm_SlotType:$rhs,
                       Optional<Sm_F32Tile>:$acc, Optional<I1>:$condition, UnitAttr:$transposed);
  let results = (outs Sm_F32Tile:$result);
  let assemblyFormat = [{
    $lhs `,` $rhs (`transposed` $transposed^)? (`acc` $acc^ `:` type($acc))?
    (`if` $condition^)? attr-dict
    `:` qualified(type($lhs)) `,` qualified(type($rhs)) `->` type($result)
  }];
  let hasVerifier = 1;
  let builders = [OpBuilder<(ins "::mlir::Type":$result, "::mlir::Value":$lhs,
                                 "::mlir::Value":$rhs, "::mlir::Value":$acc,
                                 "bool":$transposed)>];
}

def Sm_AwaitOp : Sm_Op<"await", [AllTypesMatch<["source", "result"]>]> {
  let summary = "Wait for a product.";
  let description = [{
    At most the last `pending` products may be unfinished when this returns.

    Example:
    ```mlir
    %s1 = sm.await %s pending 1 : tensor<128x128xf32>
    ```
  }];
  let arguments = (ins Sm_F32Tile:$source, I64Attr:$pending);
  let results = (outs Sm_F32Tile:$result);
  let assemblyFormat = "$source `pending` $pending attr-dict `:` type($source)";
}

def Sm_WarpAnyOp : Sm_Op<"warp_any"> {
  let summary = "Whether anything holds in the rows of this warp.";
  let description = [{
    Warps may answer differently. Whatever depends on it must not synchronise them.
  }];
  let arguments = (ins Sm_MaskTile:$mask);
  let results = (outs I1:$result);
  let assemblyFormat = "$mask attr-dict `:` type($mask)";
}

def Sm_PositiveMaxOp : Sm_Op<"positive_max", [Pure]> {
  let summary = "The maxima of groups of columns, where they are positive.";
  let description = [{
    Where none of a group is positive, any number that is not: bits of positive numbers are ordered
    like integers, of which one instruction takes the greatest of three. A NaN may count as a
    positive number or as none. Groups are those of `tile.partial_reduce`.

    Constraints:
    - (C1) Source and result have the same rows.

    Example:
    ```mlir
    %part = sm.positive_max %s : tensor<128x64xf32> -> tensor<128x4xf32>
    ```
  }];
  let arguments = (ins Sm_F32Tile:$source);
  let results = (outs Sm_F32Tile:$result);
  let assemblyFormat = "$source attr-dict `:` type($source) `->` type($result)";
  let hasVerifier = 1;
}

def Sm_BranchOnlyOp : Sm_Op<"branch_only"> {
  let summary = "Keep what stands beside it under its branch.";
  let description = [{
    Without it, arithmetic under a branch may be computed on both sides and selected, or
    predicated.
  }];
  let assemblyFormat = "attr-dict";
}

//===----------------------------------------------------------------------===//
// Exact products, for what matrix instructions get wrong
//===----------------------------------------------------------------------===//

def Sm_NonfiniteRowsOp : Sm_Op<"nonfinite_rows", [Pure]> {
  let summary = "Which parts of the rows hold an infinity or a NaN.";
  let description = [{
    Which columns are one part is the target's choice, as with `tile.partial_reduce`: each
    thread answers for what it holds of a row.

    Constraints:
    - (C1) Source and result have the same rows.

    Example:
    ```mlir
    %bad = sm.nonfinite_rows %o : tensor<128x64xbf16> -> tensor<128x4xi1>
    ```
  }];
  let arguments = (ins Sm_FloatTile:$source);
  let results = (outs Sm_MaskTile:$result);
  let assemblyFormat = "$source attr-dict `:` type($source) `->` type($result)";
  let hasVerifier = 1;
}

def Sm_GroupAnyOp : Sm_Op<"group_any"> {
  let summary = "Whether anything holds in the rows of this warp group.";
  let description = [{
    The threads of the group meet, and have the same answer. Groups may answer differently.
  }];
  let arguments = (ins Sm_MaskTile:$mask);
  let results = (outs I1:$result);
  let assemblyFormat = "$mask attr-dict `:` type($mask)";
}

def Sm_RarelyOp : Sm_Op<"rarely", [NoTerminator, SingleBlock, RecursiveMemoryEffects]> {
  let summary = "What a warp group does where a condition holds, which is rare.";
  let description = [{
    An `scf.if` without results that is not joined with its neighbours, so that what it
    holds can be moved out of the way. All threads of a group have the same condition, and
    nothing in the region copies to shared buffers or waits for such a copy. Stores that stand
    in front are done before the region begins, so that it may write the same rows again.

    Example:
    ```mlir
    %any = sm.group_any %bad : tensor<128x4xi1>
    sm.rarely %any { ... }
    ```
  }];
  let arguments = (ins I1:$condition);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$condition $body attr-dict";
}

def Sm_RenewOp : Sm_Op<"renew"> {
  let summary = "Numbers as if they had not been known before.";
  let description = [{
    Constraints:
    - (C1) There are as many results as values.

    The results are the values, but what is computed from them is computed here, and not
    kept from where it was computed before: registers are worth more than the time of what
    happens rarely.

    Example:
    ```mlir
    %t, %h = sm.renew %tile, %head : index, index
    ```
  }];
  let arguments = (ins Variadic<Index>:$values);
  let results = (outs Variadic<Index>:$results);
  let assemblyFormat = "$values attr-dict `:` type($results)";
  let hasVerifier = 1;
}

def Sm_LocateOp : Sm_Op<"locate", [Pure, AttrSizedOperandSegments]> {
  let summary = "Where a tile of a view lies, without reading it.";
  let description = [{
    The rows are those that `tile.load` would read, counted from `from`; of the sequence,
    which has `of` rows (those of the view if absent), others are zero. With `columns` the
    place holds a part of the columns: those of this number, of parts as wide as the place.

    Constraints:
    - (C1) The view is as wide as the place, or with `columns` a multiple of it, and of its
      element type.

    Example:
    ```mlir
    %k = sm.locate %keys[%b, %h] tile %j : !tile.view<64xbf16> -> !sm.place<128x64, bf16>
    %v = sm.locate %values[%b, %h] tile %j columns %part from %start of %length
           : !tile.view<64xbf16> -> !sm.place<128x32, bf16>
    ```
  }];
  let arguments = (ins Tile_ViewType:$view, Index:$batch, Index:$head, Index:$tile,
                       Optional<Index>:$columns, Optional<Index>:$start, Optional<Index>:$length);
  let results = (outs Sm_PlaceType:$place);
  let assemblyFormat = [{
    $view `[` $batch `,` $head `]` `tile` $tile (`columns` $columns^)? (`from` $start^)?
    (`of` $length^)? attr-dict `:` qualified(type($view)) `->` qualified(type($place))
  }];
  let hasVerifier = 1;
}

def Sm_ExactDotOp : Sm_Op<"exact_dot", [Pure, AllTypesMatch<["acc", "result"]>]> {
  let summary = "A product by scalar arithmetic, from global memory: `acc + lhs * rhs`.";
  let description = [{
    Slow, small, and without any means that consumers share: for what is hardly ever
    computed. Sums are those of fused multiply-adds in f32, in the order of the columns of
    `lhs`. Where `skip_zeros` holds, a zero of `lhs` contributes nothing, even where the
    element of `rhs` is infinite or NaN.

    Constraints:
    - (C1) The columns of `lhs` equal the rows of `rhs`, or its columns with `transposed`.
    - (C2) The right operand is `transposed` if the left one is a place, and only then.
    - (C3) Zeros are skipped only of a tile in registers.
    - (C4) `acc` has the rows of `lhs` and the columns of the product.
    - (C5) The right operand has eight rows.

    Example:
    ```mlir
    %s = sm.exact_dot %q, %k, %zero transposed
           : !sm.place<128x64, bf16>, !sm.place<8x64, bf16> -> tensor<128x8xf32>
    %o = sm.exact_dot %p, %v, %o0 skip_zeros %masked
           : tensor<128x8xbf16>, !sm.place<8x64, bf16> -> tensor<128x64xf32>
    ```
  }];
  let arguments = (ins AnyTypeOf<[Sm_PlaceType, Sm_FloatTile]>:$lhs, Sm_PlaceType:$rhs,
                       Sm_F32Tile:$acc, Optional<I1>:$skip_zeros, UnitAttr:$transposed);
  let results = (outs Sm_F32Tile:$result);
  let assemblyFormat = [{
    $lhs `,` $rhs `,` $acc (`transposed` $transposed^)? (`skip_zeros` $skip_zeros^)? attr-dict
    `:` qualified(type($lhs)) `,` qualified(type($rhs)) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Sm_PutOp : Sm_Op<"put", [MemoryEffects<[MemWrite]>]> {
  let summary = "Write a tile to its place in global memory.";
  let description = [{
    Each thread writes what it holds: slow, but without any means that consumers share. Rows
    that are none of the sequence are left out.

    Constraints:
    - (C1) The place has the rows, the columns and the element type of the tile.

    Example:
    ```mlir
    sm.put %o, %place : tensor<128x32xbf16>, !sm.place<128x32, bf16>
    ```
  }];
  let arguments = (ins Sm_FloatTile:$value, Sm_PlaceType:$place);
  let assemblyFormat = "$value `,` $place attr-dict `:` type($value) `,` qualified(type($place))";
  let hasVerifier = 1;
}

#endif // TESSERA_PASSES_IR_SMOPS
