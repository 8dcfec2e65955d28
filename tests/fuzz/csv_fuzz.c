// SPDX-License-Identifier: Apache-2.0
/* csv_fuzz.c: the first bytes choose the options, the rest is the table. Read from memory and from a stream that gives
 * a few bytes at a time, it must come out the same; and what was read, once written, must read back the same. */
#include <stdlib.h>
#include <string.h>

#include "core/io/csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
    if (!good) abort();
}

typedef struct drip {
    ag_reader base;
    ag_str rest;
    size_t most;
} drip;

static ptrdiff_t read_drip(ag_reader *base, void *into, size_t size, ag_err *err)
{
    (void)err;
    drip *self = (drip *)base;
    size_t count = self->most < size ? self->most : size;
    if (count > self->rest.size) count = self->rest.size;
    if (count > 0) memcpy(into, self->rest.data, count);
    self->rest = ag_str_slice(self->rest, count, self->rest.size);
    return (ptrdiff_t)count;
}

/* All rows, to `written`; the code of the end. */
static int copy_rows(ag_csv *csv, ag_csv_writer *writer, ag_err *err)
{
    const ag_str *cells;
    size_t count;
    uint32_t line, column;
    double number;
    int rc;
    while ((rc = ag_csv_next(csv, &cells, &count, err)) > 0) {
        ag_err ignored;
        for (size_t i = 0; i < count; i++) {
            check(ag_csv_add(writer, cells[i], err) >= 0);
            ag_csv_place(csv, i, &line, &column);
            check(line > 0 && column > 0);
            ag_csv_double(csv, i, &number, &ignored);
        }
        check(ag_csv_end_row(writer, err) >= 0);
    }
    check(ag_csv_flush(writer, err) >= 0);
    return rc;
}

static int read_all(ag_csv *csv, int opened, ag_buf *out, ag_err *err)
{
    ag_writer *sink = NULL;
    ag_csv_writer *writer = NULL;
    ag_buf_clear(out);
    if (opened < 0) return opened;
    check(ag_writer_to_buf(out, &sink, err) >= 0 && ag_csv_writer_new(sink, NULL, &writer, err) >= 0);
    int rc = copy_rows(csv, writer, err);
    ag_csv_writer_free(writer);
    ag_writer_close(sink);
    ag_csv_free(csv);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3) return 0;
    static const char delimiters[] = {0, ',', ';', '\t'};
    ag_csv_options options = {.delimiter = delimiters[data[0] & 3],
                              .no_quotes = data[0] & 4,
                              .comment = data[0] & 8 ? '#' : 0,
                              .header = data[0] & 16,
                              .trim = data[0] & 32,
                              .ragged = data[0] & 64 ? AG_CSV_PAD : AG_CSV_REFUSE,
                              .decimal_comma = data[0] & 128 && (data[0] & 3) != 1,
                              .max_row = data[2] & 1 ? 64 : 0,
                              .max_columns = data[2] & 2 ? 4 : 0};
    ag_str text = {(const char *)data + 3, size - 3};
    drip source = {{read_drip, NULL}, text, (size_t)data[1] + 1};
    ag_err err1 = {0}, err2 = {0};
    ag_csv *csv = NULL;
    ag_buf a, b;
    ag_buf_init(&a, SIZE_MAX / 2);
    ag_buf_init(&b, SIZE_MAX / 2);
    int rc1 = ag_csv_open_memory(text, &options, &csv, &err1);
    rc1 = read_all(csv, rc1, &a, &err1);
    csv = NULL;
    int rc2 = ag_csv_open(&source.base, &options, &csv, &err2);
    rc2 = read_all(csv, rc2, &b, &err2);
    check(rc1 == rc2 && (rc1 == 0 || (err1.line == err2.line && err1.column == err2.column && err1.text[0])));
    check(ag_str_equal(ag_buf_str(&a), ag_buf_str(&b)));
    if (rc1 == 0) { /* what we wrote is plain RFC 4180 */
        ag_csv_options plain = {.delimiter = ','};
        int rc = ag_csv_open_memory(ag_buf_str(&a), &plain, &csv, &err1);
        check(read_all(csv, rc, &b, &err1) == 0);
        check(ag_str_equal(ag_buf_str(&a), ag_buf_str(&b)));
    }
    ag_buf_deinit(&a);
    ag_buf_deinit(&b);
    return 0;
}
