#include "fulfil/decide.h"

#include <string.h>

static bool ended(const struct decide_in *in)
{
    return in->contract == CONTRACT_CANCELLED || in->contract == CONTRACT_EXPIRED;
}

enum desire decide_desire(const struct decide_in *in)
{
    if (in->want_deleted || (ended(in) && in->now_ms >= in->delete_at_ms))
        return DESIRE_DELETED;
    if (!in->registered)
        return DESIRE_NONE;
    if (ended(in))
        return in->keep_on_end && !in->want_suspended ? DESIRE_RUNNING : DESIRE_SUSPENDED;
    if (in->contract == CONTRACT_SUSPENDED || in->want_suspended)
        return DESIRE_SUSPENDED;
    return in->contract == CONTRACT_ACTIVE ? DESIRE_RUNNING : DESIRE_NONE;
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
    if (in->fulfilment != FULFIL_DELETING)
        return move(FULFIL_DELETING);
    return in->deployed ? say(ACT_DELETE) : move(FULFIL_CLOSED);
}

static struct decision toward_suspended(const struct decide_in *in)
{
    switch (in->fulfilment) {
    case FULFIL_PROVISIONING:
    case FULFIL_VERIFYING:
    case FULFIL_READY:
    case FULFIL_UPDATING:
    case FULFIL_DEGRADED:
        return in->deployed ? say(ACT_SUSPEND) : say(ACT_REST);
    default:
        return say(ACT_REST);
    }
}

/* A running deployment that the records call finished or broken. */
static struct decision settled(const struct decide_in *in)
{
    if (!in->spec_current)
        return say(ACT_RENEW_SPEC);
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
        if (in->account)
            return say(ACT_GRANT);
        return in->spec_current ? move(FULFIL_PROVISIONING) : say(ACT_RENEW_SPEC);
    case FULFIL_PROVISIONING:
    case FULFIL_UPDATING:
        /* By hand: the move here set a hold; without it an operator has said that it is done. */
        if (in->manual)
            return say(ACT_GRANT);
        if (!in->spec_current)
            return say(ACT_RENEW_SPEC);
        if (in->applied)
            return move(FULFIL_VERIFYING);
        return say(in->pending ? ACT_OBSERVE : ACT_APPLY);
    case FULFIL_VERIFYING:
        return in->spec_current ? say(ACT_PROBE) : say(ACT_RENEW_SPEC);
    case FULFIL_SUSPENDED:
        return say(ACT_RESUME);
    default:
        return in->account ? say(ACT_REST) : settled(in);
    }
}

void decide(const struct decide_in *in, struct decision *out)
{
    enum desire d = decide_desire(in);

    if (in->fulfilment == FULFIL_CLOSED) {
        *out = say(ACT_REST);
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
    if (out->act == ACT_REST && ended(in) && in->fulfilment != FULFIL_CLOSED &&
        in->delete_at_ms > in->now_ms) {
        out->act = ACT_WAIT;
        out->until_ms = in->delete_at_ms;
    }
}

const char *act_name(enum act a)
{
    static const char *const names[] = {
        [ACT_REST] = "rest",       [ACT_WAIT] = "wait",       [ACT_MOVE] = "move",
        [ACT_RENEW_SPEC] = "spec", [ACT_APPLY] = "apply",     [ACT_OBSERVE] = "observe",
        [ACT_PROBE] = "probe",     [ACT_SUSPEND] = "suspend", [ACT_RESUME] = "resume",
        [ACT_DELETE] = "delete",   [ACT_GRANT] = "grant",
    };

    return names[a];
}
