// Bounces one cache line between core 0 and core 1 for a few milliseconds and prints nanoseconds per
// round trip: whether the two cores share a cache just now, which a virtual machine's host may change.
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
static _Alignas(128) atomic_uint x;
static _Alignas(128) atomic_int stop_;
static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}
static void pin(int c) {
  cpu_set_t s;
  CPU_ZERO(&s);
  CPU_SET(c, &s);
  pthread_setaffinity_np(pthread_self(), sizeof s, &s);
}
static void* other(void* a) {
  (void)a;
  pin(1);
  unsigned v = 1;
  while (!atomic_load_explicit(&stop_, memory_order_relaxed)) {
    if (atomic_load_explicit(&x, memory_order_acquire) == v) {
      atomic_store_explicit(&x, v + 1, memory_order_release);
      v += 2;
    }
  }
  return 0;
}
int main(int ac, char** av) {
  double secs = ac > 1 ? atof(av[1]) : 0.02;
  pin(0);
  pthread_t t;
  pthread_create(&t, 0, other, 0);
  struct timespec z = {0, 2000000};
  nanosleep(&z, 0);
  double t0 = now(), e;
  unsigned v = 0;
  long n = 0;
  do {
    for (int k = 0; k < 200; k++) {
      atomic_store_explicit(&x, v + 1, memory_order_release);
      v += 2;
      long g = 0;
      while (atomic_load_explicit(&x, memory_order_acquire) != v && ++g < 100000000) {
#ifdef __x86_64__
        __builtin_ia32_pause();
#endif
      }
      n++;
    }
    e = now();
  } while (e - t0 < secs);
  atomic_store(&stop_, 1);
  printf("%.1f\n", (e - t0) * 1e9 / n);
  return 0;
}
