/*
 * lastmile-sandbox: plays AWS Marketplace for demos, tests and a seller's staging. It verifies
 * what AWS verifies and remembers what AWS remembers; docs/sandbox.md is its manual.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "sandbox/sb_az_load.h"
#include "sandbox/sb_core.h"
#include "sandbox/sb_gcp_key.h"
#include "sandbox/sb_http.h"
#include "sandbox/sb_product.h"
#include "sandbox/sb_snskey.h"
#include "sandbox/sb_state.h"

struct options {
    const char *listen, *products, *access_key, *secret_file, *token_file, *ledger, *state;
    const char *gcp_key_file, *azure_seller;
    const char *clock_offset, *cert_file, *cert_url, *sns_version, *seller;
};

static const struct option longs[] = {
    {"listen", required_argument, NULL, 'l'},
    {"products", required_argument, NULL, 'p'},
    {"access-key", required_argument, NULL, 'a'},
    {"secret-file", required_argument, NULL, 's'},
    {"session-token-file", required_argument, NULL, 't'},
    {"ledger", required_argument, NULL, 'g'},
    {"state", required_argument, NULL, 'S'},
    {"clock-offset", required_argument, NULL, 'c'},
    {"sns-cert-file", required_argument, NULL, 'f'},
    {"sns-cert-url", required_argument, NULL, 'u'},
    {"sns-signature-version", required_argument, NULL, 'v'},
    {"seller-account", required_argument, NULL, 'A'},
    {"gcp-key-file", required_argument, NULL, 'G'},
    {"azure-seller", required_argument, NULL, 'z'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static const char usage[] =
    "usage: lastmile-sandbox --listen 127.0.0.1:PORT --products FILE --access-key ID "
    "--secret-file FILE\n"
    "  --listen ADDRESS:PORT       loopback only; port 0 takes any free one\n"
    "  --products FILE             listings, JSON\n"
    "  --access-key ID             the seller's AWS access key id\n"
    "  --secret-file FILE          its secret, one line, readable by the owner only\n"
    "  --session-token-file FILE   the key is temporary and needs this session token\n"
    "  --ledger FILE               append one JSON line per call and effect\n"
    "  --state FILE                remember everything across restarts\n"
    "  --clock-offset MS           the sandbox's clock minus the real one\n"
    "  --sns-cert-file FILE        write the certificate of the SNS signing key here\n"
    "  --sns-cert-url URL          what SNS messages name as SigningCertURL\n"
    "  --sns-signature-version N   1 (default) or 2\n"
    "  --seller-account ID         twelve digits\n"
    "  --azure-seller FILE         Entra credentials of the publisher, JSON, for azure listings\n"
    "  --gcp-key-file FILE         keep the key file of the Google service account here\n";

static const char **slot(struct options *o, int c)
{
    switch (c) {
    case 'l':
        return &o->listen;
    case 'p':
        return &o->products;
    case 'a':
        return &o->access_key;
    case 's':
        return &o->secret_file;
    case 't':
        return &o->token_file;
    case 'g':
        return &o->ledger;
    case 'S':
        return &o->state;
    case 'c':
        return &o->clock_offset;
    case 'f':
        return &o->cert_file;
    case 'u':
        return &o->cert_url;
    case 'v':
        return &o->sns_version;
    case 'A':
        return &o->seller;
    case 'z':
        return &o->azure_seller;
    case 'G':
        return &o->gcp_key_file;
    default:
        return NULL;
    }
}

/* 0 go on, 1 help was asked for, -EINVAL. */
static int parse(int argc, char **argv, struct options *o)
{
    int c;

    while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
        const char **to = slot(o, c);
        if (c == 'h')
            return 1;
        if (!to)
            return -EINVAL;
        *to = optarg;
    }
    if (optind != argc || !o->listen || !o->products || !o->access_key || !o->secret_file)
        return -EINVAL;
    return 0;
}

static int bad(const char *what, const char *value, const char *why)
{
    fprintf(stderr, "lastmile-sandbox: %s %s: %s\n", what, value, why);
    return -EINVAL;
}

static int parse_listen(const char *text, uint16_t *port)
{
    struct str all = str_of(text);
    ptrdiff_t colon = str_rchr(all, ':');
    struct str host = colon >= 0 ? str_sub(all, 0, (size_t)colon) : STR("");
    uint64_t v;

    if (!str_is(host, "127.0.0.1") && !str_is(host, "localhost"))
        return bad("--listen", text, "only 127.0.0.1:PORT or localhost:PORT");
    if (str_u64(str_from(all, (size_t)colon + 1), 65535, &v))
        return bad("--listen", text, "the port is not a number up to 65535");
    *port = (uint16_t)v;
    return 0;
}

static int secret(const char *path, char *dst, size_t cap)
{
    struct buf b;
    char text[64];
    int rc;

    buf_init(&b, cap - 1);
    rc = file_read_secret(path, &b);
    if (rc == 0)
        rc = str_copy(buf_view(&b), dst, cap);
    if (rc == 0 && dst[0] == '\0')
        rc = -ENODATA;
    buf_free(&b);
    return rc ? bad("secret file", path, log_errno(rc, text)) : 0;
}

static int configure(const struct options *o, struct sb_conf *c)
{
    const char *version = o->sns_version ? o->sns_version : "1";
    const char *seller = o->seller ? o->seller : "123456512334";

    memset(c, 0, sizeof(*c));
    if (str_copy(str_of(o->access_key), c->access_key, sizeof(c->access_key)))
        return bad("--access-key", o->access_key, "too long");
    if (strlen(seller) != 12 || str_copy(str_of(seller), c->seller, sizeof(c->seller)))
        return bad("--seller-account", seller, "twelve digits");
    if (strcmp(version, "1") != 0 && strcmp(version, "2") != 0)
        return bad("--sns-signature-version", version, "1 or 2");
    c->sns_version = version[0] - '0';
    c->sns_cert_url = o->cert_url ? o->cert_url : SB_SNSKEY_URL;
    c->state_path = o->state;
    if (secret(o->secret_file, c->secret, sizeof(c->secret)))
        return -EINVAL;
    return o->token_file ? secret(o->token_file, c->session_token, sizeof(c->session_token)) : 0;
}

static int write_cert(struct sb *s, const char *path)
{
    struct buf pem;
    char text[64];

    buf_init(&pem, 8192);
    int rc = sb_snskey_cert(s, &pem);
    if (rc == 0)
        rc = file_write_atomic(path, buf_view(&pem), 0644);
    buf_free(&pem);
    return rc ? bad("--sns-cert-file", path, log_errno(rc, text)) : 0;
}

static int load(struct sb *s, const struct options *o)
{
    char why[256], text[64];
    int rc;

    if (o->clock_offset && str_i64(str_of(o->clock_offset), &s->offset_ms))
        return bad("--clock-offset", o->clock_offset, "not a number of milliseconds");
    if (sb_product_load(s, o->products, why))
        return bad("--products", o->products, why);
    if (o->azure_seller && sb_az_load(s, o->azure_seller, o->products, why))
        return bad("--azure-seller", o->azure_seller, why);
    rc = o->ledger ? sb_ledger_open(&s->ledger, o->ledger) : 0;
    if (rc)
        return bad("--ledger", o->ledger, log_errno(rc, text));
    rc = o->state ? sb_state_load(s) : 0;
    if (rc)
        return bad("--state", o->state, log_errno(rc, text));
    return o->cert_file ? write_cert(s, o->cert_file) : 0;
}

/* Needs the port, which the file names. */
static int write_key(struct sb *s, const char *path)
{
    char text[64];
    int rc;

    pthread_mutex_lock(&s->mu);
    rc = path ? sb_gcp_key_keep(s, path) : 0;
    pthread_mutex_unlock(&s->mu);
    return rc ? bad("--gcp-key-file", path, log_errno(rc, text)) : 0;
}

/* The signals that end the program are taken by sigwait in the main thread alone. */
static int serve(struct sb *s, const struct options *o)
{
    struct sb_http *h;
    sigset_t set;
    uint16_t port = 0;
    int sig;

    if (parse_listen(o->listen, &port))
        return -EINVAL;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    h = sb_http_start(s, port);
    if (!h)
        return bad("--listen", o->listen, "cannot listen there");
    if (write_key(s, o->gcp_key_file)) {
        sb_http_stop(&h);
        return -EINVAL;
    }
    printf("lastmile-sandbox: ready http://127.0.0.1:%u\n", s->port);
    fflush(stdout);
    sigwait(&set, &sig);
    sb_http_stop(&h);
    return 0;
}

int main(int argc, char **argv)
{
    struct options o = {NULL};
    struct sb_conf conf;
    struct sb s;
    int rc = parse(argc, argv, &o);

    if (rc) {
        fputs(usage, rc > 0 ? stdout : stderr);
        return rc > 0 ? 0 : 2;
    }
    if (crypto_init())
        return 1;
    if (configure(&o, &conf))
        return 2;
    if (sb_core_init(&s, &conf))
        return 1;
    rc = load(&s, &o) ? 2 : 0;
    if (rc == 0)
        rc = serve(&s, &o) ? 1 : 0;
    sb_core_free(&s);
    return rc;
}
