#include <zlib.h>

/// `inflateInit2`, which is a macro. `bits`: 31 for gzip, 15 for zlib, -15 for bare deflate.
static inline int ingot_zlib_start(z_stream *stream, int bits) { return inflateInit2(stream, bits); }
