// SPDX-License-Identifier: Apache-2.0
/* add_prepared.c: the holes of a prepared directory, from its holes.csv, row by row. Its rows are in the order of
 * paths, as those of a manifest; a table that somebody sorted anew is refused rather than sorted, so that memory stays
 * that of a row. */
#include <math.h>
#include <string.h>

#include "core/io/csv.h"
#include "core/io/path.h"
#include "data/dataset/add_parts.h"
#include "data/dataset/manifest_parts.h"

enum { MEMBERS_MAX = 40, FLUSH = 64 << 10 };

typedef struct prepared {
    ag_csv *csv;
    const char *file;
    size_t columns[MEMBERS_MAX]; /* of each member of a hole */
    ag_arena *arena;             /* of the row */
    ag_buf last;
    ag_buf lines;
    ag_writer *out;
    ag_dataset_labels *labels;
    ag_dataset_totals *totals;
} prepared;

/* "hole" is called "path" there; the rest has the same names. */
static void find_columns(prepared *p)
{
    for (size_t i = 0; i < manifest_hole_members.count; i++) {
        const char *name = manifest_hole_members.items[i].name;
        p->columns[i] = ag_csv_column(p->csv, i == 0 ? "path" : name);
    }
}

static int read_hole(prepared *p, const ag_str *cells, ag_dataset_hole *hole, ag_err *err)
{
    ag_dataset_hole_clear(hole);
    for (size_t i = 0; i < manifest_hole_members.count; i++) {
        const manifest_member *member = &manifest_hole_members.items[i];
        if (p->columns[i] == SIZE_MAX) continue;
        ag_str cell = cells[p->columns[i]];
        if (!member->is_text) {
            *manifest_number(hole, member) = add_number(cell);
            continue;
        }
        char *copy = ag_arena_strndup(p->arena, cell.data, cell.size);
        if (!copy) return ag_fail_memory(err, cell.size);
        *manifest_text(hole, member) = copy;
    }
    if (hole->part < 0) hole->part = hole->first_row = NAN;
    if (hole->rows == 0) hole->rows = hole->sample_rate = hole->peak_torque = hole->peak_thrust = hole->max_depth = NAN;
    return AG_OK;
}

static int refuse(const prepared *p, ag_err *err, const char *why)
{
    uint32_t line, column;
    ag_csv_place(p->csv, 0, &line, &column);
    ag_fail_at(err, AG_EPARSE, p->file, line, 0, "%s", why);
    return ag_err_hint(err, "make it again with 'auger prepare'");
}

static int check_hole(prepared *p, const ag_dataset_hole *hole, ag_err *err)
{
    ag_sha256 digest;
    if (!hole->path || !*hole->path) return refuse(p, err, "a row has no path");
    if (!ag_sha256_parse(ag_str_of(hole->sha256), &digest)) return refuse(p, err, "a row has no sha256");
    if (p->last.size && ag_str_compare(ag_buf_str(&p->last), ag_str_of(hole->path)) >= 0)
        return refuse(p, err, "the rows are not in the order of their paths");
    ag_buf_clear(&p->last);
    ag_buf_add_text(&p->last, hole->path);
    return ag_buf_check(&p->last, "a path", err);
}

static int flush(prepared *p, ag_err *err)
{
    int rc = ag_write(p->out, ag_buf_str(&p->lines).data, p->lines.size, err);
    ag_buf_clear(&p->lines);
    return rc;
}

static int add_row(prepared *p, const ag_str *cells, ag_err *err)
{
    ag_dataset_hole hole;
    ag_arena_reset(p->arena);
    int rc = read_hole(p, cells, &hole, err);
    if (rc < 0) return rc;
    if (hole.status && strcmp(hole.status, "companion") == 0) return AG_OK;
    if (hole.status && strcmp(hole.status, "error") == 0 && ag_str_of(hole.sha256).size == 0)
        return AG_OK; /* nobody could read it */
    if ((rc = check_hole(p, &hole, err)) < 0) return rc;
    if (p->labels) ag_dataset_labels_give(p->labels, &hole);
    p->totals->holes++;
    p->totals->labelled += hole.labelled;
    if ((rc = ag_manifest_put_hole(&p->lines, &hole, err)) < 0) return rc;
    return p->lines.size >= FLUSH ? flush(p, err) : AG_OK;
}

static int add_rows(prepared *p, ag_err *err)
{
    const ag_str *cells;
    size_t count;
    int rc;
    find_columns(p);
    while ((rc = ag_csv_next(p->csv, &cells, &count, err)) > 0)
        if ((rc = add_row(p, cells, err)) < 0) return rc;
    return rc < 0 ? rc : flush(p, err);
}

int add_prepared_holes(const add_sources *sources, ag_dataset_labels *labels, ag_writer *out, ag_dataset_totals *totals,
                       ag_err *err)
{
    ag_reader *source = NULL;
    ag_csv_options options = {.header = true};
    prepared p = {.arena = ag_arena_new(0), .out = out, .labels = labels, .totals = totals};
    ag_arena *names = ag_arena_new(0);
    ag_buf_init(&p.last, AG_MANIFEST_LINE_MAX);
    ag_buf_init(&p.lines, (size_t)4 * AG_MANIFEST_LINE_MAX);
    p.file = names ? ag_path_join(names, sources->prepared, "holes.csv") : NULL;
    options.name = p.file;
    int rc = p.arena && p.file ? AG_OK : ag_fail_memory(err, 4096);
    if (rc >= 0) rc = ag_reader_of_file(p.file, &source, err);
    if (rc >= 0) rc = ag_csv_open(source, &options, &p.csv, err);
    if (rc >= 0) rc = add_rows(&p, err);
    ag_csv_free(p.csv);
    ag_reader_close(source);
    ag_buf_deinit(&p.last);
    ag_buf_deinit(&p.lines);
    ag_arena_free(p.arena);
    ag_arena_free(names);
    return rc;
}
