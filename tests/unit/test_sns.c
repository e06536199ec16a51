/* sns: the four genuine messages of AWS, what must not pass, and messages signed here with keys
 * made on the spot. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/enc.h"
#include "base/file.h"
#include "market/aws.h"

#define TOPIC      "arn:aws:sns:us-east-1:287250355862:aws-mp-subscription-notification-n0123"
#define URL        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-00aaFF.pem"
#define REAL_TOPIC "arn:aws:sns:us-west-2:131990247566:dongie-standard-topic"
#define REAL_PEM   "SimpleNotificationService-7506a1e35b36ef5a444dd1a8e7cc3ed8.pem"

static const char *const genuine[] = {"notification-v1-subject", "notification-v2",
                                      "subscription-confirmation-v1",
                                      "unsubscribe-confirmation-v2"};

static struct arena *a;

static int fresh(void **state)
{
    (void)state;
    a = arena_new(4096, 1 << 22);
    return a ? 0 : -1;
}

static int drop(void **state)
{
    (void)state;
    arena_free(&a);
    return 0;
}

static const char *contracts(void)
{
    const char *dir = getenv("LASTMILE_CONTRACTS");

    return dir && *dir ? dir : "../shared/contracts";
}

static bool load(const char *name, struct buf *b)
{
    char path[1024];

    snprintf(path, sizeof(path), "%s/aws/sns-messages/%s", contracts(), name);
    buf_init(b, 1 << 16);
    if (file_read(path, b) == 0)
        return true;
    print_message("skipped: no %s (set LASTMILE_CONTRACTS)\n", path);
    buf_free(b);
    return false;
}

static void parse_text(struct str text, struct sns_message *m)
{
    cJSON *j;

    assert_int_equal(json_parse(text, 1 << 16, &j), 0);
    assert_int_equal(sns_parse(j, a, m), 0);
    cJSON_Delete(j);
}

static bool load_genuine(const char *name, struct sns_message *m)
{
    char file[128];
    struct buf b;

    snprintf(file, sizeof(file), "%s.json", name);
    if (!load(file, &b))
        return false;
    parse_text(buf_view(&b), m);
    buf_free(&b);
    return true;
}

static void genuine_messages_verify(void **state)
{
    struct sns_trust *t;
    struct sns_message m;
    const char *why;
    struct buf pem;

    (void)state;
    if (!load(REAL_PEM, &pem))
        skip();
    assert_int_equal(sns_trust_open("", &t), 0);
    for (size_t i = 0; i < 4; i++) {
        assert_true(load_genuine(genuine[i], &m));
        if (i == 0) {
            assert_int_equal(sns_verify(t, &m, &why), -EAGAIN);
            assert_int_equal(sns_trust_add(t, m.cert_url, buf_view(&pem)), 0);
        }
        assert_int_equal(sns_verify(t, &m, &why), 0);
        assert_string_equal(why, "");
        if (*m.subscribe_url)
            assert_true(sns_subscribe_url_ok(m.subscribe_url, m.topic));
    }
    sns_trust_close(&t);
    buf_free(&pem);
}

static void one_changed_byte_fails(void **state)
{
    const struct {
        size_t message;
        size_t at;
    } fields[] = {{0, offsetof(struct sns_message, message)},
                  {0, offsetof(struct sns_message, subject)},
                  {0, offsetof(struct sns_message, message_id)},
                  {1, offsetof(struct sns_message, timestamp)},
                  {1, offsetof(struct sns_message, topic)},
                  {2, offsetof(struct sns_message, token)},
                  {3, offsetof(struct sns_message, subscribe_url)}};
    char path[1024];
    struct sns_trust *t;
    struct sns_message m;
    const char *why;

    (void)state;
    snprintf(path, sizeof(path), "%s/aws/sns-messages/%s", contracts(), REAL_PEM);
    if (sns_trust_open(path, &t)) {
        print_message("skipped: no %s\n", path);
        skip();
    }
    for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
        const char **field;
        char *copy;

        assert_true(load_genuine(genuine[fields[i].message], &m));
        assert_int_equal(sns_verify(t, &m, &why), 0);
        field = (const char **)(void *)((char *)&m + fields[i].at);
        copy = arena_dup(a, str_of(*field));
        copy[strlen(copy) / 2] ^= 1;
        *field = copy;
        assert_int_equal(sns_verify(t, &m, &why), -EKEYREJECTED);
    }
    assert_true(load_genuine(genuine[0], &m));
    m.subject = NULL;
    assert_int_equal(sns_verify(t, &m, &why), -EKEYREJECTED);
    assert_true(load_genuine(genuine[1], &m));
    m.version = 1;
    assert_int_equal(sns_verify(t, &m, &why), -EKEYREJECTED);
    assert_true(load_genuine(genuine[1], &m));
    m.signature.n--;
    assert_int_equal(sns_verify(t, &m, &why), -EKEYREJECTED);
    sns_trust_close(&t);
}

/* Without the final line feed all four would fail; so the text must end with it. */
static void the_last_line_ends(void **state)
{
    struct sns_message m = {.type = "Notification",
                            .message_id = "id",
                            .topic = "t",
                            .message = "a\nb",
                            .timestamp = "now",
                            .subscribe_url = "s",
                            .token = "k"};
    struct buf b;

    (void)state;
    buf_init(&b, 1000);
    assert_int_equal(sns_string_to_sign(&m, &b), 0);
    assert_string_equal(buf_cstr(&b), "Message\na\nb\nMessageId\nid\nTimestamp\nnow\nTopicArn\nt\n"
                                      "Type\nNotification\n");
    buf_reset(&b);
    m.type = "SubscriptionConfirmation";
    m.subject = "never signed here";
    assert_int_equal(sns_string_to_sign(&m, &b), 0);
    assert_string_equal(buf_cstr(&b),
                        "Message\na\nb\nMessageId\nid\nSubscribeURL\ns\nTimestamp\nnow\nToken\nk\n"
                        "TopicArn\nt\nType\nSubscriptionConfirmation\n");
    buf_free(&b);
}

static void certificate_addresses(void **state)
{
    static const char *const bad[] = {
        "http://sns.us-east-1.amazonaws.com/SimpleNotificationService-1.pem",
        "https://sns.us-west-2.amazonaws.com/SimpleNotificationService-1.pem",
        "https://s3.amazonaws.com/SimpleNotificationService-1.pem",
        "https://sns.us-east-1.s3.amazonaws.com/SimpleNotificationService-1.pem",
        "https://sns.us-east-1.amazonaws.com.evil.example/SimpleNotificationService-1.pem",
        "https://sns.us-east-1.amazonaws.com@evil.example/SimpleNotificationService-1.pem",
        "https://evil.example/https://sns.us-east-1.amazonaws.com/SimpleNotificationService-1.pem",
        "https://sns.us-east-1.amazonaws.com:444/SimpleNotificationService-1.pem",
        "https://sns.us-east-1.amazonaws.com/other.pem",
        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-1.pem?x=.pem",
        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-.pem",
        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService/1.pem",
        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService?1.pem",
        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-../x.pem",
        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-1.txt",
        "https://sns.us-east-1.amazonaws.com.cn/SimpleNotificationService-1.pem",
        "",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_false(sns_cert_url_ok(bad[i], TOPIC));
    assert_true(sns_cert_url_ok(URL, TOPIC));
    assert_true(sns_cert_url_ok("https://sns.us-east-1.amazonaws.com/SimpleNotificationService.pem",
                                TOPIC));
    assert_true(sns_cert_url_ok("https://sns.cn-north-1.amazonaws.com.cn/"
                                "SimpleNotificationService-1.pem",
                                "arn:aws-cn:sns:cn-north-1:1:t"));
    assert_false(sns_cert_url_ok(URL, "arn:aws:sqs:us-east-1:1:t"));
    assert_false(sns_cert_url_ok("https://sns.a/b.amazonaws.com/SimpleNotificationService-1.pem",
                                 "arn:aws:sns:a/b:1:t"));
    assert_false(sns_cert_url_ok(URL, "urn:aws:sns:us-east-1:1:t"));
    assert_false(sns_cert_url_ok("https://sns.us.amazonaws.com/SimpleNotificationService-1.pem",
                                 "arn:aws:sns:us:1:t"));
    assert_false(sns_subscribe_url_ok("https://evil.example/?Action=ConfirmSubscription&x", TOPIC));
    assert_false(
        sns_subscribe_url_ok("https://sns.us-east-1.amazonaws.com/?Action=Publish&x", TOPIC));
}

static void long_addresses(void **state)
{
    static const char start[] = "https://sns.us-east-1.amazonaws.com/";
    char url[3000], topic[80];
    size_t n;

    (void)state;
    n = (size_t)snprintf(url, sizeof(url), "%sSimpleNotificationService-", start);
    memset(url + n, 'a', 300);
    memcpy(url + n + 300, ".pem", 5);
    assert_false(sns_cert_url_ok(url, TOPIC));
    n = (size_t)snprintf(url, sizeof(url), "%s?Action=ConfirmSubscription&Token=", start);
    memset(url + n, 'a', 2200);
    url[n + 2200] = '\0';
    assert_false(sns_subscribe_url_ok(url, TOPIC));
    url[n + 200] = '\0';
    assert_true(sns_subscribe_url_ok(url, TOPIC));
    url[n + 100] = '\n';
    assert_false(sns_subscribe_url_ok(url, TOPIC));
    snprintf(topic, sizeof(topic), "arn:aws:sns:%031d:1:t", 0);
    snprintf(url, sizeof(url), "https://sns.%031d.amazonaws.com/SimpleNotificationService-1.pem",
             0);
    assert_false(sns_cert_url_ok(url, topic));
}

/* A topic is the whole of an entry. */
static void topics_are_whole(void **state)
{
    static const char *const list[] = {"arn:other", TOPIC, NULL};
    struct sns_message m = {.topic = TOPIC};

    (void)state;
    assert_true(sns_topic_ok(&m, list));
    assert_false(sns_topic_ok(&m, NULL));
    m.topic = TOPIC "x";
    assert_false(sns_topic_ok(&m, list));
    m.topic = "";
    assert_false(sns_topic_ok(&m, list));
}

static void envelopes_are_complete(void **state)
{
#define NOTE(type, more)                                                                           \
    "{\"Type\":\"" type "\",\"MessageId\":\"m\",\"TopicArn\":\"t\",\"Message\":\"x\","             \
    "\"SigningCertURL\":\"u\"" more "}"
#define SIGNED                                                                                     \
    "\"Timestamp\":\"2026-06-01T12:00:00Z\",\"SignatureVersion\":\"1\",\"Signature\":\"AAAA\""
    static const struct {
        const char *text;
        int rc;
    } rows[] = {
        {NOTE("Notification", "," SIGNED), 0},
        {NOTE("Notification", "," SIGNED ",\"Subject\":null"), 0},
        {NOTE("Notification", "," SIGNED ",\"Subject\":7"), -EBADMSG},
        {NOTE("Announcement", "," SIGNED ",\"Token\":\"t\",\"SubscribeURL\":\"u\""), -EBADMSG},
        {NOTE("SubscriptionConfirmation", "," SIGNED ",\"Token\":\"t\",\"SubscribeURL\":\"u\""), 0},
        {NOTE("UnsubscribeConfirmation", "," SIGNED ",\"Token\":\"t\",\"SubscribeURL\":\"u\""), 0},
        {NOTE("SubscriptionConfirmation", "," SIGNED ",\"Token\":\"t\""), -EBADMSG},
        {NOTE("SubscriptionConfirmation", "," SIGNED ",\"SubscribeURL\":\"u\""), -EBADMSG},
        {NOTE("Notification",
              ",\"Timestamp\":\"noon\",\"SignatureVersion\":\"1\",\"Signature\":\"AA==\""),
         -EBADMSG},
        {NOTE("Notification", ",\"Timestamp\":\"2026-06-01T12:00:00Z\",\"SignatureVersion\":\"3\","
                              "\"Signature\":\"AAAA\""),
         -EBADMSG},
        {NOTE("Notification", ",\"Timestamp\":\"2026-06-01T12:00:00Z\",\"SignatureVersion\":\"1\","
                              "\"Signature\":\"\""),
         -EBADMSG},
    };
    struct sns_message m;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        cJSON *j = cJSON_Parse(rows[i].text);

        assert_non_null(j);
        assert_int_equal(sns_parse(j, a, &m), rows[i].rc);
        cJSON_Delete(j);
    }
}

/* --- own keys ------------------------------------------------------------------------------ */

static struct buf pem_of(EVP_PKEY *key, const char *host, long from, long to)
{
    X509 *x = X509_new();
    X509_NAME *name = X509_get_subject_name(x);
    X509_EXTENSION *san;
    char alt[128], *p;
    struct buf out;
    BIO *bio = BIO_new(BIO_s_mem());
    long n;

    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_time_adj_ex(X509_getm_notBefore(x), (int)from, 0, NULL);
    X509_time_adj_ex(X509_getm_notAfter(x), (int)to, 0, NULL);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)host, -1, -1, 0);
    X509_NAME *issuer = X509_get_issuer_name(x);
    X509_NAME_add_entry_by_txt(issuer, "CN", MBSTRING_ASC, (const unsigned char *)"Some CA", -1, -1,
                               0);
    snprintf(alt, sizeof(alt), "DNS:%s", host);
    san = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, alt);
    X509_add_ext(x, san, -1);
    X509_EXTENSION_free(san);
    X509_set_pubkey(x, key);
    X509_sign(x, key, EVP_sha256());
    PEM_write_bio_X509(bio, x);
    n = BIO_get_mem_data(bio, &p);
    buf_init(&out, 1 << 16);
    buf_add(&out, p, (size_t)n);
    BIO_free(bio);
    X509_free(x);
    return out;
}

static void sign(struct sns_message *m, EVP_PKEY *key)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    unsigned char *sig = arena_alloc(a, 512);
    size_t n = 512;
    struct buf b;

    buf_init(&b, 65536);
    assert_int_equal(sns_string_to_sign(m, &b), 0);
    EVP_DigestSignInit(ctx, NULL, m->version == 1 ? EVP_sha1() : EVP_sha256(), NULL, key);
    assert_int_equal(EVP_DigestSign(ctx, sig, &n, (const unsigned char *)b.p, b.len), 1);
    m->signature = str_make((const char *)sig, n);
    EVP_MD_CTX_free(ctx);
    buf_free(&b);
}

static struct sns_message note(void)
{
    return (struct sns_message){
        .type = "Notification",
        .message_id = "6a7b",
        .topic = TOPIC,
        .message = "{\"action\":\"entitlement-updated\",\"customer-identifier\":\"C\","
                   "\"product-code\":\"P\"}",
        .timestamp = "2026-06-01T12:00:00.000Z",
        .time_ms = 1780315200000,
        .subscribe_url = "",
        .token = "",
        .cert_url = URL,
        .version = 2,
    };
}

static int verdict(EVP_PKEY *key, EVP_PKEY *signer, const char *host, long from, long to,
                   unsigned version, const char **why)
{
    struct sns_message m = note();
    struct buf pem = pem_of(key, host, from, to);
    struct sns_trust *t;
    int rc;

    m.version = version;
    sign(&m, signer);
    assert_int_equal(sns_trust_open("", &t), 0);
    assert_int_equal(sns_trust_add(t, URL, buf_view(&pem)), 0);
    /* pem_of() counts in days from now; so the message is of now. */
    m.time_ms = (int64_t)time(NULL) * 1000;
    rc = sns_verify(t, &m, why);
    sns_trust_close(&t);
    buf_free(&pem);
    return rc;
}

static void certificate_rules(void **state)
{
    EVP_PKEY *key = EVP_RSA_gen(2048), *other = EVP_RSA_gen(2048), *weak = EVP_RSA_gen(1024);
    const char *why;

    (void)state;
    for (unsigned v = 1; v <= 2; v++)
        assert_int_equal(verdict(key, key, "sns.amazonaws.com", -1, 1, v, &why), 0);
    assert_int_equal(verdict(key, key, "sns.us-east-1.amazonaws.com", -1, 1, 2, &why), 0);
    assert_int_equal(verdict(key, key, "sns.us-west-2.amazonaws.com", -1, 1, 2, &why),
                     -EKEYREJECTED);
    assert_int_equal(verdict(key, key, "evil.example", -1, 1, 2, &why), -EKEYREJECTED);
    assert_int_equal(verdict(key, key, "*.amazonaws.com", -1, 1, 2, &why), -EKEYREJECTED);
    assert_int_equal(verdict(key, key, "sns.amazonaws.com", -3, -1, 2, &why), -EKEYREJECTED);
    assert_non_null(strstr(why, "not valid at the message's time"));
    assert_int_equal(verdict(key, key, "sns.amazonaws.com", 1, 3, 2, &why), -EKEYREJECTED);
    assert_int_equal(verdict(key, other, "sns.amazonaws.com", -1, 1, 2, &why), -EKEYREJECTED);
    assert_int_equal(verdict(weak, weak, "sns.amazonaws.com", -1, 1, 2, &why), -EKEYREJECTED);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
    EVP_PKEY_free(weak);
}

/* A file that carries a chain must carry a good one. */
static void a_given_chain_must_hold(void **state)
{
    EVP_PKEY *key = EVP_RSA_gen(2048);
    struct sns_message m = note();
    struct buf leaf = pem_of(key, "sns.amazonaws.com", -1, 1), twice;
    struct sns_trust *t;
    const char *why;

    (void)state;
    sign(&m, key);
    m.time_ms = (int64_t)time(NULL) * 1000;
    buf_init(&twice, 1 << 16);
    buf_str(&twice, buf_view(&leaf));
    buf_str(&twice, buf_view(&leaf));
    assert_int_equal(sns_trust_open("", &t), 0);
    assert_int_equal(sns_trust_add(t, URL, STR("no certificate")), -EINVAL);
    assert_int_equal(sns_verify(t, &m, &why), -EAGAIN);
    assert_int_equal(sns_trust_add(t, URL, buf_view(&twice)), 0);
    assert_int_equal(sns_verify(t, &m, &why), -EKEYREJECTED);
    assert_int_equal(sns_trust_add(t, URL, buf_view(&leaf)), 0);
    assert_int_equal(sns_verify(t, &m, &why), 0);
    m.cert_url = "https://s3.amazonaws.com/SimpleNotificationService-1.pem";
    assert_int_equal(sns_verify(t, &m, &why), -EKEYREJECTED);
    sns_trust_close(&t);
    EVP_PKEY_free(key);
    buf_free(&leaf);
    buf_free(&twice);
}

/* China has its own names. */
static void names_of_china(void **state)
{
    EVP_PKEY *key = EVP_RSA_gen(2048);
    struct buf ours = pem_of(key, "sns.amazonaws.com.cn", -1, 1);
    struct buf other = pem_of(key, "sns.amazonaws.com", -1, 1);
    struct sns_message m = note();
    struct sns_trust *t;
    const char *why;

    (void)state;
    m.topic = "arn:aws-cn:sns:cn-north-1:1:t";
    m.cert_url = "https://sns.cn-north-1.amazonaws.com.cn/SimpleNotificationService-1.pem";
    sign(&m, key);
    m.time_ms = (int64_t)time(NULL) * 1000;
    assert_int_equal(sns_trust_open("", &t), 0);
    assert_int_equal(sns_trust_add(t, m.cert_url, buf_view(&other)), 0);
    assert_int_equal(sns_verify(t, &m, &why), -EKEYREJECTED);
    assert_int_equal(sns_trust_add(t, m.cert_url, buf_view(&ours)), 0);
    assert_int_equal(sns_verify(t, &m, &why), 0);
    sns_trust_close(&t);
    EVP_PKEY_free(key);
    buf_free(&ours);
    buf_free(&other);
}

/* Several certificates at a time, until new ones take the room of the oldest. */
static void certificates_side_by_side(void **state)
{
    EVP_PKEY *key = EVP_RSA_gen(2048);
    struct buf leaf = pem_of(key, "sns.amazonaws.com", -1, 1);
    struct sns_message m = note();
    struct sns_trust *t;
    const char *why;
    char url[100];

    (void)state;
    sign(&m, key);
    m.time_ms = (int64_t)time(NULL) * 1000;
    m.cert_url = url;
    assert_int_equal(sns_trust_open("", &t), 0);
    for (int i = 1; i <= 9; i++) {
        snprintf(url, sizeof(url),
                 "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-%d.pem", i);
        assert_int_equal(sns_trust_add(t, url, buf_view(&leaf)), 0);
    }
    for (int i = 1; i <= 9; i++) {
        snprintf(url, sizeof(url),
                 "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-%d.pem", i);
        assert_int_equal(sns_verify(t, &m, &why), i == 1 ? -EAGAIN : 0);
    }
    sns_trust_close(&t);
    EVP_PKEY_free(key);
    buf_free(&leaf);
}

static void envelope(struct buf *b, const struct sns_message *m)
{
    struct jsonw w;
    struct buf sig;

    buf_init(b, 1 << 16);
    buf_init(&sig, 4096);
    enc_b64(&sig, m->signature.p, m->signature.n);
    jsonw_init(&w, b);
    jsonw_obj(&w);
    jsonw_kvs(&w, "Type", str_of(m->type));
    jsonw_kvs(&w, "MessageId", str_of(m->message_id));
    jsonw_kvs(&w, "TopicArn", str_of(m->topic));
    jsonw_kvs(&w, "Message", str_of(m->message));
    jsonw_kvs(&w, "Timestamp", str_of(m->timestamp));
    jsonw_kvs(&w, "SignatureVersion", m->version == 1 ? STR("1") : STR("2"));
    jsonw_kvs(&w, "Signature", buf_view(&sig));
    jsonw_kvs(&w, "SigningCertURL", str_of(m->cert_url));
    jsonw_kvs_opt(&w, "Token", str_of(m->token));
    jsonw_kvs_opt(&w, "SubscribeURL", str_of(m->subscribe_url));
    jsonw_obj_end(&w);
    buf_free(&sig);
}

/* The whole way: topic list, pinned certificate, inner message. The pinned one has no name rule,
 * so a staging peer may sign with its own. */
static void envelopes_become_events(void **state)
{
    static const char *const topics[] = {"arn:other", TOPIC, NULL};
    struct cfg_market cfg = {.mode = CFG_LEGACY, .sns_topics = topics};
    EVP_PKEY *key = EVP_RSA_gen(2048);
    struct buf pem = pem_of(key, "staging", -3650, 3650), body;
    struct sns_message m = note();
    char path[512];
    struct market_event e;
    struct sns_trust *t;
    const char *why;

    (void)state;
    snprintf(path, sizeof(path), "%s/test_sns.XXXXXX",
             getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    close(mkstemp(path));
    assert_int_equal(file_write_atomic(path, buf_view(&pem), 0600), 0);
    assert_int_equal(sns_trust_open(path, &t), 0);
    unlink(path);
    m.cert_url = "http://127.0.0.1/any.pem";
    sign(&m, key);
    envelope(&body, &m);
    assert_int_equal(aws_event_parse(&cfg, t, buf_view(&body), a, &e, &why), 0);
    assert_int_equal(e.kind, EVENT_ENTITLEMENT_CHANGED);
    assert_string_equal(e.dedupe, "6a7b");
    assert_string_equal(e.purchase, "P/C");
    assert_true(e.time_ms == 1780315200000);
    cfg.sns_topics = NULL;
    assert_int_equal(aws_event_parse(&cfg, t, buf_view(&body), a, &e, &why), -EKEYREJECTED);
    cfg.sns_topics = topics;
    /* A subscription is confirmed by the seller: here it is no news. */
    m.type = "SubscriptionConfirmation";
    m.token = "t";
    m.subscribe_url = "https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&Token=t";
    m.message = "You have chosen to subscribe.";
    sign(&m, key);
    buf_free(&body);
    envelope(&body, &m);
    assert_int_equal(aws_event_parse(&cfg, t, buf_view(&body), a, &e, &why), 0);
    assert_int_equal(e.kind, EVENT_IGNORED);
    assert_string_equal(e.type, "SubscriptionConfirmation");
    m = note();
    m.cert_url = "http://127.0.0.1/any.pem";
    sign(&m, key);
    m.message = "{\"action\":\"unsubscribe-success\",\"customer-identifier\":\"C\"}";
    buf_free(&body);
    envelope(&body, &m);
    assert_int_equal(aws_event_parse(&cfg, t, buf_view(&body), a, &e, &why), -EKEYREJECTED);
    sns_trust_close(&t);
    EVP_PKEY_free(key);
    buf_free(&pem);
    buf_free(&body);
    assert_int_equal(sns_trust_open("/nonexistent", &t), -ENOENT);
}

static void genuine_topics_need_the_list(void **state)
{
    static const char *const topics[] = {REAL_TOPIC, NULL};
    struct cfg_market cfg = {.mode = CFG_LEGACY, .sns_topics = topics};
    struct market_event e;
    struct sns_trust *t;
    const char *why;
    struct buf b;

    (void)state;
    if (!load("notification-v2.json", &b))
        skip();
    assert_int_equal(sns_trust_open("", &t), 0);
    assert_int_equal(aws_event_parse(&cfg, t, buf_view(&b), a, &e, &why), -EAGAIN);
    cfg.sns_topics = NULL;
    assert_int_equal(aws_event_parse(&cfg, t, buf_view(&b), a, &e, &why), -EKEYREJECTED);
    sns_trust_close(&t);
    buf_free(&b);
}

#define WITH_ARENA(f) cmocka_unit_test_setup_teardown(f, fresh, drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_ARENA(genuine_messages_verify),
        WITH_ARENA(one_changed_byte_fails),
        WITH_ARENA(the_last_line_ends),
        WITH_ARENA(certificate_addresses),
        WITH_ARENA(long_addresses),
        WITH_ARENA(topics_are_whole),
        WITH_ARENA(envelopes_are_complete),
        WITH_ARENA(certificates_side_by_side),
        WITH_ARENA(names_of_china),
        WITH_ARENA(certificate_rules),
        WITH_ARENA(a_given_chain_must_hold),
        WITH_ARENA(envelopes_become_events),
        WITH_ARENA(genuine_topics_need_the_list),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
