/* Runs the fuzz target over the files and directories given, and over an empty input. */
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "fuzz/fuzz.h"

#define INPUT_MAX (4u << 20)

static unsigned run, failed;

static void one(const char *path)
{
    struct buf b;
    buf_init(&b, INPUT_MAX);
    if (file_read(path, &b)) {
        fprintf(stderr, "%s: cannot be read\n", path);
        failed++;
    } else {
        /* An exact heap copy: one byte too far is seen by ASan and valgrind. */
        uint8_t *copy = malloc(b.len ? b.len : 1);
        if (copy) {
            if (b.len)
                memcpy(copy, b.p, b.len);
            (void)LLVMFuzzerTestOneInput(copy, b.len);
        }
        free(copy);
        run++;
    }
    buf_free(&b);
}

static void directory(const char *path)
{
    DIR *d = opendir(path);
    struct dirent *e;
    while (d && (e = readdir(d))) {
        char file[PATH_MAX];
        if (e->d_name[0] == '.')
            continue;
        if (snprintf(file, sizeof(file), "%s/%s", path, e->d_name) < (int)sizeof(file))
            one(file);
    }
    if (d)
        closedir(d);
}

int main(int argc, char **argv)
{
    (void)LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    for (int i = 1; i < argc; i++) {
        struct stat st;
        if (stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode))
            directory(argv[i]);
        else
            one(argv[i]);
    }
    printf("replayed %u inputs\n", run);
    return failed ? 1 : 0;
}
