// RUN: tessera-opt %s --tile-add-to-products | FileCheck %s

!view = !tile.view<64xbf16>
!queries = tensor<128x64xbf16>
!keys = tensor<64x64xbf16>
!scores = tensor<128x64xf32>

// A product begins with the strip that is added to it, multiplied by who fills it: the sum is the
// product's, and only scaled behind it. The number is in front of the loop, and the strip in front
// of the product.

// CHECK-LABEL: func @strip
// CHECK-SAME:    %[[Q:[a-z0-9]*]]: tensor<128x64xbf16>, %[[K:[a-z0-9]*]]: !tile.view<64xbf16>, %[[T:[a-z0-9]*]]: !tile.table<1xf32>, %{{[a-z0-9]*}}: f32, %[[I:[a-z0-9]*]]: index
// CHECK:         %[[F:.*]] = arith.maxnumf
// CHECK-NEXT:    %[[FS:.*]] = tensor.splat %[[F]]
// CHECK-NEXT:    %[[ONE:.*]] = arith.constant 1.000000e+00 : f32
// CHECK-NEXT:    %[[INVERSE:.*]] = arith.divf %[[ONE]], %[[F]] : f32
// CHECK-NEXT:    scf.for %[[J:.*]] = {{.*}} iter_args(%[[ACC:.*]] = %
// CHECK-NEXT:      %[[X:.*]] = tile.load %[[K]]
// CHECK-NEXT:      %[[XT:.*]] = tile.transpose %[[X]]
// CHECK-NEXT:      %[[B:.*]] = sm.gather_strip %[[X]], %[[T]][%[[I]]] along 0 tile %[[J]] rows -1 columns 1 times %[[INVERSE]] :
// CHECK-NEXT:      %[[P:.*]] = tile.dot %[[Q]], %[[XT]], %[[B]] :
// CHECK-NEXT:      %[[M:.*]] = arith.mulf %[[P]], %[[FS]]
// CHECK-NEXT:      %[[Y:.*]] = arith.addf %[[ACC]], %[[M]]
// CHECK-NEXT:      scf.yield %[[Y]]
func.func @strip(%q: !queries, %k: !view, %t: !tile.table<1xf32>, %a: f32, %i: index,
                 %n: index, %init: !scores) -> !scores {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : !scores
  %least = arith.constant 1.0e-30 : f32
  %a1 = arith.maxnumf %a, %least : f32
  %f = tensor.splat %a1 : !scores
  %r = scf.for %j = %c0 to %n step %c1 iter_args(%acc = %init) -> (!scores) {
    %x = tile.load %k[%i, %i] tile %j padding undefined : !view -> !keys
    %xt = tile.transpose %x : !keys
    %p = tile.dot %q, %xt, %zero : !queries, !keys -> !scores
    %m = arith.mulf %p, %f : !scores
    %b = sm.gather_strip %x, %t[%i] along 0 tile %j rows -1 columns 1 : !keys, !tile.table<1xf32> -> !scores
    %s = arith.addf %m, %b : !scores
    %y = arith.addf %acc, %s : !scores
    scf.yield %y : !scores
  }
  return %r : !scores
}

// So it does with a multiple of a strip, on either side of both, by one number for both factors.

// CHECK-LABEL: func @scaled_strip
// CHECK-SAME:    %{{[a-z0-9]*}}: !tile.table<1xf32>, %[[G:[a-z0-9]*]]: f32, %{{[a-z0-9]*}}: index
// CHECK-DAG:     %[[FS:.*]] = arith.constant dense<1.250000e-01>
// CHECK:         %[[ONE:.*]] = arith.constant 1.000000e+00 : f32
// CHECK:         %[[F:.*]] = arith.constant 1.250000e-01 : f32
// CHECK-NEXT:    %[[INVERSE:.*]] = arith.divf %[[ONE]], %[[F]] : f32
// CHECK-NEXT:    %[[FACTOR:.*]] = arith.mulf %[[INVERSE]], %[[G]] : f32
// CHECK-NEXT:    scf.for
// CHECK:           %[[B:.*]] = sm.gather_strip {{.*}} times %[[FACTOR]] :
// CHECK:           %[[P:.*]] = tile.dot %{{.*}}, %{{.*}}, %[[B]] :
// CHECK-NEXT:      %[[M:.*]] = arith.mulf %[[FS]], %[[P]]
// CHECK-NEXT:      arith.addf %{{.*}}, %[[M]]
func.func @scaled_strip(%q: !queries, %k: !view, %t: !tile.table<1xf32>, %g: f32, %i: index,
                        %n: index, %init: !scores) -> !scores {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : !scores
  %f = arith.constant dense<0.125> : !scores
  %gs = tensor.splat %g : !scores
  %r = scf.for %j = %c0 to %n step %c1 iter_args(%acc = %init) -> (!scores) {
    %x = tile.load %k[%i, %i] tile %j padding undefined : !view -> !keys
    %xt = tile.transpose %x : !keys
    %p = tile.dot %q, %xt, %zero : !queries, !keys -> !scores
    %m = arith.mulf %f, %p : !scores
    %b = sm.gather_strip %x, %t[%i] along 0 tile %j rows -1 columns 1 : !keys, !tile.table<1xf32> -> !scores
    %bg = arith.mulf %gs, %b : !scores
    %s = arith.addf %bg, %m : !scores
    %y = arith.addf %acc, %s : !scores
    scf.yield %y : !scores
  }
  return %r : !scores
}

// A strip is multiplied where it is read if it has another reader, which needs it as it is.

// CHECK-LABEL: func @shared_strip
// CHECK:         %[[INVERSE:.*]] = arith.divf
// CHECK:         scf.for
// CHECK:           %[[B:.*]] = sm.gather_strip {{.*}} rows -1 columns 1 : tensor<64x64xbf16>
// CHECK-NEXT:      %[[SPLAT:.*]] = tensor.splat %[[INVERSE]]
// CHECK-NEXT:      %[[BEGIN:.*]] = arith.mulf %[[B]], %[[SPLAT]]
// CHECK-NEXT:      %[[P:.*]] = tile.dot %{{.*}}, %{{.*}}, %[[BEGIN]] :
// CHECK-NEXT:      %[[M:.*]] = arith.mulf %[[P]],
// CHECK-NEXT:      %[[S:.*]] = arith.mulf %[[M]], %[[B]]
// CHECK-NEXT:      arith.addf %{{.*}}, %[[S]]
func.func @shared_strip(%q: !queries, %k: !view, %t: !tile.table<1xf32>, %i: index,
                        %n: index, %init: !scores) -> !scores {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : !scores
  %f = arith.constant dense<0.125> : !scores
  %r = scf.for %j = %c0 to %n step %c1 iter_args(%acc = %init) -> (!scores) {
    %x = tile.load %k[%i, %i] tile %j padding undefined : !view -> !keys
    %xt = tile.transpose %x : !keys
    %p = tile.dot %q, %xt, %zero : !queries, !keys -> !scores
    %m = arith.mulf %p, %f : !scores
    %b = sm.gather_strip %x, %t[%i] along 0 tile %j rows -1 columns 1 : !keys, !tile.table<1xf32> -> !scores
    %sum = arith.addf %m, %b : !scores
    %s = arith.mulf %sum, %b : !scores
    %y = arith.addf %acc, %s : !scores
    scf.yield %y : !scores
  }
  return %r : !scores
}

// Arithmetic on positions comes in front of the product that begins with it. What is subtracted is
// added with the other sign.

// CHECK-LABEL: func @distances
// CHECK-SAME:    %[[SLOPE:[a-z0-9]*]]: f32, %{{[a-z0-9]*}}: index
// CHECK:         %[[SLOPES:.*]] = tensor.splat %[[SLOPE]]
// CHECK:         %[[MINUS:.*]] = arith.constant -1.000000e+00 : f32
// CHECK:         %[[F:.*]] = arith.constant 1.250000e-01 : f32
// CHECK-NEXT:    %[[INVERSE:.*]] = arith.divf %[[MINUS]], %[[F]] : f32
// CHECK-NEXT:    scf.for
// CHECK:           math.absi
// CHECK-NEXT:      %[[D:.*]] = arith.sitofp
// CHECK-NEXT:      %[[B:.*]] = arith.mulf %[[D]], %[[SLOPES]]
// CHECK-NEXT:      %[[SPLAT:.*]] = tensor.splat %[[INVERSE]]
// CHECK-NEXT:      %[[BEGIN:.*]] = arith.mulf %[[B]], %[[SPLAT]]
// CHECK-NEXT:      %[[P:.*]] = tile.dot %{{.*}}, %{{.*}}, %[[BEGIN]] :
// CHECK-NEXT:      %[[M:.*]] = arith.mulf %[[P]],
// CHECK-NOT:       arith.subf
// CHECK-NEXT:      arith.addf %{{.*}}, %[[M]]
// CHECK-NEXT:      scf.yield
func.func @distances(%q: !queries, %k: !view, %slope: f32, %i: index,
                     %n: index, %init: !scores) -> !scores {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : !scores
  %f = arith.constant dense<0.125> : !scores
  %slopes = tensor.splat %slope : !scores
  %r = scf.for %j = %c0 to %n step %c1 iter_args(%acc = %init) -> (!scores) {
    %x = tile.load %k[%i, %i] tile %j padding undefined : !view -> !keys
    %xt = tile.transpose %x : !keys
    %p = tile.dot %q, %xt, %zero : !queries, !keys -> !scores
    %m = arith.mulf %p, %f : !scores
    %rows = tile.positions %k[%i] tile %i : !view -> tensor<128x1xi32>
    %columns = tile.positions %k[%i] tile %j : !view -> tensor<1x64xi32>
    %rr = tile.broadcast %rows : tensor<128x1xi32> -> tensor<128x64xi32>
    %cc = tile.broadcast %columns : tensor<1x64xi32> -> tensor<128x64xi32>
    %apart = arith.subi %rr, %cc : tensor<128x64xi32>
    %far = math.absi %apart : tensor<128x64xi32>
    %d = arith.sitofp %far : tensor<128x64xi32> to !scores
    %b = arith.mulf %d, %slopes : !scores
    %s = arith.subf %m, %b : !scores
    %y = arith.addf %acc, %s : !scores
    scf.yield %y : !scores
  }
  return %r : !scores
}

// A product is left alone if its factor may be zero or negative;

// CHECK-LABEL: func @any_factor
// CHECK:         %[[ZERO:.*]] = arith.constant dense<0.000000e+00>
// CHECK:         tile.dot %{{.*}}, %{{.*}}, %[[ZERO]] :
// CHECK:         %[[S:.*]] = arith.addf %
// CHECK-NEXT:    arith.addf %{{.*}}, %[[S]]
func.func @any_factor(%q: !queries, %k: !view, %t: !tile.table<1xf32>, %a: f32, %i: index,
                      %n: index, %init: !scores) -> !scores {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : !scores
  %f = tensor.splat %a : !scores
  %r = scf.for %j = %c0 to %n step %c1 iter_args(%acc = %init) -> (!scores) {
    %x = tile.load %k[%i, %i] tile %j padding undefined : !view -> !keys
    %xt = tile.transpose %x : !keys
    %p = tile.dot %q, %xt, %zero : !queries, !keys -> !scores
    %m = arith.mulf %p, %f : !scores
    %b = sm.gather_strip %x, %t[%i] along 0 tile %j rows -1 columns 1 : !keys, !tile.table<1xf32> -> !scores
    %s = arith.addf %m, %b : !scores
    %y = arith.addf %acc, %s : !scores
    scf.yield %y : !scores
  }
  return %r : !scores
}

// if the factor is found in the loop;

// CHECK-LABEL: func @factor_of_a_tile
// CHECK:         %[[ZERO:.*]] = arith.constant dense<0.000000e+00>
// CHECK:         tile.dot %{{.*}}, %{{.*}}, %[[ZERO]] :
// CHECK:         %[[S:.*]] = arith.addf %
// CHECK-NEXT:    arith.addf %{{.*}}, %[[S]]
func.func @factor_of_a_tile(%q: !queries, %k: !view, %t: !tile.table<1xf32>, %i: index,
                            %n: index, %init: !scores) -> !scores {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : !scores
  %least = arith.constant 1.0e-30 : f32
  %r = scf.for %j = %c0 to %n step %c1 iter_args(%acc = %init) -> (!scores) {
    %x = tile.load %k[%i, %i] tile %j padding undefined : !view -> !keys
    %xt = tile.transpose %x : !keys
    %p = tile.dot %q, %xt, %zero : !queries, !keys -> !scores
    %number = arith.index_cast %j : index to i32
    %a = arith.sitofp %number : i32 to f32
    %a1 = arith.maxnumf %a, %least : f32
    %f = tensor.splat %a1 : !scores
    %m = arith.mulf %p, %f : !scores
    %b = sm.gather_strip %x, %t[%i] along 0 tile %j rows -1 columns 1 : !keys, !tile.table<1xf32> -> !scores
    %s = arith.addf %m, %b : !scores
    %y = arith.addf %acc, %s : !scores
    scf.yield %y : !scores
  }
  return %r : !scores
}

// if its bias depends on it, or on another product;

// CHECK-LABEL: func @bias_of_the_product
// CHECK:         %[[ZERO:.*]] = arith.constant dense<0.000000e+00>
// CHECK:         tile.dot %{{.*}}, %{{.*}}, %[[ZERO]] :
// CHECK:         %[[S:.*]] = arith.addf %
// CHECK-NEXT:    arith.addf %{{.*}}, %[[S]]
func.func @bias_of_the_product(%q: !queries, %k: !view, %t: !tile.table<1xf32>, %i: index,
                               %n: index, %init: !scores) -> !scores {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : !scores
  %f = arith.constant dense<0.125> : !scores
  %r = scf.for %j = %c0 to %n step %c1 iter_args(%acc = %init) -> (!scores) {
    %x = tile.load %k[%i, %i] tile %j padding undefined : !view -> !keys
    %xt = tile.transpose %x : !keys
    %p = tile.dot %q, %xt, %zero : !queries, !keys -> !scores
    %m = arith.mulf %p, %f : !scores
    %b = sm.gather_strip %x, %t[%i] along 0 tile %j rows -1 columns 1 : !keys, !tile.table<1xf32> -> !scores
    %bp = arith.addf %b, %m : !scores
    %s = arith.addf %m, %bp : !scores
    %y = arith.addf %acc, %s : !scores
    scf.yield %y : !scores
  }
  return %r : !scores
}


// CHECK-LABEL: func @bias_of_another_product
// CHECK:         %[[ZERO:.*]] = arith.constant dense<0.000000e+00>
// CHECK:         tile.dot %{{.*}}, %{{.*}}, %[[ZERO]] :
// CHECK-NEXT:    tile.dot %{{.*}}, %{{.*}}, %[[ZERO]] :
// CHECK:         %[[B:.*]] = sm.gather_strip {{.*}} columns 1 : tensor
// CHECK-NEXT:    %[[BIAS:.*]] = arith.addf %[[B]]
// CHECK-NEXT:    %[[S:.*]] = arith.addf %{{.*}}, %[[BIAS]]
// CHECK-NEXT:    arith.addf %{{.*}}, %[[S]]
func.func @bias_of_another_product(%q: !queries, %k: !view, %t: !tile.table<1xf32>, %i: index,
                                   %n: index, %init: !scores) -> !scores {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : !scores
  %f = arith.constant dense<0.125> : !scores
  %r = scf.for %j = %c0 to %n step %c1 iter_args(%acc = %init) -> (!scores) {
    %x = tile.load %k[%i, %i] tile %j padding undefined : !view -> !keys
    %xt = tile.transpose %x : !keys
    %p = tile.dot %q, %xt, %zero : !queries, !keys -> !scores
    %p1 = tile.dot %q, %x, %zero : !queries, !keys -> !scores
    %m = arith.mulf %p, %f : !scores
    %b = sm.gather_strip %x, %t[%i] along 0 tile %j rows -1 columns 1 : !keys, !tile.table<1xf32> -> !scores
    %bp = arith.addf %b, %p1 : !scores
    %s = arith.addf %m, %bp : !scores
    %y = arith.addf %acc, %s : !scores
    scf.yield %y : !scores
  }
  return %r : !scores
}

// if it begins with something else than zero already;

// CHECK-LABEL: func @no_zero
// CHECK-SAME:    %[[BEFORE:[a-z0-9]*]]: tensor<128x64xf32>, %{{[a-z0-9]*}}: index
// CHECK:         tile.dot %{{.*}}, %{{.*}}, %[[BEFORE]] :
// CHECK:         %[[S:.*]] = arith.addf %
// CHECK-NEXT:    arith.addf %{{.*}}, %[[S]]
func.func @no_zero(%q: !queries, %k: !view, %t: !tile.table<1xf32>, %before: !scores, %i: index,
                   %n: index, %init: !scores) -> !scores {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : !scores
  %f = arith.constant dense<0.125> : !scores
  %r = scf.for %j = %c0 to %n step %c1 iter_args(%acc = %init) -> (!scores) {
    %x = tile.load %k[%i, %i] tile %j padding undefined : !view -> !keys
    %xt = tile.transpose %x : !keys
    %p = tile.dot %q, %xt, %before : !queries, !keys -> !scores
    %m = arith.mulf %p, %f : !scores
    %b = sm.gather_strip %x, %t[%i] along 0 tile %j rows -1 columns 1 : !keys, !tile.table<1xf32> -> !scores
    %s = arith.addf %m, %b : !scores
    %y = arith.addf %acc, %s : !scores
    scf.yield %y : !scores
  }
  return %r : !scores
}

// if its bias is of no position: one number for all elements;

// CHECK-LABEL: func @one_number
// CHECK:         %[[ZERO:.*]] = arith.constant dense<0.000000e+00>
// CHECK:         tile.dot %{{.*}}, %{{.*}}, %[[ZERO]] :
// CHECK:         %[[S:.*]] = arith.addf %
// CHECK-NEXT:    arith.addf %{{.*}}, %[[S]]
func.func @one_number(%q: !queries, %k: !view, %a: f32, %i: index,
                      %n: index, %init: !scores) -> !scores {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : !scores
  %f = arith.constant dense<0.125> : !scores
  %r = scf.for %j = %c0 to %n step %c1 iter_args(%acc = %init) -> (!scores) {
    %x = tile.load %k[%i, %i] tile %j padding undefined : !view -> !keys
    %xt = tile.transpose %x : !keys
    %p = tile.dot %q, %xt, %zero : !queries, !keys -> !scores
    %m = arith.mulf %p, %f : !scores
    %b = tensor.splat %a : !scores
    %s = arith.addf %m, %b : !scores
    %y = arith.addf %acc, %s : !scores
    scf.yield %y : !scores
  }
  return %r : !scores
}

// if the product is what is subtracted;

// CHECK-LABEL: func @product_subtracted
// CHECK:         %[[ZERO:.*]] = arith.constant dense<0.000000e+00>
// CHECK:         tile.dot %{{.*}}, %{{.*}}, %[[ZERO]] :
// CHECK-NEXT:    %[[M:.*]] = arith.mulf
// CHECK-NEXT:    %[[B:.*]] = sm.gather_strip {{.*}} columns 1 : tensor
// CHECK-NEXT:    %[[S:.*]] = arith.subf %[[B]], %[[M]]
// CHECK-NEXT:    arith.addf %{{.*}}, %[[S]]
func.func @product_subtracted(%q: !queries, %k: !view, %t: !tile.table<1xf32>, %i: index,
                              %n: index, %init: !scores) -> !scores {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : !scores
  %f = arith.constant dense<0.125> : !scores
  %r = scf.for %j = %c0 to %n step %c1 iter_args(%acc = %init) -> (!scores) {
    %x = tile.load %k[%i, %i] tile %j padding undefined : !view -> !keys
    %xt = tile.transpose %x : !keys
    %p = tile.dot %q, %xt, %zero : !queries, !keys -> !scores
    %m = arith.mulf %p, %f : !scores
    %b = sm.gather_strip %x, %t[%i] along 0 tile %j rows -1 columns 1 : !keys, !tile.table<1xf32> -> !scores
    %s = arith.subf %b, %m : !scores
    %y = arith.addf %acc, %s : !scores
    scf.yield %y : !scores
  }
  return %r : !scores
}

// or if someone else reads it without its bias.

// CHECK-LABEL: func @another_reader
// CHECK:         %[[ZERO:.*]] = arith.constant dense<0.000000e+00>
// CHECK:         tile.dot %{{.*}}, %{{.*}}, %[[ZERO]] :
// CHECK:         arith.mulf
// CHECK:         arith.addf
// CHECK-NEXT:    arith.mulf
func.func @another_reader(%q: !queries, %k: !view, %t: !tile.table<1xf32>, %i: index,
                          %n: index, %init: !scores) -> !scores {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : !scores
  %f = arith.constant dense<0.125> : !scores
  %r = scf.for %j = %c0 to %n step %c1 iter_args(%acc = %init) -> (!scores) {
    %x = tile.load %k[%i, %i] tile %j padding undefined : !view -> !keys
    %xt = tile.transpose %x : !keys
    %p = tile.dot %q, %xt, %zero : !queries, !keys -> !scores
    %m = arith.mulf %p, %f : !scores
    %b = sm.gather_strip %x, %t[%i] along 0 tile %j rows -1 columns 1 : !keys, !tile.table<1xf32> -> !scores
    %sum = arith.addf %m, %b : !scores
    %s = arith.mulf %sum, %p : !scores
    %y = arith.addf %acc, %s : !scores
    scf.yield %y : !scores
  }
  return %r : !scores
}

// A multiple of a strip that something else reads too is multiplied where it stands.

// CHECK-LABEL: func @shared_multiple
// CHECK:           %[[B:.*]] = sm.gather_strip
// CHECK-NOT:       times
// CHECK-SAME:      -> tensor<128x64xf32>
// CHECK:           %[[BG:.*]] = arith.mulf %[[B]], %
// CHECK-NEXT:      %[[INVERSE:.*]] = tensor.splat
// CHECK-NEXT:      %[[START:.*]] = arith.mulf %[[BG]], %[[INVERSE]]
// CHECK-NEXT:      tile.dot %{{.*}}, %{{.*}}, %[[START]] :
// CHECK:           arith.addf %{{.*}}, %[[BG]]
func.func @shared_multiple(%q: !queries, %k: !view, %t: !tile.table<1xf32>, %g: f32, %i: index,
                           %n: index, %init: !scores) -> !scores {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : !scores
  %f = arith.constant dense<0.125> : !scores
  %gs = tensor.splat %g : !scores
  %r = scf.for %j = %c0 to %n step %c1 iter_args(%acc = %init) -> (!scores) {
    %x = tile.load %k[%i, %i] tile %j padding undefined : !view -> !keys
    %xt = tile.transpose %x : !keys
    %p = tile.dot %q, %xt, %zero : !queries, !keys -> !scores
    %m = arith.mulf %p, %f : !scores
    %b = sm.gather_strip %x, %t[%i] along 0 tile %j rows -1 columns 1 : !keys, !tile.table<1xf32> -> !scores
    %bg = arith.mulf %b, %gs : !scores
    %s = arith.addf %m, %bg : !scores
    %y = arith.addf %acc, %s : !scores
    %z = arith.addf %y, %bg : !scores
    scf.yield %z : !scores
  }
  return %r : !scores
}

// A product in front of the loop in which a bias is added to it is left alone.

// CHECK-LABEL: func @product_outside
// CHECK:         tile.dot %{{.*}}, %{{.*}}, %cst
// CHECK:         scf.for
// CHECK:           arith.mulf
// CHECK-NEXT:      arith.addf
// CHECK-NEXT:      arith.addf
func.func @product_outside(%q: !queries, %xt: !keys, %o: !view, %i: index, %n: index,
                           %init: !scores) -> !scores {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : !scores
  %f = arith.constant dense<0.125> : !scores
  %p = tile.dot %q, %xt, %zero : !queries, !keys -> !scores
  %rows = tile.positions %o[%i] tile %i : !view -> tensor<128x1xi32>
  %numbers = arith.sitofp %rows : tensor<128x1xi32> to tensor<128x1xf32>
  %b = tile.broadcast %numbers : tensor<128x1xf32> -> !scores
  %r = scf.for %j = %c0 to %n step %c1 iter_args(%acc = %init) -> (!scores) {
    %m = arith.mulf %p, %f : !scores
    %s = arith.addf %m, %b : !scores
    %y = arith.addf %acc, %s : !scores
    scf.yield %y : !scores
  }
  return %r : !scores
}
