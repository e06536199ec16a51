#include "page.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/json.h"

static const char head[] =
    "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta name=\"color-scheme\" content=\"light dark\">\n"
    "<link rel=\"icon\" href=\"data:,\">\n"
    "<title>Your environment</title>\n<style>\n"
    ":root{--bg:#f5f6f8;--card:#fff;--ink:#1b2130;--soft:#5a6377;--line:#d9dde5;--accent:#1f5fbf;"
    "--on:#fff;--ok:#176b3a;--okbg:#e3f4e9}\n"
    "@media (prefers-color-scheme:dark){:root{--bg:#12151c;--card:#1b202a;--ink:#eceff5;"
    "--soft:#a5aec0;--line:#333b4a;--accent:#7fb0ff;--on:#0d1420;--ok:#8fe0ae;--okbg:#17341f}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0;background:var(--bg);color:var(--ink);font:1rem/1.55 system-ui,sans-serif;"
    "display:flex;justify-content:center;padding:clamp(1rem,5vw,4rem) 1rem}\n"
    "main{width:100%;max-width:40rem;background:var(--card);border:1px solid var(--line);"
    "border-radius:14px;padding:clamp(1.25rem,4vw,2.5rem)}\n"
    "h1{font-size:1.6rem;line-height:1.25;margin:.6rem 0 .4rem}\n"
    "p{margin:.4rem 0 1rem;color:var(--soft)}\n"
    ".ok{display:inline-block;background:var(--okbg);color:var(--ok);border-radius:99px;"
    "padding:.1rem .8rem;font-size:.875rem;font-weight:600}\n"
    "dl{display:grid;grid-template-columns:max-content 1fr;gap:.5rem 1.5rem;margin:1.5rem 0;"
    "padding:1.25rem 0;border-block:1px solid var(--line)}\n"
    "dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}\n"
    ".n{font-size:3rem;font-weight:650;line-height:1;font-variant-numeric:tabular-nums}\n"
    "form{display:flex;align-items:center;gap:1.5rem;flex-wrap:wrap}\n"
    "button{font:inherit;font-weight:600;background:var(--accent);color:var(--on);border:0;"
    "border-radius:8px;padding:.65rem 1.2rem;cursor:pointer}\n"
    "button:focus-visible{outline:3px solid var(--ink);outline-offset:2px}\n"
    "@media (max-width:26rem){dl{grid-template-columns:1fr;gap:.1rem}dd{margin-bottom:.6rem}}\n"
    "</style>\n</head>\n<body>\n<main>\n<span class=\"ok\">Running</span>\n";

static void escape(struct buf *b, const char *s)
{
    for (; *s; s++) {
        switch (*s) {
        case '&':
            buf_cat(b, "&amp;");
            break;
        case '<':
            buf_cat(b, "&lt;");
            break;
        case '>':
            buf_cat(b, "&gt;");
            break;
        case '"':
            buf_cat(b, "&quot;");
            break;
        default:
            buf_ch(b, *s);
        }
    }
}

static const char *env_or(const char *name, const char *dflt)
{
    const char *v = getenv(name);

    return v && v[0] ? v : dflt;
}

static void load_company(struct page_facts *f, char *keep, size_t cap)
{
    cJSON *spec = NULL;
    const cJSON *buyer;

    f->company = "";
    if (json_parse(str_of(getenv("LASTMILE_SPEC")), 65536, &spec))
        return;
    buyer = json_obj(spec, "buyer");
    if (buyer && str_copy(json_str(buyer, "company"), keep, cap) == 0)
        f->company = keep;
    cJSON_Delete(spec);
}

void page_facts_load(struct page_facts *f, char *keep, size_t cap)
{
    f->tenant = env_or("LASTMILE_TENANT", "local");
    f->plan = env_or("LASTMILE_PLAN_TITLE", env_or("LASTMILE_PLAN", "none"));
    f->version = env_or("LASTMILE_VERSION", "1.0");
    f->generation = env_or("LASTMILE_GENERATION", "0");
    f->limits = env_or("LASTMILE_LIMITS", "");
    load_company(f, keep, cap);
}

static void row(struct buf *b, const char *name, const char *value)
{
    buf_fmt(b, "<dt>%s</dt><dd>", name);
    escape(b, value);
    buf_cat(b, "</dd>\n");
}

static void limit_rows(struct buf *b, const char *limits)
{
    static const struct {
        const char *key, *name, *unit;
        int64_t div;
    } kinds[] = {{"memory", "Memory", "MiB", 1024 * 1024},
                 {"cpu_pct", "Processor", "% of one core", 1},
                 {"pids", "Processes", "at once", 1},
                 {"disk", "Disk", "MiB", 1024 * 1024}};
    cJSON *o = NULL;
    int64_t v;

    if (json_parse(str_of(limits), 4096, &o))
        return;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (json_int(o, kinds[i].key, &v) == 0 && v > 0)
            buf_fmt(b, "<dt>%s</dt><dd>%lld %s</dd>\n", kinds[i].name,
                    (long long)(v / kinds[i].div), kinds[i].unit);
    cJSON_Delete(o);
}

void page_html(const struct page_facts *f, struct str prefix, struct buf *out)
{
    buf_cat(out, head);
    buf_cat(out, "<h1>Your environment is ready</h1>\n<p>This program runs for ");
    escape(out, f->company[0] ? f->company : "one customer");
    buf_cat(out, " alone, with its own data and the limits of its plan.</p>\n<dl>\n");
    row(out, "Environment", f->tenant);
    row(out, "Plan", f->plan);
    row(out, "Version", f->version);
    row(out, "Generation", f->generation);
    buf_fmt(out, "<dt>User id</dt><dd>%u</dd>\n", (unsigned)getuid());
    limit_rows(out, f->limits);
    buf_fmt(out,
            "</dl>\n<form method=\"post\" action=\"%.*s/count\">\n"
            "<span class=\"n\" id=\"count\">%llu</span>\n"
            "<button type=\"submit\">Count one more</button>\n</form>\n"
            "<p style=\"margin:1rem 0 0\">The number is kept in the data directory: it survives "
            "restarts and upgrades.</p>\n</main>\n</body>\n</html>\n",
            STR_FMT(prefix), (unsigned long long)f->count);
}

void page_json(const struct page_facts *f, struct buf *out)
{
    struct jsonw w;

    jsonw_init(&w, out);
    jsonw_obj(&w);
    jsonw_kvs(&w, "tenant", str_of(f->tenant));
    jsonw_kvs(&w, "plan", str_of(f->plan));
    jsonw_kvs(&w, "version", str_of(f->version));
    jsonw_kvs(&w, "generation", str_of(f->generation));
    jsonw_kvs(&w, "limits", str_of(f->limits));
    jsonw_kvs(&w, "company", str_of(f->company));
    jsonw_kvi(&w, "count", (int64_t)f->count);
    jsonw_obj_end(&w);
    buf_ch(out, '\n');
}
