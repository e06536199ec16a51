/*
 * ctl: the control socket run/ctl, mode 0600. One JSON line in, one JSON line out, then the
 * connection ends. Peers must be root or our own uid, and have CTL_PEER_MS for all of it.
 *
 *   {"cmd":"status"}                         {"cmd":"apply","fence":7,"spec":{...}}
 *   {"cmd":"suspend","fence":7}              {"cmd":"resume","fence":7}
 *   {"cmd":"delete","fence":7}               {"cmd":"detach","fence":7}: leave, program stays
 *
 * Answer: {"ok":true, fields of state.json} or {"ok":false,"code":"...","why":"...", fields}.
 * Codes: bad_request, stale_fence, stale_generation, no_spec, deleting, storage. An order with a
 * lower fence than the highest seen is refused: its sender has lost its lease. An order is
 * answered when it is recorded, not when it is carried out; status says how far it is.
 */
#ifndef LM_KEEPER_CTL_H
#define LM_KEEPER_CTL_H

#include "keeper.h"

#define CTL_PEERS   8
#define CTL_PEER_MS 5000
#define CTL_MAX     (SPEC_MAX + 4096)

struct ctl_peer {
    int fd; /* -1: free */
    uint64_t deadline;
    struct buf in, out;
};

struct ctl {
    int fd;
    struct ctl_peer peers[CTL_PEERS];
};

int ctl_open(struct ctl *c, const char *run); /* 0 or -errno */
void ctl_accept(struct ctl *c);
/* Readable or writable, or deadline reached. Frees the peer when it is done. */
void ctl_peer_io(struct ctl_peer *p, struct keeper *k);
void ctl_close(struct ctl *c);

#endif
