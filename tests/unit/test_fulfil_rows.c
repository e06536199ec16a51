/* decide, single steps: what costs money or loses data when it is another one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fulfil/decide.h"

enum { NOW = 1000, LATER = 5000 };

#define READY_NOW                                                                                  \
    .fulfilment = FULFIL_READY, .registered = true, .has_plan = true, .deployed = true,            \
    .applied = true, .spec_current = true
#define HELD                                                                                       \
    .contract = CONTRACT_PENDING, .commit = COMMIT_HELD, .has_plan = true, .registered = true

static const struct {
    const char *what;
    struct decide_in in;
    enum act act;
    enum desire desire;
    enum fulfilment to;
} rows[] = {
    {"erasure ends what runs",
     {READY_NOW, .contract = CONTRACT_ACTIVE, .erase = true},
     ACT_MOVE,
     DESIRE_DELETED,
     FULFIL_DELETING},
    {"what an engine has is deleted before the order is closed",
     {.contract = CONTRACT_CANCELLED,
      .fulfilment = FULFIL_DELETING,
      .deployed = true,
      .delete_at_ms = NOW},
     ACT_DELETE,
     DESIRE_DELETED,
     FULFIL_RECEIVED},
    {"kept through grace",
     {READY_NOW, .contract = CONTRACT_CANCELLED, .keep_on_end = true},
     ACT_WAIT,
     DESIRE_RUNNING,
     FULFIL_RECEIVED},
    {"kept through grace, but an operator stopped it",
     {READY_NOW, .contract = CONTRACT_CANCELLED, .keep_on_end = true, .want_suspended = true},
     ACT_SUSPEND,
     DESIRE_SUSPENDED,
     FULFIL_RECEIVED},
    {"suspended by the channel",
     {READY_NOW, .contract = CONTRACT_SUSPENDED},
     ACT_SUSPEND,
     DESIRE_SUSPENDED,
     FULFIL_RECEIVED},
    {"suspended by an operator",
     {READY_NOW, .contract = CONTRACT_ACTIVE, .want_suspended = true},
     ACT_SUSPEND,
     DESIRE_SUSPENDED,
     FULFIL_RECEIVED},
    {"suspended while it is made",
     {.contract = CONTRACT_SUSPENDED,
      .fulfilment = FULFIL_PROVISIONING,
      .registered = true,
      .has_plan = true,
      .deployed = true},
     ACT_SUSPEND,
     DESIRE_SUSPENDED,
     FULFIL_RECEIVED},
    {"committed, and not shown as running yet",
     {.contract = CONTRACT_PENDING,
      .commit = COMMIT_DONE,
      .fulfilment = FULFIL_RECEIVED,
      .registered = true},
     ACT_MOVE,
     DESIRE_RUNNING,
     FULFIL_IDENTIFIED},
    {"an account is granted when the charge may begin",
     {HELD, .fulfilment = FULFIL_IDENTIFIED, .account = true},
     ACT_COMMIT,
     DESIRE_RUNNING,
     FULFIL_RECEIVED},
    {"what a person made is committed before it is ready",
     {HELD, .fulfilment = FULFIL_PROVISIONING, .manual = true},
     ACT_COMMIT,
     DESIRE_RUNNING,
     FULFIL_RECEIVED},
    {"late, and nobody registered: no charge begins, whatever the plan says",
     {.contract = CONTRACT_PENDING,
      .commit = COMMIT_HELD,
      .fulfilment = FULFIL_RECEIVED,
      .has_plan = true,
      .on_late = CFG_LATE_COMMIT,
      .commit_deadline_ms = NOW},
     ACT_TELL_LATE,
     DESIRE_NONE,
     FULFIL_RECEIVED},
    {"stuck waits for a person",
     {.contract = CONTRACT_ACTIVE,
      .fulfilment = FULFIL_STUCK,
      .registered = true,
      .has_plan = true},
     ACT_REST,
     DESIRE_RUNNING,
     FULFIL_RECEIVED},
    {"a visit looks at what is called ready",
     {READY_NOW, .contract = CONTRACT_ACTIVE, .drift_due = true},
     ACT_OBSERVE,
     DESIRE_RUNNING,
     FULFIL_RECEIVED},
    {"an apply whose end is not known is looked at, not made again",
     {.contract = CONTRACT_ACTIVE,
      .fulfilment = FULFIL_PROVISIONING,
      .registered = true,
      .has_plan = true,
      .deployed = true,
      .spec_current = true,
      .pending = true},
     ACT_OBSERVE,
     DESIRE_RUNNING,
     FULFIL_RECEIVED},
    {"another plan was bought while it was checked",
     {.contract = CONTRACT_ACTIVE,
      .fulfilment = FULFIL_VERIFYING,
      .registered = true,
      .has_plan = true,
      .deployed = true,
      .applied = true},
     ACT_RENEW_SPEC,
     DESIRE_RUNNING,
     FULFIL_RECEIVED},
    {"what was mended while it was checked is applied before it is checked again",
     {.contract = CONTRACT_ACTIVE,
      .fulfilment = FULFIL_VERIFYING,
      .registered = true,
      .has_plan = true,
      .deployed = true,
      .spec_current = true},
     ACT_MOVE,
     DESIRE_RUNNING,
     FULFIL_PROVISIONING},
    {"what an engine may have is not called suspended before the engine says so",
     {.contract = CONTRACT_ACTIVE,
      .fulfilment = FULFIL_IDENTIFIED,
      .registered = true,
      .has_plan = true,
      .deployed = true,
      .want_suspended = true},
     ACT_SUSPEND,
     DESIRE_SUSPENDED,
     FULFIL_RECEIVED},
    {"an account that was suspended before it was granted has no engine",
     {.contract = CONTRACT_ACTIVE,
      .fulfilment = FULFIL_SUSPENDED,
      .registered = true,
      .has_plan = true,
      .account = true},
     ACT_GRANT,
     DESIRE_RUNNING,
     FULFIL_RECEIVED},
    {"a deletion that was given up waits for a person",
     {.contract = CONTRACT_ACTIVE,
      .fulfilment = FULFIL_STUCK,
      .registered = true,
      .has_plan = true,
      .deployed = true,
      .want_deleted = true,
      .delete_gave_up = true},
     ACT_REST,
     DESIRE_DELETED,
     FULFIL_RECEIVED},
};

static void each_row(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct decide_in in = rows[i].in;
        struct decision d;

        in.now_ms = NOW;
        if (in.delete_at_ms == 0)
            in.delete_at_ms = LATER;
        if (in.commit_deadline_ms == 0)
            in.commit_deadline_ms = LATER;
        decide(&in, &d);
        if (d.act != rows[i].act || d.desire != rows[i].desire)
            fail_msg("%s: %s, desire %d", rows[i].what, act_name(d.act), (int)d.desire);
        if (d.act == ACT_MOVE)
            assert_int_equal(d.to, rows[i].to);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_row)};

    return cmocka_run_group_tests_name("fulfil rows", tests, NULL, NULL);
}
