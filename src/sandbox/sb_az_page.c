#include "sandbox/sb_az_page.h"

#include "base/clock.h"
#include "sandbox/sb_az_sub.h"
#include "sandbox/sb_page.h"

#define SHOWN 200

static void plan_choice(struct buf *b, const struct sb_az_plan *p, bool first)
{
    buf_cat(b, "<label class=\"plan\"><input type=\"radio\" name=\"plan\" value=\"");
    sb_page_text(b, p->id);
    buf_fmt(b, "\"%s><span><strong>", first ? " checked" : "");
    sb_page_text(b, p->title);
    buf_cat(b, "</strong><small>");
    sb_page_text(b, p->price);
    buf_fmt(b, "%s%s%s</small></span></label>\n", p->seats ? " · per seat" : "",
            p->auto_activate ? " · starts by itself" : "", p->trial_days ? " · free trial" : "");
}

static void card(struct buf *b, const struct sb_az_product *p)
{
    bool seats = false, trial = false;

    buf_cat(b, "<article class=\"card\"><h2>");
    sb_page_text(b, p->title);
    buf_cat(b, "</h2><p class=\"kind\">Azure SaaS offer</p>\n<form method=\"post\" "
               "action=\"/sandbox/azure/subscribe\"><input type=\"hidden\" name=\"product\" "
               "value=\"");
    sb_page_text(b, p->name);
    buf_cat(b, "\">\n<fieldset><legend>Choose a plan</legend>\n");
    for (size_t i = 0; i < p->nplans; i++) {
        plan_choice(b, &p->plans[i], i == 0);
        seats = seats || p->plans[i].seats;
        trial = trial || p->plans[i].trial_days;
    }
    buf_cat(b, "</fieldset>\n");
    if (seats)
        buf_fmt(b,
                "<label class=\"field\" for=\"azure-seats-%s\">Seats, for a plan per seat</label>"
                "<input class=\"text\" id=\"azure-seats-%s\" name=\"quantity\" value=\"5\" "
                "inputmode=\"numeric\" autocomplete=\"off\">\n",
                p->name, p->name);
    if (trial)
        buf_cat(b, "<label class=\"check\"><input type=\"checkbox\" name=\"trial\" value=\"1\"> "
                   "Start with the free trial</label>\n");
    buf_cat(b, "<label class=\"check\"><input type=\"checkbox\" name=\"reseller\" value=\"1\"> "
               "Buy through a reseller</label>\n"
               "<button class=\"primary\" type=\"submit\">Subscribe</button></form></article>\n");
}

void sb_az_page_cards(const struct sb *s, struct buf *b)
{
    for (size_t i = 0; s->az && i < s->az->products.n; i++)
        card(b, s->az->products.p[i]);
}

static void action(struct buf *b, const struct sb_az_sub *sub, const char *name, const char *label)
{
    buf_fmt(b,
            "<form method=\"post\" action=\"/sandbox/azure/purchases/%s/%s\"><button "
            "type=\"submit\" aria-label=\"%s: %s\">%s</button></form>\n",
            sub->id, name, label, sub->id, label);
}

static void change_plan(struct buf *b, const struct sb_az_sub *sub)
{
    buf_fmt(b,
            "<form class=\"change\" method=\"post\" "
            "action=\"/sandbox/azure/purchases/%s/change-plan\"><label class=\"hide\" "
            "for=\"plan-%s\">New plan of %s</label><select id=\"plan-%s\" name=\"plan\">",
            sub->id, sub->id, sub->id, sub->id);
    for (size_t i = 0; i < sub->product->nplans; i++) {
        const struct sb_az_plan *p = &sub->product->plans[i];
        if (p == sub->plan)
            continue;
        buf_cat(b, "<option value=\"");
        sb_page_text(b, p->id);
        buf_cat(b, "\">");
        sb_page_text(b, p->title);
        buf_cat(b, "</option>");
    }
    buf_cat(b, "</select><button type=\"submit\">Change plan</button></form>\n");
}

static void change_quantity(struct buf *b, const struct sb_az_sub *sub)
{
    buf_fmt(b,
            "<form class=\"change\" method=\"post\" "
            "action=\"/sandbox/azure/purchases/%s/change-quantity\"><label class=\"hide\" "
            "for=\"seats-%s\">New number of seats of %s</label><input class=\"text\" "
            "id=\"seats-%s\" name=\"quantity\" value=\"%lld\" inputmode=\"numeric\" "
            "autocomplete=\"off\"><button type=\"submit\">Change seats</button></form>\n",
            sub->id, sub->id, sub->id, sub->id, (long long)sub->quantity + 1);
}

static void actions(struct buf *b, const struct sb_az_sub *sub)
{
    buf_cat(b, "<td role=\"cell\" data-label=\"What next\"><div class=\"actions\">");
    if (sub->status == SB_AZ_GONE) {
        buf_cat(b, "<span class=\"quiet\">ended</span></div></td>");
        return;
    }
    action(b, sub, "setup", sub->status == SB_AZ_PENDING ? "Configure account" : "Manage account");
    if (sub->status == SB_AZ_SUBSCRIBED) {
        if (sub->product->nplans > 1)
            change_plan(b, sub);
        if (sub->plan->seats)
            change_quantity(b, sub);
        action(b, sub, "renew", "Renew");
        action(b, sub, "suspend", "Suspend");
    }
    if (sub->status == SB_AZ_SUSPENDED)
        action(b, sub, "reinstate", "Reinstate");
    action(b, sub, "cancel", "Cancel");
    action(b, sub, "expire-token", "Expire token");
    buf_cat(b, "</div></td>");
}

static void when(struct buf *b, int64_t ms)
{
    char iso[CLOCK_ISO];

    clock_iso(ms, iso);
    buf_fmt(b, "<time datetime=\"%s\">%.10s %.5s</time>", iso, iso, iso + 11);
}

static void row(const struct sb *s, struct buf *b, const struct sb_az_sub *sub)
{
    buf_fmt(b,
            "<tr id=\"%s\" role=\"row\"><th scope=\"row\" role=\"rowheader\" "
            "data-label=\"Subscription\">",
            sub->id);
    sb_page_text(b, sub->name);
    buf_cat(b, "<small>");
    sb_page_text(b, sub->plan->title);
    if (sub->plan->seats)
        buf_fmt(b, " × %lld", (long long)sub->quantity);
    buf_fmt(b,
            "%s%s</small></th><td role=\"cell\" data-label=\"Status\"><span class=\"badge "
            "%s\">%s</span>%s</td><td role=\"cell\" data-label=\"Id\"><code>%s</code>"
            "<small>bought by %s, used by %s</small></td><td role=\"cell\" data-label=\"Time\">",
            sub->trial ? " · free trial" : "", sub->reseller ? " · reseller" : "",
            sub->status == SB_AZ_GONE         ? "over"
            : sub->status == SB_AZ_SUBSCRIBED ? "good"
                                              : "warn",
            sb_az_status(sub->status),
            sb_az_pending(s->az, sub) ? "<span class=\"badge warn\">CHANGE PENDING</span>" : "",
            sub->id, sub->purchaser->shown, sub->beneficiary->shown);
    when(b, sub->created_ms);
    buf_cat(b, "</td>");
    actions(b, sub);
    buf_cat(b, "</tr>\n");
}

void sb_az_page_subs(const struct sb *s, struct buf *b)
{
    const struct sb_az *az = s->az;

    if (!az || az->products.n == 0)
        return;
    buf_cat(b,
            "<section aria-labelledby=\"azure\"><h2 id=\"azure\">Your Azure subscriptions</h2>\n");
    if (az->subs.n == 0) {
        buf_cat(b, "<p class=\"quiet\">Nothing yet.</p>\n</section>\n");
        return;
    }
    buf_cat(b, "<table role=\"table\"><thead><tr><th scope=\"col\">Subscription</th><th "
               "scope=\"col\">Status</th><th scope=\"col\">Id</th><th scope=\"col\">Time</th>"
               "<th scope=\"col\">What next</th></tr></thead><tbody>\n");
    for (size_t i = az->subs.n; i-- > 0 && az->subs.n - i <= SHOWN;)
        row(s, b, az->subs.p[i]);
    buf_cat(b, "</tbody></table>\n</section>\n");
}

void sb_az_page_configure(struct buf *b, const struct sb_az_sub *sub, const char *token)
{
    struct buf url;

    buf_init(&url, 4096);
    sb_az_landing(sub, token, false, &url);
    sb_page_begin(b, "Configure your account");
    buf_cat(b, "<h1>Thank you for your purchase</h1>\n<p><strong>");
    sb_page_text(b, sub->name);
    buf_fmt(b,
            "</strong> is in state <strong>%s</strong>.</p>\n<p><a id=\"configure\" "
            "rel=\"noreferrer\" href=\"",
            sb_az_status(sub->status));
    sb_page_text(b, buf_cstr(&url));
    buf_fmt(b, "\">%s account now</a></p>\n<p><a href=\"/\">Back to the store</a></p>\n",
            sub->status == SB_AZ_PENDING ? "Configure" : "Manage");
    sb_page_end(b);
    buf_free(&url);
}
