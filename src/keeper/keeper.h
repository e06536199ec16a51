/*
 * keeper: the supervisor of one tenant.
 *
 * One process, one thread, one poll loop, no shared memory with anybody. It owns everything of
 * its tenant on this host: the run directory (lock, ctl, app.sock, state.json, log), the data
 * directory, the durable record beside it, and the cgroups. flock on run/lock is the local fence:
 * two keepers of one tenant cannot run.
 *
 * Level-triggered: keeper_step() compares what is wanted (desired, want) with what is (inst[])
 * and takes the next action; every event only changes those and calls it again. An instance moves
 * STARTING -> SERVING -> STOPPING -> FREE, or STARTING -> STOPPING when it never became healthy.
 *
 * Crash argument: docs/engines.md, "When the keeper dies".
 */
#ifndef LM_KEEPER_H
#define LM_KEEPER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "limits.h"
#include "probe.h"
#include "spec.h"

#define KEEPER_INSTS 4
#define KEEPER_WHY   256

enum keeper_desired { DESIRED_RUNNING, DESIRED_SUSPENDED, DESIRED_DELETED };
enum inst_state { INST_FREE, INST_STARTING, INST_SERVING, INST_STOPPING };

/* From argv: identity and places, never a secret and never a buyer's text. */
struct keeper_opts {
    const char *run;         /* run directory of this tenant */
    const char *data;        /* data directory of this tenant */
    const char *record;      /* durable record, beside the data directory */
    const char *archive_dir; /* "" = delete keeps nothing */
    const char *tenant;
    const char *cgroup_root; /* "" = detect, "none" = never */
    uid_t uid;
    gid_t gid;
    bool own_uid; /* running as root: the tenant gets uid/gid */
};

struct inst {
    enum inst_state state;
    uint64_t seq;      /* unique per tenant: names the socket and the cgroup */
    struct spec *spec; /* own reference */
    pid_t pid;
    int pidfd;
    uint64_t starttime; /* field 22 of /proc/PID/stat: tells a pid from its later namesake */
    uint64_t sock_ino;  /* inode of the socket: says whether app.sock is this instance's */
    bool adopted;       /* not our child: no exit status */
    bool hung;          /* serving, but unhealthy for long: to be replaced */
    int wstatus;        /* valid when reaped */
    bool reaped;
    uint64_t since;    /* monotonic ms of the present state */
    uint64_t deadline; /* STARTING: healthy until then */
    uint64_t term_at;  /* STOPPING: TERM then, 0 = sent */
    uint64_t kill_at;  /* STOPPING: KILL then */
    uint64_t probe_at;
    unsigned bad; /* failed probes in a row */
    struct probe probe;
    char limits[LIMITS_TEXT];
};

struct keeper {
    struct keeper_opts o;
    int lock_fd;
    int log_fd;
    enum keeper_desired desired;
    uint64_t fence;          /* highest seen */
    struct spec *want;       /* newest accepted */
    struct spec *good;       /* last one that was healthy */
    char failed[KEEPER_WHY]; /* why want is not run; "" = it is or will be */
    char error[KEEPER_WHY];  /* last thing that went wrong, for people */
    char archive[128];       /* file name, fixed when the delete begins */
    struct inst inst[KEEPER_INSTS];
    uint64_t seq;
    unsigned attempts; /* starts of want without success */
    unsigned crashes;  /* in a row, for the backoff */
    unsigned restarts; /* unexpected ends of serving instances */
    uint64_t retry_at;
    uint64_t hold_until; /* after start: wait for the first order before acting on the record */
    pid_t cleanup_pid;   /* archive and wipe */
    unsigned cleanup_fails;
    bool dirty;    /* state.json is behind */
    bool leaving;  /* SIGTERM: stop the program, keep everything else */
    bool finished; /* leave the loop */
};

/* Acts; lowers *wake (monotonic ms) to the time of its next timer. */
void keeper_step(struct keeper *k, uint64_t *wake);
/* The event inputs. */
void keeper_inst_ended(struct keeper *k, struct inst *i);
void keeper_probe_result(struct keeper *k, struct inst *i, bool ok);
void keeper_cleanup_ended(struct keeper *k, int wstatus);
const char *keeper_status(const struct keeper *k);
struct inst *keeper_find(struct keeper *k, enum inst_state s);
const struct inst *keeper_cfind(const struct keeper *k, enum inst_state s);
/* Remembers why, for state.json and the log. */
void keeper_error(struct keeper *k, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
