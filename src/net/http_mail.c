#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "net/http_int.h"

enum { MAIL_MS = 30000, ANSWER_MAX = 16 * 1024, OK_COMPLETED = 250 };

static size_t on_read(char *dst, size_t size, size_t n, void *arg)
{
    struct http_call *c = arg;
    size_t take = size * n < c->upload.n ? size * n : c->upload.n;

    if (take)
        memcpy(dst, c->upload.p, take);
    c->upload = str_from(c->upload, take);
    return take;
}

/* Addresses go into protocol lines: nothing that could end one or open a second argument. */
static bool address_ok(const char *a)
{
    struct str s = str_of(a);

    return s.n > 2 && s.n <= 254 && str_text(s) && str_chr(s, '@') > 0 && !strpbrk(a, "<> \t\r\n");
}

static int set_people(struct http_call *c, const struct http_mail *m)
{
    struct curl_slist *to = arena_alloc(c->a, sizeof(*to));
    CURLcode bad = CURLE_OK;

    if (!address_ok(m->from) || !address_ok(m->to))
        return -EINVAL;
    if (!to || !(to->data = arena_dup(c->a, str_of(m->to))))
        return -ENOMEM;
    bad |= curl_easy_setopt(c->easy, CURLOPT_MAIL_FROM, m->from);
    bad |= curl_easy_setopt(c->easy, CURLOPT_MAIL_RCPT, to);
    if (m->user && *m->user) {
        bad |= curl_easy_setopt(c->easy, CURLOPT_USERNAME, m->user);
        bad |= curl_easy_setopt(c->easy, CURLOPT_PASSWORD, m->password ? m->password : "");
    }
    return bad ? -ENOMEM : 0;
}

static int set_transfer(struct http_call *c, const struct http_mail *m)
{
    bool login = m->user && *m->user;
    bool must = m->starttls_required || (login && http_url_allow(m->url) == 0);
    CURLcode bad = CURLE_OK;

    c->upload = arena_str(c->a, m->message);
    if (c->upload.n != m->message.n)
        return -ENOMEM;
    bad |= curl_easy_setopt(c->easy, CURLOPT_URL, m->url);
    bad |= curl_easy_setopt(c->easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    bad |=
        curl_easy_setopt(c->easy, CURLOPT_USE_SSL, (long)(must ? CURLUSESSL_ALL : CURLUSESSL_TRY));
    bad |= curl_easy_setopt(c->easy, CURLOPT_READFUNCTION, on_read);
    bad |= curl_easy_setopt(c->easy, CURLOPT_READDATA, (void *)c);
    bad |= curl_easy_setopt(c->easy, CURLOPT_UPLOAD, 1L);
    bad |= curl_easy_setopt(c->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)m->message.n);
    return bad ? -ENOMEM : 0;
}

/* When the server refuses a command, the library fails with one of several codes; what counts is
 * the server's own number. */
void http_mail_settle(struct http_call *c, CURLcode code)
{
    struct http_reply *r = &c->reply;

    if (r->rc == 0 && r->status != OK_COMPLETED && r->status < 400)
        r->status = OK_COMPLETED;
    if (r->rc == 0 || r->status < 400)
        return;
    if (code != CURLE_OPERATION_TIMEDOUT && code != CURLE_ABORTED_BY_CALLBACK &&
        code != CURLE_PEER_FAILED_VERIFICATION)
        r->rc = 0;
}

void http_mail_cut(const struct http_call *c)
{
    /* CURLINFO_ACTIVESOCKET knows it only when the transfer has ended. */
    if (c->sock != CURL_SOCKET_BAD)
        shutdown(c->sock, SHUT_RDWR);
}

struct http_call *http_mail(struct http *h, const struct http_mail *m, http_cb *cb, void *arg)
{
    struct http_call *c = http_call_new(h, m->message.n, cb, arg);
    struct buf key;
    int rc;

    if (!c)
        return NULL;
    buf_init(&key, 600);
    c->mail = true;
    c->allow = m->allow;
    rc = http_url_check(m->url, "smtp smtps", &c->plain, &key);
    if (rc == 0)
        rc = http_easy_common(c, ANSWER_MAX, 0);
    if (rc == 0)
        rc = set_people(c, m);
    if (rc == 0)
        rc = set_transfer(c, m);
    if (rc)
        http_fail(c, rc);
    else
        http_enter(c, buf_view(&key), m->timeout_ms ? m->timeout_ms : MAIL_MS);
    buf_free(&key);
    return c;
}
