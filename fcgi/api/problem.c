#include "api/problem.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "front.h"
#include "pages/handlers.h"
#include "pages/notice.h"

enum { KEY = 96 };

static struct str words(const struct req *r, const char *code, const char *what)
{
    const struct pages *pg = pages_of(r);
    char key[KEY];
    struct str s = {NULL, 0};
    size_t i;

    for (i = 0; pg && i < 2 && s.n == 0; i++) {
        if (i == 0)
            snprintf(key, sizeof(key), "problem.%s.%s", code, what);
        else
            snprintf(key, sizeof(key), "error.%s.%s", code, what);
        s = cat_get(&pg->cat, str_of(key));
    }
    return s;
}

/* RFC 6901: ~ and / in a member's name. */
static struct str pointer(struct req *r, struct str member)
{
    struct str out;
    struct buf b;
    size_t i;

    buf_init(&b, 512);
    buf_ch(&b, '/');
    for (i = 0; i < member.n && i < 128; i++) {
        if (member.p[i] == '~')
            buf_cat(&b, "~0");
        else if (member.p[i] == '/')
            buf_cat(&b, "~1");
        else
            buf_ch(&b, member.p[i]);
    }
    out = arena_str(r->arena, buf_view(&b));
    buf_free(&b);
    return out;
}

static void error_entry(struct jsonw *w, struct req *r, struct str member, struct str detail)
{
    jsonw_obj(w);
    jsonw_kvs(w, "pointer", pointer(r, member));
    jsonw_kvs(w, "detail", detail);
    jsonw_obj_end(w);
}

static void head(struct jsonw *w, struct req *r, int status, const char *code)
{
    const struct front *f = r->app;
    struct str title = words(r, code, "title");

    r->resp.status = status;
    r->resp.content_type = "application/problem+json";
    jsonw_init(w, &r->resp.body);
    jsonw_obj(w);
    jsonw_kvs(
        w, "type",
        str_of(arena_fmt(r->arena, "%s%s/api/problems/%s", f->cfg ? f->cfg->front.public_url : "",
                         f->base ? f->base : "", code)));
    jsonw_kvs(w, "title", title.n ? title : str_of(code));
    jsonw_kvi(w, "status", status);
    jsonw_kvs_opt(w, "detail", words(r, code, "lead"));
    jsonw_kvs(w, "instance", str_of(arena_fmt(r->arena, "urn:request:%s", r->id)));
}

void problem_send(struct req *r, int status, const char *code, const struct fields *fields)
{
    struct jsonw w;
    size_t i;

    head(&w, r, status, code);
    if (fields) {
        jsonw_key(&w, "errors");
        jsonw_arr(&w);
        for (i = 0; i < fields->n; i++)
            if (fields->f[i].error.n > 0)
                error_entry(&w, r, str_of(fields->f[i].name), fields->f[i].error);
        jsonw_arr_end(&w);
    }
    jsonw_obj_end(&w);
    req_done(r);
}

void problem_member(struct req *r, int status, const char *code, struct str member)
{
    struct jsonw w;

    head(&w, r, status, code);
    if (member.n > 0) {
        jsonw_key(&w, "errors");
        jsonw_arr(&w);
        error_entry(&w, r, member, words(r, code, "member"));
        jsonw_arr_end(&w);
    }
    jsonw_obj_end(&w);
    req_done(r);
}

/* What a type address shows. */
void api_problem_type(struct req *r, const struct str *bound)
{
    char code[48], key[KEY], title[KEY + 8];
    struct page *p;

    if (str_copy(bound[0], code, sizeof(code)) || words(r, code, "title").n == 0) {
        route_error(r, ROUTE_PAGE, 404, "not_found");
        return;
    }
    p = page_new(r, NULL);
    if (!p)
        return;
    snprintf(key, sizeof(key), "problem.%s", code);
    snprintf(title, sizeof(title), "%s.title", key);
    if (!page_has_text(p, title))
        snprintf(key, sizeof(key), "error.%s", code);
    notice_send(p, 200, key, "info");
}
