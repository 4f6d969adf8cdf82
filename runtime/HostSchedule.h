//===- HostSchedule.h - tile sizes for the host target --------------------===//

#ifndef TESSERA_RUNTIME_HOSTSCHEDULE_H
#define TESSERA_RUNTIME_HOSTSCHEDULE_H

#include "kernels/Shape.h"

namespace tessera {

/// What a key's program is traced for. Tile sizes the key leaves open are
/// chosen so that the scores of a tile stay in the first two caches and the
/// register blocks of a product divide them on every vector width.
Shape hostShape(const Key &key);

} // namespace tessera

#endif // TESSERA_RUNTIME_HOSTSCHEDULE_H
