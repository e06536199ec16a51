/*
 * fulfil_deadline: how long one kind of work at an engine may take altogether, over all calls,
 * polls and workers. It counts from the intent (t.work, t.work_since: Redis time), so a restart
 * does not begin it anew. Only an answer "pending" can meet it: after however long a stop the
 * engine is asked before anybody is told.
 *
 * What waits for a person does not count: a hold, a wish that was taken back, quota and credentials
 * that the seller mends. The record goes whenever no work is under way.
 */
#include "worker/fulfil.h"

enum { MINUTE_MS = 60000, HOUR_MS = 3600000 };

static const struct {
    const char *name;
    size_t limit; /* in struct cfg_deadlines */
    bool serves;  /* the buyer waits for what it makes, so he is told */
} works[] = {
    [WORK_CREATE] = {"create", offsetof(struct cfg_deadlines, create_ms), true},
    [WORK_UPDATE] = {"update", offsetof(struct cfg_deadlines, update_ms), true},
    [WORK_SUSPEND] = {"suspend", offsetof(struct cfg_deadlines, suspend_ms), false},
    [WORK_RESUME] = {"resume", offsetof(struct cfg_deadlines, resume_ms), false},
    [WORK_DELETE] = {"delete", offsetof(struct cfg_deadlines, delete_ms), false},
};

static enum fulfil_work_kind kind_of(const struct fulfil_work *f)
{
    enum fulfil_work_kind makes = f->v.at_applied ? WORK_UPDATE : WORK_CREATE;

    switch (f->verb) {
    case ENGINE_APPLY:
        return makes;
    case ENGINE_OBSERVE:
        return f->v.in.applied ? WORK_NONE : makes; /* all is done: only a look */
    case ENGINE_SUSPEND:
        return WORK_SUSPEND;
    case ENGINE_RESUME:
        return WORK_RESUME;
    case ENGINE_DELETE:
        return f->d.act == ACT_REPLACE ? WORK_UPDATE : WORK_DELETE;
    default:
        return WORK_NONE;
    }
}

const char *fulfil_work_name(const struct fulfil_work *f)
{
    enum fulfil_work_kind kind = kind_of(f);

    return kind == WORK_NONE ? "" : works[kind].name;
}

/* The same on every attempt; another one for the next generation. */
static struct str key_of(struct task *t)
{
    const struct fulfil_work *f = t->state;

    return str_of(
        arena_fmt(t->round, "%s %llu", fulfil_work_name(f), (unsigned long long)f->v.generation));
}

/* It is not the work that the tenant's record says is under way. */
static bool work_begins(struct task *t)
{
    const struct fulfil_work *f = t->state;

    return kind_of(f) != WORK_NONE && !str_eq(f->v.work, key_of(t));
}

void fulfil_work_note(struct args *a, struct task *t)
{
    struct fulfil_work *f = t->state;

    if (!work_begins(t))
        return;
    f->v.work = key_of(t);
    f->v.work_since = f->v.now;
    args_kv(a, "t.work", f->v.work);
    args_kvi(a, "t.work_since", f->v.now);
}

void fulfil_work_over(struct args *a, struct task *t)
{
    const struct fulfil_work *f = t->state;

    if (f->v.work.n == 0)
        return;
    args_kv(a, "t.work", STR(""));
    args_kv(a, "t.work_since", STR(""));
}

static uint64_t limit_of(const struct fulfil_work *f)
{
    const char *table = (const char *)&f->use->work;
    uint64_t limit = *(const uint64_t *)(const void *)(table + works[kind_of(f)].limit);

    return limit > f->use->deadline_ms ? limit : f->use->deadline_ms;
}

int64_t fulfil_work_left(struct task *t)
{
    const struct fulfil_work *f = t->state;

    if (kind_of(f) == WORK_NONE)
        return INT64_MAX;
    if (work_begins(t))
        return (int64_t)limit_of(f);
    return f->v.work_since + (int64_t)limit_of(f) - f->v.now;
}

static struct str why(struct task *t)
{
    const struct fulfil_work *f = t->state;
    uint64_t ms = limit_of(f);
    const char *unit = ms % HOUR_MS == 0 ? "h" : ms % MINUTE_MS == 0 ? "m" : "ms";
    uint64_t n = ms % HOUR_MS == 0 ? ms / HOUR_MS : ms % MINUTE_MS == 0 ? ms / MINUTE_MS : ms;

    return str_of(arena_fmt(t->round,
                            "%s: the engine has answered pending for longer than %llu%s "
                            "(deployment_templates.%s.deadlines.%s)",
                            fulfil_work_name(f), (unsigned long long)n, unit, f->use->name,
                            fulfil_work_name(f)));
}

/* Whatever is done next begins with a look: the engine may be done by then, or half way. */
static void look_next(struct args *a, struct task *t)
{
    const struct fulfil_work *f = t->state;

    if (f->verb == ENGINE_OBSERVE || f->verb == ENGINE_DELETE)
        return;
    args_kv(a, "t.pending", str_of(f->op_id));
    if (f->verb == ENGINE_APPLY)
        return;
    args_kv(a, "t.observed_generation", STR("0"));
    args_kv(a, "t.observed_sha256", STR(""));
}

void fulfil_overdue(struct task *t)
{
    const struct fulfil_work *f = t->state;
    struct args a;

    fulfil_args(&a, t);
    args_kv(&a, "o.fulfilment", str_of(fulfilment_name(FULFIL_STUCK)));
    args_kv(&a, "o.msg", STR("stuck"));
    args_kv(&a, "o.class", STR("DEADLINE"));
    args_kv(&a, "o.code", STR(""));
    args_kv(&a, "o.detail", why(t));
    args_kv(&a, "t.gave_up", str_of(fulfil_work_name(f)));
    look_next(&a, t);
    fulfil_work_over(&a, t);
    if (works[kind_of(f)].serves && f->v.email.n)
        args_kv(&a, "+mail", STR("failed"));
    args_kv(&a, "+mail", STR("alert-stuck"));
    fulfil_log(&a, "state", fulfilment_name(FULFIL_STUCK));
    fulfil_write(t, &a, fulfil_written);
}
