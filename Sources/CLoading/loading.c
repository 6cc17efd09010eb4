#include "loading.h"

#include <dlfcn.h>
#include <stddef.h>

void *ingot_load_first(const char *const *names) {
  void *library = NULL;
  for (; *names && !library; names++) library = dlopen(*names, RTLD_NOW | RTLD_LOCAL);
  return library;
}
