#include "hdf5_api.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hdf5_filters.h"
#include "loading.h"

struct ingot_h5_api ingot_h5;

// Debian's name of the serial library, then those of the HDF Group's releases 1.10, 1.12, 1.14 and 2.0.
#define RELEASES(OR)                                                                                     \
  "libhdf5_serial.so.103" OR "libhdf5_serial.so.310" OR "libhdf5_serial.so.320" OR "libhdf5.so.103" OR   \
  "libhdf5.so.200" OR "libhdf5.so.310" OR "libhdf5.so.320"
#define COMMA ,
static const char *const names[] = {RELEASES(COMMA), "libhdf5_serial.so", "libhdf5.so"};

INGOT_LOADS(hdf5, "HDF5 checkpoints, of TensorFlow and Keras", RELEASES(INGOT_OR));

/// Loads the library, or refuses because there is none or because it can't be loaded.
static void *open_library(struct ingot_h5_refusal *why) {
  for (size_t index = 0; index < sizeof names / sizeof names[0]; index++) {
    void *library = dlopen(names[index], RTLD_NOW | RTLD_LOCAL);
    if (library) return library;
    const char *error = dlerror();
    if (error && !strstr(error, "No such file")) {
      // What isn't there in full can't be mapped: there is no room for it.
      ingot_h5_refuse(
          why, INGOT_H5_UNAVAILABLE, "libhdf5", "the library can't be loaded: %s%s", error,
          strstr(error, "failed to map") ? " (limit hdf5-memory)" : "");
      return NULL;
    }
  }
  ingot_h5_refuse(
      why, INGOT_H5_UNAVAILABLE, "libhdf5", "not installed: there is no %s, nor another release", names[0]);
  return NULL;
}

/// Keeps an environment from making the library do more than it is asked for: load plug-ins, lock files, use another
/// driver, look elsewhere for files, print.
static void clean_environment(void) {
  static const char *const unwanted[] = {
      "HDF5_PLUGIN_PATH", "HDF5_DRIVER", "HDF5_DRIVER_CONFIG", "HDF5_VOL_CONNECTOR", "HDF5_EXT_PREFIX",
      "HDF5_VDS_PREFIX",  "HDF5_DEBUG",  "HDF5_NOCLEANUP",
  };
  for (size_t index = 0; index < sizeof unwanted / sizeof unwanted[0]; index++) unsetenv(unwanted[index]);
  setenv("HDF5_PLUGIN_PRELOAD", "::", 1);  // the library's own way to say: no plug-ins at all
  setenv("HDF5_USE_FILE_LOCKING", "FALSE", 1);
}

/// Looks a symbol up, and keeps the name of the first that is missing.
static void *find(void *library, const char *name, const char **missing) {
  void *symbol = dlsym(library, name);
  if (!symbol && !*missing) *missing = name;
  return symbol;
}

static void *find_either(void *library, const char *name, const char *older, const char **missing) {
  void *symbol = dlsym(library, name);
  return symbol ? symbol : find(library, older, missing);
}

static const char *fill_table(void *library) {
  const char *missing = NULL;
#define FIND(name) ingot_h5.name = (__typeof__(ingot_h5.name))find(library, "H5" #name, &missing);
  INGOT_H5_FUNCTIONS(FIND)
#undef FIND
#define FIND(name) ingot_h5.name = (const hid_t *)find(library, "H5" #name "_g", &missing);
  INGOT_H5_VARIABLES(FIND)
#undef FIND
  ingot_h5.Oget_info = (__typeof__(ingot_h5.Oget_info))find(library, "H5Oget_info2", &missing);
  ingot_h5.Lget_info = (__typeof__(ingot_h5.Lget_info))find_either(library, "H5Lget_info2", "H5Lget_info", &missing);
  ingot_h5.Literate = (__typeof__(ingot_h5.Literate))find_either(library, "H5Literate2", "H5Literate", &missing);
  ingot_h5.Dread_chunk =
      (__typeof__(ingot_h5.Dread_chunk))find_either(library, "H5Dread_chunk1", "H5Dread_chunk", &missing);
  ingot_h5.FDregister = (__typeof__(ingot_h5.FDregister))find(library, "H5FDregister", &missing);
  return missing;
}

int ingot_h5_load(struct ingot_h5_refusal *why) {
  static int is_loaded;
  if (is_loaded) return 0;
  clean_environment();
  void *library = open_library(why);
  if (!library) return why->status;
  const char *missing = fill_table(library);
  if (missing) {
    return ingot_h5_refuse(
        why, INGOT_H5_UNAVAILABLE, "libhdf5", "the library lacks %s: 1.10.5 or later is needed", missing);
  }
  // Before anything else: at exit, the library would clean up once more, which after a damaged file is one more place
  // to crash, and nothing is left to clean.
  ingot_h5.dont_atexit();
  unsigned major = 0, minor = 0, release = 0;
  if (ingot_h5.get_libversion(&major, &minor, &release) < 0 || ingot_h5.open() < 0) {
    return ingot_h5_refuse(why, INGOT_H5_UNAVAILABLE, "libhdf5", "the library can't be started");
  }
  ingot_h5.major = major;
  ingot_h5.minor = minor;
  ingot_h5.release = release;
  // Structures are known for these only.
  if (!(major == 1 && minor >= 10) && major != 2) {
    return ingot_h5_refuse(
        why, INGOT_H5_UNAVAILABLE, "libhdf5", "release %u.%u.%u is not known: 1.10 to 2 are", major, minor, release);
  }
  ingot_h5.has_versioned_drivers = major > 1 || minor >= 13;
  // Links to other files are refused wherever they are met. Without their class the library can't follow one either.
  const H5L_type_t external = H5L_TYPE_EXTERNAL;
  if (ingot_h5.Eset_auto2(H5E_DEFAULT, NULL, NULL) < 0 || ingot_h5.PLset_loading_state(0) < 0 ||
      ingot_h5.Lunregister(external) < 0) {
    return ingot_h5_refuse(why, INGOT_H5_UNAVAILABLE, "libhdf5", "the library can't be set up");
  }
  ingot_h5_load_zlib();
  is_loaded = 1;
  return 0;
}

static herr_t keep_innermost(unsigned depth, const H5E_error2_t *error, void *message) {
  if (depth == 0 && error->desc) snprintf(message, INGOT_H5_MESSAGE, "%s", error->desc);
  return 0;
}

void ingot_h5_innermost_message(char message[INGOT_H5_MESSAGE]) {
  message[0] = 0;
  ingot_h5.Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_innermost, message);
}

int ingot_h5_is_too_old(const char *message) {
  // Not those of B-trees, heaps, symbol tables and object headers, which no release has added to for long: there, what is
  // read is something else.
  return strncmp(message, "bad version number for ", 23) == 0 ||
         strncmp(message, "bad superblock version number", 29) == 0;
}

int ingot_h5_refuse_library(struct ingot_h5_refusal *why, int status, const char *place, const char *reason) {
  char message[INGOT_H5_MESSAGE];
  ingot_h5_innermost_message(message);
  if (message[0] == 0) return ingot_h5_refuse(why, status, place, "%s", reason);
  if (ingot_h5_is_too_old(message)) {
    return ingot_h5_refuse(
        why, status, place, "%s: it may need a newer libhdf5 than %u.%u.%u (libhdf5: %s)", reason, ingot_h5.major,
        ingot_h5.minor, ingot_h5.release, message);
  }
  return ingot_h5_refuse(why, status, place, "%s (libhdf5: %s)", reason, message);
}

int ingot_h5_refuse_write(struct ingot_h5_refusal *why, const char *place, const char *reason) {
  int error = errno;
  if (error == ENOSPC || error == EDQUOT || error == EFBIG || error == EIO) {
    return ingot_h5_refuse(why, INGOT_H5_IO, place, "%s: %s", reason, strerror(error));
  }
  return ingot_h5_refuse_library(why, INGOT_H5_BAD_DATA, place, reason);
}
