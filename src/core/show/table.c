// SPDX-License-Identifier: Apache-2.0
/* table.c: collects cells in an arena and lays them out when written; a table can be written often and differently.
 *
 * Fitting a width: with all columns shown, the cells of those that allow it are cut; when even that does not fit, the
 * least important column goes (which is told below the table), and so on. When only columns of priority 0 are left and
 * are still too wide, they are cut too: a broken layout helps nobody. Widths are terminal cells, not bytes. */
#include "core/show/table.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "core/base/arena.h"
#include "core/base/mem.h"
#include "core/base/vec.h"
#include "core/show/text.h"
#include "core/sys/term.h"

#define MAX_COLUMNS 256
#define MAX_OUTPUT ((size_t)1 << 30)
#define LEAST_WIDTH 3
#define GAP 2

typedef struct cell {
    const char *text;
    ag_style style;
} cell;

struct ag_table {
    ag_arena *arena;
    ag_vec cells;
    size_t count; /* columns */
    ag_column columns[];
};

typedef struct layout {
    bool shown[MAX_COLUMNS];
    size_t width[MAX_COLUMNS];
} layout;

int ag_table_new(const ag_column *columns, size_t count, ag_table **out, ag_err *err)
{
    if (count == 0 || count > MAX_COLUMNS)
        return ag_fail(err, AG_EINVAL, "a table has 1 to %d columns, not %zu", MAX_COLUMNS, count);
    size_t size = sizeof(ag_table) + count * sizeof(ag_column);
    ag_table *table = ag_calloc(1, size);
    if (!table) return ag_fail_memory(err, size);
    table->count = count;
    memcpy(table->columns, columns, count * sizeof(ag_column));
    ag_vec_init(&table->cells, sizeof(cell));
    if (!(table->arena = ag_arena_new(0))) {
        ag_table_free(table);
        return ag_fail_memory(err, 1);
    }
    *out = table;
    return AG_OK;
}

void ag_table_free(ag_table *table)
{
    if (!table) return;
    ag_vec_deinit(&table->cells);
    ag_arena_free(table->arena);
    ag_free(table);
}

int ag_table_add(ag_table *table, ag_style style, const char *text, ag_err *err)
{
    cell added = {"", style};
    if (text && *text && !(added.text = ag_arena_strdup(table->arena, text)))
        return ag_fail_memory(err, strlen(text) + 1);
    return ag_vec_push(&table->cells, &added, err);
}

int ag_table_addf(ag_table *table, ag_style style, ag_err *err, const char *format, ...)
{
    ag_buf text;
    ag_buf_init(&text, MAX_OUTPUT);
    va_list arguments;
    va_start(arguments, format);
    ag_buf_vaddf(&text, format, arguments);
    va_end(arguments);
    int rc = ag_buf_check(&text, "a table cell", err);
    if (rc == AG_OK) rc = ag_table_add(table, style, text.data, err);
    ag_buf_deinit(&text);
    return rc;
}

size_t ag_table_rows(const ag_table *table)
{
    /* NOLINTNEXTLINE(clang-analyzer-core.DivideZero): ag_table_new() refuses a table without columns */
    return (table->cells.count + table->count - 1) / table->count;
}

static cell cell_at(const ag_table *table, size_t row, size_t column)
{
    const cell *found = ag_vec_at(&table->cells, row * table->count + column);
    return found ? *found : (cell){"", AG_STYLE_PLAIN};
}

/* The cells that text takes once it is clean, in a scratch buffer that then holds it. */
static size_t clean_width(ag_buf *scratch, const char *text)
{
    ag_buf_clear(scratch);
    ag_show_clean(scratch, ag_str_of(text));
    return ag_utf8_width(ag_buf_str(scratch));
}

static void measure(const ag_table *table, layout *at, ag_buf *scratch)
{
    for (size_t c = 0; c < table->count; c++) {
        at->shown[c] = true;
        at->width[c] = clean_width(scratch, table->columns[c].title);
        for (size_t r = 0; r < ag_table_rows(table); r++) {
            size_t width = clean_width(scratch, cell_at(table, r, c).text);
            if (width > at->width[c]) at->width[c] = width;
        }
    }
}

static size_t least_width(const ag_table *table, const layout *at, size_t c, bool force)
{
    size_t least = table->columns[c].min_width;
    if (least == 0) least = force ? LEAST_WIDTH : at->width[c];
    return least < at->width[c] ? least : at->width[c];
}

static size_t total_width(const ag_table *table, const layout *at, bool least)
{
    size_t total = 0, shown = 0;
    for (size_t c = 0; c < table->count; c++) {
        if (!at->shown[c]) continue;
        total += least ? least_width(table, at, c, false) : at->width[c];
        shown++;
    }
    return total + (shown ? (shown - 1) * GAP : 0);
}

/* Hides the least important column that is shown; of equals the rightmost. False when all left are important. */
static bool hide_one(const ag_table *table, layout *at)
{
    size_t chosen = table->count;
    for (size_t c = 0; c < table->count; c++) {
        unsigned priority = table->columns[c].priority;
        if (!at->shown[c] || priority == 0) continue;
        if (chosen == table->count || priority >= table->columns[chosen].priority) chosen = c;
    }
    if (chosen == table->count) return false;
    at->shown[chosen] = false;
    return true;
}

/* Takes single cells from the widest column that may still lose one. */
static void shrink(const ag_table *table, layout *at, size_t width, bool force)
{
    layout natural = *at;
    for (size_t total = total_width(table, at, false); total > width; total--) {
        size_t widest = table->count;
        for (size_t c = 0; c < table->count; c++) {
            if (!at->shown[c] || at->width[c] <= least_width(table, &natural, c, force)) continue;
            if (widest == table->count || at->width[c] > at->width[widest]) widest = c;
        }
        if (widest == table->count) return;
        at->width[widest]--;
    }
}

static void fit(const ag_table *table, layout *at, size_t width)
{
    while (total_width(table, at, true) > width && hide_one(table, at)) continue;
    shrink(table, at, width, false);
    shrink(table, at, width, true);
}

static const char *const styles[] = {"", "\033[1m", "\033[2m", "\033[32m", "\033[33m", "\033[31m"};

/* One cell with its padding; the last one of a row ends without blanks. */
static void add_cell(ag_buf *out, ag_buf *scratch, const char *text, size_t width, ag_align align, const char *style,
                     bool last)
{
    ag_buf cut;
    ag_buf_init(&cut, MAX_OUTPUT);
    clean_width(scratch, text);
    size_t used = ag_show_cut(&cut, ag_buf_str(scratch), width);
    size_t space = width > used ? width - used : 0;
    size_t left = align == AG_ALIGN_RIGHT ? space : align == AG_ALIGN_CENTRE ? space / 2 : 0;
    ag_buf_add_fill(out, ' ', left);
    if (*style && used > 0) ag_buf_add_text(out, style);
    ag_buf_add_str(out, ag_buf_str(&cut));
    if (*style && used > 0) ag_buf_add_text(out, "\033[0m");
    if (!last) ag_buf_add_fill(out, ' ', space - left + GAP);
    if (cut.failed && !out->failed) out->failed = cut.failed;
    ag_buf_deinit(&cut);
}

static size_t last_shown(const ag_table *table, const layout *at)
{
    size_t last = 0;
    for (size_t c = 0; c < table->count; c++)
        if (at->shown[c]) last = c;
    return last;
}

static void add_head(const ag_table *table, const layout *at, bool colour, ag_buf *out, ag_buf *scratch)
{
    size_t last = last_shown(table, at);
    for (size_t c = 0; c < table->count; c++)
        if (at->shown[c])
            add_cell(out, scratch, table->columns[c].title, at->width[c], table->columns[c].align,
                     colour ? styles[AG_STYLE_STRONG] : "", c == last);
    ag_buf_add_char(out, '\n');
    if (colour) ag_buf_add_text(out, styles[AG_STYLE_DIM]);
    for (size_t c = 0; c < table->count; c++) {
        if (!at->shown[c]) continue;
        for (size_t i = 0; i < at->width[c]; i++) ag_buf_add_text(out, "\xe2\x94\x80");
        if (c != last) ag_buf_add_fill(out, ' ', GAP);
    }
    ag_buf_add_text(out, colour ? "\033[0m\n" : "\n");
}

/* Several columns may be called alike, each beside what it belongs to. */
static bool is_told(const ag_table *table, const layout *at, size_t column)
{
    for (size_t c = 0; c < column; c++)
        if (!at->shown[c] && strcmp(table->columns[c].title, table->columns[column].title) == 0) return true;
    return false;
}

static void add_hidden(const ag_table *table, const layout *at, bool colour, ag_buf *out)
{
    size_t hidden = 0;
    for (size_t c = 0; c < table->count; c++) {
        if (at->shown[c] || is_told(table, at, c)) continue;
        if (hidden == 0 && colour) ag_buf_add_text(out, styles[AG_STYLE_DIM]);
        ag_buf_add_text(out, hidden++ == 0 ? "not shown here: " : ", ");
        ag_show_clean(out, ag_str_of(table->columns[c].title));
    }
    if (hidden > 0) ag_buf_add_text(out, colour ? "\033[0m\n" : "\n");
}

static void write_terminal(const ag_table *table, unsigned width, bool colour, ag_buf *out, ag_buf *scratch)
{
    layout at = {0};
    measure(table, &at, scratch);
    if (width > 0) fit(table, &at, width);
    add_head(table, &at, colour, out, scratch);
    size_t last = last_shown(table, &at);
    for (size_t r = 0; r < ag_table_rows(table); r++) {
        for (size_t c = 0; c < table->count; c++) {
            if (!at.shown[c]) continue;
            cell found = cell_at(table, r, c);
            add_cell(out, scratch, found.text, at.width[c], table->columns[c].align, colour ? styles[found.style] : "",
                     c == last);
        }
        while (out->size > 0 && out->data[out->size - 1] == ' ') out->data[--out->size] = '\0';
        ag_buf_add_char(out, '\n');
    }
    add_hidden(table, &at, colour, out);
}

static void add_markdown(ag_buf *out, ag_buf *scratch, const char *text)
{
    clean_width(scratch, text);
    ag_buf_add_text(out, " ");
    for (size_t i = 0; i < scratch->size; i++) {
        if (strchr("\\|`*<[&~", scratch->data[i])) ag_buf_add_char(out, '\\');
        ag_buf_add_char(out, scratch->data[i]);
    }
    ag_buf_add_text(out, " |");
}

static void write_markdown(const ag_table *table, ag_buf *out, ag_buf *scratch)
{
    static const char *const rules[] = {" --- |", " ---: |", " :---: |"};
    ag_buf_add_char(out, '|');
    for (size_t c = 0; c < table->count; c++) add_markdown(out, scratch, table->columns[c].title);
    ag_buf_add_text(out, "\n|");
    for (size_t c = 0; c < table->count; c++) ag_buf_add_text(out, rules[table->columns[c].align]);
    ag_buf_add_char(out, '\n');
    for (size_t r = 0; r < ag_table_rows(table); r++) {
        ag_buf_add_char(out, '|');
        for (size_t c = 0; c < table->count; c++) add_markdown(out, scratch, cell_at(table, r, c).text);
        ag_buf_add_char(out, '\n');
    }
}

/* Bytes as they are; only what would end a cell or a row is written as \t, \n, \r, and the backslash as \\. */
static void add_tsv(ag_buf *out, const char *text, bool last)
{
    for (; *text; text++) {
        if (*text == '\t')
            ag_buf_add_text(out, "\\t");
        else if (*text == '\n')
            ag_buf_add_text(out, "\\n");
        else if (*text == '\r')
            ag_buf_add_text(out, "\\r");
        else if (*text == '\\')
            ag_buf_add_text(out, "\\\\");
        else
            ag_buf_add_char(out, *text);
    }
    ag_buf_add_char(out, last ? '\n' : '\t');
}

static void write_tsv(const ag_table *table, ag_buf *out)
{
    for (size_t c = 0; c < table->count; c++) add_tsv(out, table->columns[c].title, c + 1 == table->count);
    for (size_t r = 0; r < ag_table_rows(table); r++)
        for (size_t c = 0; c < table->count; c++) add_tsv(out, cell_at(table, r, c).text, c + 1 == table->count);
}

static void add_html(ag_buf *out, const char *tag, ag_align align, ag_style style, const char *text)
{
    static const char *const aligns[] = {"", "r", "c"}, *const names[] = {"", "strong", "dim", "good", "warn", "bad"};
    ag_buf_addf(out, "<%s", tag);
    if (align || style) ag_buf_addf(out, " class=\"%s%s%s\"", aligns[align], align && style ? " " : "", names[style]);
    ag_buf_add_char(out, '>');
    ag_show_escape(out, ag_str_of(text));
    ag_buf_addf(out, "</%s>", tag);
}

static void write_html(const ag_table *table, ag_buf *out)
{
    ag_buf_add_text(out, "<table><thead><tr>");
    for (size_t c = 0; c < table->count; c++)
        add_html(out, "th", table->columns[c].align, AG_STYLE_PLAIN, table->columns[c].title);
    ag_buf_add_text(out, "</tr></thead><tbody>\n");
    for (size_t r = 0; r < ag_table_rows(table); r++) {
        ag_buf_add_text(out, "<tr>");
        for (size_t c = 0; c < table->count; c++) {
            cell found = cell_at(table, r, c);
            add_html(out, "td", table->columns[c].align, found.style, found.text);
        }
        ag_buf_add_text(out, "</tr>\n");
    }
    ag_buf_add_text(out, "</tbody></table>\n");
}

int ag_table_write(const ag_table *table, ag_table_format format, unsigned width, bool colour, ag_buf *out, ag_err *err)
{
    ag_buf scratch;
    ag_buf_init(&scratch, MAX_OUTPUT);
    switch (format) {
    case AG_TABLE_TERMINAL: write_terminal(table, width, colour, out, &scratch); break;
    case AG_TABLE_MARKDOWN: write_markdown(table, out, &scratch); break;
    case AG_TABLE_TSV: write_tsv(table, out); break;
    case AG_TABLE_HTML: write_html(table, out); break;
    }
    int rc = ag_buf_check(&scratch, "a table cell", err);
    if (rc == AG_OK) rc = ag_buf_check(out, "a table", err);
    ag_buf_deinit(&scratch);
    return rc;
}

int ag_table_print(const ag_table *table, int fd, ag_err *err)
{
    ag_buf out;
    ag_buf_init(&out, MAX_OUTPUT);
    int rc = ag_table_write(table, AG_TABLE_TERMINAL, ag_term_width(fd), ag_term_colour(fd), &out, err);
    for (size_t done = 0; rc == AG_OK && done < out.size;) {
        ssize_t written = write(fd, out.data + done, out.size - done);
        if (written < 0 && errno != EINTR) rc = ag_fail_errno(err, errno, "cannot write the table");
        if (written > 0) done += (size_t)written;
    }
    ag_buf_deinit(&out);
    return rc;
}
