#include "config/cfg_color.h"

#include <math.h>

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return (c | 0x20) - 'a' + 10;
}

static double channel(const char *hex)
{
    double v = (digit(hex[0]) * 16 + digit(hex[1])) / 255.0;
    return v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4);
}

static double luminance(const char *color)
{
    return 0.2126 * channel(color + 1) + 0.7152 * channel(color + 3) + 0.0722 * channel(color + 5);
}

double cfg_color_contrast(const char *a, const char *b)
{
    double la = luminance(a), lb = luminance(b);
    double lighter = la > lb ? la : lb, darker = la > lb ? lb : la;
    return (lighter + 0.05) / (darker + 0.05);
}
