#include <string.h>

#include "market/aws.h"

enum { ID_MAX = 100 };

static struct str trailing(struct str arn)
{
    for (size_t i = arn.n; i > 0; i--)
        if (arn.p[i - 1] == ':' || arn.p[i - 1] == '/')
            return str_from(arn, i);
    return arn;
}

/* "l-1f0e..." or the "lic-..." of some of AWS's texts. */
static bool id_ok(struct str s)
{
    if (s.n < 3 || s.n > ID_MAX || (s.p[0] != 'l' && s.p[0] != 'L'))
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '-'))
            return false;
    }
    return true;
}

const char *aws_license_id(struct arena *a, struct str arn)
{
    struct str id = trailing(arn);
    char *p = id_ok(id) ? arena_dup(a, id) : NULL;

    for (char *c = p; c && *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c + 'a' - 'A');
    return p ? p : "";
}

bool aws_license_same(struct str a, struct str b)
{
    return str_ieq(trailing(a), trailing(b));
}
