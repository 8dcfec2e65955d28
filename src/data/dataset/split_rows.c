// SPDX-License-Identifier: Apache-2.0
/* split_rows.c: holes, rows of tables or files as rows to be split, with the keys that were asked for.
 *
 * A tool's life is not written anywhere; it is found: the holes of one machine and head in the order of the head's own
 * counter (else of their dates), and a new life where the tool's counter goes back. Values that are not known are one
 * value: better too large a group than near-twins on both sides. Content and trace tie holes in any case. */
#include "data/dataset/split_rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/io/csv.h"
#include "core/io/path.h"

typedef struct key { /* of a hole */
    const char *name;
    size_t offset; /* of a text */
    const char *(*of)(const ag_dataset_hole *hole, ag_arena *arena);
} key;

static const char *folder_of(const ag_dataset_hole *hole, ag_arena *arena)
{
    ag_str parent = ag_path_parent(ag_str_of(hole->path));
    return ag_arena_strndup(arena, parent.data, parent.size);
}

static const char *day_of(const ag_dataset_hole *hole, ag_arena *arena)
{
    ag_str date = ag_str_of(hole->date);
    return ag_arena_strndup(arena, date.data ? date.data : "", date.size < 10 ? date.size : 10);
}

static const char *layers_of(const ag_dataset_hole *hole, ag_arena *arena)
{
    return hole->labelled ? ag_arena_printf(arena, "%zu", hole->label.transition_count + 1) : "";
}

#define TEXT(key_name, member) {key_name, offsetof(ag_dataset_hole, member), NULL}
static const key keys[] = {
    TEXT("machine", machine),
    TEXT("head", head),
    {"tool", 0, NULL},
    TEXT("program", program),
    TEXT("class", class_name),
    TEXT("status", status),
    TEXT("firmware", firmware),
    TEXT("format_version", format_version),
    TEXT("reader", reader),
    TEXT("outcome", label.outcome),
    TEXT("category", label.category),
    TEXT("source", label.source),
    TEXT("author", label.author),
    {"layers", 0, layers_of},
    {"folder", 0, folder_of},
    {"day", 0, day_of},
};
enum { KEYS = sizeof(keys) / sizeof(keys[0]), TOOL = 2, KEY_MAX = 4096 };
static const char *const key_names[] = {"machine",  "head",           "tool",   "program", "class",    "status",
                                        "firmware", "format_version", "reader", "outcome", "category", "source",
                                        "author",   "layers",         "folder", "day",     NULL};

const char *const *ag_dataset_split_keys(void)
{
    return key_names;
}

typedef struct worn {  /* a hole in its tool's life */
    const char *place; /* machine and head */
    double head_counter, tool_counter;
    const char *date, *path;
    size_t item;
} worn;

typedef struct reading {
    const ag_dataset_place *place;
    const ag_dataset_split_options *options;
    ag_arena *arena;
    split_items *out;
    const key *group[AG_SPLIT_KEYS], *stratum; /* of holes */
    ag_vec worn;                               /* with the key "tool" */
    ag_buf text;
} reading;

/* ---- keys ---- */

static int find_key(const char *name, const key **out, ag_err *err)
{
    for (size_t i = 0; i < KEYS; i++) {
        if (strcmp(keys[i].name, name) != 0) continue;
        *out = &keys[i];
        return AG_OK;
    }
    const char *nearest = ag_nearest(ag_str_of(name), key_names, KEYS);
    ag_fail(err, AG_EINVAL, "holes have no key '%s' to be split by", name);
    if (nearest) return ag_err_hint(err, "did you mean '%s'?", nearest);
    return ag_err_hint(err, "machine, head, tool, program, class, firmware, layers, category, source, folder, day ...");
}

static int find_keys(reading *r, ag_err *err)
{
    int rc = AG_OK;
    for (size_t i = 0; rc >= 0 && i < r->options->group_count; i++)
        rc = find_key(r->options->group[i], &r->group[i], err);
    if (rc >= 0 && r->options->stratify) rc = find_key(r->options->stratify, &r->stratum, err);
    if (rc >= 0 && r->stratum == &keys[TOOL])
        rc = ag_fail(err, AG_EINVAL, "holes are grouped by their tool's life, not stratified by it");
    return rc;
}

static const char *value_of(const key *k, const ag_dataset_hole *hole, ag_arena *arena)
{
    const char *text;
    if (k->of) return k->of(hole, arena);
    memcpy(&text, (const char *)hole + k->offset, sizeof(text));
    return ag_arena_strdup(arena, text ? text : "");
}

static int keep(ag_arena *arena, ag_str text, ag_str *out, ag_err *err)
{
    char *copy = ag_arena_strndup(arena, text.data ? text.data : "", text.size);
    if (!copy) return ag_fail_memory(err, text.size);
    *out = (ag_str){copy, text.size};
    return AG_OK;
}

/* Parts of a group's key stand behind each other with a byte between that texts do not have. */
static int add_key(reading *r, ag_str value, ag_err *err)
{
    ag_buf_add_str(&r->text, value);
    ag_buf_add_char(&r->text, '\x1f');
    return ag_buf_check(&r->text, "the key of a group", err);
}

/* ---- holes ---- */

static bool is_wanted(const reading *r, const ag_dataset_hole *hole)
{
    bool valid = hole->status && strcmp(hole->status, "success") == 0;
    switch (r->options->include) {
    case AG_SPLIT_ALL: return true;
    case AG_SPLIT_LABELLED: return valid && hole->labelled;
    default: return valid;
    }
}

static int group_hole(reading *r, const ag_dataset_hole *hole, ag_str *out, ag_err *err)
{
    ag_buf_clear(&r->text);
    for (size_t i = 0; i < r->options->group_count; i++) {
        if (r->group[i] == &keys[TOOL]) continue; /* comes when all holes are there */
        const char *value = value_of(r->group[i], hole, r->arena);
        if (!value) return ag_fail_memory(err, 64);
        int rc = add_key(r, ag_str_of(value), err);
        if (rc < 0) return rc;
    }
    return keep(r->arena, ag_buf_str(&r->text), out, err);
}

static int remember_tool(reading *r, const ag_dataset_hole *hole, const split_item *item, ag_err *err)
{
    worn w = {.head_counter = isnan(hole->head_counter) ? -1 : hole->head_counter,
              .tool_counter = isnan(hole->tool_counter) ? -1 : hole->tool_counter,
              .path = item->path,
              .item = r->out->items.count};
    w.place = ag_arena_printf(r->arena, "%s\x1f%s", hole->machine ? hole->machine : "", hole->head ? hole->head : "");
    w.date = ag_arena_strdup(r->arena, hole->date ? hole->date : "");
    return w.place && w.date ? ag_vec_push(&r->worn, &w, err) : ag_fail_memory(err, 64);
}

static bool by_tool(const reading *r)
{
    for (size_t i = 0; i < r->options->group_count; i++)
        if (r->group[i] == &keys[TOOL]) return true;
    return false;
}

static int add_hole(reading *r, const ag_dataset_hole *hole, ag_err *err)
{
    split_item item = {0};
    if (!is_wanted(r, hole)) {
        r->out->left_out++;
        return AG_OK;
    }
    int rc = keep(r->arena, ag_str_of(hole->path), &item.row.id, err);
    if (rc >= 0) rc = keep(r->arena, ag_str_of(hole->sha256), &item.row.twins[0], err);
    if (rc >= 0) rc = keep(r->arena, ag_str_of(hole->trace_sha256), &item.row.twins[1], err);
    if (rc >= 0) rc = group_hole(r, hole, &item.row.group, err);
    if (rc >= 0 && r->stratum) {
        const char *value = value_of(r->stratum, hole, r->arena);
        rc = value ? AG_OK : ag_fail_memory(err, 64);
        item.row.stratum = ag_str_of(value);
    }
    item.path = item.row.id.data;
    item.sha256 = item.row.twins[0].data;
    if (rc >= 0 && by_tool(r)) rc = remember_tool(r, hole, &item, err);
    return rc < 0 ? rc : ag_vec_push(&r->out->items, &item, err);
}

static int compare_worn(const void *a, const void *b)
{
    const worn *x = a, *y = b;
    int order = strcmp(x->place, y->place);
    if (order == 0) order = (x->head_counter > y->head_counter) - (x->head_counter < y->head_counter);
    if (order == 0) order = strcmp(x->date, y->date);
    return order ? order : strcmp(x->path, y->path);
}

static int add_lives(reading *r, ag_err *err)
{
    const worn *all = r->worn.items;
    size_t life = 0;
    if (r->worn.count) qsort(r->worn.items, r->worn.count, sizeof(worn), compare_worn);
    for (size_t i = 0; i < r->worn.count; i++) {
        if (i && (strcmp(all[i].place, all[i - 1].place) != 0 || all[i].tool_counter < all[i - 1].tool_counter)) life++;
        split_item *item = ag_vec_at(&r->out->items, all[i].item);
        const char *more = ag_arena_printf(r->arena, "%.*s%zu", AG_STR_ARG(item->row.group), life);
        if (!more) return ag_fail_memory(err, 64);
        item->row.group = ag_str_of(more);
    }
    return AG_OK;
}

/* ---- rows of tables ---- */

typedef struct columns {
    size_t group[AG_SPLIT_KEYS], stratum;
} columns;

static int find_column(const ag_csv *csv, const char *path, const char *name, size_t *out, ag_err *err)
{
    *out = ag_csv_column(csv, name);
    if (*out != SIZE_MAX) return AG_OK;
    return ag_fail(err, AG_EINVAL, "the table '%s' has no column '%s' to be split by", path, name);
}

static int add_row(reading *r, const char *path, uint64_t number, const ag_str *cells, const columns *at, ag_err *err)
{
    const ag_dataset_split_options *options = r->options;
    split_item item = {.path = path, .number = number};
    const char *id = ag_arena_printf(r->arena, "%s\x1f%016llu", path, (unsigned long long)number);
    if (!id) return ag_fail_memory(err, 64);
    item.row.id = ag_str_of(id);
    int rc = AG_OK;
    ag_buf_clear(&r->text);
    for (size_t i = 0; rc >= 0 && i < options->group_count; i++) rc = add_key(r, cells[at->group[i]], err);
    if (rc >= 0) rc = keep(r->arena, ag_buf_str(&r->text), &item.row.group, err);
    if (rc >= 0 && options->stratify) rc = keep(r->arena, cells[at->stratum], &item.row.stratum, err);
    return rc < 0 ? rc : ag_vec_push(&r->out->items, &item, err);
}

static int add_table(reading *r, const ag_dataset_file *file, ag_err *err)
{
    const ag_csv_options options = {.header = true, .name = file->path};
    ag_reader *source = NULL;
    ag_csv *csv = NULL;
    const ag_str *cells;
    columns at = {{0}, 0};
    size_t count;
    uint64_t number = 0;
    const char *path = ag_arena_strdup(r->arena, file->path);
    int rc = path ? ag_blob_get(r->place->blobs, &file->sha256, &source, err) : ag_fail_memory(err, 4096);
    if (rc >= 0) rc = ag_csv_open(source, &options, &csv, err);
    for (size_t i = 0; rc >= 0 && i < r->options->group_count; i++)
        rc = find_column(csv, path, r->options->group[i], &at.group[i], err);
    if (rc >= 0 && r->options->stratify) rc = find_column(csv, path, r->options->stratify, &at.stratum, err);
    while (rc >= 0 && (rc = ag_csv_next(csv, &cells, &count, err)) > 0) {
        rc = ag_cancel_check(r->place->cancel, err);
        if (rc >= 0) rc = add_row(r, path, ++number, cells, &at, err);
    }
    ag_csv_free(csv);
    ag_reader_close(source);
    return rc;
}

/* ---- files ---- */

static int add_file(reading *r, const ag_dataset_file *file, ag_err *err)
{
    char hex[65];
    split_item item = {0};
    ag_dataset_hole as_hole;
    ag_dataset_hole_clear(&as_hole);
    as_hole.path = file->path;
    ag_sha256_format(&file->sha256, hex);
    int rc = keep(r->arena, ag_str_of(file->path), &item.row.id, err);
    if (rc >= 0) rc = keep(r->arena, ag_str_of(hex), &item.row.twins[0], err);
    if (rc >= 0) rc = group_hole(r, &as_hole, &item.row.group, err);
    if (rc >= 0 && r->stratum) {
        const char *value = value_of(r->stratum, &as_hole, r->arena);
        rc = value ? AG_OK : ag_fail_memory(err, 64);
        item.row.stratum = ag_str_of(value);
    }
    item.path = item.row.id.data;
    item.sha256 = item.row.twins[0].data;
    return rc < 0 ? rc : ag_vec_push(&r->out->items, &item, err);
}

static int check_files(const reading *r, ag_err *err)
{
    for (size_t i = 0; i < r->options->group_count + (r->stratum ? 1 : 0); i++) {
        const key *k = i < r->options->group_count ? r->group[i] : r->stratum;
        if (strcmp(k->name, "folder") != 0)
            return ag_fail(err, AG_EINVAL, "files that are neither holes nor tables are split by 'folder', not by '%s'",
                           k->name);
    }
    return AG_OK;
}

/* ---- all ---- */

static int add_entry(reading *r, const ag_manifest_entry *entry, ag_err *err)
{
    int rc = ag_cancel_check(r->place->cancel, err);
    if (rc < 0) return rc;
    if (entry->kind == AG_MANIFEST_HOLE) return r->out->what == SPLIT_HOLES ? add_hole(r, &entry->hole, err) : AG_OK;
    if (r->out->what == SPLIT_ROWS && entry->file.rows >= 0) return add_table(r, &entry->file, err);
    return r->out->what == SPLIT_FILES ? add_file(r, &entry->file, err) : AG_OK;
}

static int read_all(reading *r, const ag_dataset_version *version, ag_err *err)
{
    ag_manifest *manifest = NULL;
    ag_manifest_entry entry;
    int rc = r->out->what == SPLIT_ROWS ? AG_OK : find_keys(r, err);
    if (rc >= 0 && r->out->what == SPLIT_FILES) rc = check_files(r, err);
    if (rc >= 0) rc = ag_dataset_open(r->place, version, &manifest, err);
    while (rc >= 0 && (rc = ag_manifest_next(manifest, &entry, err)) > 0) rc = add_entry(r, &entry, err);
    ag_manifest_close(manifest);
    return rc < 0 || r->out->what != SPLIT_HOLES ? rc : add_lives(r, err);
}

int split_items_read(const ag_dataset_place *place, const ag_dataset_version *version,
                     const ag_dataset_split_options *options, ag_arena *arena, split_items *out, ag_err *err)
{
    reading r = {.place = place, .options = options, .arena = arena, .out = out};
    *out = (split_items){.what = version->holes ? SPLIT_HOLES : version->rows ? SPLIT_ROWS : SPLIT_FILES};
    ag_vec_init(&out->items, sizeof(split_item));
    ag_vec_init(&r.worn, sizeof(worn));
    ag_buf_init(&r.text, (size_t)KEY_MAX * AG_SPLIT_KEYS);
    int rc = options->group_count <= AG_SPLIT_KEYS
                 ? read_all(&r, version, err)
                 : ag_fail(err, AG_EINVAL, "a group is made of at most %d keys", AG_SPLIT_KEYS);
    ag_vec_deinit(&r.worn);
    ag_buf_deinit(&r.text);
    return rc;
}
