/* cfg_setting: private to cfg_fill_key.c and cfg_fill_many.c: one key being set. */
#ifndef LM_CFG_SETTING_H
#define LM_CFG_SETTING_H

#include "config/cfg_fill.h"

struct cfg_setting {
    struct cfg_fill *f;
    const struct cfg_key *k;
    const struct cfg_node *n;
    void *dst, *count;
    const char *path;
};

typedef const char *(*cfg_check_fn)(struct str s);

extern const cfg_check_fn cfg_setting_checks[CT_TYPES]; /* of the texts */
/* Copy in the arena; "" without memory. */
const char *cfg_setting_keep(const struct cfg_setting *s, struct str text);

void cfg_set_list(struct cfg_setting *s);
void cfg_set_env(struct cfg_setting *s);
void cfg_set_kv(struct cfg_setting *s);
void cfg_set_section(struct cfg_setting *s);
void cfg_set_single(struct cfg_setting *s);
void cfg_set_array(struct cfg_setting *s);
void cfg_set_map(struct cfg_setting *s);

#endif
