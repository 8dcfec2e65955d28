// SPDX-License-Identifier: Apache-2.0
/* shape.c: see shape.h. Sizes saturate to -1 instead of wrapping, so a caller checks once. */
#include "learn/nn/shape.h"

#include <string.h>

#include "core/base/str.h"

ag_shape ag_shape_make(int axes, const int64_t *extents)
{
    ag_shape shape = {.axes = axes};
    for (int i = 0; i < axes && i < AG_MAX_AXES; i++) shape.at[i] = extents[i];
    return shape;
}

ag_shape ag_shape_scalar(void)
{
    return (ag_shape){0};
}

int64_t ag_shape_span(const ag_shape *shape, int from, int to)
{
    int64_t size = 1;
    for (int i = from; i < to; i++) {
        if (shape->at[i] < 0) return -1;
        if (shape->at[i] > 0 && size > AG_MAX_ELEMENTS / shape->at[i]) return -1;
        size *= shape->at[i];
    }
    return size;
}

int64_t ag_shape_size(const ag_shape *shape)
{
    if (shape->axes < 0 || shape->axes > AG_MAX_AXES) return -1;
    return ag_shape_span(shape, 0, shape->axes);
}

bool ag_shape_equal(const ag_shape *a, const ag_shape *b)
{
    return a->axes == b->axes && memcmp(a->at, b->at, sizeof(int64_t) * (size_t)a->axes) == 0;
}

const char *ag_shape_format(const ag_shape *shape, char out[AG_SHAPE_TEXT])
{
    size_t at = 0;
    out[at++] = '[';
    for (int i = 0; i < shape->axes && i < AG_MAX_AXES; i++) {
        char number[24];
        ag_format(number, sizeof number, "%s%lld", i ? ", " : "", (long long)shape->at[i]);
        size_t size = strlen(number);
        if (at + size + 2 > AG_SHAPE_TEXT) break;
        memcpy(out + at, number, size);
        at += size;
    }
    out[at++] = ']';
    out[at] = '\0';
    return out;
}
