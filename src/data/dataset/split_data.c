// SPDX-License-Identifier: Apache-2.0
/* split_data.c: a version's split: its rows are read (split_rows.c), dealt (data/split.c), written as a table into the
 * blob store, and recorded with what makes it again and with how well it came out. The table is made in memory: some
 * tens of bytes a row. */
#include "data/dataset/split_data.h"

#include <math.h>
#include <string.h>

#include "core/doc/json.h"
#include "core/io/csv.h"
#include "data/dataset/split_rows.h"

enum { UNIT = 1000000, OWN_NAME = 70 };
#define TABLE_MAX ((size_t)16 << 30)
static const char *const include_names[] = {"valid", "labelled", "all"};
static const char *const what_names[] = {"holes", "rows", "files"};

typedef struct making {
    const ag_dataset_place *place;
    const ag_dataset_version *version;
    const ag_dataset_split_options *options;
    ag_arena *arena;
    split_items items;
    uint32_t *shares;
    const char **names;
    double *wanted;
    size_t parts;
    ag_split split;
    ag_blob_ref table;
} making;

/* ---- parts ---- */

static int check_options(const ag_dataset_split_options *o, ag_err *err)
{
    if (o->folds == 1 || o->folds >= AG_SPLIT_PARTS_MAX)
        return ag_fail(err, AG_EINVAL, "a split has 2 to %d folds, not %u", AG_SPLIT_PARTS_MAX - 1, o->folds);
    if (!(o->test >= 0) || !(o->validation >= 0) || !(o->test + o->validation < 1) ||
        (o->test > 0 && o->test * UNIT < 1) || (o->validation > 0 && o->validation * UNIT < 1))
        return ag_fail(err, AG_EINVAL,
                       "shares of test and validation are below 1 together, and something must be left");
    if (o->folds && o->validation > 0) {
        ag_fail(err, AG_EINVAL, "folds take turns in validation: a share for it has no meaning beside them");
        return ag_err_hint(err, "--folds with or without --test");
    }
    if (o->folds == 0 && o->test + o->validation == 0) {
        ag_fail(err, AG_EINVAL, "into what shall it be split?");
        return ag_err_hint(err, "--folds 24, or --test 0.15 --validation 0.15");
    }
    return AG_OK;
}

static void add_part(making *m, const char *name, double share)
{
    m->names[m->parts] = name;
    m->wanted[m->parts] = share;
    m->shares[m->parts++] = (uint32_t)lround(share * UNIT);
}

static int make_parts(making *m, ag_err *err)
{
    const ag_dataset_split_options *o = m->options;
    size_t most = o->folds + (size_t)3;
    m->shares = ag_arena_array(m->arena, most, sizeof(*m->shares));
    m->names = ag_arena_array(m->arena, most, sizeof(*m->names));
    m->wanted = ag_arena_array(m->arena, most, sizeof(*m->wanted));
    if (!m->shares || !m->names || !m->wanted) return ag_fail_memory(err, most * sizeof(*m->names));
    for (uint32_t i = 0; i < o->folds; i++) {
        const char *name = ag_arena_printf(m->arena, "%u", i);
        if (!name) return ag_fail_memory(err, 16);
        add_part(m, name, (1 - o->test) / o->folds);
    }
    if (o->folds == 0) add_part(m, "train", 1 - o->test - o->validation);
    if (o->validation > 0) add_part(m, "validation", o->validation);
    if (o->test > 0) add_part(m, "test", o->test);
    return AG_OK;
}

static int deal(making *m, ag_err *err)
{
    size_t count = m->items.items.count;
    ag_split_row *rows = ag_arena_array(m->arena, count + 1, sizeof(*rows));
    if (!rows) return ag_fail_memory(err, count * sizeof(*rows));
    for (size_t i = 0; i < count; i++) rows[i] = ((const split_item *)ag_vec_at(&m->items.items, i))->row;
    const ag_split_options options = {.seed = m->options->seed, .shares = m->shares, .parts = m->parts};
    return ag_split_make(rows, count, &options, m->arena, &m->split, err);
}

/* ---- the table ---- */

static int write_item(const making *m, ag_csv_writer *csv, size_t i, ag_err *err)
{
    const split_item *item = ag_vec_at(&m->items.items, i);
    int rc = ag_csv_add(csv, ag_str_of(item->path), err);
    if (rc >= 0 && m->items.what == SPLIT_ROWS) rc = ag_csv_add_int(csv, (int64_t)item->number, err);
    if (rc >= 0 && m->items.what != SPLIT_ROWS) rc = ag_csv_add(csv, ag_str_of(item->sha256), err);
    if (rc >= 0) rc = ag_csv_add_int(csv, (int64_t)m->split.group[i], err);
    if (rc >= 0) rc = ag_csv_add(csv, ag_str_of(m->names[m->split.part[i]]), err);
    return rc < 0 ? rc : ag_csv_end_row(csv, err);
}

static int write_table(const making *m, ag_buf *out, ag_err *err)
{
    const char *names[] = {m->items.what == SPLIT_HOLES ? "hole" : "file",
                           m->items.what == SPLIT_ROWS ? "row" : "sha256", "group", "part"};
    ag_csv_writer *csv = NULL;
    int rc = ag_csv_writer_to_buf(out, NULL, &csv, err);
    if (rc >= 0) rc = ag_csv_add_texts(csv, names, sizeof names / sizeof *names, err);
    if (rc >= 0) rc = ag_csv_end_row(csv, err);
    for (size_t i = 0; rc >= 0 && i < m->items.items.count; i++) rc = write_item(m, csv, i, err);
    if (rc >= 0) rc = ag_csv_finish(csv, err);
    ag_csv_writer_free(csv);
    return rc;
}

static int store_table(making *m, ag_err *err)
{
    ag_buf table;
    ag_buf_init(&table, TABLE_MAX);
    int rc = write_table(m, &table, err);
    if (rc >= 0) rc = ag_blob_put_bytes(m->place->blobs, ag_buf_str(&table).data, table.size, &m->table, err);
    ag_buf_deinit(&table);
    return rc;
}

/* ---- the record ---- */

static int take_text(making *m, ag_json *json, const char **out, ag_err *err)
{
    int rc = ag_json_end_document(json, err);
    if (rc >= 0 && !(*out = ag_arena_strndup(m->arena, json->out->data, json->out->size)))
        rc = ag_fail_memory(err, json->out->size);
    ag_buf_deinit(json->out);
    return rc;
}

static int write_options(making *m, const char **out, ag_err *err)
{
    const ag_dataset_split_options *o = m->options;
    ag_buf text;
    ag_buf_init(&text, (size_t)1 << 20);
    ag_json json = ag_json_writer(&text, 0, AG_JSON_REFUSE_NONFINITE);
    ag_json_begin_object(&json);
    ag_json_put_int(&json, "folds", o->folds);
    ag_json_put_real(&json, "test", o->test);
    ag_json_put_real(&json, "validation", o->validation);
    ag_json_name(&json, "group");
    ag_json_begin_array(&json);
    for (size_t i = 0; i < o->group_count; i++) ag_json_text(&json, o->group[i]);
    ag_json_end_array(&json);
    ag_json_put_text(&json, "stratify", o->stratify);
    ag_json_name(&json, "seed");
    ag_json_uint(&json, o->seed);
    ag_json_put_text(&json, "include", include_names[o->include]);
    ag_json_end_object(&json);
    return take_text(m, &json, out, err);
}

static void write_part(const making *m, ag_json *json, size_t part)
{
    const ag_split *s = &m->split;
    ag_json_begin_object(json);
    ag_json_put_text(json, "part", m->names[part]);
    ag_json_put_int(json, "rows", (int64_t)s->rows[part]);
    ag_json_put_int(json, "groups", (int64_t)s->groups[part]);
    ag_json_put_real(json, "share", (double)s->rows[part] / (double)m->items.items.count);
    ag_json_put_real(json, "wanted", m->wanted[part]);
    ag_json_name(json, "strata");
    ag_json_begin_object(json);
    for (size_t k = 0; k < s->stratum_count; k++) {
        ag_json_name_str(json, s->strata[k]);
        ag_json_int(json, (int64_t)s->cells[part * s->stratum_count + k]);
    }
    ag_json_end_object(json);
    ag_json_end_object(json);
}

static int write_report(making *m, const char **out, ag_err *err)
{
    ag_buf text;
    ag_buf_init(&text, (size_t)64 << 20);
    ag_json json = ag_json_writer(&text, 0, AG_JSON_REFUSE_NONFINITE);
    ag_json_begin_object(&json);
    ag_json_put_text(&json, "what", what_names[m->items.what]);
    ag_json_put_int(&json, "rows", (int64_t)m->items.items.count);
    ag_json_put_int(&json, "left_out", (int64_t)m->items.left_out);
    ag_json_put_int(&json, "groups", (int64_t)m->split.group_count);
    ag_json_put_int(&json, "largest_group", (int64_t)m->split.largest_group);
    ag_json_put_real(&json, "size_error", m->split.size_error);
    ag_json_put_real(&json, "stratum_error", m->split.stratum_error);
    ag_json_name(&json, "parts");
    ag_json_begin_array(&json);
    for (size_t part = 0; part < m->parts; part++) write_part(m, &json, part);
    ag_json_end_array(&json);
    ag_json_end_object(&json);
    return take_text(m, &json, out, err);
}

static const char *own_name(const making *m)
{
    const ag_dataset_split_options *o = m->options;
    if (o->name) return o->name;
    const char *text = o->folds ? ag_arena_printf(m->arena, "folds%u", o->folds) : "holdout";
    if (text && o->test > 0) text = ag_arena_printf(m->arena, "%s-t%g", text, o->test * 100);
    if (text && o->validation > 0) text = ag_arena_printf(m->arena, "%s-v%g", text, o->validation * 100);
    for (size_t i = 0; text && i < o->group_count; i++) text = ag_arena_printf(m->arena, "%s-%s", text, o->group[i]);
    if (text && o->stratify) text = ag_arena_printf(m->arena, "%s-by-%s", text, o->stratify);
    char *name = text ? ag_arena_printf(m->arena, "%.*s-s%llu", OWN_NAME, text, (unsigned long long)o->seed) : NULL;
    for (char *at = name; at && *at; at++) { /* columns of tables may be called anything */
        bool plain = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') || (*at >= '0' && *at <= '9');
        if (!plain && *at != '.' && *at != '_') *at = '-';
    }
    return name;
}

static int record(making *m, ag_dataset_split *out, ag_err *err)
{
    char hex[65];
    ag_sha256_format(&m->table.sha256, hex);
    ag_dataset_split split = {.author = m->place->actor ? m->place->actor->name : NULL};
    split.name = own_name(m);
    split.digest = ag_arena_strdup(m->arena, hex);
    if (!split.name || !split.digest) return ag_fail_memory(err, 128);
    int rc = write_options(m, &split.options, err);
    if (rc >= 0) rc = write_report(m, &split.report, err);
    if (rc >= 0) rc = ag_dataset_split_add(m->place->ledger, m->place->actor, m->version, &split, err);
    if (rc >= 0) *out = split;
    return rc;
}

int ag_dataset_split_version(const ag_dataset_place *place, const ag_dataset_version *version,
                             const ag_dataset_split_options *options, ag_arena *arena, ag_dataset_split_made *out,
                             ag_err *err)
{
    making m = {.place = place, .version = version, .options = options, .arena = arena};
    ag_dataset_split_made made = {0};
    int rc = check_options(options, err);
    if (rc >= 0) rc = make_parts(&m, err);
    if (rc >= 0) rc = split_items_read(place, version, options, arena, &m.items, err);
    if (rc >= 0) rc = deal(&m, err);
    if (rc >= 0) rc = store_table(&m, err);
    if (rc >= 0) rc = record(&m, &made.record, err);
    ag_split *kept = rc < 0 ? NULL : ag_arena_alloc(arena, sizeof(*kept));
    if (rc >= 0 && !kept) rc = ag_fail_memory(err, sizeof(*kept));
    if (rc >= 0) {
        *kept = m.split;
        made.split = kept;
        made.rows = m.items.items.count;
        made.left_out = m.items.left_out;
        made.part_names = m.names;
        made.wanted = m.wanted;
        made.what = what_names[m.items.what];
        *out = made;
    }
    ag_vec_deinit(&m.items.items);
    return rc;
}

int ag_dataset_split_open(const ag_dataset_place *place, const ag_dataset_version *version, const char *name,
                          ag_reader **out, ag_err *err)
{
    const ag_dataset_split *found;
    size_t count;
    ag_sha256 digest;
    ag_arena *arena = ag_arena_new(0);
    if (!arena) return ag_fail_memory(err, 4096);
    int rc = ag_dataset_splits(place->ledger, version, ag_str_of(name), arena, &found, &count, err);
    if (rc >= 0 && (count != 1 || !ag_sha256_parse(ag_str_of(found[0].digest), &digest))) {
        ag_fail(err, AG_ENOTFOUND, "%s@v%lld has no split called '%s'", version->name, (long long)version->number,
                name);
        rc = ag_err_hint(err, "'auger data show %s@v%lld' lists them", version->name, (long long)version->number);
    }
    ag_arena_free(arena);
    return rc < 0 ? rc : ag_blob_get(place->blobs, &digest, out, err);
}
