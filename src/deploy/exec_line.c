#include <errno.h>
#include <string.h>
#include <sys/wait.h>

#include "deploy/exec_int.h"

#define MESSAGE_MAX 300
#define ID_MAX      512
#define CODE_MAX    48
#define DETAIL_MAX  4096
#define OUTPUTS_MAX 16384
#define POLL_MAX_MS 3600000
#define KEEP_FIRST  512
#define KEEP_MAX    (128u * 1024u)

/* sysexits(3): the four statuses with a meaning of their own. */
static const struct {
    int status;
    enum engine_class cls;
    const char *code;
} exits[] = {
    {75, CLASS_RETRY, "exec_retry"},     /* EX_TEMPFAIL */
    {77, CLASS_AUTH, "exec_auth"},       /* EX_NOPERM */
    {65, CLASS_INVALID, "exec_invalid"}, /* EX_DATAERR */
    {78, CLASS_INVALID, "exec_invalid"}, /* EX_CONFIG */
};

static const struct {
    const char *name;
    enum engine_status status;
} statuses[] = {
    {"done", ENGINE_DONE},
    {"pending", ENGINE_PENDING},
    {"absent", ENGINE_ABSENT},
    {"failed", ENGINE_FAIL},
};

void exec_said_init(struct exec_said *said)
{
    *said = (struct exec_said){.message = "", .id = ""};
    buf_init(&said->text, ID_MAX);
}

void exec_said_free(struct exec_said *said)
{
    buf_free(&said->text);
    arena_free(&said->arena);
}

const char *exec_keep(struct exec_said *said, struct str s)
{
    const char *p = NULL;

    if (s.n && said->arena == NULL)
        said->arena = arena_new(KEEP_FIRST, KEEP_MAX);
    if (s.n && said->arena)
        p = arena_dup(said->arena, s);
    return p ? p : "";
}

/* Text for people: what is not plain text or too long is left out, never passed on. */
static struct str plain(struct str s, size_t max)
{
    return s.n <= max && str_text(s) ? s : STR("");
}

static const char *put_text(struct exec_said *said, struct str s, size_t max)
{
    buf_reset(&said->text);
    buf_str(&said->text, plain(s, max));
    return buf_cstr(&said->text);
}

static const char *keep_code(struct exec_said *said, struct str s)
{
    if (s.n == 0 || s.n > CODE_MAX)
        return "";
    for (size_t i = 0; i < s.n; i++)
        if (!((s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= '0' && s.p[i] <= '9') ||
              s.p[i] == '_'))
            return "";
    return exec_keep(said, s);
}

static int get_pct(const cJSON *o)
{
    int64_t v;

    return json_int(o, "pct", &v) == 0 && v >= 0 && v <= 100 ? (int)v : -1;
}

static const char *keep_outputs(struct exec_said *said, const cJSON *o)
{
    const cJSON *outputs = json_obj(o, "outputs");
    char *text = outputs ? cJSON_PrintUnformatted(outputs) : NULL;
    const char *kept = text && strlen(text) <= OUTPUTS_MAX ? exec_keep(said, str_of(text)) : "";

    cJSON_free(text);
    return kept;
}

static bool parse_status(struct str s, enum engine_status *out)
{
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
        if (str_is(s, statuses[i].name)) {
            *out = statuses[i].status;
            return true;
        }
    return false;
}

static bool take_result(struct exec_said *said, const cJSON *o)
{
    struct engine_result *r = &said->result;
    int64_t poll = 0;
    enum engine_status status;

    if (!parse_status(json_str(o, "status"), &status))
        return false;
    arena_free(&said->arena);
    *r = (struct engine_result){.status = status};
    /* A failure that does not say of which kind may have done anything. */
    if (r->status == ENGINE_FAIL && engine_class_parse(json_str(o, "class"), &r->cls))
        r->cls = CLASS_UNKNOWN_OUTCOME;
    (void)json_int(o, "poll_after_ms", &poll);
    r->poll_after_ms = poll <= 0 ? 1000 : poll > POLL_MAX_MS ? POLL_MAX_MS : (uint64_t)poll;
    r->outputs = keep_outputs(said, o);
    r->code = keep_code(said, json_str(o, "code"));
    r->detail = exec_keep(said, str_sub(json_str(o, "detail"), 0, DETAIL_MAX));
    r->observed_sha256 = exec_keep(said, plain(json_str(o, "observed_sha256"), 64));
    r->suspended = json_bool(o, "suspended", false);
    r->pct = get_pct(o);
    said->have_result = true;
    return true;
}

static enum exec_line take(struct exec_said *said, const cJSON *o)
{
    struct str type = json_str(o, "type");

    if (str_is(type, "progress")) {
        said->pct = get_pct(o);
        said->message = put_text(said, json_str(o, "message"), MESSAGE_MAX);
        return EXEC_LINE_PROGRESS;
    }
    if (str_is(type, "external_id")) {
        said->id = put_text(said, json_str(o, "value"), ID_MAX);
        return said->id[0] ? EXEC_LINE_ID : EXEC_LINE_BAD;
    }
    if (str_is(type, "result"))
        return take_result(said, o) ? EXEC_LINE_RESULT : EXEC_LINE_BAD;
    return type.n ? EXEC_LINE_OTHER : EXEC_LINE_BAD; /* types of later versions are let pass */
}

enum exec_line exec_line(struct exec_said *said, struct str line)
{
    enum exec_line kind = EXEC_LINE_BAD;
    cJSON *o = NULL;

    if (str_trim(line).n == 0)
        return EXEC_LINE_OTHER;
    if (json_parse(line, EXEC_LINE_MAX, &o) == 0)
        kind = take(said, o);
    cJSON_Delete(o);
    said->bad = said->bad || kind == EXEC_LINE_BAD;
    return kind;
}

static void failed(struct engine_result *out, enum engine_class cls, const char *code)
{
    out->status = ENGINE_FAIL;
    out->cls = cls;
    out->code = code;
}

static void use_result(struct exec_said *said, struct engine_result *out)
{
    *out = said->result;
    if (out->status == ENGINE_FAIL && out->code[0] == '\0')
        out->code = "exec_failed";
}

static void by_status(struct exec_said *said, int status, struct engine_result *out)
{
    for (size_t i = 0; i < sizeof(exits) / sizeof(exits[0]); i++) {
        if (status != exits[i].status)
            continue;
        failed(out, exits[i].cls, exits[i].code);
        if (said->have_result && said->result.status == ENGINE_FAIL && said->result.code[0])
            out->code = said->result.code;
        return;
    }
    failed(out, CLASS_UNKNOWN_OUTCOME, "unknown_outcome");
}

void exec_verdict(struct exec_said *said, const struct exec_end *end, struct engine_result *out)
{
    bool clean = WIFEXITED(end->status) && WEXITSTATUS(end->status) == 0;

    memset(out, 0, sizeof(*out));
    out->outputs = out->code = out->detail = out->observed_sha256 = "";
    out->pct = -1;
    if (end->abandoned)
        failed(out, CLASS_UNKNOWN_OUTCOME, "abandoned");
    else if (end->cancelled)
        failed(out, CLASS_UNKNOWN_OUTCOME, "cancelled");
    else if (end->too_late)
        failed(out, CLASS_UNKNOWN_OUTCOME, "deadline");
    else if (clean && said->have_result)
        use_result(said, out);
    else if (clean)
        failed(out, CLASS_UNKNOWN_OUTCOME, said->bad ? "bad_output" : "no_result");
    else
        by_status(said, WIFEXITED(end->status) ? WEXITSTATUS(end->status) : -1, out);
    if (out->status != ENGINE_FAIL || out->detail[0])
        return;
    if (said->have_result && said->result.detail[0])
        out->detail = said->result.detail;
    else
        out->detail = exec_keep(said, str_trim(end->errors));
}
