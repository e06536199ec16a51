/*
 * process_int: the parts of the process engine among themselves. The engine talks to one
 * lastmile-keeper per tenant over its control socket (src/keeper/ctl.h) and starts it when
 * nobody answers; it holds nothing itself.
 */
#ifndef LM_PROCESS_INT_H
#define LM_PROCESS_INT_H

#include "base/json.h"
#include "config/config.h"
#include "deploy/child.h"
#include "deploy/engine.h"

struct process_paths { /* of one tenant */
    const char *run, *ctl, *data, *record;
};

/* process_spec: engine_call + template -> what the keeper is told. Pure. */
struct process_spec_result {
    struct buf json; /* {"generation":..,"spec_sha256":..,"run":{..}} */
    const char *why; /* -EINVAL: what is wrong, static */
};
/* 0, -EINVAL, -ENOMEM. out->json must be freed in any case. */
int process_spec(const struct engine_call *call, const struct cfg_template *t,
                 struct process_spec_result *out);

/* process_reply: what a keeper's answer means for a verb. Pure. */
struct process_ask {
    const struct engine_call *call;
    const char *endpoint; /* rendered */
    struct buf *outputs;  /* filled for DONE, and for a delete that ends */
    struct buf *detail;
};
/* true: *r is final. false: not there yet, *r is the PENDING to give when time is up. */
bool process_reply(const struct process_ask *ask, const cJSON *st, struct engine_result *r);

/* process_disk: what the files say when no keeper answers. */
enum process_disk { DISK_NOTHING, DISK_SUSPENDED, DISK_DELETING, DISK_GONE };
enum process_disk process_disk(const struct process_paths *p);

/* process_ctl: one line to a keeper, one line back. */
struct process_ctl;
typedef void (*process_ctl_cb)(void *arg, int rc, const cJSON *answer);
/* cb exactly once, unless cancelled: 0 and the answer, -ECONNREFUSED nobody there, -ETIMEDOUT,
 * -EBADMSG. -errno: no callback. */
int process_ctl_send(uv_loop_t *loop, const char *path, struct str line, uint64_t timeout_ms,
                     process_ctl_cb cb, void *arg, struct process_ctl **out);
void process_ctl_cancel(struct process_ctl *c);

/* process_keeper: starts a keeper. */
struct process_keeper_opts {
    const struct process_paths *paths;
    const char *program, *archive_dir, *cgroup_root, *tenant;
    uint32_t uid;
};
int process_keeper_start(uv_loop_t *loop, const struct process_keeper_opts *o,
                         const struct child_events *ev, struct child **out);

#endif
