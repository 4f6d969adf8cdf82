//===- Passes.td - who does what on a multiprocessor -------*- tablegen -*-===//
//
// In the order in which a program meets them. passes/Pipelines.cpp tells why.
//
//===----------------------------------------------------------------------===//

#ifndef TESSERA_PASSES_SCHEDULE
#define TESSERA_PASSES_SCHEDULE

include "mlir/Pass/PassBase.td"

def GuardProductsPass : Pass<"tile-guard-products", "::mlir::func::FuncOp"> {
  let summary = "Compute a result again where values leaked through products with zero.";
  let description = [{
    Input:   loops over tiles of keys whose last product skips zeros, and what is stored of them.

    ```mlir
    %r:2 = scf.for %t = %c0 to %n iter_args(%l, %acc) {
      ...
      %next = tile.dot %p, %v, %acc skip_zeros
    }
    %o = ... %r#1 / broadcast(%r#0)
    tile.store %o
    ```
    Output:  matrix instructions, of which zero times NaN is NaN, and a look at what they made:

    ```mlir
    %r:2 = scf.for ... { ... tile.dot %p, %v, %acc }
    %o = ...
    %any = sm.group_any (sm.nonfinite_rows %o and %r#0 is a number)
    scf.if %any { } else { tile.store %o }
    sm.rarely %any {
      scf.for %part of the columns of %o {
        the loops as one, eight keys at a time, with sm.exact_dot; %exact = ...
        sm.put %exact, (sm.locate ... columns %part)
      }
    }
    ```

    Every kernel holds what is rare, and assembling takes its share of the time until a kernel
    first runs: so it is small rather than fast. Scores are computed again for each part of the
    columns.

    What is rare reads the point of the grid, through `sm.renew`, and little else, so that it
    can be moved away and keeps no registers from the loops.

    A row that is divided by a NaN has seen one, and is left as it is: its scores were no numbers.
    Where a mask only hides what lies past the end of a sequence nothing is done: values are zero
    there. Leaves no `skip_zeros`. Reads lists of ranges, and comes before loops are rotated.
  }];
  let options = [
    Option<"parts", "parts", "int64_t", "4", "Parts of a row: as many as threads hold parts of one.">
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect",
                           "::tessera::sm::SmDialect"];
}

def AttachStripsPass : Pass<"sm-attach-strips", "::mlir::func::FuncOp"> {
  let summary = "Neighbours of a table are copied together with a tile of keys.";
  let description = [{
    Input:   a gather in a loop over tiles of keys, one of whose coordinates moves by one with
             each row, or not at all, and with each column.

    ```mlir
    %k = tile.load %keys[%b, %h] tile %j ...
    %row = tile.positions %q[%b] tile %i : ... -> tensor<192x1xi32>
    %col = tile.positions %keys[%b] tile %j : ... -> tensor<1x80xi32>
    %n = tile.gather %bias[%h, %col - %row + %reach]
    ```
    Output:

    ```mlir
    %first = %reach - 192 * %i - 191
    %n = sm.gather_strip %k, %bias[%h, %first] along 1 tile %j rows -1 columns 1
    ```

    A tile has one strip at most: further gathers are left as they are. Comes before loops are
    rotated, and behind `tile-guard-products`, whose exact products share no buffers.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::tessera::sm::SmDialect"];
}

def AddToProductsPass : Pass<"tile-add-to-products", "::mlir::func::FuncOp"> {
  let summary = "Begin the sum of a product with the bias that is added to it.";
  let description = [{
    Input:
    ```mlir
    %s = tile.dot %q, %kt, %zero
    %x = %s * splat(%f) + %bias
    ```
    Output:
    ```mlir
    %s = tile.dot %q, %kt, (%bias * splat(1 / %f))
    %x = %s * splat(%f)
    ```

    The bias is made of positions and strips, and known before the product. Matrix instructions add
    for nothing, and what follows is what follows a product without a bias: one multiplication
    that can be deferred, and maxima that may settle. A strip, or a multiple of one, is multiplied
    by who fills it. The factor must be positive whatever the arguments are. Results change by a few
    ulps of the bias, since matrix instructions cut what they add; one that is greater than 2^127
    times the factor becomes infinite.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::tensor::TensorDialect"];
}

def DeferScalingPass : Pass<"tile-defer-scaling", "::mlir::func::FuncOp"> {
  let summary = "Scale behind masks and maxima, where the factor is positive.";
  let description = [{
    Input:   `reduce max(mask(%s * splat(%f), %keep))`
    Output:  `reduce max(mask(%s, %keep)) * splat(%f)`

    A row's maximum is found in the product's own units, so that the scaled tile has
    one reader left, and its multiplication is a part of a fused multiply-add there.
    The result is the same to the bit: rounding keeps the order. A bias goes along,
    `x * f - y * g -> (x - y * (g / f)) * f`, which changes results by an ulp. The factor
    must be positive whatever the arguments are: a constant, a maximum with one, or a product or
    quotient of such.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::tensor::TensorDialect"];
}

def DeferRowSumsPass : Pass<"tile-defer-row-sums", "::mlir::func::FuncOp"> {
  let summary = "Add up partial row sums in a loop, and reduce them once behind it.";
  let description = [{
    Input:
    ```mlir
    %l = scf.for ... iter_args(%s = %l0) { ... yield %s * %f + reduce add(%e) }
    ```
    Output:
    ```mlir
    %p = scf.for ... iter_args(%s = spread(%l0)) { ... yield %s * broadcast(%f) + partial_reduce(%e) }
    %l = tile.reduce add %p
    ```

    `columns` partial sums a row: as many as threads hold parts of one, so that
    nothing is exchanged between threads within the loop.
  }];
  let options = [
    Option<"columns", "columns", "int64_t", "4", "Partial sums of a row.">
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def NarrowGroupsPass : Pass<"sm-narrow-groups", "::mlir::func::FuncOp"> {
  let summary = "A warp group passes over tiles that only the rows of others see.";
  let description = [{
    Input:   loops of which each continues with the results of the one before, from the last tile
             to the first, whose bounds depend on `tile.row_span`.

    ```mlir
    %first, %last = tile.row_span %i of %length height 192
    %end = ... %last ...
    %n = tile.count (%start) to (%end)
    scf.for %t = %c0 to %n { %j = tile.nth %t descending of (%start) to (%end) ... }
    ```
    Output:  bounds of the block for the producer, and of the group for consumers.

    ```mlir
    %first_g, %last_g = sm.group_row_span %i of %length height 192
    %end_g = ... %last_g ...
    scf.for %t = %c0 to (%end - %end_g) { sm.pass_over (tile.load ...) }
    %own = sm.by_role %end, %end_g
    %n = tile.count (%start) to (%own)
    scf.for %t = %c0 to %n { %j = tile.nth %t descending of (%start) to (%own) ... }
    ```

    All groups acquire all that the producer copies, in the same order. What a group passes over
    comes first or last, where no product is pending. Needs `tile.nth`, so it comes before
    `tile-expand-ranges`.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect",
                           "::tessera::sm::SmDialect"];
}

def JoinMaskedLoopsPass : Pass<"tile-join-masked-loops", "::mlir::func::FuncOp"> {
  let summary = "One loop over the tiles that a mask touches and those that it leaves.";
  let description = [{
    Input:
    ```mlir
    %a = scf.for %t = 0 to %n { %j = tile.nth %t ...; ...; tile.mask %s, %keep; ... }
    %b = scf.for %t = 0 to %m iter_args(%a) { the same without the mask }
    ```
    Output:
    ```mlir
    %b = scf.for %t = 0 to (tile.count of all ranges) {
      %s2 = scf.if (%j is one of the first loop's) { tile.mask %s, %keep } else { %s }
      ...
    }
    ```

    Loops whose bodies differ in more than the mask are left alone.

    A kernel holds one body instead of two or three; assembling bodies is most of the time until a
    kernel first runs. Comes before products are pipelined, which adds a body to each chain.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect",
                           "::tessera::sm::SmDialect"];
}

def PipelineProductsPass : Pass<"tile-pipeline-products", "::mlir::func::FuncOp"> {
  let summary = "Put a loop's last product off to its next iteration.";
  let description = [{
    Input:   a loop, or loops of which each continues with the results of the one before, over
             lists of ranges; the body ends in a product that is added to a state.

    ```mlir
    %r = scf.for %t = %c0 to %n iter_args(%acc) {
      %s = tile.dot %q, %k ...
      ... %p from %s ...
      %next = tile.dot %p, %v, %acc
    }
    ```
    Output:  the first iteration stands in front, and the last product behind:

    ```mlir
    %r = scf.if (%n > 0) {
      %s0 = tile.dot %q, %k0 ...
      ... %p0 from %s0 ...
      %acc, %p = scf.for %t = %c1 to %n iter_args(%acc, %p = %p0) {
        %s = tile.dot %q, %k ...
        %next = tile.dot %p, %v_before, %acc
        ... %p_next from %s ...
      }
      tile.dot %p, %v_last, %acc
    } else { the initial state }
    ```

    Of several loops the first one is left out if its ranges provably hold one tile at most, as
    those do that a mask touches which only ends the sequence:
    `ceildiv(%length, N) - floordiv(%length, N)`. Its tile stands in front.

    Both products are issued together, and the arithmetic between them runs beside the
    second. A load moves with the product that reads it. Needs `tile.nth`, so it comes before
    `tile-expand-ranges`.
  }];
  let options = [
    Option<"peel", "peel", "bool", "true", "The first iteration stands in front of the loops.">
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect"];
}

def SkipSettledMaximaPass : Pass<"tile-skip-settled-maxima", "::mlir::func::FuncOp"> {
  let summary = "Exchange maxima between threads only where one of them grows.";
  let description = [{
    Input:   in a loop, `%m = select(%next > %bound, %next, %old)` of a maximum of rows, or of a
             multiple of one, which nothing else reads, and perhaps `exp2(%old - %m)`.
    Output:
    ```mlir
    %part = tile.partial_reduce max %x
    %any = sm.warp_any (%part * broadcast(%factor) > broadcast(%bound))
    %m, %growth = scf.if %any { the same of tile.reduce max %part } else { %old, 1 }
    ```

    Exact: the maximum of a row is that of a thread, so where a row's is above its bound, that
    thread says so. `columns` parts a row: as many as threads hold parts of one. Elementwise
    operations that nothing needs before are moved behind the branch.

    With `integers`:
    ```mlir
    %part = sm.positive_max %x
    %any = sm.warp_any (%part * broadcast(%factor) > broadcast(%bound) or broadcast(%bound < 0))
    %m, %growth = scf.if %any { the same as before } else { %old, 1 }
    ```
    for positive factors. What is above a bound that is not negative is positive, so maxima need to
    be right only where they are; with a negative bound they are exchanged anyway.

    A maximum behind longer arithmetic is left alone: that of some rows runs beside the
    exponentials of others, unless a branch keeps them apart.
  }];
  let options = [
    Option<"columns", "columns", "int64_t", "4", "Partial maxima of a row.">,
    Option<"arithmetic", "arithmetic", "int64_t", "2",
           "Operations on an element in front of its maximum, at most; a function counts as two.">,
    Option<"integers", "integers", "bool", "false",
           "See by integers whether a maximum grows.">
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
                           "::mlir::scf::SCFDialect", "::tessera::sm::SmDialect"];
}

def SkipUnitScalingPass : Pass<"tile-skip-unit-scaling", "::mlir::func::FuncOp"> {
  let summary = "Multiply a product by row factors only where one of them is not one.";
  let description = [{
    Input:   in a loop, `%y = %dot * broadcast(%f)`, and perhaps `%z = %x * broadcast(%f)`.
    Output:
    ```mlir
    %y, %z = scf.if (sm.warp_any %f != 1) {
      %dot * broadcast(%f), %x * broadcast(%f)
    } else {
      %dot, %x
    }
    ```

    What needs %z is moved behind, and what only the factors need into the branch: `exp2` of a
    maximum's growth is computed where it has grown. Factors `exp2(%old - select(%grew, %next, %old))`
    are asked for %grew instead, and count as one where it does not hold. Factors that are one
    unless a condition holds (`scf.if` that yields them so) need no vote: it is the condition. They
    are computed under a branch as it is, and nothing goes along.

    With `branch` it stays a branch; else the assembler predicates the multiplications, which is
    better where there is other work to interleave them with.
  }];
  let options = [
    Option<"branch", "branch", "bool", "false", "Keep the branch.">
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect",
                           "::tessera::sm::SmDialect"];
}

def ScheduleTilesPass : Pass<"sm-schedule-tiles", "::mlir::func::FuncOp"> {
  let summary = "Each thread block takes points of the grid until none is left.";
  let description = [{
    Input:   `%t, %h, %b = tile.grid %tiles, %heads, %batches ...`
    Output:  a loop in which a block computes the point of its own number, and then those of the
             tickets it takes.

    The heads whose keys and values fit into `cache-bytes` together go one group after the other:
    blocks that run at the same time read the same memory. Within a group the tile is slowest,
    and with `longest-last` tiles are taken from the last to the first. The last two groups are one,
    so that the tiles which are taken last are short ones. Leaves no `tile.grid`.
  }];
  let options = [
    Option<"longestLast", "longest-last", "bool", "false",
           "Later tiles have more to do, as under a causal mask.">,
    Option<"cacheBytes", "cache-bytes", "int64_t", "0",
           "Bytes of a group of heads; 0: one head after the other.">
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect",
                           "::tessera::sm::SmDialect"];
}

def PlaceBuffersPass : Pass<"sm-place-buffers", "::mlir::func::FuncOp"> {
  let summary = "Operands of products go through rings of shared buffers.";
  let description = [{
    Input:
    ```mlir
    %k = tile.load %keys[%b, %h] tile %j ...
    %t = tile.transpose %k
    %s = tile.dot %q, %t, %zero
    ```
    Output:
    ```mlir
    sm.fill %ring, %keys[%b, %h] tile %j ...
    %slot = sm.acquire %ring
    %p = sm.dot %q, %slot transposed
    %s = sm.await %p pending 0
    sm.release %slot
    ```

    An `sm.gather_strip` of the tile reads the slot instead, and `sm.fill_strip` puts its numbers
    there.
    Tiles of one shape from one view share a ring: of `stages` buffers if they are loaded in a
    loop, of `outer-stages` otherwise. They are acquired in the order in which they are loaded,
    whichever is read first, and more of them than there are buffers cannot be in use at once.
    Leaves no `tile.load`, `tile.dot` or `tile.transpose`.
  }];
  let options = [
    Option<"stages", "stages", "int64_t", "2", "Buffers of a ring that is filled in a loop.">,
    Option<"outerStages", "outer-stages", "int64_t", "1",
           "Buffers of a ring that is filled once for a point of the grid.">
  ];
  let dependentDialects = ["::tessera::sm::SmDialect"];
}

def PredicateProductsPass : Pass<"sm-predicate-products", "::mlir::func::FuncOp"> {
  let summary = "Products under a branch are issued under a condition, and awaited in any case.";
  let description = [{
    Input:
    ```mlir
    %y = scf.if %c -> tensor<128x64xf32> {
      %v = sm.acquire %ring
      %p = sm.dot %a, %v acc %x
      %r = sm.await %p pending 0
      sm.release %v
      scf.yield %r
    } else {
      scf.yield %x
    }
    ```
    Output:
    ```mlir
    %v = sm.acquire %ring if %c
    %p = sm.dot %a, %v acc %x if %c
    %y = sm.await %p pending 0
    sm.release %v if %c
    ```

    A wait inside of the branch could not be delayed. What fills the buffer, and what zeros rows of
    it, stays under a branch.
  }];
  let dependentDialects = ["::mlir::scf::SCFDialect"];
}

def DelayAwaitsPass : Pass<"sm-delay-awaits", "::mlir::func::FuncOp"> {
  let summary = "Wait for a product where its result is needed, not where it is issued.";
  let description = [{
    Moves `sm.await` down to the first reader of its result, together with the releases behind
    it, and counts the products issued in between: those may stay unfinished. Releases of its
    buffers, and readers of the strips beside them, stay behind: loads from shared memory wait in
    line with the operands of products, and a warp with them.

    A product reads its left operand until it is over, so what a loop carries on in its place is a
    reader too. It is computed as soon as it can be, beside other arithmetic.

    With `into-branches`, where a branch in a loop is the only reader, both of its sides wait, and
    what takes the place of the operand is computed behind. The assembler moves a wait up in front
    of arithmetic that stands before it, but not across a branch.
  }];
  let options = [
    Option<"intoBranches", "into-branches", "bool", "false", "Wait on both sides of a branch.">
  ];
  let dependentDialects = ["::tessera::sm::SmDialect"];
}

def SpecializeWarpsPass : Pass<"sm-specialize-warps", "::mlir::func::FuncOp"> {
  let summary = "Split a program into a producer that copies and consumers that compute.";
  let description = [{
    Input:   one program that fills rings, acquires, computes and stores.
    Output:  `sm.roles` with two copies of it: one keeps the fills, the other everything
             else, and both what decides how often and on what these run.
  }];
  let options = [
    Option<"groups", "groups", "int64_t", "2", "Warp groups that compute.">,
    Option<"producerRegisters", "producer-registers", "int64_t", "24",
           "Registers of a thread of the producer.">,
    Option<"consumerRegisters", "consumer-registers", "int64_t", "240",
           "Registers of a thread of a consumer.">
  ];
  let dependentDialects = ["::tessera::sm::SmDialect", "::mlir::scf::SCFDialect"];
}

def OverlapPointsPass : Pass<"sm-overlap-points", "::mlir::func::FuncOp"> {
  let summary = "Consumers begin their next point before they end the one they are at.";
  let description = [{
    Input:   a loop over points in the consumers' region of `sm.roles`.

    ```mlir
    scf.while (points are left) {
      first product; arithmetic on it
      loops
      last product; arithmetic on it; stores
    }
    ```
    Output:  an iteration ends one point and begins the next.

    ```mlir
    scf.while (points are left, or one has begun) {
      loops
      next point: first product
      last product
      next point: arithmetic on its first product
      arithmetic on the last product; stores
    }
    ```

    Where one of the two has nothing to compute they follow one another, as for the first
    point and the last one. The producer fills rings in the same order as before. What
    a point acquires in front of its branch is given back behind its loops, and found there by
    `sm.held`. Comes before `sm-delay-awaits`.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect",
                           "::tessera::sm::SmDialect"];
}

def TakeTicketsAheadPass : Pass<"sm-take-tickets-ahead", "::mlir::func::FuncOp"> {
  let summary = "Take the next ticket before a point's last copies.";
  let description = [{
    In the producer's loop over points:

    Input:   `scf.if %some { loops; last copies }; sm.take_ticket; sm.tell`
    Output:  `scf.if %some { loops }; sm.take_ticket; scf.if %some { last copies }; sm.tell`

    The last copies wait for a free buffer, and the counter answers meanwhile.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect"];
}

def VerifyScheduledPass : Pass<"sm-verify-scheduled", "::mlir::func::FuncOp"> {
  let summary = "Check what must hold at the stage `scheduled`.";
  let description = [{
    - One `sm.roles`; producers only fill, consumers do not.
    - Products are read through `sm.await` only.
    - No grid, no load, no synchronous product.
  }];
}

#endif // TESSERA_PASSES_SCHEDULE
