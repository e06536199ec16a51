/* Checks of addresses: URLs, paths, mail. Strict on purpose: what is refused here can be spelled
 * another way, what is let through ends up in a page, a mail header or a socket call. */
#include "base/str.h"
#include "config/cfg_value.h"

#define EMAIL_MAX 254 /* RFC 5321 section 4.5.3.1.3, without the angle brackets */

static bool printable(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] >= 0x7f)
            return false;
    return true;
}

/* Splits "scheme://authority/rest"; false when it has not that form. */
static bool split(struct str url, struct str *scheme, struct str *authority, struct str *rest)
{
    ptrdiff_t colon = str_chr(url, ':');
    if (colon <= 0 || !str_starts(str_from(url, (size_t)colon), STR("://")))
        return false;
    *scheme = str_sub(url, 0, (size_t)colon);
    struct str tail = str_from(url, (size_t)colon + 3);
    size_t end = 0;
    while (end < tail.n && tail.p[end] != '/' && tail.p[end] != '?' && tail.p[end] != '#')
        end++;
    *authority = str_sub(tail, 0, end);
    *rest = str_from(tail, end);
    return true;
}

/* host[:port] with a sane host and a port of 1..65535; *host without brackets and port. */
static bool hostport(struct str authority, struct str *host)
{
    struct str port = {"", 0};
    bool has_port = false;
    if (str_starts(authority, STR("["))) {
        ptrdiff_t close = str_chr(authority, ']');
        if (close < 3)
            return false;
        *host = str_sub(authority, 1, (size_t)close - 1);
        struct str after = str_from(authority, (size_t)close + 1);
        has_port = str_starts(after, STR(":"));
        if (after.n > 0 && !has_port)
            return false;
        port = str_from(after, 1);
    } else {
        has_port = str_chr(authority, ':') >= 0;
        *host = str_cut(authority, ':', &port);
    }
    uint64_t n = 0;
    if (has_port && (str_u64(port, 65535, &n) || n == 0))
        return false;
    for (size_t i = 0; i < host->n; i++) {
        char c = host->p[i];
        bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '.' || c == '-' || c == '_' || c == ':' || c == '{' || c == '}';
        if (!ok)
            return false;
    }
    return host->n > 0 && host->n <= 253;
}

static bool loopback(struct str host)
{
    return str_is(host, "localhost") || str_ends(host, STR(".localhost")) || str_is(host, "::1") ||
           str_starts(host, STR("127."));
}

static const char *web_url(struct str s, struct str *rest)
{
    struct str scheme, authority, host;
    if (!printable(s) || s.n > 2048 || !split(s, &scheme, &authority, rest))
        return "is not a URL; it looks like https://host/path";
    bool https = str_is(scheme, "https");
    if (!https && !str_is(scheme, "http"))
        return "is not an https URL";
    if (str_chr(authority, '@') >= 0)
        return "holds a user name; credentials do not belong into a URL";
    if (!hostport(authority, &host))
        return "has no valid host and port";
    if (str_chr(*rest, '#') >= 0)
        return "has a fragment (#), which is never sent";
    if (!https && !loopback(host))
        return "must be https; plain http is accepted on loopback only";
    return NULL;
}

const char *cfg_value_url(struct str s)
{
    struct str rest;
    const char *why = web_url(s, &rest);
    if (!why && (str_chr(s, '{') >= 0 || str_chr(s, '}') >= 0))
        return "holds braces";
    return why;
}

const char *cfg_value_origin(struct str s)
{
    struct str rest;
    const char *why = web_url(s, &rest);
    if (why)
        return why;
    if (str_chr(s, '{') >= 0)
        return "holds braces";
    return rest.n == 0 ? NULL
                       : "has a path or a slash at the end; write scheme, host and port only";
}

bool cfg_value_has_tenant(struct str s)
{
    static const struct str word = STR("{tenant}");
    for (size_t i = 0; i + word.n <= s.n; i++)
        if (str_eq(str_sub(s, i, word.n), word))
            return true;
    return false;
}

const char *cfg_value_pattern(struct str s)
{
    struct str rest;
    const char *why = web_url(s, &rest);
    if (why)
        return why;
    if (!cfg_value_has_tenant(s))
        return "does not hold {tenant}, so every tenant would get the same address";
    return NULL;
}

const char *cfg_value_mail_url(struct str s)
{
    struct str scheme, authority, rest, host;
    if (!printable(s) || !split(s, &scheme, &authority, &rest) ||
        !(str_is(scheme, "smtp") || str_is(scheme, "smtps")))
        return "is not a mail server; write smtp://host:port or smtps://host";
    if (str_chr(authority, '@') >= 0)
        return "holds a user name; use smtp_user and smtp_password_file";
    if (!hostport(authority, &host) || !(rest.n == 0 || str_is(rest, "/")))
        return "has no valid host and port";
    return NULL;
}

const char *cfg_value_path(struct str s)
{
    if (!str_starts(s, STR("/")) || !str_text(s) || s.n > 4000)
        return "is not an absolute path";
    struct str rest = s;
    while (rest.n > 0)
        if (str_is(str_cut(rest, '/', &rest), ".."))
            return "holds '..'; write the path out";
    return NULL;
}

const char *cfg_value_secret(struct str s)
{
    if (str_chr(s, '/') >= 0)
        return cfg_value_path(s);
    return cfg_value_name(s) ? "is neither an absolute path nor the name of a credential" : NULL;
}

const char *cfg_value_cgroup(struct str s)
{
    return str_is(s, "none") || !cfg_value_path(s) ? NULL : "is neither an absolute path nor none";
}

const char *cfg_value_listen(struct str s)
{
    struct str host;
    if (!cfg_value_path(s))
        return s.n <= 107 ? NULL : "is too long for a socket (107 bytes)";
    bool has_port = str_chr(s, ':') >= 0;
    if (has_port && hostport(s, &host) && loopback(host))
        return NULL;
    return "is neither an absolute path nor a loopback address with port";
}

const char *cfg_value_base(struct str s)
{
    static const char *const why = "is not a base path; it looks like /marketplace";
    if (!str_starts(s, STR("/")) || s.n > 64)
        return why;
    struct str rest = str_from(s, 1);
    if (rest.n == 0 || s.p[s.n - 1] == '/')
        return why;
    while (rest.n > 0)
        if (cfg_value_name(str_cut(rest, '/', &rest)))
            return why;
    return NULL;
}

const char *cfg_value_urlpath(struct str s)
{
    bool ok = str_starts(s, STR("/")) && printable(s) && s.n <= 256;
    return ok ? NULL : "is not a URL path; it begins with / and has no spaces";
}

const char *cfg_value_email(struct str s)
{
    static const char *const why = "is not a mail address";
    struct str domain;
    struct str local = str_cut(s, '@', &domain);
    if (!str_text(s) || s.n > EMAIL_MAX || local.n == 0 || domain.n < 1)
        return why;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == ' ' || s.p[i] == '<' || s.p[i] == '>' || s.p[i] == ',' || s.p[i] == '"')
            return why;
    bool dots = domain.p[0] != '.' && domain.p[domain.n - 1] != '.';
    return dots && str_chr(domain, '@') < 0 ? NULL : why;
}

const char *cfg_value_mailbox(struct str s)
{
    ptrdiff_t open = str_chr(s, '<');
    if (open < 0)
        return cfg_value_email(s);
    if (!str_text(s) || s.p[s.n - 1] != '>')
        return "is not a mail address; write Name <local@domain>";
    struct str inner = str_sub(s, (size_t)open + 1, s.n - (size_t)open - 2);
    return cfg_value_email(inner);
}
