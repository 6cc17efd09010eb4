#ifndef INGOT_FETCH_H
#define INGOT_FETCH_H

// One HTTP request at a time by libcurl, which is loaded at run time, when the first address is asked for and not before.
// Redirects are not followed here: who asks decides what goes to which host.

#include <stddef.h>
#include <stdint.h>

/// What becomes of a request.
enum ingot_fetch_outcome {
  /// The server answered, with whatever status.
  INGOT_FETCH_DONE = 0,
  /// A callback said that enough is there.
  INGOT_FETCH_STOPPED,
  /// The library isn't there, or too old.
  INGOT_FETCH_UNAVAILABLE,
  /// The host's name is not known, or nobody answers there.
  INGOT_FETCH_UNREACHABLE,
  /// Nothing, or too little, came for too long.
  INGOT_FETCH_TIMEOUT,
  /// The connection ended before the answer did.
  INGOT_FETCH_CUT,
  /// Who answers can't show that it is the host.
  INGOT_FETCH_UNTRUSTED,
  /// What came is no HTTP answer.
  INGOT_FETCH_MALFORMED,
  /// A header is longer than libcurl takes (100 kB).
  INGOT_FETCH_TOO_LONG,
};

struct ingot_fetch_request {
  const char *url;
  /// Written after "Range: bytes="; NULL asks for all.
  const char *range;
  /// Whether only the headers are asked for.
  int is_head;
  /// Whether it may only connect to addresses of the world, within `timeout` as a whole: see `ingot_fetch_is_public`.
  int is_public_only;
  /// The request's own headers, each with a line feed behind it.
  const char *headers;
  const char *user_agent;
  /// Seconds until a connection must stand, and for which less than a kilobyte a second may come.
  long timeout;
  /// File with the certificates of authorities; NULL: the library's own.
  const char *authorities;
  /// A header line with its end, or the status line; nonzero ends the request.
  int (*on_header)(void *context, const char *line, size_t length);
  /// A piece of the body; nonzero ends the request.
  int (*on_body)(void *context, const uint8_t *bytes, size_t length);
  void *context;
};

struct ingot_fetch_answer {
  enum ingot_fetch_outcome outcome;
  /// The HTTP status; 0 where none came.
  long status;
  /// What libcurl says of a failure.
  char message[256];
};

/// A connection that is kept between requests. NULL where the library can't be had; `answer` tells why.
void *ingot_fetch_open(struct ingot_fetch_answer *answer);

/// Makes a request, and waits for its end.
void ingot_fetch_perform(
    void *connection, const struct ingot_fetch_request *request, struct ingot_fetch_answer *answer);

void ingot_fetch_close(void *connection);

/// Whether a numeric address of either version is one of the world's: not this machine's, a private network's, one of many
/// receivers, a tunnel's or an example's. 0 for what is no address.
int ingot_fetch_is_public(const char *address);

#endif
