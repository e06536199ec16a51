/*
 * probe: one HTTP/1.1 GET over a unix socket, non-blocking, healthy = status 200 (RFC 9112
 * status line). Reads at most the status line. Owner polls fd for events and calls probe_io().
 */
#ifndef LM_KEEPER_PROBE_H
#define LM_KEEPER_PROBE_H

#include <stddef.h>
#include <stdint.h>

#define PROBE_TIMEOUT_MS 3000

enum probe_state { PROBE_IDLE, PROBE_SENDING, PROBE_READING };
enum probe_result { PROBE_PENDING, PROBE_OK, PROBE_BAD };

struct probe {
    enum probe_state state;
    int fd;            /* valid unless PROBE_IDLE */
    uint64_t deadline; /* monotonic ms */
    char req[384];
    size_t req_len, sent;
    char in[16];
    size_t got;
};

/* PROBE_PENDING, or PROBE_BAD when nobody listens. The probe must be idle. */
enum probe_result probe_start(struct probe *p, const char *socket_path, const char *http_path);
short probe_events(const struct probe *p); /* for poll */
/* After poll reported the descriptor, or when deadline has passed. Idle again unless PENDING. */
enum probe_result probe_io(struct probe *p);
void probe_stop(struct probe *p);

#endif
