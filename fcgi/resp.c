/* The only place that writes header lines. */
#include <errno.h>
#include <string.h>

#include "req.h"

#define CSP_HEAD                                                                                   \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "                    \
    "connect-src 'self'; form-action 'self'"
#define CSP_TAIL "; base-uri 'none'; frame-ancestors 'none'"
#define CSP_PAGE CSP_HEAD CSP_TAIL
#define CSP_DATA "default-src 'none'; frame-ancestors 'none'" /* for what is no document */

/* On every answer, errors included (ASVS 5.0 3.4.1 to 3.4.8, 14.3.2). */
#define FIXED                                                                                      \
    "Strict-Transport-Security: max-age=31536000; includeSubDomains\r\n"                           \
    "X-Content-Type-Options: nosniff\r\n"                                                          \
    "Referrer-Policy: no-referrer\r\n"                                                             \
    "Cross-Origin-Opener-Policy: same-origin\r\n"                                                  \
    "Cross-Origin-Resource-Policy: same-origin\r\n"                                                \
    "Permissions-Policy: camera=(), display-capture=(), geolocation=(), microphone=(), "           \
    "payment=(), usb=()\r\n"                                                                       \
    "X-Robots-Tag: noindex, nofollow\r\n"

static const char fixed[] = FIXED;
static const char fixed_page[] = FIXED "Content-Security-Policy: " CSP_PAGE "\r\n";
static const char fixed_data[] = FIXED "Content-Security-Policy: " CSP_DATA "\r\n";

static const struct {
    int status;
    const char *line;
} lines[] = {
    {200, "Status: 200 OK\r\n"},
    {201, "Status: 201 Created\r\n"},
    {202, "Status: 202 Accepted\r\n"},
    {204, "Status: 204 No Content\r\n"},
    {302, "Status: 302 Found\r\n"},
    {303, "Status: 303 See Other\r\n"},
    {304, "Status: 304 Not Modified\r\n"},
    {308, "Status: 308 Permanent Redirect\r\n"},
    {400, "Status: 400 Bad Request\r\n"},
    {401, "Status: 401 Unauthorized\r\n"},
    {403, "Status: 403 Forbidden\r\n"},
    {404, "Status: 404 Not Found\r\n"},
    {405, "Status: 405 Method Not Allowed\r\n"},
    {406, "Status: 406 Not Acceptable\r\n"},
    {408, "Status: 408 Request Timeout\r\n"},
    {409, "Status: 409 Conflict\r\n"},
    {410, "Status: 410 Gone\r\n"},
    {413, "Status: 413 Content Too Large\r\n"},
    {415, "Status: 415 Unsupported Media Type\r\n"},
    {422, "Status: 422 Unprocessable Content\r\n"},
    {429, "Status: 429 Too Many Requests\r\n"},
    {431, "Status: 431 Request Header Fields Too Large\r\n"},
    {500, "Status: 500 Internal Server Error\r\n"},
    {503, "Status: 503 Service Unavailable\r\n"},
    {504, "Status: 504 Gateway Timeout\r\n"},
};

static const char *status_line(int status)
{
    size_t i;

    for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        if (lines[i].status == status)
            return lines[i].line;
    return NULL;
}

/* RFC 9110 5.5: visible ASCII, space and tab; nothing that could end the line. */
static bool value_ok(const char *s)
{
    for (; *s; s++)
        if (((unsigned char)*s < 0x20 && *s != '\t') || (unsigned char)*s >= 0x7f)
            return false;
    return true;
}

/* A path of this host, or a whole http(s) URL; never "//host" or "/\host". */
static bool location_ok(const char *s)
{
    struct str l = str_of(s);

    if (str_chr(l, ' ') >= 0 || str_chr(l, '\t') >= 0 || str_chr(l, '\\') >= 0)
        return false;
    if (l.n > 0 && l.p[0] == '/')
        return l.n == 1 || l.p[1] != '/';
    return str_starts(l, STR("https://")) || str_starts(l, STR("http://"));
}

static bool usable(const struct resp *a)
{
    const char *const values[] = {a->content_type, a->cache, a->etag,  a->location,
                                  a->csp,          a->allow, a->cookie};
    size_t i;

    for (i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        if (values[i] && !value_ok(values[i]))
            return false;
    return status_line(a->status) && buf_err(&a->body) == 0 &&
           (!a->location || location_ok(a->location));
}

static void put(struct buf *out, struct str name, struct str value)
{
    char *p = buf_room(out, name.n + value.n + 2);

    if (!p)
        return;
    memcpy(p, name.p, name.n);
    if (value.n)
        memcpy(p + name.n, value.p, value.n);
    memcpy(p + name.n + value.n, "\r\n", 2);
}

static void put_number(struct buf *out, struct str name, uint64_t v)
{
    char text[24];
    size_t i = sizeof(text);

    do
        text[--i] = (char)('0' + v % 10);
    while (v /= 10);
    put(out, name, str_make(text + i, sizeof(text) - i));
}

/* A policy is about what a document may load: JSON may load nothing. */
static bool is_data(const struct resp *a)
{
    return a->content_type && str_starts(str_of(a->content_type), STR("application/"));
}

static void put_fixed(const struct resp *a, struct buf *out)
{
    if (a->csp) {
        buf_add(out, fixed, sizeof(fixed) - 1);
        put(out, STR("Content-Security-Policy: "), str_of(a->csp));
    } else if (is_data(a)) {
        buf_add(out, fixed_data, sizeof(fixed_data) - 1);
    } else {
        buf_add(out, fixed_page, sizeof(fixed_page) - 1);
    }
    put(out, STR("Cache-Control: "), a->cache ? str_of(a->cache) : STR("no-store"));
}

static void put_head(const struct resp *a, struct buf *out)
{
    buf_cat(out, status_line(a->status));
    put_fixed(a, out);
    if (a->etag)
        put(out, STR("ETag: "), str_of(a->etag));
    if (a->location)
        put(out, STR("Location: "), str_of(a->location));
    if (a->retry_after > 0)
        put_number(out, STR("Retry-After: "), (uint64_t)a->retry_after);
    if (a->allow)
        put(out, STR("Allow: "), str_of(a->allow));
    if (a->status == 401) /* RFC 9110 15.5.2; tokens are the only credentials here */
        put(out, STR("WWW-Authenticate: "), STR("Bearer"));
    if (a->cookie)
        put(out, STR("Set-Cookie: "), str_of(a->cookie));
}

const char *resp_csp_form(struct arena *a, struct str url)
{
    size_t head = str_starts(url, STR("https://"))  ? sizeof("https://") - 1
                  : str_starts(url, STR("http://")) ? sizeof("http://") - 1
                                                    : 0;
    size_t n = head;

    while (head > 0 && n < url.n && url.p[n] != '/') {
        char c = url.p[n];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '.' || c == '-' || c == ':' || c == '[' || c == ']'))
            return NULL;
        n++;
    }
    return n > head ? arena_fmt(a, CSP_HEAD " %.*s" CSP_TAIL, (int)n, url.p) : NULL;
}

static void put_refused(const struct req *r, struct buf *out)
{
    static const char text[] = "Internal error.\n";

    buf_cat(out, status_line(500));
    put_fixed(&(struct resp){0}, out);
    buf_cat(out, "Content-Type: text/plain; charset=utf-8\r\n");
    put_number(out, STR("Content-Length: "), sizeof(text) - 1);
    buf_cat(out, "\r\n");
    if (r->method != REQ_HEAD)
        buf_cat(out, text);
}

int resp_build(const struct req *r, struct buf *out)
{
    const struct resp *a = &r->resp;
    bool bodiless = a->status == 204 || a->status == 304; /* RFC 9110 6.4.1 */

    if (!usable(a)) {
        put_refused(r, out);
        return -EINVAL;
    }
    put_head(a, out);
    if (bodiless) {
        buf_add(out, "\r\n", 2);
        return 0;
    }
    if (a->content_type)
        put(out, STR("Content-Type: "), str_of(a->content_type));
    put_number(out, STR("Content-Length: "), a->content_type ? a->body.len : 0);
    buf_add(out, "\r\n", 2);
    if (a->content_type && r->method != REQ_HEAD)
        buf_add(out, a->body.p, a->body.len);
    return 0;
}
