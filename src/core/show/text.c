// SPDX-License-Identifier: Apache-2.0
/* text.c: cleaning, cutting and escaping text, and numbers for people. Pure; the only output is the buffer. */
#include "core/show/text.h"

#include <math.h>

/* Bytes of the valid UTF-8 sequence at the start of the text, 0 when there is none. */
static size_t sequence_at(ag_str text)
{
    unsigned char first = (unsigned char)text.data[0];
    size_t length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    return length <= text.size && ag_utf8_valid((ag_str){text.data, length}) ? length : 0;
}

static bool is_control(const char *at, size_t length)
{
    unsigned char first = (unsigned char)at[0];
    return length == 1 ? first < 0x20 || first == 0x7f : length == 2 && first == 0xc2 && (unsigned char)at[1] < 0xa0;
}

void ag_show_clean(ag_buf *out, ag_str text)
{
    for (size_t i = 0; i < text.size;) {
        size_t length = sequence_at(ag_str_slice(text, i, SIZE_MAX));
        if (length == 0)
            ag_buf_add_text(out, "\xef\xbf\xbd");
        else if (is_control(text.data + i, length))
            ag_buf_add_char(out, ' ');
        else
            ag_buf_add(out, text.data + i, length);
        i += length ? length : 1;
    }
}

size_t ag_show_cut(ag_buf *out, ag_str text, size_t width)
{
    size_t whole = ag_utf8_width(text);
    if (whole <= width) {
        ag_buf_add_str(out, text);
        return whole;
    }
    if (width == 0) return 0;
    size_t used = 0, at = 0;
    while (at < text.size) {
        size_t length = sequence_at(ag_str_slice(text, at, SIZE_MAX));
        if (length == 0) length = 1;
        size_t cells = ag_utf8_width((ag_str){text.data + at, length});
        if (used + cells > width - 1) break;
        used += cells;
        at += length;
    }
    ag_buf_add(out, text.data, at);
    ag_buf_add_text(out, "\xe2\x80\xa6");
    return used + 1;
}

void ag_show_escape(ag_buf *out, ag_str text)
{
    for (size_t i = 0; i < text.size;) {
        size_t length = sequence_at(ag_str_slice(text, i, SIZE_MAX));
        const char *at = text.data + i;
        bool blank = length == 1 && (*at == '\n' || *at == '\t' || *at == '\r');
        bool beyond = length == 3 && (unsigned char)at[0] == 0xef && (unsigned char)at[1] == 0xbf &&
                      (unsigned char)at[2] >= 0xbe; /* U+FFFE and U+FFFF */
        if (length == 0 || beyond || (is_control(at, length) && !blank))
            ag_buf_add_text(out, "\xef\xbf\xbd");
        else if (*at == '&')
            ag_buf_add_text(out, "&amp;");
        else if (*at == '<')
            ag_buf_add_text(out, "&lt;");
        else if (*at == '>')
            ag_buf_add_text(out, "&gt;");
        else if (*at == '"')
            ag_buf_add_text(out, "&quot;");
        else if (*at == '\'')
            ag_buf_add_text(out, "&#39;");
        else
            ag_buf_add(out, at, length);
        i += length ? length : 1;
    }
}

/* Three digits and a prefix; `unit` follows it. */
static void add_scaled(ag_buf *out, double value, const char *const *prefixes, size_t count)
{
    size_t i = 0;
    while (i + 1 < count && fabs(value) >= 999.5) {
        value /= 1000;
        i++;
    }
    int digits = i == 0 && value == floor(value) ? 0 : fabs(value) < 9.995 ? 2 : fabs(value) < 99.95 ? 1 : 0;
    char text[64];
    if (!isfinite(value) || fabs(value) > 1e15)
        ag_format(text, sizeof(text), "%g", value);
    else
        ag_format(text, sizeof(text), "%.*f", digits, value);
    ag_buf_add_text(out, text);
    ag_buf_add_text(out, prefixes[i]);
}

void ag_show_count(ag_buf *out, double count)
{
    static const char *const prefixes[] = {"", "k", "M", "G", "T"};
    add_scaled(out, count, prefixes, 5);
}

void ag_show_bytes(ag_buf *out, double bytes)
{
    static const char *const prefixes[] = {" B", " kB", " MB", " GB", " TB"};
    add_scaled(out, bytes, prefixes, 5);
}
