#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/http_guard.h"
#include "net/http_int.h"

enum {
    CONNECT_MS = 3000,
    REPLY_MAX = 256 * 1024,
    HEAD_MAX = 64 * 1024,
    RETRY_AFTER_MAX_S = 24 * 3600,
    MAX_AGE_MAX_S = 7 * 24 * 3600,
};

static curl_socket_t on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *addr)
{
    struct http_call *c = arg;
    bool ok = c->unix_socket ? addr->family == AF_UNIX
                             : http_guard_ok(&addr->addr, c->allow, c->plain && !c->mail);

    if (purpose != CURLSOCKTYPE_IPCXN || !ok) {
        c->refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(addr->family, addr->socktype | SOCK_CLOEXEC, addr->protocol);
}

/* Runs before the request is written, also on a kept connection that another call, with more
 * rights than this one, may have opened. */
static int on_ready(void *arg, char *ip, char *local, int port, int local_port)
{
    struct http_call *c = arg;

    (void)local;
    (void)port;
    (void)local_port;
    if (!c->unix_socket && !http_guard_text_ok(ip, c->allow, c->plain && !c->mail)) {
        c->refused = true;
        return CURL_PREREQFUNC_ABORT;
    }
    c->sent = true;
    return CURL_PREREQFUNC_OK;
}

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
    struct http_call *c = arg;

    buf_add(&c->body, p, size * n);
    if (!buf_err(&c->body))
        return size * n;
    c->too_big = true;
    return 0;
}

static uint64_t retry_after(struct str v)
{
    int64_t at, wait;
    uint64_t s;

    if (str_u64(v, RETRY_AFTER_MAX_S, &s) == 0)
        return s * 1000;
    if (clock_parse_http(v, &at))
        return 0;
    wait = at - clock_wall_ms();
    if (wait <= 0)
        return 0;
    return wait > RETRY_AFTER_MAX_S * 1000LL ? RETRY_AFTER_MAX_S * 1000ULL : (uint64_t)wait;
}

/* RFC 9111 5.2.2.1; "no-store" and "no-cache" mean none. */
static uint64_t max_age(struct str v)
{
    uint64_t age = 0, s;

    while (v.n) {
        struct str rest, value, word = str_trim(str_cut(v, ',', &rest));
        struct str name = str_cut(word, '=', &value);

        v = rest;
        if (str_ieq(name, STR("no-store")) || str_ieq(name, STR("no-cache")))
            return 0;
        if (str_ieq(name, STR("max-age")) && str_u64(value, UINT64_MAX, &s) == 0)
            age = s > MAX_AGE_MAX_S ? MAX_AGE_MAX_S : s;
    }
    return age * 1000;
}

static size_t on_header(char *p, size_t size, size_t n, void *arg)
{
    struct http_call *c = arg;
    struct str value, name, line = str_make(p, size * n);

    c->head_bytes += line.n;
    if (c->head_bytes > HEAD_MAX) {
        c->too_big = true;
        return 0;
    }
    /* A new status line: what came before was an interim (1xx) answer. */
    if (str_starts(line, STR("HTTP/"))) {
        c->date[0] = c->error_type[0] = '\0';
        c->reply.retry_after_ms = c->reply.max_age_ms = 0;
        return line.n;
    }
    name = str_cut(line, ':', &value);
    value = str_trim(value);
    if (str_ieq(name, STR("date")))
        (void)str_copy(value, c->date, sizeof(c->date));
    else if (str_ieq(name, STR("x-amzn-errortype")))
        (void)str_copy(value, c->error_type, sizeof(c->error_type));
    else if (str_ieq(name, STR("retry-after")))
        c->reply.retry_after_ms = retry_after(value);
    else if (str_ieq(name, STR("cache-control")))
        c->reply.max_age_ms = max_age(value);
    return line.n;
}

int http_easy_common(struct http_call *c, size_t reply_max, uint64_t connect_ms)
{
    CURLcode bad = CURLE_OK;
    CURL *e = c->easy = curl_easy_init();

    if (!e)
        return -ENOMEM;
    buf_init(&c->body, reply_max ? reply_max : REPLY_MAX);
    bad |= curl_easy_setopt(e, CURLOPT_PRIVATE, (void *)c);
    bad |= curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    bad |= curl_easy_setopt(e, CURLOPT_PROXY, "");
    bad |= curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
    bad |= curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L);
    bad |= curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L);
    bad |= curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    bad |= curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS,
                            (long)(connect_ms ? connect_ms : CONNECT_MS));
    bad |= curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, on_open);
    bad |= curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, (void *)c);
    bad |= curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, on_ready);
    bad |= curl_easy_setopt(e, CURLOPT_PREREQDATA, (void *)c);
    bad |= curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
    bad |= curl_easy_setopt(e, CURLOPT_WRITEDATA, (void *)c);
    bad |= curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
    bad |= curl_easy_setopt(e, CURLOPT_HEADERDATA, (void *)c);
    return bad ? -ENOMEM : 0;
}

/* List nodes in the call's arena, so that Authorization lines are wiped with it. */
static int add_header(struct http_call *c, struct curl_slist **head, const char *line)
{
    struct curl_slist *node = arena_alloc(c->a, sizeof(*node));

    if (!node || !(node->data = arena_dup(c->a, str_of(line))))
        return -ENOMEM;
    node->next = *head;
    *head = node;
    return 0;
}

static bool header_named(const char *const *headers, struct str name)
{
    for (; headers && *headers; headers++) {
        struct str rest, n = str_cut(str_of(*headers), ':', &rest);

        if (str_ieq(n, name))
            return true;
    }
    return false;
}

static int set_headers(struct http_call *c, const char *const *headers)
{
    /* Lines without a value take the library's own headers away. */
    static const char *const silent[] = {"Accept:", "Content-Type:", "Expect:"};
    struct curl_slist *list = NULL;
    int rc = 0;

    for (size_t i = 0; i < sizeof(silent) / sizeof(*silent) && rc == 0; i++)
        if (!header_named(headers, str_sub(str_of(silent[i]), 0, strlen(silent[i]) - 1)))
            rc = add_header(c, &list, silent[i]);
    for (; headers && *headers && rc == 0; headers++) {
        if (strpbrk(*headers, "\r\n") || !strchr(*headers, ':'))
            return -EINVAL;
        rc = add_header(c, &list, *headers);
    }
    if (rc == 0 && curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, list))
        rc = -ENOMEM;
    return rc;
}

static int set_method(struct http_call *c, const struct http_request *rq)
{
    const char *method = rq->method ? rq->method : "GET";
    struct str body;
    CURLcode bad = CURLE_OK;

    for (const char *p = method; *p; p++)
        if (*p < 'A' || *p > 'Z')
            return -EINVAL;
    if (strcmp(method, "HEAD") == 0)
        return curl_easy_setopt(c->easy, CURLOPT_NOBODY, 1L) ? -ENOMEM : 0;
    if (strcmp(method, "GET") == 0 && rq->body.n == 0)
        return 0;
    body = rq->body.n ? arena_str(c->a, rq->body) : STR("");
    if (body.n != rq->body.n)
        return -ENOMEM;
    bad |= curl_easy_setopt(c->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.n);
    bad |= curl_easy_setopt(c->easy, CURLOPT_POSTFIELDS, body.p);
    bad |= curl_easy_setopt(c->easy, CURLOPT_CUSTOMREQUEST, method);
    return bad ? -ENOMEM : 0;
}

/* "host:port:addr" becomes a CONNECT_TO entry, which stays with this call; a RESOLVE entry would
 * go into the DNS cache that all calls share. */
static int set_fixed_address(struct http_call *c, const char *resolve)
{
    struct str host, port, addr, rest, s = str_of(resolve);
    struct curl_slist *list = arena_alloc(c->a, sizeof(*list));
    bool v6;

    host = str_cut(s, ':', &rest);
    port = str_cut(rest, ':', &addr);
    if (host.n == 0 || port.n == 0 || addr.n == 0)
        return -EINVAL;
    v6 = str_chr(addr, ':') >= 0 && addr.p[0] != '[';
    if (!list || !(list->data = arena_fmt(c->a, "%.*s:%.*s:%s%.*s%s:", STR_FMT(host), STR_FMT(port),
                                          v6 ? "[" : "", STR_FMT(addr), v6 ? "]" : "")))
        return -ENOMEM;
    return curl_easy_setopt(c->easy, CURLOPT_CONNECT_TO, list) ? -ENOMEM : 0;
}

static bool repeatable(const struct http_request *rq)
{
    static const char *const methods[] = {"GET", "HEAD", "PUT", "DELETE"};

    for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++)
        if (!rq->method || strcmp(rq->method, methods[i]) == 0)
            return true;
    return rq->repeatable;
}

int http_easy_request(struct http_call *c, const struct http_request *rq)
{
    CURLcode bad = CURLE_OK;
    CURL *e;
    int rc = http_easy_common(c, rq->reply_max, rq->connect_ms);

    if (rc)
        return rc;
    e = c->easy;
    bad |= curl_easy_setopt(e, CURLOPT_URL, rq->url);
    bad |= curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
    bad |= curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    bad |= curl_easy_setopt(e, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)c->body.max);
    c->fresh = !repeatable(rq);
    if (c->fresh)
        bad |= curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, 1L);
    if (rq->unix_socket)
        bad |= curl_easy_setopt(e, CURLOPT_UNIX_SOCKET_PATH, rq->unix_socket);
    if (bad)
        return -ENOMEM;
    rc = set_method(c, rq);
    if (rc == 0)
        rc = set_headers(c, rq->headers);
    if (rc == 0 && rq->resolve)
        rc = set_fixed_address(c, rq->resolve);
    return rc;
}

static const struct {
    CURLcode code;
    int rc;
} outcomes[] = {
    {CURLE_OK, 0},
    {CURLE_OPERATION_TIMEDOUT, -ETIMEDOUT},
    {CURLE_COULDNT_CONNECT, -ECONNREFUSED},
    {CURLE_COULDNT_RESOLVE_HOST, -EHOSTUNREACH},
    {CURLE_PARTIAL_FILE, -EPROTO},
    {CURLE_GOT_NOTHING, -EPROTO},
    {CURLE_WEIRD_SERVER_REPLY, -EPROTO},
    {CURLE_UNSUPPORTED_PROTOCOL, -EPROTO},
    {CURLE_SSL_CONNECT_ERROR, -EPROTO},
    {CURLE_FILESIZE_EXCEEDED, -EMSGSIZE},
    {CURLE_PEER_FAILED_VERIFICATION, -EKEYREJECTED},
    {CURLE_SSL_CACERT_BADFILE, -EKEYREJECTED},
    {CURLE_USE_SSL_FAILED, -EKEYREJECTED},
    {CURLE_OUT_OF_MEMORY, -ENOMEM},
};

static int outcome(CURLcode code)
{
    for (size_t i = 0; i < sizeof(outcomes) / sizeof(*outcomes); i++)
        if (outcomes[i].code == code)
            return outcomes[i].rc;
    return -EIO;
}

void http_settle(struct http_call *c, CURLcode code)
{
    struct http_reply *r = &c->reply;
    long status = 0;

    curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
    r->status = (int)status;
    r->rc = outcome(code);
    if (r->rc && c->too_big)
        r->rc = -EMSGSIZE;
    else if (r->rc && c->refused && !c->sent)
        r->rc = -EACCES;
    r->sent = c->sent;
    r->body = buf_view(&c->body);
    r->date = str_of(c->date);
    r->error_type = str_of(c->error_type);
    if (c->mail)
        http_mail_settle(c, code);
}
