/* Tables: Redis, keys, and the two programs. */
#include "config/cfg_schema.h"

#include "config/config.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define AT(m)    offsetof(struct OF, m)

static const char *const w_durability[] = {"always", "everysec", "any", NULL};
static const char *const w_transport[] = {"records", "fcgi2", "cgi", NULL};

#define OF cfg_redis
static const struct cfg_key redis_keys[] = {
    {"socket", CT_PATH, AT(socket),
     .help = "Unix socket of Redis. Default: `/run/lastmile/redis.sock` without `host`."},
    {"host", CT_TEXT, AT(host), .help = "Instead of a socket."},
    {"port", CT_U16, AT(port), .dflt = "6379", .min = 1, .help = "With `host`."},
    {"user", CT_NAME, AT(user), .help = "ACL user of programs that have none of their own below."},
    {"password_file", CT_SECRET, AT(password_file), .help = "Its password, one line, mode 0600."},
    {"front_user", CT_NAME, AT(front_user), .help = "ACL user of lastmile-front."},
    {"front_password_file", CT_SECRET, AT(front_password_file), .help = "Its password."},
    {"worker_user", CT_NAME, AT(worker_user), .help = "ACL user of lastmile-worker."},
    {"worker_password_file", CT_SECRET, AT(worker_password_file), .help = "Its password."},
    {"cli_user", CT_NAME, AT(cli_user), .help = "ACL user of the lastmile command."},
    {"cli_password_file", CT_SECRET, AT(cli_password_file), .help = "Its password."},
    {"shards", CT_U32, AT(shards), .dflt = "1", .min = 1, .max = 256,
     .help = "Fixed when the first order arrives; 1 unless Redis Cluster is used."},
    {"durability", CT_ENUM, AT(durability), .dflt = "always", .words = w_durability,
     .help = "What Redis must promise (appendfsync) before anything is acknowledged."},
    {"wait_replicas", CT_U32, AT(wait_replicas), .dflt = "0", .max = 16,
     .help = "Replicas that must have a write before it is acknowledged."},
    {"wait", CT_DURATION, AT(wait_ms), .dflt = "100ms", .help = "How long to wait for them."},
    {"connect_timeout", CT_DURATION, AT(connect_ms), .dflt = "1s", .min = 1, .max = 60000,
     .help = "Then the request is answered 503."},
    {"command_timeout", CT_DURATION, AT(command_ms), .dflt = "1s", .min = 1, .max = 60000,
     .help = "Then the request is answered 503."},
};
#undef OF
const struct cfg_section cfg_schema_redis = {
    .title = "redis",
    .help = "Where the state is.",
    .size = sizeof(struct cfg_redis),
    .keys = redis_keys,
    .nkeys = COUNT(redis_keys),
};

#define OF config
static const struct cfg_key secrets_keys[] = {
    {"seal_public_file", CT_PATH, AT(seal_public_file), .dflt = "/etc/lastmile/seal.pub",
     .help = "Key that lastmile-front seals purchase tokens with (`lastmile keygen`)."},
    {"seal_secret_file", CT_SECRET, AT(seal_secret_file), .dflt = "/etc/lastmile/seal.key",
     .help = "Key that opens them; only the worker may read it (mode 0600)."},
};
#undef OF
const struct cfg_section cfg_schema_secrets = {
    .title = "secrets",
    .help = "Files that hold keys. No secret is ever written into this file itself. Here and "
            "wherever a key's type is \"path or credential\", a name without a slash is a "
            "credential of the systemd unit (`LoadCredential=`): the file of that name in "
            "`$CREDENTIALS_DIRECTORY`. Each program and role opens its own only "
            "([install](install.md)).",
    .size = sizeof(struct config),
    .keys = secrets_keys,
    .nkeys = COUNT(secrets_keys),
};

#define OF cfg_front
static const struct cfg_key front_keys[] = {
    {"public_url", CT_ORIGIN, AT(public_url),
     .help = "Scheme and host that buyers see. Links and the origin check are made of it."},
    {"base", CT_BASE, AT(base), .dflt = "/marketplace", .help = "Path below which it answers."},
    {"listen", CT_LISTEN, AT(listen), .dflt = "/run/lastmile/front.sock",
     .help = "FastCGI socket; `--listen` and socket activation win."},
    {"mode", CT_MODE, AT(mode), .dflt = "0660", .help = "Mode of the socket."},
    {"group", CT_NAME, AT(group), .help = "Group of the socket: that of the web server."},
    {"processes", CT_U32, AT(processes), .dflt = "1", .min = 1, .max = 256,
     .help = "Processes on the socket."},
    {"transport", CT_WORD, AT(transport), .dflt = "records", .words = w_transport,
     .help = "How FastCGI is spoken; see the front's page."},
    {"threads", CT_U32, AT(threads), .dflt = "8", .min = 1, .max = 1024,
     .help = "With `transport: fcgi2`."},
    {"capability_ttl", CT_DURATION, AT(capability_ttl_ms), .dflt = "30d", .min = 60000,
     .help = "How long a status link works after the environment is ready."},
    {"registration_ttl", CT_DURATION, AT(registration_ttl_ms), .dflt = "1h", .min = 1000,
     .help = "How long a purchase token is kept, sealed."},
    {"sandbox", CT_BOOL, AT(sandbox), .dflt = "true",
     .help = "seccomp and Landlock after start-up."},
};
#undef OF
const struct cfg_section cfg_schema_front = {
    .title = "front",
    .help = "The program behind the web server.",
    .size = sizeof(struct cfg_front),
    .keys = front_keys,
    .nkeys = COUNT(front_keys),
};

#define OF cfg_worker
static const struct cfg_key worker_keys[] = {
    {"slots", CT_U32, AT(slots), .dflt = "512", .min = 1, .max = 100000, .help = "Tasks at once."},
    {"lease", CT_DURATION, AT(lease_ms), .dflt = "30s", .min = 1000, .max = 600000,
     .help =
         "How long the tasks of a dead worker wait for the next one. Counts from the next start."},
    {"resync", CT_DURATION, AT(resync_ms), .dflt = "10m", .min = 1000,
     .help = "Every tenant is looked at this often, with jitter."},
    {"refresh", CT_DURATION, AT(refresh_ms), .dflt = "6h", .min = 1000,
     .help = "The marketplace is asked about every live order this often; `resync` is its grain."},
    {"reconcile", CT_DURATION, AT(reconcile_ms), .dflt = "1h", .min = 100,
     .help = "How often orders are compared with the marketplace's own list; also at start."},
    {"crash_limit", CT_U32, AT(crash_limit), .dflt = "5", .min = 1, .max = 1000,
     .help = "Workers that may die on a task before it is put aside."},
    {"http_in_flight", CT_U32, AT(http_in_flight), .dflt = "64", .min = 1, .max = 10000,
     .help = "Calls to the outside at once."},
    {"drain", CT_DURATION, AT(drain_ms), .dflt = "20s",
     .help = "How long running tasks may finish after SIGTERM."},
};
#undef OF
const struct cfg_section cfg_schema_worker = {
    .title = "worker",
    .help = "The program that does the work.",
    .size = sizeof(struct cfg_worker),
    .keys = worker_keys,
    .nkeys = COUNT(worker_keys),
};
