#include "pages/when.h"

#include "base/clock.h"

static const char *const months[] = {"January",   "February", "March",    "April",
                                     "May",       "June",     "July",     "August",
                                     "September", "October",  "November", "December"};

/* Fields of "2026-11-23T01:02:03Z" by position. */
static unsigned two(const char *s)
{
    return (unsigned)(s[0] - '0') * 10 + (unsigned)(s[1] - '0');
}

static const char *month_of(const char *iso)
{
    return months[(two(iso + 5) + 11) % 12];
}

struct str when_date(struct arena *a, int64_t ms)
{
    char iso[CLOCK_ISO];

    clock_iso(ms, iso);
    return str_of(arena_fmt(a, "%u %s %.4s", two(iso + 8), month_of(iso), iso));
}

struct str when_minute(struct arena *a, int64_t ms)
{
    char iso[CLOCK_ISO];

    clock_iso(ms, iso);
    return str_of(
        arena_fmt(a, "%u %.3s %.4s, %.5s UTC", two(iso + 8), month_of(iso), iso, iso + 11));
}

struct str when_iso(struct arena *a, int64_t ms)
{
    char iso[CLOCK_ISO];

    clock_iso(ms, iso);
    return arena_str(a, str_of(iso));
}

struct str when_span(struct arena *a, int64_t ms)
{
    long long s = ms < 0 ? 0 : (long long)(ms + 500) / 1000;

    if (s < 60)
        return str_of(arena_fmt(a, "%lld s", s));
    if (s < 3600)
        return str_of(arena_fmt(a, "%lld min %lld s", s / 60, s % 60));
    if (s < 48 * 3600)
        return str_of(arena_fmt(a, "%lld h %lld min", s / 3600, s % 3600 / 60));
    return str_of(arena_fmt(a, "%lld days", s / 86400));
}

struct str when_term(struct arena *a, struct str iso)
{
    static const struct {
        char letter;
        const char *name;
    } units[] = {{'Y', "year"}, {'M', "month"}, {'W', "week"}, {'D', "day"}};
    uint64_t n;

    if (iso.n < 3 || iso.p[0] != 'P' || str_u64(str_sub(iso, 1, iso.n - 2), 9999, &n) || n == 0)
        return str_make(NULL, 0);
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (iso.p[iso.n - 1] == units[i].letter)
            return str_of(
                arena_fmt(a, "%llu %s%s", (unsigned long long)n, units[i].name, n == 1 ? "" : "s"));
    }
    return str_make(NULL, 0);
}

/* An ellipsis, and a word joiner so that no line ends behind it. */
#define MASKED "\xe2\x80\xa6\xe2\x81\xa0"

struct str when_mask_mail(struct arena *a, struct str mail)
{
    ptrdiff_t at = str_rchr(mail, '@');
    size_t first = 1;

    if (at < 1)
        return str_make(NULL, 0);
    while (first < (size_t)at && ((unsigned char)mail.p[first] & 0xc0) == 0x80)
        first++;
    return str_of(arena_fmt(a, "%.*s" MASKED "%.*s", (int)first, mail.p,
                            STR_FMT(str_from(mail, (size_t)at))));
}
