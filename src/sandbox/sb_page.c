#include "sandbox/sb_page.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "sandbox/sb_az_page.h"
#include "sandbox/sb_gcp_page.h"
#include "sandbox/sb_landing.h"

void sb_page_text(struct buf *b, const char *text)
{
    for (; *text; text++) {
        const char *entity = *text == '&'   ? "&amp;"
                             : *text == '<' ? "&lt;"
                             : *text == '>' ? "&gt;"
                             : *text == '"' ? "&quot;"
                                            : NULL;
        if (entity)
            buf_cat(b, entity);
        else
            buf_ch(b, *text);
    }
}

void sb_page_begin(struct buf *b, const char *title)
{
    buf_cat(b, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
               "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
               "<meta name=\"color-scheme\" content=\"light dark\">\n<title>");
    sb_page_text(b, title);
    buf_cat(b, "</title>\n<link rel=\"icon\" href=\"data:,\">\n"
               "<link rel=\"stylesheet\" href=\"/sandbox/store.css\">\n</head>\n<body>\n"
               "<a class=\"skip\" href=\"#main\">Skip to content</a>\n"
               "<header><div class=\"wrap\"><p class=\"brand\"><a href=\"/\">Sandbox Marketplace"
               "</a></p><p class=\"note\">A test store. Nothing here costs money.</p></div>"
               "</header>\n<main id=\"main\" class=\"wrap\">\n");
}

void sb_page_end(struct buf *b)
{
    buf_cat(b, "</main>\n</body>\n</html>\n");
}

void sb_page_open(struct sb_resp *resp, unsigned status, const char *csp)
{
    buf_reset(&resp->body);
    resp->status = status;
    resp->ctype = "text/html; charset=utf-8";
    sb_resp_header(resp, "Content-Security-Policy", csp);
    sb_resp_header(resp, "Cache-Control", "no-store");
}

static void plan_choice(struct buf *b, const struct sb_product *p, size_t i)
{
    const struct sb_plan *plan = &p->plans[i];

    buf_cat(b, "<label class=\"plan\"><input type=\"radio\" name=\"plan\" value=\"");
    sb_page_text(b, plan->dimension);
    buf_fmt(b, "\"%s><span><strong>", i == 0 ? " checked" : "");
    sb_page_text(b, plan->title);
    buf_cat(b, "</strong><small>");
    sb_page_text(b, plan->price);
    if (plan->unit[0] && strcmp(plan->unit, "Boolean") != 0 && sb_product_entitles(p)) {
        buf_fmt(b, "%s%lld ", plan->price[0] ? " · " : "", (long long)plan->quantity);
        sb_page_text(b, plan->unit);
    }
    buf_cat(b, "</small></span></label>\n");
}

static void product_card(struct buf *b, const struct sb_product *p)
{
    static const char *const kinds[] = {"Annual contract", "Pay as you go",
                                        "Annual contract with consumption"};

    buf_cat(b, "<article class=\"card\"><h2>");
    sb_page_text(b, p->title);
    buf_fmt(b, "</h2><p class=\"kind\">%s%s</p>\n", kinds[p->pricing],
            p->mode == SB_MODE_LEGACY ? " · listing of the older kind" : "");
    buf_cat(b, "<form method=\"post\" action=\"/sandbox/subscribe\">"
               "<input type=\"hidden\" name=\"product\" value=\"");
    sb_page_text(b, p->name);
    buf_cat(b, "\">\n<fieldset><legend>Choose a plan</legend>\n");
    for (size_t i = 0; i < p->nplans; i++)
        plan_choice(b, p, i);
    buf_cat(b, "</fieldset>\n");
    if (p->trial_days > 0)
        buf_fmt(b,
                "<label class=\"check\"><input type=\"checkbox\" name=\"trial\" value=\"1\"> "
                "Start with a free trial of %lld days</label>\n",
                (long long)p->trial_days);
    buf_fmt(b,
            "<label class=\"field\" for=\"account-%s\">Buyer's AWS account</label>"
            "<input class=\"text\" id=\"account-%s\" name=\"account\" value=\"%s\" "
            "inputmode=\"numeric\" pattern=\"[0-9]{12}\" maxlength=\"12\" required "
            "autocomplete=\"off\">\n",
            p->name, p->name, SB_DEFAULT_ACCOUNT);
    buf_cat(b, "<button class=\"primary\" type=\"submit\">Subscribe</button></form></article>\n");
}

static void action(struct buf *b, const struct sb_purchase *p, const char *name, const char *label)
{
    buf_fmt(b,
            "<form method=\"post\" action=\"/sandbox/purchases/%s/%s\"><button type=\"submit\""
            " aria-label=\"%s: %s\">%s</button></form>\n",
            p->id, name, label, p->id, label);
}

static void change_plan(struct buf *b, const struct sb_purchase *p)
{
    buf_fmt(b,
            "<form class=\"change\" method=\"post\" action=\"/sandbox/purchases/%s/upgrade\">"
            "<label class=\"hide\" for=\"plan-%s\">New plan of %s</label>"
            "<select id=\"plan-%s\" name=\"plan\">",
            p->id, p->id, p->id, p->id);
    for (size_t i = 0; i < p->product->nplans; i++) {
        const struct sb_plan *plan = &p->product->plans[i];
        buf_cat(b, "<option value=\"");
        sb_page_text(b, plan->dimension);
        buf_cat(b, plan == p->plan + 1 || (plan == p->plan && i + 1 == p->product->nplans)
                       ? "\" selected>"
                       : "\">");
        sb_page_text(b, plan->title);
        buf_cat(b, "</option>");
    }
    buf_cat(b, "</select><button type=\"submit\">Upgrade</button>");
    if (p->product->mode == SB_MODE_CONCURRENT)
        buf_cat(b, "<label class=\"check\"><input type=\"checkbox\" name=\"mode\" "
                   "value=\"replace\"> as a new agreement</label>");
    buf_cat(b, "</form>\n");
}

static void actions(struct buf *b, const struct sb_purchase *p)
{
    buf_cat(b, "<td role=\"cell\" data-label=\"What next\"><div class=\"actions\">");
    if (p->status == SB_ACTIVE) {
        action(b, p, "setup", "Set up your account");
        if (p->product->nplans > 1 || p->trial)
            change_plan(b, p);
        if (sb_product_entitles(p->product) && !p->trial)
            action(b, p, "renew", "Renew");
        action(b, p, "cancel", "Cancel");
        action(b, p, p->advisory ? "resolve" : "advisory",
               p->advisory ? "Resolve advisory" : "Issue advisory");
        action(b, p, "expire-token", "Expire token");
    } else {
        buf_cat(b, "<span class=\"quiet\">ended</span>");
    }
    buf_cat(b, "</div></td>");
}

static void when(struct buf *b, int64_t ms)
{
    char iso[CLOCK_ISO];

    clock_iso(ms, iso);
    buf_fmt(b, "<time datetime=\"%s\">%.10s %.5s</time>", iso, iso, iso + 11);
}

static void purchase_row(struct buf *b, const struct sb_purchase *p)
{
    buf_fmt(
        b,
        "<tr id=\"%s\" role=\"row\"><th scope=\"row\" role=\"rowheader\" data-label=\"Purchase\">",
        p->id);
    sb_page_text(b, p->product->title);
    buf_cat(b, "<small>");
    sb_page_text(b, p->plan->title);
    if (sb_product_entitles(p->product))
        buf_fmt(b, " × %lld", (long long)p->quantity);
    buf_fmt(b,
            "%s</small></th><td role=\"cell\" data-label=\"Status\"><span class=\"badge "
            "%s\">%s</span>%s</td>",
            p->trial ? " · free trial" : "", p->status == SB_ACTIVE ? "good" : "over",
            sb_purchase_status(p->status),
            p->advisory ? "<span class=\"badge warn\">ADVISORY</span>" : "");
    buf_fmt(
        b,
        "<td role=\"cell\" data-label=\"Agreement\"><code>%s</code><small>account %s</small></td>"
        "<td role=\"cell\" data-label=\"Time\">",
        p->agreement, p->account);
    when(b, p->start_ms);
    if (p->ended_ms || p->end_ms) {
        buf_cat(b, "<small>until ");
        when(b, p->ended_ms ? p->ended_ms : p->end_ms);
        buf_cat(b, "</small>");
    }
    buf_cat(b, "</td>");
    actions(b, p);
    buf_cat(b, "</tr>\n");
}

static void purchases(const struct sb *s, struct buf *b)
{
    buf_cat(b, "<section aria-labelledby=\"mine\"><h2 id=\"mine\">Your purchases</h2>\n");
    if (s->purchases.n == 0)
        buf_cat(b, "<p class=\"quiet\">Nothing yet. Choose a plan above and subscribe.</p>\n");
    if (s->purchases.n > 0)
        buf_cat(b, "<table role=\"table\"><thead><tr><th scope=\"col\">Purchase</th><th "
                   "scope=\"col\">Status</th>"
                   "<th scope=\"col\">Agreement</th><th scope=\"col\">Time</th>"
                   "<th scope=\"col\">What next</th></tr></thead><tbody>\n");
    for (size_t i = s->purchases.n; i-- > 0 && s->purchases.n - i <= 200;)
        purchase_row(b, s->purchases.p[i]);
    if (s->purchases.n > 0)
        buf_cat(b, "</tbody></table>\n");
    buf_cat(b, "</section>\n");
}

static void trouble(const struct sb *s, struct buf *b)
{
    buf_cat(b, "<section aria-labelledby=\"trouble\"><h2 id=\"trouble\">Make trouble</h2>"
               "<div class=\"row\"><form method=\"post\" action=\"/sandbox/trouble\">"
               "<label for=\"kind\">The next event is</label> <select id=\"kind\" name=\"kind\">"
               "<option value=\"delay\">delayed by 30 seconds</option>"
               "<option value=\"drop\">lost</option><option value=\"duplicate\">sent twice</option>"
               "<option value=\"reorder\">overtaken by the one after it</option></select> "
               "<button type=\"submit\">Plan it</button></form>\n"
               "<form method=\"post\" action=\"/sandbox/clock\">"
               "<label for=\"by\">Move the store's clock by</label> <select id=\"by\" name=\"by\">"
               "<option value=\"3600000\">an hour</option><option value=\"86400000\">a day</option>"
               "<option value=\"1296000000\">15 days</option>"
               "<option value=\"31622400000\">a year</option></select> "
               "<button type=\"submit\">Move</button></form></div>\n<p class=\"quiet\">It is ");
    when(b, sb_core_now(s));
    buf_fmt(b, " UTC here. Planned: %zu. Waiting in the queue: %zu.</p></section>\n", s->faults.n,
            s->queue.msgs.n);
}

void sb_page_store(const struct sb *s, struct buf *b, const char *done)
{
    sb_page_begin(b, "Sandbox Marketplace");
    buf_cat(b, "<h1>Products</h1>\n");
    if (done[0]) {
        buf_cat(b, "<p class=\"done\" role=\"status\">");
        sb_page_text(b, done);
        buf_cat(b, "</p>\n");
    }
    buf_cat(b, "<div class=\"cards\">\n");
    for (size_t i = 0; i < s->products.n; i++)
        product_card(b, s->products.p[i]);
    sb_az_page_cards(s, b);
    sb_gcp_page_cards(s, b);
    buf_cat(b, "</div>\n");
    purchases(s, b);
    sb_az_page_subs(s, b);
    sb_gcp_page_orders(s, b);
    trouble(s, b);
    sb_page_end(b);
}

void sb_page_handover(struct buf *b, const struct sb_purchase *p, const char *token)
{
    struct sb_landing_field f[SB_LANDING_FIELDS];
    size_t n = sb_landing(p, token, f);

    sb_page_begin(b, "Set up your account");
    buf_cat(b, "<h1>Thank you for your purchase</h1>\n<p>You are subscribed to <strong>");
    sb_page_text(b, p->product->title);
    buf_cat(b, "</strong>. The seller now sets up your account.</p>\n<form id=\"handover\" "
               "method=\"post\" action=\"");
    sb_page_text(b, p->product->landing);
    buf_cat(b, "\">\n");
    for (size_t i = 0; i < n; i++) {
        buf_fmt(b, "<input type=\"hidden\" name=\"%s\" value=\"", f[i].name);
        sb_page_text(b, f[i].value);
        buf_cat(b, "\">\n");
    }
    buf_cat(b, "<button class=\"primary\" type=\"submit\">Continue to the seller</button></form>\n"
               "<script src=\"/sandbox/store.js\"></script>\n");
    sb_page_end(b);
}

void sb_page_sorry(struct buf *b, const char *why)
{
    sb_page_begin(b, "That did not work");
    buf_cat(b, "<h1>That did not work</h1>\n<p role=\"alert\">The store says: ");
    sb_page_text(b, why);
    buf_cat(b, ".</p>\n<p><a href=\"/\">Back to the store</a></p>\n");
    sb_page_end(b);
}
