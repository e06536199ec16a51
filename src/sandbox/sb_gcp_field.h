/* sb_gcp_field: structs to JSON and back by tables of their members. */
#ifndef LM_SB_GCP_FIELD_H
#define LM_SB_GCP_FIELD_H

#include <stddef.h>

#include "base/json.h"

enum sb_gcp_kind { SB_GCP_F_TEXT, SB_GCP_F_INT, SB_GCP_F_BOOL, SB_GCP_F_ENUM };

struct sb_gcp_field {
    const char *key;
    enum sb_gcp_kind kind; /* char[], int64_t, bool, int */
    size_t off, size;
    const char *const *names; /* of an enum, ends with NULL */
};

#define SB_GCP_FTEXT(type, member)                                                                 \
    {                                                                                              \
#member, SB_GCP_F_TEXT, offsetof(struct type, member), sizeof(((struct type *)0)->member), \
            NULL                                                                                   \
    }
#define SB_GCP_FINT(type, member)                                                                  \
    {                                                                                              \
#member, SB_GCP_F_INT, offsetof(struct type, member), 0, NULL                              \
    }
#define SB_GCP_FBOOL(type, member)                                                                 \
    {                                                                                              \
#member, SB_GCP_F_BOOL, offsetof(struct type, member), 0, NULL                             \
    }
#define SB_GCP_FENUM(type, member, names)                                                          \
    {                                                                                              \
#member, SB_GCP_F_ENUM, offsetof(struct type, member), 0, names                            \
    }

/* Members of the object that is open. Empty texts are left out. Tables end with a NULL key. */
void sb_gcp_fields_write(struct jsonw *w, const struct sb_gcp_field *f, const void *from);
/* Absent members stay as they are. 0, or -EINVAL: *bad names the member. */
int sb_gcp_fields_read(const cJSON *o, const struct sb_gcp_field *f, void *to, const char **bad);

#endif
