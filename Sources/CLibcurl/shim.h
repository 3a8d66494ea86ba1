#ifndef LOXEVAL_CLIBCURL_SHIM_H
#define LOXEVAL_CLIBCURL_SHIM_H

#include <curl/curl.h>

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

// The result of a finished transfer is in a union, which Swift imports awkwardly.
static inline CURLcode loxeval_message_result(const CURLMsg *message) {
  return message->data.result;
}

#endif
