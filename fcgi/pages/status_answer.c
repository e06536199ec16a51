/* The JSON form of a status: made once, kept in capcache.h, and sent again while it holds. */

#include "base/clock.h"
#include "pages/status.h"

/* RFC 9110 13.1.2; a list of entity tags, weak comparison. */
static bool matches(struct str header, struct str etag)
{
    while (header.n > 0) {
        struct str one = str_trim(str_cut(header, ',', &header));

        if (str_starts(one, STR("W/")))
            one = str_from(one, 2);
        if (str_eq(one, etag) || str_is(one, "*"))
            return true;
    }
    return false;
}

static bool has_it(const struct status_call *c, const char *etag)
{
    return matches(req_param(c->r, "HTTP_IF_NONE_MATCH"), str_of(etag));
}

static void begin(struct status_call *c, int status, const char *etag, int retry_after)
{
    struct resp *resp = &c->r->resp;

    resp->status = status;
    resp->etag = etag;
    resp->cache = "private, no-cache";
    resp->retry_after = retry_after;
    resp->content_type = "application/json"; /* of a 304 it only says what policy it needs */
}

/* For the next poll. Of a merged order the capability names the other one: not kept. */
static void keep(const struct status_call *c)
{
    const struct resp *resp = &c->r->resp;
    struct cap_answer a = {.ver = c->status.ver,
                           .updated = c->status.updated,
                           .until = c->status.until,
                           .retry_after = resp->retry_after};

    if (c->subject.kind != 'o' || c->merged || !resp->etag || buf_err(&resp->body) ||
        str_copy(str_of(resp->etag), a.etag, sizeof(a.etag)))
        return;
    capcache_keep(pages_of(c->r)->caps, &c->key, str_of(c->order), &a, buf_view(&resp->body));
}

bool status_send_again(struct status_call *c, const struct store_row *marks)
{
    const struct cap_answer *a = capcache_answer(pages_of(c->r)->caps, &c->key, str_of(c->order));
    const char *etag;
    bool same;

    if (!a || store_row_int(marks, status_marks[STATUS_VER], 0) != a->ver ||
        store_row_int(marks, status_marks[STATUS_UPDATED], 0) != a->updated ||
        clock_wall_ms() >= a->until)
        return false;
    same = has_it(c, a->etag);
    etag = arena_dup(c->r->arena, str_of(a->etag));
    if (!etag || !(same || a->body))
        return false;
    begin(c, same ? 304 : 200, etag, a->retry_after);
    if (!same)
        forms_write(a->body, &c->r->resp.body);
    req_done(c->r);
    return true;
}

void status_send_json(struct status_call *c)
{
    const struct front *f = c->r->app;
    struct resp *resp = &c->r->resp;
    const struct pages *pg = pages_of(c->r);
    const char *etag = status_etag(c->r->arena, pg, &c->subject, &c->status);
    bool same = etag && has_it(c, etag);
    struct status_words words;

    begin(c, same ? 304 : 200, etag, c->status.terminal ? 0 : c->status.retry_after);
    if (!same) {
        status_say(c->r->arena, pg, f->cfg, &c->subject, &c->status, &words);
        status_json(c->r->arena, pg, &c->status, &words, &resp->body);
    }
    keep(c);
    req_done(c->r);
}
