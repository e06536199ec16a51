/* cfg_color: contrast of two sRGB colours, by WCAG 2.2 ("relative luminance", "contrast ratio"). */
#ifndef LM_CFG_COLOR_H
#define LM_CFG_COLOR_H

/* Both as "#rrggbb" (checked by the caller). 1.0 to 21.0. */
double cfg_color_contrast(const char *a, const char *b);

#endif
