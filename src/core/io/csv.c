// SPDX-License-Identifier: Apache-2.0
/* csv.c: reading CSV. A row is found first (scan_row(), which remembers its state where the input ends in the middle of
 * a row) and then cut into cells (cut_row()), always from one contiguous piece of memory: the caller's, a map, or a
 * window that is moved along a stream. A cell is a slice of that piece; only one with doubled quotes is copied, into
 * `plain`, which has room for a whole row before the first copy, so that slices into it stay put.
 * Invariants: [row, row + row_size) is the current row without its line end; `at` is behind it; line numbers count LF,
 * CRLF and CR as one each; both passes follow the same quote rules:
 *   a quote opens only at the start of a cell; inside, a doubled one stands for one; behind the closing one only a
 *   delimiter, a line end or (with trim) blanks may come; elsewhere a quote is a character like any other.
 * Threads: one reader belongs to one thread. */
#include "core/io/csv.h"

#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/io/file.h"
#include "core/io/foreign.h"

#define MAX_ROW ((size_t)16 << 20)
#define MAX_COLUMNS ((size_t)65536)
#define PIECE ((size_t)64 << 10)
#define GUESS_ROWS 32

typedef enum place { CELL_START, IN_PLAIN, IN_QUOTES, AFTER_QUOTE, AFTER_CELL, IN_COMMENT } place;

struct ag_csv {
    ag_csv_options options;
    ag_reader *source; /* NULL: everything is in `data` */
    bool owns_source;
    ag_mapping mapping;
    char *window; /* what is owned of `data`, when streaming */
    size_t window_size;
    const char *data;
    size_t size;
    size_t at;
    bool source_ended;
    bool after_cr; /* the last row ended in CR: an LF now belongs to it */
    /* The row being scanned, from `at`. */
    size_t scanned;
    place place;
    size_t quote_at; /* where the last quoted cell was opened, for the message */
    size_t row_cells;
    bool row_escaped; /* has a doubled quote */
    /* The current row. */
    const char *row;
    size_t row_size;
    uint32_t line;      /* of its start */
    uint32_t next_line; /* of what follows it */
    ag_str *cells;
    size_t *starts; /* where each cell starts in the row */
    size_t capacity;
    size_t width; /* cells of the current row */
    ag_buf plain;
    size_t columns; /* of the first row */
    ag_str *names;
    char *name_bytes;
    ag_err failure;
};

static bool is_blank(const ag_csv *csv, char c)
{
    return (c == ' ' || c == '\t') && c != csv->options.delimiter;
}

/* Line and column of a byte of the piece that starts at `base`, on line *line. */
static void find_place(const char *base, size_t offset, uint32_t *line, uint32_t *column)
{
    size_t start = 0;
    for (size_t i = 0; i < offset; i++) {
        if (base[i] != '\n' && base[i] != '\r') continue;
        if (base[i] == '\r' && i + 1 < offset && base[i + 1] == '\n') continue;
        ++*line;
        start = i + 1;
    }
    *column = (uint32_t)(offset - start + 1);
}

static int fail_at(ag_csv *csv, ag_code code, const char *base, size_t offset, uint32_t line, const char *text)
{
    uint32_t column;
    find_place(base, offset, &line, &column);
    return ag_fail_at(&csv->failure, code, csv->options.name, line, column, "%s", text);
}

/* The place behind `c`, a byte of a row that is neither in quotes nor a delimiter nor a line end; -1: not allowed. */
static int step_in_cell(ag_csv *csv, place where, char c, size_t at)
{
    bool blank = csv->options.trim && is_blank(csv, c);
    switch (where) {
    case CELL_START:
        if (blank) return CELL_START;
        if (c != csv->options.quote || csv->options.no_quotes) return IN_PLAIN;
        csv->quote_at = at;
        return IN_QUOTES;
    case AFTER_QUOTE:
        if (c == csv->options.quote) {
            csv->row_escaped = true;
            return IN_QUOTES;
        }
        return blank ? AFTER_CELL : -1;
    case AFTER_CELL: return blank ? AFTER_CELL : -1;
    default: return (int)where;
    }
}

/* Goes on scanning the row at `at`. 1: its end is at `scanned`, 0: the piece ends first, < 0: bad. */
static int scan_row(ag_csv *csv)
{
    const char *row = csv->data + csv->at;
    size_t size = csv->size - csv->at, i = csv->scanned;
    const char delimiter = csv->options.delimiter, quote = csv->options.quote;
    int where = csv->place, rc = 0;
    if (i == 0 && size > 0 && csv->options.comment && row[0] == csv->options.comment) where = IN_COMMENT;
    for (; i < size; i++) {
        char c = row[i];
        if (where == IN_QUOTES) {
            if (c == quote) where = AFTER_QUOTE;
        } else if (c == '\n' || c == '\r') {
            rc = 1;
            break;
        } else if (where == IN_COMMENT) {
            continue;
        } else if (c == delimiter) {
            csv->row_cells++;
            where = CELL_START;
        } else if (where != IN_PLAIN && (where = step_in_cell(csv, (place)where, c, i)) < 0) {
            return fail_at(csv, AG_EPARSE, row, i, csv->next_line, "text behind the closing quote of a cell");
        }
    }
    csv->place = (place)where;
    csv->scanned = i;
    return rc;
}

/* More of the stream behind what is in the window; the row at `at` moves to its front. */
static int fill(ag_csv *csv)
{
    if (csv->at > 0) {
        memmove(csv->window, csv->window + csv->at, csv->size - csv->at);
        csv->size -= csv->at;
        csv->at = 0;
    }
    if (csv->window_size - csv->size < PIECE / 2) {
        size_t wanted = csv->window_size * 2 + PIECE;
        char *larger = ag_realloc_array(csv->window, wanted, 1);
        if (!larger) return ag_fail_memory(&csv->failure, wanted);
        csv->window = larger;
        csv->window_size = wanted;
    }
    csv->data = csv->window;
    ptrdiff_t got = ag_read(csv->source, csv->window + csv->size, csv->window_size - csv->size, &csv->failure);
    if (got < 0) return (int)got;
    csv->source_ended = got == 0;
    csv->size += (size_t)got;
    return AG_OK;
}

/* Finds the next row, blank or not: 1, 0 at the end. */
static int find_row(ag_csv *csv)
{
    csv->scanned = csv->row_cells = 0;
    csv->place = CELL_START;
    csv->row_escaped = false;
    for (;;) {
        if (csv->after_cr && csv->at < csv->size) {
            csv->at += csv->data[csv->at] == '\n';
            csv->after_cr = false;
        }
        int rc = scan_row(csv);
        if (rc < 0) return rc;
        if (csv->scanned > csv->options.max_row)
            return fail_at(csv, AG_ELIMIT, csv->data + csv->at, 0, csv->next_line, "the row is longer than the limit");
        bool ended = !csv->source || csv->source_ended;
        if (rc == 0 && !ended) {
            if ((rc = fill(csv)) < 0) return rc;
            continue;
        }
        if (rc == 0 && csv->place == IN_QUOTES)
            return fail_at(csv, AG_EPARSE, csv->data + csv->at, csv->quote_at, csv->next_line,
                           "the quote that opens here is never closed");
        if (rc == 0 && csv->scanned == 0) return 0;
        csv->row = csv->data + csv->at;
        csv->row_size = csv->scanned;
        csv->after_cr = rc == 1 && csv->row[csv->row_size] == '\r';
        csv->at += csv->row_size + (size_t)rc;
        csv->row_cells++;
        return 1;
    }
}

/* Sets `line` and `next_line` over the row just found. */
static void count_lines(ag_csv *csv)
{
    csv->line = csv->next_line;
    csv->next_line++;
    if (csv->options.no_quotes || !memchr(csv->row, csv->options.quote, csv->row_size)) return;
    for (size_t i = 0; i < csv->row_size; i++)
        csv->next_line += csv->row[i] == '\n' ? (i == 0 || csv->row[i - 1] != '\r') : csv->row[i] == '\r';
}

static int make_room(ag_csv *csv, size_t cells)
{
    if (cells <= csv->capacity) return AG_OK;
    if (cells > csv->options.max_columns)
        return fail_at(csv, AG_ELIMIT, csv->row, 0, csv->line, "the row has more cells than the limit");
    ag_str *larger = ag_realloc_array(csv->cells, cells, sizeof(*larger));
    if (!larger) return ag_fail_memory(&csv->failure, cells * sizeof(*larger));
    csv->cells = larger;
    size_t *starts = ag_realloc_array(csv->starts, cells, sizeof(*starts));
    if (!starts) return ag_fail_memory(&csv->failure, cells * sizeof(*starts));
    csv->starts = starts;
    csv->capacity = cells;
    return AG_OK;
}

/* The inside of a quoted cell with its doubled quotes made single. */
static ag_str unescape(ag_csv *csv, ag_str inside)
{
    size_t from = csv->plain.size;
    for (size_t i = 0; i < inside.size; i++) {
        csv->plain.data[csv->plain.size++] = inside.data[i];
        i += inside.data[i] == csv->options.quote;
    }
    return (ag_str){csv->plain.data + from, csv->plain.size - from};
}

/* Cuts one cell that starts at `from`; the offset of the delimiter behind it, or the row's size. */
static size_t cut_cell(ag_csv *csv, size_t from, ag_str *out)
{
    const char *row = csv->row;
    const char quote = csv->options.quote;
    size_t size = csv->row_size, i = from;
    if (csv->options.trim)
        while (i < size && is_blank(csv, row[i])) i++;
    if (!csv->options.no_quotes && i < size && row[i] == quote) {
        size_t inside = ++i;
        bool escaped = false;
        for (; i < size; i++) {
            if (row[i] != quote) continue;
            if (i + 1 == size || row[i + 1] != quote) break;
            escaped = true;
            i++;
        }
        *out = (ag_str){row + inside, i - inside};
        if (escaped) *out = unescape(csv, *out);
        while (i < size && row[i] != csv->options.delimiter) i++;
        return i;
    }
    const char *end = memchr(row + i, csv->options.delimiter, size - i);
    size_t stop = end ? (size_t)(end - row) : size;
    *out = (ag_str){row + i, stop - i};
    while (csv->options.trim && out->size > 0 && is_blank(csv, out->data[out->size - 1])) out->size--;
    return stop;
}

static int cut_row(ag_csv *csv)
{
    int rc = make_room(csv, csv->row_cells > csv->columns ? csv->row_cells : csv->columns);
    if (rc < 0) return rc;
    ag_buf_clear(&csv->plain);
    if (csv->row_escaped && !ag_buf_reserve(&csv->plain, csv->row_size))
        return ag_buf_check(&csv->plain, "a row", &csv->failure);
    csv->width = 0;
    for (size_t from = 0; csv->width < csv->row_cells;) {
        csv->starts[csv->width] = from;
        from = cut_cell(csv, from, &csv->cells[csv->width++]) + 1;
    }
    return AG_OK;
}

/* Holds the row against the width of the first one. */
static int check_width(ag_csv *csv)
{
    char text[128];
    if (csv->columns == 0) csv->columns = csv->width;
    if (csv->width == csv->columns) return AG_OK;
    if (csv->width < csv->columns && csv->options.ragged == AG_CSV_PAD) {
        for (; csv->width < csv->columns; csv->width++) {
            csv->cells[csv->width] = AG_STR("");
            csv->starts[csv->width] = csv->row_size;
        }
        return AG_OK;
    }
    snprintf(text, sizeof(text), "the row has %zu cells, the first row has %zu", csv->width, csv->columns);
    size_t extra = csv->width > csv->columns ? csv->starts[csv->columns] : csv->row_size;
    return fail_at(csv, AG_EPARSE, csv->row, extra, csv->line, text);
}

/* The next row that is neither blank nor a comment, cut. */
static int next_row(ag_csv *csv)
{
    int rc;
    do {
        if ((rc = find_row(csv)) <= 0) return rc;
        count_lines(csv);
    } while (csv->row_size == 0 || csv->place == IN_COMMENT);
    if ((rc = cut_row(csv)) < 0 || (rc = check_width(csv)) < 0) return rc;
    return 1;
}

/* The cells of the first rows that are there if `delimiter` is right: of the first one, and whether all agree. */
static void try_delimiter(const ag_csv *csv, char delimiter, size_t *first, size_t *rows, bool *agree)
{
    ag_csv probe = *csv;
    probe.source = NULL;
    probe.options.delimiter = delimiter;
    *first = *rows = 0;
    *agree = true;
    while (*rows < GUESS_ROWS && find_row(&probe) > 0) {
        if (probe.row_size == 0 || probe.place == IN_COMMENT) continue;
        if (probe.at == probe.size && csv->source && !csv->source_ended && *rows > 0) break; /* may be cut */
        if (*rows == 0) *first = probe.row_cells;
        *agree &= probe.row_cells == *first;
        ++*rows;
    }
}

/* A delimiter that gives two or more rows one width is right; of several such the rarer in prose and numbers. Without
 * one, the one that cuts the first row into most cells. */
static char guess_delimiter(const ag_csv *csv)
{
    static const char candidates[] = {'\t', ';', '|', ','};
    char best = csv->options.decimal_comma ? ';' : ',';
    size_t most = 1;
    for (size_t i = 0; i < sizeof(candidates); i++) {
        size_t first, rows;
        bool agree;
        if (candidates[i] == ',' && csv->options.decimal_comma) continue;
        if (candidates[i] == csv->options.quote || candidates[i] == csv->options.comment) continue;
        try_delimiter(csv, candidates[i], &first, &rows, &agree);
        if (agree && rows > 1 && first > 1) return candidates[i];
        if (first <= most) continue;
        most = first;
        best = candidates[i];
    }
    return best;
}

/* The byte order mark; what is no text is refused by name. */
static int take_mark(ag_csv *csv)
{
    char text[96];
    ag_str start = {csv->data, csv->size};
    const ag_foreign *foreign = ag_foreign_of(start);
    if (foreign) {
        ag_format(text, sizeof text, "this is %s, not CSV", foreign->what);
        fail_at(csv, AG_EUNSUPPORTED, csv->data, 0, 1, text);
        return ag_err_hint(&csv->failure, "%s", foreign->unpack ? foreign->unpack : "save the table as CSV, in UTF-8");
    }
    if (ag_str_starts(start, AG_STR("\xef\xbb\xbf"))) csv->at = 3;
    return AG_OK;
}

static int read_header(ag_csv *csv)
{
    int rc = next_row(csv);
    if (rc <= 0) return rc;
    size_t bytes = 0;
    for (size_t i = 0; i < csv->width; i++) bytes += csv->cells[i].size;
    csv->names = ag_alloc_array(csv->width, sizeof(*csv->names));
    csv->name_bytes = ag_alloc(bytes);
    if (!csv->names || !csv->name_bytes) return ag_fail_memory(&csv->failure, bytes);
    char *to = csv->name_bytes;
    for (size_t i = 0; i < csv->width; i++) {
        memcpy(to, csv->cells[i].data, csv->cells[i].size);
        csv->names[i] = (ag_str){to, csv->cells[i].size};
        to += csv->cells[i].size;
    }
    return AG_OK;
}

static int check_options(const ag_csv_options *o, ag_err *err)
{
    const char special[] = {o->delimiter, o->no_quotes ? '\0' : o->quote, o->comment};
    for (size_t i = 0; i < sizeof(special); i++) {
        if (special[i] == '\n' || special[i] == '\r')
            return ag_fail(err, AG_EINVAL, "a line end cannot be the delimiter, quote or comment of a CSV file");
        for (size_t k = 0; k < i; k++)
            if (special[i] && special[i] == special[k])
                return ag_fail(err, AG_EINVAL, "'%c' has two meanings among delimiter, quote and comment", special[i]);
    }
    if (o->decimal_comma && o->delimiter == ',')
        return ag_fail(err, AG_EINVAL, "',' cannot be both the delimiter and the decimal comma");
    return AG_OK;
}

static int start(ag_csv *csv)
{
    int rc = AG_OK;
    while (csv->source && !csv->source_ended && csv->size < PIECE && rc >= 0) rc = fill(csv);
    if (rc >= 0) rc = take_mark(csv);
    if (rc < 0) return rc;
    if (!csv->options.delimiter) csv->options.delimiter = guess_delimiter(csv);
    return csv->options.header ? read_header(csv) : AG_OK;
}

static int new_csv(const ag_csv_options *options, ag_csv **out, ag_err *err)
{
    ag_csv *csv = ag_calloc(1, sizeof(*csv));
    if (!csv) return ag_fail_memory(err, sizeof(*csv));
    if (options) csv->options = *options;
    ag_csv_options *o = &csv->options;
    if (!o->quote) o->quote = '"';
    if (!o->max_row) o->max_row = MAX_ROW;
    if (!o->max_columns) o->max_columns = MAX_COLUMNS;
    csv->data = "";
    csv->next_line = 1;
    ag_buf_init(&csv->plain, SIZE_MAX / 2);
    int rc = check_options(o, err);
    if (rc < 0) {
        ag_csv_free(csv);
        return rc;
    }
    *out = csv;
    return AG_OK;
}

/* Starts `csv` and hands it over, or frees it. */
static int finish_open(ag_csv *csv, ag_csv **out, ag_err *err)
{
    int rc = start(csv);
    if (rc < 0) {
        if (err) *err = csv->failure;
        ag_csv_free(csv);
        return rc;
    }
    *out = csv;
    return AG_OK;
}

int ag_csv_open(ag_reader *source, const ag_csv_options *options, ag_csv **out, ag_err *err)
{
    ag_csv *csv = NULL;
    int rc = new_csv(options, &csv, err);
    if (rc < 0) return rc;
    csv->source = source;
    return finish_open(csv, out, err);
}

int ag_csv_open_memory(ag_str bytes, const ag_csv_options *options, ag_csv **out, ag_err *err)
{
    ag_csv *csv = NULL;
    int rc = new_csv(options, &csv, err);
    if (rc < 0) return rc;
    csv->data = bytes.data ? bytes.data : "";
    csv->size = bytes.size;
    return finish_open(csv, out, err);
}

int ag_csv_open_file(const char *path, const ag_csv_options *options, ag_csv **out, ag_err *err)
{
    ag_csv *csv = NULL;
    ag_file_info info;
    int rc = ag_file_stat(path, &info, err);
    if (rc >= 0) rc = new_csv(options, &csv, err);
    if (rc < 0) return rc;
    if (!csv->options.name) csv->options.name = path;
    if (info.is_regular) {
        rc = ag_map_file(path, &csv->mapping, err);
        csv->data = csv->mapping.data;
        csv->size = csv->mapping.size;
    } else {
        rc = ag_reader_of_file(path, &csv->source, err);
        csv->owns_source = true;
    }
    if (rc < 0) {
        ag_csv_free(csv);
        return rc;
    }
    return finish_open(csv, out, err);
}

void ag_csv_free(ag_csv *csv)
{
    if (!csv) return;
    if (csv->owns_source) ag_reader_close(csv->source);
    ag_unmap_file(&csv->mapping);
    ag_buf_deinit(&csv->plain);
    ag_free(csv->window);
    ag_free(csv->cells);
    ag_free(csv->starts);
    ag_free(csv->names);
    ag_free(csv->name_bytes);
    ag_free(csv);
}

char ag_csv_delimiter(const ag_csv *csv)
{
    return csv->options.delimiter;
}

size_t ag_csv_header(const ag_csv *csv, const ag_str **names)
{
    *names = csv->names;
    return csv->names ? csv->columns : 0;
}

size_t ag_csv_column(const ag_csv *csv, const char *name)
{
    for (size_t i = 0; csv->names && i < csv->columns; i++)
        if (ag_str_is(csv->names[i], name)) return i;
    return SIZE_MAX;
}

int ag_csv_next(ag_csv *csv, const ag_str **cells, size_t *count, ag_err *err)
{
    int rc = csv->failure.code < 0 ? (int)csv->failure.code : next_row(csv);
    if (rc < 0) {
        if (err) *err = csv->failure;
        return rc;
    }
    *cells = csv->cells;
    *count = rc ? csv->width : 0;
    return rc;
}

void ag_csv_place(const ag_csv *csv, size_t cell, uint32_t *line, uint32_t *column)
{
    *line = csv->line;
    find_place(csv->row, cell < csv->width ? csv->starts[cell] : 0, line, column);
}

static int fail_number(const ag_csv *csv, size_t cell, const char *what, ag_err *err)
{
    uint32_t line, column;
    ag_csv_place(csv, cell, &line, &column);
    ag_str text = ag_str_slice(csv->cells[cell], 0, ag_utf8_cut(csv->cells[cell], 40));
    const char *name = csv->names ? csv->names[cell].data : "";
    int name_size = csv->names ? (int)(csv->names[cell].size < 80 ? csv->names[cell].size : 80) : 0;
    return ag_fail_at(err, AG_EPARSE, csv->options.name, line, column, "'%.*s' in column %zu%s%.*s is not %s",
                      AG_STR_ARG(text), cell + 1, name_size ? " " : "", name_size, name, what);
}

int ag_csv_double(const ag_csv *csv, size_t cell, double *out, ag_err *err)
{
    char point[64];
    if (cell >= csv->width) return ag_fail(err, AG_EINVAL, "the row has no cell %zu", cell + 1);
    ag_str text = ag_str_trim(csv->cells[cell]);
    if (csv->options.decimal_comma && text.size <= sizeof(point)) {
        if (ag_str_find_char(text, '.', 0) != SIZE_MAX)
            return fail_number(csv, cell, "a number with a decimal comma", err);
        for (size_t i = 0; i < text.size; i++) point[i] = text.data[i] == ',' ? '.' : text.data[i];
        text.data = point;
    }
    return ag_str_to_double(text, out) ? AG_OK : fail_number(csv, cell, "a number", err);
}

int ag_csv_int(const ag_csv *csv, size_t cell, int64_t *out, ag_err *err)
{
    if (cell >= csv->width) return ag_fail(err, AG_EINVAL, "the row has no cell %zu", cell + 1);
    return ag_str_to_int(ag_str_trim(csv->cells[cell]), out) ? AG_OK : fail_number(csv, cell, "a whole number", err);
}
