/* Loads an addon as Node.js does, on a C library that is too old for Node.js itself: what it asks of the
 * system is all found at once, and its initial code runs. Prints the version of the C library. */
#include <dlfcn.h>
#include <gnu/libc-version.h>
#include <stdio.h>

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  if (library == NULL || dlsym(library, "napi_register_module_v1") == NULL) {
    printf("%s\n", dlerror());
    return 1;
  }
  printf("%s\n", gnu_get_libc_version());
  return 0;
}
