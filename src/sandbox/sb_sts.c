#include <stdio.h>

#include "base/clock.h"
#include "base/hash.h"
#include "sandbox/sb_ops.h"
#include "sandbox/sb_session.h"

static void write_credentials(struct buf *b, const struct sb_session *n)
{
    char iso[CLOCK_ISO];

    buf_cat(b, "<Credentials>");
    sb_call_xml(b, "AccessKeyId", str_of(n->key));
    sb_call_xml(b, "SecretAccessKey", str_of(n->secret));
    sb_call_xml(b, "SessionToken", str_of(n->token));
    clock_iso(n->expires_ms, iso);
    sb_call_xml(b, "Expiration", str_of(iso));
    buf_cat(b, "</Credentials>");
}

/* "arn:aws:iam::<12 digits>:role/<name>": the account and the name. */
static bool split_role(struct str arn, struct str *account, struct str *name)
{
    struct str head = STR("arn:aws:iam::"), rest;

    if (!str_starts(arn, head))
        return false;
    *account = str_cut(str_from(arn, head.n), ':', &rest);
    *name = str_from(rest, 5);
    return account->n == 12 && str_starts(rest, STR("role/")) && name->n > 0 && name->n <= 64;
}

static int grant(struct sb_call *c)
{
    struct str role = json_str(c->in, "RoleArn"), session = json_str(c->in, "RoleSessionName");
    struct str account, name;
    char arn[300], id[100];
    int64_t seconds;

    if (!split_role(role, &account, &name))
        return sb_call_fail(c, "ValidationError", "RoleArn is not the ARN of a role");
    if (session.n < 2 || session.n > 64)
        return sb_call_fail(c, "ValidationError", "RoleSessionName has 2 to 64 characters");
    if (sb_call_int(c, "DurationSeconds", 3600, &seconds) || seconds < 900 || seconds > 43200)
        return sb_call_fail(c, "ValidationError", "DurationSeconds is 900 to 43200");
    snprintf(arn, sizeof(arn), "arn:aws:sts::%.*s:assumed-role/%.*s/%.*s", STR_FMT(account),
             STR_FMT(name), STR_FMT(session));
    const struct sb_session *n = sb_session_new(c->s, arn, seconds);
    if (!n)
        return sb_call_fail(c, "InternalFailure", "too many sessions");
    write_credentials(&c->out, n);
    buf_cat(&c->out, "<AssumedRoleUser>");
    snprintf(id, sizeof(id), "AROASANDBOX:%.*s", STR_FMT(session));
    sb_call_xml(&c->out, "AssumedRoleId", str_of(id));
    sb_call_xml(&c->out, "Arn", str_of(arn));
    buf_cat(&c->out, "</AssumedRoleUser>");
    return 0;
}

int sb_sts_assume(struct sb_call *c)
{
    struct str external = json_str(c->in, "ExternalId");

    if (external.n)
        snprintf(c->detail, sizeof(c->detail), "external id %.*s",
                 (int)(external.n < 100 ? external.n : 100), external.p);
    return grant(c);
}

int sb_sts_web_identity(struct sb_call *c)
{
    struct str token = json_str(c->in, "WebIdentityToken");
    char hash[HASH_HEX];

    if (token.n < 4 || token.n > 20000)
        return sb_call_fail(c, "ValidationError", "WebIdentityToken has 4 to 20000 characters");
    /* A digest in the ledger shows whether a rotated token file was read again. */
    hash_sha256_hex(token, hash);
    snprintf(c->detail, sizeof(c->detail), "token sha256 %.16s", hash);
    if (grant(c))
        return -1;
    sb_call_xml(&c->out, "SubjectFromWebIdentityToken", STR("sandbox"));
    sb_call_xml(&c->out, "Provider", STR("sandbox"));
    return 0;
}

int sb_sts_identity(struct sb_call *c)
{
    const struct sb_session *n = sb_session_find(c->s, c->auth.key);
    char arn[300];

    snprintf(arn, sizeof(arn), "arn:aws:iam::%s:user/seller", c->s->conf.seller);
    sb_call_xml(&c->out, "Arn", str_of(n ? n->arn : arn));
    sb_call_xml(&c->out, "UserId", str_of("AIDASANDBOX"));
    sb_call_xml(&c->out, "Account", str_of(c->s->conf.seller));
    return 0;
}
