// GIF: the first image, as Pillow 13.0.0 shows it (GifImagePlugin.py, src/libImaging/GifDecode.c). The canvas is large
// enough for both the screen and the image; where the image isn't, it has the transparent color if there is one, else
// color 0.
//
// This is code of its own because libgif accepts damaged data that Pillow refuses.

#include <string.h>

#include "image_job.h"

enum {
  /// Codes have at most 12 bits.
  MOST_BITS = 12,
  CODES = 1 << MOST_BITS,
};

struct gif {
  struct ingot_image_job *job;
  size_t position;
  /// The transparent color; below 0 if there is none.
  int transparent;
  unsigned screen_width, screen_height;
  unsigned left, top, width, height;
  int is_interlaced;
  uint8_t palette[256][3];

  /// Bits that were read and not used, and the bytes left of a block.
  uint32_t bits;
  unsigned bit_count, block_left;
  /// What a code stands for: what `link` stands for, then `last`.
  uint16_t link[CODES];
  uint8_t last[CODES];
  /// A string of pixels, made from its end.
  uint8_t string[CODES];
};

static int refuse(struct gif *gif, const char *reason) {
  return ingot_image_refuse(gif->job, INGOT_IMAGE_BAD_DATA, "GIF: %s", reason);
}

static int refuse_cut_short(struct gif *gif) { return refuse(gif, "the file ends before the image does"); }

/// The next `count` bytes, or NULL where the file ends.
static const uint8_t *take(struct gif *gif, size_t count) {
  if (gif->job->count - gif->position < count) return NULL;
  const uint8_t *bytes = gif->job->bytes + gif->position;
  gif->position += count;
  return bytes;
}

/// The next block of data and its length, which is 0 at the end of a list of blocks and where the file ends.
static const uint8_t *take_block(struct gif *gif, size_t *length) {
  const uint8_t *first = take(gif, 1);
  size_t rest = gif->job->count - gif->position;
  *length = first ? (*first < rest ? *first : rest) : 0;
  return take(gif, *length);
}

/// Reads a palette; there is black beyond it. One of nothing but the greys of the same number counts as none, which is
/// 256 shades of grey. Returns whether the file has all of it.
static int read_palette(struct gif *gif, unsigned flags) {
  unsigned count = 2u << (flags & 7);
  const uint8_t *colors = take(gif, 3 * (size_t)count);
  if (!colors) return 0;
  memset(gif->palette, 0, sizeof gif->palette);
  memcpy(gif->palette, colors, 3 * (size_t)count);
  int is_grey = 1;
  for (unsigned index = 0; index < count; index++) {
    for (int channel = 0; channel < 3; channel++) is_grey &= gif->palette[index][channel] == index;
  }
  for (int index = 0; is_grey && index < 256; index++) memset(gif->palette[index], index, 3);
  return 1;
}

/// Skips an extension, all but what says which color is transparent.
static int read_extension(struct gif *gif) {
  const uint8_t *label = take(gif, 1);
  if (!label) return refuse_cut_short(gif);
  size_t length;
  const uint8_t *block = take_block(gif, &length);
  if (*label == 0xf9 && gif->job->bytes[gif->position - length - 1] != 0) {
    if (length < 3 || ((block[0] & 1) && length < 4)) return refuse(gif, "a graphic control block is cut short");
    if (block[0] & 1) gif->transparent = block[3];
  }
  // A comment may have no blocks at all. Of the others Pillow takes for granted that they have one.
  if (*label == 0xfe && length == 0) return 0;
  if (*label == 0xff && length >= 11 && memcmp(block, "NETSCAPE2.0", 11) == 0) take_block(gif, &length);
  do {
    take_block(gif, &length);
  } while (length > 0);
  return 0;
}

/// Reads all before the pixels. Returns 0 or a status.
static int read_header(struct gif *gif) {
  const uint8_t *header = take(gif, 13);
  if (!header) return refuse_cut_short(gif);
  gif->screen_width = ingot_little16(header + 6);
  gif->screen_height = ingot_little16(header + 8);
  for (int index = 0; index < 256; index++) memset(gif->palette[index], index, 3);
  if ((header[10] & 0x80) && !read_palette(gif, header[10])) return refuse_cut_short(gif);
  for (;;) {
    const uint8_t *kind = take(gif, 1);
    if (!kind || *kind == ';') return refuse(gif, "there is no image in it");
    if (*kind == ',') break;
    // Whatever is neither an image nor an extension is skipped.
    int status = *kind == '!' ? read_extension(gif) : 0;
    if (status) return status;
  }
  const uint8_t *image = take(gif, 9);
  if (!image) return refuse_cut_short(gif);
  gif->left = ingot_little16(image);
  gif->top = ingot_little16(image + 2);
  gif->width = ingot_little16(image + 4);
  gif->height = ingot_little16(image + 6);
  gif->is_interlaced = (image[8] & 0x40) != 0;
  if ((image[8] & 0x80) && !read_palette(gif, image[8])) return refuse_cut_short(gif);
  if (gif->width == 0 || gif->height == 0) return refuse(gif, "its image has no pixels");
  return 0;
}

/// Reads a code of `size` bits. Returns it, or -1 where the file ends. A block that the file doesn't have all of isn't
/// used.
static int read_code(struct gif *gif, unsigned size) {
  while (gif->bit_count < size) {
    if (gif->block_left == 0) {
      const uint8_t *length = take(gif, 1);
      if (!length || gif->job->count - gif->position < *length) return -1;
      gif->block_left = *length;
      continue;
    }
    gif->bits |= (uint32_t)gif->job->bytes[gif->position++] << gif->bit_count;
    gif->bit_count += 8;
    gif->block_left--;
  }
  int code = (int)(gif->bits & ((1u << size) - 1));
  gif->bits >>= size;
  gif->bit_count -= size;
  return code;
}

/// Where the next pixel goes.
struct place {
  unsigned x, y;
  int pass;
};

/// Puts pixels down. Returns whether the image is complete; what is too much is dropped.
static int put(struct gif *gif, struct place *place, const uint8_t *pixels, size_t count) {
  static const unsigned first[] = {0, 4, 2, 1}, step[] = {8, 8, 4, 2};
  const ingot_picture *picture = gif->job->picture;
  for (size_t index = 0; index < count; index++) {
    size_t pixel = (size_t)(gif->top + place->y) * picture->width + gif->left + place->x;
    memcpy(picture->pixels + 3 * pixel, gif->palette[pixels[index]], 3);
    if (++place->x < gif->width) continue;
    place->x = 0;
    place->y += gif->is_interlaced ? step[place->pass] : 1;
    while (gif->is_interlaced && place->y >= gif->height && place->pass < 3) place->y = first[++place->pass];
    if (place->y >= gif->height) return 1;
  }
  return 0;
}

static int read_pixels(struct gif *gif) {
  const uint8_t *bits = take(gif, 1);
  if (!bits) return refuse_cut_short(gif);
  if (*bits > MOST_BITS) return refuse(gif, "its codes are too long");
  static const char damaged[] = "a code in the image data is out of range";
  int clear = 1 << *bits, next = clear + 2, previous = -1;
  unsigned size = *bits + 1u;
  uint8_t previous_first = 0;
  struct place place = {0};
  for (;;) {
    int code = read_code(gif, size);
    if (code < 0) return refuse_cut_short(gif);
    if (code == clear) {
      next = clear + 2;
      size = *bits + 1u;
      previous = -1;
      continue;
    }
    if (code == clear + 1) return refuse_cut_short(gif);
    size_t start = CODES;
    if (previous < 0) {
      if (code > clear) return refuse(gif, damaged);
      previous_first = (uint8_t)code;
      gif->string[--start] = previous_first;
    } else {
      if (code > next) return refuse(gif, damaged);
      int rest = code;
      if (code == next) {
        // The string before, and its own first pixel once more.
        gif->string[--start] = previous_first;
        rest = previous;
      }
      for (; rest >= clear; rest = gif->link[rest]) {
        // No string is longer than there are codes; it takes damage to get here with one that seems to be.
        if (start == 0 || rest >= CODES || rest < clear + 2 || rest >= next) return refuse(gif, damaged);
        gif->string[--start] = gif->last[rest];
      }
      if (start == 0) return refuse(gif, damaged);
      previous_first = (uint8_t)rest;
      gif->string[--start] = previous_first;
      if (next < CODES) {
        gif->last[next] = previous_first;
        gif->link[next] = (uint16_t)previous;
        if (next == (1 << size) - 1 && size < MOST_BITS) size++;
        next++;
      }
    }
    previous = code;
    if (put(gif, &place, gif->string + start, CODES - start)) return 0;
  }
}

int ingot_image_read_gif(struct ingot_image_job *job) {
  struct gif gif = {.job = job, .transparent = -1};
  int status = read_header(&gif);
  if (status) return status;
  unsigned right = gif.left + gif.width, bottom = gif.top + gif.height;
  if (right < gif.screen_width) right = gif.screen_width;
  if (bottom < gif.screen_height) bottom = gif.screen_height;
  status = ingot_image_allocate(job, right, bottom);
  if (status) return status;
  const uint8_t *blank = gif.palette[gif.transparent < 0 ? 0 : gif.transparent];
  for (size_t index = 0; index < job->picture->width * job->picture->height; index++) {
    memcpy(job->picture->pixels + 3 * index, blank, 3);
  }
  return read_pixels(&gif);
}
