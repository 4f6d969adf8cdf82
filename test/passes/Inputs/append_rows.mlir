// What the append_rows kernel traces to for f32, a head size of 64 and 32 rotated
// elements: tessera compile --key=append,f32,d64,rotary=32 --emit=generic
module {
  func.func @append_rows(%arg0: !tile.view<64xf32> {tile.name = "rows", tile.sequences = "q"}, %arg1: !tile.view<64xf32> {tile.name = "cache", tile.sequences = "kv"}, %arg2: !tile.table<1xi32> {tile.name = "starts"}, %arg3: !tile.table<1xi32> {tile.name = "positions"}, %arg4: !tile.table<2xf32> {tile.name = "cos"}, %arg5: !tile.table<2xf32> {tile.name = "sin"}) {
    %0 = tile.key_flag "interleaved"
    %1 = tile.extent %arg0 batches : !tile.view<64xf32>
    %2 = tile.extent %arg0 heads : !tile.view<64xf32>
    %3 = tile.extent %arg0 rows : !tile.view<64xf32>
    %c96 = arith.constant 96 : index
    %4 = arith.ceildivsi %3, %c96 : index
    %tile, %head, %batch = tile.grid %4, %2, %1
    %5 = tile.load %arg0[%batch, %head] tile %tile padding undefined : !tile.view<64xf32> -> tensor<96x64xf32>
    %6 = tile.fetch %arg3[%batch] : !tile.table<1xi32> -> i32
    %7 = arith.index_cast %6 : i32 to index
    %8 = tile.positions %arg0[%batch] tile %tile : !tile.view<64xf32> -> tensor<96x1xi32>
    %9 = arith.index_cast %7 : index to i32
    %splat = tensor.splat %9 : tensor<96x1xi32>
    %10 = arith.addi %8, %splat : tensor<96x1xi32>
    %11 = tile.iota : tensor<1x64xi32>
    %c16 = arith.constant 16 : index
    %12 = arith.index_cast %c16 : index to i32
    %splat_0 = tensor.splat %12 : tensor<1x64xi32>
    %13 = arith.floordivsi %11, %splat_0 : tensor<1x64xi32>
    %14 = arith.index_cast %c16 : index to i32
    %splat_1 = tensor.splat %14 : tensor<1x64xi32>
    %15 = arith.muli %13, %splat_1 : tensor<1x64xi32>
    %16 = arith.subi %11, %15 : tensor<1x64xi32>
    %c2 = arith.constant 2 : index
    %17 = arith.index_cast %c2 : index to i32
    %splat_2 = tensor.splat %17 : tensor<1x64xi32>
    %18 = arith.floordivsi %11, %splat_2 : tensor<1x64xi32>
    %19 = arith.select %0, %18, %16 : tensor<1x64xi32>
    %c16_3 = arith.constant 16 : index
    %20 = arith.index_cast %c16_3 : index to i32
    %splat_4 = tensor.splat %20 : tensor<1x64xi32>
    %21 = arith.floordivsi %11, %splat_4 : tensor<1x64xi32>
    %c2_5 = arith.constant 2 : index
    %22 = arith.index_cast %c2_5 : index to i32
    %splat_6 = tensor.splat %22 : tensor<1x64xi32>
    %23 = arith.floordivsi %11, %splat_6 : tensor<1x64xi32>
    %24 = arith.index_cast %c2_5 : index to i32
    %splat_7 = tensor.splat %24 : tensor<1x64xi32>
    %25 = arith.muli %23, %splat_7 : tensor<1x64xi32>
    %26 = arith.subi %11, %25 : tensor<1x64xi32>
    %27 = arith.select %0, %26, %21 : tensor<1x64xi32>
    %28 = tile.exchange %5 by 16 : tensor<96x64xf32>
    %29 = tile.exchange %5 by 1 : tensor<96x64xf32>
    %30 = arith.select %0, %29, %28 : tensor<96x64xf32>
    %31 = tile.broadcast %10 : tensor<96x1xi32> -> tensor<96x64xi32>
    %32 = tile.broadcast %19 : tensor<1x64xi32> -> tensor<96x64xi32>
    %33 = tile.gather %arg4[%31, %32] : !tile.table<2xf32>, tensor<96x64xi32> -> tensor<96x64xf32>
    %34 = tile.broadcast %10 : tensor<96x1xi32> -> tensor<96x64xi32>
    %35 = tile.broadcast %19 : tensor<1x64xi32> -> tensor<96x64xi32>
    %36 = tile.gather %arg5[%34, %35] : !tile.table<2xf32>, tensor<96x64xi32> -> tensor<96x64xf32>
    %cst = arith.constant -1.000000e+00 : f32
    %splat_8 = tensor.splat %cst : tensor<96x64xf32>
    %37 = arith.mulf %36, %splat_8 : tensor<96x64xf32>
    %c0 = arith.constant 0 : index
    %38 = arith.index_cast %c0 : index to i32
    %splat_9 = tensor.splat %38 : tensor<1x64xi32>
    %39 = arith.cmpi eq, %27, %splat_9 : tensor<1x64xi32>
    %40 = tile.broadcast %39 : tensor<1x64xi1> -> tensor<96x64xi1>
    %41 = arith.select %40, %37, %36 : tensor<96x64xi1>, tensor<96x64xf32>
    %42 = arith.mulf %30, %41 : tensor<96x64xf32>
    %43 = arith.mulf %5, %33 : tensor<96x64xf32>
    %44 = arith.addf %43, %42 : tensor<96x64xf32>
    %c32 = arith.constant 32 : index
    %45 = arith.index_cast %c32 : index to i32
    %splat_10 = tensor.splat %45 : tensor<1x64xi32>
    %46 = arith.cmpi slt, %11, %splat_10 : tensor<1x64xi32>
    %47 = tile.broadcast %46 : tensor<1x64xi1> -> tensor<96x64xi1>
    %48 = arith.select %47, %44, %5 : tensor<96x64xi1>, tensor<96x64xf32>
    %49 = tile.length %arg0[%batch] : !tile.view<64xf32>
    %50 = tile.fetch %arg2[%batch] : !tile.table<1xi32> -> i32
    %51 = arith.index_cast %50 : i32 to index
    tile.store %48, %arg1[%batch, %head] tile %tile from %51 of %49 : tensor<96x64xf32>, !tile.view<64xf32>
    return
  }
}
