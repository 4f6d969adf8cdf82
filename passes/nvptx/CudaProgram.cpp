//===- CudaProgram.cpp - what a GPU program asks of who launches it -------===//

#include "passes/nvptx/CudaProgram.h"

#include "llvm/ADT/SmallVector.h"

#include <fmt/format.h>

using namespace llvm;

namespace tessera {

// name
// threads shared blocks tickets
// view:columns:rows ...
// the argument block
std::string CudaProgram::str() const {
  std::string requests;
  for (const TensorMapRequest &map : maps)
    requests += fmt::format("{}{}:{}:{}", requests.empty() ? "" : " ", map.view, map.boxColumns,
                            map.boxRows);
  return fmt::format("{}\n{} {} {} {}\n{}\n{}", name, threads, sharedBytes, blocksPerSM,
                     tickets ? 1 : 0, requests, arguments.str());
}

Expected<CudaProgram> CudaProgram::parse(StringRef text) {
  auto malformed = [&] {
    return createStringError(inconvertibleErrorCode(),
                             "the kernel's signature is malformed: " + text);
  };
  SmallVector<StringRef, 4> lines;
  text.split(lines, '\n', /*MaxSplit=*/3);
  if (lines.size() != 4)
    return malformed();
  CudaProgram program;
  program.name = lines[0].str();

  SmallVector<StringRef, 3> numbers;
  lines[1].split(numbers, ' ');
  int tickets;
  if (numbers.size() != 4 || numbers[3].getAsInteger(10, tickets) ||
      numbers[0].getAsInteger(10, program.threads) ||
      numbers[1].getAsInteger(10, program.sharedBytes) ||
      numbers[2].getAsInteger(10, program.blocksPerSM))
    return malformed();
  program.tickets = tickets;

  SmallVector<StringRef, 4> requests;
  lines[2].split(requests, ' ', -1, /*KeepEmpty=*/false);
  for (StringRef request : requests) {
    SmallVector<StringRef, 3> parts;
    request.split(parts, ':');
    TensorMapRequest map;
    if (parts.size() != 3 || parts[1].getAsInteger(10, map.boxColumns) ||
        parts[2].getAsInteger(10, map.boxRows))
      return malformed();
    map.view = parts[0].str();
    program.maps.push_back(std::move(map));
  }

  Expected<ArgumentBlock> block = ArgumentBlock::parse(lines[3]);
  if (!block)
    return block.takeError();
  program.arguments = std::move(*block);
  for (const TensorMapRequest &map : program.maps) {
    const Argument *argument = program.arguments.find(map.view);
    if (!argument || argument->kind != ArgumentKind::view)
      return malformed();
  }
  return program;
}

} // namespace tessera
