// GIF by libgif: the first image, as Pillow 13.0.0 shows it (GifImagePlugin.py). The canvas is large enough for both the
// screen and the image; where the image isn't, it has the transparent color if there is one, else color 0.

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <gif_lib.h>

#include "image_job.h"

static struct {
  GifFileType *(*open)(void *data, InputFunc read, int *error);
  int (*close)(GifFileType *gif, int *error);
  int (*get_record_type)(GifFileType *gif, GifRecordType *type);
  int (*get_image)(GifFileType *gif);
  int (*get_line)(GifFileType *gif, GifPixelType *line, int count);
  int (*get_extension)(GifFileType *gif, int *code, GifByteType **block);
  int (*get_extension_next)(GifFileType *gif, GifByteType **block);
  const char *(*error_string)(int code);
} gif;
static int is_loaded;

static void load(void) {
  static const char *const names[] = {"libgif.so.7", "libgif.so", NULL};
  static const char *const symbols[] = {"DGifOpen",    "DGifCloseFile",    "DGifGetRecordType",    "DGifGetImageDesc",
                                        "DGifGetLine", "DGifGetExtension", "DGifGetExtensionNext", "GifErrorString"};
  void *functions[8];
  _Static_assert(sizeof gif == sizeof functions, "one address for each function");
  is_loaded = ingot_image_load(names, symbols, functions, 8);
  if (is_loaded) memcpy(&gif, functions, sizeof gif);
}

struct gif_reader {
  struct ingot_image_job *job;
  size_t position;
  /// The transparent color; below 0 if there is none.
  int transparent;
};

static int read_bytes(GifFileType *file, GifByteType *bytes, int count) {
  struct gif_reader *reader = file->UserData;
  size_t rest = reader->job->count - reader->position, wanted = count > 0 ? (size_t)count : 0;
  if (rest == 0 && wanted == 1) {
    // The end of a list of blocks, where the file has none: it is not missed once there are all pixels, and an error
    // to the library before.
    bytes[0] = 0;
    return 1;
  }
  size_t got = wanted < rest ? wanted : rest;
  memcpy(bytes, reader->job->bytes + reader->position, got);
  reader->position += got;
  return (int)got;
}

static int refuse(struct gif_reader *reader, GifFileType *file) {
  if (file->Error == D_GIF_ERR_NOT_ENOUGH_MEM) return ingot_image_no_memory(reader->job);
  if (reader->position == reader->job->count) {
    return ingot_image_refuse(reader->job, INGOT_IMAGE_BAD_DATA, "GIF: the file ends before the image does");
  }
  const char *message = gif.error_string(file->Error);
  return ingot_image_refuse(
      reader->job, INGOT_IMAGE_BAD_DATA, "GIF: %s", message ? message : "the file is damaged");
}

/// Skips an extension, all but the one that says which color is transparent.
static int read_extension(struct gif_reader *reader, GifFileType *file) {
  int code;
  GifByteType *block;
  if (gif.get_extension(file, &code, &block) != GIF_OK) return refuse(reader, file);
  if (code == GRAPHICS_EXT_FUNC_CODE && block) {
    // The first byte counts those that follow.
    if (block[0] < 4) {
      return ingot_image_refuse(reader->job, INGOT_IMAGE_BAD_DATA, "GIF: a graphic control block is cut short");
    }
    if (block[1] & 1) reader->transparent = block[4];
  }
  while (block) {
    if (gif.get_extension_next(file, &block) != GIF_OK) return refuse(reader, file);
  }
  return 0;
}

/// Goes to the first image. Returns 0 or a status.
static int find_image(struct gif_reader *reader, GifFileType *file) {
  for (;;) {
    GifRecordType type;
    if (gif.get_record_type(file, &type) != GIF_OK) return refuse(reader, file);
    if (type == IMAGE_DESC_RECORD_TYPE) return gif.get_image(file) == GIF_OK ? 0 : refuse(reader, file);
    if (type == TERMINATE_RECORD_TYPE) {
      return ingot_image_refuse(reader->job, INGOT_IMAGE_BAD_DATA, "GIF: there is no image in it");
    }
    if (type == EXTENSION_RECORD_TYPE) {
      int status = read_extension(reader, file);
      if (status) return status;
    }
  }
}

/// Fills a palette: 256 colors, black where the file has none, or shades of grey if it has no palette at all.
static void fill_palette(uint8_t palette[256][3], const GifFileType *file) {
  const ColorMapObject *map = file->Image.ColorMap ? file->Image.ColorMap : file->SColorMap;
  memset(palette, 0, 256 * 3);
  int is_grey = 1;
  for (int index = 0; map && index < map->ColorCount && index < 256; index++) {
    const GifColorType *color = &map->Colors[index];
    palette[index][0] = color->Red;
    palette[index][1] = color->Green;
    palette[index][2] = color->Blue;
    is_grey &= color->Red == index && color->Green == index && color->Blue == index;
  }
  // A palette of nothing but the greys of the same number counts as none.
  for (int index = 0; is_grey && index < 256; index++) memset(palette[index], index, 3);
}

static int read_pixels(struct gif_reader *reader, GifFileType *file, GifPixelType *line) {
  uint8_t palette[256][3];
  fill_palette(palette, file);
  ingot_picture *picture = reader->job->picture;
  const uint8_t *blank = palette[reader->transparent < 0 ? 0 : reader->transparent];
  for (size_t index = 0; index < picture->width * picture->height; index++) {
    memcpy(picture->pixels + 3 * index, blank, 3);
  }

  static const int first[] = {0, 4, 2, 1}, step[] = {8, 8, 4, 2};
  int pass = 0, y = 0;
  for (int count = 0; count < file->Image.Height; count++) {
    if (gif.get_line(file, line, file->Image.Width) != GIF_OK) return refuse(reader, file);
    uint8_t *rgb =
        picture->pixels + ((size_t)(file->Image.Top + y) * picture->width + (size_t)file->Image.Left) * 3;
    for (int x = 0; x < file->Image.Width; x++) memcpy(rgb + 3 * x, palette[line[x]], 3);
    if (!file->Image.Interlace) {
      y++;
    } else {
      y += step[pass];
      while (y >= file->Image.Height && pass < 3) y = first[++pass];
    }
  }
  return 0;
}

static int read_file(struct gif_reader *reader, GifFileType *file) {
  int status = find_image(reader, file);
  if (status) return status;
  const GifImageDesc *image = &file->Image;
  // All of these are 16-bit numbers without sign in the file.
  if (image->Width <= 0 || image->Height <= 0 || image->Left < 0 || image->Top < 0) {
    return ingot_image_refuse(reader->job, INGOT_IMAGE_BAD_DATA, "GIF: its image has no pixels");
  }
  long long right = (long long)image->Left + image->Width, bottom = (long long)image->Top + image->Height;
  long long width = right > file->SWidth ? right : file->SWidth;
  long long height = bottom > file->SHeight ? bottom : file->SHeight;
  status = ingot_image_allocate(reader->job, (unsigned long long)width, (unsigned long long)height);
  if (status) return status;
  GifPixelType *line = malloc((size_t)image->Width);
  if (!line) return ingot_image_no_memory(reader->job);
  status = read_pixels(reader, file, line);
  free(line);
  return status;
}

int ingot_image_read_gif(struct ingot_image_job *job) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, load);
  if (!is_loaded) return ingot_image_refuse(job, INGOT_IMAGE_UNAVAILABLE, "needs libgif, which is not installed");
  struct gif_reader reader = {.job = job, .transparent = -1};
  if (job->count < 13) return ingot_image_refuse(job, INGOT_IMAGE_BAD_DATA, "GIF: the file ends before the image does");
  int error = 0;
  GifFileType *file = gif.open(&reader, read_bytes, &error);
  if (!file) {
    if (error == D_GIF_ERR_NOT_ENOUGH_MEM) return ingot_image_no_memory(job);
    return ingot_image_refuse(job, INGOT_IMAGE_BAD_DATA, "GIF: the header is damaged or cut short");
  }
  int status = read_file(&reader, file);
  gif.close(file, &error);
  return status;
}
