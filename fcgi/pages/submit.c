#include "pages/submit.h"

#include <errno.h>

#include "store/store.h"

enum { FORM_JSON = 32 * 1024 };

static void on_submitted(void *arg, int rc, const struct store_rows *rows)
{
    struct submit *s = arg;

    (void)rows;
    if (rc == 0)
        s->answers->done(s, s->cap);
    else if (rc == -ENOENT)
        s->answers->unknown(s);
    else if (rc == -EPERM)
        s->answers->refused(s, s->reg->code);
    else
        s->answers->busy(s);
}

static struct str number(struct submit *s, uint64_t n)
{
    return str_of(arena_fmt(s->r->arena, "%llu", (unsigned long long)n));
}

static void send_form(struct submit *s, struct str json, struct str email)
{
    struct front *f = s->r->app;
    struct str args[] = {str_of(s->id.hash),
                         str_of(s->cap_hash),
                         number(s, f->cfg->front.capability_ttl_ms),
                         json,
                         email,
                         number(s, f->cfg->notify.late_after_ms)};

    store_call(f->store, s->id.shard, STORE_SUBMIT, args, 6, on_submitted, s);
}

static void check_and_send(struct submit *s)
{
    const struct front *f = s->r->app;
    struct str bad;
    struct buf json;

    if (fields_for(s->r->arena, pages_of(s->r), f->cfg, s->reg->plan_cfg, s->reg->made,
                   &s->fields)) {
        s->answers->busy(s);
        return;
    }
    if (fields_fill(s->fields, &s->form, s->answers->skip, &bad)) {
        s->answers->malformed(s, bad);
        return;
    }
    if (fields_check(s->fields) > 0) {
        s->answers->invalid(s);
        return;
    }
    buf_init(&json, FORM_JSON);
    fields_json(s->fields, &json);
    if (buf_err(&json))
        s->answers->malformed(s, str_make(NULL, 0));
    else
        send_form(s, buf_view(&json), fields_email(s->fields));
    buf_free(&json);
}

static void on_loaded(struct req *r, void *arg, int rc, const struct reg *reg)
{
    struct submit *s = arg;

    (void)r;
    s->reg = reg;
    reg_capability(&s->id, s->id.shard, s->cap, s->cap_hash);
    if (rc == -ENOENT || rc == -EINVAL)
        s->answers->unknown(s);
    else if (rc)
        s->answers->busy(s);
    else if (reg->state == REG_REFUSED)
        s->answers->refused(s, reg->code);
    else if (reg->state == REG_SUBMITTED)
        s->answers->done(s, s->cap);
    else if (reg->state == REG_SIGNIN || (reg->state == REG_NEW && reg->signs_in))
        s->answers->refused(s, STR("sign_in_again")); /* nobody has proved whose it is */
    else if (reg->registered) /* a second arrival only gets its capability */
        send_form(s, STR("{}"), STR(""));
    else if (reg->ended)
        s->answers->refused(s, STR("GONE"));
    else
        check_and_send(s);
}

void submit_run(struct submit *s)
{
    reg_load(s->r, &s->id, 0, on_loaded, s);
}
