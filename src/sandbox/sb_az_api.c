#include "sandbox/sb_az_api.h"

#include <stdio.h>
#include <string.h>

#include "sandbox/sb_az_entra.h"
#include "sandbox/sb_az_jwt.h"

#define API  "/azure/api/"
#define SUBS "saas/subscriptions"

static const char unauthorized[] =
    "The authorization token is invalid, expired, missing or this request is attempting to access "
    "a SaaS subscription for an offer that was published with a different Azure AD App ID from the "
    "one used to create the authorization token.";

/* {id} and {op} stand for one segment each. */
static const struct route {
    const char *method, *path, *name;
    sb_az_fn fn;
} routes[] = {
    {"POST", SUBS "/resolve", "SaasResolve", sb_az_resolve},
    {"GET", SUBS, "SaasList", sb_az_list},
    {"GET", SUBS "/", "SaasList", sb_az_list},
    {"GET", SUBS "/{id}", "SaasGet", sb_az_get},
    {"PATCH", SUBS "/{id}", "SaasUpdate", sb_az_update},
    {"DELETE", SUBS "/{id}", "SaasDelete", sb_az_delete},
    {"POST", SUBS "/{id}/activate", "SaasActivate", sb_az_activate},
    {"GET", SUBS "/{id}/listAvailablePlans", "SaasPlans", sb_az_plans},
    {"GET", SUBS "/{id}/operations", "SaasOperations", sb_az_operations},
    {"GET", SUBS "/{id}/operations/{op}", "SaasOperation", sb_az_operation},
    {"PATCH", SUBS "/{id}/operations/{op}", "SaasSettle", sb_az_settle_call},
};

static bool match(struct sb_az_call *c, const char *pattern, struct str path)
{
    struct str want = str_of(pattern);

    while (want.n > 0 || path.n > 0) {
        struct str p = str_cut(want, '/', &want), have = str_cut(path, '/', &path);
        if (str_is(p, "{id}") && have.n > 0)
            c->id = have;
        else if (str_is(p, "{op}") && have.n > 0)
            c->op = have;
        else if (!str_eq(p, have))
            return false;
    }
    return true;
}

static bool ends_alike(const char *pattern, struct str path)
{
    return str_ends(path, STR("/")) == str_ends(str_of(pattern), STR("/"));
}

static const struct route *find(struct sb_az_call *c, struct str path)
{
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        if (str_is(c->req->method, routes[i].method) && ends_alike(routes[i].path, path) &&
            match(c, routes[i].path, path))
            return &routes[i];
    }
    return NULL;
}

/* Each id is echoed when the caller sent it, made otherwise. */
static void id_header(struct sb_az_call *c, const char *name)
{
    struct str sent = sb_req_header(c->req, name);
    char id[SB_ID_UUID];

    if (sent.n == 0 || str_copy(sent, id, sizeof(id)))
        sb_id_uuid(id);
    sb_resp_header(c->resp, name, id);
}

static bool authorized(struct sb_az_call *c)
{
    struct str value = sb_req_header(c->req, "authorization");

    if (str_ieq(str_sub(value, 0, 7), STR("bearer ")) &&
        sb_az_jwt_check(c->s, str_trim(str_from(value, 7))))
        return true;
    sb_az_fail(c, 403, SB_AZ_E_TEXT, "Forbidden", "%s", unauthorized);
    return false;
}

static bool versioned(struct sb_az_call *c)
{
    char v[32];

    if (sb_req_field(c->req->query, "api-version", v, sizeof(v)))
        sb_az_fail(c, 400, SB_AZ_E_UPPER, "ApiVersionUnspecified",
                   "An API version is required, but was not specified.");
    else if (strcmp(v, SB_AZ_VERSION) != 0)
        sb_az_fail(c, 400, SB_AZ_E_UPPER, "UnsupportedApiVersion",
                   "The HTTP resource that matches the request URI does not support the API "
                   "version '%s'.",
                   v);
    else
        return true;
    return false;
}

static bool read_body(struct sb_az_call *c)
{
    if (c->req->too_big) {
        sb_az_fail(c, 413, SB_AZ_E_INNER, "RequestTooLarge", "The request is too large.");
        return false;
    }
    if (c->req->body.n == 0)
        return true;
    if (json_parse(c->req->body, SB_BODY_MAX, &c->in) == 0 && cJSON_IsObject(c->in))
        return true;
    sb_az_fail(c, 400, SB_AZ_E_FLAT, "BadArgument", "The request body cannot be read.");
    return false;
}

static void checked(struct sb_az_call *c)
{
    if (!versioned(c) || !authorized(c) || !read_body(c))
        return;
    if (c->id.n > 0) {
        c->sub = sb_az_sub(c->az, c->id);
        if (!c->sub) {
            sb_az_fail(c, 404, SB_AZ_E_INNER, "EntityNotFound", "The subscription is unknown.");
            return;
        }
    }
    c->fn(c);
}

static void unknown(struct sb_az_call *c)
{
    sb_az_fail(c, 404, SB_AZ_E_INNER, "NotFound", "There is no such resource.");
}

bool sb_az_handle(struct sb *s, const struct sb_req *req, struct sb_resp *resp)
{
    struct sb_az_call c = {.s = s, .az = s->az, .req = req, .resp = resp};
    const struct route *r;

    if (!s->az)
        return false;
    if (str_starts(req->path, STR(SB_AZ_ENTRA)))
        return sb_az_entra(&c);
    if (!str_starts(req->path, STR(API)))
        return false;
    r = find(&c, str_from(req->path, sizeof(API) - 1));
    c.fn = r ? r->fn : unknown;
    sb_resp_header(resp, "X-Content-Type-Options", "nosniff");
    id_header(&c, "x-ms-requestid");
    id_header(&c, "x-ms-correlationid");
    id_header(&c, "x-ms-activityid");
    sb_az_run(&c, r ? r->name : "SaasUnknown", r ? checked : unknown);
    cJSON_Delete(c.in);
    return true;
}
