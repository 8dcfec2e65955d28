// SPDX-License-Identifier: Apache-2.0
/* setitec.c: the reader of Setitec drilling units, all versions. A file is a list of sections of name and value lines,
 * then a table of numbers to its end. Everything goes by length, because a field may hold NUL bytes; cells are
 * positional, because empty ones are normal. What contradicts itself but can be read is read, with a flaw that the
 * format validator judges; what cannot be read is an error that names line, column and rule.
 * Not done with the CSV reader of the core: that one allocates for its widest row, unquotes, and gives text, while here
 * 99 % of the bytes are numbers of one shape. No state, any thread. */
#include "data/readers/setitec_parts.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/base/str.h"

static const char table_title[] = "*** Datas";
static const char byte_order_mark[] = "\xEF\xBB\xBF";

int ag_setitec_flaw(ag_setitec *self, const char *rule, uint32_t line, ag_err *err, const char *format, ...)
{
    char text[300];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    ag_flaw flaw = {.rule = rule, .line = line, .row = SIZE_MAX};
    return ag_flaw_add(&self->hole->flaws, self->arena, &flaw, err, "%s", text);
}

int ag_setitec_fail(ag_setitec *self, const char *rule, uint32_t line, uint32_t column, ag_err *err, const char *format,
                    ...)
{
    char text[300];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    self->source->rule = rule;
    return ag_fail_at(err, AG_EPARSE, self->source->name, line, column, "%s: %s", rule, text);
}

double ag_setitec_number(ag_str text)
{
    text = ag_str_trim(text);
    if (ag_str_equal_nocase(text, AG_STR("inf"))) return INFINITY;
    size_t at = 0, decimals = 0;
    bool negative = text.size > 0 && text.data[0] == '-', fraction = false, digits = false;
    uint64_t value = 0;
    for (at = negative; at < text.size; at++) {
        char c = text.data[at];
        if (c >= '0' && c <= '9') {
            if (value > UINT64_C(9007199254740991) / 10 || decimals > 15) return NAN;
            value = value * 10 + (uint64_t)(c - '0');
            decimals += fraction;
            digits = true;
        } else if ((c == '.' || c == ',') && !fraction) {
            fraction = true;
        } else {
            return NAN;
        }
    }
    static const double powers[] = {1e0, 1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7, 1e8,
                                    1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16};
    if (!digits) return NAN;
    double number = (double)value / powers[decimals];
    return negative ? -number : number;
}

bool ag_setitec_same(ag_str a, ag_str b)
{
    size_t i = 0, j = 0;
    while (i < a.size && j < b.size) {
        if ((unsigned char)a.data[i] >= 0x80 && (unsigned char)b.data[j] >= 0x80) {
            while (i < a.size && (unsigned char)a.data[i] >= 0x80) i++;
            while (j < b.size && (unsigned char)b.data[j] >= 0x80) j++;
        } else if (a.data[i++] != b.data[j++]) {
            return false;
        }
    }
    return i == a.size && j == b.size;
}

static bool is_filler(char c)
{
    return c == ' ' || c == '\0' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

static ag_str cut_ends(ag_str text)
{
    static const ag_str escaped_nul = {"\\u0000", 6};
    for (;;) {
        size_t before = text.size;
        while (text.size > 0 && is_filler(text.data[0])) text = ag_str_slice(text, 1, text.size - 1);
        while (text.size > 0 && is_filler(text.data[text.size - 1])) text.size--;
        if (ag_str_ends(text, escaped_nul)) text.size -= escaped_nul.size;
        if (ag_str_starts(text, escaped_nul)) text = ag_str_slice(text, escaped_nul.size, text.size);
        if (text.size == before) return text;
    }
}

int ag_setitec_text(ag_setitec *self, ag_str raw, ag_str *out, ag_err *err)
{
    ag_str text = cut_ends(raw);
    size_t high = 0;
    for (size_t i = 0; i < text.size; i++) high += (unsigned char)text.data[i] >= 0x80;
    if (high == 0 || self->utf8) {
        *out = text;
        return AG_OK;
    }
    char *decoded = ag_arena_alloc(self->arena, text.size + high);
    if (!decoded) return ag_fail_memory(err, text.size + high);
    size_t at = 0;
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c >= 0x80) {
            decoded[at++] = (char)(0xC0 | (c >> 6));
            c = (unsigned char)(0x80 | (c & 0x3F));
        }
        decoded[at++] = (char)c;
    }
    *out = (ag_str){decoded, at};
    return AG_OK;
}

/* The title of the samples, at the beginning of a line. */
static size_t find_table(ag_str bytes)
{
    for (size_t at = 0; (at = ag_str_find(bytes, (ag_str){table_title, sizeof(table_title) - 1}, at)) != SIZE_MAX; at++)
        if (at == 0 || bytes.data[at - 1] == '\n') return at;
    return SIZE_MAX;
}

static uint32_t count_lines(ag_str text)
{
    uint32_t lines = 0;
    for (size_t i = 0; i < text.size; i++) lines += text.data[i] == '\n';
    return lines;
}

static char guess_delimiter(ag_str header)
{
    size_t tabs = 0, semicolons = 0;
    for (size_t i = 0; i < header.size; i++) {
        tabs += header.data[i] == '\t';
        semicolons += header.data[i] == ';';
    }
    return semicolons > tabs ? ';' : '\t';
}

/* Copies the header, so that its slices outlive the file, and notes what is odd about its bytes. */
static int take_header(ag_setitec *self, size_t from, size_t title, ag_err *err)
{
    ag_str bytes = self->source->bytes;
    self->header.size = title - from;
    self->header.data = ag_arena_strndup(self->arena, bytes.data + from, self->header.size);
    if (!self->header.data) return ag_fail_memory(err, self->header.size);
    self->hole->raw_header = self->header;
    self->utf8 = ag_utf8_valid(self->header);
    self->delimiter = guess_delimiter(self->header);
    int rc = AG_OK;
    if (from > 0) rc = ag_setitec_flaw(self, "F10", 1, err, "the file begins with a byte order mark");
    if (rc == AG_OK && self->delimiter != '\t')
        rc = ag_setitec_flaw(self, "F1", 1, err, "cells are separated by ';' instead of tabs");
    if (rc == AG_OK && memchr(self->header.data, '\r', self->header.size))
        rc = ag_setitec_flaw(self, "F9", 1, err, "lines end in CR LF instead of LF");
    if (rc == AG_OK && ag_str_find(self->header, AG_STR("\xEF\xBF\xBD"), 0) != SIZE_MAX)
        rc = ag_setitec_flaw(self, "F12", 0, err, "a letter was lost when the file was saved again (U+FFFD)");
    if (rc == AG_OK && memchr(self->header.data, '\0', self->header.size))
        rc = ag_setitec_flaw(self, "F13", 0, err, "a header field holds NUL bytes");
    return rc;
}

static int read_file(ag_hole_source *source, ag_hole *hole, ag_err *err)
{
    ag_setitec self = {.source = source, .hole = hole, .arena = hole->arena};
    size_t from = ag_str_starts(source->bytes, (ag_str){byte_order_mark, 3}) ? sizeof(byte_order_mark) - 1 : 0;
    size_t title = find_table(ag_str_slice(source->bytes, from, source->bytes.size));
    const ag_foreign *foreign = title == SIZE_MAX ? ag_foreign_of(source->bytes) : NULL;
    if (foreign) {
        (void)ag_setitec_fail(&self, "F2", 0, 0, err, "it is %s, not a drilling unit's text", foreign->what);
        return ag_err_hint(err, "%s", ag_hole_foreign_hint(foreign));
    }
    if (title == SIZE_MAX)
        return ag_setitec_fail(&self, "F2", count_lines(source->bytes) + 1, 0, err,
                               "no section '*** Datas ***': the file ends before its samples");
    title += from;
    int rc = take_header(&self, from, title, err);
    if (rc < 0) return rc;
    rc = ag_setitec_read_header(&self, err);
    if (rc < 0) return rc;
    size_t line_end = ag_str_find_char(source->bytes, '\n', title);
    size_t table = line_end == SIZE_MAX ? source->bytes.size : line_end + 1;
    self.table = ag_str_slice(source->bytes, table, source->bytes.size - table);
    self.table_line = count_lines(self.header) + 2;
    rc = ag_setitec_read_table(&self, err);
    if (rc < 0) return rc;
    rc = ag_hole_finish(hole, err);
    if (rc == AG_EPARSE) source->rule = "F3"; /* a column without which there is no hole */
    return rc;
}

static int sniff(ag_str beginning)
{
    if (ag_str_starts(beginning, (ag_str){byte_order_mark, 3})) beginning = ag_str_slice(beginning, 3, beginning.size);
    if (ag_str_starts(beginning, AG_STR("*** General Infos"))) return 2;
    return ag_str_starts(beginning, AG_STR("*** ")) ? 1 : 0;
}

static const char *const endings[] = {".xls", NULL};

const ag_hole_reader ag_hole_reader_setitec = {
    .name = "setitec",
    .doc = "Files of Setitec drilling units (text behind the ending .xls), format versions 4 to 11",
    .endings = endings,
    .by_ending = true,
    .sniff = sniff,
    .read = read_file,
};
