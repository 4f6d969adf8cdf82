//===- ArgumentBlock.cpp - how a call's arguments lie in memory -----------===//

#include "passes/ArgumentBlock.h"
#include "dsl/ir/Tile.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/SmallVector.h"

#include <fmt/format.h>

using namespace mlir;

namespace tessera {

static int64_t bytesOf(ArgumentKind kind) {
  switch (kind) {
  case ArgumentKind::view:
    return sizeof(ViewArgument);
  case ArgumentKind::table:
    return sizeof(TableArgument);
  case ArgumentKind::scalar:
  case ArgumentKind::index:
    return 8; // an f32 lies in the first four bytes
  }
  llvm_unreachable("unknown kind");
}

void ArgumentBlock::add(Argument argument) {
  argument.offset = bytes;
  bytes += bytesOf(argument.kind);
  arguments.push_back(std::move(argument));
}

const Argument *ArgumentBlock::find(StringRef name) const {
  auto found = llvm::find_if(arguments, [&](auto &arg) { return arg.name == name; });
  return found == arguments.end() ? nullptr : &*found;
}

static DType dtypeOf(Type type) {
  if (isa<Float8E4M3FNType>(type))
    return DType::e4m3;
  if (isa<Float8E5M2Type>(type))
    return DType::e5m2;
  if (type.isF32())
    return DType::f32;
  return type.isF16() ? DType::f16 : DType::bf16;
}

ArgumentBlock ArgumentBlock::of(func::FuncOp program) {
  ArgumentBlock block;
  for (BlockArgument value : program.getArguments()) {
    auto name = program.getArgAttrOfType<StringAttr>(value.getArgNumber(), argumentName);
    if (!name)
      continue; // a coordinate of the grid
    Argument argument{.name = name.str(), .kind = ArgumentKind::index};
    if (auto view = dyn_cast<tile::ViewType>(value.getType())) {
      argument.kind = ArgumentKind::view;
      argument.type = dtypeOf(view.getElement());
      argument.width = view.getWidth();
    } else if (auto table = dyn_cast<tile::TableType>(value.getType())) {
      argument.kind = ArgumentKind::table;
      argument.element = table.getElement().isF32() ? TableType::f32 : TableType::i32;
      argument.rank = table.getRank();
    } else if (value.getType().isF32()) {
      argument.kind = ArgumentKind::scalar;
    }
    block.add(std::move(argument));
  }
  return block;
}

//===----------------------------------------------------------------------===//
// Text: `q:view:bf16x64 slopes:table:f32x2 scale:f32 window_left:index`
//===----------------------------------------------------------------------===//

std::string ArgumentBlock::str() const {
  std::string text;
  for (const Argument &argument : arguments) {
    if (!text.empty())
      text += ' ';
    text += argument.name;
    switch (argument.kind) {
    case ArgumentKind::view:
      text += fmt::format(":view:{}x{}", tessera::str(argument.type).str(), argument.width);
      break;
    case ArgumentKind::table:
      text += fmt::format(":table:{}x{}", tessera::str(argument.element).str(), argument.rank);
      break;
    case ArgumentKind::scalar:
      text += ":f32";
      break;
    case ArgumentKind::index:
      text += ":index";
      break;
    }
  }
  return text;
}

llvm::Expected<ArgumentBlock> ArgumentBlock::parse(StringRef text) {
  auto malformed = [](StringRef word) {
    return llvm::createStringError(std::make_error_code(std::errc::invalid_argument),
                                   "malformed argument \"" + word + "\"");
  };
  ArgumentBlock block;
  SmallVector<StringRef> words;
  text.split(words, ' ', -1, /*KeepEmpty=*/false);
  for (StringRef word : words) {
    auto [name, rest] = word.split(':');
    Argument argument{.name = name.str(), .kind = ArgumentKind::index};
    if (rest.consume_front("view:")) {
      auto [type, width] = rest.split('x');
      std::optional<DType> known = dtypeNamed(type);
      argument.kind = ArgumentKind::view;
      if (!known || width.getAsInteger(10, argument.width))
        return malformed(word);
      argument.type = *known;
    } else if (rest.consume_front("table:")) {
      auto [element, rank] = rest.split('x');
      argument.kind = ArgumentKind::table;
      argument.element = element == "f32" ? TableType::f32 : TableType::i32;
      if (rank.getAsInteger(10, argument.rank) || tessera::str(argument.element) != element)
        return malformed(word);
    } else if (rest == "f32") {
      argument.kind = ArgumentKind::scalar;
    } else if (rest != "index") {
      return malformed(word);
    }
    block.add(std::move(argument));
  }
  return block;
}

} // namespace tessera
