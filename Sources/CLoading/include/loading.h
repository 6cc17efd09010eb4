#ifndef INGOT_LOADING_H
#define INGOT_LOADING_H

// Libraries that are loaded at run time (dlopen), not linked. The program's file tells of each in an ELF note, in the
// form of https://uapi-group.org/specifications/specs/elf_dlopen_metadata/: tools/package finds there what a package of
// Ingot recommends. A soname that the program looks for and no note names is an error there.

#include <stdint.h>

/// Loads the first library of a list, which NULL ends, that there is; NULL where there is none. It stays loaded unless
/// the caller closes it.
void *ingot_load_first(const char *const *names);

/// Tells of a library. `feature` is what it is needed for, in a word that is an identifier; `description` says it to
/// people; `sonames` are string literals, of which the first that there is will be loaded:
/// "libtiff.so.6" INGOT_OR "libtiff.so.5".
#define INGOT_LOADS(feature, description, sonames)                                                                    \
  INGOT_NOTE(                                                                                                         \
      ingot_loads_##feature, "[{\"soname\":[\"" sonames "\"],\"feature\":\"" #feature "\",\"description\":\"" description \
                             "\",\"priority\":\"recommended\"}]")

#define INGOT_OR "\",\""

#ifdef __ELF__
#define INGOT_NOTE(variable, json)                                                                     \
  __attribute__((used, section(".note.dlopen"), aligned(4), no_sanitize("address"))) static const struct {                     \
    uint32_t name_size, json_size, type;                                                               \
    char name[4];                                                                                      \
    __attribute__((aligned(4))) char json_text[sizeof(json)];                                          \
  } variable = {4, sizeof(json), 0x407c0c0a, "FDO", json}
#else
#define INGOT_NOTE(variable, json) _Static_assert(1, "only ELF has notes")
#endif

#endif
