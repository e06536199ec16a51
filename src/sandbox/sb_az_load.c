#include "sandbox/sb_az_load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/file.h"

#define FILE_MAX (4u << 20)

static bool copy(const cJSON *o, const char *key, char *dst, size_t cap)
{
    return str_copy(json_str(o, key), dst, cap) == 0;
}

static bool need(const cJSON *o, const char *key, char *dst, size_t cap)
{
    return copy(o, key, dst, cap) && dst[0];
}

static int64_t number(const cJSON *o, const char *key, int64_t dflt)
{
    int64_t v;

    return json_int(o, key, &v) ? dflt : v;
}

static int read_json(const char *path, cJSON **out)
{
    struct buf b;

    buf_init(&b, FILE_MAX);
    int rc = file_read(path, &b);
    if (rc == 0)
        rc = json_parse(buf_view(&b), FILE_MAX, out);
    buf_free(&b);
    return rc;
}

static int read_certificate(const char *path, struct sb_az_seller *l)
{
    char sha1[28], sha256[44];
    struct buf b;

    buf_init(&b, sizeof(l->cert) - 1);
    int rc = file_read(path, &b);
    if (rc == 0)
        rc = str_copy(buf_view(&b), l->cert, sizeof(l->cert));
    if (rc == 0)
        rc = sb_jws_thumbprint(str_of(l->cert), sha1, sha256);
    buf_free(&b);
    return rc;
}

static int read_redirects(const cJSON *list, struct sb_az_seller *l)
{
    const cJSON *o;

    cJSON_ArrayForEach(o, list)
    {
        if (l->nredirects == SB_AZ_REDIRECTS || !cJSON_IsString(o) ||
            str_copy(str_of(o->valuestring), l->redirect[l->nredirects++], sizeof(l->redirect[0])))
            return -EINVAL;
    }
    return 0;
}

static int read_seller(const cJSON *o, struct sb_az_seller *l, char why[256])
{
    char path[1024] = "";

    snprintf(why, 256, "tenant_id, client_id and signin_client_id are required");
    if (!need(o, "tenant_id", l->tenant, sizeof(l->tenant)) ||
        !need(o, "client_id", l->client, sizeof(l->client)) ||
        !need(o, "signin_client_id", l->signin, sizeof(l->signin)))
        return -EINVAL;
    snprintf(why, 256, "client_secret or certificate is required");
    if (!copy(o, "client_secret", l->secret, sizeof(l->secret)) ||
        !copy(o, "signin_client_secret", l->signin_secret, sizeof(l->signin_secret)) ||
        !copy(o, "certificate", path, sizeof(path)) || (!l->secret[0] && !path[0]))
        return -EINVAL;
    snprintf(why, 256, "the certificate cannot be read");
    if (path[0] && read_certificate(path, l))
        return -EINVAL;
    snprintf(why, 256, "redirect_uris are at most %d addresses", SB_AZ_REDIRECTS);
    return read_redirects(json_arr(o, "redirect_uris"), l);
}

static bool read_plan(const cJSON *o, struct sb_az_plan *p)
{
    p->auto_activate = json_bool(o, "auto_activate", false);
    p->seats = json_bool(o, "seats", false);
    p->hidden = json_bool(o, "private", false);
    p->trial_days = number(o, "trial_days", 0);
    p->min_seats = number(o, "min_seats", 1);
    p->max_seats = number(o, "max_seats", 1000);
    if (!need(o, "plan_id", p->id, sizeof(p->id)) || !copy(o, "title", p->title, sizeof(p->title)))
        return false;
    if (!p->title[0])
        str_copy(str_of(p->id), p->title, sizeof(p->title));
    if (!copy(o, "price", p->price, sizeof(p->price)) || !copy(o, "term", p->term, sizeof(p->term)))
        return false;
    if (!p->term[0])
        snprintf(p->term, sizeof(p->term), "P1M");
    return p->min_seats > 0 && p->max_seats >= p->min_seats && p->trial_days >= 0;
}

static bool read_product(const cJSON *o, struct sb_az_product *p)
{
    const cJSON *plan;

    if (!need(o, "name", p->name, sizeof(p->name)) || !copy(o, "title", p->title, sizeof(p->title)))
        return false;
    if (!p->title[0])
        str_copy(str_of(p->name), p->title, sizeof(p->title));
    if (!need(o, "offer_id", p->offer, sizeof(p->offer)) ||
        !copy(o, "publisher_id", p->publisher, sizeof(p->publisher)) ||
        !need(o, "landing_url", p->landing, sizeof(p->landing)) ||
        !need(o, "webhook_url", p->webhook, sizeof(p->webhook)))
        return false;
    if (!p->publisher[0])
        snprintf(p->publisher, sizeof(p->publisher), "contoso");
    cJSON_ArrayForEach(plan, json_arr(o, "plans"))
    {
        if (p->nplans == SB_PLANS_MAX || !read_plan(plan, &p->plans[p->nplans++]))
            return false;
    }
    return p->nplans > 0;
}

static int read_products(struct sb_az *az, const cJSON *list, char why[256])
{
    const cJSON *o;

    cJSON_ArrayForEach(o, list)
    {
        if (!str_is(json_str(o, "channel"), "azure"))
            continue;
        struct sb_az_product *p = calloc(1, sizeof(*p));
        if (!p)
            return -ENOMEM;
        bool good = read_product(o, p) && !sb_az_product(az, str_of(p->name));
        if (!good || sb_vec_add(&az->products, p)) {
            snprintf(why, 256, "a listing is incomplete, too long or named twice: %.64s", p->name);
            free(p);
            return -EINVAL;
        }
    }
    return 0;
}

int sb_az_load(struct sb *s, const char *seller_path, const char *products_path, char why[256])
{
    cJSON *seller = NULL, *products = NULL;
    struct stat st;
    int rc = sb_az_new(s);

    snprintf(why, 256, "cannot be read as JSON");
    if (rc == 0 && stat(seller_path, &st) == 0 && (st.st_mode & 077)) {
        snprintf(why, 256, "holds secrets and is readable by others");
        rc = -EPERM;
    }
    if (rc == 0)
        rc = read_json(seller_path, &seller);
    if (rc == 0)
        rc = read_json(products_path, &products);
    if (rc == 0)
        rc = read_seller(seller, &s->az->seller, why);
    if (rc == 0)
        rc = read_products(s->az, products, why);
    cJSON_Delete(seller);
    cJSON_Delete(products);
    return rc;
}
