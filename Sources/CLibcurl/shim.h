#ifndef LOXEVAL_CLIBCURL_SHIM_H
#define LOXEVAL_CLIBCURL_SHIM_H

#include <curl/curl.h>

// curl_easy_setopt, curl_multi_setopt and curl_easy_getinfo are variadic, which Swift does not
// import: one wrapper for each type of argument.

#endif
