// SPDX-License-Identifier: Apache-2.0
/* The files of MLflow's file store. The first byte says which: meta.yaml as each of its kinds, or lines of metrics. */
#include <math.h>
#include <stdlib.h>

#include "ledger/exchange/mlruns.h"

static void read_meta(ag_arena *arena, ag_str text)
{
    const ag_value *meta;
    ag_err err;
    bool deleted;
    ag_experiment experiment;
    ag_intake_run run;
    ag_logged_model logged;
    ag_registered_model model;
    ag_version version;
    ag_run_input input;
    ag_pairs tags;
    if (ag_mlruns_meta(arena, text, "meta.yaml", &meta, &err) < 0) return;
    ag_mlruns_experiment(arena, meta, &experiment, &err);
    ag_mlruns_run(arena, meta, &run, &err);
    ag_mlruns_logged_model(arena, meta, &logged, &deleted, &err);
    ag_mlruns_model(arena, meta, &model, &err);
    if (ag_mlruns_version(arena, meta, &version, &deleted, &err) >= 0 && version.number <= 0) abort();
    ag_mlruns_dataset(arena, meta, &input, &err);
    ag_mlruns_tags(arena, meta, &tags, &err);
}

static void read_points(ag_str text)
{
    ag_str rest = text, line, more;
    ag_metric point;
    while (ag_str_next(&rest, '\n', &line)) {
        if (ag_mlruns_point(line, &point, &more) && point.at < 0) abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ag_arena *arena = ag_arena_new(64 << 20);
    if (!arena || size == 0) {
        ag_arena_free(arena);
        return 0;
    }
    ag_str text = {(const char *)data + 1, size - 1};
    if (data[0] == 'p')
        read_points(text);
    else
        read_meta(arena, text);
    ag_arena_free(arena);
    return 0;
}
