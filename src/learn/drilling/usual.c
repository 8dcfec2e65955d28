// SPDX-License-Identifier: Apache-2.0
/* usual.c: a data set has few tools, and how far off a model is depends on the tool most of all. Of simulated tools
 * there are as many as one likes, so the trained models are asked about some that they never saw; what is usual of
 * their errors there is what the calibration by the own holes is drawn to, and given up where those contradict it. Half
 * of the holes have a burr, since metals have one or not. */
#include "learn/drilling/run.h"
#include "learn/strategy_tools.h"

typedef struct others {
    ag_example *examples;
    const ag_drilled **holes;
    const ag_known **known;
    ag_reading *readings;
    size_t count;
} others;

static int make_others(const ag_drilling_run *run, ag_arena *arena, others *o, ag_err *err)
{
    ag_strategy_task *task = run->task;
    ag_progress *progress = ag_strategy_progress(task, "simulated holes to judge by", 0);
    int rc = ag_examples_simulate_others(&run->data.simulated, task->pool, progress, task->cancel, arena, &o->examples,
                                         &o->count, err);
    ag_progress_free(progress);
    if (rc < 0) return rc;
    o->holes = ag_arena_array(arena, o->count + 1, sizeof *o->holes);
    o->known = ag_arena_array(arena, o->count + 1, sizeof *o->known);
    o->readings = ag_arena_array(arena, o->count + 1, sizeof *o->readings);
    if (!o->holes || !o->known || !o->readings) return ag_fail_memory(err, o->count * sizeof *o->readings);
    for (size_t i = 0; i < o->count; i++) {
        o->holes[i] = &o->examples[i].drilled;
        o->known[i] = &o->examples[i].known;
        o->readings[i] = (ag_reading){0};
    }
    return 0;
}

int ag_drilling_usual(const ag_drilling_run *run, const ag_asking *asking, ag_calibration_usual *out,
                      const ag_calibration_usual **usual, ag_err *err)
{
    others o = {0};
    *usual = NULL;
    if (run->data.simulated.calibrate == 0) return 0;
    ag_arena *arena = ag_arena_new(0);
    int rc = arena ? make_others(run, arena, &o, err) : ag_fail_memory(err, 1);
    if (rc >= 0) rc = ag_drilling_ask(asking, o.holes, o.count, o.readings, err);
    const ag_calibration_told told = {o.holes, o.readings, o.known, NULL, o.count, run->data.refine, NULL};
    if (rc >= 0) rc = ag_calibration_usual_of(&told, out, err);
    ag_arena_free(arena);
    if (rc >= 0) *usual = out;
    return rc;
}
