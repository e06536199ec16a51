/* STS: AssumeRole (signed) and AssumeRoleWithWebIdentity (unsigned); query protocol, XML answers.
 * Source: STS API reference, version 2011-06-15. */
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "base/clock.h"
#include "base/enc.h"
#include "market/aws_creds_int.h"

enum { STS_MS = 5000, BODY_MAX = 64 * 1024 };

/* Text of the first <tag>; these values are plain (ids, base64, times), so entities are refused. */
static struct str xml_text(struct str xml, const char *tag)
{
    char open[40], close[40];
    const char *from, *to;
    size_t n = strlen(tag);
    struct str s;

    if (n > 32)
        return str_make(NULL, 0);
    open[0] = '<';
    memcpy(open + 1, tag, n);
    memcpy(open + 1 + n, ">", 2);
    memcpy(close, "</", 2);
    memcpy(close + 2, tag, n);
    memcpy(close + 2 + n, ">", 2);
    from = memmem(xml.p, xml.n, open, n + 2);
    if (!from)
        return str_make(NULL, 0);
    from += n + 2;
    to = memmem(from, xml.n - (size_t)(from - xml.p), close, n + 3);
    s = str_trim(str_make(from, to ? (size_t)(to - from) : 0));
    return str_chr(s, '&') < 0 && str_chr(s, '<') < 0 ? s : str_make(NULL, 0);
}

static bool is_clock_error(struct str code)
{
    return str_is(code, "SignatureDoesNotMatch") || str_is(code, "RequestExpired") ||
           str_is(code, "InvalidSignatureException");
}

static void on_sts(void *arg, const struct http_reply *r)
{
    struct aws_creds *c = arg;
    struct str code = xml_text(r->body, "Code"), when = xml_text(r->body, "Expiration");
    int64_t expires = 0, date;

    if (r->rc || r->status >= 500 || r->status == 429) {
        creds_failed(c, -EAGAIN, "STS does not answer");
    } else if (r->status != 200) {
        /* A wrong clock: remember how wrong, the next fetch signs with it. */
        if (is_clock_error(code) && clock_parse_http(r->date, &date) == 0)
            c->skew_ms = date - clock_wall_ms();
        creds_failed(c, -EACCES, "STS refuses to assume the role");
    } else if (clock_parse_iso(when, &expires)) {
        creds_failed(c, -EAGAIN, "STS gave an answer without credentials");
    } else {
        creds_found(c, xml_text(r->body, "AccessKeyId"), xml_text(r->body, "SecretAccessKey"),
                    xml_text(r->body, "SessionToken"), expires);
    }
}

static const char *endpoint(struct aws_creds *c)
{
    const char *region = *c->cfg.region ? c->cfg.region : "us-east-1";
    bool china = str_starts(str_of(region), STR("cn-"));

    if (*c->cfg.sts_endpoint)
        return c->cfg.sts_endpoint;
    return arena_fmt(c->fetch, "https://sts.%s.amazonaws.com%s/", region, china ? ".cn" : "");
}

static void param(struct buf *b, const char *name, const char *value)
{
    if (!*value)
        return;
    if (b->len)
        buf_ch(b, '&');
    buf_fmt(b, "%s=", name);
    enc_pct(b, str_of(value));
}

static void form(struct buf *b, const char *action, const struct creds_role *role)
{
    bool named = strlen(role->session) >= 2 && strlen(role->session) <= 64;

    param(b, "Action", action);
    param(b, "Version", "2011-06-15");
    param(b, "RoleArn", role->arn);
    param(b, "RoleSessionName", named ? role->session : "lastmile");
    param(b, "ExternalId", role->external_id);
}

static void post(struct aws_creds *c, const char *url, const char *const *headers, struct str body)
{
    struct http_request rq = {.method = "POST",
                              .url = url,
                              .headers = headers,
                              .body = body,
                              .timeout_ms = STS_MS,
                              .reply_max = CREDS_REPLY_MAX,
                              .allow = HTTP_PRIVATE | http_url_allow(url),
                              .repeatable = true};

    creds_http(c, &rq, on_sts);
}

static const char form_type[] = "application/x-www-form-urlencoded; charset=utf-8";

void creds_assume_web(struct aws_creds *c, const char *token_file, const struct creds_role *role)
{
    const char *const headers[] = {"Content-Type: application/x-www-form-urlencoded", NULL};
    const char *token = creds_token_file(c, token_file), *url;
    struct buf body;

    if (!token)
        return;
    url = endpoint(c);
    buf_init(&body, BODY_MAX);
    form(&body, "AssumeRoleWithWebIdentity", role);
    param(&body, "WebIdentityToken", token);
    if (!url || buf_err(&body))
        creds_failed(c, -EACCES, "the web identity token is too long");
    else
        post(c, url, headers, buf_view(&body));
    if (body.p)
        sodium_memzero(body.p, body.cap);
    buf_free(&body);
}

static int sign(struct aws_creds *c, struct str host, struct str body, const char **headers)
{
    const struct sigv4_header h[] = {{STR("content-type"), str_of(form_type)}, {STR("host"), host}};
    struct sigv4_request rq = {.method = "POST",
                               .path = STR("/"),
                               .headers = h,
                               .nheaders = 2,
                               .body = body,
                               .region = *c->cfg.region ? c->cfg.region : "us-east-1",
                               .service = "sts",
                               .now_ms = clock_wall_ms() + c->skew_ms,
                               .normalize_path = true};
    struct sigv4_result res;
    int rc = sigv4_sign(&rq, &c->have.k, &res);

    if (rc == 0) {
        headers[0] = arena_fmt(c->fetch, "Content-Type: %s", form_type);
        headers[1] = arena_fmt(c->fetch, "X-Amz-Date: %s", res.date);
        headers[2] = arena_fmt(c->fetch, "Authorization: %s", buf_cstr(&res.authorization));
        headers[3] = *c->have.k.session_token
                         ? arena_fmt(c->fetch, "X-Amz-Security-Token: %s", c->have.k.session_token)
                         : NULL;
        headers[4] = NULL;
        if (!headers[0] || !headers[1] || !headers[2])
            rc = -ENOMEM;
    }
    sigv4_free(&res);
    return rc;
}

void creds_assume(struct aws_creds *c, const struct creds_role *role)
{
    const char *headers[5], *url = endpoint(c);
    struct buf body, host;

    buf_init(&body, BODY_MAX);
    buf_init(&host, 300);
    form(&body, "AssumeRole", role);
    if (!url || http_url_host(url, &host) || buf_err(&body) ||
        sign(c, buf_view(&host), buf_view(&body), headers))
        creds_failed(c, -EACCES, "the role, the region or the STS endpoint is not usable");
    else
        post(c, url, headers, buf_view(&body));
    buf_free(&body);
    buf_free(&host);
}
