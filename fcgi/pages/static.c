/* Static files: from memory, under a name that changes with the content, cached for a year. */
#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "pages/brand.h"
#include "pages/handlers.h"
#include "pages/pages.h"

enum { LOGO_MAX = 64 * 1024, BRAND_MAX = 1024, TAG = 10 };

/* An image may style itself, and do nothing else. */
static const char image_csp[] = "default-src 'none'; style-src 'unsafe-inline'; sandbox";
static const char svg[] = "image/svg+xml";

static const struct {
    const char *name, *type, *csp;
} files[] = {
    {"style.css", "text/css; charset=utf-8", NULL},
    {"poll.js", "text/javascript; charset=utf-8", NULL},
    {"favicon.svg", svg, image_csp},
    {"favicon-busy.svg", svg, image_csp},
    {"favicon-ready.svg", svg, image_csp},
    {"favicon-trouble.svg", svg, image_csp},
};

static int add(struct pages *pg, const struct front *f, const char *name, const char *type,
               const char *csp, struct str data)
{
    struct asset *x = &pg->asset[pg->nassets];
    char hex[HASH_HEX];

    if (pg->nassets == ASSETS)
        return -ENOSPC;
    hash_sha256_hex(data, hex);
    *x = (struct asset){name, type, csp, data, NULL};
    x->url = arena_fmt(pg->arena, "%s/static/%s?%.*s", f->base, name, TAG, hex);
    pg->nassets++;
    return x->url ? 0 : -ENOMEM;
}

/* White space that CSS does not need: runs become one space, none beside { } and behind ; and ,.
 * Strings in our style sheets hold no runs. */
static struct str tight(struct arena *a, struct str css)
{
    char *out = arena_alloc(a, css.n + 1);
    size_t i, n = 0;

    for (i = 0; out && i < css.n; i++) {
        char c = css.p[i] == '\n' || css.p[i] == '\t' ? ' ' : css.p[i];

        if (c == ' ' && (n == 0 || strchr(" {};,", out[n - 1])))
            continue;
        if ((c == '{' || c == '}') && n > 0 && out[n - 1] == ' ')
            n--;
        if (c == '}' && n > 0 && out[n - 1] == ';')
            n--;
        out[n++] = c;
    }
    return str_make(out, n);
}

static int add_brand(struct pages *pg, const struct front *f)
{
    struct str css;
    struct buf b;

    buf_init(&b, BRAND_MAX);
    brand_css(&b, f->cfg->brand.color, f->cfg->brand.on_color);
    css = arena_str(pg->arena, buf_view(&b));
    buf_free(&b);
    return add(pg, f, "brand.css", "text/css; charset=utf-8", NULL, css);
}

static const char *logo_type(struct str path)
{
    static const struct {
        const char *end, *type;
    } t[] = {{".svg", svg},
             {".png", "image/png"},
             {".webp", "image/webp"},
             {".jpg", "image/jpeg"},
             {".jpeg", "image/jpeg"}};
    size_t i;

    for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
        if (str_ends(path, str_of(t[i].end)))
            return t[i].type;
    return NULL;
}

static int add_logo(struct pages *pg, const struct front *f, struct buf *errors)
{
    const char *path = f->cfg->brand.logo_file, *type = logo_type(str_of(path));
    struct str data;
    struct buf b;
    int rc;

    if (!*path)
        return 0;
    buf_init(&b, LOGO_MAX);
    rc = type ? file_read(path, &b) : -EINVAL;
    data = arena_str(pg->arena, buf_view(&b));
    buf_free(&b);
    if (rc) {
        buf_fmt(errors, "%s:0: the logo is a readable svg, png, webp or jpg of at most 64 KB\n",
                path);
        return -EINVAL;
    }
    return add(pg, f, "logo", type, image_csp, data);
}

/* The description of the API names the path below which it is served. */
static int load_openapi(struct pages *pg, const struct front *f)
{
    static const struct str mark = {"@BASE@", 6};
    struct str text;
    const char *label;
    struct buf b;
    size_t i, from = 0;
    int rc = files_get(pg->arena, NULL, "static", "openapi.json", &text, &label);

    if (rc)
        return rc;
    buf_init(&b, text.n + 64 * 1024);
    for (i = 0; i + mark.n <= text.n; i++) {
        if (memcmp(text.p + i, mark.p, mark.n) != 0)
            continue;
        buf_add(&b, text.p + from, i - from);
        buf_cat(&b, f->base);
        from = i + mark.n;
        i = from - 1;
    }
    buf_str(&b, str_from(text, from));
    pg->openapi = arena_str(pg->arena, buf_view(&b));
    rc = buf_err(&b);
    buf_free(&b);
    return rc;
}

int static_load(struct pages *pg, const struct front *f, struct buf *errors)
{
    const char *dir = f->cfg->brand.templates_dir, *label;
    struct str data;
    size_t i;
    int rc = 0;

    for (i = 0; i < sizeof(files) / sizeof(files[0]) && rc == 0; i++) {
        rc = files_get(pg->arena, dir, "static", files[i].name, &data, &label);
        if (rc == 0 && str_ends(str_of(files[i].name), STR(".css")))
            data = tight(pg->arena, data);
        if (rc == 0)
            rc = add(pg, f, files[i].name, files[i].type, files[i].csp, data);
    }
    if (rc == 0)
        rc = add_brand(pg, f);
    if (rc == 0)
        rc = add_logo(pg, f, errors);
    if (rc == 0)
        rc = load_openapi(pg, f);
    return rc;
}

static const struct asset *find(const struct pages *pg, struct str name)
{
    size_t i;

    for (i = 0; i < pg->nassets; i++)
        if (str_is(name, pg->asset[i].name))
            return &pg->asset[i];
    return NULL;
}

const char *static_url(const struct pages *pg, const char *name)
{
    const struct asset *x = find(pg, str_of(name));

    return x ? x->url : "";
}

void static_get(struct req *r, const struct str *bound)
{
    const struct pages *pg = pages_of(r);
    const struct asset *x = pg ? find(pg, bound[0]) : NULL;

    if (!x) {
        route_error(r, ROUTE_PAGE, 404, "not_found");
        return;
    }
    r->resp.status = 200;
    r->resp.content_type = x->type;
    r->resp.cache = "public, max-age=31536000, immutable";
    r->resp.csp = x->csp;
    buf_str(&r->resp.body, x->data);
    req_done(r);
}
