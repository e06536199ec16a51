/* One key from its node: a table of setters by type. */
#include <string.h>

#include "base/file.h"
#include "config/cfg_setting.h"
#include "config/cfg_suggest.h"
#include "config/cfg_value.h"
#include "config/config.h"

_Static_assert(sizeof(enum cfg_mode) == sizeof(unsigned), "enums are filled as unsigned");

typedef int (*number_fn)(struct str s, uint64_t *out, const char **why);

const cfg_check_fn cfg_setting_checks[CT_TYPES] = {
    [CT_TEXT] = cfg_value_text,       [CT_LINES] = cfg_value_lines,
    [CT_NAME] = cfg_value_name,       [CT_FIELD] = cfg_value_field,
    [CT_LABEL] = cfg_value_label,     [CT_URL] = cfg_value_url,
    [CT_ORIGIN] = cfg_value_origin,   [CT_PATTERN] = cfg_value_pattern,
    [CT_PATH] = cfg_value_path,       [CT_MAIL_URL] = cfg_value_mail_url,
    [CT_CGROUP] = cfg_value_cgroup,   [CT_LISTEN] = cfg_value_listen,
    [CT_BASE] = cfg_value_base,       [CT_URLPATH] = cfg_value_urlpath,
    [CT_MODE] = cfg_value_mode,       [CT_EMAIL] = cfg_value_email,
    [CT_MAILBOX] = cfg_value_mailbox, [CT_COLOR] = cfg_value_color,
    [CT_REGION] = cfg_value_region,   [CT_ARN] = cfg_value_arn,
    [CT_TEXTS] = cfg_value_text,      [CT_NAMES] = cfg_value_name,
    [CT_REGIONS] = cfg_value_region,  [CT_ARNS] = cfg_value_arn,
    [CT_ARGV] = cfg_value_text,       [CT_SECRET] = cfg_value_secret,
};

const char *cfg_setting_keep(const struct cfg_setting *s, struct str text)
{
    const char *p = arena_dup(s->f->arena, text);
    return p ? p : "";
}

static bool right_text(struct cfg_setting *s)
{
    if (!cfg_fill_expect(s->f, s->n, CFG_NODE_SCALAR, s->path))
        return false;
    const char *why = s->n->text.n ? cfg_setting_checks[s->k->type](s->n->text) : "is empty";
    if (why)
        cfg_fill_refuse(s->f, s->n, s->path, why);
    return why == NULL;
}

static void set_text(struct cfg_setting *s)
{
    if (!right_text(s))
        return;
    const char *p = cfg_setting_keep(s, s->n->text);
    memcpy(s->dst, &p, sizeof(p));
}

/* Never left relative: what is opened must not depend on where the program was started. */
static void set_secret(struct cfg_setting *s)
{
    const char *dir = file_credentials(), *p;
    if (!right_text(s))
        return;
    if (s->n->text.p[0] == '/')
        p = cfg_setting_keep(s, s->n->text);
    else
        p = arena_fmt(s->f->arena, "%s/%s", dir ? dir : CFG_NO_CREDENTIALS, s->n->text.p);
    if (p)
        memcpy(s->dst, &p, sizeof(p));
}

/* Index of the word, or -1 after a complaint. */
static int find_word(struct cfg_setting *s)
{
    if (!cfg_fill_expect(s->f, s->n, CFG_NODE_SCALAR, s->path))
        return -1;
    struct buf all;
    buf_init(&all, 512);
    int n = 0;
    for (; s->k->words[n]; n++) {
        if (str_is(s->n->text, s->k->words[n])) {
            buf_free(&all);
            return n;
        }
        buf_fmt(&all, "%s%s", n ? ", " : "", s->k->words[n]);
    }
    cfg_errs_add(s->f->errs, s->n->at, "%s: '%s' is not one of %s%s", s->path,
                 cfg_errs_quote(s->f->arena, s->n->text), buf_cstr(&all),
                 cfg_suggest(s->f->arena, s->n->text, s->k->words, (size_t)n));
    buf_free(&all);
    return -1;
}

static void set_word(struct cfg_setting *s)
{
    int i = find_word(s);
    if (i >= 0)
        memcpy(s->dst, &s->k->words[i], sizeof(const char *));
}

static void set_enum(struct cfg_setting *s)
{
    int i = find_word(s);
    if (i >= 0)
        memcpy(s->dst, &(unsigned){(unsigned)i}, sizeof(unsigned));
}

/* Numbers and booleans are plain: "5" in quotes is a text. */
static bool plain_scalar(struct cfg_setting *s, const char *what)
{
    if (!cfg_fill_expect(s->f, s->n, CFG_NODE_SCALAR, s->path))
        return false;
    if (!s->n->quoted)
        return true;
    cfg_errs_add(s->f->errs, s->n->at, "%s: expected %s, found quoted text; leave the quotes out",
                 s->path, what);
    return false;
}

static void set_bool(struct cfg_setting *s)
{
    const char *why;
    bool v;
    if (!plain_scalar(s, "true or false"))
        return;
    if (cfg_value_bool(s->n->text, &v, &why))
        cfg_fill_refuse(s->f, s->n, s->path, why);
    else
        memcpy(s->dst, &v, sizeof(v));
}

static bool number(struct cfg_setting *s, number_fn parse, uint64_t limit, uint64_t *v)
{
    const char *why;
    uint64_t max = s->k->max && s->k->max < limit ? s->k->max : limit;
    if (parse(s->n->text, v, &why)) {
        cfg_fill_refuse(s->f, s->n, s->path, why);
        return false;
    }
    if (*v >= s->k->min && *v <= max)
        return true;
    const char *unit = s->k->type == CT_DURATION ? " ms" : s->k->type == CT_SIZE ? " bytes" : "";
    cfg_errs_add(s->f->errs, s->n->at, "%s: '%s' is out of range: %llu to %llu%s", s->path,
                 cfg_errs_quote(s->f->arena, s->n->text), (unsigned long long)s->k->min,
                 (unsigned long long)max, unit);
    return false;
}

static void set_u16(struct cfg_setting *s)
{
    uint64_t v;
    if (plain_scalar(s, "a number") && number(s, cfg_value_uint, UINT16_MAX, &v))
        memcpy(s->dst, &(uint16_t){(uint16_t)v}, sizeof(uint16_t));
}

static void set_u32(struct cfg_setting *s)
{
    uint64_t v;
    if (plain_scalar(s, "a number") && number(s, cfg_value_uint, UINT32_MAX, &v))
        memcpy(s->dst, &(uint32_t){(uint32_t)v}, sizeof(uint32_t));
}

#define DURATION_MAX (3660ull * 86400000ull) /* ten years: no sum of two overflows anywhere */

static void set_duration(struct cfg_setting *s)
{
    uint64_t v;
    if (cfg_fill_expect(s->f, s->n, CFG_NODE_SCALAR, s->path) &&
        number(s, cfg_value_duration, DURATION_MAX, &v))
        memcpy(s->dst, &v, sizeof(v));
}

static void set_size(struct cfg_setting *s)
{
    uint64_t v;
    if (cfg_fill_expect(s->f, s->n, CFG_NODE_SCALAR, s->path) &&
        number(s, cfg_value_size, 1ull << 50, &v))
        memcpy(s->dst, &v, sizeof(v));
}

static void (*const setters[CT_TYPES])(struct cfg_setting *s) = {
    [CT_WORD] = set_word,         [CT_ENUM] = set_enum,      [CT_BOOL] = set_bool,
    [CT_U16] = set_u16,           [CT_U32] = set_u32,        [CT_DURATION] = set_duration,
    [CT_SIZE] = set_size,         [CT_TEXTS] = cfg_set_list, [CT_NAMES] = cfg_set_list,
    [CT_REGIONS] = cfg_set_list,  [CT_ARNS] = cfg_set_list,  [CT_ARGV] = cfg_set_list,
    [CT_ENV] = cfg_set_env,       [CT_KV] = cfg_set_kv,      [CT_SECTION] = cfg_set_section,
    [CT_SINGLE] = cfg_set_single, [CT_LIST] = cfg_set_array, [CT_MAP] = cfg_set_map,
    [CT_SECRET] = set_secret,
};

void cfg_fill_key(struct cfg_fill *f, const struct cfg_key *k, const struct cfg_node *n, void *dst,
                  void *count, const char *path)
{
    struct cfg_setting s = {f, k, n, dst, count, path};
    if (setters[k->type])
        setters[k->type](&s);
    else
        set_text(&s);
}
