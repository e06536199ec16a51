/* Values as Microsoft writes them: padded words, numbers as texts, times without a zone. */
#include <ctype.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "market/azure.h"

#define DAY_MS INT64_C(86400000)

enum { QUANTITY_MAX = 1000000000 };

const char *azure_text(struct arena *a, const cJSON *obj, const char *key)
{
    struct str s = str_trim(json_str(obj, key));
    const char *p = NULL;

    if (s.n && s.n <= AZURE_TEXT_MAX && str_text(s))
        p = arena_dup(a, s);
    return p ? p : "";
}

struct str azure_message(const cJSON *answer)
{
    struct str text = json_str(answer, "message");

    if (text.n == 0)
        text = json_str(json_obj(answer, "error"), "message");
    if (text.n == 0)
        text = json_str(json_obj(answer, "Error"), "Message");
    return text;
}

const char *azure_id(struct arena *a, struct str s)
{
    bool is_guid;
    char *p;

    s = str_trim(s);
    if (s.n == 0 || s.n > AZURE_ID_MAX)
        return "";
    is_guid = s.n == 36 && s.p[8] == '-' && s.p[13] == '-' && s.p[18] == '-' && s.p[23] == '-';
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c > 0x7e || !(isalnum(c) || c == '-'))
            return "";
        if (c != '-' && !isxdigit(c))
            is_guid = false;
    }
    p = arena_dup(a, s);
    for (char *c = p; is_guid && p && *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return p ? p : "";
}

uint64_t azure_number(const cJSON *obj, const char *key)
{
    const cJSON *v = json_get(obj, key);
    uint64_t n = 0;

    if (cJSON_IsNumber(v) && v->valuedouble >= 1 && v->valuedouble <= QUANTITY_MAX)
        n = (uint64_t)v->valuedouble;
    else if (cJSON_IsString(v) && str_u64(str_trim(str_of(v->valuestring)), QUANTITY_MAX, &n))
        n = 0;
    return n;
}

uint64_t azure_quantity(const cJSON *obj)
{
    return azure_number(obj, "quantity");
}

int64_t azure_time(const cJSON *obj, const char *key)
{
    struct str s = str_trim(json_str(obj, key));
    char text[48];
    int64_t ms;

    if (s.n == 0 || s.n + 2 > sizeof(text))
        return 0;
    if (clock_parse_iso(s, &ms) == 0)
        return ms;
    memcpy(text, s.p, s.n);
    text[s.n] = 'Z';
    return clock_parse_iso(str_make(text, s.n + 1), &ms) == 0 ? ms : 0;
}

int64_t azure_term_end(const cJSON *term)
{
    int64_t end = azure_time(term, "endDate");

    return end > 0 && end % DAY_MS == 0 ? end + DAY_MS : end;
}

struct str azure_offer(struct str offer)
{
    offer = str_trim(offer);
    if (str_ends(offer, STR("-preview")))
        offer.n -= sizeof("-preview") - 1;
    return offer;
}

bool azure_is_offer(const struct cfg_market *cfg, struct str offer)
{
    struct str ours = azure_offer(str_of(cfg->azure.offer_id));

    return ours.n && str_ieq(azure_offer(offer), ours);
}

bool azure_same(const char *a, const char *b)
{
    return *a && str_ieq(str_of(a), str_of(b));
}
