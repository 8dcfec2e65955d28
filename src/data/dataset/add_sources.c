// SPDX-License-Identifier: Apache-2.0
/* add_sources.c: what the caller named, as one sorted list of files with their paths in the data set. One directory
 * gives its content; several paths give each its last name as a first part, so that names cannot meet unless two end
 * alike, which is refused. The walk of a directory is in the order of whole paths; names of directories are compared
 * with their '/', so that the whole is, too. */
#include <string.h>

#include "core/doc/json.h"
#include "core/io/file.h"
#include "core/io/path.h"
#include "data/dataset/add_parts.h"

enum { PREPARED_BYTES = 256 << 20 };

typedef struct walking {
    const add_sources *sources;
    const add_source *source;
    size_t extra; /* the next one */
    ag_cancel *cancel;
    add_visit_fn visit;
    void *context;
    add_left_out *left; /* may be NULL */
    ag_arena *arena;
} walking;

static int compare_sources(const void *a, const void *b)
{
    return strcmp(((const add_source *)a)->name, ((const add_source *)b)->name);
}

static int add_one(ag_vec *to, const char *name, const char *path, bool is_directory, ag_err *err)
{
    add_source source = {name, path, is_directory};
    return ag_vec_push(to, &source, err);
}

/* "a/b/" is named "b"; "." and ".." have no name of their own. */
static int find_name(const char *path, bool is_directory, ag_arena *arena, const char **out, ag_err *err)
{
    char *whole;
    int rc = ag_path_absolute(arena, path, &whole, err);
    if (rc < 0) return rc;
    ag_str name = ag_path_name(ag_str_of(whole));
    if (ag_path_check(name, err) < 0) return ag_err_prefix(err, "'%s' cannot stand in a data set", path);
    *out = ag_arena_printf(arena, "%.*s%s", AG_STR_ARG(name), is_directory ? "/" : "");
    return *out ? AG_OK : ag_fail_memory(err, name.size);
}

static int find_items(const ag_dataset_add_options *options, ag_arena *arena, add_sources *out, ag_err *err)
{
    for (size_t i = 0; i < options->path_count; i++) {
        ag_file_info info;
        const char *path = options->paths[i], *name = "";
        int rc = ag_file_stat(path, &info, err);
        if (rc >= 0 && !info.is_directory && !info.is_regular)
            rc = ag_fail(err, AG_EINVAL, "'%s' is neither a file nor a directory", path);
        if (rc >= 0 && !(info.is_directory && options->path_count == 1))
            rc = find_name(path, info.is_directory, arena, &name, err);
        if (rc >= 0) rc = add_one(&out->items, name, path, info.is_directory, err);
        if (rc < 0) return rc;
    }
    ag_vec_sort(&out->items, compare_sources);
    for (size_t i = 1; i < out->items.count; i++) {
        const add_source *a = ag_vec_at(&out->items, i - 1), *b = ag_vec_at(&out->items, i);
        if (strcmp(a->name, b->name) != 0) continue;
        ag_fail(err, AG_EINVAL, "'%s' and '%s' would both be called '%s' in the data set", a->path, b->path, a->name);
        return ag_err_hint(err, "add the directory that they are in");
    }
    return AG_OK;
}

/* 1 there, 0 not; a disk that does not answer is a failure, not an absence. */
static int is_there(const char *path, ag_err *err)
{
    ag_file_info info;
    ag_err why = {0};
    int rc = ag_file_stat(path, &info, &why);
    if (rc >= 0 || rc == AG_ENOTFOUND) return rc >= 0;
    if (err) *err = why;
    return rc;
}

/* Whether the one directory was made by prepare, by its manifest. */
static int find_prepared(ag_arena *arena, add_sources *out, ag_err *err)
{
    const add_source *only = ag_vec_at(&out->items, 0);
    const ag_value *root = NULL;
    ag_str format;
    if (*only->name) return AG_OK;
    char *path = ag_path_join(arena, only->path, "manifest.json");
    if (!path) return ag_fail_memory(err, 4096);
    int rc = is_there(path, err);
    if (rc <= 0) return rc;
    ag_buf text;
    ag_err why = {0};
    ag_buf_init(&text, PREPARED_BYTES);
    const ag_json_options options = {.max_bytes = PREPARED_BYTES};
    rc = ag_file_read(path, PREPARED_BYTES, &text, err);
    int parsed = rc < 0 ? rc : ag_json_parse(arena, ag_buf_str(&text), &options, &root, &why);
    if (parsed == AG_ENOMEM) rc = ag_fail_memory(err, text.size);
    if (parsed >= 0 && ag_value_string(ag_value_get(root, "format"), &format) &&
        ag_str_is(format, "auger-prepared-holes"))
        out->prepared = only->path;
    ag_buf_deinit(&text);
    return rc;
}

static bool same_file(ag_arena *arena, const char *a, const char *b)
{
    char *whole_a, *whole_b;
    return ag_path_absolute(arena, a, &whole_a, NULL) >= 0 && ag_path_absolute(arena, b, &whole_b, NULL) >= 0 &&
           strcmp(whole_a, whole_b) == 0;
}

/* A file that joins the data set under `name` unless it is in it already. */
static int add_extra(const char *name, const char *path, ag_arena *arena, add_sources *out, ag_err *err)
{
    const add_source *first = ag_vec_at(&out->items, 0);
    const char *there = NULL;
    if (!*first->name) {
        there = ag_path_join(arena, first->path, name);
        int rc = there ? is_there(there, err) : ag_fail_memory(err, 4096);
        if (rc < 0) return rc;
        if (rc == 0) there = NULL;
    }
    for (size_t i = 0; *first->name && i < out->items.count; i++) {
        const add_source *item = ag_vec_at(&out->items, i);
        if (strcmp(item->name, name) == 0) there = item->path;
    }
    if (!there) return add_one(&out->extras, name, path, false, err);
    if (same_file(arena, there, path)) return AG_OK;
    ag_fail(err, AG_EEXISTS, "'%s' would be kept as '%s', and '%s' is there already", path, name, there);
    return ag_err_hint(err, "move one of them away");
}

static int find_labels(const ag_dataset_add_options *options, ag_arena *arena, add_sources *out, ag_err *err)
{
    const add_source *first = ag_vec_at(&out->items, 0);
    if (!options->labels && *first->name) return AG_OK;
    if (!options->labels) {
        char *own = ag_path_join(arena, first->path, "labels.csv");
        int there = own ? is_there(own, err) : ag_fail_memory(err, 4096);
        if (there > 0) out->labels = own;
        return there < 0 ? there : AG_OK;
    }
    out->labels = options->labels;
    int rc = add_extra("labels.csv", options->labels, arena, out, err);
    ag_str parent = ag_path_parent(ag_str_of(options->labels));
    char *history = ag_arena_printf(arena, "%.*s/labels.jsonl", AG_STR_ARG(parent));
    if (rc >= 0 && !history) rc = ag_fail_memory(err, parent.size);
    if (rc >= 0) rc = is_there(history, err);
    if (rc > 0) rc = add_extra("labels.jsonl", history, arena, out, err);
    return rc;
}

int add_sources_find(const ag_dataset_add_options *options, ag_arena *arena, add_sources *out, ag_err *err)
{
    ag_vec_init(&out->items, sizeof(add_source));
    ag_vec_init(&out->extras, sizeof(add_source));
    if (options->path_count == 0) return ag_fail(err, AG_EINVAL, "there is nothing to add: name a file or a directory");
    int rc = find_items(options, arena, out, err);
    if (rc >= 0 && options->kind == AG_DATASET_AUTO) rc = find_prepared(arena, out, err);
    if (rc >= 0 && options->kind == AG_DATASET_FILES && options->labels)
        rc = ag_fail(err, AG_EINVAL, "labels belong to holes, and everything is to be just a file");
    return rc >= 0 && options->kind == AG_DATASET_AUTO ? find_labels(options, arena, out, err) : rc;
}

void add_sources_deinit(add_sources *sources)
{
    ag_vec_deinit(&sources->items);
    ag_vec_deinit(&sources->extras);
}

/* ---- walking ---- */

static int visit_file(walking *w, const char *path, const char *disk, uint64_t size, ag_err *err)
{
    int rc = ag_cancel_check(w->cancel, err);
    if (rc >= 0 && (rc = ag_path_check(ag_str_of(path), err)) < 0) {
        ag_err_prefix(err, "'%s' cannot stand in a data set", path);
        return ag_err_hint(err, "rename the file");
    }
    return rc < 0 ? rc : w->visit(w->context, path, disk, size, err);
}

/* Extras whose names come before `path`, all with NULL. */
static int visit_extras(walking *w, const char *path, ag_err *err)
{
    const add_source *extra;
    while ((extra = ag_vec_at(&w->sources->extras, w->extra)) && (!path || strcmp(extra->name, path) < 0)) {
        ag_file_info info;
        w->extra++;
        int rc = ag_file_stat(extra->path, &info, err);
        if (rc >= 0) rc = visit_file(w, extra->name, extra->path, info.size, err);
        if (rc < 0) return rc;
    }
    return AG_OK;
}

static bool is_hidden(ag_str relative)
{
    ag_str part;
    while (ag_str_next(&relative, '/', &part))
        if (part.size && part.data[0] == '.') return true;
    return false;
}

static int leave_out(walking *w, const char *relative, ag_err *err)
{
    if (!w->left) return AG_OK;
    if (w->left->links++ == 0) w->left->first = ag_path_join(w->left->arena, w->source->path, relative);
    return w->left->first ? AG_OK : ag_fail_memory(err, strlen(relative));
}

static int walk_one(void *context, const char *relative, const ag_file_info *info, ag_err *err)
{
    walking *w = context;
    if (is_hidden(ag_str_of(relative))) return ag_cancel_check(w->cancel, err);
    if (info->is_directory) return ag_dir_fail_to_enter(w->source->path, relative, info, err);
    if (info->is_broken) return leave_out(w, relative, err);
    ag_arena_reset(w->arena);
    const char *path = ag_arena_printf(w->arena, "%s%s", w->source->name, relative);
    const char *disk = ag_path_join(w->arena, w->source->path, relative);
    if (!path || !disk) return ag_fail_memory(err, strlen(relative));
    int rc = visit_extras(w, path, err);
    return rc < 0 ? rc : visit_file(w, path, disk, info->size, err);
}

static int walk_source(walking *w, ag_err *err)
{
    const add_source *source = w->source;
    ag_file_info info;
    if (source->is_directory) return ag_dir_walk_inputs(source->path, walk_one, w, err);
    int rc = ag_file_stat(source->path, &info, err);
    if (rc >= 0) rc = visit_extras(w, source->name, err);
    return rc < 0 ? rc : visit_file(w, source->name, source->path, info.size, err);
}

int add_sources_walk(const add_sources *sources, ag_cancel *cancel, add_visit_fn visit, void *context,
                     add_left_out *left, ag_err *err)
{
    walking w = {.sources = sources, .cancel = cancel, .visit = visit, .context = context, .left = left};
    w.arena = ag_arena_new(0);
    if (!w.arena) return ag_fail_memory(err, 4096);
    int rc = AG_OK;
    for (size_t i = 0; i < sources->items.count && rc >= 0; i++) {
        w.source = ag_vec_at(&sources->items, i);
        rc = walk_source(&w, err);
    }
    if (rc >= 0) rc = visit_extras(&w, NULL, err);
    ag_arena_free(w.arena);
    return rc;
}
