/* brand: the seller's colour as custom properties, for light and dark pages. */
#ifndef LM_BRAND_H
#define LM_BRAND_H

#include "base/buf.h"

/* Appends CSS. color and on_color are "#rrggbb"; anything else gives our own colour. The shade
 * for dark pages is the colour mixed with white until it stands out at 4.5:1 (WCAG 2.2, 1.4.3);
 * the shade for text and links on light pages is mixed with black likewise. */
void brand_css(struct buf *out, const char *color, const char *on_color);

#endif
