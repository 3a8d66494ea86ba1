#ifndef LOXEVAL_CLIBCURL_SHIM_H
#define LOXEVAL_CLIBCURL_SHIM_H

#include <curl/curl.h>
#ifdef __linux__
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#endif

// curl_easy_setopt, curl_multi_setopt and curl_easy_getinfo are variadic, which Swift does not
// import: one wrapper for each type of argument.

static inline CURLcode loxeval_set_long(CURL *handle, CURLoption option, long value) {
  return curl_easy_setopt(handle, option, value);
}

static inline CURLcode loxeval_set_offset(CURL *handle, CURLoption option, curl_off_t value) {
  return curl_easy_setopt(handle, option, value);
}

static inline CURLcode loxeval_set_string(CURL *handle, CURLoption option, const char *value) {
  return curl_easy_setopt(handle, option, value);
}

static inline CURLcode loxeval_set_pointer(CURL *handle, CURLoption option, void *value) {
  return curl_easy_setopt(handle, option, value);
}

static inline CURLcode loxeval_set_list(
    CURL *handle, CURLoption option, struct curl_slist *value) {
  return curl_easy_setopt(handle, option, value);
}

typedef size_t (*loxeval_data_callback)(char *data, size_t size, size_t count, void *context);

static inline CURLcode loxeval_set_callback(
    CURL *handle, CURLoption option, loxeval_data_callback value) {
  return curl_easy_setopt(handle, option, value);
}

static inline CURLcode loxeval_get_long(CURL *handle, CURLINFO info, long *value) {
  return curl_easy_getinfo(handle, info, value);
}

static inline CURLcode loxeval_get_pointer(CURL *handle, CURLINFO info, void **value) {
  return curl_easy_getinfo(handle, info, value);
}

static inline CURLMcode loxeval_multi_set_long(CURLM *handle, CURLMoption option, long value) {
  return curl_multi_setopt(handle, option, value);
}

// A host that was cut off acknowledges nothing: what waits for it is told after so many milliseconds,
// also where bytes are under way that the keepalive of an idle connection would not look after.
static inline int loxeval_limit_silence(void *context, curl_socket_t socket, curlsocktype purpose) {
  (void)purpose;
#ifdef TCP_USER_TIMEOUT
  unsigned int milliseconds = (unsigned int)(size_t)context;
  (void)setsockopt(
      socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &milliseconds, sizeof milliseconds);
#else
  (void)context;
  (void)socket;
#endif
  return CURL_SOCKOPT_OK;
}

static inline void loxeval_set_silence_limit(CURL *handle, long seconds) {
  curl_easy_setopt(handle, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(handle, CURLOPT_TCP_KEEPIDLE, seconds / 2);
  curl_easy_setopt(handle, CURLOPT_TCP_KEEPINTVL, seconds / 6 > 0 ? seconds / 6 : 1L);
  curl_easy_setopt(handle, CURLOPT_SOCKOPTFUNCTION, loxeval_limit_silence);
  curl_easy_setopt(handle, CURLOPT_SOCKOPTDATA, (void *)(size_t)(seconds * 1000));
}

// The result of a finished transfer is in a union, which Swift imports awkwardly.
static inline CURLcode loxeval_message_result(const CURLMsg *message) {
  return message->data.result;
}

#endif
