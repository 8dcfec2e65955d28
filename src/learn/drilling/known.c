// SPDX-License-Identifier: Apache-2.0
/* known.c: holes.csv, labels.jsonl and a table of truth brought together. A row of the table is found by path first,
 * then by the end of the path behind a '/', then by content; a row whose path is that of a hole belongs to no other,
 * and one that fits several is refused. A row without any depth says that nothing was cut, one without an exit that
 * there is none. A table of labels (holes.csv is one) names in label_source whose they are: what a labeller says there
 * is known by the labeller, and no truth. */
#include "learn/drilling/known.h"

#include <math.h>
#include <string.h>

#include "core/base/map.h"
#include "core/io/csv.h"
#include "core/io/file.h"
#include "core/io/path.h"
#include "data/label/labelled.h"

/* ---- the table of truth ---- */

typedef struct truth_row {
    double mm[AG_POINTS];
    const char *regime, *material, *labeller; /* labeller NULL: the truth */
    double tool_age;
    uint32_t line;
    bool taken, whole;  /* belongs to a hole; its path is that of a hole */
    const char *holder; /* path of the hole that has taken it by the end of its path */
} truth_row;

typedef struct truth_table {
    ag_map *by_path, *by_content;
    ag_vec rows; /* truth_row * */
} truth_table;

enum {
    COLUMN_PATH,
    COLUMN_SHA,
    COLUMN_ENTRY,
    COLUMN_TRANSITION,
    COLUMN_EXIT,
    COLUMN_REGIME,
    COLUMN_MATERIAL,
    COLUMN_LAYERS,
    COLUMN_AGE,
    COLUMN_LABELLER,
    COLUMN_OUTCOME,
    COLUMN_COUNT
};
static const char *const column_names[COLUMN_COUNT] = {"path",     "sha256",       "entry_mm",     "transition_mm",
                                                       "exit_mm",  "regime",       "material",     "layers",
                                                       "tool_age", "label_source", "label_outcome"};

/* "CFRP 10.21 + gap 0.30 + Ti 3.60" is "CFRP+gap+Ti". */
static char *material_of(ag_str layers, ag_arena *arena)
{
    char *text = ag_arena_strndup(arena, layers.data, layers.size);
    size_t to = 0;
    for (size_t i = 0; text && text[i]; i++) {
        bool number = (text[i] >= '0' && text[i] <= '9') || text[i] == '.' || text[i] == ' ';
        if (!number) text[to++] = text[i];
    }
    if (text) text[to] = 0;
    return text;
}

static int read_depth(ag_csv *csv, const ag_str *cells, size_t count, size_t column, double *out, ag_err *err)
{
    *out = NAN;
    if (column >= count) return AG_OK;
    ag_str cell = ag_str_trim(cells[column]), first = cell;
    uint32_t line, at;
    if (cell.size == 0) return AG_OK;
    for (size_t i = 0; i < cell.size; i++)
        if (cell.data[i] == '|' || cell.data[i] == ';') {
            first = ag_str_trim(ag_str_slice(cell, 0, i));
            break;
        }
    ag_csv_place(csv, column, &line, &at);
    if (ag_str_to_double(first, out) && (isnan(*out) || (isfinite(*out) && *out >= 0))) return AG_OK;
    ag_fail_at(err, AG_EPARSE, NULL, line, at, "'%.*s' is no depth in mm", AG_STR_ARG(ag_str_slice(cell, 0, 40)));
    return ag_str_find_char(cell, ',', 0) == SIZE_MAX
               ? AG_EPARSE
               : ag_err_hint(err, "write decimals with a point, not with a comma");
}

static int check_order(ag_csv *csv, const size_t *columns, const truth_row *row, ag_err *err)
{
    uint32_t line, at;
    int before = -1;
    for (int p = 0; p < AG_POINTS; p++) {
        if (isnan(row->mm[p])) continue;
        if (before >= 0 && row->mm[p] < row->mm[before]) {
            ag_csv_place(csv, columns[COLUMN_ENTRY + p], &line, &at);
            ag_fail_at(err, AG_EPARSE, NULL, line, at, "the %s at %g mm lies before the %s at %g mm", ag_point_names[p],
                       row->mm[p], ag_point_names[before], row->mm[before]);
            return ag_err_hint(err, "are the columns exchanged?");
        }
        before = p;
    }
    return AG_OK;
}

/* A hole may be told twice, if the same is told. */
static int keep_row(ag_map *map, ag_str key, truth_row *row, ag_err *err)
{
    const truth_row *other = ag_map_get(map, key);
    for (int p = 0; other && p < AG_POINTS; p++) {
        if (!isnan(row->mm[p]) == !isnan(other->mm[p]) && !(fabs(row->mm[p] - other->mm[p]) > 0)) continue;
        ag_fail_at(err, AG_EPARSE, NULL, row->line, 0, "'%.*s' stands in line %u, too, with other depths",
                   AG_STR_ARG(ag_str_slice(key, 0, 200)), other->line);
        return ag_err_hint(err, "leave the row that is right");
    }
    if (other) row->taken = true; /* the other one is asked */
    return other ? AG_OK : ag_map_put(map, key, row, NULL, err);
}

static ag_str cell_of(const ag_str *cells, size_t count, size_t column)
{
    return column < count ? ag_str_trim(cells[column]) : AG_STR("");
}

static int keep_text(ag_arena *arena, ag_str text, const char **out, ag_err *err)
{
    *out = text.size ? ag_arena_strndup(arena, text.data, text.size) : NULL;
    return text.size && !*out ? ag_fail_memory(err, text.size) : AG_OK;
}

static int add_truth(truth_table *table, ag_csv *csv, const size_t *columns, const ag_str *cells, size_t count,
                     ag_arena *arena, ag_err *err)
{
    truth_row *row = ag_arena_alloc(arena, sizeof *row);
    if (!row) return ag_fail_memory(err, sizeof *row);
    ag_str path = cell_of(cells, count, columns[COLUMN_PATH]), sha = cell_of(cells, count, columns[COLUMN_SHA]);
    if (ag_str_is(cell_of(cells, count, columns[COLUMN_OUTCOME]), ag_label_outcome_name(AG_LABEL_NONE))) return AG_OK;
    ag_str material = cell_of(cells, count, columns[COLUMN_MATERIAL]);
    ag_str layers = cell_of(cells, count, columns[COLUMN_LAYERS]);
    int rc = AG_OK;
    for (int p = 0; rc == AG_OK && p < AG_POINTS; p++)
        rc = read_depth(csv, cells, count, columns[COLUMN_ENTRY + p], &row->mm[p], err);
    if (rc == AG_OK) rc = keep_text(arena, cell_of(cells, count, columns[COLUMN_REGIME]), &row->regime, err);
    if (rc == AG_OK) rc = keep_text(arena, material, &row->material, err);
    if (rc == AG_OK && !row->material && layers.size && !(row->material = material_of(layers, arena)))
        rc = ag_fail_memory(err, layers.size);
    ag_str labeller = cell_of(cells, count, columns[COLUMN_LABELLER]);
    if (ag_str_is(labeller, "truth") || ag_str_is(labeller, "expert")) labeller = AG_STR("");
    if (rc == AG_OK) rc = keep_text(arena, labeller, &row->labeller, err);
    if (rc == AG_OK && !row->labeller) rc = check_order(csv, columns, row, err);
    if (!ag_str_to_double(cell_of(cells, count, columns[COLUMN_AGE]), &row->tool_age)) row->tool_age = NAN;
    uint32_t at;
    ag_csv_place(csv, columns[COLUMN_ENTRY], &row->line, &at);
    if (rc == AG_OK && path.size) rc = keep_row(table->by_path, path, row, err);
    if (rc == AG_OK && sha.size && !path.size) rc = keep_row(table->by_content, sha, row, err);
    if (rc == AG_OK && sha.size && path.size) rc = ag_map_put(table->by_content, sha, row, NULL, err);
    return rc == AG_OK ? ag_vec_push(&table->rows, &row, err) : rc;
}

static int check_columns(const ag_csv *csv, const size_t *columns, const char *path, ag_err *err)
{
    const ag_str *names = NULL;
    char list[200] = "";
    const size_t count = ag_csv_header(csv, &names);
    if (columns[COLUMN_PATH] == SIZE_MAX && columns[COLUMN_SHA] == SIZE_MAX)
        ag_fail_at(err, AG_EPARSE, path, 1, 0, "a table of truth needs a column 'path' or 'sha256'");
    else if (columns[COLUMN_ENTRY] == SIZE_MAX || columns[COLUMN_EXIT] == SIZE_MAX)
        ag_fail_at(err, AG_EPARSE, path, 1, 0, "a table of truth needs the columns 'entry_mm' and 'exit_mm'");
    else
        return AG_OK;
    for (size_t i = 0; i < count; i++) {
        const size_t used = strlen(list);
        (void)ag_format(list + used, sizeof list - used, "%s%.*s", i ? ", " : "", AG_STR_ARG(names[i]));
    }
    return count ? ag_err_hint(err, "rename the columns of the first line, which are: %s", list)
                 : ag_err_hint(err, "there is nothing in it");
}

static int read_truth(truth_table *table, const char *path, ag_arena *arena, ag_err *err)
{
    ag_csv *csv = NULL;
    const ag_str *cells;
    size_t columns[COLUMN_COUNT], count;
    int more = 0;
    ag_vec_init(&table->rows, sizeof(truth_row *));
    table->by_path = ag_map_new();
    table->by_content = ag_map_new();
    if (!table->by_path || !table->by_content) return ag_fail_memory(err, 64);
    ag_csv_options options = {.header = true, .name = path};
    int rc = ag_csv_open_file(path, &options, &csv, err);
    for (int c = 0; rc == AG_OK && c < COLUMN_COUNT; c++) columns[c] = ag_csv_column(csv, column_names[c]);
    if (rc == AG_OK) rc = check_columns(csv, columns, path, err);
    while (rc == AG_OK && (more = ag_csv_next(csv, &cells, &count, err)) > 0) {
        rc = add_truth(table, csv, columns, cells, count, arena, err);
        if (rc == AG_EPARSE && err && !*err->file) ag_err_place(err, path, err->line, err->column);
    }
    ag_csv_free(csv);
    return rc < 0 ? rc : more;
}

static void close_truth(truth_table *table)
{
    ag_map_free(table->by_path);
    ag_map_free(table->by_content);
    ag_vec_deinit(&table->rows);
}

/* By the end of its path: the truth may have been written for the folder above or below the one that was prepared. */
static int find_by_end(const truth_table *table, const ag_prepared *record, const char *file, truth_row **out,
                       ag_err *err)
{
    ag_str path = ag_str_of(record->path);
    truth_row *row = NULL;
    for (size_t cut = ag_str_find_char(path, '/', 0); !row && cut != SIZE_MAX;
         cut = ag_str_find_char(path, '/', cut + 1))
        row = ag_map_get(table->by_path, ag_str_slice(path, cut + 1, SIZE_MAX));
    if (!row || row->whole) return AG_OK;
    bool copy = record->duplicate_of && *record->duplicate_of;
    if (row->holder && !copy) {
        ag_fail_at(err, AG_EPARSE, file, row->line, 0, "this path fits two holes, '%s' and '%s'", row->holder,
                   record->path);
        return ag_err_hint(err, "write paths as holes.csv does, or name holes by sha256");
    }
    if (!copy) row->holder = record->path;
    *out = row;
    return AG_OK;
}

static int find_truth(const truth_table *table, const ag_prepared *record, const char *file, truth_row **out,
                      ag_err *err)
{
    *out = NULL;
    if (!table->by_path) return AG_OK;
    *out = ag_map_get(table->by_path, ag_str_of(record->path));
    int rc = *out ? AG_OK : find_by_end(table, record, file, out, err);
    if (rc == AG_OK && !*out && record->sha256) *out = ag_map_get(table->by_content, ag_str_of(record->sha256));
    return rc;
}

/* ---- what is known ---- */

static ag_label_outcome outcome_of(const double *mm)
{
    if (isnan(mm[AG_POINT_ENTRY]) && isnan(mm[AG_POINT_TRANSITION]) && isnan(mm[AG_POINT_EXIT])) return AG_LABEL_EMPTY;
    return isnan(mm[AG_POINT_EXIT]) ? AG_LABEL_NO_EXIT : AG_LABEL_FOUND;
}

static ag_known known_of_event(const ag_label_event *event, const char *source, double weight)
{
    return (ag_known){.outcome = event->outcome,
                      .mm = {event->entry, event->transition_count ? event->transition[0] : (double)NAN, event->exit},
                      .source = source,
                      .weight = weight};
}

static void take_truth(ag_known_hole *hole, const truth_row *row)
{
    const char *source = row->labeller ? row->labeller : "truth";
    hole->known = (ag_known){.outcome = outcome_of(row->mm), .source = source, .weight = 1.0};
    memcpy(hole->known.mm, row->mm, sizeof row->mm);
    hole->text[AG_SCORE_BY_REGIME] = row->regime;
    hole->text[AG_SCORE_BY_MATERIAL] = row->material;
    if (!isnan(row->tool_age)) hole->tool_age = row->tool_age;
}

static double number_of(const char *text)
{
    double value = NAN;
    return text && *text && ag_str_to_double(ag_str_of(text), &value) ? value : (double)NAN;
}

static ag_prediction predict(const ag_known *known, double confidence, double uncertainty,
                             const ag_label_settings *settings)
{
    double half = AG_POINT_NINE_OF_TEN * uncertainty;
    ag_prediction said = {.outcome = known->outcome, .confidence = confidence, .voices = 1, .spread = NAN};
    for (int p = 0; p < AG_POINTS; p++) {
        double mm = known->mm[p];
        bool has = !isnan(mm) && half > 0;
        said.points[p] = (ag_point){.mm = mm,
                                    .low = has ? mm - half : (double)NAN,
                                    .high = has ? mm + half : (double)NAN,
                                    .confidence = confidence};
    }
    said.grip_code = ag_label_grip(known->mm[AG_POINT_EXIT] - known->mm[AG_POINT_ENTRY], settings);
    return said;
}

ag_prediction ag_prediction_of_label(const ag_label *label, const ag_label_settings *settings)
{
    ag_known known = {.outcome = label->outcome,
                      .mm = {label->entry, label->transition_count ? label->transition[0] : (double)NAN, label->exit}};
    ag_prediction said = predict(&known, label->confidence, label->uncertainty, settings);
    if (label->outcome == AG_LABEL_NONE) said.reason = "no labeller can tell";
    return said;
}

static void fill_hole(ag_known_set *set, ag_known_hole *hole, const ag_labelled *item, truth_row *truth,
                      const ag_known_options *options, const ag_label_settings *settings)
{
    const ag_prepared *record = item->hole;
    const ag_label_event *automatic = &item->automatic;
    *hole = (ag_known_hole){.record = record, .tool_age = number_of(record->tool_counter)};
    hole->text[AG_SCORE_BY_PROGRAM] = record->program;
    hole->text[AG_SCORE_BY_MACHINE] = record->machine;
    hole->known = (ag_known){.mm = {NAN, NAN, NAN}};
    ag_known labelled = known_of_event(automatic, "automatic", number_of(record->confidence));
    hole->automatic = predict(&labelled, number_of(record->confidence), number_of(record->uncertainty_mm), settings);
    hole->automatic.path = record->path;
    hole->automatic.sha256 = record->sha256;
    if (automatic->outcome == AG_LABEL_NONE) hole->automatic.reason = "no labeller can tell";
    if (truth) {
        take_truth(hole, truth);
        truth->taken = true;
        set->truths += !truth->labeller;
        set->automatic += truth->labeller != NULL;
    } else if (ag_labelled_by_expert(item)) {
        hole->known = known_of_event(item->present, "expert", 1.0);
        set->experts++;
    } else if (options->automatic && automatic->outcome != AG_LABEL_NONE) {
        hole->known = labelled;
        if (isnan(hole->known.weight)) hole->known.weight = 0;
        set->automatic++;
    }
}

static void note_unread(ag_known_set *set, const ag_prepared *record)
{
    if (ag_prepared_is_unread(record) && set->unread++ == 0) set->first_unread = record->path;
}

static int fill_holes(const ag_labelled_set *labelled, const truth_table *table, const ag_known_options *options,
                      ag_arena *arena, ag_known_set *set, ag_err *err)
{
    ag_label_settings settings;
    int rc = ag_label_settings_default(&settings, err);
    set->holes = ag_arena_array(arena, labelled->prepared.count + 1, sizeof *set->holes);
    if (rc == AG_OK && !set->holes) rc = ag_fail_memory(err, labelled->prepared.count * sizeof *set->holes);
    for (size_t i = 0; table->by_path && i < labelled->prepared.count; i++) {
        truth_row *row = ag_map_get(table->by_path, ag_str_of(labelled->items[i].hole->path));
        if (row) row->whole = true;
    }
    for (size_t i = 0; rc == AG_OK && i < labelled->prepared.count; i++) {
        const ag_labelled *item = &labelled->items[i];
        truth_row *truth = NULL;
        if ((rc = find_truth(table, item->hole, set->truth, &truth, err)) < 0) break;
        bool copy = item->hole->duplicate_of && *item->hole->duplicate_of;
        note_unread(set, item->hole);
        if (truth && (copy || item->hole->part < 0)) truth->taken = true;
        if (item->hole->part < 0 || item->hole->rows <= 0 || copy) continue;
        fill_hole(set, &set->holes[set->count++], item, truth, options, &settings);
    }
    for (size_t i = 0; rc == AG_OK && i < table->rows.count; i++)
        set->unmatched += !(*(truth_row **)ag_vec_at(&table->rows, i))->taken;
    return rc;
}

int ag_known_load(const char *dir, const ag_known_options *options, ag_arena *arena, ag_known_set *out, ag_err *err)
{
    ag_known_options o = options ? *options : (ag_known_options){0};
    ag_known_set set = {0};
    ag_labelled_set labelled;
    truth_table table = {0};
    int rc = ag_labelled_load(dir, arena, &labelled, err);
    if (rc < 0) return rc;
    set.prepared = labelled.prepared;
    set.truth = o.truth ? ag_arena_strdup(arena, o.truth) : ag_path_join(arena, dir, AG_KNOWN_TRUTH_FILE);
    if (!set.truth) return ag_fail_memory(err, strlen(dir));
    if (!o.truth && !ag_file_exists(set.truth)) set.truth = NULL;
    if (set.truth) rc = read_truth(&table, set.truth, arena, err);
    if (rc == AG_OK) rc = fill_holes(&labelled, &table, &o, arena, &set, err);
    close_truth(&table);
    if (rc == AG_OK) *out = set;
    return rc;
}

ag_score_case ag_known_case(const ag_known_hole *hole)
{
    ag_score_case c = {.name = hole->record->path, .known = hole->known, .tool_age = hole->tool_age};
    memcpy(c.text, hole->text, sizeof c.text);
    return c;
}

/* ---- samples ---- */

int ag_known_samples(const ag_known_set *set, const ag_known_hole *hole, ag_arena *arena, ag_hole **out, ag_err *err)
{
    const ag_prepared *r = hole->record;
    const struct {
        ag_section section;
        ag_header_id id;
        const char *text;
    } kept[] = {{AG_SECTION_GENERAL, AG_HEADER_DATE, r->date},
                {AG_SECTION_MOTOR, AG_HEADER_MOTOR_SERIAL, r->machine},
                {AG_SECTION_HEAD, AG_HEADER_HEAD_NAME, r->head},
                {AG_SECTION_HEAD, AG_HEADER_HEAD_GLOBAL_COUNTER, r->head_counter},
                {AG_SECTION_HEAD, AG_HEADER_HEAD_LOCAL_COUNTER, r->tool_counter}};
    enum { KEPT = sizeof kept / sizeof *kept };
    ag_hole *read = NULL;
    int rc = ag_prepared_samples(&set->prepared, r, arena, &read, err);
    if (rc < 0) return rc;
    read->fields = ag_arena_array(arena, KEPT, sizeof *read->fields);
    if (!read->fields) return ag_fail_memory(err, KEPT * sizeof *read->fields);
    for (size_t i = 0; i < KEPT; i++) {
        if (!kept[i].text || !*kept[i].text) continue;
        ag_header_field *field = &read->fields[read->field_count++];
        *field = (ag_header_field){.section = kept[i].section,
                                   .id = kept[i].id,
                                   .name = ag_str_of(ag_header_names[kept[i].id].id),
                                   .text = ag_str_of(kept[i].text),
                                   .number = number_of(kept[i].text)};
        read->by_id[kept[i].id] = field;
    }
    *out = read;
    return AG_OK;
}
