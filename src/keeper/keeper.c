#include "keeper.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/log.h"
#include "base/proc.h"
#include "cleanup.h"
#include "inst.h"
#include "record.h"
#include "route.h"
#include "state.h"

#define START_ATTEMPTS 3
#define STEADY_MS      60000 /* served this long: the next crash is the first again */
#define BACKOFF_MS     250
#define BACKOFF_CAP_MS 60000
#define HUNG_PROBES    6

const struct inst *keeper_cfind(const struct keeper *k, enum inst_state s)
{
    for (size_t n = 0; n < KEEPER_INSTS; n++)
        if (k->inst[n].state == s)
            return &k->inst[n];
    return NULL;
}

struct inst *keeper_find(struct keeper *k, enum inst_state s)
{
    for (size_t n = 0; n < KEEPER_INSTS; n++)
        if (k->inst[n].state == s)
            return &k->inst[n];
    return NULL;
}

static bool any_left(const struct keeper *k)
{
    for (size_t n = 0; n < KEEPER_INSTS; n++)
        if (k->inst[n].state != INST_FREE)
            return true;
    return false;
}

void keeper_error(struct keeper *k, const char *fmt, ...)
{
    struct buf b;
    va_list ap;

    buf_init(&b, sizeof(k->error) - 1);
    va_start(ap, fmt);
    buf_vfmt(&b, fmt, ap);
    va_end(ap);
    (void)str_copy(buf_view(&b), k->error, sizeof(k->error));
    buf_free(&b);
    k->dirty = true;
    LOG(LOG_WARN, "keeper.error", F("what", k->error));
}

const char *keeper_status(const struct keeper *k)
{
    if (k->desired == DESIRED_DELETED)
        return "deleting";
    if (k->desired == DESIRED_SUSPENDED)
        return any_left(k) ? "suspending" : "suspended";
    if (keeper_cfind(k, INST_SERVING))
        return keeper_cfind(k, INST_STARTING) ? "updating" : "running";
    if (keeper_cfind(k, INST_STARTING))
        return "starting";
    if (k->want == NULL)
        return "idle";
    if (k->failed[0] && k->good == NULL)
        return "failed";
    return k->crashes ? "backoff" : "starting";
}

static uint64_t backoff(unsigned n)
{
    uint64_t ms = n == 0 ? 0 : (uint64_t)BACKOFF_MS << (n > 16 ? 16 : n);

    return ms > BACKOFF_CAP_MS ? BACKOFF_CAP_MS : ms;
}

/* A spec that was healthy once is tried for ever; a new one gets a few tries and its time. */
static void start_failed(struct keeper *k, const struct spec *s, bool final)
{
    uint64_t now = clock_mono_ms();

    if (spec_same(s, k->good)) {
        k->retry_at = now + backoff(++k->crashes);
        return;
    }
    k->attempts++;
    if (!final && k->attempts < START_ATTEMPTS) {
        k->retry_at = now + backoff(k->attempts);
        return;
    }
    memcpy(k->failed, k->error, sizeof(k->failed));
    if (record_write(k))
        keeper_error(k, "the record could not be written");
    LOG(LOG_WARN, "update.failed", FI("generation", s->generation), F("why", k->failed));
}

static void describe_end(struct keeper *k, const struct inst *i, const char *when)
{
    if (i->reaped && WIFSIGNALED(i->wstatus))
        keeper_error(k, "the program was ended by signal %d %s", WTERMSIG(i->wstatus), when);
    else if (i->reaped)
        keeper_error(k, "the program ended with status %d %s", WEXITSTATUS(i->wstatus), when);
    else
        keeper_error(k, "the program ended %s", when);
}

void keeper_inst_ended(struct keeper *k, struct inst *i)
{
    uint64_t now = clock_mono_ms();
    struct spec *s = spec_ref(i->spec);

    if (i->state == INST_STARTING) {
        describe_end(k, i, "before it was healthy");
        inst_free(k, i);
        start_failed(k, s, false);
    } else if (i->state == INST_SERVING) {
        route_remove(k);
        describe_end(k, i, "while it was serving");
        k->restarts++;
        if (now - i->since > STEADY_MS)
            k->crashes = 0;
        k->retry_at = now + backoff(k->crashes++);
        inst_free(k, i);
    } else {
        inst_free(k, i);
    }
    spec_unref(&s);
}

static void promoted(struct keeper *k, struct inst *i)
{
    int rc = inst_promote(k, i);

    if (rc) {
        keeper_error(k, "the route could not be switched (errno %d)", -rc);
        return;
    }
    if (spec_same(i->spec, k->want)) {
        k->attempts = 0;
        k->failed[0] = '\0';
    }
    if (!spec_same(i->spec, k->good)) {
        spec_unref(&k->good);
        k->good = spec_ref(i->spec);
        k->crashes = 0;
    }
    if (record_write(k))
        keeper_error(k, "the record could not be written");
}

void keeper_probe_result(struct keeper *k, struct inst *i, bool ok)
{
    if (i->state == INST_STARTING) {
        if (ok)
            promoted(k, i);
        return;
    }
    if (i->state != INST_SERVING)
        return;
    if (ok) {
        k->dirty = k->dirty || i->bad >= 3;
        i->bad = 0;
        i->hung = false;
        return;
    }
    i->bad++;
    i->hung = i->bad >= HUNG_PROBES;
    k->dirty = k->dirty || i->bad == 3;
    if (i->probe_at > clock_mono_ms() + 1000)
        i->probe_at = clock_mono_ms() + 1000;
}

static void check_deadline(struct keeper *k, struct inst *i, uint64_t *wake)
{
    uint64_t now = clock_mono_ms();

    if (i->state != INST_STARTING)
        return;
    if (now < i->deadline) {
        if (i->deadline < *wake)
            *wake = i->deadline;
        return;
    }
    keeper_error(k, "not healthy at %s within %llu ms", i->spec->health_path,
                 (unsigned long long)i->spec->health_timeout_ms);
    inst_stop(k, i, 0);
    start_failed(k, i->spec, true);
}

static void step_running(struct keeper *k, uint64_t *wake)
{
    struct inst *serving = keeper_find(k, INST_SERVING), *starting = keeper_find(k, INST_STARTING);
    struct spec *target = k->failed[0] ? k->good : k->want;
    uint64_t now = clock_mono_ms(), at = k->retry_at > k->hold_until ? k->retry_at : k->hold_until;
    bool right;
    int rc;

    if (target == NULL)
        return;
    right = serving && spec_same(serving->spec, target) && !serving->hung;
    if (starting && (right || !spec_same(starting->spec, target)))
        inst_stop(k, starting, 0);
    if (right || (starting && starting->state == INST_STARTING))
        return;
    if (now < at) {
        if (at < *wake)
            *wake = at;
        return;
    }
    rc = inst_launch(k, target);
    if (rc == 0)
        return;
    k->retry_at = now + 500;
    if (rc != -EAGAIN) { /* all places taken by instances that still drain: just wait */
        keeper_error(k, "the program could not be started (errno %d)", -rc);
        start_failed(k, target, rc == -EPERM || rc == -ENOTDIR || rc == -ENAMETOOLONG);
    }
    if (k->retry_at < *wake)
        *wake = k->retry_at;
}

static void step_stopped(struct keeper *k, uint64_t *wake)
{
    route_remove(k);
    for (size_t n = 0; n < KEEPER_INSTS; n++)
        if (k->inst[n].state != INST_FREE)
            inst_stop(k, &k->inst[n], 0);
    if (any_left(k))
        return;
    proc_kill_strays(k->cleanup_pid);
    if (k->leaving)
        k->finished = true;
    else if (k->desired == DESIRED_DELETED)
        cleanup_step(k, wake);
}

void keeper_step(struct keeper *k, uint64_t *wake)
{
    uint64_t now = clock_mono_ms();

    for (size_t n = 0; n < KEEPER_INSTS; n++) {
        check_deadline(k, &k->inst[n], wake);
        if (k->inst[n].state != INST_FREE)
            inst_timers(k, &k->inst[n], wake);
    }
    if (k->desired == DESIRED_RUNNING && !k->leaving)
        step_running(k, wake);
    else
        step_stopped(k, wake);
    if (!k->dirty || k->finished)
        return;
    /* Whatever changed may ask for another action at once; a full disk must not spin. */
    *wake = state_write(k) ? now + 500 : now;
}
