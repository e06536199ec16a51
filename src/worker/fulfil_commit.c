/*
 * fulfil_commit: commit after health. Where the channel holds the charge until we say so, that word
 * is given when the environment answers, or when the plan says otherwise.
 *
 * The word itself is the task `tell` of role market: it is durable before this task goes on, may be
 * sent again, and what came of it is read back from the channel (contract becomes ACTIVE), which
 * wakes this order again. So a crash anywhere between the intent here and the answer there repeats
 * a call that the channel answers the same way, and never bills twice.
 */
#include "base/crash.h"
#include "worker/fulfil.h"

static const struct {
    enum act act;
    const char *commit, *msg, *task, *mail, *hold, *log;
} words[] = {
    {ACT_COMMIT, "asked", "confirming", "tell market 0 commit", NULL, NULL, "commit"},
    {ACT_REJECT, "rejected", "rejected", "tell market 0 reject", "alert-rejected", NULL, "reject"},
    {ACT_ASK_APPROVAL, NULL, "approval", NULL, "alert-approval", "approval", "approval"},
    {ACT_TELL_LATE, NULL, NULL, NULL, "alert-commit", NULL, "late"},
    {ACT_TELL_CHARGE, NULL, NULL, NULL, "alert-charged", NULL, "begun while stopped"},
    {ACT_TELL_CHANGE, NULL, NULL, NULL, "alert-change", NULL, "change refused"},
};

void fulfil_commit(struct task *t, enum act act)
{
    struct fulfil_work *f = t->state;
    struct args a;
    size_t i = 0;

    while (words[i].act != act)
        i++;
    fulfil_args(&a, t);
    if (words[i].commit)
        args_kv(&a, "o.commit", str_of(words[i].commit));
    if (words[i].msg)
        args_kv(&a, "o.msg", str_of(words[i].msg));
    if (words[i].hold)
        args_kv(&a, "o.hold", str_of(words[i].hold));
    if (words[i].task)
        args_kv(&a, "+task", str_of(words[i].task));
    if (words[i].mail)
        args_kv(&a, "+mail", str_of(words[i].mail));
    if (act == ACT_COMMIT) {
        args_kvi(&a, "o.at_asked", f->v.now);
        if (f->v.in.fulfilment == FULFIL_VERIFYING)
            args_kvi(&a, "o.at_verified", f->v.now);
    }
    if (act == ACT_TELL_LATE)
        args_kv(&a, "o.late_commit", STR("1"));
    if (act == ACT_TELL_CHARGE)
        args_kv(&a, "o.charge_told", STR("1"));
    if (act == ACT_TELL_CHANGE)
        args_kv(&a, "o.change_told", f->v.bought);
    fulfil_log(&a, "commit", words[i].log);
    crash_point("fulfil.before_commit");
    fulfil_write(t, &a, fulfil_written);
}

const struct market_caps *fulfil_caps(const struct fulfil_work *f)
{
    return market_caps_of(f->market ? market_find(f->market->channel) : NULL, f->market);
}

void fulfil_tell_progress(struct args *a, struct task *t)
{
    struct fulfil_work *f = t->state;

    if (f->v.in.commit == COMMIT_HELD && fulfil_caps(f)->progress)
        args_kv(a, "+task", STR("tell market 0 progress"));
}
