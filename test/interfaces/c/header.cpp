// The C header in C++11.
#include <tessera.h>

int main() {
  tessera_tensor tensor = TESSERA_INIT(tessera_tensor);
  return tensor.size == sizeof(tensor) ? 0 : 1;
}
