/// SHA-256 of two streams of bytes at once, for processors that have instructions for it. One stream alone leaves such a
/// processor waiting for its own results half of the time: two take about two thirds of what they take one after the other.
#ifndef INGOT_DIGESTS_H
#define INGOT_DIGESTS_H

#include <stddef.h>
#include <stdint.h>

/// A digest that isn't finished.
typedef struct {
  uint32_t state[8];
  /// Bytes that came, and those of them that don't fill a block yet.
  uint64_t count;
  uint8_t rest[64];
} ingot_sha256;

/// Whether this processor has the instructions. Nothing else here may be called where it hasn't.
int ingot_sha256_is_there(void);

void ingot_sha256_begin(ingot_sha256 *digest);

void ingot_sha256_update(ingot_sha256 *digest, const void *bytes, size_t count);

/// Takes in bytes of two, which may be the same bytes but not the same digest.
void ingot_sha256_update_both(
    ingot_sha256 *first, const void *first_bytes, size_t first_count, ingot_sha256 *second, const void *second_bytes,
    size_t second_count);

/// Writes 32 bytes; the digest is one of nothing again then.
void ingot_sha256_finish(ingot_sha256 *digest, uint8_t *bytes);

#endif
