/* Forms: what a browser posts. First byte: which content type. */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "html/form.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const types[] = {"application/x-www-form-urlencoded",
                                        "multipart/form-data; boundary=XX",
                                        "multipart/form-data; boundary=\"a b\""};
    struct arena *a = arena_new(4096, 1 << 20);
    struct form *f = malloc(sizeof(*f));
    struct str body, rest, type;
    size_t i;

    if (a && f && size > 0) {
        body = str_make((const char *)data + 1, size - 1);
        type = str_of(types[data[0] % 3]);
        if (data[0] >= 128) /* the content type itself comes from the client too */
            type = str_cut(body, '\n', &rest), body = rest;
        if (form_parse(a, type, body, f) == 0)
            for (i = 0; i < f->n; i++)
                if (!str_utf8(f->field[i].name) || !str_utf8(f->field[i].value) ||
                    f->field[i].name.n > FORM_NAME || f->field[i].value.n > size)
                    abort();
    }
    free(f);
    arena_free(&a);
    return 0;
}
