// Bodies without end for the benchmark: a backend that sends and takes them, and the client of one.
// Blocking, a process per connection, Linux only.
//
//   stream backend PORT
//   stream client PORT down|up FRAMING BYTES [CLIENT_RATE [BACKEND_RATE]]
//
// FRAMING: length, chunked, or (down) close: until the end of the connection. A rate is the bytes a
// second that side takes, 0 = all it can. The client says {"bytes":…,"seconds":…} of what arrived
// at the far end, and exits with 1 when that is not what was sent.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { PIECE = 256 * 1024 };
static char piece[PIECE], input[PIECE];

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static void die(const char* what) {
  fprintf(stderr, "stream: %s\n", what);
  exit(1);
}

static void send_all(int fd, struct iovec* part, int count) {
  while (count > 0) {
    ssize_t sent = writev(fd, part, count);
    if (sent < 0) die("the connection broke while sending");
    for (; count > 0 && (size_t)sent >= part->iov_len; part++, count--) sent -= part->iov_len;
    if (count > 0) {
      part->iov_base = (char*)part->iov_base + sent;
      part->iov_len -= sent;
    }
  }
}

static void send_text(int fd, const char* text) {
  struct iovec part = {(char*)text, strlen(text)};
  send_all(fd, &part, 1);
}

static void send_body(int fd, long long bytes, int chunked) {
  while (bytes > 0) {
    size_t count = bytes < PIECE ? (size_t)bytes : PIECE;
    char line[32];
    int n = chunked ? snprintf(line, sizeof line, "%zx\r\n", count) : 0;
    struct iovec parts[] = {{line, n}, {piece, count}, {"\r\n", chunked ? 2 : 0}};
    send_all(fd, parts, 3);
    bytes -= count;
  }
  if (chunked) send_text(fd, "0\r\n\r\n");
}

// Reading, by way of a buffer and at a rate.
typedef struct {
  int fd;
  size_t begin, end;
  double rate, began;
  double taken;
} reader;

static int fill(reader* r) {  // 0 at the end of the stream
  if (r->rate > 0) {
    double early = r->taken / r->rate - (now() - r->began);
    if (early > 0) usleep((useconds_t)(early * 1e6));
  }
  size_t most = r->rate > 0 && r->rate / 20 < PIECE ? (size_t)(r->rate / 20) + 1 : PIECE;
  ssize_t count = read(r->fd, input, most);
  if (count < 0) die("the connection broke while reading");
  r->begin = 0;
  r->end = (size_t)count;
  r->taken += (double)count;
  return count > 0;
}

static int next_byte(reader* r) {
  if (r->begin == r->end && !fill(r)) return -1;
  return (unsigned char)input[r->begin++];
}

static int read_line(reader* r, char* line, size_t size) {  // 0 at the end of the stream
  size_t n = 0;
  for (;;) {
    int c = next_byte(r);
    if (c < 0) return 0;
    if (c == '\n') break;
    if (c != '\r' && n + 1 < size) line[n++] = (char)c;
  }
  line[n] = 0;
  return 1;
}

static void skip(reader* r, long long bytes) {
  while (bytes > 0) {
    if (r->begin == r->end && !fill(r)) die("the body ended early");
    size_t count = r->end - r->begin;
    if ((long long)count > bytes) count = (size_t)bytes;
    r->begin += count;
    bytes -= (long long)count;
  }
}

typedef struct {
  char start[256];
  long long length;  // -1: none said
  int chunked;
} head;

static int read_head(reader* r, head* h) {
  char line[1024];
  if (!read_line(r, h->start, sizeof h->start)) return 0;
  h->length = -1;
  h->chunked = 0;
  while (read_line(r, line, sizeof line) && line[0]) {
    if (!strncasecmp(line, "content-length:", 15)) h->length = atoll(line + 15);
    if (!strncasecmp(line, "transfer-encoding:", 18)) h->chunked = 1;
  }
  return 1;
}

static long long read_body(reader* r, const head* h, int until_end) {
  long long total = 0;
  if (h->chunked) {
    char line[64];
    for (;;) {
      if (!read_line(r, line, sizeof line)) die("the body ended early");
      long long size = strtoll(line, 0, 16);
      skip(r, size);
      read_line(r, line, sizeof line);
      if (size == 0) return total;
      total += size;
    }
  }
  if (h->length >= 0) {
    skip(r, h->length);
    return h->length;
  }
  if (!until_end) return 0;
  total = (long long)(r->end - r->begin);
  while (fill(r)) total += (long long)r->end;
  return total;
}

static int answer(reader* r) {  // 0: close
  head h;
  if (!read_head(r, &h)) return 0;
  char framing[16] = "";
  long long bytes = 0, rate = 0;
  sscanf(h.start, "%*s /%15[^/]/%lld/%lld", framing, &bytes, &rate);
  char text[256];
  if (!strncmp(h.start, "POST", 4)) {
    r->rate = (double)rate;
    r->began = now();
    r->taken = 0;
    char count[32];
    snprintf(count, sizeof count, "%lld", read_body(r, &h, 0));
    r->rate = 0;
    snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(count),
             count);
    send_text(r->fd, text);
    return 1;
  }
  int chunked = !strcmp(framing, "chunked"), until_close = !strcmp(framing, "close");
  char field[64] = "Connection: close";
  if (chunked) strcpy(field, "Transfer-Encoding: chunked");
  if (!chunked && !until_close) snprintf(field, sizeof field, "Content-Length: %lld", bytes);
  snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\n%s\r\n\r\n", field);
  send_text(r->fd, text);
  send_body(r->fd, bytes, chunked);
  return !until_close;
}

static void serve(int port) {
  signal(SIGCHLD, SIG_IGN);
  int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(listener, (void*)&at, sizeof at) || listen(listener, 128)) die("cannot listen");
  for (;;) {
    int fd = accept(listener, 0, 0);
    if (fd < 0) continue;
    if (fork() == 0) {
      close(listener);
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
      reader r = {.fd = fd};
      while (answer(&r)) {
      }
      exit(0);
    }
    close(fd);
  }
}

static void ask(int port, int is_up, const char* framing, long long bytes, double client_rate,
                long long backend_rate) {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd, (void*)&to, sizeof to)) die("cannot connect");
  char text[256], length[64] = "";
  int chunked = !strcmp(framing, "chunked");
  if (is_up && !chunked) snprintf(length, sizeof length, "Content-Length: %lld\r\n", bytes);
  snprintf(text, sizeof text, "%s /%s/%lld/%lld HTTP/1.1\r\nHost: bench.test\r\n%s%s\r\n",
           is_up ? "POST" : "GET", framing, bytes, backend_rate, length,
           is_up && chunked ? "Transfer-Encoding: chunked\r\n" : "");
  double began = now();
  send_text(fd, text);
  if (is_up) send_body(fd, bytes, chunked);
  reader r = {.fd = fd, .rate = client_rate, .began = began};
  head h;
  if (!read_head(&r, &h) || strncmp(h.start + 8, " 200", 4)) die("not answered with 200");
  long long arrived;
  if (is_up) {
    char count[32] = "";
    for (long long i = 0; i < h.length && i < 31; i++) count[i] = (char)next_byte(&r);
    arrived = atoll(count);
  } else {
    arrived = read_body(&r, &h, 1);
  }
  printf("{\"bytes\": %lld, \"seconds\": %.3f}\n", arrived, now() - began);
  if (arrived != bytes) die("not all of it arrived");
}

int main(int count, char** words) {
  signal(SIGPIPE, SIG_IGN);
  memset(piece, 'x', sizeof piece);
  if (count == 3 && !strcmp(words[1], "backend")) {
    serve(atoi(words[2]));
  } else if (count >= 6 && !strcmp(words[1], "client")) {
    ask(atoi(words[2]), !strcmp(words[3], "up"), words[4], atoll(words[5]),
        count > 6 ? atof(words[6]) : 0, count > 7 ? atoll(words[7]) : 0);
  } else {
    die("usage: stream backend PORT | client PORT down|up FRAMING BYTES [CLIENT_RATE "
        "[BACKEND_RATE]]");
  }
}
