#include "sandbox/sb_gcp_call.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/enc.h"
#include "sandbox/sb_aws.h"
#include "sandbox/sb_gcp_auth.h"
#include "sandbox/sb_gcp_token.h"

/* Query parameters that every method knows (discovery documents, "parameters"). */
#define COMMON                                                                                     \
    " $.xgafv access_token alt callback fields key oauth_token prettyPrint quotaUser "             \
    "uploadType upload_protocol "

static const struct {
    const char *base, *owner;
    const char *coll;
    const struct sb_gcp_op *ops;
} apis[] = {
    {"/gcp/procurement/v1/", "providers/", "accounts", sb_gcp_acct_ops},
    {"/gcp/procurement/v1/", "providers/", "entitlements", sb_gcp_ent_ops},
    {"/gcp/pubsub/v1/", "projects/", "subscriptions", sb_gcp_sub_ops},
};

int sb_gcp_fail(struct sb_gcp_call *c, const char *status, const char *fmt, ...)
{
    va_list ap;

    c->status = status;
    va_start(ap, fmt);
    vsnprintf(c->message, sizeof(c->message), fmt, ap);
    va_end(ap);
    return -1;
}

int sb_gcp_query(struct sb_gcp_call *c, const char *name, char *out, size_t cap)
{
    int rc = sb_req_field(c->req->query, name, out, cap);

    if (rc && rc != -ENOENT)
        return sb_gcp_fail(c, "INVALID_ARGUMENT", "Invalid value at '%s'", name);
    return 0;
}

void sb_gcp_about(struct sb_gcp_call *c, const char *handle, const char *detail)
{
    snprintf(c->about, sizeof(c->about), "%s", handle);
    snprintf(c->detail, sizeof(c->detail), "%s", detail);
}

/* Is `name` a word of the list, and if the list tells types, of which? 0: no. */
static char listed(const char *list, struct str name, bool typed)
{
    struct str word, rest = str_of(list);

    while (rest.n > 0) {
        word = str_cut(rest, ' ', &rest);
        if (!typed && str_eq(word, name) && name.n > 0)
            return 'y';
        if (typed && word.n == name.n + 2 && str_starts(word, name) && word.p[name.n] == ':')
            return word.p[name.n + 1];
    }
    return 0;
}

static bool fits(const cJSON *v, char type)
{
    switch (type) {
    case 's':
        return cJSON_IsString(v);
    case 'i':
        return cJSON_IsNumber(v) && v->valuedouble >= -2147483648.0 &&
               v->valuedouble <= 2147483647.0 && v->valuedouble == (double)v->valueint;
    case 'b':
        return cJSON_IsBool(v);
    case 'o':
        return cJSON_IsObject(v);
    case 'a':
        return cJSON_IsArray(v);
    default:
        return false;
    }
}

static int check_query(struct sb_gcp_call *c)
{
    struct str rest = c->req->query;

    while (rest.n > 0) {
        struct str value, pair = str_cut(rest, '&', &rest);
        struct str key = str_cut(pair, '=', &value);
        if (!listed(c->op->query, key, false) && !listed(COMMON, key, false))
            return sb_gcp_fail(c, "INVALID_ARGUMENT",
                               "Invalid JSON payload received. Unknown name \"%.*s\": Cannot bind "
                               "query parameter. Field '%.*s' could not be found in request "
                               "message.",
                               STR_FMT(key), STR_FMT(key));
    }
    return 0;
}

static int read_body(struct sb_gcp_call *c)
{
    struct str body = c->req->body;
    const cJSON *item;

    if (c->req->too_big)
        return sb_gcp_fail(c, "INVALID_ARGUMENT", "Request payload size exceeds the limit");
    if (body.n > 0 && (!strcmp(c->op->method, "GET") ||
                       !str_starts(sb_req_header(c->req, "content-type"), STR("application/json"))))
        return sb_gcp_fail(c, "INVALID_ARGUMENT", "Invalid JSON payload received. Content-Type");
    if (body.n == 0)
        c->in = cJSON_CreateObject();
    else if (json_parse(body, SB_BODY_MAX, &c->in))
        c->in = NULL;
    if (!cJSON_IsObject(c->in))
        return sb_gcp_fail(c, "INVALID_ARGUMENT", "Invalid JSON payload received.");
    cJSON_ArrayForEach(item, c->in)
    {
        char type = listed(c->op->fields, str_of(item->string), true);
        if (!type)
            return sb_gcp_fail(c, "INVALID_ARGUMENT",
                               "Invalid JSON payload received. Unknown name \"%s\": Cannot find "
                               "field.",
                               item->string);
        if (!fits(item, type) && !cJSON_IsNull(item))
            return sb_gcp_fail(c, "INVALID_ARGUMENT", "Invalid value at '%s'", item->string);
    }
    return 0;
}

/* owner/coll[/id][:verb] behind the API's base. */
static const struct sb_gcp_op *route(struct sb_gcp_call *c)
{
    for (size_t i = 0; i < sizeof(apis) / sizeof(apis[0]); i++) {
        struct str rest = str_of(c->path), verb = STR("");
        if (!str_starts(rest, str_of(apis[i].base)))
            continue;
        rest = str_from(rest, strlen(apis[i].base));
        if (!str_starts(rest, str_of(apis[i].owner)))
            continue;
        c->owner = str_cut(str_from(rest, strlen(apis[i].owner)), '/', &rest);
        struct str coll = str_cut(rest, '/', &c->id);
        ptrdiff_t colon = str_rchr(c->id, ':');
        if (colon >= 0) {
            verb = str_from(c->id, (size_t)colon + 1);
            c->id = str_sub(c->id, 0, (size_t)colon);
        }
        if (!str_is(coll, apis[i].coll) || c->owner.n == 0 || str_chr(c->id, '/') >= 0)
            continue;
        for (const struct sb_gcp_op *op = apis[i].ops; op->name; op++) {
            if (str_is(c->req->method, op->method) && str_is(verb, op->verb) &&
                op->item == (c->id.n > 0))
                return op;
        }
    }
    return NULL;
}

static int authorize(struct sb_gcp_call *c)
{
    bool pubsub = str_starts(str_of(c->path), STR("/gcp/pubsub/"));
    const struct sb_gcp_set *set = &c->s->gcp->set;
    const struct sb_gcp_bearer *who = sb_gcp_auth_bearer(c->s, c->req);

    if (!who)
        return sb_gcp_fail(c, "UNAUTHENTICATED",
                           "Request had invalid authentication credentials. Expected OAuth 2 "
                           "access token, login cookie or other valid authentication credential.");
    if (!sb_gcp_auth_scoped(who, pubsub))
        return sb_gcp_fail(c, "PERMISSION_DENIED",
                           "Request had insufficient authentication scopes.");
    if (strcmp(who->email, SB_GCP_EMAIL) != 0 ||
        !(pubsub ? set->linked_pubsub : set->linked_procurement))
        return sb_gcp_fail(c, "PERMISSION_DENIED", "The caller does not have permission");
    if (!pubsub && !sb_gcp_provider(c->s, c->owner))
        return sb_gcp_fail(c, "PERMISSION_DENIED", "The caller does not have permission");
    return 0;
}

static void run(struct sb_gcp_call *c)
{
    enum sb_fault_kind kind = SB_FAULT_NONE;
    char name[80];
    uint64_t ms = 0;
    bool struck = false;

    if (authorize(c) == 0 && check_query(c) == 0 && read_body(c) == 0) {
        kind = sb_fault_call(c->s, c->op->name, &ms);
        struck = sb_gcp_struck(c->s, c->resp, kind, ms);
        if (!struck)
            c->op->fn(c);
    }
    sb_aws_count(c->s, c->op->name, !c->status && !struck);
    snprintf(name, sizeof(name), "gcp.%s", c->op->name);
    sb_ledger_add(&c->s->ledger, sb_core_now(c->s), name, c->about,
                  c->status ? c->status
                  : struck  ? "refused"
                            : "ok",
                  kind != SB_FAULT_NONE ? sb_fault_name(kind) : c->detail);
    if (struck)
        return;
    if (!c->status && buf_err(&c->out))
        sb_gcp_fail(c, "INTERNAL", "the answer became too large");
    if (c->status) {
        sb_gcp_write_error(c->resp, c->status, c->message);
    } else {
        c->resp->ctype = "application/json; charset=UTF-8";
        buf_str(&c->resp->body, buf_view(&c->out));
    }
    sb_fault_spoil(c->s, c->resp, kind, ms);
}

static int decode_path(struct sb_gcp_call *c)
{
    struct buf b;
    int rc;

    buf_init(&b, sizeof(c->path) - 1);
    rc = enc_form_dec(&b, c->req->path);
    if (rc == 0)
        rc = buf_err(&b);
    if (rc == 0)
        rc = str_copy(buf_view(&b), c->path, sizeof(c->path));
    buf_free(&b);
    return rc;
}

bool sb_gcp_handle(struct sb *s, const struct sb_req *req, struct sb_resp *resp)
{
    struct sb_gcp_call c = {.s = s, .req = req, .resp = resp};

    if (sb_gcp_auth_handle(s, req, resp) || sb_gcp_token_certs(s, req, resp))
        return true;
    if (!str_starts(req->path, STR("/gcp/")))
        return false;
    c.op = decode_path(&c) ? NULL : route(&c);
    if (!c.op) {
        sb_aws_count(s, "gcp.unknown", false);
        sb_gcp_write_error(resp, "NOT_FOUND", "Method not found.");
        return true;
    }
    buf_init(&c.out, SB_REPLY_MAX);
    jsonw_init(&c.w, &c.out);
    run(&c);
    cJSON_Delete(c.in);
    buf_free(&c.out);
    return true;
}
