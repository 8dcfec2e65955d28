// SPDX-License-Identifier: Apache-2.0
/* setitec_header.c: sections, and in each of them lines of names followed by lines of values.
 *
 * Three things are special. The control box of version 4 breaks its line of names: nine names, many empty lines, then
 * the last name again and those that are missing. The line under "Comment" is the comment also when it is empty.
 * Program and step results have as many lines of values as there are steps. Lines of delimiters only separate, inside
 * sections too. Names are bound in the order of the tables, so that the next one is nearly always the right one. */
#include "data/readers/setitec_parts.h"

#include <math.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/vec.h"

typedef struct header_state {
    ag_setitec *self;
    ag_str rest;
    uint32_t next_line; /* number of the line that `rest` begins with */
    ag_section section, last_section;
    ag_header_id expected;
    unsigned seen; /* a bit per section */
    ag_setitec_line names, values, ahead;
    ag_vec fields, program, results;
} header_state;

int ag_setitec_split(ag_setitec *self, ag_str line, uint32_t number, ag_setitec_line *out, ag_err *err)
{
    out->number = number;
    out->count = out->filled = 0;
    out->blank = true;
    ag_str rest = {line.data ? line.data : "", line.size}, cell;
    while (ag_str_next(&rest, self->delimiter, &cell)) {
        if (out->count == AG_SETITEC_CELLS)
            return ag_setitec_fail(self, "F2", number, 0, err, "more than %d cells in a line", AG_SETITEC_CELLS);
        out->cells[out->count++] = (ag_setitec_cell){cell, (uint32_t)(cell.data - line.data) + 1};
        if (ag_str_trim(cell).size == 0) continue;
        out->filled = out->count;
        out->blank = false;
    }
    return AG_OK;
}

/* 1 with the next line, 0 at the end. */
static int next_line(header_state *state, ag_setitec_line *out, ag_err *err)
{
    ag_str line;
    if (!state->rest.data || state->rest.size == 0) return 0;
    if (!ag_str_next(&state->rest, '\n', &line)) return 0;
    if (line.size > 0 && line.data[line.size - 1] == '\r') line.size--;
    int rc = ag_setitec_split(state->self, line, state->next_line++, out, err);
    return rc < 0 ? rc : 1;
}

/* The title of "*** Title ***", empty when it is no such line. */
static ag_str title_of(const ag_setitec_line *line)
{
    ag_str text = line->count > 0 ? ag_str_trim(line->cells[0].raw) : (ag_str){"", 0};
    if (!ag_str_starts(text, AG_STR("***"))) return (ag_str){"", 0};
    text = ag_str_slice(text, 3, text.size);
    if (ag_str_ends(text, AG_STR("***"))) text.size -= 3;
    return ag_str_trim(text);
}

static int begin_section(header_state *state, ag_str title, uint32_t line, ag_err *err)
{
    state->section = ag_section_find(title);
    state->expected = 0;
    if (state->section == AG_SECTION_OTHER)
        return ag_setitec_flaw(state->self, "F15", line, err, "section '%.*s' is not known", AG_STR_ARG(title));
    int rc = AG_OK;
    if (state->seen & (1u << state->section) || state->section < state->last_section)
        rc = ag_setitec_flaw(state->self, "F2", line, err, "section '%.*s' is not in its place", AG_STR_ARG(title));
    state->seen |= 1u << state->section;
    state->last_section = state->section;
    return rc;
}

/* Finds the canonical id of a name of this section, trying what comes next in the table first. */
static ag_header_id bind_header(header_state *state, ag_str name)
{
    for (size_t i = 0; i < AG_HEADER_COUNT; i++) {
        ag_header_id id = (ag_header_id)((state->expected + i) % AG_HEADER_COUNT);
        const ag_name *row = &ag_header_names[id];
        if (row->section != state->section) continue;
        for (size_t k = 0; k < 3 && row->spellings[k].text; k++)
            if (ag_setitec_same(ag_str_of(row->spellings[k].text), name)) {
                state->expected = id + 1;
                return id;
            }
    }
    return AG_HEADER_OTHER;
}

static ag_str cell_text(const ag_setitec_line *line, size_t index)
{
    return index < line->count ? line->cells[index].raw : (ag_str){"", 0};
}

static int add_field(header_state *state, ag_str name, size_t cell, ag_err *err)
{
    ag_setitec *self = state->self;
    ag_header_field field = {.section = state->section, .line = state->values.number};
    int rc = ag_setitec_text(self, name, &field.name, err);
    if (rc == AG_OK) rc = ag_setitec_text(self, cell_text(&state->values, cell), &field.text, err);
    if (rc < 0) return rc;
    field.column = cell < state->values.count ? state->values.cells[cell].column : 0;
    field.number = ag_setitec_number(field.text);
    field.id = bind_header(state, field.name);
    if (field.id == AG_HEADER_OTHER && state->section != AG_SECTION_EXTERNAL && state->section != AG_SECTION_OTHER) {
        rc =
            ag_setitec_flaw(self, "F14", state->names.number, err, "field '%.*s' is not known", AG_STR_ARG(field.name));
        if (rc < 0) return rc;
    }
    return ag_vec_push(&state->fields, &field, err);
}

static int add_pairs(header_state *state, ag_err *err)
{
    for (size_t i = 0; i < state->names.filled; i++) {
        int rc = add_field(state, state->names.cells[i].raw, i, err);
        if (rc < 0) return rc;
    }
    return AG_OK;
}

/* Names of a table of steps as columns: out[i] is the id of cell i, `count` for an unknown one. A cell that holds two
 * names in one (a tab was lost) stands for two columns. */
static int bind_columns(header_state *state, const ag_name *table, size_t count, size_t *out, size_t *columns,
                        ag_err *err)
{
    size_t used = 0;
    for (size_t i = 0; i < state->names.filled && used + 1 < AG_SETITEC_CELLS; i++) {
        ag_str text = ag_str_trim(state->names.cells[i].raw);
        size_t id = 0;
        while (id < count && !ag_name_is(&table[id], text)) id++;
        for (size_t first = 0; id == count && first + 1 < count; first++) {
            for (size_t k = 0; k < 3 && table[first].spellings[k].text; k++) {
                ag_str half = ag_str_of(table[first].spellings[k].text);
                if (!ag_str_starts(text, half) ||
                    !ag_name_is(&table[first + 1], ag_str_slice(text, half.size, text.size)))
                    continue;
                out[used++] = first;
                id = first + 1;
                int rc = ag_setitec_flaw(state->self, "M9", state->names.number, err, "two names in one cell: '%.*s'",
                                         AG_STR_ARG(text));
                if (rc < 0) return rc;
            }
        }
        out[used++] = id;
    }
    *columns = used;
    return AG_OK;
}

static void fill_values(const header_state *state, const size_t *ids, size_t columns, size_t count, double *values)
{
    for (size_t id = 0; id < count; id++) values[id] = NAN;
    for (size_t i = 0; i < columns; i++)
        if (ids[i] < count) values[ids[i]] = ag_setitec_number(cell_text(&state->values, i));
}

static int add_program(header_state *state, const size_t *ids, size_t columns, ag_err *err)
{
    ag_program_step step = {.line = state->values.number};
    fill_values(state, ids, columns, AG_PROGRAM_COUNT, step.value);
    double number = step.value[AG_PROGRAM_NUMBER];
    if (!(number >= 0 && number <= 1e6))
        return ag_setitec_flaw(state->self, "F16", step.line, err, "a row of the program has no step number");
    step.number = (int32_t)number;
    step.enabled = step.value[AG_PROGRAM_ENABLED] > 0;
    return ag_vec_push(&state->program, &step, err);
}

static int add_result(header_state *state, const size_t *ids, size_t columns, ag_err *err)
{
    ag_step_result result = {.line = state->values.number};
    fill_values(state, ids, columns, AG_RESULT_COUNT, result.value);
    return ag_vec_push(&state->results, &result, err);
}

/* Lines of values until a blank one or the next section. Returns 1 when state->names holds a line to go on with. */
static int read_steps(header_state *state, ag_err *err)
{
    bool program = state->section == AG_SECTION_PROGRAM;
    size_t ids[AG_SETITEC_CELLS], columns;
    int rc = program ? bind_columns(state, ag_program_names, AG_PROGRAM_COUNT, ids, &columns, err)
                     : bind_columns(state, ag_result_names, AG_RESULT_COUNT, ids, &columns, err);
    while (rc >= 0 && (rc = next_line(state, &state->values, err)) > 0) {
        if (state->values.blank) return 0;
        if (title_of(&state->values).size > 0) {
            state->names = state->values;
            return 1;
        }
        rc = program ? add_program(state, ids, columns, err) : add_result(state, ids, columns, err);
    }
    return rc;
}

/* Joins what follows the repeated last name to the names that were read. */
static void join_names(header_state *state)
{
    ag_setitec_line *names = &state->names, *more = &state->ahead;
    names->count = names->filled;
    for (size_t i = 1; i < more->filled && names->count < AG_SETITEC_CELLS; i++)
        names->cells[names->count++] = more->cells[i];
    names->filled = names->count;
}

/* Reads the line of values under state->names. Returns 1 when another line of names stands in state->names already. */
static int read_values(header_state *state, ag_err *err)
{
    int rc = next_line(state, &state->values, err);
    if (rc <= 0) return rc;
    if (title_of(&state->values).size > 0) { /* names without values */
        state->names = state->values;
        return 1;
    }
    if (!state->values.blank || state->section != AG_SECTION_BOX) return add_pairs(state, err);
    do {
        rc = next_line(state, &state->ahead, err);
    } while (rc > 0 && state->ahead.blank);
    if (rc < 0) return rc;
    const ag_setitec_line *names = &state->names;
    ag_str last = names->filled > 0 ? ag_str_trim(names->cells[names->filled - 1].raw) : (ag_str){"", 0};
    if (rc > 0 && last.size > 0 && ag_str_equal(ag_str_trim(state->ahead.cells[0].raw), last)) {
        join_names(state);
        rc = next_line(state, &state->values, err);
        return rc <= 0 ? rc : add_pairs(state, err);
    }
    bool more = rc > 0;
    rc = add_pairs(state, err);
    if (rc < 0 || !more) return rc;
    state->names = state->ahead;
    return 1;
}

static int read_sections(header_state *state, ag_err *err)
{
    bool have = false;
    for (;;) {
        int rc = have ? 1 : next_line(state, &state->names, err);
        have = false;
        if (rc <= 0) return rc;
        if (state->names.blank) continue;
        ag_str title = title_of(&state->names);
        if (title.size > 0) {
            rc = begin_section(state, title, state->names.number, err);
        } else if (state->section == AG_SECTION_PROGRAM || state->section == AG_SECTION_STEP_RESULTS) {
            rc = read_steps(state, err);
            have = rc > 0;
        } else {
            rc = read_values(state, err);
            have = rc > 0;
        }
        if (rc < 0) return rc;
    }
}

static int check_sections(header_state *state, ag_err *err)
{
    int rc = AG_OK;
    for (int i = 0; rc == AG_OK && i < AG_SECTION_DATA; i++)
        if (!(state->seen & (1u << i)) && i != AG_SECTION_EXTERNAL && i != AG_SECTION_STEP_RESULTS)
            rc = ag_setitec_flaw(state->self, "F2", 0, err, "section '%s' is missing", ag_section_title((ag_section)i));
    return rc;
}

static int take(ag_setitec *self, const ag_vec *vec, void *into, size_t *count, ag_err *err)
{
    size_t size = vec->count * vec->item_size;
    void *items = ag_arena_array(self->arena, vec->count, vec->item_size);
    if (!items) return ag_fail_memory(err, size);
    if (size > 0) memcpy(items, vec->items, size);
    memcpy(into, &items, sizeof(items));
    *count = vec->count;
    return AG_OK;
}

/* The version, and what depends on knowing it. */
static int find_version(ag_setitec *self, ag_err *err)
{
    const ag_hole *hole = self->hole;
    for (size_t i = 0; i < hole->field_count; i++) {
        const ag_header_field *field = &hole->fields[i];
        if (field->id != AG_HEADER_VERSION) continue;
        if (field->number >= 1 && field->number <= 1e6) self->hole->version = (int)field->number;
        break;
    }
    if (ag_format_version_find(self->hole->version)) return AG_OK;
    return ag_setitec_flaw(self, "F17", 0, err, "version %d was never seen: read by its own names",
                           self->hole->version);
}

int ag_setitec_read_header(ag_setitec *self, ag_err *err)
{
    header_state *state = ag_calloc(1, sizeof(*state));
    if (!state) return ag_fail_memory(err, sizeof(*state));
    state->self = self;
    state->rest = self->header;
    state->next_line = 1;
    state->section = AG_SECTION_OTHER;
    ag_vec_init(&state->fields, sizeof(ag_header_field));
    ag_vec_init(&state->program, sizeof(ag_program_step));
    ag_vec_init(&state->results, sizeof(ag_step_result));
    int rc = read_sections(state, err);
    if (rc == AG_OK) rc = check_sections(state, err);
    if (rc == AG_OK) rc = take(self, &state->fields, &self->hole->fields, &self->hole->field_count, err);
    if (rc == AG_OK) rc = take(self, &state->program, &self->hole->program, &self->hole->program_count, err);
    if (rc == AG_OK) rc = take(self, &state->results, &self->hole->results, &self->hole->result_count, err);
    if (rc == AG_OK) rc = find_version(self, err);
    ag_vec_deinit(&state->fields);
    ag_vec_deinit(&state->program);
    ag_vec_deinit(&state->results);
    ag_free(state);
    return rc;
}
