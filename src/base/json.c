#include "base/json.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SAFE_INT 9007199254740991.0

/* One pass over the text before cJSON sees it. */
struct scan {
    const unsigned char *p;
    size_t n, i;
    unsigned depth;
};

static bool hex4(const struct scan *s, size_t at, unsigned *v)
{
    *v = 0;
    if (s->n - at < 4)
        return false;
    for (size_t k = at; k < at + 4; k++) {
        unsigned char c = s->p[k];
        unsigned d = c >= '0' && c <= '9'   ? c - (unsigned)'0'
                     : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10U
                     : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10U
                                            : 16U;

        if (d == 16)
            return false;
        *v = *v << 4 | d;
    }
    return true;
}

static bool scan_escape(struct scan *s)
{
    unsigned v, low;

    if (++s->i >= s->n)
        return false;
    if (s->p[s->i] != 'u') {
        bool ok = s->p[s->i] && strchr("\"\\/bfnrt", s->p[s->i]) != NULL;

        s->i++;
        return ok;
    }
    if (!hex4(s, s->i + 1, &v) || v == 0 || (v >= 0xdc00 && v <= 0xdfff))
        return false;
    s->i += 5;
    if (v < 0xd800 || v > 0xdbff)
        return true;
    if (s->n - s->i < 6 || s->p[s->i] != '\\' || s->p[s->i + 1] != 'u' ||
        !hex4(s, s->i + 2, &low) || low < 0xdc00 || low > 0xdfff)
        return false;
    s->i += 6;
    return true;
}

static bool scan_string(struct scan *s)
{
    for (s->i++; s->i < s->n;) {
        unsigned char c = s->p[s->i];

        if (c == '"') {
            s->i++;
            return true;
        }
        if (c < 0x20)
            return false;
        if (c != '\\')
            s->i++;
        else if (!scan_escape(s))
            return false;
    }
    return false;
}

static size_t scan_digits(struct scan *s)
{
    size_t from = s->i;

    while (s->i < s->n && s->p[s->i] >= '0' && s->p[s->i] <= '9')
        s->i++;
    return s->i - from;
}

static bool scan_number(struct scan *s)
{
    size_t first, n;

    if (s->p[s->i] == '-')
        s->i++;
    first = s->i;
    n = scan_digits(s);
    if (n == 0 || (n > 1 && s->p[first] == '0'))
        return false;
    if (s->i < s->n && s->p[s->i] == '.') {
        s->i++;
        if (scan_digits(s) == 0)
            return false;
    }
    if (s->i < s->n && (s->p[s->i] == 'e' || s->p[s->i] == 'E')) {
        s->i++;
        if (s->i < s->n && (s->p[s->i] == '+' || s->p[s->i] == '-'))
            s->i++;
        if (scan_digits(s) == 0)
            return false;
    }
    return true;
}

static bool scan_all(struct scan *s)
{
    while (s->i < s->n) {
        unsigned char c = s->p[s->i];

        if (c == '"') {
            if (!scan_string(s))
                return false;
        } else if (c == '-' || (c >= '0' && c <= '9')) {
            if (!scan_number(s))
                return false;
        } else if (c == '{' || c == '[') {
            if (++s->depth > JSON_DEPTH)
                return false;
            s->i++;
        } else if (c == '}' || c == ']') {
            if (s->depth-- == 0)
                return false;
            s->i++;
        } else if (c < 0x20 && c != '\n' && c != '\r' && c != '\t') {
            return false;
        } else {
            s->i++;
        }
    }
    return s->depth == 0;
}

static int key_cmp(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* -EINVAL on a duplicate key. Sorted for large objects, so that many keys stay cheap. */
static int unique_keys(const cJSON *obj)
{
    size_t n = 0, i = 0;
    const char **keys;
    const cJSON *c;
    int rc = 0;

    for (c = obj->child; c; c = c->next)
        n++;
    if (n < 2)
        return 0;
    keys = calloc(n, sizeof(*keys));
    if (!keys)
        return -ENOMEM;
    for (c = obj->child; c; c = c->next)
        keys[i++] = c->string;
    qsort(keys, n, sizeof(*keys), key_cmp);
    for (i = 1; i < n && rc == 0; i++)
        if (strcmp(keys[i - 1], keys[i]) == 0)
            rc = -EINVAL;
    free(keys);
    return rc;
}

static int check_tree(const cJSON *v)
{
    int rc = cJSON_IsObject(v) ? unique_keys(v) : 0;

    if (cJSON_IsNumber(v) && !isfinite(v->valuedouble))
        return -EINVAL;
    for (const cJSON *c = v->child; c && rc == 0; c = c->next)
        rc = check_tree(c);
    return rc;
}

int json_parse(struct str text, size_t max, cJSON **out)
{
    struct scan s = {(const unsigned char *)text.p, text.n, 0, 0};
    char *copy;
    int rc;

    *out = NULL;
    if (text.n > max)
        return -EMSGSIZE;
    if (text.n == 0 || !str_utf8(text) || str_starts(text, STR("\xef\xbb\xbf")) || !scan_all(&s))
        return -EINVAL;
    copy = malloc(text.n + 1);
    if (!copy)
        return -ENOMEM;
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    *out = cJSON_ParseWithLengthOpts(copy, text.n + 1, NULL, 1);
    free(copy);
    if (!*out)
        return -EINVAL;
    rc = check_tree(*out);
    if (rc) {
        cJSON_Delete(*out);
        *out = NULL;
    }
    return rc;
}

const cJSON *json_get(const cJSON *obj, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(obj, key);
}

struct str json_str(const cJSON *obj, const char *key)
{
    const cJSON *v = json_get(obj, key);

    return cJSON_IsString(v) ? str_of(v->valuestring) : str_make(NULL, 0);
}

const cJSON *json_obj(const cJSON *obj, const char *key)
{
    const cJSON *v = json_get(obj, key);

    return cJSON_IsObject(v) ? v : NULL;
}

const cJSON *json_arr(const cJSON *obj, const char *key)
{
    const cJSON *v = json_get(obj, key);

    return cJSON_IsArray(v) ? v : NULL;
}

bool json_bool(const cJSON *obj, const char *key, bool dflt)
{
    const cJSON *v = json_get(obj, key);

    return cJSON_IsBool(v) ? cJSON_IsTrue(v) : dflt;
}

int json_int(const cJSON *obj, const char *key, int64_t *out)
{
    const cJSON *v = json_get(obj, key);
    double d;

    if (!v || cJSON_IsNull(v))
        return -ENOENT;
    d = v->valuedouble;
    if (!cJSON_IsNumber(v) || d != floor(d) || fabs(d) > SAFE_INT)
        return -EINVAL;
    *out = (int64_t)d;
    return 0;
}

int json_epoch_ms(const cJSON *obj, const char *key, int64_t *out_ms)
{
    const cJSON *v = json_get(obj, key);

    if (!v || cJSON_IsNull(v))
        return -ENOENT;
    if (!cJSON_IsNumber(v) || v->valuedouble < 0 || v->valuedouble > SAFE_INT / 1000)
        return -EINVAL;
    *out_ms = (int64_t)floor(v->valuedouble * 1000 + 0.5);
    return 0;
}
