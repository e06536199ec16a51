/* Templates: a seller's override. What compiles must render balanced, with every value escaped. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "html/cat.h"
#include "html/tmpl.h"

static const char mark[] = "\"'<MARK>`javascript:x";

static int source(void *arg, const char *name, struct str *text, const char **label)
{
    *label = name;
    if (strcmp(name, "p") == 0)
        *text = STR("<b>{{a}}</b>");
    else if (strcmp(name, "t") == 0)
        *text = *(const struct str *)arg;
    else
        return -ENOENT;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct tmpl_var vars[] = {{"a", TMPL_TEXT}, {"u", TMPL_URL}, {"l", TMPL_LIST}};
    struct str text = str_make((const char *)data, size);
    struct arena *arena = arena_new(4096, 4 << 20);
    struct tmpl_cell cell = {0, {.s = str_of(mark)}};
    struct tmpl_row row = {&cell, 1};
    struct tmpl_value view[] = {
        {.s = str_of(mark)}, {.s = str_of(mark)}, {.rows = &row, .nrows = 1}};
    struct tmpl_env env = {vars, 3, NULL, source, &text};
    const struct tmpl *t = NULL;
    struct buf errors, out;
    struct cat cat;

    buf_init(&errors, 1 << 16);
    buf_init(&out, 1 << 20);
    env.cat = &cat;
    if (arena && size < 65536 &&
        cat_load(arena, "c", STR("k = text {a} <b>\n"), &cat, &errors) == 0 &&
        tmpl_compile(arena, &env, "t", &t, &errors) == 0) {
        tmpl_render(t, view, &out);
        if (!memmem(data, size, "MARK", 4) && memmem(buf_cstr(&out), out.len, "<MARK", 5))
            abort(); /* a value escaped its place */
    } else if (arena && size < 65536 && errors.len == 0) {
        abort(); /* refused without a word */
    }
    buf_free(&errors);
    buf_free(&out);
    arena_free(&arena);
    return 0;
}
