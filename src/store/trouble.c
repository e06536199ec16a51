#include "store/trouble.h"

#include <errno.h>
#include <stddef.h>

static const struct {
    const char *word;
    struct trouble what;
} table[] = {
    {"LMNOENT", {-ENOENT, false, false}},   {"LMSTALE", {-ESTALE, false, false}},
    {"LMEXIST", {-EEXIST, false, false}},   {"LMPERM", {-EPERM, false, false}},
    {"LMINVAL", {-EINVAL, false, false}},   {"LMINIT", {-EAGAIN, false, true}},
    {"LOADING", {-EAGAIN, false, true}},    {"BUSY", {-EAGAIN, false, true}},
    {"MISCONF", {-EAGAIN, false, true}},    {"OOM", {-EAGAIN, false, true}},
    {"READONLY", {-EAGAIN, true, true}},    {"NOREPLICAS", {-EAGAIN, false, true}},
    {"CLUSTERDOWN", {-EAGAIN, true, true}}, {"TRYAGAIN", {-EAGAIN, false, true}},
    {"MASTERDOWN", {-EAGAIN, true, true}},  {"MOVED", {-EAGAIN, true, true}},
    {"ASK", {-EAGAIN, true, true}},         {"UNBLOCKED", {-EAGAIN, true, true}},
    {"NOAUTH", {-EAGAIN, true, true}},      {"WRONGPASS", {-EAGAIN, true, true}},
    {"NOPERM", {-EAGAIN, false, true}},
};

struct trouble trouble_of(struct str error)
{
    static const struct trouble unknown = {-EPROTO, false, true};
    static const struct trouble full = {-EAGAIN, true, true};
    struct str rest, word = str_cut(error, ' ', &rest);

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (str_is(word, table[i].word))
            return table[i].what;
    if (str_starts(error, STR("ERR max number of clients")))
        return full;
    return unknown;
}

bool trouble_is_noscript(struct str error)
{
    return str_starts(error, STR("NOSCRIPT"));
}
