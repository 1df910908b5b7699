// HTTP/1.1 load generator for the benchmark: one thread, epoll, a JSON result on stdout.
//
//   load -p PORT [OPTION…]
//     -a ADDR  -P PATH  -H HOST     what to ask; -R N: a random one of h0.bench.test … hN-1, or of
//                                   -F FORMAT ("app%07ld.example.com")
//     -c CONNECTIONS  -d SECONDS    load; -w SECONDS: unmeasured before, -x SECONDS: after
//     -m keep|close|sse             kept-open connections, one a request, event streams
//     -r RATE                       open loop, requests a second; without it as fast as answers come
//     -b FILE                       further request fields
//     -u BYTES                      upload so much in each request
//     -i CONNECTIONS                further ones that make one request and then stay idle
//     -s, -S                        TLS; with resumption      -l  close by reset
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdint.h>
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
typedef int64_t i64;
enum { CONNECTING, HANDSHAKE, IDLE, SENDING, READING_HEAD, READING_BODY, CLOSING };
typedef struct conn {
  int fd, st, idle_only, want_out, chunked, must_close, reused;
  i64 t0, body_left;
  size_t sent_head;
  i64 sent_body;
  char* in;
  size_t in_len;
  SSL* ssl;
  char* req;
  int req_len;
  struct conn* next;
  int tail;
} conn;
static int ep;
static const char *addr = "127.0.0.1", *path = "/b/128", *host = "bench.test";
static const char* hosts = "h%ld.bench.test";
static int port = 8080, nconn = 64, nidle, tls, resume, rst;
static double secs = 4, warm = 0.5, tail_s = 0;
static long rhosts;
static double rate;
static i64 upload;
static char mode = 'k';
static char extra[16384];
static SSL_CTX* ctx;
static SSL_SESSION* sess;
static i64 done, done2xx, bad, errs_connect, errs_io, reconnects, bytes, handshakes, events;
static int measuring;
static i64 tstart, tend_;
static uint64_t rng = 88172645463325252ULL;
static inline uint64_t rnd(void) {
  rng ^= rng << 13;
  rng ^= rng >> 7;
  rng ^= rng << 17;
  return rng;
}
static inline i64 now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}
#define SUB 64
static uint32_t hist[64 * SUB];
static i64 hmax, hcnt;
static void rec(i64 ns) {
  if (ns < 0) ns = 0;
  if (ns > hmax) hmax = ns;
  hcnt++;
  int e = ns < SUB ? 0 : 63 - __builtin_clzll(ns) - 5;
  int idx = e == 0 ? (int)ns : e * SUB + (int)((ns >> e) - 0) - 0;
  if (e) {
    idx = (e * SUB) + (int)((ns >> e) & (SUB - 1));
  }
  hist[idx < 64 * SUB ? idx : 64 * SUB - 1]++;
}
static double hval(int idx) {
  int e = idx / SUB;
  int s = idx % SUB;
  if (e == 0) return s;
  return (double)((i64)(s | (s < 32 ? 64 : 0)) << e);
}
static double pct(double p) {
  i64 need = (i64)(hcnt * p + 0.999999), c = 0;
  for (int e = 0; e < 64;
       e++) {  // within a level e>0 values are 32..127: sub index wraps, order s=32..63 then 0..31
    if (e == 0) {
      for (int s = 0; s < SUB; s++) {
        c += hist[s];
        if (c >= need) return s;
      }
    } else {
      for (int k = 0; k < SUB; k++) {
        int s = (k + 32) & 63;
        c += hist[e * SUB + s];
        if (c >= need) return hval(e * SUB + s);
      }
    }
  }
  return hmax;
}
static char* mkreq(int* len, const char* h) {
  char* b = malloc(20000 + strlen(extra));
  int n = sprintf(b, "%s %s HTTP/1.1\r\nHost: %s\r\n", upload ? "POST" : "GET", path, h);
  n += sprintf(b + n, "%s", extra);
  if (upload)
    n += sprintf(b + n, "Content-Type: application/octet-stream\r\nContent-Length: %ld\r\n",
                 (long)upload);
  if (mode == 'c') n += sprintf(b + n, "Connection: close\r\n");
  n += sprintf(b + n, "\r\n");
  *len = n;
  return b;
}
static char* fixed;
static int fixed_len;
static char* zeros;
static char* rbuf;
static size_t RB = 262144;
static conn* freelist;
static i64* pend;
static i64 ph, pt, pcap;
static int active;
static void start(conn* c, i64 t0);
static void reopen(conn* c);
static void pump(conn* c);
static void ev_set(conn* c, int out) {
  if (c->want_out == out) return;
  c->want_out = out;
  struct epoll_event e = {.events = EPOLLIN | (out ? EPOLLOUT : 0), .data.ptr = c};
  epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &e);
}
static ssize_t io_send(conn* c, const void* b, size_t n) {
  if (!c->ssl) {
    return send(c->fd, b, n, MSG_NOSIGNAL);
  }
  ERR_clear_error();
  int r = SSL_write(c->ssl, b, n > 1 << 20 ? 1 << 20 : n);
  if (r > 0) return r;
  int e = SSL_get_error(c->ssl, r);
  errno = (e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE) ? EAGAIN : EIO;
  return -1;
}
static ssize_t io_recv(conn* c, void* b, size_t n) {
  if (!c->ssl) return recv(c->fd, b, n, 0);
  ERR_clear_error();
  int r = SSL_read(c->ssl, b, n);
  if (r > 0) return r;
  int e = SSL_get_error(c->ssl, r);
  if (e == SSL_ERROR_ZERO_RETURN) return 0;
  if (e == SSL_ERROR_SYSCALL && errno == 0) return 0;
  errno = (e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE) ? EAGAIN : EIO;
  return -1;
}
static int srcn;
static void openc(conn* c) {
  c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  int one = 1;
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, 4);
  if (mode == 'c' || nconn + nidle > 5000) {
    setsockopt(c->fd, IPPROTO_IP, 24 /*IP_BIND_ADDRESS_NO_PORT*/, &one, 4);
    struct sockaddr_in s = {.sin_family = AF_INET};
    s.sin_addr.s_addr = htonl(0x7f000002u + (srcn++ % 64));
    bind(c->fd, (void*)&s, sizeof s);
  }
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
  inet_pton(AF_INET, addr, &a.sin_addr);
  c->in_len = 0;
  c->want_out = 1;
  c->reused = 0;
  struct epoll_event e = {.events = EPOLLIN | EPOLLOUT, .data.ptr = c};
  int r = connect(c->fd, (void*)&a, sizeof a);
  if (r && errno != EINPROGRESS) {
    if (measuring) errs_connect++;
  }
  c->st = CONNECTING;
  epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &e);
}
static void closec(conn* c) {
  if (c->ssl) {
    SSL_set_shutdown(c->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(c->ssl);
    c->ssl = 0;
  }
  if (rst) {
    struct linger l = {1, 0};
    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &l, sizeof l);
  }
  close(c->fd);
  c->fd = -1;
}
static void reopen(conn* c) {
  closec(c);
  reconnects++;
  openc(c);
}
static void next_or_idle(conn* c) {
  if (c->idle_only && c->reused) {
    c->st = IDLE;
    return;
  }
  if (rate > 0) {
    if (ph < pt) {
      start(c, pend[ph++ % pcap]);
      return;
    }
    c->st = IDLE;
    c->next = freelist;
    freelist = c;
    return;
  }
  start(c, now());
}
static void start(conn* c, i64 t0) {
  c->t0 = t0;
  c->sent_head = 0;
  c->sent_body = 0;
  c->chunked = 0;
  c->must_close = 0;
  if (rhosts) {
    static char h[64];
    snprintf(h, sizeof h, hosts, (long)(rnd() % rhosts));
    static char* tmpl;
    static int tl, hoff;
    if (!tmpl) {
      tmpl = mkreq(&tl, "\x01");
      hoff = strchr(tmpl, 1) - tmpl;
    }
    if (!c->req) c->req = malloc(20000 + strlen(extra));
    int hl = strlen(h);
    memcpy(c->req, tmpl, hoff);
    memcpy(c->req + hoff, h, hl);
    memcpy(c->req + hoff + hl, tmpl + hoff + 1, tl - hoff - 1);
    c->req_len = tl - 1 + hl;
  } else {
    c->req = fixed;
    c->req_len = fixed_len;
  }
  c->st = SENDING;
  pump(c);
}
static void io_fail(conn* c) {
  if (measuring) errs_io++;
  reopen(c);
}
static void finish(conn* c) {
  i64 t = now();
  if (measuring && !c->idle_only && t < tend_) {
    rec(t - c->t0);
    done++;
  }
  c->reused = 1;
  if (mode == 'c') {
    c->st = CLOSING;
    return;
  }
  if (c->must_close) {
    reopen(c);
    return;
  }
  next_or_idle(c);
}
static void pump(conn* c) {  // send
  while (c->sent_head < (size_t)c->req_len || c->sent_body < upload) {
    ssize_t r;
    if (c->sent_head < (size_t)c->req_len) {
      r = io_send(c, c->req + c->sent_head, c->req_len - c->sent_head);
      if (r > 0) c->sent_head += r;
    } else {
      i64 k = upload - c->sent_body;
      if (k > 1 << 20) k = 1 << 20;
      r = io_send(c, zeros, k);
      if (r > 0) {
        c->sent_body += r;
        if (measuring) bytes += r;
      }
    }
    if (r < 0) {
      if (errno == EAGAIN) {
        ev_set(c, 1);
        return;
      }
      io_fail(c);
      return;
    }
  }
  ev_set(c, 0);
  c->st = READING_HEAD;
  c->in_len = 0;
  c->tail = 0;
}
static i64 evlast;
static void on_read(conn* c) {
  for (;;) {
    char* buf = rbuf;
    size_t cap = RB;
    size_t pre = 0;
    if (c->st == READING_HEAD && c->in_len) {
      memcpy(rbuf, c->in, c->in_len);
      pre = c->in_len;
    }
    ssize_t r = io_recv(c, buf + pre, cap - pre);
    if (r < 0) {
      if (errno == EAGAIN) return;
      io_fail(c);
      return;
    }
    if (r == 0) {
      if (c->st == CLOSING) {
        reopen(c);
        return;
      }
      if (c->st == IDLE) {
        if (measuring) reconnects++;
        conn** pp = &freelist;
        while (*pp && *pp != c) pp = &(*pp)->next;
        if (*pp) *pp = c->next;
        closec(c);
        openc(c);
        return;
      }
      io_fail(c);
      return;
    }
    if (c->st == CLOSING || c->st == IDLE) continue;
    size_t n = pre + r;
    char* p = buf;
    if (measuring && !upload) bytes += r;
    if (c->st == READING_HEAD) {
      char* e = memmem(buf, n, "\r\n\r\n", 4);
      if (!e) {
        if (n > 16000) {
          io_fail(c);
          return;
        }
        if (!c->in) c->in = malloc(16384);
        memcpy(c->in, buf, n);
        c->in_len = n;
        if ((size_t)r < cap - pre && !c->ssl) return;
        continue;
      }
      int code = atoi(buf + 9);
      if (code == 100) {  // skip
        size_t k = e + 4 - buf;
        memmove(buf, buf + k, n - k);
        n -= k;
        if (!c->in) c->in = malloc(16384);
        memcpy(c->in, buf, n);
        c->in_len = n;
        continue;
      }
      if (code >= 200 && code < 300) {
        if (measuring) done2xx++;
      } else if (measuring)
        bad++;
      *e = 0;
      char* s;
      c->body_left = -1;
      if ((s = strcasestr(buf, "\ncontent-length:"))) c->body_left = atoll(s + 16);
      if (c->body_left < 0 && strcasestr(buf, "\ntransfer-encoding:")) c->chunked = 1;
      if ((s = strcasestr(buf, "\nconnection:")) && strncasecmp(s + 12, " close", 6) == 0)
        c->must_close = 1;
      if (code == 204 || code == 304) c->body_left = 0;
      *e = '\r';
      p = e + 4;
      n -= p - buf;
      c->st = READING_BODY;
      c->in_len = 0;
    }
    if (mode == 's') {  // count events and delivery delay
      char *q = p, *end = p + n;
      while ((q = memmem(q, end - q, "\"ts\":", 5)) && q + 25 <= end) {
        i64 ts = strtoll(q + 5, 0, 10);
        i64 t = now();
        if (measuring) {
          events++;
          rec(t - ts);
        }
        q += 25;
      }
      if ((size_t)r < cap - pre && !c->ssl) return;
      continue;
    }
    if (c->chunked) {  // end detection by trailing 0\r\n\r\n
      if (n >= 5 && !memcmp(p + n - 5, "0\r\n\r\n", 5)) {
        finish(c);
        return;
      }
      if (n && n < 5) { /* rare split: treat end when last bytes are CRLFCRLF */
        if (n >= 2 && p[n - 1] == '\n') {
          finish(c);
          return;
        }
      }
    } else if (c->body_left < 0) { /* until close */
      c->must_close = 1;
    } else {
      c->body_left -= n;
      if (c->body_left <= 0) {
        if (c->body_left < 0 && measuring) bad++;
        finish(c);
        if (c->st != CLOSING) return;
      }
    }
    if ((size_t)r < cap - pre && !c->ssl) return;
  }
}
static int newsess(SSL* s, SSL_SESSION* n) {
  (void)s;
  if (!resume) return 0;
  if (sess) SSL_SESSION_free(sess);
  sess = n;
  return 1;
}
static i64 resumed;
static void on_out(conn* c) {
  if (c->st == CONNECTING) {
    int e = 0;
    socklen_t l = 4;
    getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &e, &l);
    if (e) {
      if (measuring) errs_connect++;
      usleep(1000);
      reopen(c);
      return;
    }
    if (tls) {
      c->ssl = SSL_new(ctx);
      SSL_set_fd(c->ssl, c->fd);
      SSL_set_connect_state(c->ssl);
      SSL_set_tlsext_host_name(c->ssl, rhosts ? "h1.bench.test" : host);
      if (resume && sess) {
        SSL_set_session(c->ssl, sess);
      }
      c->st = HANDSHAKE;
      if (mode == 'c') c->t0 = now();
    } else {
      ev_set(c, 0);
      if (mode == 'c' || !rate) {
        start(c, now());
      } else
        next_or_idle(c);
      return;
    }
  }
  if (c->st == HANDSHAKE) {
    ERR_clear_error();
    int r = SSL_do_handshake(c->ssl);
    if (r == 1) {
      if (measuring) {
        handshakes++;
        if (SSL_session_reused(c->ssl)) resumed++;
      }
      ev_set(c, 0);
      i64 t = c->t0;
      if (mode == 'c')
        start(c, t);
      else
        next_or_idle(c);
      return;
    }
    int e = SSL_get_error(c->ssl, r);
    if (e == SSL_ERROR_WANT_READ) {
      ev_set(c, 0);
      return;
    }
    if (e == SSL_ERROR_WANT_WRITE) {
      ev_set(c, 1);
      return;
    }
    io_fail(c);
    return;
  }
  if (c->st == SENDING) pump(c);
}
int main(int ac, char** av) {
  int o;
  while ((o = getopt(ac, av, "a:p:P:H:R:F:c:d:w:m:r:b:u:i:x:sSl")) > 0) switch (o) {
      case 'a':
        addr = optarg;
        break;
      case 'p':
        port = atoi(optarg);
        break;
      case 'P':
        path = optarg;
        break;
      case 'H':
        host = optarg;
        break;
      case 'R':
        rhosts = atol(optarg);
        break;
      case 'F':
        hosts = optarg;
        break;
      case 'c':
        nconn = atoi(optarg);
        break;
      case 'd':
        secs = atof(optarg);
        break;
      case 'w':
        warm = atof(optarg);
        break;
      case 'm':
        mode = optarg[0];
        break;
      case 'r':
        rate = atof(optarg);
        break;
      case 'b': {
        FILE* f = fopen(optarg, "r");
        size_t n = fread(extra, 1, sizeof extra - 1, f);
        extra[n] = 0;
        fclose(f);
      } break;
      case 'u':
        upload = atoll(optarg);
        break;
      case 'i':
        nidle = atoi(optarg);
        break;
      case 'x':
        tail_s = atof(optarg);
        break;
      case 's':
        tls = 1;
        break;
      case 'S':
        tls = 1;
        resume = 1;
        break;
      case 'l':
        rst = 1;
        break;
      default:
        return 2;
    }
  signal(SIGPIPE, SIG_IGN);
  struct rlimit rl;
  getrlimit(RLIMIT_NOFILE, &rl);
  rl.rlim_cur = rl.rlim_max;
  setrlimit(RLIMIT_NOFILE, &rl);
  zeros = malloc(1 << 20);
  memset(zeros, 'z', 1 << 20);
  rbuf = malloc(RB + 1);
  ep = epoll_create1(0);
  fixed = mkreq(&fixed_len, host);
  if (tls) {
    ctx = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx, newsess);
  }
  if (rate > 0) {
    pcap = 1 << 20;
    pend = malloc(pcap * 8);
  }
  int tot = nconn + nidle;
  conn* cs = calloc(tot, sizeof(conn));
  int opened = 0;
  i64 t0 = now(), tw = t0 + (i64)(warm * 1e9);
  tend_ = 0;
  i64 nextdue = 0;
  double gap = rate > 0 ? 1e9 / rate : 0;
  int phase = 0;
  double el = 1;
  i64 idle_ready_by = t0 + 15000000000LL;
  struct epoll_event ev[512];
  for (;;) {
    for (int k = 0; k < (nidle ? 200 : tot) && opened < tot; k++) {
      cs[opened].idle_only = opened < nidle;
      openc(&cs[opened++]);
    }
    i64 t = now();
    if (phase == 0 && opened == tot && t >= tw) {
      int ok = 1;
      if (nidle) {
        for (int i = 0; i < nidle; i++)
          if (cs[i].st != IDLE || !cs[i].reused) {
            ok = 0;
            break;
          }
        if (t > idle_ready_by) ok = 1;
      }
      if (ok) {
        phase = 1;
        measuring = 1;
        tstart = t;
        tend_ = t + (i64)(secs * 1e9);
        nextdue = t;
        fprintf(stderr, "measuring\n");
      }
    }
    if (phase == 1 && t >= tend_) {
      phase = 2;
      measuring = 0;
      el = (t - tstart) / 1e9;
    }
    if (phase == 2 && t >= tend_ + (i64)(tail_s * 1e9)) break;
    int to = opened < tot ? 0 : 100;
    if (rate > 0 && phase >= 1) {
      while (nextdue <= t) {
        if (freelist) {
          conn* c = freelist;
          freelist = c->next;
          start(c, nextdue);
        } else if (pt - ph < pcap) {
          pend[pt++ % pcap] = nextdue;
        }
        nextdue += (i64)gap;
      }
      to = -1;
    }
    int n;
    if (to == -1) {
      i64 w = nextdue - now();
      if (w < 0) w = 0;
      struct timespec ts = {0, w};
      n = epoll_pwait2(ep, ev, 512, &ts, 0);
    } else
      n = epoll_wait(ep, ev, 512, to);
    for (int i = 0; i < n; i++) {
      conn* c = ev[i].data.ptr;
      if (c->fd < 0) continue;
      int fd = c->fd;
      if (ev[i].events & EPOLLOUT || (c->st == HANDSHAKE) ||
          (c->st == CONNECTING && ev[i].events & (EPOLLERR | EPOLLHUP)))
        on_out(c);
      if (c->fd == fd && (ev[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) && c->st >= IDLE)
        on_read(c);
    }
  }
  int idle_ok = 0;
  for (int i = 0; i < nidle; i++)
    if (cs[i].st == IDLE) idle_ok++;
  printf(
      "{\"requests\":%ld,\"seconds\":%.3f,\"rps\":%.1f,\"ok2xx\":%ld,\"bad\":%ld,\"errs_connect\":%"
      "ld,\"errs_io\":%ld,\"reconnects\":%ld,\"bytes\":%ld,\"MBps\":%.1f,\"handshakes\":%ld,"
      "\"resumed\":%ld,\"events\":%ld,\"backlog\":%ld,\"idle_ok\":%d,\"p50_us\":%.1f,\"p90_us\":%."
      "1f,\"p99_us\":%.1f,\"p999_us\":%.1f,\"max_us\":%.1f}\n",
      (long)done, el, done / el, (long)done2xx, (long)bad, (long)errs_connect, (long)errs_io,
      (long)reconnects, (long)bytes, bytes / el / 1e6, (long)handshakes, (long)resumed,
      (long)events, (long)(pt - ph), idle_ok, pct(.5) / 1e3, pct(.9) / 1e3, pct(.99) / 1e3,
      pct(.999) / 1e3, hmax / 1e3);
  return 0;
}
