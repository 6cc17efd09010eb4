#include "ingot_fetch.h"

// Its checks of types are macros that a pointer can't stand in.
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "loading.h"
#include "public_address.h"

// Debian builds libcurl with OpenSSL and with GnuTLS; either will do.
#define SONAMES "libcurl.so.4" INGOT_OR "libcurl-gnutls.so.4"
INGOT_LOADS(addresses, "inspect and fetch nets by their addresses", SONAMES);

#define FUNCTIONS(each) each(curl_global_init) each(curl_easy_init) each(curl_easy_setopt) each(curl_easy_perform) each( \
    curl_easy_getinfo) each(curl_easy_cleanup) each(curl_easy_reset) each(curl_easy_strerror) each(curl_slist_append)    \
    each(curl_slist_free_all)

static struct {
#define DECLARE(name) __typeof__(&name) name;
  FUNCTIONS(DECLARE)
#undef DECLARE
} api;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char refusal[256];

static void load(void) {
  static const char *const names[] = {"libcurl.so.4", "libcurl-gnutls.so.4", NULL};
  void *library = ingot_load_first(names);
  if (!library) {
    const char *error = dlerror();
    snprintf(refusal, sizeof refusal, "%s", error ? error : "can't be loaded");
    return;
  }
#define FIND(name)                                                              \
  api.name = (__typeof__(&name))dlsym(library, #name);                          \
  if (!api.name) snprintf(refusal, sizeof refusal, "it lacks %s", #name);
  FUNCTIONS(FIND)
#undef FIND
  if (!refusal[0] && api.curl_global_init(CURL_GLOBAL_DEFAULT)) {
    snprintf(refusal, sizeof refusal, "it can't be started");
  }
}

void *ingot_fetch_open(struct ingot_fetch_answer *answer) {
  pthread_once(&once, load);
  void *connection = refusal[0] ? NULL : api.curl_easy_init();
  if (!connection) {
    answer->outcome = INGOT_FETCH_UNAVAILABLE;
    snprintf(answer->message, sizeof answer->message, "%s", refusal[0] ? refusal : "there is no memory for it");
  }
  return connection;
}

void ingot_fetch_close(void *connection) { api.curl_easy_cleanup(connection); }

static size_t take_header(char *line, size_t size, size_t count, void *context) {
  const struct ingot_fetch_request *request = context;
  return request->on_header(request->context, line, size * count) ? 0 : size * count;
}

static size_t take_body(char *bytes, size_t size, size_t count, void *context) {
  const struct ingot_fetch_request *request = context;
  return request->on_body(request->context, (const uint8_t *)bytes, size * count) ? 0 : size * count;
}

/// Connects to nothing that isn't the world's, whatever its name is.
static curl_socket_t open_public(void *context, curlsocktype purpose, struct curl_sockaddr *address) {
  (void)context;
  (void)purpose;
  if (!ingot_address_is_public(&address->addr)) return CURL_SOCKET_BAD;
  return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static enum ingot_fetch_outcome outcome_of(CURLcode code) {
  // CURLE_TOO_LARGE, which older headers lack.
  if ((int)code == 100) return INGOT_FETCH_TOO_LONG;
  switch (code) {
    case CURLE_OK: return INGOT_FETCH_DONE;
    case CURLE_WRITE_ERROR: return INGOT_FETCH_STOPPED;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT: return INGOT_FETCH_UNREACHABLE;
    case CURLE_OPERATION_TIMEDOUT: return INGOT_FETCH_TIMEOUT;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR: return INGOT_FETCH_UNTRUSTED;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT: return INGOT_FETCH_MALFORMED;
    // So libcurl calls a header line of more than 100 kB, before version 8.6.
    case CURLE_OUT_OF_MEMORY: return INGOT_FETCH_TOO_LONG;
    // Ends of connections have many names.
    default: return INGOT_FETCH_CUT;
  }
}

void ingot_fetch_perform(
    void *connection, const struct ingot_fetch_request *request, struct ingot_fetch_answer *answer) {
  CURL *curl = connection;
  struct curl_slist *headers = NULL;
  for (const char *line = request->headers, *end; (end = strchr(line, '\n')); line = end + 1) {
    char text[8192];
    snprintf(text, sizeof text, "%.*s", (int)(end - line), line);
    headers = api.curl_slist_append(headers, text);
  }
  char error[CURL_ERROR_SIZE] = "";
  // Options only: connections stay.
  api.curl_easy_reset(curl);
#define SET(option, value) api.curl_easy_setopt(curl, option, value)
  SET(CURLOPT_URL, request->url);
  SET(CURLOPT_PROTOCOLS_STR, "http,https");
  SET(CURLOPT_FOLLOWLOCATION, 0L);
  SET(CURLOPT_NOSIGNAL, 1L);
  SET(CURLOPT_NOBODY, request->is_head ? 1L : 0L);
  if (request->range) SET(CURLOPT_RANGE, request->range);
  SET(CURLOPT_HTTPHEADER, headers);
  SET(CURLOPT_USERAGENT, request->user_agent);
  SET(CURLOPT_CONNECTTIMEOUT, request->timeout);
  SET(CURLOPT_LOW_SPEED_LIMIT, 1024L);
  SET(CURLOPT_LOW_SPEED_TIME, request->timeout);
  SET(CURLOPT_BUFFERSIZE, 256L * 1024);
  SET(CURLOPT_SSL_VERIFYPEER, 1L);
  SET(CURLOPT_SSL_VERIFYHOST, 2L);
  if (request->authorities) SET(CURLOPT_CAINFO, request->authorities);
  if (request->is_public_only) {
    SET(CURLOPT_OPENSOCKETFUNCTION, open_public);
    // A proxy would connect in its own place.
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_TIMEOUT, request->timeout);
    // A connection that another request made was not looked at.
    SET(CURLOPT_FRESH_CONNECT, 1L);
    SET(CURLOPT_FORBID_REUSE, 1L);
  }
  SET(CURLOPT_ERRORBUFFER, error);
  SET(CURLOPT_HEADERFUNCTION, take_header);
  SET(CURLOPT_HEADERDATA, (void *)request);
  SET(CURLOPT_WRITEFUNCTION, take_body);
  SET(CURLOPT_WRITEDATA, (void *)request);
#undef SET
  // A connection that the other end closed must not end the program; TLS libraries write without saying so.
  sigset_t pipe, before;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, &before);
  CURLcode code = api.curl_easy_perform(curl);
  while (sigtimedwait(&pipe, NULL, &(struct timespec){0, 0}) > 0) continue;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  answer->outcome = outcome_of(code);
  api.curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer->status);
  snprintf(answer->message, sizeof answer->message, "%s", error[0] ? error : api.curl_easy_strerror(code));
  api.curl_slist_free_all(headers);
}
