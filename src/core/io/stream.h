// SPDX-License-Identifier: Apache-2.0
#pragma once
/* stream.h: bytes in and out in pieces, in constant memory. Readers and writers are two small vtables; everything that
 * moves content (blobs, HTTP bodies, compression, archives) speaks them. */
#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/err.h"

typedef struct ag_reader {
    /* Up to `size` bytes into `into`: how many, 0 at the end, < 0 on failure. Never blocks for more once it has some.
     */
    ptrdiff_t (*read)(struct ag_reader *self, void *into, size_t size, ag_err *err);
    void (*close)(struct ag_reader *self); /* optional; frees self */
} ag_reader;

typedef struct ag_writer {
    int (*write)(struct ag_writer *self, const void *bytes, size_t size, ag_err *err); /* all of it or a failure */
    int (*finish)(struct ag_writer *self, ag_err *err); /* optional: flush and make it final */
    void (*close)(struct ag_writer *self);              /* optional; frees self; drops what was not finished */
} ag_writer;

ptrdiff_t ag_read(ag_reader *reader, void *into, size_t size, ag_err *err);
/* Reads until `size` bytes or the end. */
ptrdiff_t ag_read_full(ag_reader *reader, void *into, size_t size, ag_err *err);
int ag_read_all(ag_reader *reader, ag_buf *out, ag_err *err); /* bounded by out->max */
int ag_write(ag_writer *writer, const void *bytes, size_t size, ag_err *err);
int ag_finish(ag_writer *writer, ag_err *err);
void ag_reader_close(ag_reader *reader); /* NULL is fine */
void ag_writer_close(ag_writer *writer); /* NULL is fine */
/* Until the end of `from`; *copied (may be NULL) counts. Does not finish `to`. */
int ag_copy(ag_reader *from, ag_writer *to, uint64_t *copied, ag_err *err);

int ag_reader_of_memory(const void *bytes, size_t size, ag_reader **out, ag_err *err); /* borrows the bytes */
int ag_reader_of_file(const char *path, ag_reader **out, ag_err *err);
int ag_reader_of_range(const char *path, uint64_t offset, uint64_t size, ag_reader **out, ag_err *err);
int ag_reader_of_fd(int fd, ag_reader **out, ag_err *err);       /* borrows the descriptor */
int ag_writer_to_buf(ag_buf *buf, ag_writer **out, ag_err *err); /* borrows the buffer */
int ag_writer_to_fd(int fd, ag_writer **out, ag_err *err);       /* borrows the descriptor */
/* Atomic replace of a file (see file.h): visible after finish. */
int ag_writer_to_file(const char *path, ag_writer **out, ag_err *err);
