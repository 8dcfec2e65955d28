// SPDX-License-Identifier: Apache-2.0
/* columns.c: rows to columns and back.
 * Form: separator, varint number of segments, per segment {varint lines, varint columns}, then the bodies. A segment of
 * 0 columns holds its lines as they are; any other holds column after column, cell after cell. Every line and cell ends
 * in '\n'; the text is cut at '\n', so the last line may be empty and restoring drops the one '\n' too many.
 * Invariant: cells hold neither the separator nor '\n', so no escaping is needed and every byte, also NUL and CR, comes
 * back. Threads: no state. */
#include "core/blob/columns.h"

#include <string.h>

#include "core/base/mem.h"
#include "core/base/vec.h"

#define MIN_LINES 8
#define MAX_COLUMNS 4096

typedef struct segment {
    uint64_t lines;
    uint64_t columns;   /* 0: plain */
    size_t start, size; /* in the text; with the '\n' of each line */
} segment;

static char pick_separator(ag_str text)
{
    size_t counts[256] = {0};
    size_t size = text.size < 65536 ? text.size : 65536;
    for (size_t i = 0; i < size; i++) counts[(unsigned char)text.data[i]]++;
    size_t lines = counts['\n'];
    if (lines < MIN_LINES) return 0;
    static const char candidates[] = {'\t', ';', ','}; /* a comma may be a decimal mark: last */
    for (size_t i = 0; i < sizeof(candidates); i++) {
        if (counts[(unsigned char)candidates[i]] >= lines) return candidates[i];
    }
    return 0;
}

/* The line from `at`: its number of separators; *next is behind its '\n' (one behind the text for the last). */
static size_t scan_line(ag_str text, size_t at, char separator, size_t *next)
{
    const char *end = memchr(text.data + at, '\n', text.size - at);
    size_t stop = end ? (size_t)(end - text.data) : text.size, count = 0;
    for (size_t i = at; i < stop; i++) count += text.data[i] == separator;
    *next = stop + 1;
    return count;
}

static int find_segments(ag_str text, char separator, ag_vec *segments, size_t *turned, ag_err *err)
{
    size_t at = 0;
    *turned = 0;
    while (at <= text.size) {
        segment s = {.start = at};
        size_t next, columns = scan_line(text, at, separator, &next) + 1;
        for (;;) {
            s.lines++;
            at = next;
            if (at > text.size || scan_line(text, at, separator, &next) + 1 != columns) break;
        }
        s.size = at - s.start;
        bool table = s.lines >= MIN_LINES && columns > 1 && columns <= MAX_COLUMNS;
        if (table) *turned += s.size;
        s.columns = table ? columns : 0;
        segment *last = ag_vec_at(segments, segments->count - 1);
        if (last && !table && last->columns == 0) {
            last->lines += s.lines;
            last->size += s.size;
        } else {
            int rc = ag_vec_push(segments, &s, err);
            if (rc < 0) return rc;
        }
    }
    return 0;
}

static void add_varint(ag_buf *out, uint64_t value)
{
    for (; value >= 0x80; value >>= 7) ag_buf_add_char(out, (char)(value | 0x80));
    ag_buf_add_char(out, (char)value);
}

static bool take_varint(ag_str *from, uint64_t *out)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 63 && from->size; shift += 7) {
        unsigned char c = (unsigned char)from->data[0];
        *from = ag_str_slice(*from, 1, SIZE_MAX);
        value |= (uint64_t)(c & 0x7f) << shift;
        if (c < 0x80) {
            *out = value;
            return true;
        }
    }
    return false;
}

/* cursors[r] is where the next cell of row r begins. */
static void turn_segment(ag_str text, const segment *s, char separator, size_t *cursors, ag_buf *out)
{
    size_t at = s->start;
    for (uint64_t r = 0; r < s->lines; r++) {
        cursors[r] = at;
        const char *end = at < text.size ? memchr(text.data + at, '\n', text.size - at) : NULL;
        at = (end ? (size_t)(end - text.data) : text.size) + 1;
    }
    char *to = ag_buf_reserve(out, s->size); /* every separator and line end becomes a '\n': not a byte more */
    if (!to) return;
    for (uint64_t c = 0; c < s->columns; c++) {
        for (uint64_t r = 0; r < s->lines; r++) {
            size_t from = cursors[r];
            while (from < text.size && text.data[from] != separator && text.data[from] != '\n')
                *to++ = text.data[from++];
            *to++ = '\n';
            cursors[r] = from + 1;
        }
    }
    out->size += s->size;
    out->data[out->size] = 0;
}

static int turn_all(ag_str text, const ag_vec *segments, char separator, ag_buf *out, ag_err *err)
{
    uint64_t most = 0;
    for (size_t i = 0; i < segments->count; i++) {
        const segment *s = ag_vec_at(segments, i);
        if (s->columns && s->lines > most) most = s->lines;
    }
    size_t *cursors = ag_alloc_array((size_t)most, sizeof(*cursors));
    if (!cursors) return ag_fail_memory(err, (size_t)most * sizeof(*cursors));
    ag_buf_add_char(out, separator);
    add_varint(out, segments->count);
    for (size_t i = 0; i < segments->count; i++) {
        const segment *s = ag_vec_at(segments, i);
        add_varint(out, s->lines);
        add_varint(out, s->columns);
    }
    for (size_t i = 0; i < segments->count; i++) {
        const segment *s = ag_vec_at(segments, i);
        if (s->columns) {
            turn_segment(text, s, separator, cursors, out);
        } else {
            bool last = s->start + s->size > text.size; /* its '\n' is not in the text */
            ag_buf_add(out, text.data + s->start, s->size - last);
            if (last) ag_buf_add_char(out, '\n');
        }
    }
    ag_free(cursors);
    return ag_buf_check(out, "a table", err);
}

int ag_columns_turn(ag_str text, ag_buf *out, ag_err *err)
{
    char separator = pick_separator(text);
    if (!separator) return 0;
    ag_vec segments;
    ag_vec_init(&segments, sizeof(segment));
    size_t turned = 0;
    int rc = find_segments(text, separator, &segments, &turned, err);
    if (rc == 0 && turned >= text.size - text.size / 4) {
        rc = turn_all(text, &segments, separator, out, err);
        if (rc >= 0) rc = 1;
    }
    ag_vec_deinit(&segments);
    return rc;
}

static int corrupt(ag_err *err)
{
    return ag_fail(err, AG_ECORRUPT, "a stored table does not follow its form");
}

static bool skip_lines(ag_str *body, uint64_t lines, ag_str *skipped)
{
    const char *at = body->data, *end = body->data + body->size;
    for (uint64_t i = 0; i < lines; i++) {
        const char *found = at < end ? memchr(at, '\n', (size_t)(end - at)) : NULL;
        if (!found) return false;
        at = found + 1;
    }
    *skipped = (ag_str){body->data, (size_t)(at - body->data)};
    *body = (ag_str){at, (size_t)(end - at)};
    return true;
}

static int restore_table(ag_str *body, uint64_t lines, uint64_t columns, char separator, ag_buf *out, ag_err *err)
{
    ag_str cursors_of[16], *cursors = columns <= 16 ? cursors_of : ag_alloc_array((size_t)columns, sizeof(*cursors));
    int rc = 0;
    if (!cursors) return ag_fail_memory(err, (size_t)columns * sizeof(*cursors));
    size_t size = 0;
    for (uint64_t c = 0; c < columns && rc == 0; c++) {
        if (skip_lines(body, lines, &cursors[c]))
            size += cursors[c].size;
        else
            rc = corrupt(err);
    }
    char *to = rc == 0 ? ag_buf_reserve(out, size) : NULL; /* as many bytes as in the columns */
    if (rc == 0 && !to) rc = ag_buf_check(out, "a table", err);
    for (uint64_t r = 0; to && r < lines; r++) {
        for (uint64_t c = 0; c < columns; c++) {
            const char *from = cursors[c].data; /* each column has `lines` ends: skip_lines() counted them */
            while (*from != '\n') *to++ = *from++;
            *to++ = c + 1 < columns ? separator : '\n';
            cursors[c].data = from + 1;
        }
    }
    if (rc == 0) {
        out->size += size;
        out->data[out->size] = 0;
    }
    if (cursors != cursors_of) ag_free(cursors);
    return rc;
}

int ag_columns_restore(ag_str turned, ag_buf *out, ag_err *err)
{
    uint64_t count, lines, columns, before = out->size;
    if (turned.size < 2) return corrupt(err);
    char separator = turned.data[0];
    ag_str head = ag_str_slice(turned, 1, SIZE_MAX);
    if (!take_varint(&head, &count) || count == 0 || count > head.size) return corrupt(err);
    ag_str body = head;
    for (uint64_t i = 0; i < 2 * count; i++) {
        if (!take_varint(&body, &lines)) return corrupt(err);
    }
    for (uint64_t i = 0; i < count; i++) {
        ag_str plain;
        int rc = 0;
        if (!take_varint(&head, &lines) || !take_varint(&head, &columns) || lines == 0 || lines > body.size ||
            columns > MAX_COLUMNS) {
            return corrupt(err);
        }
        if (columns) {
            rc = restore_table(&body, lines, columns, separator, out, err);
        } else {
            if (!skip_lines(&body, lines, &plain)) return corrupt(err);
            if (ag_buf_add_str(out, plain) < 0) rc = ag_buf_check(out, "a table", err);
        }
        if (rc < 0) return rc;
    }
    if (body.size || out->size == before) return corrupt(err);
    out->data[--out->size] = 0; /* the one '\n' too many */
    return 0;
}
