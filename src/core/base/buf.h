// SPDX-License-Identifier: Apache-2.0
#pragma once
/* buf.h: bytes that grow up to a declared maximum. The first failure (memory or the maximum) sticks: later additions do
 * nothing, so a writer may add many pieces and ask once, with ag_buf_check(). `data` is NUL-terminated behind `size`
 * whenever it is not NULL. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/str.h"

typedef struct ag_buf {
    char *data;
    size_t size;
    size_t capacity;
    size_t max;     /* the declared maximum of `size` */
    ag_code failed; /* AG_OK, AG_ENOMEM or AG_ELIMIT */
} ag_buf;

void ag_buf_init(ag_buf *buf, size_t max); /* allocates nothing */
void ag_buf_deinit(ag_buf *buf);           /* safe on zeroed memory and twice */
void ag_buf_clear(ag_buf *buf);            /* size 0, failure forgotten, memory kept */

int ag_buf_add(ag_buf *buf, const void *bytes, size_t size); /* AG_OK or the sticky code */
int ag_buf_add_str(ag_buf *buf, ag_str text);
int ag_buf_add_text(ag_buf *buf, const char *text);
int ag_buf_add_char(ag_buf *buf, char c);
int ag_buf_add_fill(ag_buf *buf, char c, size_t count);
int ag_buf_addf(ag_buf *buf, const char *format, ...) AG_PRINTF(2, 3);
int ag_buf_vaddf(ag_buf *buf, const char *format, va_list arguments) AG_PRINTF(2, 0);
/* Room for `size` more bytes at data + size; the caller fills it and adds to size. NULL on failure. */
char *ag_buf_reserve(ag_buf *buf, size_t size);

static inline ag_str ag_buf_str(const ag_buf *buf)
{
    return (ag_str){buf->data ? buf->data : "", buf->size};
}
/* The sticky failure as an error: "more than N bytes of WHAT". */
int ag_buf_check(const ag_buf *buf, const char *what, ag_err *err);
/* Hands the memory to the caller (ag_free), never NULL unless failed; the buffer is empty afterwards. */
char *ag_buf_steal(ag_buf *buf);
