#ifndef INGOT_SIGNING_H
#define INGOT_SIGNING_H

#include <stddef.h>
#include <stdint.h>

// Signatures by keys of elliptic curves (ECDSA, FIPS 186-5) and chains of X.509 certificates (RFC 5280), by OpenSSL's
// libcrypto. Bytes go in and come out; whoever gives room for what comes out is told how much there would have been.

enum ingot_signing_status {
  INGOT_SIGNING_DONE = 0,
  /// The text holds no such key.
  INGOT_SIGNING_NO_KEY = 1,
  /// The key is encrypted, and there is no password for it, or another.
  INGOT_SIGNING_PASSWORD = 2,
  /// The key is not one of a curve P-256, P-384 or P-521.
  INGOT_SIGNING_OTHER_KEY = 3,
  /// libcrypto failed.
  INGOT_SIGNING_FAILED = 4,
};

/// Reads a private key (PKCS #8 or SEC 1, in PEM; `password` may be NULL), a public one (SubjectPublicKeyInfo in PEM), or that
/// of a certificate (in DER). The key is to be let go by `ingot_key_free`. Returns a status.
int ingot_key_private(const uint8_t *pem, size_t count, const char *password, void **key);
int ingot_key_public(const uint8_t *pem, size_t count, void **key);
int ingot_key_of_certificate(const uint8_t *der, size_t count, void **key);
void ingot_key_free(void *key);

/// 256, 384 or 521.
int ingot_key_bits(void *key);
/// Whether both have the same public key.
int ingot_key_is_same(void *key, void *other);
/// The public key as PEM text. Returns its length, or -1.
long ingot_key_text(void *key, uint8_t *out, size_t room);

/// The signature of a message in DER, by SHA-256, SHA-384 or SHA-512 as the curve demands. Returns its length, or -1.
long ingot_sign(void *key, const uint8_t *message, size_t count, uint8_t *out, size_t room);
/// Whether the signature is that key's of that message.
int ingot_is_signature(
  void *key, const uint8_t *message, size_t count, const uint8_t *signature, size_t signature_count);

/// Whether the bytes are a certificate in DER and nothing else.
int ingot_is_certificate(const uint8_t *der, size_t count);
/// The name of whom a certificate is of, or of who issued it, as in RFC 2253. Returns its length, or -1.
long ingot_certificate_name(const uint8_t *der, size_t count, int issuer, uint8_t *out, size_t room);
/// Whether a certificate's key may sign: its key usage, where it says any, has digitalSignature; else its extended key usage
/// has codeSigning (RFC 5280, 4.2.1.3 and 4.2.1.12).
int ingot_certificate_signs(const uint8_t *der, size_t count);

/// Whether the first of `count` certificates, which follow each other in `chain`, can be followed through the others to one
/// of `trusted`, as things were when it became valid. Returns NULL when it can, else what stands against it, in words that
/// last; `out` then gets the name of whom the certificate concerned is of, and `length` its length, or -1.
const char *ingot_chain_problem(
  const uint8_t *chain, const size_t *lengths, size_t count, const uint8_t *trusted, const size_t *trusted_lengths,
  size_t trusted_count, uint8_t *out, size_t room, long *length);

#endif
