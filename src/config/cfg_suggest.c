#include "config/cfg_suggest.h"

#define WORD_MAX 64

/* Lower case, '-' and ' ' as '_': the usual ways to spell the right word wrongly. */
static struct str plain(struct str s, char out[WORD_MAX])
{
    size_t n = s.n < WORD_MAX ? s.n : WORD_MAX;
    for (size_t i = 0; i < n; i++) {
        char c = s.p[i];
        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        out[i] = c == '-' || c == ' ' ? '_' : c;
    }
    return str_make(out, n);
}

/* One is the beginning of the other, and long enough to mean it. */
static bool prefix_of(struct str a, struct str b)
{
    struct str shorter = a.n < b.n ? a : b, longer = a.n < b.n ? b : a;
    return shorter.n >= 4 && str_starts(longer, shorter);
}

const char *cfg_suggest(struct arena *a, struct str got, const char *const *words, size_t n)
{
    char left[WORD_MAX], right[WORD_MAX];
    struct str g = plain(got, left);
    const char *best = NULL;
    unsigned best_distance = g.n <= 3 ? 2 : g.n <= 6 ? 3 : 4; /* must be below */
    for (size_t i = 0; i < n; i++) {
        struct str w = plain(str_of(words[i]), right);
        unsigned d = str_distance(g, w);
        if (d > 2 && prefix_of(g, w))
            d = 2;
        if (d < best_distance) {
            best_distance = d;
            best = words[i];
        }
    }
    const char *text = best ? arena_fmt(a, "; did you mean '%s'?", best) : NULL;
    return text ? text : "";
}
