// SPDX-License-Identifier: Apache-2.0
/* ask.c: holes in groups of as many windows as a run takes: laid once, given to every model, fused hole by hole. What a
 * run needs is allocated by ag_asker_new(); an asker belongs to one thread at a time. Numbers do not depend on how
 * holes are grouped, nor on threads. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/median.h"
#include "core/base/mem.h"
#include "data/validator.h"
#include "learn/drilling/asker.h"
#include "learn/nn/exec.h"

const char *const ag_fusion_names[] = {"mean", "median", NULL};

struct ag_asker {
    ag_asking asking;
    const ag_view *view;
    ag_arena *arena; /* of the viewer and the buffers */
    ag_arena *work;  /* of a group's heat */
    ag_viewer *viewer;
    ag_exec **execs;
    int64_t most; /* windows of a run */
    ag_real *values, *observed, *conditions, *maps;
    ag_cancel *cancel; /* of the call */
};

typedef struct asked { /* a hole of a group */
    const ag_drilled *hole;
    ag_reading *reading;
    ag_view_windows windows;
    size_t first; /* its first window in the group */
    ag_heat sum;
    ag_reading *voices; /* of each model */
} asked;

/* ---- making ---- */

static int bind(ag_asker *a, ag_exec *exec, const ag_graph *graph, ag_err *err)
{
    static const char *const names[] = {"past_values", "observed_mask", "conditions"};
    ag_real *arrays[] = {a->values, a->observed, a->conditions};
    int rc = 0;
    for (size_t i = 0; i < 3 && rc >= 0; i++) {
        if (ag_graph_input_find(graph, names[i]) < 0) continue;
        rc = ag_exec_input(exec, names[i], arrays[i], err);
    }
    return rc < 0 ? rc : ag_exec_output(exec, "probabilities", a->maps, err);
}

static int check_model(const ag_view *view, const ag_graph *graph, ag_err *err)
{
    int32_t values = ag_graph_input_find(graph, "past_values");
    int32_t maps = ag_graph_output_find(graph, "probabilities");
    if (values < 0 || maps < 0) {
        ag_fail(err, AG_EINVAL, "the model gives no heat maps: it needs past_values and probabilities");
        return ag_err_hint(err, "set model_config.task: heatmap");
    }
    if (ag_graph_input_at(graph, values)->size != view->cells * (int64_t)view->channel_count ||
        ag_graph_output_at(graph, maps)->size != view->cells * AG_POINTS)
        return ag_fail(err, AG_EINVAL, "the model's shapes are not those of %lld cells, %zu channels and %d maps",
                       (long long)view->cells, view->channel_count, AG_POINTS);
    return 0;
}

static int open_execs(ag_asker *a, ag_err *err)
{
    const ag_asking *asking = &a->asking;
    ag_plan_options plan = {.outputs = true, .max_samples = a->most};
    int rc = 0;
    for (size_t m = 0; m < asking->model_count && rc >= 0; m++) {
        ag_model *model = asking->models[m];
        rc = check_model(a->view, model->graph, err);
        if (rc >= 0)
            rc = ag_exec_new(model->graph, &plan, model->values, asking->device, asking->pool, &a->execs[m], err);
        if (rc >= 0) rc = bind(a, a->execs[m], model->graph, err);
    }
    return rc;
}

static int allocate(ag_asker *a, ag_err *err)
{
    size_t cells = (size_t)a->view->cells, most = (size_t)a->most, wide = cells * a->view->channel_count;
    a->values = ag_arena_array(a->arena, most * wide, sizeof(ag_real));
    a->observed = ag_arena_array(a->arena, most * wide, sizeof(ag_real));
    a->conditions = ag_arena_array(a->arena, most * (a->view->condition_count + 1), sizeof(ag_real));
    a->maps = ag_arena_array(a->arena, most * cells * AG_POINTS, sizeof(ag_real));
    a->execs = ag_arena_array(a->arena, a->asking.model_count + 1, sizeof *a->execs);
    if (!a->values || !a->observed || !a->conditions || !a->maps || !a->execs)
        return ag_fail_memory(err, most * wide * sizeof(ag_real));
    return ag_viewer_new(a->view, a->arena, &a->viewer, err);
}

int ag_asker_new(const ag_asking *asking, int64_t most, ag_asker **out, ag_err *err)
{
    ag_arena *arena = ag_arena_new(0);
    ag_asker *a = arena ? ag_arena_alloc(arena, sizeof *a) : NULL;
    if (!a) {
        ag_arena_free(arena);
        return ag_fail_memory(err, sizeof *a);
    }
    *a = (ag_asker){.asking = *asking, .view = asking->view, .arena = arena, .work = ag_arena_new(0)};
    a->most = most > AG_VIEW_WINDOWS ? most : AG_VIEW_WINDOWS;
    int rc = a->work ? allocate(a, err) : ag_fail_memory(err, 1);
    if (rc >= 0) rc = open_execs(a, err);
    if (rc >= 0)
        *out = a;
    else
        ag_asker_free(a);
    return rc;
}

void ag_asker_free(ag_asker *a)
{
    if (!a) return;
    for (size_t m = 0; a->execs && m < a->asking.model_count; m++) ag_exec_free(a->execs[m]);
    ag_arena_free(a->work);
    ag_arena_free(a->arena);
}

/* ---- a group ---- */

static void look(ag_asker *a, asked *h, size_t first)
{
    size_t wide = (size_t)a->view->cells * a->view->channel_count;
    h->first = first;
    for (size_t w = 0; w < h->windows.count; w++) {
        size_t at = first + w;
        ag_viewer_look(a->viewer, &h->hole->track, h->windows.start[w], h->windows.cell_mm, a->values + at * wide,
                       a->observed + at * wide);
        ag_view_conditions(a->view, h->hole->conditions, a->conditions + at * a->view->condition_count);
    }
}

static int take(ag_asker *a, asked *h, size_t model, double weight, ag_err *err)
{
    ag_heat heat;
    const ag_real *maps = a->maps + h->first * (size_t)a->view->cells * AG_POINTS;
    int rc = ag_heat_fuse(a->view, &h->hole->track, &h->windows, maps, a->work, &heat, err);
    if (rc < 0) return rc;
    if (a->view->refine) ag_heat_weigh(&heat, &h->hole->shape);
    ag_heat_read(&heat, &h->voices[model]);
    if (model == 0) {
        h->sum = heat;
        for (int k = 0; k < AG_POINTS; k++) {
            h->sum.none[k] *= weight;
            for (size_t i = 0; i < heat.cells; i++) h->sum.map[k][i] *= weight;
        }
    } else {
        ag_heat_add(&h->sum, &heat, weight);
    }
    return 0;
}

/* Where the models are, of one point: its median and how far they are apart. */
static void compare(const ag_asker *a, const asked *h, int k, double *values)
{
    ag_reading *out = h->reading;
    size_t count = 0;
    double mean = 0, squares = 0;
    for (size_t m = 0; m < a->asking.model_count; m++)
        if (!isnan(h->voices[m].mm[k])) values[count++] = h->voices[m].mm[k];
    if (count < 2) return;
    for (size_t i = 0; i < count; i++) mean += values[i] / (double)count;
    for (size_t i = 0; i < count; i++) squares += (values[i] - mean) * (values[i] - mean);
    out->apart[k] = sqrt(squares / (double)(count - 1));
    if (a->asking.fusion != AG_FUSE_MEDIAN) return;
    qsort(values, count, sizeof(double), ag_by_size);
    out->mm[k] = count % 2 ? values[count / 2] : 0.5 * (values[count / 2 - 1] + values[count / 2]);
}

static int finish(ag_asker *a, const asked *h, ag_err *err)
{
    double *values = ag_arena_array(a->work, a->asking.model_count + 1, sizeof(double));
    if (!values) return ag_fail_memory(err, a->asking.model_count * sizeof(double));
    ag_heat_read(&h->sum, h->reading);
    h->reading->voices = (int)a->asking.model_count;
    for (int k = 0; k < AG_POINTS; k++) compare(a, h, k, values);
    return 0;
}

static int run_group(ag_asker *a, asked *holes, size_t count, size_t windows, ag_err *err)
{
    double total = 0;
    size_t models = a->asking.model_count;
    int rc = 0;
    for (size_t m = 0; m < models; m++) total += a->asking.weights ? a->asking.weights[m] : 1;
    for (size_t i = 0; i < count; i++)
        if (!(holes[i].voices = ag_arena_array(a->work, models + 1, sizeof(ag_reading))))
            return ag_fail_memory(err, models * sizeof(ag_reading));
    for (size_t m = 0; m < models && rc >= 0; m++) {
        ag_device_run run = {.samples = (int64_t)windows, .cancel = a->cancel};
        rc = ag_exec_run(a->execs[m], &run, err);
        double weight = (a->asking.weights ? a->asking.weights[m] : 1) / total;
        for (size_t i = 0; i < count && rc >= 0; i++) rc = take(a, &holes[i], m, weight, err);
    }
    for (size_t i = 0; i < count && rc >= 0; i++) rc = finish(a, &holes[i], err);
    ag_arena_reset(a->work);
    return rc;
}

int ag_asker_ask(ag_asker *a, const ag_drilled *const *holes, size_t count, ag_cancel *cancel, ag_reading *readings,
                 ag_err *err)
{
    size_t in_group = 0, windows = 0;
    int rc = 0;
    asked *group = ag_alloc_array((size_t)a->most, sizeof *group);
    if (!group) return ag_fail_memory(err, (size_t)a->most * sizeof *group);
    a->cancel = cancel;
    for (size_t i = 0; i < count && rc >= 0; i++) {
        if (ag_drilled_silent(holes[i])) continue;
        asked next = {.hole = holes[i], .reading = &readings[i]};
        ag_view_cut(a->view, &holes[i]->track, &next.windows);
        if ((rc = ag_cancel_check(cancel, err)) < 0) break;
        if (windows + next.windows.count > (size_t)a->most) {
            rc = run_group(a, group, in_group, windows, err);
            in_group = windows = 0;
        }
        look(a, &next, windows);
        windows += next.windows.count;
        group[in_group++] = next;
    }
    if (rc >= 0 && in_group > 0) rc = run_group(a, group, in_group, windows, err);
    ag_free(group);
    return rc;
}

bool ag_drilled_silent(const ag_drilled *hole)
{
    return hole->unusable || (hole->classes & AG_CLASS_AIR);
}

int ag_drilling_ask(const ag_asking *asking, const ag_drilled *const *holes, size_t count, ag_reading *readings,
                    ag_err *err)
{
    ag_asker *asker = NULL;
    int rc = ag_asker_new(asking, AG_ASKER_WINDOWS, &asker, err);
    if (rc >= 0) rc = ag_asker_ask(asker, holes, count, asking->cancel, readings, err);
    ag_asker_free(asker);
    return rc;
}
