/* The embedded web files, and the seller's files that take their place. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "front_files.h"
#include "pages/pages.h"

enum { FILE_LARGEST = 256 * 1024, PATH = 512 };

static int embedded_get(const char *kind, const char *name, struct str *text)
{
    size_t i, k = strlen(kind);

    for (i = 0; embedded[i].name; i++) {
        const char *have = embedded[i].name;

        if (strncmp(have, kind, k) == 0 && have[k] == '/' && strcmp(have + k + 1, name) == 0) {
            *text = str_make(embedded[i].data, embedded[i].size);
            return 0;
        }
    }
    return -ENOENT;
}

int files_get(struct arena *a, const char *dir, const char *kind, const char *name,
              struct str *text, const char **label)
{
    char path[PATH];
    struct buf b;
    int rc = -ENOENT;

    *label = name;
    if (dir && *dir && snprintf(path, sizeof(path), "%s/%s", dir, name) < PATH) {
        buf_init(&b, FILE_LARGEST);
        rc = file_read(path, &b);
        if (rc == 0) {
            *text = arena_str(a, buf_view(&b));
            *label = arena_dup(a, str_of(path));
            rc = *label && text->n == b.len ? 0 : -ENOMEM;
        }
        buf_free(&b);
    }
    return rc == -ENOENT ? embedded_get(kind, name, text) : rc;
}
