#include "fulfil/decide.h"

enum { COMMIT_LOOK_MS = 600000 }; /* the answer wakes us; this is for when it was lost */

static bool ended(const struct decide_in *in)
{
    return in->contract == CONTRACT_CANCELLED || in->contract == CONTRACT_EXPIRED;
}

static bool charge_waits(const struct decide_in *in)
{
    return in->contract == CONTRACT_PENDING &&
           (in->commit == COMMIT_HELD || in->commit == COMMIT_ASKED || in->commit == COMMIT_DONE);
}

enum desire decide_desire(const struct decide_in *in)
{
    bool refused = in->contract == CONTRACT_PENDING && in->commit == COMMIT_REJECTED;

    if (in->want_deleted || in->erase || refused || (ended(in) && in->now_ms >= in->delete_at_ms))
        return DESIRE_DELETED;
    if (!in->registered)
        return DESIRE_NONE;
    if (ended(in))
        return in->keep_on_end && !in->want_suspended ? DESIRE_RUNNING : DESIRE_SUSPENDED;
    if (in->contract == CONTRACT_SUSPENDED || in->want_suspended)
        return DESIRE_SUSPENDED;
    return in->contract == CONTRACT_ACTIVE || charge_waits(in) ? DESIRE_RUNNING : DESIRE_NONE;
}

static struct decision say(enum act act)
{
    return (struct decision){.act = act};
}

static struct decision move(enum fulfilment to)
{
    return (struct decision){.act = ACT_MOVE, .to = to};
}

static struct decision toward_deleted(const struct decide_in *in)
{
    bool gave_up = in->fulfilment == FULFIL_STUCK || in->fulfilment == FULFIL_FAILED;

    if (gave_up && in->delete_gave_up)
        return say(ACT_REST); /* for a human, who says retry */
    if (in->fulfilment != FULFIL_DELETING)
        return move(FULFIL_DELETING);
    return in->deployed ? say(ACT_DELETE) : move(FULFIL_CLOSED);
}

static struct decision toward_suspended(const struct decide_in *in)
{
    switch (in->fulfilment) {
    case FULFIL_IDENTIFIED: /* with a deployment: after an operator's retry */
    case FULFIL_PROVISIONING:
    case FULFIL_VERIFYING:
        return in->deployed ? say(ACT_SUSPEND) : move(FULFIL_SUSPENDED);
    case FULFIL_READY:
    case FULFIL_UPDATING:
    case FULFIL_DEGRADED:
        return in->deployed ? say(ACT_SUSPEND) : say(ACT_REST);
    default:
        return say(ACT_REST);
    }
}

/* The recorded spec is not the wanted one. */
static struct decision renew(const struct decide_in *in)
{
    if (!in->replace || !in->deployed)
        return say(ACT_RENEW_SPEC);
    if (in->fulfilment == FULFIL_READY || in->fulfilment == FULFIL_DEGRADED)
        return move(FULFIL_UPDATING);
    return say(ACT_REPLACE);
}

/* The last step before READY, where the channel waits for our word. */
static struct decision after_commit(const struct decide_in *in, struct decision next)
{
    if (in->contract != CONTRACT_PENDING || in->commit == COMMIT_NONE)
        return next;
    if (in->commit == COMMIT_HELD)
        return say(ACT_COMMIT);
    return (struct decision){.act = ACT_WAIT, .until_ms = in->now_ms + COMMIT_LOOK_MS};
}

/* A running deployment that the records call finished or broken. */
static struct decision settled(const struct decide_in *in)
{
    if (!in->spec_current)
        return renew(in);
    switch (in->fulfilment) {
    case FULFIL_READY:
        if (!in->applied)
            return move(FULFIL_UPDATING);
        return say(in->drift_due ? ACT_OBSERVE : ACT_REST);
    case FULFIL_DEGRADED:
        return say(in->applied ? ACT_OBSERVE : ACT_APPLY);
    case FULFIL_FAILED:
        /* Only a new spec or an operator's retry (which moves the state) goes on from here. */
        return in->failed ? say(ACT_REST) : move(FULFIL_PROVISIONING);
    default:
        return say(ACT_REST);
    }
}

static struct decision toward_running(const struct decide_in *in)
{
    switch (in->fulfilment) {
    case FULFIL_RECEIVED:
        return move(FULFIL_IDENTIFIED);
    case FULFIL_IDENTIFIED:
        if (!in->has_plan)
            return move(FULFIL_STUCK);
        if (in->needs_approval)
            return say(ACT_ASK_APPROVAL);
        if (in->account)
            return after_commit(in, say(ACT_GRANT));
        if (in->commit_early && in->commit == COMMIT_HELD)
            return say(ACT_COMMIT);
        return in->spec_current ? move(FULFIL_PROVISIONING) : say(ACT_RENEW_SPEC);
    case FULFIL_PROVISIONING:
    case FULFIL_UPDATING:
        /* By hand: the move here set a hold; without it an operator has said that it is done. */
        if (in->manual)
            return after_commit(in, say(ACT_GRANT));
        if (!in->spec_current)
            return renew(in);
        if (in->applied)
            return move(FULFIL_VERIFYING);
        return say(in->pending ? ACT_OBSERVE : ACT_APPLY);
    case FULFIL_VERIFYING:
        if (!in->spec_current)
            return renew(in);
        if (!in->applied) /* a mended spec is not told by what the old one answers */
            return move(FULFIL_PROVISIONING);
        /* The probe comes first: only what answers is worth a charge (fulfil_probe). */
        return in->commit == COMMIT_HELD ? say(ACT_PROBE) : after_commit(in, say(ACT_PROBE));
    case FULFIL_SUSPENDED:
        if (in->account && !in->deployed)
            return after_commit(in, say(ACT_GRANT));
        return in->deployed ? say(ACT_RESUME) : move(FULFIL_PROVISIONING);
    default:
        return in->account ? say(ACT_REST) : settled(in);
    }
}

/* A charge that is held has its own clock, whatever else goes on. */
static bool overdue(const struct decide_in *in, struct decision *out)
{
    bool asked = in->commit == COMMIT_ASKED;

    if (in->contract != CONTRACT_PENDING || (!asked && in->commit != COMMIT_HELD))
        return false;
    /* What is deleted is not to be paid for, also when we asked for that already. */
    if (in->rejected || in->want_deleted) {
        *out = say(ACT_REJECT);
        return true;
    }
    if (asked)
        return false;
    if (in->now_ms < in->commit_deadline_ms)
        return false;
    if (in->on_late == CFG_LATE_REJECT)
        *out = say(ACT_REJECT);
    else if (in->on_late == CFG_LATE_COMMIT && in->registered && !in->paused)
        *out = say(ACT_COMMIT);
    else if (!in->late_told)
        *out = say(ACT_TELL_LATE);
    else
        return false;
    return true;
}

/* What would pass unseen while the task rests. */
static int64_t alarm_at(const struct decide_in *in)
{
    if (ended(in))
        return in->delete_at_ms;
    if (in->contract == CONTRACT_PENDING && in->commit == COMMIT_HELD)
        return in->commit_deadline_ms;
    return INT64_MAX;
}

void decide(const struct decide_in *in, struct decision *out)
{
    enum desire d = decide_desire(in);

    if (in->fulfilment == FULFIL_CLOSED) {
        *out = say(ACT_REST);
    } else if (overdue(in, out)) {
        out->desire = d;
        return;
    } else if (in->charged_anyway) {
        *out = say(ACT_TELL_CHARGE);
    } else if (d == DESIRE_RUNNING && in->change_refused && !in->change_told) {
        *out = say(ACT_TELL_CHANGE);
    } else if (in->fulfilment == FULFIL_DELETING) {
        /* Deletion never turns back half way. */
        d = DESIRE_DELETED;
        *out = toward_deleted(in);
    } else if (d == DESIRE_DELETED) {
        *out = toward_deleted(in);
    } else if (in->fulfilment == FULFIL_STUCK || in->held || d == DESIRE_NONE) {
        *out = say(ACT_REST);
    } else {
        *out = d == DESIRE_SUSPENDED ? toward_suspended(in) : toward_running(in);
    }
    out->desire = d;
    if (out->act == ACT_REST && in->fulfilment != FULFIL_CLOSED && alarm_at(in) > in->now_ms &&
        alarm_at(in) < INT64_MAX) {
        out->act = ACT_WAIT;
        out->until_ms = alarm_at(in);
    }
}

const char *act_name(enum act a)
{
    static const char *const names[] = {
        [ACT_REST] = "rest",
        [ACT_WAIT] = "wait",
        [ACT_MOVE] = "move",
        [ACT_RENEW_SPEC] = "spec",
        [ACT_APPLY] = "apply",
        [ACT_OBSERVE] = "observe",
        [ACT_PROBE] = "probe",
        [ACT_SUSPEND] = "suspend",
        [ACT_RESUME] = "resume",
        [ACT_DELETE] = "delete",
        [ACT_GRANT] = "grant",
        [ACT_COMMIT] = "commit",
        [ACT_REJECT] = "reject",
        [ACT_ASK_APPROVAL] = "ask-approval",
        [ACT_TELL_LATE] = "tell-late",
        [ACT_REPLACE] = "replace",
        [ACT_TELL_CHARGE] = "tell-charge",
        [ACT_TELL_CHANGE] = "tell-change",
    };

    return names[a];
}
