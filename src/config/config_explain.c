/* config_explain(): the configuration in sentences, as `lastmile check-config` shows it. */
#include <string.h>

#include "config/config.h"

static void duration(struct buf *b, uint64_t ms)
{
    static const struct {
        uint64_t unit;
        const char *suffix;
    } units[] = {{86400000, "d"}, {3600000, "h"}, {60000, "m"}, {1000, "s"}, {1, "ms"}};
    size_t i = 0;
    while (i < 4 && (ms < units[i].unit || ms % units[i].unit))
        i++;
    buf_fmt(b, "%llu%s", (unsigned long long)(ms / units[i].unit), units[i].suffix);
}

static void size(struct buf *b, uint64_t bytes)
{
    static const char *const suffix[] = {"", "K", "M", "G", "T"};
    size_t i = 0;
    while (i < 4 && bytes >= 1024 && bytes % 1024 == 0) {
        bytes /= 1024;
        i++;
    }
    buf_fmt(b, "%llu%s", (unsigned long long)bytes, suffix[i]);
}

static uint64_t first_set(uint64_t a, uint64_t b)
{
    return a ? a : b;
}

static void limits(struct buf *b, const struct cfg_limits *p, const struct cfg_limits *t)
{
    uint64_t memory = first_set(p->memory, t->memory), disk = first_set(p->disk, t->disk);
    uint64_t cpu = first_set(p->cpu_pct, t->cpu_pct), pids = first_set(p->pids, t->pids);
    buf_cat(b, "      limits: ");
    if (!memory && !disk && !cpu && !pids)
        buf_cat(b, "none");
    const char *sep = "";
    if (memory) {
        buf_cat(b, "memory ");
        size(b, memory);
        sep = ", ";
    }
    if (cpu) {
        buf_fmt(b, "%scpu %llu%%", sep, (unsigned long long)cpu);
        sep = ", ";
    }
    if (pids) {
        buf_fmt(b, "%s%llu processes", sep, (unsigned long long)pids);
        sep = ", ";
    }
    if (disk) {
        buf_fmt(b, "%sdisk ", sep);
        size(b, disk);
    }
    buf_ch(b, '\n');
}

static void list(struct buf *b, const char *const *items)
{
    for (size_t i = 0; items[i]; i++)
        buf_fmt(b, "%s%s", i ? ", " : "", items[i]);
}

static void deployment(const struct config *c, const struct cfg_plan *p, struct buf *b)
{
    const struct cfg_template *t = config_template(c, p->deployment_template);
    if (!t)
        return;
    buf_fmt(b, "      creates: an environment by template %s, engine %s: ", t->name, t->engine);
    for (size_t i = 0; t->command[i]; i++)
        buf_fmt(b, "%s%s", i ? " " : "", t->command[i]);
    buf_ch(b, '\n');
    if (t->endpoint[0])
        buf_fmt(b, "      reached at: %s\n", t->endpoint);
    buf_fmt(b, "      ready when: GET %s answers 200, within ", t->health_path);
    duration(b, t->health_timeout_ms);
    buf_ch(b, '\n');
    limits(b, &p->limits, &t->limits);
}

static void settings(const struct cfg_plan *p, struct buf *b)
{
    buf_cat(b, "      region: ");
    if (strcmp(p->region_policy, "buyer-selected") == 0)
        buf_cat(b, "the buyer chooses");
    else
        buf_cat(b, "fixed");
    if (p->regions[0]) {
        buf_cat(b, " of ");
        list(b, p->regions);
    }
    buf_ch(b, '\n');
    if (p->billing[0])
        buf_fmt(b, "      billing: %s\n", p->billing);
    if (p->network[0] || p->high_availability || p->support_tier[0] || p->nparameters) {
        buf_cat(b, "      handed to the engine:");
        if (p->network[0])
            buf_fmt(b, " network=%s", p->network);
        if (p->high_availability)
            buf_cat(b, " high_availability=true");
        if (p->support_tier[0])
            buf_fmt(b, " support_tier=%s", p->support_tier);
        for (size_t i = 0; i < p->nparameters; i++)
            buf_fmt(b, " %s=%s", p->parameters[i].key, p->parameters[i].value);
        buf_ch(b, '\n');
    }
    buf_fmt(b, "      at the end: %s for ", p->on_end == CFG_END_KEEP ? "kept" : "suspended");
    duration(b, p->grace_ms);
    buf_cat(b, ", then deleted; the archive is kept for ");
    duration(b, p->retain_ms);
    buf_ch(b, '\n');
}

static void fields(const struct config *c, const struct cfg_plan *p, struct buf *b)
{
    buf_cat(b, "      asked: email");
    for (size_t i = 0; i < c->nfields; i++) {
        const struct cfg_field *f = &c->fields[i];
        bool here = !f->plans;
        for (size_t k = 0; !here && f->plans[k]; k++)
            here = strcmp(f->plans[k], p->name) == 0;
        if (here)
            buf_fmt(b, ", %s%s", f->name, f->required ? "" : " (optional)");
    }
    buf_ch(b, '\n');
}

static void charge(const struct cfg_plan *p, struct buf *b)
{
    static const char *const when[] = {
        [CFG_COMMIT_HEALTHY] = "when the environment answers",
        [CFG_COMMIT_REGISTERED] = "when the buyer has registered",
        [CFG_COMMIT_MANUAL] = "when you approved and the environment answers",
    };
    static const char *const late[] = {
        [CFG_LATE_ALERT] = "you are told",
        [CFG_LATE_REJECT] = "the purchase is rejected",
        [CFG_LATE_COMMIT] = "it begins all the same",
    };
    buf_fmt(b, "      charge: begins %s, where the marketplace waits for that", when[p->commit]);
    if (p->commit_deadline_ms) {
        buf_cat(b, "; if not within ");
        duration(b, p->commit_deadline_ms);
        buf_fmt(b, ", %s", late[p->on_commit_deadline]);
    }
    buf_ch(b, '\n');
    for (size_t i = 0; i < p->nchanges; i++)
        buf_fmt(b, "      change to %s: %s\n", p->changes[i].key, p->changes[i].value);
}

static void plan(const struct config *c, const struct cfg_market *m, const struct cfg_plan *p,
                 struct buf *b)
{
    bool aws_plan = strcmp(m->channel, "aws") == 0;
    buf_fmt(b, "    plan %s (%s %s%s)\n", p->name, aws_plan ? "dimension" : "plan id", p->dimension,
            p->is_default && aws_plan ? ", default" : "");
    switch (p->fulfilment) {
    case CFG_DEPLOYMENT:
        deployment(c, p, b);
        break;
    case CFG_ACCOUNT:
        buf_fmt(b, "      sends the buyer to: %s\n", p->account_url);
        break;
    case CFG_MANUAL:
        buf_fmt(b, "      tells your team; promises the buyer: %s\n", p->manual_promise);
        break;
    }
    settings(p, b);
    if (!aws_plan || p->nchanges)
        charge(p, b);
    fields(c, p, b);
}

static void aws(const struct config *c, const struct cfg_market *m, struct buf *b)
{
    (void)c;
    buf_fmt(b, "    mode: %s\n", m->mode == CFG_LEGACY ? "legacy" : "concurrent");
    if (m->queue_url[0])
        buf_fmt(b, "    events: from %s\n", m->queue_url);
    else
        buf_cat(b, "    events: none (no queue_url); changes are seen by asking the marketplace\n");
}

static void azure(const struct config *c, const struct cfg_market *m, struct buf *b)
{
    buf_fmt(b, "    webhook: %s%s/hooks/azure/%s\n", c->front.public_url, c->front.base, m->name);
    if (m->azure.sign_in_client_id[0])
        buf_fmt(b, "    sign-in: app %s, redirect URI %s%s/signin/azure\n",
                m->azure.sign_in_client_id, c->front.public_url, c->front.base);
    else
        buf_cat(b, "    sign-in: none (no azure.sign_in_client_id); Microsoft certifies no such "
                   "offer\n");
}

static void gcp(const struct config *c, const struct cfg_market *m, struct buf *b)
{
    buf_fmt(b, "    login URL: %s%s/gcp/%s/login\n", c->front.public_url, c->front.base, m->name);
    if (m->queue_url[0])
        buf_fmt(b, "    events: pulled from %s\n", m->queue_url);
    if (m->gcp.push_audience[0])
        buf_fmt(b, "    events: pushed to %s%s/hooks/gcp/%s\n", c->front.public_url, c->front.base,
                m->name);
    if (!m->queue_url[0] && !m->gcp.push_audience[0])
        buf_cat(b, "    events: none (no gcp.subscription, no gcp.push_audience); changes are seen "
                   "by asking the marketplace\n");
    buf_fmt(b, "    offers: approved %s\n",
            m->gcp.automatic_approval ? "by Google, charged from their start" : "by us");
}

/* What only that marketplace has. */
static const struct {
    const char *channel;
    void (*explain)(const struct config *c, const struct cfg_market *m, struct buf *b);
} channels[] = {{"aws", aws}, {"azure", azure}, {"gcp", gcp}};

static void market(const struct config *c, const struct cfg_market *m, struct buf *b)
{
    static const char *const pricing[] = {"usage", "contract", "contract with consumption"};
    buf_fmt(b, "product %s%s%s\n", m->name, m->product[0] ? ": " : "", m->product);
    buf_fmt(b, "    bought on: %s%s%s, pricing %s\n", m->cloud,
            strcmp(m->provider, "direct") ? " through " : " directly",
            strcmp(m->provider, "direct") ? m->provider : "", pricing[m->pricing]);
    buf_fmt(b, "    landing page: %s%s/%s/%s\n", c->front.public_url, c->front.base, m->channel,
            m->name);
    for (size_t i = 0; i < sizeof(channels) / sizeof(channels[0]); i++)
        if (strcmp(m->channel, channels[i].channel) == 0)
            channels[i].explain(c, m, b);
    for (size_t i = 0; i < m->nplans; i++)
        plan(c, m, &m->plans[i], b);
    if (!config_plan_default(m) || strcmp(m->channel, "aws") != 0)
        buf_cat(b, "    no default plan: an order that names none of these waits for you\n");
}

void config_explain(const struct config *c, struct buf *out)
{
    for (size_t i = 0; i < c->nmarkets; i++)
        market(c, &c->markets[i], out);
    if (c->notify.smtp_url[0])
        buf_fmt(out, "mail: from %s by %s\n", c->notify.from, c->notify.smtp_url);
    else
        buf_cat(out, "mail: off (no notifications.smtp_url)\n");
    if (c->notify.alert_to[0])
        buf_fmt(out, "alerts: to %s\n", c->notify.alert_to);
    buf_fmt(out, "redis: %s, ", c->redis.socket[0] ? c->redis.socket : c->redis.host);
    buf_fmt(out, "%u shard%s\n", c->redis.shards, c->redis.shards == 1 ? "" : "s");
}
