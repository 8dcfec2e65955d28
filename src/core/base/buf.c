// SPDX-License-Identifier: Apache-2.0
/* buf.c: growing bytes with a sticky failure.
 * Invariants: data is NULL or holds capacity + 1 bytes with a NUL at data[size]; size <= capacity <= max. */
#include "core/base/buf.h"

#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"

enum { SMALLEST = 64 };

void ag_buf_init(ag_buf *buf, size_t max)
{
    *buf = (ag_buf){.max = max < SIZE_MAX ? max : SIZE_MAX - 1};
}

void ag_buf_deinit(ag_buf *buf)
{
    ag_free(buf->data);
    *buf = (ag_buf){.max = buf->max};
}

void ag_buf_clear(ag_buf *buf)
{
    buf->size = 0;
    buf->failed = AG_OK;
    if (buf->data) buf->data[0] = '\0';
}

char *ag_buf_reserve(ag_buf *buf, size_t size)
{
    if (buf->failed) return NULL;
    if (size > buf->max - buf->size) {
        buf->failed = AG_ELIMIT;
        return NULL;
    }
    size_t wanted = buf->size + size;
    if (!buf->data || wanted > buf->capacity) {
        size_t capacity = buf->capacity < SMALLEST ? SMALLEST : buf->capacity;
        while (capacity < wanted) capacity = capacity > buf->max / 2 ? buf->max : capacity * 2;
        if (capacity > buf->max) capacity = buf->max;
        char *data = ag_realloc_array(buf->data, capacity + 1, 1);
        if (!data) {
            buf->failed = AG_ENOMEM;
            return NULL;
        }
        buf->data = data;
        buf->capacity = capacity;
        buf->data[buf->size] = '\0';
    }
    return buf->data + buf->size;
}

int ag_buf_add(ag_buf *buf, const void *bytes, size_t size)
{
    bool fits = buf->data && !buf->failed && size <= buf->capacity - buf->size; /* nearly always */
    char *room = fits ? buf->data + buf->size : ag_buf_reserve(buf, size);
    if (!room) return buf->failed;
    if (size) memcpy(room, bytes, size);
    buf->size += size;
    buf->data[buf->size] = '\0';
    return AG_OK;
}

int ag_buf_add_str(ag_buf *buf, ag_str text)
{
    return ag_buf_add(buf, text.data, text.size);
}

int ag_buf_add_text(ag_buf *buf, const char *text)
{
    return ag_buf_add(buf, text, text ? strlen(text) : 0);
}

int ag_buf_add_char(ag_buf *buf, char c)
{
    if (!buf->data || buf->failed || buf->size == buf->capacity) return ag_buf_add(buf, &c, 1);
    buf->data[buf->size++] = c;
    buf->data[buf->size] = '\0';
    return AG_OK;
}

int ag_buf_add_fill(ag_buf *buf, char c, size_t count)
{
    char *room = ag_buf_reserve(buf, count);
    if (!room) return buf->failed;
    memset(room, c, count);
    buf->size += count;
    buf->data[buf->size] = '\0';
    return AG_OK;
}

int ag_buf_vaddf(ag_buf *buf, const char *format, va_list arguments)
{
    if (buf->failed) return buf->failed;
    va_list again;
    va_copy(again, arguments);
    size_t room = buf->data ? buf->capacity - buf->size + 1 : 0;
    int wanted = vsnprintf(buf->data ? buf->data + buf->size : NULL, room, format, arguments);
    if (wanted >= 0 && (size_t)wanted >= room) {
        if (buf->data) buf->data[buf->size] = '\0'; /* take back the half that fitted */
        char *more = ag_buf_reserve(buf, (size_t)wanted);
        if (more) vsnprintf(more, (size_t)wanted + 1, format, again);
    }
    va_end(again);
    if (wanted > 0 && !buf->failed) buf->size += (size_t)wanted;
    return buf->failed;
}

int ag_buf_addf(ag_buf *buf, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int rc = ag_buf_vaddf(buf, format, arguments);
    va_end(arguments);
    return rc;
}

int ag_buf_check(const ag_buf *buf, const char *what, ag_err *err)
{
    if (buf->failed == AG_ELIMIT) return ag_fail(err, AG_ELIMIT, "%s is larger than %zu bytes", what, buf->max);
    if (buf->failed) return ag_fail(err, buf->failed, "out of memory while building %s", what);
    return AG_OK;
}

char *ag_buf_steal(ag_buf *buf)
{
    if (buf->failed || !ag_buf_reserve(buf, 0)) return NULL;
    char *data = buf->data;
    buf->data = NULL;
    buf->size = buf->capacity = 0;
    return data;
}
