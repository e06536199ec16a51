#include "pages/notice.h"

void notice_send(struct page *p, int status, const char *key, const char *tone)
{
    page_head(p, key);
    page_paragraphs(p, key);
    page_setz(p, V_TONE, tone);
    page_send(p, status, PAGE_NOTICE);
}

const char *notice_refused_key(struct str code)
{
    static const struct {
        const char *code, *key;
    } t[] = {
        {"EXPIRED", "refused.expired"},
        {"token_expired", "refused.expired"},
        {"INVALID", "refused.invalid"},
        {"token_invalid", "refused.invalid"},
        {"PRODUCT", "refused.product"},
        {"product_unknown", "refused.product"},
        {"GONE", "refused.ended"},
        {"ENDED", "refused.ended"},
        {"purchase_ended", "refused.ended"},
        {"sign_in_again", "refused.sign_in"},
        {"wrong_account", "refused.wrong_account"},
    };
    size_t i;

    for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
        if (str_ieq(code, str_of(t[i].code)))
            return t[i].key;
    return "refused.any";
}

void notice_refused(struct req *r, const struct cfg_market *m, struct str code)
{
    struct page *p = page_new(r, m);

    if (p)
        notice_send(p, 200, notice_refused_key(code), "warn");
}

void notice_unknown_link(struct req *r)
{
    struct page *p = page_new(r, NULL);

    if (p)
        notice_send(p, 404, "error.unknown_link", "info");
}

void notice_busy(struct req *r, const struct cfg_market *m)
{
    struct page *p = page_new(r, m);

    if (!p)
        return;
    r->resp.retry_after = 5;
    if (r->method != REQ_POST)
        page_set(p, V_RETRY_URL, r->path);
    notice_send(p, 503, "error.unavailable", "warn");
}
