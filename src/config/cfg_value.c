#include "config/cfg_value.h"

#include <ctype.h>
#include <errno.h>

struct unit {
    const char *suffix;
    uint64_t factor;
};

int cfg_value_bool(struct str s, bool *out, const char **why)
{
    *out = str_is(s, "true");
    if (*out || str_is(s, "false"))
        return 0;
    *why = "is not true or false";
    return -EINVAL;
}

int cfg_value_uint(struct str s, uint64_t *out, const char **why)
{
    int rc = str_u64(s, UINT64_MAX, out);
    if (rc)
        *why = rc == -ERANGE ? "is too large" : "is not a whole number";
    return rc ? -EINVAL : 0;
}

/* number + one of the units; a missing or unknown unit, zero digits and overflow are refused. */
static int scaled(struct str s, const struct unit *units, size_t nunits, uint64_t *out)
{
    size_t digits = 0;
    while (digits < s.n && s.p[digits] >= '0' && s.p[digits] <= '9')
        digits++;
    struct str suffix = str_from(s, digits);
    for (size_t i = 0; i < nunits; i++) {
        if (!str_is(suffix, units[i].suffix))
            continue;
        uint64_t n;
        if (str_u64(str_sub(s, 0, digits), UINT64_MAX / units[i].factor, &n))
            return -EINVAL;
        *out = n * units[i].factor;
        return 0;
    }
    return -EINVAL;
}

int cfg_value_duration(struct str s, uint64_t *out, const char **why)
{
    static const struct unit units[] = {
        {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
    int rc = scaled(s, units, sizeof(units) / sizeof(units[0]), out);
    if (rc)
        *why = "is not a duration; write a number and a unit, as in 250ms, 5s, 10m, 12h, 30d";
    return rc;
}

int cfg_value_size(struct str s, uint64_t *out, const char **why)
{
    static const struct unit units[] = {
        {"K", 1ull << 10}, {"M", 1ull << 20}, {"G", 1ull << 30}, {"T", 1ull << 40}};
    int rc = scaled(s, units, sizeof(units) / sizeof(units[0]), out);
    if (rc)
        *why = "is not a size; write a number and a unit, as in 64K, 256M, 1G, 2T";
    return rc;
}

const char *cfg_value_text(struct str s)
{
    return str_text(s) ? NULL : "holds control characters";
}

const char *cfg_value_lines(struct str s)
{
    struct str rest = s;
    while (rest.n > 0) {
        struct str line = str_cut(rest, '\n', &rest);
        if (!str_text(line))
            return "holds control characters";
    }
    return NULL;
}

/* First character from first, the others from any; both are sets of letters. */
static bool made_of(struct str s, const char *first, const char *any, size_t max)
{
    if (s.n == 0 || s.n > max || str_chr(str_of(first), s.p[0]) < 0)
        return false;
    for (size_t i = 1; i < s.n; i++)
        if (str_chr(str_of(any), s.p[i]) < 0)
            return false;
    return true;
}

#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

const char *cfg_value_name(struct str s)
{
    bool ok = made_of(s, LOWER UPPER DIGITS, LOWER UPPER DIGITS "-_.", 64);
    return ok ? NULL : "is not a name; use letters, digits, - _ . (at most 64)";
}

const char *cfg_value_label(struct str s)
{
    bool ok = made_of(s, LOWER DIGITS, LOWER DIGITS "-", 40) && s.p[s.n - 1] != '-';
    return ok ? NULL : "is not a label; use a-z, 0-9 and - inside (at most 40)";
}

const char *cfg_value_field(struct str s)
{
    bool ok = made_of(s, LOWER, LOWER DIGITS "_", 32);
    return ok ? NULL : "is not a field name; use a-z first, then a-z, 0-9, _ (at most 32)";
}

const char *cfg_value_region(struct str s)
{
    bool ok = made_of(s, LOWER, LOWER DIGITS "-", 32) && s.p[s.n - 1] != '-';
    return ok ? NULL : "is not a region; it looks like us-east-1";
}

const char *cfg_value_envname(struct str s)
{
    bool ok = made_of(s, LOWER UPPER "_", LOWER UPPER DIGITS "_", 64);
    return ok ? NULL : "is not the name of an environment variable";
}

const char *cfg_value_mode(struct str s)
{
    bool ok = s.n >= 3 && made_of(s, "01234567", "01234567", 4);
    return ok ? NULL : "is not a file mode; write octal digits, as in 0660";
}

const char *cfg_value_color(struct str s)
{
    bool ok = s.n == 7 && made_of(s, "#", DIGITS "abcdefABCDEF", 7);
    return ok ? NULL : "is not a colour; write #rrggbb";
}

const char *cfg_value_arn(struct str s)
{
    bool ok = str_starts(s, STR("arn:aws")) && s.n <= 2048;
    for (size_t i = 0; ok && i < s.n; i++)
        ok = s.p[i] > ' ' && s.p[i] < 0x7f;
    return ok ? NULL : "is not an ARN; it begins with arn:aws";
}
