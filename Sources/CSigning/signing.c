#include "signing.h"

#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

// MARK: Keys

static int curve_bits(EVP_PKEY *key) {
  char name[64];
  size_t length = 0;
  if (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC) return 0;
  if (EVP_PKEY_get_group_name(key, name, sizeof name, &length) != 1) return 0;
  if (strcmp(name, "prime256v1") == 0 || strcmp(name, "P-256") == 0) return 256;
  if (strcmp(name, "secp384r1") == 0 || strcmp(name, "P-384") == 0) return 384;
  if (strcmp(name, "secp521r1") == 0 || strcmp(name, "P-521") == 0) return 521;
  return 0;
}

/// Takes the key over.
static int checked(EVP_PKEY *key, void **out) {
  if (curve_bits(key) == 0) {
    EVP_PKEY_free(key);
    return INGOT_SIGNING_OTHER_KEY;
  }
  // Keys are told by their text, in which the point is written whole, however it was read.
  if (EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "uncompressed") != 1) {
    EVP_PKEY_free(key);
    return INGOT_SIGNING_FAILED;
  }
  *out = key;
  return INGOT_SIGNING_DONE;
}

struct password {
  const char *text;
  int asked;
};

static int give_password(char *buffer, int room, int writing, void *context) {
  (void)writing;
  struct password *password = context;
  password->asked = 1;
  if (password->text == NULL) return -1;
  size_t length = strlen(password->text);
  if (length > (size_t)room) return -1;
  memcpy(buffer, password->text, length);
  return (int)length;
}

int ingot_key_private(const uint8_t *pem, size_t count, const char *text, void **key) {
  if (count > INT_MAX) return INGOT_SIGNING_NO_KEY;
  BIO *bio = BIO_new_mem_buf(pem, (int)count);
  if (bio == NULL) return INGOT_SIGNING_FAILED;
  struct password password = {text, 0};
  EVP_PKEY *found = PEM_read_bio_PrivateKey(bio, NULL, give_password, &password);
  BIO_free(bio);
  ERR_clear_error();
  if (found == NULL) return password.asked ? INGOT_SIGNING_PASSWORD : INGOT_SIGNING_NO_KEY;
  return checked(found, key);
}

int ingot_key_public(const uint8_t *pem, size_t count, void **key) {
  if (count > INT_MAX) return INGOT_SIGNING_NO_KEY;
  BIO *bio = BIO_new_mem_buf(pem, (int)count);
  if (bio == NULL) return INGOT_SIGNING_FAILED;
  EVP_PKEY *found = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
  BIO_free(bio);
  ERR_clear_error();
  return found == NULL ? INGOT_SIGNING_NO_KEY : checked(found, key);
}

void ingot_key_free(void *key) { EVP_PKEY_free(key); }

int ingot_key_bits(void *key) { return curve_bits(key); }

int ingot_key_is_same(void *key, void *other) {
  int same = EVP_PKEY_eq(key, other) == 1;
  ERR_clear_error();
  return same;
}

/// What was written into memory; frees it.
static long taken(BIO *bio, int done, uint8_t *out, size_t room) {
  char *data = NULL;
  long length = done ? BIO_get_mem_data(bio, &data) : -1;
  if (length > 0 && (size_t)length <= room) memcpy(out, data, (size_t)length);
  BIO_free(bio);
  ERR_clear_error();
  return length;
}

long ingot_key_text(void *key, uint8_t *out, size_t room) {
  BIO *bio = BIO_new(BIO_s_mem());
  if (bio == NULL) return -1;
  return taken(bio, PEM_write_bio_PUBKEY(bio, key) == 1, out, room);
}

// MARK: Signatures

static const EVP_MD *digest(EVP_PKEY *key) {
  switch (curve_bits(key)) {
  case 256: return EVP_sha256();
  case 384: return EVP_sha384();
  case 521: return EVP_sha512();
  default: return NULL;
  }
}

long ingot_sign(void *key, const uint8_t *message, size_t count, uint8_t *out, size_t room) {
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  size_t length = room;
  int done = context != NULL && digest(key) != NULL && EVP_DigestSignInit(context, NULL, digest(key), NULL, key) == 1 &&
             EVP_DigestSign(context, out, &length, message, count) == 1;
  EVP_MD_CTX_free(context);
  ERR_clear_error();
  return done && length <= LONG_MAX ? (long)length : -1;
}

int ingot_is_signature(
  void *key, const uint8_t *message, size_t count, const uint8_t *signature, size_t signature_count) {
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  int good = context != NULL && digest(key) != NULL &&
             EVP_DigestVerifyInit(context, NULL, digest(key), NULL, key) == 1 &&
             EVP_DigestVerify(context, signature, signature_count, message, count) == 1;
  EVP_MD_CTX_free(context);
  ERR_clear_error();
  return good;
}

// MARK: Certificates

static X509 *certificate(const uint8_t *der, size_t count) {
  if (count > LONG_MAX) return NULL;
  const uint8_t *end = der;
  X509 *found = d2i_X509(NULL, &end, (long)count);
  ERR_clear_error();
  if (found != NULL && end != der + count) {
    X509_free(found);
    return NULL;
  }
  return found;
}

int ingot_is_certificate(const uint8_t *der, size_t count) {
  X509 *found = certificate(der, count);
  X509_free(found);
  return found != NULL;
}

int ingot_key_of_certificate(const uint8_t *der, size_t count, void **key) {
  X509 *found = certificate(der, count);
  EVP_PKEY *public = found == NULL ? NULL : X509_get_pubkey(found);
  X509_free(found);
  ERR_clear_error();
  return public == NULL ? INGOT_SIGNING_NO_KEY : checked(public, key);
}

/// UTF-8 stays; what is no character of a line is escaped.
static long written(const X509_NAME *name, uint8_t *out, size_t room) {
  BIO *bio = BIO_new(BIO_s_mem());
  if (bio == NULL) return -1;
  unsigned long form = XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB;
  return taken(bio, X509_NAME_print_ex(bio, name, 0, form) >= 0, out, room);
}

long ingot_certificate_name(const uint8_t *der, size_t count, int issuer, uint8_t *out, size_t room) {
  X509 *found = certificate(der, count);
  if (found == NULL) return -1;
  long length = written(issuer ? X509_get_issuer_name(found) : X509_get_subject_name(found), out, room);
  X509_free(found);
  return length;
}

int ingot_certificate_signs(const uint8_t *der, size_t count) {
  X509 *found = certificate(der, count);
  if (found == NULL) return 0;
  // UINT32_MAX where a certificate has no such extension.
  uint32_t usage = X509_get_key_usage(found);
  uint32_t extended = X509_get_extended_key_usage(found);
  int signs = usage != UINT32_MAX ? (usage & KU_DIGITAL_SIGNATURE) != 0
                                  : extended != UINT32_MAX && (extended & XKU_CODE_SIGN) != 0;
  X509_free(found);
  ERR_clear_error();
  return signs;
}

/// -1 where the time is none.
static time_t time_of(const ASN1_TIME *moment) {
  struct tm parts;
  memset(&parts, 0, sizeof parts);
  return ASN1_TIME_to_tm(moment, &parts) == 1 ? timegm(&parts) : -1;
}

const char *ingot_chain_problem(
  const uint8_t *chain, const size_t *lengths, size_t count, const uint8_t *trusted, const size_t *trusted_lengths,
  size_t trusted_count, uint8_t *out, size_t room, long *length) {
  const char *problem = "libcrypto can't verify certificates";
  X509 *first = NULL;
  X509_STORE *store = X509_STORE_new();
  X509_STORE_CTX *context = X509_STORE_CTX_new();
  STACK_OF(X509) *others = sk_X509_new_null();
  *length = -1;
  if (store == NULL || context == NULL || others == NULL || count == 0) goto done;
  for (size_t number = 0; number < trusted_count; number++) {
    X509 *one = certificate(trusted, trusted_lengths[number]);
    trusted += trusted_lengths[number];
    int added = one != NULL && X509_STORE_add_cert(store, one) == 1;
    X509_free(one);
    if (!added) goto done;
  }
  for (size_t number = 0; number < count; number++) {
    X509 *one = certificate(chain, lengths[number]);
    chain += lengths[number];
    if (one == NULL) goto done;
    if (number == 0) {
      first = one;
    } else if (sk_X509_push(others, one) <= 0) {
      X509_free(one);
      goto done;
    }
  }
  if (X509_STORE_CTX_init(context, store, first, others) != 1) goto done;
  time_t start = time_of(X509_get0_notBefore(first));
  if (start == -1) {
    problem = "the certificate does not say since when it is valid";
    goto done;
  }
  X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(context), start);
  if (X509_verify_cert(context) == 1) {
    problem = NULL;
  } else {
    int code = X509_STORE_CTX_get_error(context);
    X509 *concerned = X509_STORE_CTX_get_current_cert(context);
    *length = written(X509_get_subject_name(concerned == NULL ? first : concerned), out, room);
    if (code != X509_V_OK) problem = X509_verify_cert_error_string(code);
  }
done:
  sk_X509_pop_free(others, X509_free);
  X509_STORE_CTX_free(context);
  X509_STORE_free(store);
  X509_free(first);
  ERR_clear_error();
  return problem;
}
