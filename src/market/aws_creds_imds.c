/* Source 5: instance metadata, version 2 only (session token first). */
#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "market/aws_creds_int.h"

enum { IMDS_MS = 1000 };

static const char role_path[] = "/latest/meta-data/iam/security-credentials/";

static void ask(struct aws_creds *c, const char *method, const char *path, const char *header,
                http_cb *next)
{
    const char *base =
        *c->env[ENV_IMDS_ENDPOINT] ? c->env[ENV_IMDS_ENDPOINT] : "http://169.254.169.254";
    const char *const headers[] = {header, NULL};
    const char *url;

    url = arena_fmt(c->fetch, "%.*s%s", STR_FMT(str_rtrim(str_of(base), '/')), path);
    if (!url || !header) {
        creds_failed(c, -EAGAIN, "no memory");
        return;
    }
    struct http_request rq = {.method = method,
                              .url = url,
                              .headers = headers,
                              .connect_ms = IMDS_MS,
                              .timeout_ms = IMDS_MS,
                              .reply_max = CREDS_REPLY_MAX,
                              .allow = HTTP_METADATA | http_url_allow(url)};

    creds_http(c, &rq, next);
}

static const char *token_header(struct aws_creds *c)
{
    return arena_fmt(c->fetch, "X-aws-ec2-metadata-token: %s", c->imds_token);
}

/* Not on an instance, or no role attached: that is "nobody", not trouble. */
static void nobody(struct aws_creds *c, const struct http_reply *r)
{
    bool trouble = r->rc == 0 && (r->status >= 500 || r->status == 429);

    creds_failed(c, trouble ? -EAGAIN : -ENOENT,
                 trouble ? "instance metadata is in trouble" : "no AWS credentials found");
}

static void on_creds(void *arg, const struct http_reply *r)
{
    struct aws_creds *c = arg;
    bool good = false;
    cJSON *j;

    if (r->rc || r->status != 200) {
        nobody(c, r);
        return;
    }
    /* A 200 may hold {"Code":"AssumeRoleUnauthorizedAccess","Message":...}. */
    if (json_parse(r->body, CREDS_REPLY_MAX, &j) == 0) {
        struct str code = json_str(j, "Code");

        good = code.n == 0 || str_is(code, "Success");
        cJSON_Delete(j);
    }
    if (good)
        creds_found_json(c, r->body);
    else
        creds_failed(c, -EACCES, "instance metadata has no credentials for the role");
}

static bool role_ok(struct str s)
{
    static const char extra[] = "+=,.@_-";

    for (size_t i = 0; i < s.n; i++) {
        char ch = s.p[i];
        bool alnum =
            (ch >= '0' && ch <= '9') || (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z');

        if (!alnum && (!ch || !strchr(extra, ch)))
            return false;
    }
    return s.n > 0 && s.n <= 128;
}

static void on_role(void *arg, const struct http_reply *r)
{
    struct aws_creds *c = arg;
    struct str rest, role = str_trim(str_cut(r->body, '\n', &rest));
    const char *path;

    if (r->rc || r->status != 200 || !role_ok(role)) {
        nobody(c, r);
        return;
    }
    path = arena_fmt(c->fetch, "%s%.*s", role_path, STR_FMT(role));
    ask(c, "GET", path ? path : "", token_header(c), on_creds);
}

static void on_token(void *arg, const struct http_reply *r)
{
    struct aws_creds *c = arg;
    struct str token = str_trim(r->body);

    if (r->rc || r->status != 200 || token.n == 0 || !str_text(token)) {
        nobody(c, r);
        return;
    }
    c->imds_token = arena_dup(c->fetch, token);
    ask(c, "GET", role_path, c->imds_token ? token_header(c) : NULL, on_role);
}

bool creds_from_imds(struct aws_creds *c)
{
    if (str_ieq(str_of(c->env[ENV_IMDS_OFF]), STR("true")))
        return false;
    ask(c, "PUT", "/latest/api/token", "X-aws-ec2-metadata-token-ttl-seconds: 21600", on_token);
    return true;
}
