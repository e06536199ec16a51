#include "base/str.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

struct str str_of(const char *cstr)
{
    return (struct str){cstr, cstr ? strlen(cstr) : 0};
}

struct str str_make(const char *p, size_t n)
{
    return (struct str){p, n};
}

bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool str_is(struct str a, const char *cstr)
{
    return str_eq(a, str_of(cstr));
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

bool str_ieq(struct str a, struct str b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (lower(a.p[i]) != lower(b.p[i]))
            return false;
    return true;
}

bool str_starts(struct str s, struct str prefix)
{
    return s.n >= prefix.n && str_eq(str_make(s.p, prefix.n), prefix);
}

bool str_ends(struct str s, struct str suffix)
{
    return s.n >= suffix.n && str_eq(str_make(s.p + (s.n - suffix.n), suffix.n), suffix);
}

struct str str_sub(struct str s, size_t from, size_t n)
{
    if (from > s.n)
        from = s.n;
    if (n > s.n - from)
        n = s.n - from;
    return str_make(s.p ? s.p + from : NULL, n);
}

struct str str_from(struct str s, size_t from)
{
    return str_sub(s, from, s.n);
}

static bool space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct str str_rtrim(struct str s, char c)
{
    while (s.n && s.p[s.n - 1] == c)
        s.n--;
    return s;
}

struct str str_trim(struct str s)
{
    while (s.n && space(s.p[0])) {
        s.p++;
        s.n--;
    }
    while (s.n && space(s.p[s.n - 1]))
        s.n--;
    return s;
}

ptrdiff_t str_chr(struct str s, char c)
{
    const char *hit = s.n ? memchr(s.p, c, s.n) : NULL;
    return hit ? hit - s.p : -1;
}

ptrdiff_t str_rchr(struct str s, char c)
{
    const char *hit = s.n ? memrchr(s.p, c, s.n) : NULL;
    return hit ? hit - s.p : -1;
}

struct str str_cut(struct str s, char sep, struct str *rest)
{
    ptrdiff_t at = str_chr(s, sep);

    if (at < 0) {
        *rest = str_make(NULL, 0);
        return s;
    }
    *rest = str_from(s, (size_t)at + 1);
    return str_sub(s, 0, (size_t)at);
}

int str_u64(struct str s, uint64_t max, uint64_t *out)
{
    uint64_t v = 0;

    if (s.n == 0 || !s.p)
        return -EINVAL;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return -EINVAL;
        if (__builtin_mul_overflow(v, 10U, &v) ||
            __builtin_add_overflow(v, (uint64_t)(s.p[i] - '0'), &v))
            return -ERANGE;
    }
    if (v > max)
        return -ERANGE;
    *out = v;
    return 0;
}

int str_i64(struct str s, int64_t *out)
{
    bool neg = s.n && s.p[0] == '-';
    uint64_t v;
    int rc = str_u64(neg ? str_from(s, 1) : s, neg ? (uint64_t)INT64_MAX + 1 : INT64_MAX, &v);

    if (rc)
        return rc;
    *out = neg ? (int64_t)(~v + 1) : (int64_t)v;
    return 0;
}

int str_copy(struct str s, char *dst, size_t cap)
{
    if (cap == 0)
        return -ENOBUFS;
    dst[0] = '\0';
    if (s.n >= cap)
        return -ENOBUFS;
    if (s.n)
        memcpy(dst, s.p, s.n);
    dst[s.n] = '\0';
    return 0;
}

/* Length of the sequence at p and its code point; 0 when it is not valid. */
static size_t utf8_one(const unsigned char *p, size_t n, uint32_t *cp)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t len = p[0] < 0x80 ? 1 : p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : p[0] >= 0xc2 ? 2 : 0;

    if (len == 0 || len > n || p[0] > 0xf4)
        return 0;
    if (len == 1) {
        *cp = p[0];
        return 1;
    }
    *cp = p[0] & (0x7fU >> len);
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        *cp = (*cp << 6) | (p[i] & 0x3fU);
    }
    if (*cp < least[len] || *cp > 0x10ffff || (*cp >= 0xd800 && *cp <= 0xdfff))
        return 0;
    return len;
}

static bool utf8_scan(struct str s, bool text)
{
    const unsigned char *p = (const unsigned char *)s.p;
    uint32_t cp = 0;

    for (size_t i = 0; i < s.n;) {
        size_t len = utf8_one(p + i, s.n - i, &cp);

        if (len == 0)
            return false;
        if (text && (cp < 0x20 || (cp >= 0x7f && cp < 0xa0)))
            return false;
        if (text && ((cp >= 0x202a && cp <= 0x202e) || (cp >= 0x2066 && cp <= 0x2069)))
            return false;
        i += len;
    }
    return true;
}

bool str_utf8(struct str s)
{
    return utf8_scan(s, false);
}

bool str_text(struct str s)
{
    return utf8_scan(s, true);
}

bool str_eq_secret(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || sodium_memcmp(a.p, b.p, a.n) == 0);
}

unsigned str_distance(struct str a, struct str b)
{
    enum { MAX = 40 };
    unsigned row[MAX + 1];

    if (a.n > MAX || b.n > MAX)
        return 4;
    for (size_t j = 0; j <= b.n; j++)
        row[j] = (unsigned)j;
    for (size_t i = 1; i <= a.n; i++) {
        unsigned diag = row[0];

        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b.n; j++) {
            unsigned cost = diag + (a.p[i - 1] != b.p[j - 1]);
            unsigned best = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;

            diag = row[j];
            row[j] = cost < best ? cost : best;
        }
    }
    return row[b.n] > 4 ? 4 : row[b.n];
}
