#include <errno.h>
#include <string.h>

#include "net/http_guard.h"
#include "net/http_int.h"

struct parts {
    CURLU *u;
    char *scheme, *host, *port, *port_given;
};

static void parts_free(struct parts *p)
{
    curl_free(p->scheme);
    curl_free(p->host);
    curl_free(p->port);
    curl_free(p->port_given);
    curl_url_cleanup(p->u);
}

static int parts_get(const char *url, struct parts *p)
{
    *p = (struct parts){.u = curl_url()};
    if (!p->u)
        return -ENOMEM;
    /* No user:password@ in addresses: it would end up in logs. */
    if (curl_url_set(p->u, CURLUPART_URL, url, CURLU_DISALLOW_USER | CURLU_NON_SUPPORT_SCHEME) ||
        curl_url_get(p->u, CURLUPART_SCHEME, &p->scheme, 0) ||
        curl_url_get(p->u, CURLUPART_HOST, &p->host, 0) ||
        curl_url_get(p->u, CURLUPART_PORT, &p->port, CURLU_DEFAULT_PORT) || !*p->host) {
        parts_free(p);
        return -EINVAL;
    }
    if (curl_url_get(p->u, CURLUPART_PORT, &p->port_given, CURLU_NO_DEFAULT_PORT))
        p->port_given = NULL;
    return 0;
}

/* schemes: "http https", the plain one first. */
int http_url_check(const char *url, const char *schemes, bool *plain, struct buf *dest_key)
{
    struct str tls, bare = str_cut(str_of(schemes), ' ', &tls);
    struct parts p;
    int rc = parts_get(url, &p);

    if (rc)
        return rc;
    *plain = str_ieq(str_of(p.scheme), bare);
    if (!*plain && !str_ieq(str_of(p.scheme), tls))
        rc = -EACCES;
    else
        buf_fmt(dest_key, "%s://%s:%s", p.scheme, p.host, p.port);
    parts_free(&p);
    return rc ? rc : buf_err(dest_key);
}

unsigned http_url_allow(const char *url)
{
    struct parts p;
    unsigned allow = 0;

    if (parts_get(url, &p))
        return 0;
    if (http_guard_loopback_name(p.host))
        allow = HTTP_LOOPBACK;
    parts_free(&p);
    return allow;
}

static int add_part(const char *url, bool scheme, struct buf *out)
{
    struct parts p;
    int rc = parts_get(url, &p);

    if (rc)
        return rc;
    if (scheme)
        buf_fmt(out, "%s://", p.scheme);
    buf_cat(out, p.host);
    if (p.port_given)
        buf_fmt(out, ":%s", p.port_given);
    parts_free(&p);
    return buf_err(out) ? -EINVAL : 0;
}

int http_url_host(const char *url, struct buf *out)
{
    return add_part(url, false, out);
}

int http_url_origin(const char *url, struct buf *out)
{
    return add_part(url, true, out);
}
