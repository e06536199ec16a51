#include "sandbox/sb_fault.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HOLD_MS  60000
#define DELAY_MS 5000

static const struct {
    const char *name;
    uint64_t ms;
} kinds[SB_FAULT_KINDS] = {
    [SB_FAULT_NONE] = {"none", 0},
    [SB_FAULT_THROTTLE] = {"throttle", 0},
    [SB_FAULT_5XX] = {"5xx", 0},
    [SB_FAULT_DENIED] = {"access-denied", 0},
    [SB_FAULT_EXPIRED_CREDENTIALS] = {"expired-credentials", 0},
    [SB_FAULT_TIMEOUT_BEFORE] = {"timeout-before", HOLD_MS},
    [SB_FAULT_TIMEOUT_AFTER] = {"timeout-after-effect", HOLD_MS},
    [SB_FAULT_TRUNCATE] = {"truncate", 0},
    [SB_FAULT_ENDLESS] = {"never-ending", HOLD_MS},
    [SB_FAULT_SLOW] = {"slow", DELAY_MS},
    [SB_FAULT_NOT_JSON] = {"not-json", 0},
    [SB_FAULT_EMPTY_PAGE] = {"empty-page", 0},
    [SB_FAULT_UNPROCESSED] = {"unprocessed", 0},
    [SB_FAULT_DELAY] = {"delay", DELAY_MS},
    [SB_FAULT_DROP] = {"drop", 0},
    [SB_FAULT_DUPLICATE] = {"duplicate", 0},
    [SB_FAULT_REORDER] = {"reorder", DELAY_MS},
    [SB_FAULT_DOC_ARN] = {"doc-arn", 0},
};

const char *sb_fault_name(enum sb_fault_kind kind)
{
    return kinds[kind].name;
}

static enum sb_fault_kind kind_of(struct str name)
{
    for (size_t i = 1; i < SB_FAULT_KINDS; i++) {
        if (str_is(name, kinds[i].name))
            return (enum sb_fault_kind)i;
    }
    return SB_FAULT_NONE;
}

static int number(const cJSON *in, const char *key, uint64_t dflt, uint64_t max, uint64_t *out)
{
    int64_t v;
    int rc = json_int(in, key, &v);

    *out = dflt;
    if (rc == -ENOENT)
        return 0;
    if (rc || v < 0 || (uint64_t)v > max)
        return -EINVAL;
    *out = (uint64_t)v;
    return 0;
}

int sb_fault_add(struct sb *s, const cJSON *in, const char **why)
{
    struct sb_fault f = {.kind = kind_of(json_str(in, "kind"))};
    struct str op = json_str(in, "op");

    *why = "op is required";
    if (op.n == 0 || str_copy(op, f.op, sizeof(f.op)))
        return -EINVAL;
    *why = "unknown kind";
    if (f.kind == SB_FAULT_NONE)
        return -EINVAL;
    *why = "events know delay, drop, duplicate, reorder and doc-arn; calls know the others";
    if (str_starts(op, STR("event")) != (f.kind >= SB_FAULT_DELAY))
        return -EINVAL;
    *why = "count, ms or n is out of range";
    if (number(in, "count", 1, 1000000, &f.left) || f.left == 0 ||
        number(in, "ms", kinds[f.kind].ms, 86400000, &f.ms) || number(in, "n", 1, 100, &f.n))
        return -EINVAL;
    *why = "too many faults";
    struct sb_fault *item = malloc(sizeof(*item));
    if (!item)
        return -ENOMEM;
    *item = f;
    if (sb_vec_add(&s->faults, item)) {
        free(item);
        return -ENOBUFS;
    }
    return 0;
}

static void strike(struct sb *s, size_t i, struct sb_fault *out)
{
    struct sb_fault *f = s->faults.p[i];

    if (out)
        *out = *f;
    if (--f->left == 0)
        sb_vec_del(&s->faults, i);
}

static bool on_call(const struct sb_fault *f, const char *op)
{
    return !strcmp(f->op, op) || !strcmp(f->op, "*");
}

bool sb_fault_take(struct sb *s, const char *op, enum sb_fault_kind kind, struct sb_fault *out)
{
    for (size_t i = 0; i < s->faults.n; i++) {
        const struct sb_fault *f = s->faults.p[i];
        if (f->kind == kind && on_call(f, op)) {
            strike(s, i, out);
            return true;
        }
    }
    return false;
}

bool sb_fault_event(struct sb *s, const char *label, enum sb_fault_kind kind, struct sb_fault *out)
{
    for (size_t i = 0; i < s->faults.n; i++) {
        const struct sb_fault *f = s->faults.p[i];
        bool all = !strcmp(f->op, "event");
        bool this = !strncmp(f->op, "event:", 6) && !strncmp(label, f->op + 6, strlen(f->op + 6));
        if (f->kind == kind && (all || this)) {
            strike(s, i, out);
            return true;
        }
    }
    return false;
}

enum sb_fault_kind sb_fault_call(struct sb *s, const char *op, uint64_t *ms)
{
    for (size_t i = 0; i < s->faults.n; i++) {
        const struct sb_fault *f = s->faults.p[i];
        struct sb_fault hit;
        if (f->kind > SB_FAULT_NOT_JSON || !on_call(f, op))
            continue;
        strike(s, i, &hit);
        *ms = hit.ms;
        return hit.kind;
    }
    *ms = 0;
    return SB_FAULT_NONE;
}

void sb_fault_write(const struct sb *s, struct jsonw *w)
{
    jsonw_arr(w);
    for (size_t i = 0; i < s->faults.n; i++) {
        const struct sb_fault *f = s->faults.p[i];
        jsonw_obj(w);
        jsonw_kvs(w, "op", str_of(f->op));
        jsonw_kvs(w, "kind", str_of(kinds[f->kind].name));
        jsonw_kvi(w, "count", (int64_t)f->left);
        jsonw_kvi(w, "ms", (int64_t)f->ms);
        jsonw_kvi(w, "n", (int64_t)f->n);
        jsonw_obj_end(w);
    }
    jsonw_arr_end(w);
}

void sb_fault_spoil(struct sb *s, struct sb_resp *resp, enum sb_fault_kind kind, uint64_t ms)
{
    resp->wire_ms = (uint32_t)ms;
    if (kind == SB_FAULT_TRUNCATE)
        resp->wire = SB_WIRE_TRUNCATE;
    if (kind == SB_FAULT_ENDLESS)
        resp->wire = SB_WIRE_ENDLESS;
    if (kind == SB_FAULT_SLOW)
        resp->wire = SB_WIRE_SLOW;
    if (kind == SB_FAULT_NOT_JSON) {
        sb_resp_text(resp, 200, "<html><body>Please log in to the network.</body></html>");
        resp->ctype = "text/html";
    }
    if (kind == SB_FAULT_TIMEOUT_AFTER) {
        sb_core_hold(s, ms);
        resp->wire = SB_WIRE_DROP;
    }
}
