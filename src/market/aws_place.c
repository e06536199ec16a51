/* Where the services are. Entitlement and agreement APIs exist once per partition; the metering
 * API is regional. Source: endpoint rule sets of the service models, "Metering regions". */
#include <errno.h>
#include <string.h>

#include "market/aws.h"

struct partition {
    const char *prefix; /* of the region */
    const char *home;   /* region of entitlement, agreement and events */
    const char *metering, *entitlement, *agreement; /* %s: region */
};

static const struct partition partitions[] = {
    {"cn-", "cn-northwest-1", "https://metering.marketplace.%s.amazonaws.com.cn/",
     "https://entitlement-marketplace.%s.amazonaws.com.cn/",
     "https://agreement-marketplace.%s.amazonaws.com.cn/"},
    {"eusc-", "eusc-de-east-1", "https://metering-marketplace.%s.amazonaws.eu/",
     "https://entitlement-marketplace.%s.amazonaws.eu/",
     "https://agreement-marketplace.%s.amazonaws.eu/"},
    {"", "us-east-1", "https://metering.marketplace.%s.amazonaws.com/",
     "https://entitlement.marketplace.%s.amazonaws.com/",
     "https://agreement-marketplace.%s.amazonaws.com/"},
};

static const struct partition *partition_of(const char *region)
{
    const struct partition *p = partitions;

    while (!str_starts(str_of(region), str_of(p->prefix)))
        p++;
    return p;
}

/* The formats are in the table above: one %s each. */
static const char *with_region(struct arena *a, const char *fmt, const char *region)
{
    struct str tail = str_of(fmt), head = str_cut(tail, '%', &tail);

    return arena_fmt(a, "%.*s%s%.*s", STR_FMT(head), region, STR_FMT(str_from(tail, 1)));
}

static int place(struct aws *m, enum aws_endpoint e, const char *configured, const char *own,
                 const char *region)
{
    struct aws_place *at = &m->at[e];
    struct buf host;
    int rc;

    at->region = region;
    at->url = *configured ? configured : own;
    if (!at->url)
        return -ENOMEM;
    /* Private addresses are for VPC endpoints: the names are AWS's or the operator's, and TLS
     * says whether it is they who answer. */
    at->allow = HTTP_PRIVATE | http_url_allow(at->url);
    buf_init(&host, 300);
    rc = http_url_host(at->url, &host);
    at->host = aws_keep(m->a, buf_view(&host));
    buf_free(&host);
    return rc;
}

/* SQS is asked where the queue is: "https://sqs.us-east-1.amazonaws.com/123456789012/events". */
static int place_queue(struct aws *m, const char *home)
{
    const struct cfg_market *cfg = m->cfg;
    struct str rest = str_of(cfg->queue_url), region;
    struct buf origin;
    int rc;

    if (!*cfg->queue_url)
        return 0;
    buf_init(&origin, 300);
    rc = http_url_origin(cfg->queue_url, &origin);
    rest = str_from(buf_view(&origin), strlen("https://"));
    if (str_is(str_cut(rest, '.', &rest), "sqs") && str_chr(rest, '.') > 0) {
        region = str_cut(rest, '.', &rest);
        if (str_starts(rest, STR("amazonaws.")))
            home = aws_keep(m->a, region);
    }
    buf_ch(&origin, '/');
    if (rc == 0)
        rc = place(m, EP_SQS, cfg->sqs_endpoint, aws_keep(m->a, buf_view(&origin)), home);
    buf_free(&origin);
    return rc;
}

int aws_places(struct aws *m)
{
    const struct cfg_market *cfg = m->cfg;
    const char *region = *cfg->region ? cfg->region : "us-east-1";
    const struct partition *p = partition_of(region);
    int rc = place(m, EP_METERING, cfg->metering_endpoint, with_region(m->a, p->metering, region),
                   region);

    if (rc == 0)
        rc = place(m, EP_ENTITLEMENT, cfg->entitlement_endpoint,
                   with_region(m->a, p->entitlement, p->home), p->home);
    if (rc == 0)
        rc = place(m, EP_AGREEMENT, cfg->agreement_endpoint,
                   with_region(m->a, p->agreement, p->home), p->home);
    return rc ? rc : place_queue(m, p->home);
}
