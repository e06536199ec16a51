#include "worker/sign_in.h"

#include <errno.h>
#include <sodium.h>

#include "base/crash.h"
#include "base/json.h"
#include "base/log.h"
#include "worker/truth.h"

enum { ANSWER_MAX = 16384, ATTEMPTS_MAX = 8 };

bool sign_in_wanted(const struct market_ops *ops, const struct cfg_market *cfg)
{
    return ops->sign_in && market_caps_of(ops, cfg)->sign_in;
}

static void refused(struct task *t, int rc, const struct store_rows *rows)
{
    (void)rows;
    if (rc && rc != -ENOENT && rc != -EPERM)
        task_retry(t, "RETRY", "cannot record the refusal", 0);
    else
        task_done(t);
}

void sign_in_again(struct task *t, const char *code, bool submitted)
{
    struct str args[] = {t->id, t->token, t->subject, str_of(code),
                         submitted ? STR("1") : STR("0")};

    LOG(LOG_INFO, "sign_in.again", F("code", code));
    task_store(t, t->shard, STORE_REG_REFUSED, args, 5, refused);
}

static void durable(struct task *t, int rc, const struct store_rows *rows)
{
    struct sign_in *s = t->state;

    (void)rows;
    if (rc == -ENOENT)
        task_done(t);
    else if (rc)
        task_retry(t, "RETRY", "cannot record who signed in", 0);
    else
        s->done(s);
}

static const char *copy(struct task *t, const char *text)
{
    const char *c = arena_dup(t->arena, str_of(text));

    return c ? c : "";
}

static void identified(void *arg, enum market_class cls, const char *code,
                       const struct market_identity *who)
{
    struct sign_in *s = arg;
    struct task *t = s->t;
    struct args a;

    if (!task_release(t))
        return;
    crash_point("sign_in.after_market");
    if (cls != MARKET_OK) {
        LOG(LOG_WARN, "sign_in.failed", F("class", market_class_name(cls)), F("code", code));
        if ((cls == MARKET_RETRY || cls == MARKET_CONFIG) && t->tries < ATTEMPTS_MAX)
            truth_failed(t, s->cfg, cls, code, 0);
        else
            sign_in_again(t, "sign_in_again", false);
        return;
    }
    s->who = (struct market_identity){copy(t, who->tenant), copy(t, who->object),
                                      copy(t, who->name), copy(t, who->email)};
    args_init(&a, t);
    args_add(&a, t->id);
    args_add(&a, t->token);
    args_add(&a, t->subject);
    args_kv(&a, "id_tenant", str_of(s->who.tenant));
    args_kv(&a, "id_object", str_of(s->who.object));
    args_kv(&a, "id_name", str_of(s->who.name));
    args_kv(&a, "id_email", str_of(s->who.email));
    t->state = s;
    task_store(t, t->shard, STORE_REG_IDENTITY, a.v, a.n, durable);
}

static void redeem(struct sign_in *s, struct str sealed)
{
    struct market_sign_in in;
    cJSON *j = NULL;
    struct buf plain;
    int rc;

    buf_init(&plain, ANSWER_MAX);
    rc = seal_open(&s->t->w->seal, sealed, &plain);
    if (rc == 0)
        rc = json_parse(buf_view(&plain), ANSWER_MAX, &j);
    if (rc) {
        LOG(LOG_ERROR, "sign_in.unseal", FI("rc", rc));
        sign_in_again(s->t, "sign_in_again", false);
    } else {
        in = (struct market_sign_in){json_str(j, "code"), json_str(j, "verifier"),
                                     json_str(j, "nonce"), json_str(j, "redirect_uri")};
        crash_point("sign_in.before_market");
        task_hold(s->t);
        s->ops->sign_in(s->market, &in, identified, s);
    }
    cJSON_Delete(j);
    if (plain.p)
        sodium_memzero(plain.p, plain.cap);
    buf_free(&plain);
}

void sign_in_begin(struct sign_in *s, const struct store_row *row)
{
    struct task *t = s->t;
    struct str object = store_row_get(row, "id_object"), answer = store_row_get(row, "answer");

    s->who = (struct market_identity){"", "", "", ""};
    if (object.n) {
        s->who.tenant = arena_dup(t->arena, store_row_get(row, "id_tenant"));
        s->who.object = arena_dup(t->arena, object);
        s->who.name = arena_dup(t->arena, store_row_get(row, "id_name"));
        s->who.email = arena_dup(t->arena, store_row_get(row, "id_email"));
        if (s->who.tenant && s->who.object && s->who.name && s->who.email)
            s->done(s);
        else
            task_retry(t, "RETRY", "task memory is used up", 0);
    } else if (answer.n) {
        redeem(s, answer);
    } else {
        sign_in_again(t, "sign_in_again", str_is(store_row_get(row, "state"), "submitted"));
    }
}
