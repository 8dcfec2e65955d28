// SPDX-License-Identifier: Apache-2.0
#pragma once
/* simulate.h: drilling holes with known truth. A regime (a row of regimes.c) says what is drilled and how; a plan is
 * one hole drawn from it; a trace is what the machine records of the plan; the writer turns both into the bytes of a
 * Setitec file. Everything is a function of (seed, hole, options), never of how many holes are made or by how many
 * threads.
 *
 * Truth is where the tip is: entry when it touches the stack, a transition when it touches the next layer (after a gap,
 * when it touches the layer behind the gap), exit when it leaves the last layer, full exit when the corners have left
 * too (exit + point length + burr). */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/rng.h"
#include "core/base/vec.h"
#include "core/sys/cancel.h"
#include "core/sys/clock.h"
#include "core/sys/progress.h"
#include "data/names.h"
#include "data/signal.h"

enum { AG_SIM_LAYERS = 3, AG_SIM_STEPS = 5 };

typedef struct ag_sim_range {
    double low, high; /* drawn evenly between them */
} ag_sim_range;

typedef enum ag_sim_material { AG_SIM_CFRP, AG_SIM_ALUMINIUM, AG_SIM_TITANIUM } ag_sim_material;
const char *ag_sim_material_name(ag_sim_material material); /* "CFRP", "Al", "Ti" */

/* Per tool and stack, then varied a little from hole to hole. */
typedef struct ag_sim_layer_range {
    ag_sim_material material;
    ag_sim_range thickness; /* mm */
    ag_sim_range torque;    /* A on the plateau, sharp tool */
    ag_sim_range thrust;    /* A */
} ag_sim_layer_range;

/* A row of the program, as the machine's file has it. */
typedef struct ag_sim_step {
    int number;
    bool enabled;
    double stroke, rpm, feed; /* mm, 1/min, mm/s */
    double thrust_max, torque_max, torque_min, gap;
    bool micropeck;
} ag_sim_step;

typedef struct ag_sim_program {
    const char *name;
    bool event_driven; /* steps end where the material says, not at a fixed depth */
    size_t count;
    ag_sim_step steps[AG_SIM_STEPS];
    double stop;         /* mm behind full exit where the machine meets its hard stop; 0: none */
    double stop_at;      /* the same as a fixed depth */
    bool countersinks;   /* the last step cuts a countersink before the stop */
    double cover;        /* > 0: the stroke of step 1 ends so many mm before the second layer */
    const char *motor;   /* "L_EDU" */
    double ratio;        /* Motor M2 Ratio: 5 mm / (60 * ratio) is the finest way */
    int oscillations;    /* per revolution, 0 without micro-peck */
    double idle, idle_k; /* A of the spindle at rest and per 1000 rpm */
} ag_sim_program;

typedef enum ag_sim_outcome { AG_SIM_CUT, AG_SIM_AIR, AG_SIM_SEIZED } ag_sim_outcome;

typedef struct ag_sim_regime {
    const char *name; /* "cfrp-ti-stroke" */
    const char *doc;
    const ag_sim_program *program;
    ag_sim_outcome outcome;
    bool weak;  /* class weak: peak torque 2 to 4 A */
    bool plain; /* two steps or more, no micro-peck: planted defects show their own rule only */
    size_t layer_count;
    ag_sim_layer_range layers[AG_SIM_LAYERS];
    ag_sim_range gap;   /* mm of air between the first two layers */
    ag_sim_range entry; /* mm, per set-up */
    ag_sim_range point; /* mm, length of the tool's point */
    ag_sim_range wear;  /* torque at the begin and at the end of a tool's life, of the sharp tool's */
    ag_sim_range speed; /* factor on rpm and feed, per tool */
    ag_sim_range lost;  /* samples lost in one place */
    double shift;       /* mm, spread of set-up from hole to hole */
    double noise;       /* factor on all noise */
} ag_sim_regime;

extern const ag_sim_regime ag_sim_regimes[];
extern const size_t ag_sim_regime_count;
const ag_sim_regime *ag_sim_regime_find(const char *name); /* NULL when absent */
/* The table of docs/simulator.md. */
void ag_sim_regimes_markdown(ag_buf *out);

typedef struct ag_sim_layer {
    ag_sim_material material;
    double top, bottom;    /* mm */
    double torque, thrust; /* A on the plateau, this tool at this age */
    double slope;          /* of torque per mm */
    double run_in;         /* fraction that torque lacks where the layer begins, made good over run_length mm */
    double run_length;
    double residual; /* fraction of torque that rubbing keeps behind the exit */
} ag_sim_layer;

typedef struct ag_sim_plan {
    const ag_sim_regime *regime;
    const struct ag_sim_fault *fault; /* NULL: none */
    uint64_t seed, hole;
    int version;
    uint64_t tool; /* number of the tool */
    unsigned age;  /* holes it drilled before */
    unsigned life; /* holes in its life */
    size_t layer_count;
    ag_sim_layer layers[AG_SIM_LAYERS];
    size_t step_count;
    ag_sim_step steps[AG_SIM_STEPS];
    double point, chisel;                       /* mm: length of the point, and of the chisel's part of it */
    double burr;                                /* mm by which the corners leave later than they would leave the face */
    double exponent;                            /* of torque over the engaged part of the point */
    double residual_length;                     /* mm */
    double baseline, drift;                     /* A, A per mm */
    double noise;                               /* factor */
    double wander, wander_way;                  /* fraction of torque, mm */
    double follow;                              /* part of a new value that the firmware's smoothing takes at once */
    double real_feed;                           /* of the programmed feed */
    double way;                                 /* mm of one count of the feed axis */
    double stop_depth, sink_depth, sink_torque; /* 0: none */
    double seize_depth;                         /* 0: does not seize */
    unsigned lost;
    double entry, exit, full_exit; /* NaN where there is none */
    double transition[AG_SIM_LAYERS];
    size_t transition_count;
    char head[24], tag[24];
    uint32_t global_counter, local_counter;
    unsigned counter_error; /* what the header adds to the counter of the file's name */
    ag_rng rng;             /* for the trace */
} ag_sim_plan;

/* Holes that a tool drills in its life, and how many of them in a row in one kind of stack: a campaign that shares each
 * tool among four stacks, as the designed repeats of real files do, sees ten by ten. */
enum { AG_SIM_LIFE = 40, AG_SIM_SERIES = 10 };

/* What may be asked for. Lists are borrowed. */
typedef struct ag_sim_options {
    uint64_t seed;
    unsigned series; /* holes of a regime in a row by one tool, AG_SIM_LIFE at most; 0: AG_SIM_SERIES */
    const ag_sim_regime *const *regimes; /* in turn; NULL: all, or all plain ones with faults */
    size_t regime_count;
    const int *versions; /* likewise; NULL: all */
    size_t version_count;
    const struct ag_sim_fault *const *faults; /* in turn; NULL: none */
    size_t fault_count;
    double burr; /* mm for an ampere of thrust, where the last layer is metal; 0: none */
} ag_sim_options;

int ag_sim_plan_draw(const ag_sim_options *options, uint64_t hole, ag_sim_plan *out, ag_err *err);
/* "cfrp-ti-stroke/E004..._114-V3-001_ST_1000_1.xls" */
void ag_sim_plan_path(const ag_sim_plan *plan, char out[160]);
/* "CFRP 10.21 + gap 0.30 + Ti 3.60" */
void ag_sim_plan_layers(const ag_sim_plan *plan, char out[128]);

typedef struct ag_sim_row {
    int32_t value[AG_CHANNEL_COUNT]; /* thousandths */
} ag_sim_row;

typedef struct ag_sim_run { /* of one step */
    const ag_sim_step *step;
    size_t begin, end;
    int32_t code;
    double duration, distance, torque_max, thrust_max, torque_idle, thrust_idle, gap_max;
} ag_sim_run;

typedef struct ag_sim_trace {
    ag_vec rows; /* of ag_sim_row */
    ag_sim_run runs[AG_SIM_STEPS];
    size_t run_count;
    double cycle_time;
    double first, last; /* depth, exact */
} ag_sim_trace;

int ag_sim_trace_make(ag_sim_plan *plan, ag_sim_trace *out, ag_err *err); /* `out` is zeroed */
void ag_sim_trace_deinit(ag_sim_trace *trace);

/* The bytes of the file. */
void ag_sim_write(const ag_sim_plan *plan, const ag_sim_trace *trace, ag_buf *out);

/* A planted defect: changes the trace before, or the bytes after it was written. */
typedef struct ag_sim_fault {
    const char *name;
    const char *rule; /* that must catch it: of the reader or of a validator */
    const char *doc;
    int from_version; /* 0: any; below, version 9 is written instead */
    void (*trace)(ag_sim_plan *plan, ag_sim_trace *trace, ag_rng *rng); /* one of the two */
    int (*bytes)(ag_buf *file, ag_rng *rng, ag_err *err);
} ag_sim_fault;
typedef struct ag_sim_fault_table {
    const ag_sim_fault *items;
    size_t count;
} ag_sim_fault_table;
/* Defects of the samples and of the machine's account of them; defects of the bytes. */
ag_sim_fault_table ag_sim_trace_faults(void);
ag_sim_fault_table ag_sim_byte_faults(void);
/* Both lists, in this order. */
size_t ag_sim_fault_count(void);
const ag_sim_fault *ag_sim_fault_at(size_t index); /* NULL when out of range */
const ag_sim_fault *ag_sim_fault_find(const char *name);
void ag_sim_faults_markdown(ag_buf *out);

/* AG_CLASS_* that the validators must find. */
unsigned ag_sim_classes(const ag_sim_plan *plan, const ag_sim_trace *trace);

/* Plan, trace, fault, bytes: the whole way of one hole. `trace` (zeroed, to be deinited; may be NULL) keeps the trace.
 */
int ag_sim_hole(const ag_sim_options *options, uint64_t hole, ag_sim_plan *plan, ag_sim_trace *trace, ag_buf *out,
                ag_err *err);

/* The hole as a plot: torque and thrust over depth, with the truth. */
int ag_sim_draw(const ag_sim_plan *plan, const ag_sim_trace *trace, ag_buf *svg, ag_err *err);

typedef struct ag_sim_totals {
    uint64_t files, bytes, rows;
} ag_sim_totals;
/* Holes 0 to count - 1 as files below `directory`, truth.csv beside them last; every file is whole or not there. The
 * first `plots` are drawn too. `threads` 0: as many as there are processors. */
int ag_sim_batch(const ag_sim_options *options, const char *directory, uint64_t count, uint64_t plots, unsigned threads,
                 ag_progress *progress, ag_cancel *cancel, ag_sim_totals *totals, ag_err *err);
