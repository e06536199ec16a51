/*
 * The way back from the sign-in page: {base}/signin/azure?code&state. The code is sealed for the
 * worker and the browser is led to its registration, so that the code is in no history.
 */
#include <errno.h>
#include <stdio.h>

#include "base/json.h"
#include "base/seal.h"
#include "html/form.h"
#include "pages/handlers.h"
#include "pages/notice.h"
#include "pages/signin.h"
#include "store/store.h"

enum { CODE_MAX = 8192, ANSWER_MAX = 16384, SEALED_MAX = 32768 };

struct back {
    struct req *r;
    struct reg_id id;
    struct signin s;
    struct str state;
};

static void lost(struct req *r)
{
    struct page *p = page_new(r, NULL);

    if (p)
        notice_send(p, 400, "signin.lost", "warn");
}

/* Cookie and code stay good: the same address may be asked again. */
static void busy(struct req *r)
{
    struct page *p = page_new(r, NULL);

    if (!p)
        return;
    r->resp.retry_after = 5;
    notice_send(p, 503, "error.unavailable", "warn");
}

static void lead_on(struct back *b, const char *suffix)
{
    char rest[ID_SECRET + 16];

    b->r->resp.cookie = signin_cookie_gone(b->r, b->state);
    snprintf(rest, sizeof(rest), "r/%s%s", b->id.text, suffix);
    page_redirect(b->r, rest);
}

static void on_stored(void *arg, int rc, const struct store_rows *rows)
{
    struct back *b = arg;

    (void)rows;
    if (rc == 0 || rc == -EPERM) /* refused meanwhile: its page says why */
        lead_on(b, "");
    else if (rc == -ENOENT)
        notice_unknown_link(b->r);
    else
        busy(b->r);
}

static void answer_json(struct back *b, struct str code, struct buf *out)
{
    struct jsonw w;

    jsonw_init(&w, out);
    jsonw_obj(&w);
    jsonw_kvs(&w, "code", code);
    jsonw_kvs(&w, "verifier", str_of(b->s.verifier));
    jsonw_kvs(&w, "nonce", str_of(b->s.nonce));
    jsonw_kvs(&w, "redirect_uri", str_of(signin_redirect_uri(b->r)));
    jsonw_obj_end(&w);
}

static void store_answer(struct back *b, struct str code)
{
    struct front *f = b->r->app;
    struct buf json, sealed;

    buf_init(&json, ANSWER_MAX);
    buf_init(&sealed, SEALED_MAX);
    answer_json(b, code, &json);
    if (!f->sealed || buf_err(&json) || seal_box(&f->seal, buf_view(&json), &sealed) ||
        buf_err(&sealed)) {
        busy(b->r);
    } else {
        struct str args[] = {str_of(b->id.hash), buf_view(&sealed)};

        store_call(f->store, b->id.shard, STORE_SIGN_IN, args, 2, on_stored, b);
    }
    buf_free(&json);
    buf_free(&sealed);
}

static bool code_ok(struct str code)
{
    size_t i;

    for (i = 0; i < code.n; i++)
        if ((unsigned char)code.p[i] <= ' ' || (unsigned char)code.p[i] >= 0x7f)
            return false;
    return code.n > 0 && code.n <= CODE_MAX;
}

void signin_back(struct req *r, const struct str *bound)
{
    struct form *form = arena_alloc(r->arena, sizeof(*form));
    struct back *b = arena_alloc(r->arena, sizeof(*b));
    struct str code, error;

    (void)bound;
    if (!form || !b) {
        busy(r);
        return;
    }
    b->r = r;
    if (r->method == REQ_HEAD ||
        form_parse(r->arena, STR("application/x-www-form-urlencoded"), r->query, form) ||
        form_count(form, "state", &b->state) != 1 || signin_find(r, b->state, &b->id, &b->s)) {
        lost(r);
        return;
    }
    /* "access_denied", "interaction_required" ...: what it says is not for the buyer. */
    if (form_count(form, "error", &error) > 0 || form_count(form, "code", &code) != 1 ||
        !code_ok(code))
        lead_on(b, "/signin");
    else
        store_answer(b, code);
}
