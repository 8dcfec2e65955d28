// SPDX-License-Identifier: Apache-2.0
/* setitec_table.c: the samples. Nearly all bytes of a file are here, in cells of one shape, so the loop is written for
 * that shape: the decimal mark is found by comparing eight bytes at once, the digits before and behind it are joined
 * and converted together. A row that does not fit is read a second time, slowly, to say what is wrong where. Reads may
 * touch up to 16 bytes behind a cell; the end of the file is therefore read from a padded copy. */
#include "data/readers/setitec_parts.h"

#include <string.h>

enum { CELL_BYTES = 16, MAX_COLUMNS = 64 };

typedef struct table {
    ag_setitec *self;
    size_t fields; /* cells per row */
    char mark;
    ag_channel channels[MAX_COLUMNS];
} table;

const char *ag_setitec_cell_plain(const char *at, char mark, char end, int32_t *out)
{
    bool negative = *at == '-';
    at += negative;
    int32_t value = 0;
    int digits = 0;
    for (; *at >= '0' && *at <= '9' && digits < 7; at++, digits++) value = value * 10 + (*at - '0');
    if (digits == 0 || digits > 6 || *at != mark) return NULL;
    for (int i = 1; i <= 3; i++) {
        if (at[i] < '0' || at[i] > '9') return NULL;
        value = value * 10 + (at[i] - '0');
    }
    if (at[4] != end) return NULL;
    *out = negative ? -value : value;
    return at + 5;
}

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
const char *ag_setitec_cell_fast(const char *at, char mark, char end, int32_t *out)
{
    const uint64_t ones = 0x0101010101010101u, highs = 0x8080808080808080u;
    const char *start = at;
    uint64_t negative = *at == '-', word;
    at += negative;
    memcpy(&word, at, sizeof(word));
    uint64_t marked = word ^ (ones * (uint64_t)(unsigned char)mark);
    marked = (marked - ones) & ~marked & highs; /* the lowest set bit is exact */
    if (!marked) return ag_setitec_cell_plain(start, mark, end, out);
    unsigned digits = (unsigned)__builtin_ctzll(marked) / 8;
    if (digits == 0 || digits > 4) return ag_setitec_cell_plain(start, mark, end, out);
    if (at[digits + 4] != end) return NULL;
    uint64_t before = ((uint64_t)1 << (8 * digits)) - 1;
    uint64_t joined = (word & before) | ((word >> 8) & ~before); /* without the mark: digits + 3 digits */
    joined = (joined ^ 0x3030303030303030u) << (8 * (5 - digits));
    if ((joined | (joined + 0x0606060606060606u)) & 0xF0F0F0F0F0F0F0F0u) return NULL;
    joined = joined * 10 + (joined >> 8);
    uint64_t value = (((joined & 0x000000FF000000FFu) * 0x000F424000000064u) +
                      (((joined >> 16) & 0x000000FF000000FFu) * 0x0000271000000001u)) >>
                     32;
    int32_t sign = -(int32_t)negative;
    *out = ((int32_t)(uint32_t)value ^ sign) - sign;
    return at + digits + 5;
}
#else
const char *ag_setitec_cell_fast(const char *at, char mark, char end, int32_t *out)
{
    return ag_setitec_cell_plain(at, mark, end, out);
}
#endif

static bool base_same(ag_str name, const char *spelling)
{
    ag_str other = ag_str_of(spelling);
    size_t a = ag_str_find(name, AG_STR(" ("), 0), b = ag_str_find(other, AG_STR(" ("), 0);
    return ag_str_equal(ag_str_slice(name, 0, a), ag_str_slice(other, 0, b));
}

static ag_channel_id bind_channel(ag_str name)
{
    for (int id = 0; id < AG_CHANNEL_COUNT; id++)
        if (ag_name_is(&ag_channel_names[id], name)) return (ag_channel_id)id;
    for (int id = 0; id < AG_CHANNEL_COUNT; id++) /* the unit written in another way */
        for (size_t k = 0; k < 3 && ag_channel_names[id].spellings[k].text; k++)
            if (base_same(name, ag_channel_names[id].spellings[k].text)) return (ag_channel_id)id;
    return AG_CHANNEL_OTHER;
}

/* Names against fields: equal, or one repeated last name, or the names cannot be trusted behind the first seven. */
static int judge_names(table *t, const ag_setitec_line *names, size_t *trusted, ag_err *err)
{
    ag_setitec *self = t->self;
    size_t count = names->filled;
    int rc = AG_OK;
    *trusted = t->fields;
    if (names->count > names->filled && names->filled == t->fields && self->hole->version >= 7)
        rc = ag_setitec_flaw(self, "F18", names->number, err, "%zu empty names behind the last column",
                             names->count - names->filled);
    if (rc < 0 || count == t->fields) return rc;
    bool repeated = count == t->fields + 1 && count >= 2 &&
                    ag_str_equal(ag_str_trim(names->cells[count - 1].raw), ag_str_trim(names->cells[count - 2].raw));
    if (repeated) return AG_OK;
    *trusted = 7;
    return ag_setitec_flaw(self, "F5", names->number, err, "%zu column names, but %zu cells in a row", count,
                           t->fields);
}

static int bind_columns(table *t, const ag_setitec_line *names, ag_err *err)
{
    ag_setitec *self = t->self;
    size_t trusted;
    int rc = judge_names(t, names, &trusted, err);
    bool used[AG_CHANNEL_COUNT] = {false};
    for (size_t i = 0; rc == AG_OK && i < t->fields; i++) {
        ag_channel *channel = &t->channels[i];
        ag_str raw = i < names->filled ? names->cells[i].raw : (ag_str){"", 0};
        rc = ag_setitec_text(self, raw, &channel->name, err);
        channel->id = i < trusted ? bind_channel(channel->name) : AG_CHANNEL_OTHER;
        if (rc == AG_OK && i <= AG_CHANNEL_STOP_CODE && channel->id != (ag_channel_id)i) {
            rc = ag_setitec_flaw(self, "F3", names->number, err, "column %zu is called '%.*s', not '%s'", i + 1,
                                 AG_STR_ARG(channel->name), ag_channel_names[i].spellings[0].text);
            if (channel->id == AG_CHANNEL_OTHER) channel->id = (ag_channel_id)i;
        }
        if (channel->id == AG_CHANNEL_OTHER) continue;
        if (used[channel->id])
            channel->id = AG_CHANNEL_OTHER;
        else
            used[channel->id] = true;
    }
    return rc;
}

/* The first row tells how many cells there are and which decimal mark. */
static int look_at_first_row(table *t, ag_str rows, uint32_t number, ag_err *err)
{
    size_t end = ag_str_find_char(rows, '\n', 0);
    ag_str row = ag_str_slice(rows, 0, end);
    if (row.size > 0 && row.data[row.size - 1] == '\r') row.size--;
    t->fields = 1;
    for (size_t i = 0; i < row.size; i++) t->fields += row.data[i] == t->self->delimiter;
    ag_str first = ag_str_slice(row, 0, ag_str_find_char(row, t->self->delimiter, 0));
    t->mark = ag_str_find_char(first, '.', 0) != SIZE_MAX ? '.' : ',';
    if (t->fields < 7 || t->fields > MAX_COLUMNS)
        return ag_setitec_fail(t->self, "F4", number, 0, err, "a row has %zu cells; 7 to %d are expected", t->fields,
                               MAX_COLUMNS);
    return AG_OK;
}

static int judge_mark(table *t, uint32_t line, ag_err *err)
{
    ag_setitec *self = t->self;
    char expected = ',';
    for (size_t i = 0; i < self->hole->field_count; i++)
        if (self->hole->fields[i].id == AG_HEADER_DECIMAL_SEPARATOR &&
            (ag_str_is(self->hole->fields[i].text, "Dot") || ag_str_is(self->hole->fields[i].text, "Point")))
            expected = '.';
    if (t->mark == expected) return AG_OK;
    return ag_setitec_flaw(self, "F7", line, err, "decimals are marked by '%c', the header says '%c'", t->mark,
                           expected);
}

/* A stop code of seven digits: bits up to 2^23, which as thousandths do not fit 32 bits from 2^22 on and are then kept
 * as they are, with a minus in front (ag_stop_code_of). Such codes stand in the last rows of a step only. */
static bool read_wide_code(const char *text, char mark, int32_t *out)
{
    int32_t value = 0;
    for (int i = 0; i < 8; i++, text++) {
        if (*text < '0' || *text > '9') break;
        value = value * 10 + (*text - '0');
    }
    if (value < 1000000 || value >= 1 << 24 || *text != mark || strcmp(text + 1, "000") != 0) return false;
    *out = value <= INT32_MAX / 1000 ? value * 1000 : -value;
    return true;
}

/* A row with such a code, cell by cell; NULL when it is another row that cannot be read. */
static const char *read_wide_row(table *t, const char *row, const char *end, size_t at)
{
    const char *line_end = memchr(row, '\n', (size_t)(end - row));
    if (!line_end) return NULL;
    ag_str rest = {row, (size_t)(line_end - row)}, cell;
    if (rest.size > 0 && rest.data[rest.size - 1] == '\r') rest.size--;
    size_t count = 0;
    for (; count < t->fields && rest.data && ag_str_next(&rest, t->self->delimiter, &cell); count++) {
        char padded[CELL_BYTES * 2] = {0};
        int32_t *value = &t->channels[count].values[at];
        if (cell.size >= CELL_BYTES) return NULL;
        memcpy(padded, cell.data, cell.size);
        bool wide = count == AG_CHANNEL_STOP_CODE && read_wide_code(padded, t->mark, value);
        if (!wide && !ag_setitec_cell_plain(padded, t->mark, '\0', value)) return NULL;
    }
    return count == t->fields && !rest.data ? line_end + 1 : NULL;
}

/* Says what is wrong with the row at `row`. */
static int explain_row(table *t, const char *row, const char *end, uint32_t number, ag_err *err)
{
    const char *line_end = memchr(row, '\n', (size_t)(end - row));
    ag_str line = {row, (size_t)((line_end ? line_end : end) - row)};
    if (line.size > 0 && line.data[line.size - 1] == '\r') line.size--;
    ag_str rest = line, cell;
    size_t count = 0;
    while (ag_str_next(&rest, t->self->delimiter, &cell)) {
        char padded[CELL_BYTES * 2] = {0};
        int32_t value;
        memcpy(padded, cell.data, cell.size < CELL_BYTES ? cell.size : CELL_BYTES);
        bool good =
            cell.size < CELL_BYTES && (ag_setitec_cell_plain(padded, t->mark, '\0', &value) ||
                                       (count == AG_CHANNEL_STOP_CODE && read_wide_code(padded, t->mark, &value)));
        if (!good && count < t->fields) {
            ag_setitec_fail(t->self, "F6", number, (uint32_t)(cell.data - line.data) + 1, err,
                            "cell %zu ('%.*s') of the row is '%.*s', no number with '%c' and three decimals", count + 1,
                            AG_STR_ARG(t->channels[count].name), cell.size < 40 ? (int)cell.size : 40, cell.data,
                            t->mark);
            return err ? err->code : AG_EPARSE;
        }
        count++;
    }
    return ag_setitec_fail(t->self, "F4", number, 0, err, "the row has %zu cells, the first one %zu", count, t->fields);
}

/* Rows while at least a full one (at its longest) lies before `end`. Stops in front of a row that it cannot read. */
static const char *read_rows(table *t, const char *at, const char *end, size_t *row, size_t rows)
{
    size_t fields = t->fields, longest = fields * CELL_BYTES, r = *row;
    char delimiter = t->self->delimiter, mark = t->mark;
    while (r < rows && (size_t)(end - at) >= longest) {
        const char *p = at;
        for (size_t c = 0; c + 1 < fields && p; c++)
            p = ag_setitec_cell_fast(p, mark, delimiter, &t->channels[c].values[r]);
        if (p) {
            const char *last = p;
            p = ag_setitec_cell_fast(last, mark, '\n', &t->channels[fields - 1].values[r]);
            if (!p) { /* CR LF: rare, so tried last */
                p = ag_setitec_cell_fast(last, mark, '\r', &t->channels[fields - 1].values[r]);
                if (p && *p == '\n')
                    p++;
                else
                    p = NULL;
            }
        }
        if (!p) p = read_wide_row(t, at, end, r);
        if (!p) break;
        at = p;
        r++;
    }
    *row = r;
    return at;
}

static size_t count_rows(ag_str rows)
{
    size_t count = 0;
    for (size_t i = 0; i < rows.size; i++) count += rows.data[i] == '\n';
    return count;
}

static int make_channels(table *t, size_t rows, ag_err *err)
{
    ag_hole *hole = t->self->hole;
    const ag_reader_options *options = t->self->source->options;
    int64_t limit = options ? options->max_rows : 10000000;
    if (rows > (uint64_t)limit)
        return ag_fail_at(err, AG_ELIMIT, t->self->source->name, 0, 0, "%zu rows are more than the %lld allowed", rows,
                          (long long)limit);
    for (size_t i = 0; i < t->fields; i++) {
        t->channels[i].values = ag_arena_array(t->self->arena, rows + 1, sizeof(int32_t));
        if (!t->channels[i].values) return ag_fail_memory(err, (rows + 1) * sizeof(int32_t));
    }
    hole->signal.channels = ag_arena_array(t->self->arena, t->fields, sizeof(ag_channel));
    if (!hole->signal.channels) return ag_fail_memory(err, t->fields * sizeof(ag_channel));
    memcpy(hole->signal.channels, t->channels, t->fields * sizeof(ag_channel));
    hole->signal.count = t->fields;
    hole->signal.rows = rows;
    return AG_OK;
}

/* The last rows, from a copy with room behind it. */
static int read_tail(table *t, const char *at, const char *end, size_t *row, size_t rows, uint32_t first_line,
                     ag_err *err)
{
    size_t size = (size_t)(end - at), room = t->fields * CELL_BYTES + CELL_BYTES;
    if (size > room * 2) return explain_row(t, at, end, first_line + (uint32_t)*row, err);
    char *copy = ag_arena_alloc(t->self->arena, size + room);
    if (!copy) return ag_fail_memory(err, size + room);
    memcpy(copy, at, size);
    const char *p = read_rows(t, copy, copy + size + room - CELL_BYTES, row, rows);
    if (*row < rows) return explain_row(t, p, copy + size, first_line + (uint32_t)*row, err);
    return AG_OK;
}

int ag_setitec_read_table(ag_setitec *self, ag_err *err)
{
    table t = {.self = self};
    size_t end = ag_str_find_char(self->table, '\n', 0);
    if (end == SIZE_MAX)
        return ag_setitec_fail(self, "F8", self->table_line, 0, err, "the file ends before its first sample");
    ag_str rows = ag_str_slice(self->table, end + 1, self->table.size);
    uint32_t first_line = self->table_line + 1;
    int rc = AG_OK;
    if (rows.size == 0) return ag_setitec_fail(self, "F11", first_line, 0, err, "there is no sample");
    if (rows.data[rows.size - 1] != '\n') { /* the row that was cut is not read: its last cell may be cut too */
        size_t count = count_rows(rows);
        rc = ag_setitec_flaw(self, "F8", first_line + (uint32_t)count, err,
                             "the file ends inside a row; the %zu rows before it are read", count);
        while (rows.size > 0 && rows.data[rows.size - 1] != '\n') rows.size--;
        if (rc == AG_OK && rows.size == 0)
            return ag_setitec_fail(self, "F8", first_line, 0, err, "the file ends inside its first row");
    }
    ag_setitec_line *names = ag_arena_alloc(self->arena, sizeof(*names));
    if (!names) return ag_fail_memory(err, sizeof(*names));
    /* Names go into the hole, so they must outlive the file. */
    ag_str name_line = ag_str_slice(self->table, 0, end);
    name_line.data = ag_arena_strndup(self->arena, name_line.data, name_line.size);
    if (!name_line.data) return ag_fail_memory(err, name_line.size);
    if (name_line.size > 0 && name_line.data[name_line.size - 1] == '\r') name_line.size--;
    if (rc == AG_OK) rc = ag_setitec_split(self, name_line, self->table_line, names, err);
    if (rc == AG_OK) rc = look_at_first_row(&t, rows, first_line, err);
    if (rc == AG_OK) rc = bind_columns(&t, names, err);
    if (rc == AG_OK) rc = judge_mark(&t, first_line, err);
    size_t count = count_rows(rows), row = 0;
    if (rc == AG_OK) rc = make_channels(&t, count, err);
    if (rc != AG_OK) return rc;
    const char *stop = rows.data + rows.size, *at = read_rows(&t, rows.data, stop, &row, count);
    return row < count ? read_tail(&t, at, stop, &row, count, first_line, err) : AG_OK;
}
