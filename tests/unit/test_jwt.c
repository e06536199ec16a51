/*
 * Tokens: every kind that this program trusts, against every way to lie that is known to us. The
 * checks of a kind are struct jwt_want; the lies are tables that run for each kind.
 */
#include <errno.h>

#include "base/json.h"
#include "jwt_rig.h"

#define NOW  INT64_C(1757000000)
#define TID  "aaaaaaaa-0000-4000-8000-000000000001"
#define APP  "bbbbbbbb-0000-4000-8000-000000000002"
#define MKT  "20e940b3-4c77-4b0b-9a53-9e16a1b010a7"
#define HEAD "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"k1\"}"
#define GOOGLE                                                                                     \
    "https://www.googleapis.com/robot/v1/metadata/x509/"                                           \
    "cloud-commerce-partner@system.gserviceaccount.com"

enum { MEMBERS = 12 };

struct member {
    const char *name, *json;
};

struct kind {
    const char *name;
    struct member payload[MEMBERS];
    const char *const issuers[3], *const audiences[3];
    struct jwt_claim claims[3];
    size_t nclaims;
    uint32_t skew, life;
};

#define TIMES(life)                                                                                \
    {"iat", "1756999990"}, {"nbf", "1756999990"},                                                  \
    {                                                                                              \
        "exp", life                                                                                \
    }

static const struct kind kinds[] = {
    {"azure v1",
     {{"iss", "\"https://sts.windows.net/" TID "/\""},
      {"aud", "\"" APP "\""},
      TIMES("1757003590"),
      {"appid", "\"" MKT "\""},
      {"tid", "\"" TID "\""},
      {"ver", "\"1.0\""}},
     {"https://sts.windows.net/" TID "/", NULL},
     {APP, NULL},
     {{"tid", TID}, {"appid", MKT}},
     2,
     300,
     86400},
    {"azure v2",
     {{"iss", "\"https://login.microsoftonline.com/" TID "/v2.0\""},
      {"aud", "\"" APP "\""},
      TIMES("1757003590"),
      {"azp", "\"" MKT "\""},
      {"tid", "\"" TID "\""},
      {"ver", "\"2.0\""}},
     {"https://sts.windows.net/" TID "/", "https://login.microsoftonline.com/" TID "/v2.0", NULL},
     {APP, NULL},
     {{"tid", TID}, {"azp", MKT}},
     2,
     300,
     86400},
    {"entra id_token",
     {{"iss", "\"https://login.microsoftonline.com/" TID "/v2.0\""},
      {"aud", "\"" APP "\""},
      TIMES("1757003590"),
      {"tid", "\"" TID "\""},
      {"oid", "\"cccccccc-0000-4000-8000-000000000003\""},
      {"nonce", "\"n-0S6_WzA2Mj\""}},
     {"https://login.microsoftonline.com/" TID "/v2.0", NULL},
     {APP, NULL},
     {{"tid", TID}, {"nonce", "n-0S6_WzA2Mj"}},
     2,
     60,
     86400},
    {"google sign-up",
     {{"iss", "\"" GOOGLE "\""},
      {"aud", "\"app.acme.example\""},
      {"iat", "1756999990"},
      {"exp", "1757000290"},
      {"sub", "\"E-1234\""},
      {"google", "{\"roles\":[\"account_admin\"],\"user_identity\":\"115\"}"},
      {"orders", "[\"o1\"]"}},
     {GOOGLE, NULL},
     {"acme.endpoints.acme-public.cloud.goog", "app.acme.example", NULL},
     {{"sub", "E-1234"}},
     1,
     60,
     600},
    {"google push",
     {{"iss", "\"https://accounts.google.com\""},
      {"aud", "\"https://buy.example/marketplace/hooks/gcp/acme\""},
      {"iat", "1756999990"},
      {"exp", "1757003590"},
      {"azp", "\"1171\""},
      {"email", "\"push@acme.iam.gserviceaccount.com\""},
      {"email_verified", "true"}},
     {"https://accounts.google.com", "accounts.google.com", NULL},
     {"https://buy.example/marketplace/hooks/gcp/acme", NULL},
     {{"email", "push@acme.iam.gserviceaccount.com"}},
     1,
     60,
     7200},
};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static EVP_PKEY *ours, *theirs;
static struct jwk_set *set;
static struct buf token, payload;
static unsigned lies; /* told to one kind */

static struct jwt_want want_of(const struct kind *k)
{
    return (struct jwt_want){.now_ms = NOW * 1000,
                             .skew_s = k->skew,
                             .max_life_s = k->life,
                             .issuers = k->issuers,
                             .audiences = k->audiences,
                             .claims = k->claims,
                             .nclaims = k->nclaims};
}

static enum jwt_fault verdict(const struct kind *k, struct str text)
{
    struct jwt_want want = want_of(k);
    cJSON *claims = NULL;
    enum jwt_fault f = jwt_verify(set, text, &want, &claims);

    assert_int_equal(f == JWT_OK, claims != NULL);
    cJSON_Delete(claims);
    return f;
}

/* The kind's payload with one member replaced, added, or (json NULL) left out. */
static struct str payload_with(const struct kind *k, const char *name, const char *json)
{
    bool done = false;

    buf_reset(&payload);
    for (size_t i = 0; i < MEMBERS && k->payload[i].name; i++) {
        bool hit = name && strcmp(name, k->payload[i].name) == 0;

        done = done || hit;
        if (hit && !json)
            continue;
        buf_fmt(&payload, "%s\"%s\":%s", payload.len ? "," : "{", k->payload[i].name,
                hit ? json : k->payload[i].json);
    }
    if (name && !done && json)
        buf_fmt(&payload, ",\"%s\":%s", name, json);
    buf_ch(&payload, '}');
    return buf_view(&payload);
}

static void expect(const struct kind *k, const char *what, enum jwt_fault want)
{
    enum jwt_fault got = verdict(k, buf_view(&token));

    if (got != want)
        fail_msg("%s, %s: %s, not %s", k->name, what, jwt_fault_name(got), jwt_fault_name(want));
    lies += want != JWT_OK;
}

static void claim_is(const struct kind *k, const char *name, const char *json, enum jwt_fault want)
{
    char what[128];

    rig_sign(ours, RIG_RS256, STR(HEAD), payload_with(k, name, json), &token);
    snprintf(what, sizeof(what), "%s = %.80s", name, json ? json : "(none)");
    expect(k, what, want);
}

static void header_is(const struct kind *k, const char *head, enum rig_alg alg, EVP_PKEY *by,
                      enum jwt_fault want)
{
    rig_sign(by, alg, str_of(head), payload_with(k, NULL, NULL), &token);
    expect(k, head, want);
}

static void genuine(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        header_is(&kinds[i], HEAD, RIG_RS256, ours, JWT_OK);
        /* Nothing of a header chooses a key but kid. */
        header_is(&kinds[i],
                  "{\"alg\":\"RS256\",\"kid\":\"k1\",\"jku\":\"https://evil.example/k\",\"x5u\":"
                  "\"https://evil.example/c\",\"x5c\":[\"AA\"],\"jwk\":{\"kty\":\"oct\"}}",
                  RIG_RS256, ours, JWT_OK);
        header_is(&kinds[i], " {\"kid\" : \"k1\", \"alg\" : \"RS256\"} ", RIG_RS256, ours, JWT_OK);
        claim_is(&kinds[i], "more", "{\"a\":[1,2.5,null]}", JWT_OK);
    }
}

static void algorithms(const struct kind *k)
{
    static const char *const names[] = {
        "\"none\"",  "\"None\"",     "\"nOnE\"",   "\"NONE\"",     "\"\"",
        "\"rs256\"", "\"RS256 \"",   "\" RS256\"", "\"RS2566\"",   "[\"RS256\"]",
        "null",      "256",          "{}",         "\"HS256\"",    "\"ES256\"",
        "\"RS512\"", "\"RSA-OAEP\"", "\"dir\"",    "\"RS256\\n\"",
    };
    char head[128];

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(head, sizeof(head), "{\"alg\":%s,\"kid\":\"k1\"}", names[i]);
        header_is(k, head, RIG_RS256, ours, JWT_ALG);
    }
    header_is(k, "{\"kid\":\"k1\"}", RIG_RS256, ours, JWT_ALG);
    header_is(k, "{\"Alg\":\"RS256\",\"kid\":\"k1\"}", RIG_RS256, ours, JWT_ALG);
    header_is(k, "{\"alg\":\"HS256\",\"kid\":\"k1\"}", RIG_HS256_PEM, ours, JWT_ALG);
    header_is(k, "{\"alg\":\"HS256\",\"kid\":\"k1\"}", RIG_HS256_DER, ours, JWT_ALG);
    header_is(k, HEAD, RIG_HS256_PEM, ours, JWT_SIGNATURE);
    header_is(k, HEAD, RIG_HS256_DER, ours, JWT_SIGNATURE);
    header_is(k, "{\"alg\":\"RS384\",\"kid\":\"k1\"}", RIG_RS384, ours, JWT_ALG);
    header_is(k, HEAD, RIG_RS384, ours, JWT_SIGNATURE);
    header_is(k, "{\"alg\":\"PS256\",\"kid\":\"k1\"}", RIG_PS256, ours, JWT_ALG);
    header_is(k, HEAD, RIG_PS256, ours, JWT_SIGNATURE);
    header_is(k, HEAD, RIG_RS256, theirs, JWT_SIGNATURE);
}

static void key_ids(const struct kind *k)
{
    static const char *const kids[] = {
        "\"k2\"",
        "\"K1\"",
        "\"k1 \"",
        "\" k1\"",
        "\"\"",
        "null",
        "1",
        "true",
        "[\"k1\"]",
        "{\"k1\":1}",
        "\"../../dev/null\"",
        "\"/dev/null\"",
        "\"k1' OR '1'='1\"",
        "\"k1;{}\"",
        "\"{\\\"keys\\\":[]}\"",
        "\"k1\\n\"",
        "\"k%00\"",
        "\"https://evil.example/keys\"",
        "\"k1|id\"",
    };
    char head[8192], huge[6000];

    for (size_t i = 0; i < sizeof(kids) / sizeof(kids[0]); i++) {
        snprintf(head, sizeof(head), "{\"alg\":\"RS256\",\"kid\":%s}", kids[i]);
        header_is(k, head, RIG_RS256, ours, JWT_KID);
    }
    header_is(k, "{\"alg\":\"RS256\"}", RIG_RS256, ours, JWT_KID);
    header_is(k, "{\"alg\":\"RS256\",\"KID\":\"k1\"}", RIG_RS256, ours, JWT_KID);
    header_is(k, "{\"alg\":\"RS256\",\"kid\":\"k1\\u0000\"}", RIG_RS256, ours, JWT_MALFORMED);
    memset(huge, 'k', sizeof(huge));
    huge[sizeof(huge) - 1] = '\0';
    snprintf(head, sizeof(head), "{\"alg\":\"RS256\",\"kid\":\"%s\"}", huge);
    header_is(k, head, RIG_RS256, ours, JWT_KID);
}

/* The attacker's own key, offered in the header in every way that JWS knows. */
static void own_keys(const struct kind *k)
{
    static const char *const by[] = {"k1", "evil"};
    struct buf head;

    buf_init(&head, RIG_TEXT);
    for (size_t i = 0; i < 2; i++) {
        enum jwt_fault f = i == 0 ? JWT_SIGNATURE : JWT_KID;

        buf_reset(&head);
        buf_fmt(&head, "{\"alg\":\"RS256\",\"kid\":\"%s\",\"jwk\":", by[i]);
        rig_jwk(theirs, by[i], "", &head);
        buf_ch(&head, '}');
        header_is(k, buf_cstr(&head), RIG_RS256, theirs, f);
        buf_reset(&head);
        buf_fmt(&head, "{\"alg\":\"RS256\",\"kid\":\"%s\",\"x5c\":[\"", by[i]);
        rig_cert(theirs, true, &head);
        buf_cat(&head, "\"]}");
        header_is(k, buf_cstr(&head), RIG_RS256, theirs, f);
        buf_reset(&head);
        buf_fmt(&head,
                "{\"alg\":\"RS256\",\"kid\":\"%s\",\"jku\":\"https://evil.example/keys\","
                "\"x5u\":\"https://evil.example/cert\"}",
                by[i]);
        header_is(k, buf_cstr(&head), RIG_RS256, theirs, f);
    }
    buf_free(&head);
}

static void headers(const struct kind *k)
{
    static const struct {
        const char *head;
        enum jwt_fault want;
    } t[] = {
        {"{\"alg\":\"RS256\",\"kid\":\"k1\",\"crit\":[\"exp\"]}", JWT_ALG},
        {"{\"alg\":\"RS256\",\"kid\":\"k1\",\"crit\":[\"b64\"],\"b64\":false}", JWT_ALG},
        {"{\"alg\":\"RS256\",\"kid\":\"k1\",\"crit\":[]}", JWT_ALG},
        {"{\"alg\":\"RS256\",\"kid\":\"k1\",\"crit\":null}", JWT_ALG},
        {"{\"alg\":\"RS256\",\"kid\":\"k1\",\"cty\":\"JWT\"}", JWT_MALFORMED},
        {"{\"alg\":\"none\",\"alg\":\"RS256\",\"kid\":\"k1\"}", JWT_MALFORMED},
        {"{\"alg\":\"RS256\",\"kid\":\"k1\",\"alg\":\"none\"}", JWT_MALFORMED},
        {"{\"alg\":\"RS256\",\"kid\":\"k2\",\"kid\":\"k1\"}", JWT_MALFORMED},
        {"{\"alg\":\"RS256\",\"kid\":\"k1\"}x", JWT_MALFORMED},
        {"{\"alg\":\"RS256\",\"kid\":\"k1\"", JWT_MALFORMED},
        {"{\"alg\":\"RS256\",\"kid\":\"k1\",}", JWT_MALFORMED},
        {"\xef\xbb\xbf{\"alg\":\"RS256\",\"kid\":\"k1\"}", JWT_MALFORMED},
        {"{\"alg\":\"RS256\",\"kid\":\"k1\",\"a\":\"\xff\"}", JWT_MALFORMED},
        {"[\"RS256\"]", JWT_MALFORMED},
        {"\"RS256\"", JWT_MALFORMED},
        {"null", JWT_MALFORMED},
        {"1", JWT_MALFORMED},
        {"", JWT_MALFORMED},
    };

    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
        header_is(k, t[i].head, RIG_RS256, ours, t[i].want);
}

/* The bytes of the token changed after it was signed. */
static void form_is(const struct kind *k, const char *what, const char *fmt, struct str a,
                    struct str b, struct str c, enum jwt_fault want)
{
    struct buf made;

    buf_init(&made, RIG_TEXT);
    for (; *fmt; fmt++) {
        if (*fmt >= '1' && *fmt <= '3')
            buf_str(&made, *fmt == '1' ? a : *fmt == '2' ? b : c);
        else
            buf_ch(&made, *fmt);
    }
    buf_reset(&token);
    buf_str(&token, buf_view(&made));
    buf_free(&made);
    expect(k, what, want);
}

static void forms(const struct kind *k)
{
    static const char *const malformed[] = {
        "",          ".",      "..",           "...",       "1",       "1.2",
        "1.2.",      ".2.3",   "1..3",         "1.2.3.",    ".1.2.3",  "1.2.3.3",
        "1.2.3.3.3", "1=.2.3", " 1.2.3",       "1 .2.3",    "\t1.2.3", "1+.2.3",
        "1/.2.3",    "1%.2.3", "Bearer 1.2.3", "\"1.2.3\"", "1\n.2.3",
    };
    static const char *const unsigned_[] = {"1.2.3=", "1.2.3==", "1.2.3 ", "1.2.3\n",  "1.2.3A",
                                            "1.2.33", "1.2.A",   "1.2.AA", "1.2=.3",   "1. 2.3",
                                            "1.2 .3", "1.2\n.3", "1.2.3+", "1.22.3",   "1.2.2",
                                            "1.2.1",  "1.1.3",   "1.2A.3", "1.2.3\r\n"};
    struct str a, b, c, rest;
    struct buf whole;
    char sig[512];

    buf_init(&whole, RIG_TEXT);
    rig_sign(ours, RIG_RS256, STR(HEAD), payload_with(k, NULL, NULL), &whole);
    a = str_cut(buf_view(&whole), '.', &rest);
    b = str_cut(rest, '.', &c);
    for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++)
        form_is(k, malformed[i], malformed[i], a, b, c, JWT_MALFORMED);
    for (size_t i = 0; i < sizeof(unsigned_) / sizeof(unsigned_[0]); i++)
        form_is(k, unsigned_[i], unsigned_[i], a, b, c, JWT_SIGNATURE);
    form_is(k, "short by a letter", "1.2.3", a, b, str_sub(c, 0, c.n - 1), JWT_SIGNATURE);
    form_is(k, "short by four", "1.2.3", a, b, str_sub(c, 0, c.n - 4), JWT_SIGNATURE);
    form_is(k, "half", "1.2.3", a, b, str_sub(c, 0, c.n / 2), JWT_SIGNATURE);
    form_is(k, "without its head", "1.2.3", a, b, str_from(c, 4), JWT_SIGNATURE);
    memset(sig, 'A', c.n);
    form_is(k, "zero", "1.2.3", a, b, str_make(sig, c.n), JWT_SIGNATURE);
    memset(sig, '_', c.n);
    sig[c.n - 1] = 'w';
    form_is(k, "above the modulus", "1.2.3", a, b, str_make(sig, c.n), JWT_SIGNATURE);
    memcpy(sig, c.p, c.n);
    sig[0] = sig[0] == 'A' ? 'B' : 'A';
    form_is(k, "one letter", "1.2.3", a, b, str_make(sig, c.n), JWT_SIGNATURE);
    memcpy(sig, c.p, c.n);
    sig[c.n - 1] = sig[c.n - 1] == 'B' ? 'C' : 'B'; /* left-over bits: another text, same bytes */
    form_is(k, "not canonical", "1.2.3", a, b, str_make(sig, c.n), JWT_SIGNATURE);
    form_is(k, "as it was", "1.2.3", a, b, c, JWT_OK);
    buf_free(&whole);
}

static void oversize(const struct kind *k)
{
    struct buf big;

    buf_init(&big, RIG_TEXT);
    buf_ch(&big, '"');
    for (size_t i = 0; i < JWT_MAX; i++)
        buf_ch(&big, 'x');
    buf_ch(&big, '"');
    rig_sign(ours, RIG_RS256, STR(HEAD), payload_with(k, "big", buf_cstr(&big)), &token);
    expect(k, "oversize", JWT_MALFORMED);
    buf_free(&big);
}

static void payloads(const struct kind *k)
{
    static const char *const bad[] = {
        "[]",
        "\"x\"",
        "1",
        "null",
        "true",
        " ",
        "{",
        "{}{}",
        "{\"exp\":1757000100,\"exp\":1}",
        "{\"a\":{\"b\":1,\"b\":2}}",
        "{\"exp\":1757000100,}",
        "{'exp':1}",
        "\xff\xfe",
        "{\"exp\":01}",
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        rig_sign(ours, RIG_RS256, STR(HEAD), str_of(bad[i]), &token);
        expect(k, bad[i], JWT_MALFORMED);
    }
    rig_sign(ours, RIG_RS256, STR(HEAD), STR("{}"), &token);
    expect(k, "{}", JWT_LIFETIME);
}

static const char *seconds(int64_t v)
{
    static char out[4][32];
    static unsigned i;

    i = (i + 1) % 4;
    snprintf(out[i], sizeof(out[i]), "%lld", (long long)v);
    return out[i];
}

static void times(const struct kind *k)
{
    static const char *const no_time[] = {
        "\"1757003590\"", "1757003590.5", "1e300", "9007199254740993", "null", "true",
        "[1757003590]",   "{}",           "\"\"",
    };
    int64_t skew = k->skew, iat = NOW - 10;

    claim_is(k, "exp", NULL, JWT_LIFETIME);
    for (size_t i = 0; i < sizeof(no_time) / sizeof(no_time[0]); i++)
        claim_is(k, "exp", no_time[i], JWT_LIFETIME);
    for (size_t i = 0; i < sizeof(no_time) / sizeof(no_time[0]); i++)
        if (strcmp(no_time[i], "null") != 0) {
            claim_is(k, "nbf", no_time[i], JWT_LIFETIME);
            claim_is(k, "iat", no_time[i], JWT_LIFETIME);
        }
    claim_is(k, "exp", "0", JWT_EXPIRED);
    claim_is(k, "exp", "-1", JWT_EXPIRED);
    claim_is(k, "exp", "-9007199254740991", JWT_EXPIRED);
    claim_is(k, "exp", "9007199254740991", JWT_LIFETIME);
    claim_is(k, "exp", seconds(NOW - skew), JWT_EXPIRED);
    claim_is(k, "nbf", seconds(NOW + skew + 1), JWT_NOT_YET);
    claim_is(k, "nbf", "9007199254740991", JWT_NOT_YET);
    claim_is(k, "nbf", seconds(NOW + skew), JWT_OK);
    claim_is(k, "iat", seconds(NOW + skew + 1), JWT_NOT_YET);
    claim_is(k, "iat", seconds(NOW + skew), JWT_OK);
    claim_is(k, "iat", NULL, JWT_LIFETIME);
    claim_is(k, "iat", "-1", JWT_LIFETIME);
    claim_is(k, "exp", seconds(iat + k->life), JWT_OK);
    claim_is(k, "exp", seconds(iat + k->life + 1), JWT_LIFETIME);
    /* Within the skew on both sides, but it ends before it begins. */
    claim_is(k, "exp", seconds(iat - 1), JWT_LIFETIME);
}

/* Where no longest life is wanted (an id token), the times that are there still count. */
static void times_without_a_longest_life(const struct kind *kind)
{
    static const char *const no_time[] = {"\"1757003590\"", "1757003590.5", "{}"};
    struct kind k = *kind;

    k.life = 0;
    claim_is(&k, "iat", NULL, JWT_OK);
    claim_is(&k, "exp", seconds(NOW + 1000000), JWT_OK);
    claim_is(&k, "exp", NULL, JWT_LIFETIME);
    for (size_t i = 0; i < sizeof(no_time) / sizeof(no_time[0]); i++) {
        claim_is(&k, "exp", no_time[i], JWT_LIFETIME);
        claim_is(&k, "nbf", no_time[i], JWT_LIFETIME);
        claim_is(&k, "iat", no_time[i], JWT_LIFETIME);
    }
    claim_is(&k, "exp", seconds(NOW - k.skew), JWT_EXPIRED);
}

static void issuers(const struct kind *k)
{
    static const char *const bad[] = {
        "\"\"",
        "null",
        "1",
        "[\"https://accounts.google.com\"]",
        "{}",
        "\"https://evil.example\"",
        "\"https://login.microsoftonline.com/common/v2.0\"",
        "\"https://login.microsoftonline.com/{tenantid}/v2.0\"",
        "\"https://sts.windows.net/dddddddd-0000-4000-8000-000000000009/\"",
        "\"https://www.googleapis.com/robot/v1/metadata/x509/evil@evil.iam.gserviceaccount.com\"",
        "\"https://accounts.google.com.evil.example\"",
        "\"HTTPS://ACCOUNTS.GOOGLE.COM\"",
        "\"http://accounts.google.com\"",
    };
    char text[300];

    claim_is(k, "iss", NULL, JWT_ISSUER);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        claim_is(k, "iss", bad[i], JWT_ISSUER);
    for (size_t i = 0; k->issuers[i]; i++) {
        snprintf(text, sizeof(text), "\"%sx\"", k->issuers[i]);
        claim_is(k, "iss", text, JWT_ISSUER);
        snprintf(text, sizeof(text), "\" %s\"", k->issuers[i]);
        claim_is(k, "iss", text, JWT_ISSUER);
    }
}

static void audiences(const struct kind *k)
{
    static const char *const bad[] = {
        "\"\"",
        "null",
        "1",
        "[]",
        "{}",
        "[[]]",
        "[1]",
        "\"*\"",
        "[\"other\"]",
        "\"" MKT "\"",
        "[\"other\",\"another\"]",
        "true",
    };
    char text[300];

    claim_is(k, "aud", NULL, JWT_AUDIENCE);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        claim_is(k, "aud", bad[i], JWT_AUDIENCE);
    for (size_t i = 0; k->audiences[i]; i++) {
        const char *aud = k->audiences[i];

        snprintf(text, sizeof(text), "\"%sx\"", aud);
        claim_is(k, "aud", text, JWT_AUDIENCE);
        snprintf(text, sizeof(text), "\"%s,other\"", aud);
        claim_is(k, "aud", text, JWT_AUDIENCE);
        snprintf(text, sizeof(text), "{\"aud\":\"%s\"}", aud);
        claim_is(k, "aud", text, JWT_AUDIENCE);
        snprintf(text, sizeof(text), "[\"%s\",1]", aud);
        claim_is(k, "aud", text, JWT_AUDIENCE);
        snprintf(text, sizeof(text), "[[\"%s\"]]", aud);
        claim_is(k, "aud", text, JWT_AUDIENCE);
        snprintf(text, sizeof(text), "[\"other\",\"%s\"]", aud);
        claim_is(k, "aud", text, JWT_OK);
        snprintf(text, sizeof(text), "\"%s\"", aud);
        claim_is(k, "aud", text, JWT_OK);
    }
}

static void other_claims(const struct kind *k)
{
    static const char *const bad[] = {"\"\"", "null", "1", "true", "{}", "\"other\""};
    char text[300];

    for (size_t c = 0; c < k->nclaims; c++) {
        claim_is(k, k->claims[c].name, NULL, JWT_CLAIM);
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
            claim_is(k, k->claims[c].name, bad[i], JWT_CLAIM);
        snprintf(text, sizeof(text), "[\"%s\"]", k->claims[c].value);
        claim_is(k, k->claims[c].name, text, JWT_CLAIM);
        snprintf(text, sizeof(text), "\"%s \"", k->claims[c].value);
        claim_is(k, k->claims[c].name, text, JWT_CLAIM);
    }
}

static void lies_of_every_kind(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        const struct kind *k = &kinds[i];

        lies = 0;
        algorithms(k);
        key_ids(k);
        own_keys(k);
        headers(k);
        forms(k);
        oversize(k);
        payloads(k);
        times(k);
        times_without_a_longest_life(k);
        issuers(k);
        audiences(k);
        other_claims(k);
        print_message("%s: %u lies refused\n", k->name, lies);
        assert_true(lies > 100);
    }
}

/* A genuine token of one kind is nothing for another. */
static void kinds_are_not_exchanged(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++)
        for (size_t j = 0; j < KINDS; j++) {
            rig_sign(ours, RIG_RS256, STR(HEAD), payload_with(&kinds[i], NULL, NULL), &token);
            assert_int_equal(verdict(&kinds[j], buf_view(&token)) == JWT_OK, i == j);
        }
}

/* No set at all is a set without the key. */
static void no_keys(void **state)
{
    const struct jwt_want want = want_of(&kinds[0]);
    cJSON *claims;

    (void)state;
    rig_sign(ours, RIG_RS256, STR(HEAD), payload_with(&kinds[0], NULL, NULL), &token);
    assert_int_equal(jwt_verify(NULL, buf_view(&token), &want, &claims), JWT_KID);
    assert_null(claims);
}

static void unverified(void **state)
{
    char out[16], tiny[2];

    (void)state;
    rig_sign(ours, RIG_RS256, STR(HEAD),
             STR("{\"ver\":\"2.0\",\"n\":1,\"long\":\"0123456789abcdef\"}"), &token);
    assert_int_equal(jwt_kid(buf_view(&token), out, sizeof(out)), 0);
    assert_string_equal(out, "k1");
    assert_int_equal(jwt_kid(buf_view(&token), tiny, sizeof(tiny)), -EBADMSG);
    assert_int_equal(jwt_peek(buf_view(&token), "ver", out, sizeof(out)), 0);
    assert_string_equal(out, "2.0");
    assert_int_equal(jwt_peek(buf_view(&token), "n", out, sizeof(out)), -ENOENT);
    assert_int_equal(jwt_peek(buf_view(&token), "no", out, sizeof(out)), -ENOENT);
    assert_int_equal(jwt_peek(buf_view(&token), "long", out, sizeof(out)), -EBADMSG);
    assert_int_equal(jwt_peek(STR("a.b"), "ver", out, sizeof(out)), -EBADMSG);
    assert_int_equal(jwt_kid(STR("e30.e30.AA"), out, sizeof(out)), -EBADMSG);
    assert_int_equal(jwt_kid(STR(""), out, sizeof(out)), -EBADMSG);
    assert_string_equal(jwt_fault_name(JWT_OK), "ok");
    for (int f = JWT_OK; f <= JWT_CLAIM; f++)
        assert_string_not_equal(jwt_fault_name((enum jwt_fault)f), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(genuine),
        cmocka_unit_test(lies_of_every_kind),
        cmocka_unit_test(kinds_are_not_exchanged),
        cmocka_unit_test(no_keys),
        cmocka_unit_test(unverified),
    };
    struct buf keys;
    int rc;

    ours = EVP_RSA_gen(2048);
    theirs = EVP_RSA_gen(2048);
    buf_init(&token, RIG_TEXT);
    buf_init(&payload, RIG_TEXT);
    buf_init(&keys, RIG_TEXT);
    buf_cat(&keys, "{\"keys\":[");
    rig_jwk(ours, "k1", "", &keys);
    buf_cat(&keys, "]}");
    if (jwk_set_parse(buf_view(&keys), &set))
        return 1;
    rc = cmocka_run_group_tests(tests, NULL, NULL);
    jwk_set_free(&set);
    buf_free(&token);
    buf_free(&payload);
    buf_free(&keys);
    EVP_PKEY_free(ours);
    EVP_PKEY_free(theirs);
    return rc;
}
