#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/enc.h"
#include "sandbox/sb_az_entra.h"
#include "sandbox/sb_page.h"

/* No form-action: the answer to the form leads to the seller's own site. */
#define CSP "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'"

struct ask {
    char client[64], redirect[512], type[32], mode[32], scope[256], state[1024];
    char nonce[SB_AZ_NONCE], challenge[SB_AZ_CHALLENGES], method[16];
};

static bool read_ask(struct str query, struct ask *a)
{
    const struct {
        const char *name;
        char *dst;
        size_t cap;
    } all[] = {
        {"client_id", a->client, sizeof(a->client)},
        {"redirect_uri", a->redirect, sizeof(a->redirect)},
        {"response_type", a->type, sizeof(a->type)},
        {"response_mode", a->mode, sizeof(a->mode)},
        {"scope", a->scope, sizeof(a->scope)},
        {"state", a->state, sizeof(a->state)},
        {"nonce", a->nonce, sizeof(a->nonce)},
        {"code_challenge", a->challenge, sizeof(a->challenge)},
        {"code_challenge_method", a->method, sizeof(a->method)},
    };

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        int rc = sb_req_field(query, all[i].name, all[i].dst, all[i].cap);
        if (rc && rc != -ENOENT)
            return false;
    }
    return true;
}

static void html(struct sb_az_call *c, unsigned status)
{
    buf_reset(&c->resp->body);
    c->resp->status = status;
    c->resp->ctype = "text/html; charset=utf-8";
    sb_resp_header(c->resp, "Content-Security-Policy", CSP);
    sb_resp_header(c->resp, "Cache-Control", "no-store");
    /* With no-referrer a browser sends its form with "Origin: null" (Fetch, 3.2). */
    sb_resp_header(c->resp, "Referrer-Policy", "same-origin");
}

static void sorry(struct sb_az_call *c, unsigned code, const char *why)
{
    struct buf *b = &c->resp->body;

    html(c, 400);
    sb_page_begin(b, "Sign in to your account");
    buf_fmt(b,
            "<h1>Sorry, but we are having trouble signing you in.</h1>\n"
            "<p role=\"alert\">AADSTS%u: ",
            code);
    sb_page_text(b, why);
    buf_cat(b, "</p>\n");
    sb_page_end(b);
    snprintf(c->detail, sizeof(c->detail), "AADSTS%u", code);
}

/* Back to the application, with an error or a code. */
static void back(struct sb_az_call *c, const struct ask *a, const char *key, const char *value,
                 const char *text)
{
    struct buf b;

    buf_init(&b, 2000);
    buf_fmt(&b, "%s%c%s=%s", a->redirect, strchr(a->redirect, '?') ? '&' : '?', key, value);
    if (text) {
        buf_cat(&b, "&error_description=");
        enc_pct(&b, str_of(text));
    }
    buf_cat(&b, "&state=");
    enc_pct(&b, str_of(a->state));
    if (!text)
        buf_cat(&b, "&session_state=5e550000-4444-4000-8000-000000000001");
    if (buf_err(&b))
        sorry(c, 90014, "The request is too long.");
    else
        sb_resp_see_other(c->resp, buf_cstr(&b));
    buf_free(&b);
}

static bool registered(const struct sb_az_seller *l, const char *redirect)
{
    for (size_t i = 0; i < l->nredirects; i++) {
        if (!strcmp(l->redirect[i], redirect))
            return true;
    }
    return false;
}

static const char *check(const struct ask *a)
{
    if (strcmp(a->type, "code") != 0 || (a->mode[0] && strcmp(a->mode, "query") != 0))
        return "AADSTS70007: response_type and response_mode must be code and query.";
    if (!a->state[0] || !a->nonce[0])
        return "AADSTS900144: The request must contain state and nonce.";
    if (strlen(a->challenge) != 43 || strcmp(a->method, "S256") != 0)
        return "AADSTS501491: Proof Key for Code Exchange with S256 is required.";
    return NULL;
}

/* 0: openid and at most profile and email; 1: openid is missing; 2: more than that. */
static int check_scope(struct str scope, bool *email)
{
    bool openid = false;

    *email = false;
    while (scope.n > 0) {
        struct str one = str_cut(scope, ' ', &scope);
        if (str_is(one, "openid"))
            openid = true;
        else if (str_is(one, "email"))
            *email = true;
        else if (one.n > 0 && !str_is(one, "profile"))
            return 2;
    }
    return openid ? 0 : 1;
}

static void consent_page(struct sb_az_call *c, const char *scope)
{
    struct buf *b = &c->resp->body;

    html(c, 403);
    sb_page_begin(b, "Need admin approval");
    buf_cat(b, "<h1>Need admin approval</h1>\n<p role=\"alert\">AADSTS90094: This application "
               "asks for permissions that only an administrator can grant: ");
    sb_page_text(b, scope);
    buf_cat(b, "</p>\n");
    sb_page_end(b);
    snprintf(c->detail, sizeof(c->detail), "AADSTS90094");
}

static bool allowed_here(const struct sb_az_call *c, const struct sb_az_person *p)
{
    bool personal = !strcmp(p->tid, SB_AZ_MSA);

    if (str_is(c->id, "common"))
        return true;
    if (str_is(c->id, "organizations"))
        return !personal;
    return str_is(c->id, "consumers") ? personal : str_ieq(c->id, str_of(p->tid));
}

static void account_button(struct buf *b, const struct sb_az_person *p)
{
    bool personal = !strcmp(p->tid, SB_AZ_MSA);

    buf_fmt(b, "<p><button type=\"submit\" name=\"account\" value=\"%s\"><strong>", p->name);
    sb_page_text(b, p->shown);
    buf_cat(b, "</strong> ");
    sb_page_text(b, p->login);
    buf_fmt(b, " (%s)</button></p>\n", personal ? "personal account" : "work or school account");
}

static void choice_page(struct sb_az_call *c)
{
    struct buf *b = &c->resp->body;
    const struct sb_az_person *p;
    char path[256];

    html(c, 200);
    sb_page_begin(b, "Sign in to your account");
    buf_cat(b, "<h1>Pick an account</h1>\n<form id=\"accounts\" method=\"post\" action=\"");
    snprintf(path, sizeof(path), "%.*s", STR_FMT(c->req->path));
    sb_page_text(b, path);
    buf_ch(b, '?');
    for (size_t i = 0; i < c->req->query.n; i++) {
        char one[2] = {c->req->query.p[i], '\0'};
        sb_page_text(b, one);
    }
    buf_cat(b, "\">\n");
    for (size_t i = 0; (p = sb_az_person_at(i)) != NULL; i++) {
        if (allowed_here(c, p))
            account_button(b, p);
    }
    buf_cat(b, "<p><button type=\"submit\" name=\"account\" value=\"deny\">Cancel</button></p>\n"
               "</form>\n");
    sb_page_end(b);
}

static struct sb_az_code *new_code(struct sb_az_call *c, const struct ask *a, bool email,
                                   const struct sb_az_person *who)
{
    struct sb_az_code *code = calloc(1, sizeof(*code));

    if (!code)
        return NULL;
    if (c->az->codes.n == c->az->codes.max)
        sb_vec_del(&c->az->codes, 0);
    sb_id_alnum("1.AX", 100, code->value, sizeof(code->value));
    memcpy(code->redirect, a->redirect, sizeof(code->redirect));
    memcpy(code->challenge, a->challenge, sizeof(code->challenge));
    memcpy(code->nonce, a->nonce, sizeof(code->nonce));
    code->who = who;
    code->email = email;
    code->expires_ms = sb_core_now(c->s) + SB_AZ_CODE_MS;
    if (sb_vec_add(&c->az->codes, code)) {
        free(code);
        return NULL;
    }
    return code;
}

static void chosen(struct sb_az_call *c, const struct ask *a, bool email)
{
    struct str account = json_str(c->in, "account");
    const struct sb_az_person *who = sb_az_person(account);
    const struct sb_az_code *code;

    if (str_is(account, "deny")) {
        back(c, a, "error", "access_denied", "AADSTS65004: User declined to consent.");
        return;
    }
    if (!who || !allowed_here(c, who)) {
        sorry(c, 50020, "The account does not exist in this tenant.");
        return;
    }
    code = new_code(c, a, email, who);
    if (!code) {
        sorry(c, 90033, "A transient error occurred.");
        return;
    }
    back(c, a, "code", code->value, NULL);
    snprintf(c->detail, sizeof(c->detail), "signed in as %s", who->name);
}

void sb_az_authorize(struct sb_az_call *c)
{
    struct ask a = {.client = ""};
    bool email;
    int scope;

    if (!read_ask(c->req->query, &a)) {
        sorry(c, 90014, "A parameter is malformed or too long.");
        return;
    }
    if (strcmp(a.client, c->az->seller.signin) != 0) {
        sorry(c, 700016, "The application was not found in the directory.");
        return;
    }
    if (!registered(&c->az->seller, a.redirect)) {
        sorry(c, 50011,
              "The redirect URI specified in the request does not match the redirect "
              "URIs configured for the application.");
        return;
    }
    const char *why = check(&a);
    scope = check_scope(str_of(a.scope), &email);
    if (why)
        back(c, &a, "error", "invalid_request", why);
    else if (scope == 1)
        back(c, &a, "error", "invalid_scope", "AADSTS70011: openid is missing.");
    else if (scope == 2)
        consent_page(c, a.scope);
    else if (str_is(c->req->method, "POST"))
        chosen(c, &a, email);
    else
        choice_page(c);
}
