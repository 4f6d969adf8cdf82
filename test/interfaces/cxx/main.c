/*===- main.c - an installed library, from C ------------------------------------===*/

#include <stdio.h>
#include <tessera.h>

int main(void) {
  printf("version %s\n", tessera_version());
  return 0;
}
