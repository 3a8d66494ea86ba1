#ifndef LOXEVAL_CMICROHTTPD_SHIM_H
#define LOXEVAL_CMICROHTTPD_SHIM_H

#include <microhttpd.h>
#include <stdbool.h>

// MHD_start_daemon and MHD_get_connection_info are variadic, which Swift does not import.

typedef void *(*loxeval_target_callback)(
    void *context, const char *target, struct MHD_Connection *connection);

// A daemon on a socket that listens already, with a thread for each connection: callbacks may block.
static inline struct MHD_Daemon *loxeval_start_daemon(
    int listening, size_t connection_memory, unsigned int connections, void *context,
    MHD_NotifyConnectionCallback connection_changed, loxeval_target_callback target_read,
    MHD_AccessHandlerCallback answer, MHD_RequestCompletedCallback completed) {
  return MHD_start_daemon(
      MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL | MHD_USE_ITC,
      0, NULL, NULL, answer, context,
      MHD_OPTION_LISTEN_SOCKET, (MHD_socket)listening,
      MHD_OPTION_CONNECTION_MEMORY_LIMIT, connection_memory,
      MHD_OPTION_CONNECTION_LIMIT, connections,
      MHD_OPTION_THREAD_STACK_SIZE, (size_t)1 << 20,
      MHD_OPTION_NOTIFY_CONNECTION, connection_changed, context,
      MHD_OPTION_URI_LOG_CALLBACK, target_read, context,
      MHD_OPTION_NOTIFY_COMPLETED, completed, context,
      MHD_OPTION_END);
}

static inline int loxeval_connection_socket(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info =
      MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  return info ? (int)info->connect_fd : -1;
}

// What the application hung on the connection when it was accepted.
static inline void *loxeval_connection_context(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info =
      MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  return info ? info->socket_context : NULL;
}

// Bytes of the request line and the headers.
static inline size_t loxeval_header_bytes(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info =
      MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
  return info ? info->header_size : 0;
}

// A copy of the bytes is sent.
static inline struct MHD_Response *loxeval_create_response(const void *bytes, size_t count) {
  return MHD_create_response_from_buffer(count, (void *)bytes, MHD_RESPMEM_MUST_COPY);
}

static inline struct MHD_Response *loxeval_create_stream(
    MHD_ContentReaderCallback read, void *context, MHD_ContentReaderFreeCallback free) {
  return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 16384, read, context, free);
}

static inline void loxeval_each_header(
    struct MHD_Connection *connection, MHD_KeyValueIterator visit, void *context) {
  MHD_get_connection_values(connection, MHD_HEADER_KIND, visit, context);
}

static inline bool loxeval_is_accepted(enum MHD_ConnectionNotificationCode change) {
  return change == MHD_CONNECTION_NOTIFY_STARTED;
}

// How enumerations are imported depends on the release.
static inline enum MHD_Result loxeval_result(bool isFine) { return isFine ? MHD_YES : MHD_NO; }

static inline bool loxeval_queue(
    struct MHD_Connection *connection, unsigned int status, struct MHD_Response *response) {
  return MHD_queue_response(connection, status, response) == MHD_YES;
}

static const ssize_t loxeval_end_of_stream = MHD_CONTENT_READER_END_OF_STREAM;
static const ssize_t loxeval_end_with_error = MHD_CONTENT_READER_END_WITH_ERROR;

#endif
