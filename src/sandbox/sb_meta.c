#include "sandbox/sb_meta.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/json.h"
#include "sandbox/sb_aws.h"
#include "sandbox/sb_fault.h"
#include "sandbox/sb_session.h"

#define IMDS      "/sandbox/imds/latest/"
#define ROLES     IMDS "meta-data/iam/security-credentials/"
#define ROLE      "lastmile-seller"
#define LIFE_S    900
#define IMDS_TEXT "sandbox-imds-token"

static void kv_time(struct jsonw *w, const char *key, int64_t ms)
{
    char iso[CLOCK_ISO];

    clock_iso(ms, iso);
    jsonw_kvs(w, key, str_of(iso));
}

static void credentials(struct sb *s, struct sb_resp *resp, bool imds)
{
    char arn[128];
    struct jsonw w;

    snprintf(arn, sizeof(arn), "arn:aws:sts::%s:assumed-role/" ROLE "/machine", s->conf.seller);
    const struct sb_session *n = sb_session_new(s, arn, LIFE_S);
    if (!n) {
        sb_resp_text(resp, 500, "too many sessions");
        return;
    }
    resp->ctype = "application/json";
    jsonw_init(&w, &resp->body);
    jsonw_obj(&w);
    if (imds) {
        jsonw_kvs(&w, "Code", STR("Success"));
        jsonw_kvs(&w, "Type", STR("AWS-HMAC"));
        kv_time(&w, "LastUpdated", sb_core_now(s));
    }
    jsonw_kvs(&w, "AccessKeyId", str_of(n->key));
    jsonw_kvs(&w, "SecretAccessKey", str_of(n->secret));
    jsonw_kvs(&w, "Token", str_of(n->token));
    kv_time(&w, "Expiration", n->expires_ms);
    jsonw_obj_end(&w);
}

static void imds(struct sb *s, const struct sb_req *req, struct sb_resp *resp)
{
    uint64_t ttl;

    if (str_is(req->path, IMDS "api/token")) {
        struct str want = sb_req_header(req, "x-aws-ec2-metadata-token-ttl-seconds");
        if (!str_is(req->method, "PUT") || str_u64(want, 21600, &ttl) || ttl == 0)
            sb_resp_text(resp, str_is(req->method, "PUT") ? 400 : 405, "bad token request");
        else
            buf_cat(&resp->body, IMDS_TEXT);
        return;
    }
    if (!str_is(sb_req_header(req, "x-aws-ec2-metadata-token"), IMDS_TEXT))
        sb_resp_text(resp, 401, "no token");
    else if (str_is(req->path, ROLES))
        buf_cat(&resp->body, ROLE);
    else if (str_is(req->path, ROLES ROLE))
        credentials(s, resp, true);
    else
        sb_resp_text(resp, 404, "not found");
}

/* A digest in the ledger shows whether a rotated token file was read again. */
static void container(struct sb *s, const struct sb_req *req, struct sb_resp *resp)
{
    struct str token = sb_req_header(req, "authorization");
    char hash[HASH_HEX], detail[48] = "";

    if (token.n > 0) {
        hash_sha256_hex(token, hash);
        snprintf(detail, sizeof(detail), "authorization sha256 %.16s", hash);
    }
    if (str_is(req->path, "/sandbox/eks") && token.n == 0)
        sb_resp_text(resp, 401, "no authorization");
    else
        credentials(s, resp, false);
    sb_ledger_add(&s->ledger, sb_core_now(s), "Ecs", "", resp->status == 200 ? "ok" : "refused",
                  detail);
}

static bool struck(struct sb *s, const char *op, struct sb_resp *resp)
{
    uint64_t ms;
    enum sb_fault_kind kind = sb_fault_call(s, op, &ms);

    if (kind == SB_FAULT_NONE)
        return false;
    if (kind == SB_FAULT_TIMEOUT_BEFORE || kind == SB_FAULT_TIMEOUT_AFTER) {
        sb_core_hold(s, ms);
        resp->wire = SB_WIRE_DROP;
        return true;
    }
    sb_resp_text(resp, kind == SB_FAULT_DENIED ? 403 : 500, "planned trouble");
    return true;
}

bool sb_meta_handle(struct sb *s, const struct sb_req *req, struct sb_resp *resp)
{
    bool is_imds = str_starts(req->path, STR("/sandbox/imds/"));
    bool is_ecs = str_is(req->path, "/sandbox/ecs") || str_is(req->path, "/sandbox/eks");
    const char *op = is_imds ? "Imds" : "Ecs";

    if (!is_imds && !is_ecs)
        return false;
    if (struck(s, op, resp))
        return true;
    if (is_imds)
        imds(s, req, resp);
    else
        container(s, req, resp);
    sb_aws_count(s, op, resp->status == 200);
    return true;
}
