// libtiff as a table of functions, which reads a picture's bytes and writes nothing.

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "image_tiff.h"
#include "loading.h"

struct ingot_tiff_api ingot_tiff_api;
static int is_loaded;

/// The library's last words in this thread.
static _Thread_local char last_error[160];

static void keep_error(const char *module, const char *format, va_list arguments) {
  (void)module;
  vsnprintf(last_error, sizeof last_error, format, arguments);
}

INGOT_LOADS(tiff, "pictures in TIFF", "libtiff.so.6" INGOT_OR "libtiff.so.5");

static void load(void) {
  static const char *const names[] = {"libtiff.so.6", "libtiff.so.5", "libtiff.so", NULL};
  static const char *const symbols[] = {
      "TIFFClientOpen",       "TIFFClose",           "TIFFSetErrorHandler", "TIFFSetWarningHandler",
      "TIFFGetField",         "TIFFGetFieldDefaulted", "TIFFSetField",      "TIFFIsCODECConfigured",
      "TIFFIsTiled",          "TIFFGetStrileOffset", "TIFFStripSize",       "TIFFTileSize",
      "TIFFScanlineSize",     "TIFFTileRowSize",     "TIFFComputeStrip",    "TIFFComputeTile",
      "TIFFReadEncodedStrip", "TIFFReadEncodedTile", "TIFFRGBAImageOK",     "TIFFRGBAImageBegin",
      "TIFFRGBAImageGet",     "TIFFRGBAImageEnd"};
  void *functions[sizeof symbols / sizeof symbols[0]];
  _Static_assert(sizeof ingot_tiff_api == sizeof functions, "one address for each function");
  is_loaded = ingot_image_load(names, symbols, functions, sizeof symbols / sizeof symbols[0]);
  if (!is_loaded) return;
  memcpy(&ingot_tiff_api, functions, sizeof ingot_tiff_api);
  ingot_tiff_api.set_error_handler(keep_error);
  ingot_tiff_api.set_warning_handler(NULL);
}

int ingot_tiff_load(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, load);
  return is_loaded;
}

int ingot_tiff_refuse(struct tiff_reader *reader, const char *reason) {
  return ingot_image_refuse(reader->job, INGOT_IMAGE_BAD_DATA, "TIFF: %s", reason);
}

int ingot_tiff_refuse_damaged(struct tiff_reader *reader) {
  return ingot_tiff_refuse(reader, last_error[0] ? last_error : "the file is damaged or cut short");
}

static tmsize_t read_bytes(thandle_t handle, void *bytes, tmsize_t count) {
  struct tiff_reader *reader = handle;
  if (count <= 0 || reader->position >= reader->job->count) return 0;
  size_t rest = reader->job->count - reader->position, got = (size_t)count < rest ? (size_t)count : rest;
  memcpy(bytes, reader->job->bytes + reader->position, got);
  reader->position += got;
  return (tmsize_t)got;
}

static tmsize_t write_nothing(thandle_t handle, void *bytes, tmsize_t count) {
  (void)handle;
  (void)bytes;
  (void)count;
  return 0;
}

static toff_t seek(thandle_t handle, toff_t offset, int whence) {
  struct tiff_reader *reader = handle;
  toff_t base = whence == SEEK_CUR ? reader->position : whence == SEEK_END ? reader->job->count : 0;
  toff_t position = base + offset;
  // What lies after the end has nothing to read.
  reader->position = position > reader->job->count ? reader->job->count : (size_t)position;
  return position;
}

static int close_nothing(thandle_t handle) {
  (void)handle;
  return 0;
}

static toff_t find_size(thandle_t handle) { return ((struct tiff_reader *)handle)->job->count; }

static int map_nothing(thandle_t handle, void **bytes, toff_t *count) {
  (void)handle;
  (void)bytes;
  (void)count;
  return 0;
}

static void unmap_nothing(thandle_t handle, void *bytes, toff_t count) {
  (void)handle;
  (void)bytes;
  (void)count;
}

void ingot_tiff_open(struct tiff_reader *reader) {
  last_error[0] = 0;
  // Not mapped into memory, and strips as they are, not divided.
  reader->tiff = ingot_tiff_api.open(
      "image", "rmc", reader, read_bytes, write_nothing, seek, close_nothing, find_size, map_nothing, unmap_nothing);
}
