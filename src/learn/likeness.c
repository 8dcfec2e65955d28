// SPDX-License-Identifier: Apache-2.0
/* likeness.c: see likeness.h. Files are held against each other by their maps; tensors are looked at only in files that
 * differ. */
#include "learn/likeness.h"

#include <math.h>
#include <string.h>

#include "core/doc/json.h"
#include "core/io/file.h"
#include "core/io/path.h"
#include "learn/nn/checkpoint/compare.h"
#include "learn/nn/checkpoint/safetensors.h"

enum { MAX_TEXT = 64 << 20 };

typedef struct looking {
    ag_arena *arena;
    const char *directories[2];
    ag_likeness *out;
} looking;

/* ---- files ---- */

typedef struct gathering {
    looking *l;
    int which;
} gathering;

static int gather(void *context, const char *relative, const ag_file_info *info, ag_err *err)
{
    const gathering *g = context;
    ag_vec *files = &g->l->out->files;
    (void)info;
    const char *path = ag_arena_printf(g->l->arena, "model/%s", relative);
    if (!path) return ag_fail_memory(err, strlen(relative));
    for (size_t i = 0; i < files->count; i++) {
        ag_likeness_file *known = ag_vec_at(files, i);
        if (strcmp(known->path, path) == 0) return known->second = true, 0;
    }
    ag_likeness_file file = {.path = path, .first = g->which == 0, .second = g->which == 1};
    return ag_vec_push(files, &file, err);
}

static int gather_files(looking *l, ag_err *err)
{
    int rc = 0;
    for (int i = 0; i < 2 && rc >= 0; i++) {
        gathering g = {l, i};
        const char *model = ag_path_join(l->arena, l->directories[i], "model");
        rc = model ? ag_dir_walk(model, gather, &g, err) : ag_fail_memory(err, 64);
    }
    return rc;
}

static const char *path_of(const looking *l, int which, const char *path)
{
    return ag_path_join(l->arena, l->directories[which], path);
}

static int compare_bytes(const looking *l, const char *path, bool *same, ag_err *err)
{
    ag_mapping maps[2] = {{0}, {0}};
    const char *paths[2] = {path_of(l, 0, path), path_of(l, 1, path)};
    if (!paths[0] || !paths[1]) return ag_fail_memory(err, strlen(path));
    int rc = ag_map_file(paths[0], &maps[0], err);
    if (rc < 0) return rc;
    if ((rc = ag_map_file(paths[1], &maps[1], err)) >= 0) {
        *same = maps[0].size == maps[1].size && memcmp(maps[0].data, maps[1].data, maps[0].size) == 0;
        ag_unmap_file(&maps[1]);
    }
    ag_unmap_file(&maps[0]);
    return rc;
}

/* ---- tensors ---- */

static void note_tensor(looking *l, const char *file, const ag_tensor *a, const ag_tensor *b)
{
    ag_likeness_tensor *found = &l->out->tensor, now = {.count = a->count};
    found->tensors++;
    if (!b)
        now.why = "missing";
    else if (!ag_shape_equal(&a->shape, &b->shape))
        now.why = "shape";
    else if (a->dtype != b->dtype)
        now.why = "type";
    if (!now.why) {
        ag_tensor_difference d = ag_tensor_compare(a, b);
        if (d.same_bits) return;
        now.differing = d.differing;
        now.largest = d.absolute;
    }
    if (!found->differing_tensors++) {
        now.file = file;
        now.name = ag_arena_strdup(l->arena, a->name);
        now.tensors = found->tensors;
        now.differing_tensors = 1;
        *found = now;
    }
}

static int compare_tensors(looking *l, const char *file, ag_err *err)
{
    ag_safetensors *both[2] = {NULL, NULL};
    int rc = 0;
    for (int i = 0; i < 2 && rc >= 0; i++) {
        const char *path = path_of(l, i, file);
        rc = path ? ag_safetensors_open(path, &both[i], err) : ag_fail_memory(err, strlen(file));
    }
    for (size_t i = 0; rc >= 0 && i < both[0]->count; i++) {
        const ag_tensor *a = &both[0]->tensors[i];
        note_tensor(l, file, a, ag_safetensors_find(both[1], a->name));
    }
    ag_safetensors_free(both[0]);
    ag_safetensors_free(both[1]);
    return rc;
}

static int compare_files(looking *l, ag_err *err)
{
    int rc = 0;
    for (size_t i = 0; i < l->out->files.count && rc >= 0; i++) {
        ag_likeness_file *file = ag_vec_at(&l->out->files, i);
        if (file->first && file->second) rc = compare_bytes(l, file->path, &file->same, err);
        if (!file->same) l->out->same = false;
        bool tensors = ag_str_ends(ag_str_of(file->path), AG_STR(".safetensors"));
        if (rc >= 0 && tensors && !file->same && file->first && file->second) rc = compare_tensors(l, file->path, err);
    }
    return rc;
}

/* ---- texts ---- */

/* 1: it is there; 0: absent. */
static int read_text(const looking *l, int which, const char *name, ag_buf *text, ag_err *err)
{
    const char *path = path_of(l, which, name);
    if (!path) return ag_fail_memory(err, strlen(name));
    if (!ag_file_exists(path)) return 0;
    int rc = ag_file_read(path, MAX_TEXT, text, err);
    return rc < 0 ? rc : 1;
}

static int compare_history(looking *l, ag_err *err)
{
    ag_buf texts[2];
    int there = 0, rc = 0;
    for (int i = 0; i < 2; i++) ag_buf_init(&texts[i], MAX_TEXT);
    for (int i = 0; i < 2 && rc >= 0; i++) there += rc = read_text(l, i, "history.csv", &texts[i], err);
    if (rc >= 0 && there == 2) {
        ag_str rest[2] = {ag_buf_str(&texts[0]), ag_buf_str(&texts[1])}, line[2] = {{0}, {0}};
        bool more[2] = {true, true};
        while ((more[0] || more[1]) && ag_str_equal(line[0], line[1]))
            for (int i = 0; i < 2; i++)
                if (!(more[i] = ag_str_next(&rest[i], '\n', &line[i]))) line[i] = (ag_str){0};
        for (int i = 0; i < 2 && !ag_str_equal(line[0], line[1]) && rc >= 0; i++) {
            l->out->epoch[i] = ag_arena_strndup(l->arena, line[i].data ? line[i].data : "", line[i].size);
            if (!l->out->epoch[i]) rc = ag_fail_memory(err, line[i].size);
        }
    }
    for (int i = 0; i < 2; i++) ag_buf_deinit(&texts[i]);
    return rc < 0 ? rc : 0;
}

static int read_metrics(const looking *l, int which, const ag_value **out, ag_err *err)
{
    ag_buf text;
    const char *path = path_of(l, which, "metrics.json");
    ag_json_options options = {.file = path};
    *out = NULL;
    ag_buf_init(&text, MAX_TEXT);
    int rc = path ? read_text(l, which, "metrics.json", &text, err) : ag_fail_memory(err, 64);
    if (rc > 0) rc = ag_json_parse(l->arena, ag_buf_str(&text), &options, out, err);
    ag_buf_deinit(&text);
    return rc < 0 ? rc : 0;
}

static double metric_of(const ag_value *metrics, ag_str name, bool *there)
{
    double value = (double)NAN;
    for (size_t i = 0; metrics && metrics->kind == AG_OBJECT && i < metrics->object.count; i++) {
        if (!ag_str_equal(metrics->object.members[i].name, name)) continue;
        *there = true;
        (void)ag_value_real(&metrics->object.members[i].value, &value);
    }
    return value;
}

static int note_metric(looking *l, const ag_value *const metrics[2], ag_str name, ag_err *err)
{
    bool there[2] = {false, false};
    ag_likeness_metric metric = {.first = metric_of(metrics[0], name, &there[0]),
                                 .second = metric_of(metrics[1], name, &there[1])};
    bool none = isnan(metric.first) && isnan(metric.second);
    l->out->metric_count++;
    if (there[0] && there[1] && (metric.first == metric.second || none)) return 0;
    l->out->same = false;
    metric.name = ag_arena_strndup(l->arena, name.data, name.size);
    return metric.name ? ag_vec_push(&l->out->metrics, &metric, err) : ag_fail_memory(err, name.size);
}

static int compare_metrics(looking *l, ag_err *err)
{
    const ag_value *metrics[2];
    int rc = read_metrics(l, 0, &metrics[0], err);
    if (rc >= 0) rc = read_metrics(l, 1, &metrics[1], err);
    for (int i = 0; i < 2 && rc >= 0; i++) {
        if (!metrics[i] || metrics[i]->kind != AG_OBJECT) continue;
        for (size_t k = 0; k < metrics[i]->object.count && rc >= 0; k++) {
            bool known = false;
            ag_str name = metrics[i]->object.members[k].name;
            if (i == 1) (void)metric_of(metrics[0], name, &known);
            if (!known) rc = note_metric(l, metrics, name, err);
        }
    }
    return rc;
}

static int by_path(const void *a, const void *b)
{
    const ag_likeness_file *x = a, *y = b;
    return strcmp(x->path, y->path);
}

int ag_likeness_of(const char *first, const char *second, ag_arena *arena, ag_likeness *out, ag_err *err)
{
    looking l = {.arena = arena, .directories = {first, second}, .out = out};
    *out = (ag_likeness){.same = true};
    ag_vec_init(&out->files, sizeof(ag_likeness_file));
    ag_vec_init(&out->metrics, sizeof(ag_likeness_metric));
    int rc = gather_files(&l, err);
    ag_vec_sort(&out->files, by_path);
    if (rc >= 0) rc = compare_files(&l, err);
    if (rc >= 0) rc = compare_history(&l, err);
    return rc < 0 ? rc : compare_metrics(&l, err);
}

void ag_likeness_deinit(ag_likeness *likeness)
{
    ag_vec_deinit(&likeness->files);
    ag_vec_deinit(&likeness->metrics);
}
