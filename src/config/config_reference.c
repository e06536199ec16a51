/* config_reference(): the schema tables as a page of documentation. */
#include <string.h>

#include "config/cfg_schema.h"
#include "config/config.h"

#define SECTIONS_MAX 32

static const char preamble[] =
    "# Configuration\n\n"
    "One YAML file, given to every program with `--config`. This page is made from the tables "
    "that\n"
    "read it (`lastmile check-config --reference`); `lastmile check-config` says what a file of\n"
    "yours would do.\n\n"
    "- The key decides the type. `no` is a text where a text is expected; only `true` and `false`\n"
    "  are booleans.\n"
    "- Durations are a number and a unit: `250ms`, `5s`, `10m`, `12h`, `30d`. Sizes: `64K`, "
    "`256M`,\n"
    "  `1G`, `2T` (powers of 1024).\n"
    "- URLs are `https`; plain `http` is accepted on loopback only. Paths are absolute.\n"
    "- Unknown and duplicate keys, wrong types, anchors, aliases, tags and a second document are\n"
    "  errors, each with file, line and column; all of them are reported at once.\n"
    "- Secrets are never in this file: only the paths of the files that hold them.\n\n"
    "The smallest useful file:\n\n"
    "```yaml\n"
    "front:\n"
    "  public_url: https://buy.acme.example\n"
    "deploy:\n"
    "  endpoint: https://{tenant}.apps.acme.example/\n"
    "marketplace:\n"
    "  product: Acme Search\n"
    "  product_code: abc123def456\n"
    "  plans:\n"
    "    starter:\n"
    "      deployment_template: starter-single-tenant\n"
    "deployment_templates:\n"
    "  starter-single-tenant:\n"
    "    engine: process\n"
    "    command: [/opt/acme/bin/acme-search, --single-tenant]\n"
    "```\n";

static const char *const type_names[CT_TYPES] = {
    [CT_TEXT] = "text",
    [CT_LINES] = "text, several lines",
    [CT_NAME] = "name",
    [CT_FIELD] = "name",
    [CT_LABEL] = "label (a-z 0-9 -)",
    [CT_URL] = "URL",
    [CT_ORIGIN] = "URL without path",
    [CT_PATTERN] = "URL with {tenant}",
    [CT_MAIL_URL] = "smtp:// or smtps:// URL",
    [CT_PATH] = "path",
    [CT_SECRET] = "path or credential",
    [CT_CGROUP] = "path or `none`",
    [CT_LISTEN] = "path or loopback address:port",
    [CT_BASE] = "URL path",
    [CT_URLPATH] = "URL path",
    [CT_MODE] = "octal mode",
    [CT_EMAIL] = "mail address",
    [CT_MAILBOX] = "mail address with name",
    [CT_COLOR] = "#rrggbb",
    [CT_REGION] = "region",
    [CT_ARN] = "ARN",
    [CT_WORD] = "word",
    [CT_ENUM] = "word",
    [CT_BOOL] = "true or false",
    [CT_U16] = "number",
    [CT_U32] = "number",
    [CT_DURATION] = "duration",
    [CT_SIZE] = "size",
    [CT_TEXTS] = "list of texts",
    [CT_NAMES] = "list of names",
    [CT_REGIONS] = "list of regions",
    [CT_ARNS] = "list of ARNs",
    [CT_ARGV] = "list: program, arguments",
    [CT_ENV] = "map of variables",
    [CT_KV] = "map of texts",
    [CT_SECTION] = "map",
    [CT_SINGLE] = "map",
    [CT_LIST] = "list of maps",
    [CT_MAP] = "map of maps by name",
};

static void type_of(const struct cfg_key *k, struct buf *b)
{
    if (!k->words) {
        buf_cat(b, type_names[k->type]);
        return;
    }
    for (size_t i = 0; k->words[i]; i++)
        buf_fmt(b, "%s`%s`", i ? " " : "", k->words[i]);
}

static void row(const struct cfg_key *k, struct buf *b)
{
    buf_fmt(b, "| `%s` | ", k->name);
    type_of(k, b);
    if (k->required)
        buf_cat(b, " | needed | ");
    else if (k->dflt)
        buf_fmt(b, " | `%s` | ", k->dflt);
    else
        buf_cat(b, " | | ");
    buf_fmt(b, "%s", k->help);
    if (k->max && (k->type == CT_U32 || k->type == CT_U16))
        buf_fmt(b, " %llu to %llu.", (unsigned long long)k->min, (unsigned long long)k->max);
    buf_cat(b, " |\n");
}

/* Each section once, after the one that first names it. */
static void section(const struct cfg_section *s, const struct cfg_section **seen, size_t *nseen,
                    struct buf *b)
{
    for (size_t i = 0; i < *nseen; i++)
        if (seen[i] == s)
            return;
    if (*nseen == SECTIONS_MAX)
        return;
    seen[(*nseen)++] = s;
    buf_fmt(b, "\n## %s\n\n%s\n\n| key | type | default | meaning |\n| --- | --- | --- | --- |\n",
            s->title, s->help);
    for (size_t i = 0; i < s->nkeys; i++)
        row(&s->keys[i], b);
    for (size_t i = 0; i < s->nkeys; i++)
        if (s->keys[i].sub)
            section(s->keys[i].sub, seen, nseen, b);
}

void config_reference(struct buf *out)
{
    const struct cfg_section *seen[SECTIONS_MAX] = {NULL};
    size_t nseen = 0;
    buf_cat(out, preamble);
    section(&cfg_schema_root, seen, &nseen, out);
}
