/* The shared credentials and config files of the AWS SDKs: "[section]", "key = value", comments
 * with # and ;. Indented lines belong to nested settings and are skipped. */
#include <string.h>

#include "market/aws_creds_int.h"

static bool is_section(struct str line, const char *prefix, struct str name)
{
    struct str in = str_trim(str_sub(line, 1, line.n - 2)), p = str_of(prefix);

    if (p.n && !str_is(name, "default")) {
        if (!str_starts(in, p) || in.n == p.n || (in.p[p.n] != ' ' && in.p[p.n] != '\t'))
            return false;
        in = str_trim(str_from(in, p.n));
    }
    return str_eq(in, name);
}

static struct str without_comment(struct str v)
{
    for (size_t i = 1; i < v.n; i++)
        if ((v.p[i] == '#' || v.p[i] == ';') && (v.p[i - 1] == ' ' || v.p[i - 1] == '\t'))
            return str_trim(str_sub(v, 0, i));
    return v;
}

static bool scan(struct str text, const char *prefix, struct str section, const char *key,
                 struct str *value)
{
    bool inside = false, found = false;

    while (text.n) {
        struct str raw = str_cut(text, '\n', &text), line = str_trim(raw), rest, k;

        if (line.n == 0 || line.p[0] == '#' || line.p[0] == ';')
            continue;
        if (line.p[0] == '[') {
            inside = line.p[line.n - 1] == ']' && is_section(line, prefix, section);
            found |= inside;
            continue;
        }
        if (!inside || !key || raw.p[0] == ' ' || raw.p[0] == '\t' || str_chr(line, '=') < 0)
            continue;
        k = str_trim(str_cut(line, '=', &rest));
        if (str_ieq(k, str_of(key)))
            *value = without_comment(str_trim(rest));
    }
    return found;
}

bool ini_has(struct str text, const char *prefix, struct str section)
{
    struct str none;

    return scan(text, prefix, section, NULL, &none);
}

struct str ini_value(struct str text, const char *prefix, struct str section, const char *key)
{
    struct str v = {NULL, 0};

    scan(text, prefix, section, key, &v);
    return v;
}
