/* Tables: deployments, mail, brand, and the top level. */
#include "config/cfg_schema.h"
#include "config/config.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define AT(m)    offsetof(struct OF, m)

static const char *const w_level[] = {"debug", "info", "warn", "error", NULL};

#define OF cfg_deploy
static const struct cfg_key deploy_keys[] = {
    {"endpoint", CT_PATTERN, AT(endpoint),
     .help = "Address of an environment, with {tenant}: `https://{tenant}.apps.acme.example/`."},
    {"probe_url", CT_PATTERN, AT(probe_url),
     .help = "How the worker reaches environments through the proxy. Default: their endpoint."},
    {"run_dir", CT_PATH, AT(run_dir), .dflt = "/run/lastmile/tenants",
     .help = "Sockets and state of the `process` engine; nginx and Apache look there."},
    {"data_dir", CT_PATH, AT(data_dir), .dflt = "/var/lib/lastmile/tenants",
     .help = "One data directory per tenant."},
    {"archive_dir", CT_PATH, AT(archive_dir), .dflt = "/var/lib/lastmile/archive",
     .help = "Data of deleted tenants."},
    {"keeper", CT_PATH, AT(keeper), .help = "lastmile-keeper. Default: beside lastmile-worker."},
    {"uid_base", CT_U32, AT(uid_base), .dflt = "200000", .min = 1000, .max = 2000000000,
     .help = "First uid for tenants; used only when the worker is root."},
    {"cgroup_root", CT_CGROUP, AT(cgroup_root),
     .help = "Where cgroups are made; `none`: never. Default: found out."},
};
#undef OF
static const struct cfg_section s_deploy = {
    .title = "deploy",
    .help = "Where environments live.",
    .size = sizeof(struct cfg_deploy),
    .keys = deploy_keys,
    .nkeys = COUNT(deploy_keys),
};

#define OF cfg_notify
static const struct cfg_key notify_keys[] = {
    {"smtp_url", CT_MAIL_URL, AT(smtp_url), .help = "Mail server. Without it no mail is sent."},
    {"smtp_user", CT_TEXT, AT(smtp_user), .help = "For servers that ask for it."},
    {"smtp_password_file", CT_SECRET, AT(smtp_password_file), .help = "Its password, mode 0600."},
    {"smtp_starttls_required", CT_BOOL, AT(smtp_starttls_required), .dflt = "false",
     .help = "No mail over a connection that cannot be encrypted."},
    {"from", CT_MAILBOX, AT(from), .help = "Sender: `Acme <marketplace@acme.example>`."},
    {"alert_to", CT_EMAIL, AT(alert_to), .help = "Your team: failures and delays."},
    {"late_after", CT_DURATION, AT(late_after_ms), .dflt = "30m", .min = 1000,
     .help = "When an order that is not ready yet counts as late."},
};
#undef OF
static const struct cfg_section s_notify = {
    .title = "notifications",
    .help = "Mail to buyers and to your team.",
    .size = sizeof(struct cfg_notify),
    .keys = notify_keys,
    .nkeys = COUNT(notify_keys),
};

#define OF cfg_brand
static const struct cfg_key brand_keys[] = {
    {"seller", CT_TEXT, AT(seller), .help = "Your name as buyers know it."},
    {"support_email", CT_EMAIL, AT(support_email), .help = "On every page and mail."},
    {"support_url", CT_URL, AT(support_url), .help = "On every page and mail."},
    {"privacy_url", CT_URL, AT(privacy_url), .help = "In the footer."},
    {"terms_url", CT_URL, AT(terms_url), .help = "In the footer."},
    {"color", CT_COLOR, AT(color), .dflt = "#1f5fbf",
     .help = "Buttons and marks. Text on it is white, or dark where white has not 4.5:1."},
    {"logo_file", CT_PATH, AT(logo_file), .help = "SVG or PNG, served from your own address."},
    {"templates_dir", CT_PATH, AT(templates_dir), .help = "Your own page templates and texts."},
    {"next_steps", CT_LINES, AT(next_steps), .help = "Shown and mailed when it is ready."},
};
#undef OF
static const struct cfg_section s_brand = {
    .title = "branding",
    .help = "How the buyer's pages look.",
    .size = sizeof(struct cfg_brand),
    .keys = brand_keys,
    .nkeys = COUNT(brand_keys),
};

#define OF config
static const struct cfg_key root_keys[] = {
    {"marketplace", CT_SINGLE, AT(markets), .count = AT(nmarkets), .sub = &cfg_schema_market,
     .help = "The listing, when there is one."},
    {"marketplaces", CT_LIST, AT(markets), .count = AT(nmarkets), .sub = &cfg_schema_market,
     .help = "The listings, when there are more."},
    {"deployment_templates", CT_MAP, AT(templates), .count = AT(ntemplates),
     .sub = &cfg_schema_template, .help = "See deployment_templates."},
    {"fields", CT_LIST, AT(fields), .count = AT(nfields), .sub = &cfg_schema_field,
     .help = "See fields."},
    {"front", CT_SECTION, AT(front), .sub = &cfg_schema_front, .help = "See front."},
    {"deploy", CT_SECTION, AT(deploy), .sub = &s_deploy, .help = "See deploy."},
    {"worker", CT_SECTION, AT(worker), .sub = &cfg_schema_worker, .help = "See worker."},
    {"redis", CT_SECTION, AT(redis), .sub = &cfg_schema_redis, .help = "See redis."},
    {"secrets", CT_SECTION, 0, .sub = &cfg_schema_secrets, .help = "See secrets."},
    {"notifications", CT_SECTION, AT(notify), .sub = &s_notify, .help = "See notifications."},
    {"branding", CT_SECTION, AT(brand), .sub = &s_brand, .help = "See branding."},
    {"log_level", CT_WORD, AT(log_level), .dflt = "info", .words = w_level,
     .help = "How much the programs say on stderr."},
};
#undef OF
const struct cfg_section cfg_schema_root = {
    .title = "top level",
    .help = "What the file may hold.",
    .size = sizeof(struct config),
    .keys = root_keys,
    .nkeys = COUNT(root_keys),
};
