// SPDX-License-Identifier: Apache-2.0
/* csv_write.c: writing CSV that any reader takes back as it was: a cell is quoted when it has a delimiter, quote, line
 * end or blank at its edge, starts a row like a comment ('#'), or is the only and empty one of its row (a blank line
 * would be passed over). With `neutralise`, text that starts with = + - @ (also as full-width letters, blanks before it
 * included), tab or CR gets a "'" in front, unless it is a plain number: spreadsheets run such cells as formulas. That
 * changes the text, so it is for files that people open, not for exchange. Threads: one writer belongs to one. */
#include <string.h>

#include "core/base/mem.h"
#include "core/io/csv.h"

#define FLUSH_AT ((size_t)64 << 10)

struct ag_csv_writer {
    ag_csv_format format;
    ag_writer *sink;
    ag_writer *own; /* the sink, when it goes with the writer; else NULL */
    ag_buf pending;
    size_t cells; /* of the row under way */
    bool empty;   /* the row so far is one empty cell */
};

int ag_csv_writer_new(ag_writer *sink, const ag_csv_format *format, ag_csv_writer **out, ag_err *err)
{
    ag_csv_format f = format ? *format : (ag_csv_format){0};
    if (!f.delimiter) f.delimiter = f.decimal_comma ? ';' : ',';
    if (strchr("\"\r\n'#", f.delimiter))
        return ag_fail(err, AG_EINVAL, "the delimiter of a CSV file cannot be 0x%02x", f.delimiter);
    if (f.delimiter == ',' && f.decimal_comma)
        return ag_fail(err, AG_EINVAL, "',' cannot be both the delimiter and the decimal comma");
    ag_csv_writer *writer = ag_calloc(1, sizeof(*writer));
    if (!writer) return ag_fail_memory(err, sizeof(*writer));
    *writer = (ag_csv_writer){.format = f, .sink = sink};
    ag_buf_init(&writer->pending, SIZE_MAX / 2);
    *out = writer;
    return AG_OK;
}

static int new_over_own(ag_writer *sink, const ag_csv_format *format, ag_csv_writer **out, ag_err *err)
{
    int rc = ag_csv_writer_new(sink, format, out, err);
    if (rc < 0)
        ag_writer_close(sink);
    else
        (*out)->own = sink;
    return rc;
}

int ag_csv_writer_to_file(const char *path, const ag_csv_format *format, ag_csv_writer **out, ag_err *err)
{
    ag_writer *sink = NULL;
    int rc = ag_writer_to_file(path, &sink, err);
    return rc < 0 ? rc : new_over_own(sink, format, out, err);
}

int ag_csv_writer_to_buf(ag_buf *buf, const ag_csv_format *format, ag_csv_writer **out, ag_err *err)
{
    ag_writer *sink = NULL;
    int rc = ag_writer_to_buf(buf, &sink, err);
    return rc < 0 ? rc : new_over_own(sink, format, out, err);
}

void ag_csv_writer_free(ag_csv_writer *writer)
{
    if (!writer) return;
    ag_writer_close(writer->own);
    ag_buf_deinit(&writer->pending);
    ag_free(writer);
}

static bool is_formula(ag_str text)
{
    static const char *const starts[] = {
        "=", "+", "-", "@", "\t", "\r", "\xef\xbc\x9d", "\xef\xbc\x8b", "\xef\xbc\x8d", "\xef\xbc\xa0"};
    double ignored;
    if (ag_str_to_double(text, &ignored)) return false;
    while (text.size > 0 && text.data[0] == ' ') text = ag_str_slice(text, 1, text.size);
    for (size_t i = 0; i < sizeof(starts) / sizeof(*starts); i++)
        if (ag_str_starts(text, ag_str_of(starts[i]))) return true;
    return false;
}

static bool needs_quotes(const ag_csv_writer *writer, ag_str text)
{
    if (text.size == 0) return false;
    char first = text.data[0], last = text.data[text.size - 1];
    if (first == ' ' || first == '\t' || last == ' ' || last == '\t') return true;
    /* The last three could pass for byte order marks. */
    if (writer->cells == 0 && strchr("#\xef\xfe\xff", first) && first) return true;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (c == writer->format.delimiter || c == '"' || c == '\n' || c == '\r') return true;
    }
    return false;
}

/* Separates from the cell before. */
static void begin_cell(ag_csv_writer *writer, bool empty)
{
    if (writer->cells > 0) ag_buf_add_char(&writer->pending, writer->format.delimiter);
    writer->empty = empty && writer->cells == 0;
    writer->cells++;
}

int ag_csv_add(ag_csv_writer *writer, ag_str text, ag_err *err)
{
    ag_buf *out = &writer->pending;
    bool formula = writer->format.neutralise && is_formula(text);
    bool quotes = needs_quotes(writer, text);
    begin_cell(writer, text.size == 0);
    if (quotes) ag_buf_add_char(out, '"');
    if (formula) ag_buf_add_char(out, '\'');
    for (ag_str rest = text; rest.size > 0;) {
        size_t quote = ag_str_find_char(rest, '"', 0);
        size_t piece = quote == SIZE_MAX ? rest.size : quote + 1;
        ag_buf_add(out, rest.data, piece);
        if (quote != SIZE_MAX) ag_buf_add_char(out, '"');
        rest = ag_str_slice(rest, piece, rest.size);
    }
    if (quotes) ag_buf_add_char(out, '"');
    return ag_buf_check(out, "CSV", err);
}

int ag_csv_add_texts(ag_csv_writer *writer, const char *const *texts, size_t count, ag_err *err)
{
    int rc = AG_OK;
    for (size_t i = 0; rc >= 0 && i < count; i++)
        rc = ag_csv_add(writer, texts[i] ? ag_str_of(texts[i]) : AG_STR(""), err);
    return rc;
}

int ag_csv_add_double(ag_csv_writer *writer, double value, ag_err *err)
{
    char text[32];
    size_t size = ag_double_format(value, text);
    for (size_t i = 0; writer->format.decimal_comma && i < size; i++)
        if (text[i] == '.') text[i] = ',';
    begin_cell(writer, false);
    ag_buf_add(&writer->pending, text, size);
    return ag_buf_check(&writer->pending, "CSV", err);
}

int ag_csv_add_int(ag_csv_writer *writer, int64_t value, ag_err *err)
{
    begin_cell(writer, false);
    ag_buf_addf(&writer->pending, "%lld", (long long)value);
    return ag_buf_check(&writer->pending, "CSV", err);
}

int ag_csv_end_row(ag_csv_writer *writer, ag_err *err)
{
    if (writer->cells == 1 && writer->empty) ag_buf_add_text(&writer->pending, "\"\"");
    ag_buf_add_text(&writer->pending, writer->format.crlf ? "\r\n" : "\n");
    writer->cells = 0;
    int rc = ag_buf_check(&writer->pending, "CSV", err);
    if (rc < 0 || writer->pending.size < FLUSH_AT) return rc;
    return ag_csv_flush(writer, err);
}

int ag_csv_flush(ag_csv_writer *writer, ag_err *err)
{
    int rc = ag_buf_check(&writer->pending, "CSV", err);
    if (rc >= 0) rc = ag_write(writer->sink, writer->pending.data, writer->pending.size, err);
    if (rc >= 0) ag_buf_clear(&writer->pending);
    return rc;
}

int ag_csv_finish(ag_csv_writer *writer, ag_err *err)
{
    int rc = ag_csv_flush(writer, err);
    return rc >= 0 && writer->own ? ag_finish(writer->own, err) : rc;
}
