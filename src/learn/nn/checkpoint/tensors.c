// SPDX-License-Identifier: Apache-2.0
/* tensors.c: the tensors of a file against the table of parameters of a graph. The table is the only authority: it says
 * which names there are, their shapes, and whether a number is real or whole. Checked before any memory is taken for
 * the values, so that a small file cannot ask for a large model. */
#include <math.h>
#include <string.h>

#include "core/base/map.h"
#include "core/base/mem.h"
#include "learn/nn/checkpoint/pretrained.h"

enum { NEAR = 4096 }; /* names that are looked at for a likely one */

static const char *prefixed(ag_arena *arena, const char *prefix, const char *name)
{
    return *prefix ? ag_arena_printf(arena, "%s%s", prefix, name) : name;
}

static int check_one(const ag_tensor *tensor, const ag_parameter *row, ag_err *err)
{
    char found[AG_SHAPE_TEXT], wanted[AG_SHAPE_TEXT];
    if (!ag_shape_equal(&tensor->shape, &row->shape))
        return ag_fail(err, AG_EINVAL, "tensor '%.200s' has shape %s, but the configuration makes it %s", tensor->name,
                       ag_shape_format(&tensor->shape, found), ag_shape_format(&row->shape, wanted));
    if (ag_dtype_is_float(tensor->dtype) != (row->stored == AG_STORED_F32))
        return ag_fail(err, AG_EINVAL, "tensor '%.200s' holds %s, but %s numbers are wanted", tensor->name,
                       ag_dtype_name(tensor->dtype), row->stored == AG_STORED_F32 ? "real" : "whole");
    return 0;
}

typedef struct matching {
    const ag_safetensors *tensors;
    ag_arena *arena;
    ag_map *names; /* of all parameters with their prefixes */
    ag_vec missing;
    size_t matched;
} matching;

static int match_graph(matching *m, const ag_graph *graph, const char *prefix, ag_err *err)
{
    for (int32_t i = 0; i < ag_graph_parameters(graph); i++) {
        const ag_parameter *row = ag_graph_parameter_at(graph, i);
        const char *name = prefixed(m->arena, prefix, row->name);
        if (!name) return ag_fail_memory(err, 1);
        const ag_tensor *tensor = ag_safetensors_find(m->tensors, name);
        int rc = ag_map_put(m->names, ag_str_of(name), (void *)(uintptr_t)row, NULL, err);
        if (rc < 0) return rc;
        rc = tensor ? check_one(tensor, row, err) : ag_vec_push(&m->missing, &name, err);
        if (rc < 0) return rc;
        m->matched += tensor != NULL;
    }
    return 0;
}

static const ag_tensor *first_unknown(const matching *m)
{
    for (size_t i = 0; i < m->tensors->count; i++)
        if (!ag_map_has(m->names, ag_str_of(m->tensors->tensors[i].name))) return &m->tensors->tensors[i];
    return NULL;
}

static int report_missing(const matching *m, ag_err *err)
{
    const char **others = ag_arena_array(m->arena, NEAR, sizeof *others);
    const char *name = *(const char *const *)ag_vec_at(&m->missing, 0);
    size_t count = 0;
    for (size_t i = 0; others && i < m->tensors->count && count < NEAR; i++)
        if (!ag_map_has(m->names, ag_str_of(m->tensors->tensors[i].name)))
            others[count++] = m->tensors->tensors[i].name;
    const char *near = others ? ag_nearest(ag_str_of(name), others, count) : NULL;
    if (m->missing.count > 1)
        ag_fail(err, AG_EINVAL, "tensor '%.200s' is missing, and %zu more", name, m->missing.count - 1);
    else
        ag_fail(err, AG_EINVAL, "tensor '%.200s' is missing", name);
    if (near) return ag_err_hint(err, "the file has '%.100s', which this configuration does not", near);
    return ag_err_hint(err, "does config.json belong to these weights?");
}

static int report_unknown(const matching *m, ag_err *err)
{
    const ag_tensor *unknown = first_unknown(m);
    const char **names = ag_arena_array(m->arena, NEAR, sizeof *names);
    size_t count = 0, at = 0;
    ag_str key;
    void *value;
    while (names && count < NEAR && ag_map_next(m->names, &at, &key, &value))
        if ((names[count] = ag_arena_strndup(m->arena, key.data, key.size))) count++;
    const char *near = names ? ag_nearest(ag_str_of(unknown->name), names, count) : NULL;
    size_t more = m->tensors->count - m->matched - 1;
    if (more)
        ag_fail(err, AG_EINVAL, "this model has no tensor '%.200s', nor %zu more that the file holds", unknown->name,
                more);
    else
        ag_fail(err, AG_EINVAL, "this model has no tensor '%.200s'", unknown->name);
    if (near) return ag_err_hint(err, "it has '%.100s'", near);
    return ag_err_hint(err, "does config.json belong to these weights?");
}

int ag_tensors_match(const ag_safetensors *tensors, const ag_graph *graph, const char *const *prefixes,
                     int prefixes_count, ag_err *err)
{
    int rc = 0;
    matching m = {.tensors = tensors, .arena = ag_arena_new(0), .names = ag_map_new()};
    ag_vec_init(&m.missing, sizeof(const char *));
    if (!m.arena || !m.names) rc = ag_fail_memory(err, 64);
    for (int i = 0; i < prefixes_count && rc >= 0; i++) rc = match_graph(&m, graph, prefixes[i], err);
    if (rc >= 0 && m.missing.count) rc = report_missing(&m, err);
    if (rc >= 0 && m.matched < tensors->count) rc = report_unknown(&m, err);
    ag_vec_deinit(&m.missing);
    ag_map_free(m.names);
    ag_arena_free(m.arena);
    return rc;
}

void ag_tensors_load(const ag_safetensors *tensors, const ag_graph *graph, const char *prefix, ag_real *flat)
{
    for (int32_t i = 0; i < ag_graph_parameters(graph); i++) {
        const ag_parameter *row = ag_graph_parameter_at(graph, i);
        char name[1024];
        ag_format(name, sizeof name, "%s%s", prefix, row->name);
        const ag_tensor *tensor = ag_safetensors_find(tensors, name);
        if (tensor && tensor->count == row->size)
            ag_dtype_decode(tensor->dtype, tensor->data, tensor->count, flat + row->offset);
    }
}

static int64_t count_not_finite(const ag_real *values, int64_t count)
{
    int64_t found = 0;
    for (int64_t i = 0; i < count; i++) found += !isfinite(values[i]);
    return found;
}

int ag_tensors_check_finite(const ag_graph *graph, const ag_real *flat, ag_err *err)
{
    const ag_parameter *first = NULL;
    int64_t found = 0, others = 0;
    for (int32_t i = 0; i < ag_graph_parameters(graph); i++) {
        const ag_parameter *row = ag_graph_parameter_at(graph, i);
        int64_t here = count_not_finite(flat + row->offset, row->size);
        if (!here) continue;
        others += first != NULL;
        if (first) continue;
        first = row;
        found = here;
    }
    if (!first) return 0;
    if (others)
        ag_fail(err, AG_EINVAL, "%lld of %lld numbers of tensor '%.200s' are not finite, and some of %lld more tensors",
                (long long)found, (long long)first->size, first->name, (long long)others);
    else
        ag_fail(err, AG_EINVAL, "%lld of %lld numbers of tensor '%.200s' are not finite", (long long)found,
                (long long)first->size, first->name);
    return ag_err_hint(err, "take an earlier checkpoint, or train it again; 'auger model inspect --all' counts them");
}

int ag_tensors_describe(ag_arena *arena, const ag_graph *graph, const char *prefix, const ag_real *flat, bool exact,
                        ag_vec *sources, ag_err *err)
{
    ag_dtype real = exact && AG_REAL_IS_DOUBLE ? AG_DTYPE_F64 : AG_DTYPE_F32;
    for (int32_t i = 0; i < ag_graph_parameters(graph); i++) {
        const ag_parameter *row = ag_graph_parameter_at(graph, i);
        ag_tensor_source source = {.name = prefixed(arena, prefix, row->name),
                                   .dtype = row->stored == AG_STORED_I64 ? AG_DTYPE_I64 : real,
                                   .shape = row->shape,
                                   .values = flat + row->offset};
        if (!source.name) return ag_fail_memory(err, 1);
        int rc = ag_vec_push(sources, &source, err);
        if (rc < 0) return rc;
    }
    return 0;
}
