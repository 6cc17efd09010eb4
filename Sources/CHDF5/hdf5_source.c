#include "hdf5_source.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "child_limits.h"

int ingot_h5_refuse_read(
    const struct ingot_h5_source *source, struct ingot_h5_refusal *why, const char *place, const char *reason) {
  if (source->error == ENODATA) {
    return ingot_h5_refuse(why, INGOT_H5_IO, place, "the file became shorter while it was being read");
  }
  if (source->error) {
    return ingot_h5_refuse(why, INGOT_H5_IO, place, "the file can't be read: %s", strerror(source->error));
  }
  if (source->is_misplaced) {
    return ingot_h5_refuse(why, INGOT_H5_BAD_DATA, place, "%s: it would stand where the superblock is", reason);
  }
  return ingot_h5_refuse_library(why, INGOT_H5_BAD_DATA, place, reason);
}

/// Opens the range of the file. Other things than files could keep us waiting.
static int open_range(
    struct ingot_h5_source *source, const char *path, unsigned long long base, unsigned long long length,
    struct ingot_h5_refusal *why) {
  if (!path[0]) {
    source->base = base;
    source->length = length;
    return 0;
  }
  source->descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (source->descriptor < 0) {
    return ingot_h5_refuse(why, INGOT_H5_NO_INPUT, "file", "it can't be opened: %s", strerror(errno));
  }
  struct stat status;
  if (fstat(source->descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
    return ingot_h5_refuse(why, INGOT_H5_NO_INPUT, "file", "not a regular file");
  }
  unsigned long long size = (unsigned long long)status.st_size;
  if (base > size || length > size - base) {
    return ingot_h5_refuse(
        why, INGOT_H5_BAD_DATA, "file", "%llu bytes from byte %llu on go past its end, which is at %llu", length, base,
        size);
  }
  source->base = base;
  source->length = length ? length : size - base;
  return 0;
}

int ingot_h5_open_source(
    struct ingot_h5_source *source, const char *path, unsigned long long base, unsigned long long length,
    int output, struct ingot_h5_refusal *why) {
  *source = (struct ingot_h5_source){.descriptor = -1, .driver = -1, .file = -1};
  int status = ingot_h5_load(why);
  if (!status) status = open_range(source, path, base, length, why);
  if (status) return status;
  ingot_child_confine(output);
  status = ingot_h5_check_start(source, why);
  if (status) return status;
  source->driver = ingot_h5_register_driver();
  hid_t access = ingot_h5.Pcreate(*ingot_h5.P_CLS_FILE_ACCESS_ID);
  if (source->driver < 0 || access < 0 || ingot_h5.Pset_driver(access, source->driver, &source) < 0) {
    status = ingot_h5_refuse_library(why, INGOT_H5_UNAVAILABLE, "libhdf5", "the library can't be set up");
  } else {
    // A name from the root, so that the library doesn't ask for the current folder, which it may not here.
    source->file = ingot_h5.Fopen("/HDF5", 0, access);
    if (source->file < 0) status = ingot_h5_refuse_read(source, why, "file", "libhdf5 can't open it");
  }
  if (access >= 0) ingot_h5.Pclose(access);
  return status;
}

void ingot_h5_close_source(struct ingot_h5_source *source) {
  if (source->file >= 0) ingot_h5.Fclose(source->file);
  if (source->driver >= 0) ingot_h5.FDunregister(source->driver);
  if (source->descriptor >= 0) close(source->descriptor);
}
