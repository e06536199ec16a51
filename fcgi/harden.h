/*
 * harden: the process shuts itself in after start-up, before the first byte of a request.
 *
 * Always: no new privileges, no core, not dumpable. Then, unless front.sandbox is false: Landlock
 * (no file at all; no TCP but to the Redis port when Redis is configured over TCP; no abstract unix
 * sockets, no signals to others) as far as the kernel knows it, and a seccomp allow-list. What was
 * enforced is one log line, "front.hardened".
 *
 * Everything a front needs from files is therefore read in front_open(). Thread rule: before any
 * thread is made.
 */
#ifndef LM_HARDEN_H
#define LM_HARDEN_H

#include <stdbool.h>
#include <stdint.h>

struct config;

enum harden_kind { HARDEN_LOOP, HARDEN_THREADS, HARDEN_CGI };

struct harden_rules {
    bool threads;      /* may make threads */
    uint16_t tcp_port; /* 0: no INET socket of any kind */
};

/* Before the first uv_loop_init(): newer libuv (Debian 13) makes an io_uring for its own epoll
 * calls, whatever UV_USE_IO_URING says. What goes through a ring is seen by no seccomp filter, so
 * there must be none; libuv then does without. 0 or -errno. */
int harden_no_ring(const struct config *cfg);
/* 0 or -errno: what the kernel cannot do is left out and named, what it refuses is an error. */
int harden_process(const struct config *cfg, enum harden_kind kind);

/* harden_landlock.c. ABI of the kernel that was used (0: has none), or -errno. */
int harden_landlock(const struct harden_rules *rules);
/* harden_seccomp.c. 1 or -errno. */
int harden_seccomp(const struct harden_rules *rules);

/* False in builds with sanitizers: looking for leaks at the end reads /proc. */
bool harden_has_sandbox(void);

/* harden_escape.c: --selftest-escape: shuts a child in and lets it try to get out by `way` (open,
 * write, inet, exec, fork, bind or all). 0: contained; 1: it got out; 64: unknown way. */
int harden_escape(const struct config *cfg, const char *way);

#endif
