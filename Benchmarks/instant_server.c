// Answers every HTTP request at once with the same chat completion: for measuring clients.
//
//   cc -O2 -o instant_server instant_server.c && ./instant_server    prints its port
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { most_connections = 4096, buffer_size = 65536 };

static char *buffers[most_connections];
static int filled[most_connections];

static const char *completion =
    "{\"id\":\"c\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"instant\",\"choices\":[{\"index\":0,"
    "\"message\":{\"role\":\"assistant\",\"content\":\"I'm sorry, but I can't help with that. Is there "
    "something else that I can do for you today?\"},\"finish_reason\":\"stop\"}],\"usage\":{"
    "\"prompt_tokens\":20,\"completion_tokens\":21,\"total_tokens\":41}}";
static const char *models = "{\"object\":\"list\",\"data\":[{\"id\":\"instant\",\"object\":\"model\","
                            "\"created\":1,\"owned_by\":\"x\"}]}";

static void answer(int connection, const char *status, const char *body) {
  char reply[2048];
  int length = snprintf(reply, sizeof reply,
      "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", status,
      strlen(body), body);
  if (send(connection, reply, length, MSG_NOSIGNAL) < 0) return;
}

// Answers the whole requests of a connection's buffer and keeps the rest.
static void serve(int connection) {
  char *buffer = buffers[connection];
  for (;;) {
    buffer[filled[connection]] = 0;
    char *end = strstr(buffer, "\r\n\r\n");
    if (!end) return;
    char *field = strcasestr(buffer, "\r\ncontent-length:");
    int length = field && field < end ? atoi(field + 17) : 0;
    int size = (int)(end + 4 - buffer) + length;
    if (filled[connection] < size) return;
    if (strstr(buffer, "/chat/completions ")) answer(connection, "200 OK", completion);
    else if (strstr(buffer, "/models ")) answer(connection, "200 OK", models);
    else answer(connection, "404 Not Found", "{}");
    filled[connection] -= size;
    memmove(buffer, buffer + size, filled[connection]);
  }
}

int main(void) {
  int listener = socket(AF_INET, SOCK_STREAM, 0), events = epoll_create1(0), one = 1;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 512)) return 1;
  getsockname(listener, (struct sockaddr *)&address, &size);
  printf("http://127.0.0.1:%d\n", ntohs(address.sin_port));
  fflush(stdout);
  struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, ready[64];
  epoll_ctl(events, EPOLL_CTL_ADD, listener, &event);
  for (;;) {
    int count = epoll_wait(events, ready, 64, -1);
    for (int i = 0; i < count; i++) {
      int connection = ready[i].data.fd;
      if (connection == listener) {
        connection = accept(listener, NULL, NULL);
        if (connection < 0 || connection >= most_connections) continue;
        setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        if (!buffers[connection]) buffers[connection] = malloc(buffer_size + 1);
        filled[connection] = 0;
        event.data.fd = connection;
        epoll_ctl(events, EPOLL_CTL_ADD, connection, &event);
        continue;
      }
      ssize_t got = recv(
          connection, buffers[connection] + filled[connection], buffer_size - filled[connection], 0);
      if (got <= 0) {
        close(connection);
        continue;
      }
      filled[connection] += got;
      serve(connection);
    }
  }
}
