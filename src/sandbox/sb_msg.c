#include "sandbox/sb_msg.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "base/enc.h"

struct str sb_req_header(const struct sb_req *req, const char *name)
{
    for (size_t i = 0; i < req->nh; i++) {
        if (str_ieq(req->h[i].name, str_of(name)))
            return req->h[i].value;
    }
    return STR("");
}

int sb_req_field(struct str form, const char *name, char *out, size_t cap)
{
    struct str rest = form;
    struct buf b;
    int rc = -ENOENT;

    assert(cap > 1);
    out[0] = '\0';
    buf_init(&b, cap - 1);
    while (rest.n > 0) {
        struct str value, pair = str_cut(rest, '&', &rest);
        struct str key = str_cut(pair, '=', &value);
        if (!str_is(key, name))
            continue;
        rc = enc_form_dec(&b, value);
        if (rc == 0)
            rc = buf_err(&b);
        if (rc == 0)
            rc = str_copy(buf_view(&b), out, cap);
        break;
    }
    buf_free(&b);
    return rc;
}

void sb_resp_init(struct sb_resp *resp)
{
    *resp = (struct sb_resp){.status = 200, .ctype = "text/plain; charset=utf-8"};
    buf_init(&resp->body, SB_REPLY_MAX);
}

void sb_resp_free(struct sb_resp *resp)
{
    buf_free(&resp->body);
}

void sb_resp_header(struct sb_resp *resp, const char *name, const char *value)
{
    assert(resp->nh < sizeof(resp->h) / sizeof(resp->h[0]));
    resp->h[resp->nh].name = name;
    snprintf(resp->h[resp->nh].value, sizeof(resp->h[0].value), "%s", value);
    resp->nh++;
}

void sb_resp_text(struct sb_resp *resp, unsigned status, const char *text)
{
    buf_reset(&resp->body);
    resp->status = status;
    resp->ctype = "text/plain; charset=utf-8";
    buf_cat(&resp->body, text);
    buf_ch(&resp->body, '\n');
}

void sb_resp_see_other(struct sb_resp *resp, const char *location)
{
    sb_resp_text(resp, 303, "see other");
    sb_resp_header(resp, "Location", location);
}
