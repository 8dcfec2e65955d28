// SPDX-License-Identifier: Apache-2.0
/* str_utf8.c: UTF-8, strictly: no overlong forms, no surrogates, nothing above U+10FFFF. */
#include "core/base/str.h"

/* The code point at data[0..size) and its length; length 0: not valid there. */
static uint32_t decode(const unsigned char *data, size_t size, size_t *length)
{
    *length = 0;
    unsigned char first = data[0];
    size_t extra = first < 0x80 ? 0 : first >= 0xc2 && first < 0xe0 ? 1 : first >= 0xe0 && first < 0xf0 ? 2 : 3;
    if ((first >= 0x80 && first < 0xc2) || first > 0xf4 || extra >= size) return 0;
    uint32_t point = extra == 0 ? first : first & (0x3fu >> extra);
    for (size_t i = 1; i <= extra; i++) {
        if ((data[i] & 0xc0) != 0x80) return 0;
        point = point << 6 | (data[i] & 0x3fu);
    }
    static const uint32_t smallest[] = {0, 0x80, 0x800, 0x10000};
    if (point < smallest[extra] || point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) return 0;
    *length = extra + 1;
    return point;
}

size_t ag_utf8_first(ag_str text)
{
    size_t length;
    decode((const unsigned char *)text.data, text.size, &length);
    return length;
}

bool ag_utf8_valid(ag_str text)
{
    const unsigned char *data = (const unsigned char *)text.data;
    for (size_t i = 0; i < text.size;) {
        uint64_t eight;
        if (text.size - i >= 8 && (memcpy(&eight, data + i, 8), !(eight & UINT64_C(0x8080808080808080)))) {
            i += 8; /* plain ASCII, eight at a time */
            continue;
        }
        size_t length;
        decode(data + i, text.size - i, &length);
        if (length == 0) return false;
        i += length;
    }
    return true;
}

typedef struct range {
    uint32_t first, last;
} range;

static bool in_ranges(uint32_t point, const range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (point >= ranges[i].first && point <= ranges[i].last) return true;
    }
    return false;
}

/* The blocks that matter on a terminal; not all of Unicode's tables. */
static size_t cells_of(uint32_t point)
{
    static const range none[] = {
        {0x0, 0x1f},      {0x7f, 0x9f},     {0x300, 0x36f},   {0x483, 0x489},   {0x591, 0x5bd},    {0x610, 0x61a},
        {0x64b, 0x65f},   {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x200b, 0x200f}, {0x2028, 0x202e},  {0x2060, 0x2064},
        {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0xfeff, 0xfeff}, {0xe0100, 0xe01ef}};
    static const range two[] = {{0x1100, 0x115f},   {0x231a, 0x231b},   {0x2329, 0x232a},  {0x23e9, 0x23ec},
                                {0x2e80, 0x303e},   {0x3041, 0x33ff},   {0x3400, 0x4dbf},  {0x4e00, 0x9fff},
                                {0xa000, 0xa4cf},   {0xa960, 0xa97f},   {0xac00, 0xd7a3},  {0xf900, 0xfaff},
                                {0xfe30, 0xfe6f},   {0xff00, 0xff60},   {0xffe0, 0xffe6},  {0x1f300, 0x1f64f},
                                {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd}};
    if (point >= 0x20 && point < 0x7f) return 1;
    if (in_ranges(point, none, sizeof(none) / sizeof(none[0]))) return 0;
    return in_ranges(point, two, sizeof(two) / sizeof(two[0])) ? 2 : 1;
}

size_t ag_utf8_width(ag_str text)
{
    const unsigned char *data = (const unsigned char *)text.data;
    size_t width = 0;
    for (size_t i = 0; i < text.size;) {
        size_t length;
        uint32_t point = decode(data + i, text.size - i, &length);
        width += length ? cells_of(point) : 1; /* a stray byte shows as one replacement mark */
        i += length ? length : 1;
    }
    return width;
}

size_t ag_utf8_cut(ag_str text, size_t size)
{
    if (size >= text.size) size = text.size;
    const unsigned char *data = (const unsigned char *)text.data;
    for (size_t back = 1; back <= 3 && back <= size; back++) {
        unsigned char c = data[size - back];
        if ((c & 0xc0) == 0x80) continue; /* in the middle of a sequence: look further back for its start */
        size_t needed = c < 0xc0 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
        return needed > back ? size - back : size;
    }
    return size;
}

size_t ag_utf8_count(ag_str text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.size; i++) count += ((unsigned char)text.data[i] & 0xc0) != 0x80;
    return count;
}

size_t ag_utf8_head(ag_str text, size_t count)
{
    size_t at = 0;
    for (; at < text.size; at++) {
        if (((unsigned char)text.data[at] & 0xc0) == 0x80) continue; /* inside a character */
        if (count-- == 0) break;
    }
    return at;
}
