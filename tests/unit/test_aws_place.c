/* Where the services are: one row per partition and kind of queue, as the service models' own
 * endpoint tests have them; and what a configuration says goes first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "market/aws.h"

static struct arena *arena;
static struct cfg_market cfg;
static struct aws m;

static int begin(const char *region, const char *queue_url)
{
    cfg = (struct cfg_market){.region = region,
                              .queue_url = queue_url,
                              .metering_endpoint = "",
                              .entitlement_endpoint = "",
                              .agreement_endpoint = "",
                              .sqs_endpoint = ""};
    memset(&m, 0, sizeof(m));
    m.cfg = &cfg;
    m.a = arena;
    return aws_places(&m);
}

static void at(enum aws_endpoint e, const char *url, const char *host, const char *region)
{
    assert_string_equal(m.at[e].url, url);
    assert_string_equal(m.at[e].host, host);
    assert_string_equal(m.at[e].region, region);
    assert_int_equal(m.at[e].allow & HTTP_PRIVATE, HTTP_PRIVATE);
}

#define AT(e, host, region) at(e, "https://" host "/", host, region)

static void partitions(void **state)
{
    static const char *const standard[] = {"", "us-east-1", "eu-west-1"};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(begin(standard[i], ""), 0);
        AT(EP_ENTITLEMENT, "entitlement.marketplace.us-east-1.amazonaws.com", "us-east-1");
        AT(EP_AGREEMENT, "agreement-marketplace.us-east-1.amazonaws.com", "us-east-1");
        assert_null(m.at[EP_SQS].url);
    }
    AT(EP_METERING, "metering.marketplace.eu-west-1.amazonaws.com", "eu-west-1");
    assert_int_equal(begin("", ""), 0);
    AT(EP_METERING, "metering.marketplace.us-east-1.amazonaws.com", "us-east-1");
    assert_int_equal(begin("cn-north-1", ""), 0);
    AT(EP_METERING, "metering.marketplace.cn-north-1.amazonaws.com.cn", "cn-north-1");
    AT(EP_ENTITLEMENT, "entitlement-marketplace.cn-northwest-1.amazonaws.com.cn", "cn-northwest-1");
    AT(EP_AGREEMENT, "agreement-marketplace.cn-northwest-1.amazonaws.com.cn", "cn-northwest-1");
    assert_int_equal(begin("eusc-de-east-1", ""), 0);
    AT(EP_METERING, "metering-marketplace.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1");
    AT(EP_ENTITLEMENT, "entitlement-marketplace.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1");
    AT(EP_AGREEMENT, "agreement-marketplace.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1");
}

static void queues(void **state)
{
    static const struct {
        const char *region, *queue, *url, *host, *signed_for;
    } rows[] = {
        {"", "https://sqs.us-east-1.amazonaws.com/123456789012/events",
         "https://sqs.us-east-1.amazonaws.com/", "sqs.us-east-1.amazonaws.com", "us-east-1"},
        /* The queue's own region, whatever the listing's. */
        {"us-east-1", "https://sqs.eu-central-1.amazonaws.com/1/q",
         "https://sqs.eu-central-1.amazonaws.com/", "sqs.eu-central-1.amazonaws.com",
         "eu-central-1"},
        {"cn-north-1", "https://sqs.cn-northwest-1.amazonaws.com.cn/1/q",
         "https://sqs.cn-northwest-1.amazonaws.com.cn/", "sqs.cn-northwest-1.amazonaws.com.cn",
         "cn-northwest-1"},
        /* No name of AWS's: the partition's home. */
        {"eu-west-1", "https://sqs.queues.example/1/q", "https://sqs.queues.example/",
         "sqs.queues.example", "us-east-1"},
        {"eu-west-1", "https://queue.eu-west-1.amazonaws.com/1/q",
         "https://queue.eu-west-1.amazonaws.com/", "queue.eu-west-1.amazonaws.com", "us-east-1"},
        {"eusc-de-east-1", "http://127.0.0.1:9324/000000000000/q", "http://127.0.0.1:9324/",
         "127.0.0.1:9324", "eusc-de-east-1"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        assert_int_equal(begin(rows[i].region, rows[i].queue), 0);
        at(EP_SQS, rows[i].url, rows[i].host, rows[i].signed_for);
    }
    assert_int_not_equal(begin("", "queue"), 0);
}

static void what_is_configured_goes_first(void **state)
{
    (void)state;
    begin("eu-west-1", "https://sqs.us-east-1.amazonaws.com/1/q");
    cfg.metering_endpoint = "http://127.0.0.1:1";
    cfg.entitlement_endpoint = "http://127.0.0.1:2";
    cfg.agreement_endpoint = "http://127.0.0.1:3";
    cfg.sqs_endpoint = "http://127.0.0.1:4";
    assert_int_equal(aws_places(&m), 0);
    at(EP_METERING, "http://127.0.0.1:1", "127.0.0.1:1", "eu-west-1");
    at(EP_ENTITLEMENT, "http://127.0.0.1:2", "127.0.0.1:2", "us-east-1");
    at(EP_AGREEMENT, "http://127.0.0.1:3", "127.0.0.1:3", "us-east-1");
    at(EP_SQS, "http://127.0.0.1:4", "127.0.0.1:4", "us-east-1");
    for (size_t i = 0; i < 4; i++) {
        const char **all[] = {&cfg.metering_endpoint, &cfg.entitlement_endpoint,
                              &cfg.agreement_endpoint, &cfg.sqs_endpoint};
        const char *was = *all[i];

        *all[i] = "ftp//";
        assert_int_not_equal(aws_places(&m), 0);
        *all[i] = was;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(partitions),
        cmocka_unit_test(queues),
        cmocka_unit_test(what_is_configured_goes_first),
    };
    int rc;

    arena = arena_new(65536, 1 << 20);
    rc = cmocka_run_group_tests_name("aws: places", tests, NULL, NULL);
    arena_free(&arena);
    return rc;
}
