/* cfg_check: what no single key can know. Runs after filling, on whatever could be filled. */
#ifndef LM_CFG_CHECK_H
#define LM_CFG_CHECK_H

#include "config/cfg_node.h"
#include "config/config.h"

/* May set what depends on a check (brand.on_color). */
void cfg_check(struct config *c, const struct cfg_node *root, struct cfg_errs *errs);
void cfg_check_market(const struct config *c, const struct cfg_market *m,
                      const struct cfg_node *node, struct cfg_errs *errs);
/* cfg_check_azure.c: contradictions; and what check-config finds missing. */
void cfg_check_azure(const struct cfg_market *m, const struct cfg_node *market,
                     struct cfg_errs *errs);
void cfg_check_azure_needs(const struct cfg_market *m, const struct cfg_node *market,
                           struct cfg_errs *errs);
/* cfg_check_gcp.c: the same. */
void cfg_check_gcp(const struct config *c, const struct cfg_market *m,
                   const struct cfg_node *market, struct cfg_errs *errs);
void cfg_check_gcp_needs(const struct cfg_market *m, const struct cfg_node *market,
                         struct cfg_errs *errs);
/* config_secrets_check.c: as config_check_files(). */
void cfg_check_secrets(const struct config *c, unsigned readers, struct cfg_errs *errs);
/* Node of the i-th market, whichever of the two keys it came from. */
const struct cfg_node *cfg_check_market_node(const struct cfg_node *root, size_t i);
/* Place of a key's value in a map, or of the map. */
struct cfg_pos cfg_check_pos(const struct cfg_node *map, const char *key);

#endif
