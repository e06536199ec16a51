#include "sandbox/sb_usage.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define QUANTITY_MAX    2147483647
#define ALLOCATIONS_MAX 2500
#define TAGS_MAX        5

bool sb_usage_in_window(int64_t at_ms, int64_t now_ms)
{
    char iso[CLOCK_ISO];
    int64_t month;

    if (at_ms > now_ms || now_ms - at_ms >= 24 * (int64_t)SB_HOUR_MS)
        return false;
    clock_iso(now_ms, iso);
    memcpy(iso + 8, "01T00:00:00Z", 13);
    if (clock_parse_iso(str_of(iso), &month))
        return false;
    return at_ms >= month || now_ms < month + 6 * (int64_t)SB_HOUR_MS;
}

static bool tag_text(struct str s, size_t max)
{
    static const char extra[] = "+ -=._:\\/@";

    if (s.n == 0 || s.n > max)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!alnum && !memchr(extra, c, sizeof(extra) - 1))
            return false;
    }
    return true;
}

static int check_tags(struct sb_call *c, const cJSON *tags)
{
    const cJSON *tag;

    if (cJSON_GetArraySize(tags) < 1 || cJSON_GetArraySize(tags) > TAGS_MAX)
        return sb_call_fail(c, "InvalidTagException", "a bucket has one to five tags");
    cJSON_ArrayForEach(tag, tags)
    {
        if (!tag_text(json_str(tag, "Key"), 100) || !tag_text(json_str(tag, "Value"), 256))
            return sb_call_fail(c, "InvalidTagException", "a tag key or value is invalid");
    }
    return 0;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* One text for a set of tags, whatever their order; "" for none. Caller frees. */
static char *tag_set(const cJSON *tags)
{
    char *line[TAGS_MAX] = {NULL};
    const cJSON *tag;
    size_t n = 0;
    struct buf b;

    cJSON_ArrayForEach(tag, tags)
    {
        line[n++] = cJSON_PrintUnformatted(tag);
    }
    if (n > 1)
        qsort(line, n, sizeof(line[0]), by_text);
    buf_init(&b, 8192);
    for (size_t i = 0; i < n; i++) {
        buf_cat(&b, line[i]);
        free(line[i]);
    }
    char *out = strdup(buf_cstr(&b));
    buf_free(&b);
    return out;
}

/* No two buckets with the same tags; so at most one without any. */
static bool distinct(char **sets, size_t n)
{
    qsort(sets, n, sizeof(sets[0]), by_text);
    for (size_t i = 1; i < n; i++) {
        if (!strcmp(sets[i - 1], sets[i]))
            return false;
    }
    return true;
}

static int read_buckets(struct sb_call *c, const cJSON *list, char **sets, size_t *n, int64_t *sum)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, list)
    {
        const cJSON *tags = json_get(item, "Tags");
        int64_t q;
        if (json_int(item, "AllocatedUsageQuantity", &q) || q < 0 || q > QUANTITY_MAX)
            return sb_call_fail(c, "InvalidUsageAllocationsException", "a bucket has no quantity");
        if (tags && check_tags(c, tags))
            return -1;
        *sum += q;
        sets[*n] = tag_set(tags);
        if (!sets[*n])
            return sb_call_fail(c, "InternalServiceErrorException", "out of memory");
        (*n)++;
    }
    return 0;
}

static int check_allocations(struct sb_call *c, const cJSON *list, struct sb_usage *u)
{
    int count = cJSON_GetArraySize(list);
    int64_t sum = 0;
    size_t n = 0;
    int rc;

    if (!cJSON_IsArray(list) || count < 1 || count > ALLOCATIONS_MAX)
        return sb_call_fail(c, "InvalidUsageAllocationsException", "1 to 2500 buckets");
    char **sets = calloc((size_t)count, sizeof(*sets));
    char *text = cJSON_PrintUnformatted(list);
    if (!sets || !text) {
        rc = sb_call_fail(c, "InternalServiceErrorException", "out of memory");
        goto out;
    }
    rc = read_buckets(c, list, sets, &n, &sum);
    if (rc == 0 && sum != u->quantity)
        rc = sb_call_fail(c, "InvalidUsageAllocationsException", "the buckets do not add up");
    if (rc == 0 && !distinct(sets, n))
        rc = sb_call_fail(c, "InvalidUsageAllocationsException", "two buckets have the same tags");
    hash_sha256_hex(str_of(text), u->allocations);
out:
    for (size_t i = 0; i < n; i++)
        free(sets[i]);
    free(sets);
    free(text);
    return rc;
}

int sb_usage_check(struct sb_call *c, const cJSON *rec, struct sb_usage *u)
{
    const cJSON *list = json_get(rec, "UsageAllocations");
    int rc;

    *u = (struct sb_usage){.json = rec, .dimension = json_str(rec, "Dimension")};
    if (json_epoch_ms(rec, "Timestamp", &u->at_ms))
        return sb_call_fail(c, "ValidationException", "Timestamp is required, in seconds");
    if (u->dimension.n == 0 || u->dimension.n > 255)
        return sb_call_fail(c, "InvalidUsageDimensionException", "Dimension is required");
    rc = json_int(rec, "Quantity", &u->quantity);
    if (rc == -ENOENT)
        rc = 0;
    if (rc || u->quantity < 0 || u->quantity > QUANTITY_MAX)
        return sb_call_fail(c, "ValidationException", "Quantity is 0 to 2147483647");
    if (!sb_usage_in_window(u->at_ms, sb_core_now(c->s)))
        return sb_call_fail(c, "TimestampOutOfBoundsException",
                            "The Timestamp %lld is out of the allowed range",
                            (long long)(u->at_ms / 1000));
    return list ? check_allocations(c, list, u) : 0;
}
