// SPDX-License-Identifier: Apache-2.0
/* stream.c: the calls on readers and writers, and the kinds that end at memory, a file or a descriptor. Each kind is a
 * struct whose first member is the vtable. A writer to a file is a replace (replace.c): nothing is visible until
 * finish. Nothing is buffered here: callers move large pieces, and compression has buffers of its own.
 * Threads: one stream belongs to one thread at a time. */
#include "core/io/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/io/file.h"
#include "core/io/syscall.h"

#define COPY_PIECE ((size_t)64 << 10)

ptrdiff_t ag_read(ag_reader *reader, void *into, size_t size, ag_err *err)
{
    if (size == 0) return 0;
    return reader->read(reader, into, size < PTRDIFF_MAX ? size : PTRDIFF_MAX, err);
}

ptrdiff_t ag_read_full(ag_reader *reader, void *into, size_t size, ag_err *err)
{
    size_t done = 0;
    if (size > PTRDIFF_MAX) return ag_fail(err, AG_EINVAL, "%zu bytes are too many for one read", size);
    while (done < size) {
        ptrdiff_t got = ag_read(reader, (char *)into + done, size - done, err);
        if (got < 0) return got;
        if (got == 0) break;
        done += (size_t)got;
    }
    return (ptrdiff_t)done;
}

static int read_all(ag_reader *reader, ag_buf *out, ag_err *err)
{
    for (;;) {
        char extra;
        size_t room = out->max - out->size;
        size_t want = room < COPY_PIECE ? room : COPY_PIECE;
        char *to = want ? ag_buf_reserve(out, want) : &extra;
        if (!to) return ag_buf_check(out, "content", err);
        ptrdiff_t got = ag_read(reader, to, want ? want : 1, err);
        if (got <= 0) return (int)got;
        if (!want) return ag_fail(err, AG_ELIMIT, "the content is larger than %zu bytes", out->max);
        out->size += (size_t)got;
        out->data[out->size] = '\0';
    }
}

int ag_read_all(ag_reader *reader, ag_buf *out, ag_err *err)
{
    if (out->failed) return ag_buf_check(out, "content", err);
    size_t before = out->size;
    int rc = read_all(reader, out, err);
    if (rc < 0 && out->data) {
        out->size = before;
        out->data[before] = '\0';
    }
    return rc;
}

int ag_write(ag_writer *writer, const void *bytes, size_t size, ag_err *err)
{
    return size == 0 ? AG_OK : writer->write(writer, bytes, size, err);
}

int ag_finish(ag_writer *writer, ag_err *err)
{
    return writer->finish ? writer->finish(writer, err) : AG_OK;
}

void ag_reader_close(ag_reader *reader)
{
    if (reader && reader->close) reader->close(reader);
}

void ag_writer_close(ag_writer *writer)
{
    if (writer && writer->close) writer->close(writer);
}

int ag_copy(ag_reader *from, ag_writer *to, uint64_t *copied, ag_err *err)
{
    uint64_t total = 0;
    int rc = AG_OK;
    char *piece = ag_alloc(COPY_PIECE);
    if (!piece) return ag_fail_memory(err, COPY_PIECE);
    for (;;) {
        ptrdiff_t got = ag_read(from, piece, COPY_PIECE, err);
        if (got <= 0) {
            rc = (int)got;
            break;
        }
        if ((rc = ag_write(to, piece, (size_t)got, err)) < 0) break;
        total += (uint64_t)got;
    }
    if (copied) *copied = total;
    ag_free(piece);
    return rc;
}

typedef struct memory_reader {
    ag_reader base;
    const char *at;
    size_t left;
} memory_reader;

static ptrdiff_t read_memory(ag_reader *base, void *into, size_t size, ag_err *err)
{
    (void)err;
    memory_reader *self = (memory_reader *)base;
    size_t count = size < self->left ? size : self->left;
    if (count > 0) memcpy(into, self->at, count);
    self->at += count;
    self->left -= count;
    return (ptrdiff_t)count;
}

static void free_reader(ag_reader *base)
{
    ag_free(base);
}

int ag_reader_of_memory(const void *bytes, size_t size, ag_reader **out, ag_err *err)
{
    memory_reader *self = ag_calloc(1, sizeof(*self));
    if (!self) return ag_fail_memory(err, sizeof(*self));
    *self = (memory_reader){{read_memory, free_reader}, bytes ? bytes : "", size};
    *out = &self->base;
    return AG_OK;
}

/* Of a descriptor, a file, or a part of one. */
typedef struct file_reader {
    ag_reader base;
    int fd;
    bool owned;
    uint64_t left; /* UINT64_MAX: until the end */
    char *path;    /* NULL for a descriptor */
} file_reader;

static ptrdiff_t read_file(ag_reader *base, void *into, size_t size, ag_err *err)
{
    file_reader *self = (file_reader *)base;
    const char *name = self->path ? self->path : "the stream";
    if (self->left == 0) return 0;
    ptrdiff_t got = ag_sys_read(self->fd, into, size < self->left ? size : (size_t)self->left);
    if (got < 0) return ag_fail_errno(err, errno, "cannot read '%s'", name);
    if (self->left == UINT64_MAX) return got;
    if (got == 0)
        return ag_fail(err, AG_ECORRUPT, "'%s' ends %llu bytes too early", name, (unsigned long long)self->left);
    self->left -= (uint64_t)got;
    return got;
}

static void close_file_reader(ag_reader *base)
{
    file_reader *self = (file_reader *)base;
    if (self->owned) ag_sys_close(self->fd);
    ag_free(self->path);
    ag_free(self);
}

static int open_file(const char *path, uint64_t offset, uint64_t size, ag_reader **out, ag_err *err)
{
    int rc = AG_OK;
    file_reader *self = ag_calloc(1, sizeof(*self));
    if (!self) return ag_fail_memory(err, sizeof(*self));
    *self = (file_reader){{read_file, close_file_reader}, -1, true, size, ag_strdup(path)};
    if (!self->path) {
        rc = ag_fail_memory(err, strlen(path) + 1);
        goto out;
    }
    if ((self->fd = ag_sys_open(AT_FDCWD, path, O_RDONLY, 0)) < 0) {
        rc = ag_fail_open(err, errno, path);
        goto out;
    }
    if (offset > 0 && (ag_sys_fault() || lseek(self->fd, (off_t)offset, SEEK_SET) < 0)) {
        rc = ag_fail_errno(err, errno, "cannot go to byte %llu of '%s'", (unsigned long long)offset, path);
        goto out;
    }
    *out = &self->base;
    self = NULL;
out:
    if (self) close_file_reader(&self->base);
    return rc;
}

int ag_reader_of_file(const char *path, ag_reader **out, ag_err *err)
{
    return open_file(path, 0, UINT64_MAX, out, err);
}

int ag_reader_of_range(const char *path, uint64_t offset, uint64_t size, ag_reader **out, ag_err *err)
{
    if (offset > INT64_MAX || size > INT64_MAX - offset)
        return ag_fail(err, AG_EINVAL, "the range of '%s' is beyond any file", path);
    return open_file(path, offset, size, out, err);
}

int ag_reader_of_fd(int fd, ag_reader **out, ag_err *err)
{
    file_reader *self = ag_calloc(1, sizeof(*self));
    if (!self) return ag_fail_memory(err, sizeof(*self));
    *self = (file_reader){{read_file, close_file_reader}, fd, false, UINT64_MAX, NULL};
    *out = &self->base;
    return AG_OK;
}

typedef struct buf_writer {
    ag_writer base;
    ag_buf *buf;
} buf_writer;

static int write_buf(ag_writer *base, const void *bytes, size_t size, ag_err *err)
{
    buf_writer *self = (buf_writer *)base;
    ag_buf_add(self->buf, bytes, size);
    return ag_buf_check(self->buf, "content", err);
}

static void free_writer(ag_writer *base)
{
    ag_free(base);
}

int ag_writer_to_buf(ag_buf *buf, ag_writer **out, ag_err *err)
{
    buf_writer *self = ag_calloc(1, sizeof(*self));
    if (!self) return ag_fail_memory(err, sizeof(*self));
    *self = (buf_writer){{write_buf, NULL, free_writer}, buf};
    *out = &self->base;
    return AG_OK;
}

typedef struct fd_writer {
    ag_writer base;
    int fd;
} fd_writer;

static int write_fd(ag_writer *base, const void *bytes, size_t size, ag_err *err)
{
    if (ag_sys_write(((fd_writer *)base)->fd, bytes, size) < 0)
        return ag_fail_errno(err, errno, "cannot write the stream");
    return AG_OK;
}

int ag_writer_to_fd(int fd, ag_writer **out, ag_err *err)
{
    fd_writer *self = ag_calloc(1, sizeof(*self));
    if (!self) return ag_fail_memory(err, sizeof(*self));
    *self = (fd_writer){{write_fd, NULL, free_writer}, fd};
    *out = &self->base;
    return AG_OK;
}

typedef struct file_writer {
    ag_writer base;
    ag_replace *replace;
} file_writer;

static int write_file(ag_writer *base, const void *bytes, size_t size, ag_err *err)
{
    return ag_replace_write(((file_writer *)base)->replace, bytes, size, err);
}

static int finish_file(ag_writer *base, ag_err *err)
{
    return ag_replace_commit(((file_writer *)base)->replace, err);
}

static void close_file_writer(ag_writer *base)
{
    ag_replace_free(((file_writer *)base)->replace);
    ag_free(base);
}

int ag_writer_to_file(const char *path, ag_writer **out, ag_err *err)
{
    file_writer *self = ag_calloc(1, sizeof(*self));
    if (!self) return ag_fail_memory(err, sizeof(*self));
    *self = (file_writer){{write_file, finish_file, close_file_writer}, NULL};
    int rc = ag_replace_open(path, &self->replace, err);
    if (rc < 0) {
        ag_free(self);
        return rc;
    }
    *out = &self->base;
    return AG_OK;
}
