/*
 * config: one YAML file -> one typed, immutable structure.
 *
 * libyaml events are matched against tables of keys (cfg_schema.h); unknown keys, duplicate
 * keys, aliases, tags and wrong types are errors "file:line:column: what; did you mean ...?". All
 * errors of a file are reported, not only the first. Defaults are in the tables. Cross checks (a
 * plan names an existing template, a template an existing engine, URLs parse, one default plan)
 * come after.
 *
 * Ownership: everything hangs on the arena inside struct config; config_free() frees all. Strings
 * are never NULL: an unset one is "". Durations are milliseconds, sizes bytes. Secrets are not in
 * here: only the paths of the files that hold them. A reload builds a new struct and swaps.
 */
#ifndef LM_CONFIG_H
#define LM_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"

enum cfg_mode { CFG_CONCURRENT, CFG_LEGACY };                    /* marketplaces[].mode (aws) */
enum cfg_fulfilment { CFG_DEPLOYMENT, CFG_ACCOUNT, CFG_MANUAL }; /* plans.x.fulfilment */
enum cfg_on_end { CFG_END_SUSPEND, CFG_END_KEEP };               /* during the grace period */
enum cfg_durability { CFG_DUR_ALWAYS, CFG_DUR_EVERYSEC, CFG_DUR_ANY }; /* redis.durability */
enum cfg_field_type {
    CFG_FIELD_TEXT,
    CFG_FIELD_EMAIL,
    CFG_FIELD_TEL,
    CFG_FIELD_NUMBER,
    CFG_FIELD_SELECT,
    CFG_FIELD_CHECKBOX
};

enum cfg_pricing { CFG_USAGE, CFG_CONTRACT, CFG_CONTRACT_USAGE }; /* marketplaces[].pricing */
/* plans.x.commit: when the charge may begin, where the channel can hold it */
enum cfg_commit { CFG_COMMIT_HEALTHY, CFG_COMMIT_REGISTERED, CFG_COMMIT_MANUAL };
/* plans.x.on_commit_deadline: what happens when the charge could not begin in time */
enum cfg_late_commit { CFG_LATE_ALERT, CFG_LATE_REJECT, CFG_LATE_COMMIT };
/* plans.x.changes: how a change of plan is carried out */
enum cfg_change {
    CFG_CHANGE_IN_PLACE,
    CFG_CHANGE_REPLACE,
    CFG_CHANGE_AT_RENEWAL,
    CFG_CHANGE_REFUSE
};
enum cfg_token_version { CFG_TOKEN_V2, CFG_TOKEN_V1 }; /* azure.token_version */
/* azure.sign_in_match: who may claim a purchase */
enum cfg_sign_in_match { CFG_MATCH_PERSON, CFG_MATCH_TENANT, CFG_MATCH_ANY };

struct cfg_node;

struct cfg_kv {
    const char *key;
    const char *value;
};

struct cfg_limits {   /* 0: no limit of ours */
    uint64_t memory;  /* bytes; "256M" */
    uint32_t cpu_pct; /* 100 = one core */
    uint32_t pids;
    uint64_t disk; /* bytes */
};

/* How long one kind of work at an engine may take altogether, over all calls and polls. */
struct cfg_deadlines {
    uint64_t create_ms, update_ms, suspend_ms, resume_ms, delete_ms;
};

struct cfg_plan {
    const char *name;
    const char *title; /* for the buyer; default: name */
    const char *deployment_template;
    enum cfg_fulfilment fulfilment;
    const char *dimension;      /* entitlement dimension (aws) or plan id (azure, gcp) that means
                                   this plan; default: name */
    bool is_default;            /* `default: true`; the only plan is the default */
    const char *region_policy;  /* buyer-selected | fixed */
    const char *const *regions; /* NULL-terminated */
    const char *billing;        /* marketplace-metered | contract | ... shown and exported */
    const char *network;        /* free text handed to the engine: private, public */
    bool high_availability;
    const char *support_tier;
    uint64_t grace_ms; /* end of contract -> deletion; default 30 d */
    enum cfg_on_end on_end;
    uint64_t retain_ms;              /* archive kept after deletion; default 30 d */
    struct cfg_limits limits;        /* overrides the template's where not 0 */
    const struct cfg_kv *parameters; /* handed to the engine */
    size_t nparameters;
    enum cfg_commit commit;      /* default: after the environment is healthy */
    uint64_t commit_deadline_ms; /* from the order's creation; 0: none of ours */
    enum cfg_late_commit on_commit_deadline;
    const struct cfg_kv
        *changes; /* plan name or "others" -> word of enum cfg_change; see config_change() */
    size_t nchanges;
    const char *account_url;    /* fulfilment: account -> where the buyer is sent */
    const char *manual_promise; /* fulfilment: manual -> "within one business day" */
};

/* Microsoft Marketplace, SaaS offer. Endpoints default to Microsoft's own. */
struct cfg_azure {
    const char *offer_id;           /* of Partner Center; "<offer>-preview" is the same offer */
    const char *tenant_id;          /* publisher's Entra tenant */
    const char *client_id;          /* app registration of the Technical configuration */
    const char *client_secret_file; /* one of secret and certificate */
    const char *certificate_file, *key_file; /* PEM */
    enum cfg_token_version token_version;
    const char *sign_in_client_id;   /* multitenant app for the landing page; "": no sign-in */
    const char *sign_in_secret_file; /* "": public client (PKCE alone) */
    enum cfg_sign_in_match sign_in_match;
    const char *api_endpoint;   /* https://marketplaceapi.microsoft.com/api */
    const char *login_endpoint; /* https://login.microsoftonline.com */
};

/* Google Cloud Marketplace, SaaS listing. Endpoints default to Google's own. */
struct cfg_gcp {
    const char *provider_id;          /* partner id: "acme-public", "DEMO-acme" */
    const char *product_name;         /* productExternalName of entitlements: service name */
    const char *const *audiences;     /* `aud` of sign-up tokens: domains or the service name */
    bool automatic_approval;          /* of offers, as switched on in Producer Portal */
    const char *subscription;         /* projects/P/subscriptions/S to pull; "": push only */
    const char *push_audience;        /* aud of push tokens; "": no push is accepted */
    const char *push_account;         /* e-mail of the service account that pushes */
    const char *credentials_file;     /* service_account or external_account JSON; "": metadata */
    const char *token_uri;            /* instead of the credentials file's */
    const char *procurement_endpoint; /* https://cloudcommerceprocurement.googleapis.com */
    const char *pubsub_endpoint;      /* https://pubsub.googleapis.com */
    const char *certs_endpoint;       /* https://www.googleapis.com */
    const char *sts_endpoint;         /* https://sts.googleapis.com */
    const char *iam_endpoint;         /* https://iamcredentials.googleapis.com */
    const char *metadata_endpoint;    /* "": http://metadata.google.internal */
};

struct cfg_market {
    const char *name;         /* path segment {product}; default: slug of product or "default" */
    const char *channel;      /* aws (azure, gcp, clazar ... later): provider direct -> cloud */
    const char *provider;     /* direct | clazar | ... */
    const char *cloud;        /* aws | azure | gcp */
    const char *product;      /* title for the buyer */
    const char *product_code; /* AWS product code; azure: offer_id; gcp: product_name */
    const char *product_id;   /* AWS prod-... */
    enum cfg_mode mode;
    enum cfg_pricing pricing;      /* default usage */
    bool contract;                 /* pricing: contract | contract-with-consumption (else usage) */
    bool metered;                  /* pricing: usage | contract-with-consumption */
    const char *region;            /* metering region, default us-east-1 */
    const char *metering_endpoint; /* "" = AWS's own by region */
    const char *entitlement_endpoint;
    const char *agreement_endpoint;
    const char *sqs_endpoint;
    const char *sts_endpoint;
    const char *queue_url;         /* what is polled for events: SQS queue (aws), subscription
                                      (gcp); "" = nothing, aws then grants at landing */
    const char *const *sns_topics; /* allow-list of TopicArns for SNS envelopes, legacy */
    const char *sns_cert_file;     /* pinned certificate instead of fetching (sandbox, tests); "" */
    const char *credentials_file;  /* AWS shared credentials file; "" = chain */
    const char *profile;
    const char *role_arn, *external_id;
    const char *login_url; /* for buyers who have an account already */
    struct cfg_azure azure;
    struct cfg_gcp gcp;
    const struct cfg_plan *plans;
    size_t nplans;
};

struct cfg_template {
    const char *name;
    const char *engine;         /* process | exec */
    const char *const *command; /* argv, NULL-terminated; process: the program; exec: the script */
    const char *const *environment; /* "K=V", NULL-terminated */
    const char *health_path;        /* default /healthz */
    uint64_t health_timeout_ms;     /* how long a start may take; default 60 s */
    uint64_t deadline_ms;           /* one verb; default 30 min */
    struct cfg_deadlines work;      /* one kind of work */
    uint64_t drain_ms;              /* old instance after a switch; default 5 s */
    struct cfg_limits limits;
    const struct cfg_kv *parameters;
    size_t nparameters;
    const char *endpoint; /* "https://{tenant}.apps.example" ; default deploy.endpoint */
    uint32_t concurrency; /* verbs at once; default 64 */
};

struct cfg_field {
    const char *name, *label, *hint, *autocomplete;
    enum cfg_field_type type;
    bool required;
    uint32_t min, max;          /* length, or value for numbers */
    const char *const *options; /* select */
    const char *const *plans;   /* NULL: every plan */
};

struct cfg_notify {
    const char *smtp_url; /* smtp://127.0.0.1:25, smtps://...; "" = no mail */
    const char *smtp_user;
    const char *smtp_password_file;
    bool smtp_starttls_required;
    const char *from;       /* "Acme <marketplace@acme.example>" */
    const char *alert_to;   /* seller's address, "" = none */
    uint64_t late_after_ms; /* alert + delayed mail; default 30 min */
};

struct cfg_brand {
    const char *seller, *support_email, *support_url, *privacy_url, *terms_url;
    const char *color;         /* #rrggbb, contrast checked at load */
    const char *on_color;      /* text on it with at least 4.5:1: "#ffffff" or "#111111" */
    const char *logo_file;     /* SVG or PNG served from our own origin; "" = none */
    const char *templates_dir; /* overrides; "" = none */
    const char *next_steps;    /* text for page and ready mail */
};

struct cfg_redis {
    const char *socket; /* unix socket; preferred */
    const char *host;
    uint16_t port;
    const char *user;          /* ACL user of this program; programs override by option */
    const char *password_file; /* front: redis.front_password_file etc. */
    const char *front_user, *front_password_file;
    const char *worker_user, *worker_password_file;
    const char *cli_user, *cli_password_file;
    uint32_t shards;                /* fixed at install; default 1 */
    enum cfg_durability durability; /* default always */
    uint32_t wait_replicas;         /* WAIT n; default 0 */
    uint64_t wait_ms;
    uint64_t connect_ms, command_ms; /* default 1000 / 1000 */
};

struct cfg_front {
    const char *base;             /* default /marketplace */
    const char *public_url;       /* https://buy.acme.example, no trailing slash */
    const char *listen;           /* unix path or 127.0.0.1:port; option --listen overrides */
    const char *mode;             /* socket mode, default 0660 */
    const char *group;            /* socket group, "" = own */
    uint32_t processes;           /* default 1 */
    const char *transport;        /* records | fcgi2 | cgi, default records */
    uint32_t threads;             /* fcgi2 */
    uint64_t capability_ttl_ms;   /* default 30 d after ready */
    uint64_t registration_ttl_ms; /* default 1 h for the token, see seal */
    bool sandbox;                 /* seccomp + Landlock; default true */
};

struct cfg_deploy {
    const char *run_dir;     /* default /run/lastmile/tenants */
    const char *data_dir;    /* default /var/lib/lastmile/tenants */
    const char *archive_dir; /* default /var/lib/lastmile/archive */
    const char *keeper;      /* path of lastmile-keeper; "" = beside the worker */
    uint32_t uid_base;       /* default 200000; used only as root */
    const char *endpoint;    /* "https://apps.acme.example/t/{tenant}/" or host form */
    const char *probe_url;   /* how the worker reaches the proxy; "": each endpoint itself */
    const char *cgroup_root; /* "" = detect, "none" = never */
};

struct cfg_worker {
    uint32_t slots;          /* tasks at once; default 512 */
    uint64_t lease_ms;       /* default 30 s */
    uint64_t resync_ms;      /* visit every tenant; default 10 min, jittered */
    uint64_t refresh_ms;     /* ask the channel about every live order; default 6 h */
    uint64_t reconcile_ms;   /* compare with the channel's own list; default 1 h, jittered */
    uint32_t crash_limit;    /* default 5 */
    uint32_t http_in_flight; /* default 64 */
    uint64_t drain_ms;       /* SIGTERM; default 20 s */
};

/* Who reads a file with a secret: the worker's roles first. */
enum cfg_reader { CFG_MARKET = 1, CFG_DEPLOY = 2, CFG_NOTIFY = 4, CFG_FRONT = 8, CFG_CLI = 16 };
enum { CFG_ROLES = 3, CFG_READERS = 5, CFG_ANY_ROLE = CFG_MARKET | CFG_DEPLOY | CFG_NOTIFY };
/* What they are called, in the store, in configurations and on command lines. */
extern const struct cfg_reader_row {
    unsigned bit;
    const char *name;
} cfg_reader_table[CFG_READERS];

/* Where a credential would be for a process that got none: below a file nothing can be. */
#define CFG_NO_CREDENTIALS "/dev/null"

struct cfg_secret {
    const char *key;        /* as complaints call it: "gcp.credentials_file" */
    const char *path;       /* never "" */
    const char *credential; /* its name when the file gives no path, else "" */
    uint32_t line, column;
    unsigned readers;
    size_t market;  /* whose: index in config.markets; CFG_NO_MARKET */
    bool is_public; /* a certificate, which belongs to a key */
    bool is_live;   /* read anew for each use; else at the start */
};
#define CFG_NO_MARKET SIZE_MAX

struct config {
    struct arena *arena;
    const char *file;
    const struct cfg_node *root; /* the file as read, for messages with a place */
    struct cfg_redis redis;
    struct cfg_front front;
    struct cfg_worker worker;
    struct cfg_deploy deploy;
    struct cfg_notify notify;
    struct cfg_brand brand;
    const char *seal_public_file, *seal_secret_file;
    const char *log_level;
    const struct cfg_market *markets;
    size_t nmarkets;
    const struct cfg_template *templates;
    size_t ntemplates;
    const struct cfg_field *fields; /* extra fields of the form; email is always there */
    size_t nfields;
};

/* 0 and *out, or -EINVAL with every complaint in errors, one per line; -errno when unreadable. */
int config_load(const char *path, struct config **out, struct buf *errors);
/* Same from text; name is used in messages. (tests, fuzzing) */
int config_parse(const char *name, struct str text, struct config **out, struct buf *errors);
void config_free(struct config **c);
/* NULL when there is none. */
const struct cfg_market *config_market(const struct config *c, struct str channel, struct str name);
/* What the listing is called where it has no `product`: its name, "" when that is a default too. */
const char *config_market_title(const struct cfg_market *m);
const struct cfg_market *config_market_by_code(const struct config *c, struct str product_code);
/* product_id: AWS prod-...; some events name the product by nothing else. */
const struct cfg_market *config_market_by_id(const struct config *c, struct str product_id);
const struct cfg_plan *config_plan(const struct cfg_market *m, struct str name);
const struct cfg_plan *config_plan_default(const struct cfg_market *m);
const struct cfg_plan *config_plan_by_dimension(const struct cfg_market *m, struct str dimension);
int cfg_change_word(const char *word, enum cfg_change *out); /* 0 or -EINVAL */
/* How the change from one plan to another is carried out: the row of `from` that names `to`, else
 * its row "others", else in place. */
enum cfg_change config_change(const struct cfg_market *m, struct str from, struct str to);
const struct cfg_template *config_template(const struct config *c, const char *name);
/* What only `lastmile check-config` refuses, beyond what config_load() does: files that are named
 * and not there or readable, secret files open to others, providers that this version cannot
 * serve, settings without which buyers would see broken links. Secrets are looked at from outside;
 * with readers (bits of enum cfg_reader) theirs are opened and those of others left alone. What
 * is a credential of a unit that this process is no part of is nobody's fault. 0, or -EINVAL and
 * complaints. */
int config_check_files(const struct config *c, unsigned readers, struct buf *errors);
/* What a program cannot begin without: each secret that these readers read can be opened by this
 * process and is private. The secrets of others are not touched. 0, or -EINVAL and complaints. */
int config_check_secrets(const struct config *c, unsigned readers, struct buf *errors);
/* Every file with a secret that the configuration names. */
typedef void config_secret_fn(void *arg, const struct cfg_secret *s);
void config_secrets(const struct config *c, config_secret_fn *each, void *arg);
/* "market,deploy" -> bits; the worker's roles only. 0 or -EINVAL. */
int config_roles(struct str list, unsigned *readers);
/* "market, deploy, lastmile": appended. */
void config_readers(unsigned readers, struct buf *out);
/* What `lastmile check-config` prints: each product and plan, template, where it would run. */
void config_explain(const struct config *c, struct buf *out);
/* docs/configuration.md, made of the tables (`lastmile check-config --reference`). */
void config_reference(struct buf *out);

#endif
