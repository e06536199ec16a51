#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "sandbox/sb_az_hook.h"
#include "sandbox/sb_az_jwt.h"
#include "sandbox/sb_az_sub.h"
#include "sandbox/sb_post.h"

#define WAIT_MS 15000
#define HUGE_N  (4u << 20)

static struct sb_az_strike *find(const struct sb_az *az, const char *id, size_t *at)
{
    for (size_t i = 0; i < az->strikes.n; i++) {
        struct sb_az_strike *k = az->strikes.p[i];
        if (!strcmp(k->id, id)) {
            *at = i;
            return k;
        }
    }
    return NULL;
}

static void on_answer(struct sb *s, const struct sb_post_job *job, unsigned status,
                      const char *error, struct str reply)
{
    size_t at;
    struct sb_az_strike *k = find(s->az, job->id, &at);
    char result[16];

    (void)error, (void)reply;
    if (!k)
        return;
    k->done = true;
    snprintf(result, sizeof(result), "%u", status);
    sb_ledger_add(&s->ledger, sb_core_now(s), "Attack", "", result, "");
    k->status = status;
}

/* A webhook for an operation that nobody asked for. */
static int write_body(struct sb *s, struct sb_az_sub *sub, const cJSON *in, uint32_t wrong,
                      struct buf *out)
{
    struct str action = json_str(in, "action"), status = json_str(in, "status");
    struct str body = json_str(in, "body");
    struct sb_az_op op = {.sub = sub, .quantity = sub->quantity};
    int64_t quantity;

    if (body.n > 0) {
        buf_str(out, body);
        return buf_err(out);
    }
    sb_id_uuid(op.id);
    sb_id_uuid(op.activity);
    if (str_copy(action.n ? action : STR("Unsubscribe"), op.action, sizeof(op.action)))
        return -EINVAL;
    op.plan = json_str(in, "plan").n ? sb_az_plan(sub->product, json_str(in, "plan")) : sub->plan;
    if (!op.plan)
        return -EINVAL;
    if (json_int(in, "quantity", &quantity) == 0)
        op.quantity = quantity;
    op.created_ms = sb_core_now(s);
    op.state = SB_AZ_SUCCEEDED;
    for (int i = 0; i < SB_AZ_OPSTATES; i++) {
        if (str_is(status, sb_az_opstate((enum sb_az_opstate)i)))
            op.state = (enum sb_az_opstate)i;
    }
    int rc = sb_az_hook_body(s, &op);
    buf_cat(out, op.body);
    if (wrong & SB_AZ_W_HUGE) {
        for (size_t i = 0; i < HUGE_N / 64; i++)
            buf_cat(out, "                                                                ");
    }
    return rc ? rc : buf_err(out);
}

static int write_headers(struct sb *s, struct sb_post_job *job, uint32_t wrong)
{
    struct buf token;
    int rc = 0;

    buf_init(&token, 16384);
    if (!(wrong & SB_AZ_W_NO_AUTH))
        rc = sb_az_jwt_webhook(s, wrong, &token);
    if (wrong & SB_AZ_W_GARBAGE) {
        buf_reset(&token);
        buf_cat(&token, "eyJhbGciOiJSUzI1NiJ9..%00");
    }
    if (rc == 0 && !(wrong & SB_AZ_W_NO_AUTH))
        rc = sb_post_header(job, "Authorization: Bearer %s", buf_cstr(&token));
    if (rc == 0 && wrong & SB_AZ_W_TWO_AUTH)
        rc = sb_post_header(job, "Authorization: Bearer %s", buf_cstr(&token));
    if (rc == 0)
        rc = sb_post_header(job, "Content-Type: %s",
                            wrong & SB_AZ_W_TYPE ? "text/plain" : "application/json");
    buf_free(&token);
    return rc;
}

static int strike(struct sb *s, const char *id)
{
    struct sb_az_strike *k = calloc(1, sizeof(*k));

    if (!k)
        return -ENOMEM;
    snprintf(k->id, sizeof(k->id), "%s", id);
    int rc = sb_vec_add(&s->az->strikes, k);
    if (rc)
        free(k);
    return rc;
}

static int await(struct sb *s, const char *id, unsigned *status)
{
    uint64_t end = clock_mono_ms() + WAIT_MS;
    struct sb_az_strike *k;
    size_t at = 0;
    int rc = -ETIMEDOUT;

    for (k = find(s->az, id, &at); k && !k->done; k = find(s->az, id, &at)) {
        if (!sb_core_wait(s, end) && (s->stopping || clock_mono_ms() >= end))
            break;
    }
    if (k && k->done) {
        *status = k->status;
        rc = 0;
    }
    if (k)
        sb_vec_del(&s->az->strikes, at);
    return rc;
}

int sb_az_attack(struct sb *s, struct sb_az_sub *sub, const cJSON *in, unsigned *status)
{
    struct sb_post_job *job;
    uint32_t wrong = 0;
    char id[SB_AZ_GUID];
    int rc = sb_az_wrong(json_arr(in, "how"), &wrong);

    *status = 0;
    job = rc ? NULL : sb_post_new(HUGE_N + 65536);
    if (!job)
        return rc ? rc : -ENOMEM;
    sb_id_uuid(id);
    snprintf(job->id, sizeof(job->id), "%s", id);
    snprintf(job->url, sizeof(job->url), "%s", sub->product->webhook);
    job->done = on_answer;
    rc = write_body(s, sub, in, wrong, &job->body);
    if (rc == 0)
        rc = write_headers(s, job, wrong);
    if (rc == 0)
        rc = strike(s, id);
    if (rc) {
        sb_post_drop(&job);
        return rc;
    }
    rc = sb_post_add(s, job);
    return rc ? rc : await(s, id, status);
}
