// SPDX-License-Identifier: Apache-2.0
/* hole.c: one simulated hole from its number to its bytes and its picture, and the two lists of defects as one. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/show/svg.h"
#include "data/simulate/simulate.h"
#include "data/validator.h"

size_t ag_sim_fault_count(void)
{
    return ag_sim_trace_faults().count + ag_sim_byte_faults().count;
}

const ag_sim_fault *ag_sim_fault_at(size_t index)
{
    ag_sim_fault_table bytes = ag_sim_byte_faults(), trace = ag_sim_trace_faults();
    if (index < trace.count) return &trace.items[index];
    return index - trace.count < bytes.count ? &bytes.items[index - trace.count] : NULL;
}

const ag_sim_fault *ag_sim_fault_find(const char *name)
{
    for (size_t i = 0; i < ag_sim_fault_count(); i++)
        if (strcmp(ag_sim_fault_at(i)->name, name) == 0) return ag_sim_fault_at(i);
    return NULL;
}

void ag_sim_faults_markdown(ag_buf *out)
{
    ag_buf_add_text(out, "| defect | rule | what |\n|---|---|---|\n");
    for (size_t i = 0; i < ag_sim_fault_count(); i++) {
        const ag_sim_fault *fault = ag_sim_fault_at(i);
        ag_buf_addf(out, "| `%s` | %s | %s |\n", fault->name, fault->rule, fault->doc);
    }
}

unsigned ag_sim_classes(const ag_sim_plan *plan, const ag_sim_trace *trace)
{
    unsigned classes = 0;
    if (plan->regime->outcome == AG_SIM_AIR) classes |= AG_CLASS_AIR;
    if (plan->regime->outcome == AG_SIM_SEIZED) classes |= AG_CLASS_SEIZED;
    if (plan->regime->weak) classes |= AG_CLASS_WEAK;
    if (trace->run_count == 1) classes |= AG_CLASS_SINGLE_STEP;
    for (size_t i = 0; i < trace->run_count; i++)
        if (trace->runs[i].step->micropeck && plan->version >= 9) classes |= AG_CLASS_MICROPECK;
    return classes;
}

int ag_sim_hole(const ag_sim_options *options, uint64_t hole, ag_sim_plan *plan, ag_sim_trace *trace, ag_buf *out,
                ag_err *err)
{
    ag_sim_trace own = {0};
    if (!trace) trace = &own;
    int rc = ag_sim_plan_draw(options, hole, plan, err);
    if (rc == AG_OK) rc = ag_sim_trace_make(plan, trace, err);
    if (rc == AG_OK) {
        ag_rng rng = ag_rng_child(&plan->rng, 2);
        if (plan->fault && plan->fault->trace) plan->fault->trace(plan, trace, &rng);
        ag_sim_write(plan, trace, out);
        rc = ag_buf_check(out, "bytes of a simulated file", err);
        if (rc == AG_OK && plan->fault && plan->fault->bytes) rc = plan->fault->bytes(out, &rng, err);
    }
    ag_sim_trace_deinit(&own);
    return rc;
}

/* A vertical line of the truth. */
static void mark(ag_series *series, double x[2], double y[2], double depth, double top, const char *name)
{
    x[0] = x[1] = depth;
    y[0] = 0;
    y[1] = top;
    *series = (ag_series){.name = name, .x = x, .y = y, .count = 2, .dashed = true};
}

static size_t add_marks(const ag_sim_plan *plan, ag_series *series, double x[][2], double y[][2], double top)
{
    size_t n = 0;
    if (!isnan(plan->entry)) mark(&series[n], x[n], y[n], plan->entry, top, "entry"), n++;
    for (size_t i = 0; i < plan->transition_count; i++)
        mark(&series[n], x[n], y[n], plan->transition[i], top, "transition"), n++;
    if (!isnan(plan->exit)) mark(&series[n], x[n], y[n], plan->exit, top, "exit"), n++;
    if (!isnan(plan->full_exit)) mark(&series[n], x[n], y[n], plan->full_exit, top, "full exit"), n++;
    return n;
}

int ag_sim_draw(const ag_sim_plan *plan, const ag_sim_trace *trace, ag_buf *svg, ag_err *err)
{
    size_t rows = trace->rows.count;
    const ag_sim_row *row = trace->rows.items;
    double *depth = ag_alloc_array(rows ? rows : 1, 3 * sizeof(double));
    if (!depth) return ag_fail_memory(err, rows * 3 * sizeof(double));
    double *torque = depth + rows, *thrust = torque + rows, top = 1, x[8][2], y[8][2];
    for (size_t i = 0; i < rows; i++) {
        depth[i] = row[i].value[AG_CHANNEL_POSITION] * -0.001;
        torque[i] = row[i].value[AG_CHANNEL_TORQUE] * 0.001;
        thrust[i] = row[i].value[AG_CHANNEL_THRUST] * 0.01;
        if (torque[i] > top) top = torque[i];
    }
    char title[200], layers[128];
    ag_sim_plan_layers(plan, layers);
    ag_format(title, sizeof(title), "%s, hole %llu: %s", plan->regime->name, (unsigned long long)plan->hole,
              *layers ? layers : "air");
    ag_series series[10] = {{.name = "torque, A", .x = depth, .y = torque, .count = rows},
                            {.name = "thrust, 0.1 A", .x = depth, .y = thrust, .count = rows}};
    size_t count = 2 + add_marks(plan, series + 2, x, y, top);
    ag_plot plot = {.title = title, .x_label = "depth, mm", .y_label = "current"};
    int rc = ag_svg_plot(svg, &plot, series, count, err);
    ag_free(depth);
    return rc;
}
