// HTTP/1.1 backend for the benchmark: one thread, epoll, Linux only.
//
//   backend PORT [ADDR]   ADDR: 127.0.0.1; PORT may be a range A-B, one listener each
//
//   /b/N      N bytes, 2 fields                 /t/N      N bytes, 12 fields
//   /d/MS/N   like /b/N after MS milliseconds   /c/N      N bytes, chunked in pieces of 4 KiB
//   /sse/MS   an endless event stream, one event (with its time in it) every MS milliseconds
//   /who      the port that answered            /stat     {"accepted":…,"open":…,"requests":…}
//   /echo     101 (to RFC 6455's sample key), then every byte comes back
//
// A request body is read and discarded first.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { HDR, BODY_LEN, BODY_CHUNK, ECHO };
typedef struct conn {
  int fd, st, want_out, close_after, sse_ms, chunked_out, in_timer, dead;
  size_t in_len, in_cap;
  char* in;
  size_t body_left, chunk_left;
  int chunk_state;
  char head[1024];
  size_t head_len, head_off;
  size_t out_left;
  char path[128];
  long due;
  struct conn* tn;
} conn;

static int ep;
static char* zeros;
static size_t ZN = 1 << 20;
static long accepted, open_conns, requests;
static conn* timers;
static int ntimers;
static long now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000L + t.tv_nsec;
}

static void set_out(conn* c, int on) {
  if (c->want_out == on) return;
  c->want_out = on;
  struct epoll_event e = {.events = EPOLLIN | EPOLLRDHUP | (on ? EPOLLOUT : 0), .data.ptr = c};
  epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &e);
}
static void conn_kill(conn* c) {
  if (c->dead) return;
  c->dead = 1;
  close(c->fd);
  open_conns--;
  if (!c->in_timer) {
    free(c->in);
    free(c);
  }
}

static int flush(conn* c) {  // 1 done, 0 would block, -1 dead
  while (c->head_off < c->head_len || c->out_left) {
    struct iovec v[2];
    int n = 0;
    if (c->head_off < c->head_len)
      v[n++] = (struct iovec){c->head + c->head_off, c->head_len - c->head_off};
    if (c->out_left) v[n++] = (struct iovec){zeros, c->out_left < ZN ? c->out_left : ZN};
    struct msghdr m = {.msg_iov = v, .msg_iovlen = n};
    ssize_t r = sendmsg(c->fd, &m, MSG_NOSIGNAL);
    if (r < 0) {
      if (errno == EAGAIN) {
        set_out(c, 1);
        return 0;
      }
      if (errno == EINTR) continue;
      return -1;
    }
    size_t h = c->head_len - c->head_off;
    if ((size_t)r < h) {
      c->head_off += r;
      continue;
    }
    c->head_off = c->head_len;
    c->out_left -= r - h;
  }
  if (c->want_out) set_out(c, 0);
  return 1;
}
static void timer_add(conn* c, long due) {
  c->due = due;
  if (!c->in_timer) {
    c->in_timer = 1;
    c->tn = timers;
    timers = c;
    ntimers++;
  }
}

static int respond(conn* c) {
  requests++;
  const char* p = c->path;
  long n = 0;
  int typ = 0;
  c->head_off = 0;
  c->out_left = 0;
  const char* cl = c->close_after ? "Connection: close\r\n" : "";
  if (!strncmp(p, "/b/", 3))
    n = atol(p + 3);
  else if (!strncmp(p, "/t/", 3)) {
    n = atol(p + 3);
    typ = 1;
  } else if (!strncmp(p, "/d/", 3)) {
    char* e;
    strtol(p + 3, &e, 10);
    n = *e ? atol(e + 1) : 0;
  } else if (!strncmp(p, "/stat", 5)) {
    char b[160];
    int bl = snprintf(b, sizeof b, "{\"accepted\":%ld,\"open\":%ld,\"requests\":%ld}\n", accepted,
                      open_conns, requests);
    c->head_len = snprintf(
        c->head, sizeof c->head,
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%s\r\n%s", bl,
        cl, b);
    return flush(c);
  } else if (!strncmp(p, "/who", 4)) {
    struct sockaddr_in sa;
    socklen_t sl = sizeof sa;
    getsockname(c->fd, (void*)&sa, &sl);
    char b[16];
    int bl = snprintf(b, sizeof b, "%d", ntohs(sa.sin_port));
    c->head_len = snprintf(
        c->head, sizeof c->head,
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n%s\r\n%s", bl, cl, b);
    return flush(c);
  } else if (!strncmp(p, "/echo", 5)) {
    c->st = ECHO;
    c->close_after = 0;
    c->head_len = snprintf(c->head, sizeof c->head,
                           "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "
                           "websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
    return flush(c);
  } else if (!strncmp(p, "/sse/", 5)) {
    c->sse_ms = atoi(p + 5);
    if (c->sse_ms < 1) c->sse_ms = 100;
    c->head_len = snprintf(c->head, sizeof c->head,
                           "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: "
                           "no-cache\r\nTransfer-Encoding: chunked\r\n\r\n");
    timer_add(c, now_ns() + (long)(rand() % c->sse_ms) * 1000000L);
    return flush(c);
  } else if (!strncmp(p, "/c/", 3)) {  // small chunked bodies only: one head buffer per 512 bytes
    n = atol(p + 3);
    if (n > 700) n = 700;
    c->head_len = snprintf(c->head, sizeof c->head,
                           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n%s\r\n%lx\r\n", cl, n);
    memset(c->head + c->head_len, 'x', n);
    c->head_len += n;
    memcpy(c->head + c->head_len, "\r\n0\r\n\r\n", 7);
    c->head_len += 7;
    return flush(c);
  } else if (p[0] == '/')
    n = 128;
  if (typ)
    c->head_len =
        snprintf(c->head, sizeof c->head,
                 "HTTP/1.1 200 OK\r\nServer: backend/1.0\r\nDate: Fri, 20 Nov 2026 03:27:34 "
                 "GMT\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: %ld\r\n"
                 "Cache-Control: private, max-age=0, must-revalidate\r\nETag: "
                 "W/\"5f3a9c1e-2000\"\r\nLast-Modified: Thu, 19 Nov 2026 11:02:51 GMT\r\n"
                 "Vary: Accept-Encoding, Cookie\r\nX-Request-Id: "
                 "6f1c2f0e-8f6c-4bb5-9d8d-0f4c0d7d5b11\r\nSet-Cookie: "
                 "session=2c26b46b68ffc68ff99b453c1d304134; Path=/; HttpOnly; SameSite=Lax\r\n"
                 "Strict-Transport-Security: max-age=31536000; "
                 "includeSubDomains\r\nX-Frame-Options: SAMEORIGIN\r\n%s\r\n",
                 n, cl);
  else
    c->head_len = snprintf(
        c->head, sizeof c->head,
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %ld\r\n%s\r\n", n, cl);
  c->out_left = n;
  return flush(c);
}
// returns bytes consumed of chunked data; sets c->st=HDR at the end of it
static size_t eat_chunked(conn* c, const char* b, size_t n) {
  size_t i = 0;
  while (i < n) {
    if (c->chunk_state == 0) {  // size line
      char ch = b[i++];
      if (ch == '\n') {
        c->chunk_state = c->chunk_left ? 1 : 3;
      } else {
        int v = -1;
        if (ch >= '0' && ch <= '9')
          v = ch - '0';
        else if ((ch | 32) >= 'a' && (ch | 32) <= 'f')
          v = (ch | 32) - 'a' + 10;
        if (v >= 0) c->chunk_left = c->chunk_left * 16 + v;
      }
    } else if (c->chunk_state == 1) {
      size_t k = n - i < c->chunk_left ? n - i : c->chunk_left;
      i += k;
      c->chunk_left -= k;
      if (!c->chunk_left) c->chunk_state = 2;
    } else if (c->chunk_state == 2) {
      if (b[i++] == '\n') {
        c->chunk_state = 0;
        c->chunk_left = 0;
      }
    } else {
      if (b[i++] == '\n') {
        c->st = HDR;
        return i;
      }
    }  // trailers not supported: first LF ends
  }
  return i;
}
static int process(conn* c) {
  size_t off = 0;
  int rc = 0;
  while (off < c->in_len && !c->want_out) {
    if (c->st == HDR) {
      char* b = c->in + off;
      size_t n = c->in_len - off;
      char* e = memmem(b, n, "\r\n\r\n", 4);
      if (!e) break;
      size_t hl = e + 4 - b;
      char* sp = memchr(b, ' ', hl);
      if (!sp) return -1;
      sp++;
      char* sp2 = memchr(sp, ' ', hl - (sp - b));
      if (!sp2) return -1;
      size_t pl = sp2 - sp;
      if (pl > sizeof c->path - 1) pl = sizeof c->path - 1;
      memcpy(c->path, sp, pl);
      c->path[pl] = 0;
      c->close_after = !strncmp(sp2 + 1, "HTTP/1.0", 8);
      c->body_left = 0;
      int chunked = 0;
      if (b[0] != 'G' || c->close_after || 1) {
        for (char* l = memchr(sp2, '\n', hl - (sp2 - b)) + 1; l < e;) {
          char* nl = memchr(l, '\n', e + 2 - l);
          if (!nl) break;
          if ((l[0] | 32) == 'c') {
            if (!strncasecmp(l, "content-length:", 15))
              c->body_left = atoll(l + 15);
            else if (!strncasecmp(l, "connection:", 11) && memmem(l, nl - l, "close", 5))
              c->close_after = 1;
          } else if ((l[0] | 32) == 't' && !strncasecmp(l, "transfer-encoding:", 18))
            chunked = 1;
          else if ((l[0] | 32) == 'e' && !strncasecmp(l, "expect:", 7)) {
            send(c->fd, "HTTP/1.1 100 Continue\r\n\r\n", 25, MSG_NOSIGNAL);
          }
          l = nl + 1;
        }
      }
      off += hl;
      if (chunked) {
        c->st = BODY_CHUNK;
        c->chunk_state = 0;
        c->chunk_left = 0;
        continue;
      }
      if (c->body_left) {
        c->st = BODY_LEN;
        continue;
      }
    } else if (c->st == ECHO) {  // little at a time: what does not go out at once is an error
      if (send(c->fd, c->in + off, c->in_len - off, MSG_NOSIGNAL) != (ssize_t)(c->in_len - off))
        return -1;
      off = c->in_len;
      break;
    } else if (c->st == BODY_LEN) {
      size_t k = c->in_len - off < c->body_left ? c->in_len - off : c->body_left;
      off += k;
      c->body_left -= k;
      if (c->body_left) break;
      c->st = HDR;
    } else {
      off += eat_chunked(c, c->in + off, c->in_len - off);
      if (c->st != HDR) break;
    }
    if (!strncmp(c->path, "/d/", 3)) {
      timer_add(c, now_ns() + atol(c->path + 3) * 1000000L);
      c->sse_ms = -1;
      rc = 1;
      break;
    }
    rc = respond(c);
    if (rc < 0) return -1;
    if (rc == 1 && c->close_after && !c->sse_ms) {
      shutdown(c->fd, SHUT_WR);
      return -1;
    }
  }
  if (off) {
    memmove(c->in, c->in + off, c->in_len - off);
    c->in_len -= off;
  }
  return rc;
}
static void on_in(conn* c) {
  if (c->in_cap < 65536) {
    c->in = realloc(c->in, c->in_cap = 65536);
  }
  for (int k = 0; k < 16; k++) {
    if (c->in_len == c->in_cap) {
      if (c->in_cap >= 1 << 20) {
        conn_kill(c);
        return;
      }
      c->in = realloc(c->in, c->in_cap *= 2);
    }
    ssize_t want = c->in_cap - c->in_len, r = recv(c->fd, c->in + c->in_len, want, 0);
    if (r == 0) {
      conn_kill(c);
      return;
    }
    if (r < 0) {
      if (errno == EAGAIN) break;
      if (errno == EINTR) continue;
      conn_kill(c);
      return;
    }
    c->in_len += r;
    if (process(c) < 0) {
      conn_kill(c);
      return;
    }
    if (r < want) break;
  }
  if (!c->in_len && open_conns > 2000) {
    free(c->in);
    c->in = 0;
    c->in_cap = 0;
  }
}
static void run_timers(long now) {
  for (conn** pp = &timers; *pp;) {
    conn* c = *pp;
    int drop = 0;
    if (c->dead) {
      *pp = c->tn;
      ntimers--;
      free(c->in);
      free(c);
      continue;
    }
    if (now >= c->due) {
      if (c->sse_ms > 0) {
        if (c->head_off == c->head_len) {
          char ev[128];
          int n = snprintf(
              ev, sizeof ev,
              "id: 1\ndata: {\"ts\":%020ld,\"pad\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}\n\n",
              now_ns());
          c->head_len = snprintf(c->head, sizeof c->head, "%x\r\n%s\r\n", n, ev);
          c->head_off = 0;
          requests++;
          if (flush(c) < 0) {
            conn_kill(c);
            continue;
          }
        }
        c->due += c->sse_ms * 1000000L;
      } else {
        c->sse_ms = 0;
        drop = 1;
      }
    }
    if (drop) {
      *pp = c->tn;
      c->in_timer = 0;
      ntimers--;
      int r = respond(c);
      if (r < 0 || (r == 1 && c->close_after))
        conn_kill(c);
      else if (c->in_len && process(c) < 0)
        conn_kill(c);
      continue;
    }
    pp = &c->tn;
  }
}
int main(int ac, char** av) {
  signal(SIGPIPE, SIG_IGN);
  struct rlimit rl;
  getrlimit(RLIMIT_NOFILE, &rl);
  rl.rlim_cur = rl.rlim_max;
  setrlimit(RLIMIT_NOFILE, &rl);
  zeros = malloc(ZN);
  memset(zeros, 'x', ZN);
  ep = epoll_create1(0);
  int a = atoi(av[1]), b = a;
  char* d = strchr(av[1], '-');
  if (d) b = atoi(d + 1);
  static int lfds[4096];
  int nl = 0;
  for (int p = a; p <= b && nl < 4096; p++) {
    int s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, 4);
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons(p)};
    inet_pton(AF_INET, ac > 2 ? av[2] : "127.0.0.1", &sa.sin_addr);
    if (bind(s, (void*)&sa, sizeof sa) || listen(s, 4096)) {
      perror("bind/listen");
      return 1;
    }
    lfds[nl] = s;
    struct epoll_event e = {.events = EPOLLIN, .data.u64 = (((unsigned long)nl) << 1) | 1};
    epoll_ctl(ep, EPOLL_CTL_ADD, s, &e);
    nl++;
  }
  struct epoll_event ev[512];
  for (;;) {
    int n = epoll_wait(ep, ev, 512, timers ? 2 : -1);
    for (int i = 0; i < n; i++) {
      if (ev[i].data.u64 & 1) {
        for (int k = 0; k < 64; k++) {
          int fd = accept4(lfds[ev[i].data.u64 >> 1], 0, 0, SOCK_NONBLOCK);
          if (fd < 0) break;
          int one = 1;
          setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, 4);
          conn* c = calloc(1, sizeof *c);
          c->fd = fd;
          accepted++;
          open_conns++;
          struct epoll_event e = {.events = EPOLLIN | EPOLLRDHUP, .data.ptr = c};
          epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
        }
      } else {
        conn* c = ev[i].data.ptr;
        if (c->dead) continue;
        if (ev[i].events & EPOLLOUT) {
          int r = flush(c);
          if (r < 0) {
            conn_kill(c);
            continue;
          }
          if (r == 1) {
            if (c->close_after && !c->sse_ms) {
              conn_kill(c);
              continue;
            }
            if (c->in_len && process(c) < 0) {
              conn_kill(c);
              continue;
            }
          }
          if (!(ev[i].events & ~EPOLLOUT)) continue;
        }
        if (!c->want_out || (ev[i].events & (EPOLLHUP | EPOLLERR)))
          on_in(c);
        else if (ev[i].events & EPOLLRDHUP)
          conn_kill(c);
      }
    }
    if (timers) run_timers(now_ns());
  }
}
