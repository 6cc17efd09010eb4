#ifndef INGOT_IMAGES_H
#define INGOT_IMAGES_H

// Reads image files into RGB, and resizes: with the same bytes, to the last bit, as Pillow 13.0.0 gives for
// `Image.open(file).convert("RGB")` and `.resize((width, height), Image.BICUBIC)`, or another filter.
//
// JPEG and PNG are read by libjpeg and libpng, to which the program is linked; WebP and TIFF by libwebp and libtiff,
// which are loaded when the first such file comes; GIF and BMP by code of its own. All may be called from several
// threads at once.

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
  /// What the functions return: the numbers of sysexits.h.
  INGOT_IMAGE_OK = 0,
  INGOT_IMAGE_BAD_DATA = 65,
  INGOT_IMAGE_UNAVAILABLE = 69,
  INGOT_IMAGE_NO_MEMORY = 74,
};

/// The bytes of a reason, with the zero at the end.
#define INGOT_IMAGE_REASON 256

/// An image in RGB: three bytes a pixel, pixels and rows adjacent, the upper left one first. To be freed by
/// `ingot_picture_free`.
typedef struct ingot_picture {
  uint8_t *pixels;
  size_t width, height;
} ingot_picture;

/// Names the format of a file by how it begins: "JPEG", "PNG", "WebP", "BMP", "GIF", "TIFF", or NULL if it is none of
/// these.
const char *ingot_image_format(const uint8_t *bytes, size_t count);

/// Loads the library that reads an image which begins so, if it is read by one that is loaded: for a process that can't open
/// anything later. Whether it is there shows in `ingot_image_decode`.
void ingot_image_prepare(const uint8_t *bytes, size_t count);

/// Reads the image of a file, of several the first. An orientation in EXIF data is not applied; that of a TIFF file is.
/// Alpha is dropped, not blended: a transparent pixel has whatever color is stored.
///
/// The size is checked against `max_pixels` before there is memory for it. Returns 0; 65 if this is no image, or a
/// damaged or unsupported one; 69 if a library is not installed; 74 if there is not enough memory. Unless it is 0,
/// `picture` is empty and `reason` says why in one line, without naming the file: "is not an image of a known format;
/// known are …", "JPEG: the file ends before the image does", "is 30000 × 30000 pixels: more than the 178956970
/// allowed".
int ingot_image_decode(
    const uint8_t *bytes, size_t count, unsigned long long max_pixels, ingot_picture *picture,
    char reason[INGOT_IMAGE_REASON]);

/// Frees the pixels, and makes the picture an empty one.
void ingot_picture_free(ingot_picture *picture);

/// Which filter resizes.
typedef enum ingot_image_filter {
  INGOT_IMAGE_BICUBIC = 0,
  INGOT_IMAGE_BILINEAR = 1,
  INGOT_IMAGE_NEAREST = 2,
  INGOT_IMAGE_LANCZOS = 3,
  INGOT_IMAGE_BOX = 4,
  INGOT_IMAGE_HAMMING = 5,
} ingot_image_filter;

/// Whose arithmetic resizes.
typedef enum ingot_image_method { INGOT_IMAGE_PILLOW = 0, INGOT_IMAGE_TORCHVISION = 1 } ingot_image_method;

/// Resizes as Pillow 13.0.0 does with that filter, or as torchvision 0.29 with PyTorch 2.15 does with bytes on a processor
/// with AVX2, AVX-512 or of arm64 (there is no box and Hamming filter then): antialiased when it gets smaller (but for the nearest sample), each of the two
/// passes rounded to 8 bits. `rgb` and `out` are pictures of the sizes named, each at least 1, that don't overlap. Returns 0;
/// 65 if a size is 0 or the method has no such filter; 74 if there is not enough memory.
int ingot_image_resize(
    const uint8_t *rgb, size_t width, size_t height, size_t out_width, size_t out_height,
    ingot_image_filter filter, ingot_image_method method, uint8_t *out);

/// Writes a picture of that size as JPEG of a quality from 1 to 100, with half the resolution of color. `bytes` are to be
/// freed by `ingot_image_free_bytes`. Returns 0; 65 if a side is 0 or above 65500; 74 if there is not enough memory.
int ingot_image_encode_jpeg(
    const uint8_t *rgb, size_t width, size_t height, int quality, uint8_t **bytes, size_t *count);

/// Writes a picture of that size as PNG. `bytes` are to be freed by `ingot_image_free_bytes`. Returns 0; 65 if a side is 0
/// or above 65500; 74 if there is not enough memory.
int ingot_image_encode_png(const uint8_t *rgb, size_t width, size_t height, uint8_t **bytes, size_t *count);

void ingot_image_free_bytes(uint8_t *bytes);

#ifdef __cplusplus
}
#endif

#endif
