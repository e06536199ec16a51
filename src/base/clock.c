#include "base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t offset_ms;

uint64_t clock_mono_us(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

uint64_t clock_mono_ms(void)
{
    return clock_mono_us() / 1000;
}

int64_t clock_wall_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000 + offset_ms;
}

void clock_set_offset_ms(int64_t offset)
{
    offset_ms = offset;
}

static void utc(int64_t ms, struct tm *tm)
{
    time_t t = (time_t)(ms < 0 ? 0 : ms / 1000);

    if (!gmtime_r(&t, tm))
        *tm = (struct tm){.tm_year = 70, .tm_mday = 1};
}

void clock_iso(int64_t ms, char out[CLOCK_ISO])
{
    struct tm tm;

    utc(ms, &tm);
    if (strftime(out, CLOCK_ISO, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        out[0] = '\0';
}

void clock_basic(int64_t ms, char out[CLOCK_BASIC])
{
    struct tm tm;

    utc(ms, &tm);
    if (strftime(out, CLOCK_BASIC, "%Y%m%dT%H%M%SZ", &tm) == 0)
        out[0] = '\0';
}

/* Reads exactly n digits within [lo, hi]. */
static int digits(struct str *s, size_t n, uint64_t lo, uint64_t hi, int *out)
{
    uint64_t v;

    if (s->n < n || str_u64(str_sub(*s, 0, n), hi, &v) || v < lo)
        return -EINVAL;
    *s = str_from(*s, n);
    *out = (int)v;
    return 0;
}

static int literal(struct str *s, char c)
{
    if (s->n == 0 || s->p[0] != c)
        return -EINVAL;
    *s = str_from(*s, 1);
    return 0;
}

static int to_ms(struct tm *tm, int64_t *ms)
{
    int day = tm->tm_mday;
    time_t t = timegm(tm);

    /* timegm normalises 31 February in place: refuse instead. */
    if (tm->tm_mday != day)
        return -EINVAL;
    *ms = (int64_t)t * 1000;
    return 0;
}

static int zone(struct str s, int64_t *minutes)
{
    int h, m, sign;

    if (s.n == 1 && (s.p[0] == 'Z' || s.p[0] == 'z')) {
        *minutes = 0;
        return 0;
    }
    if (s.n != 6 || (s.p[0] != '+' && s.p[0] != '-'))
        return -EINVAL;
    sign = s.p[0] == '-' ? -1 : 1;
    s = str_from(s, 1);
    if (digits(&s, 2, 0, 23, &h) || literal(&s, ':') || digits(&s, 2, 0, 59, &m))
        return -EINVAL;
    *minutes = (int64_t)sign * (h * 60 + m);
    return 0;
}

int clock_parse_iso(struct str s, int64_t *ms)
{
    struct tm tm = {0};
    int64_t frac = 0, scale = 100, off;

    if (digits(&s, 4, 1970, 9999, &tm.tm_year) || literal(&s, '-') ||
        digits(&s, 2, 1, 12, &tm.tm_mon) || literal(&s, '-') || digits(&s, 2, 1, 31, &tm.tm_mday) ||
        s.n == 0 || (s.p[0] != 'T' && s.p[0] != 't'))
        return -EINVAL;
    s = str_from(s, 1);
    if (digits(&s, 2, 0, 23, &tm.tm_hour) || literal(&s, ':') || digits(&s, 2, 0, 59, &tm.tm_min) ||
        literal(&s, ':') || digits(&s, 2, 0, 60, &tm.tm_sec))
        return -EINVAL;
    if (s.n && s.p[0] == '.') {
        s = str_from(s, 1);
        if (s.n == 0 || s.p[0] < '0' || s.p[0] > '9')
            return -EINVAL;
        for (; s.n && s.p[0] >= '0' && s.p[0] <= '9'; s = str_from(s, 1), scale /= 10)
            frac += (s.p[0] - '0') * scale;
    }
    if (zone(s, &off))
        return -EINVAL;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    if (to_ms(&tm, ms))
        return -EINVAL;
    *ms += frac - off * 60000;
    return 0;
}

int clock_parse_http(struct str s, int64_t *ms)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct tm tm = {0};
    bool month = false;

    if (s.n != 29 || !str_ends(s, STR(" GMT")) || s.p[3] != ',')
        return -EINVAL;
    for (int i = 0; i < 12; i++)
        if (memcmp(s.p + 8, months + (size_t)i * 3, 3) == 0) {
            tm.tm_mon = i;
            month = true;
        }
    struct str day = str_sub(s, 5, 2), year = str_sub(s, 12, 4), hms = str_sub(s, 17, 8);

    if (!month || digits(&day, 2, 1, 31, &tm.tm_mday) ||
        digits(&year, 4, 1970, 9999, &tm.tm_year) || digits(&hms, 2, 0, 23, &tm.tm_hour) ||
        literal(&hms, ':') || digits(&hms, 2, 0, 59, &tm.tm_min) || literal(&hms, ':') ||
        digits(&hms, 2, 0, 60, &tm.tm_sec))
        return -EINVAL;
    tm.tm_year -= 1900;
    return to_ms(&tm, ms);
}
