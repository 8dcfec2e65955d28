// SPDX-License-Identifier: Apache-2.0
/* simulate_drilling.c: the command: drilling holes with known truth, as the files that a machine would have written. */
#include <string.h>

#include "app/cli/computing.h"
#include "app/cli/invocation.h"
#include "data/simulate/simulate.h"

static const ag_option options[] = {
    {.name = "output-dir", .letter = 'o', .type = AG_OPTION_PATH, .doc = "Directory for the files and truth.csv"},
    {.name = "holes",
     .letter = 'n',
     .type = AG_OPTION_INT,
     .fallback = "100",
     .min = 1,
     .max = 10000000,
     .doc = "How many holes"},
    {.name = "seed",
     .type = AG_OPTION_INT,
     .fallback = "1",
     .min = 0,
     .max = 9007199254740992.0,
     .doc = "Everything follows from it: the same seed gives the same bytes"},
    {.name = "tool-holes",
     .type = AG_OPTION_INT,
     .fallback = "10",
     .min = 1,
     .max = AG_SIM_LIFE,
     .doc = "Holes of a regime in a row by the same tool, somewhere in its life of 40; fewer make more tools"},
    {.name = "regime",
     .type = AG_OPTION_TEXT,
     .repeated = true,
     .value_name = "NAME",
     .doc = "What is drilled; several are taken in turn; all when none is named"},
    {.name = "version",
     .type = AG_OPTION_INT,
     .repeated = true,
     .min = 1,
     .max = 255,
     .doc = "Version of the format: 4, 7, 8, 9 or 11; several are taken in turn; all when none is named"},
    {.name = "faults",
     .type = AG_OPTION_TEXT,
     .repeated = true,
     .value_name = "LIST",
     .doc = "Plant defects: their names with commas between, or 'all'; truth.csv tells the rule that must find each"},
    {.name = "burr",
     .type = AG_OPTION_REAL,
     .fallback = "0",
     .min = 0,
     .max = 1,
     .doc = "Thrust pushes a burr out of the last metal, so many mm for an ampere: 0.25 as in real titanium"},
    {.name = "plots",
     .type = AG_OPTION_INT,
     .fallback = "0",
     .min = 0,
     .max = 10000000,
     .doc = "Draw so many of the first holes as SVG"},
    AG_OPTION_OF_JOBS,
    {.name = "list", .type = AG_OPTION_FLAG, .doc = "Only print the regimes and the defects, as Markdown"},
};

static const ag_example examples[] = {
    {"simulate drilling --output-dir holes --holes 1000 --seed 7", "Drill 1,000 holes of all regimes"},
    {"simulate drilling -o holes --regime cfrp-ti-event --version 9 --plots 3", "One regime, one version, with plots"},
    {"simulate drilling -o bad --holes 200 --faults all", "Plant every defect, to test what must find them"},
    {"simulate drilling -o holes --holes 3000 --tool-holes 2", "Many tools, for a model that is to know them all"},
    {"simulate drilling --list", "See what there is"},
    {NULL, NULL},
};

/* Names as the user gave them, nearest ones as a hint. */
static int refuse(const char *what, ag_str name, const char *const *known, size_t count, ag_err *err)
{
    ag_fail(err, AG_EINVAL, "there is no %s '%.*s'", what, AG_STR_ARG(name));
    const char *nearest = ag_nearest(name, known, count);
    if (nearest) return ag_err_hint(err, "did you mean '%s'?", nearest);
    return ag_err_hint(err, "auger simulate drilling --list prints them");
}

static int read_regimes(ag_invocation *invocation, ag_sim_options *out, ag_err *err)
{
    size_t count;
    const ag_option_value *values = ag_option_values(invocation, "regime", &count);
    if (count == 0) return AG_OK;
    const ag_sim_regime **regimes = ag_arena_array(invocation->arena, count, sizeof(*regimes));
    const char **known = ag_arena_array(invocation->arena, ag_sim_regime_count, sizeof(*known));
    if (!regimes || !known) return ag_fail_memory(err, count * sizeof(*regimes));
    for (size_t i = 0; i < ag_sim_regime_count; i++) known[i] = ag_sim_regimes[i].name;
    for (size_t i = 0; i < count; i++) {
        regimes[i] = ag_sim_regime_find(values[i].text);
        if (!regimes[i]) return refuse("regime", ag_str_of(values[i].text), known, ag_sim_regime_count, err);
    }
    out->regimes = regimes;
    out->regime_count = count;
    return AG_OK;
}

static int read_versions(ag_invocation *invocation, ag_sim_options *out, ag_err *err)
{
    size_t count;
    const ag_option_value *values = ag_option_values(invocation, "version", &count);
    int *versions = ag_arena_array(invocation->arena, count + 1, sizeof(*versions));
    if (!versions) return ag_fail_memory(err, count * sizeof(*versions));
    for (size_t i = 0; i < count; i++) {
        versions[i] = (int)values[i].integer;
        if (ag_format_version_find(versions[i])) continue;
        ag_fail(err, AG_EINVAL, "version %d of the format is not known", versions[i]);
        return ag_err_hint(err, "known are 4, 7, 8, 9 and 11");
    }
    out->versions = versions;
    out->version_count = count;
    return AG_OK;
}

static int add_faults(ag_str list, const ag_sim_fault **faults, size_t *count, const char *const *known, size_t most,
                      ag_err *err)
{
    ag_str name;
    while (list.data && ag_str_next(&list, ',', &name)) {
        bool all = ag_str_is(name, "all"), found = all;
        for (size_t i = 0; i < most; i++) {
            if (!all && !ag_str_is(name, known[i])) continue;
            found = true;
            size_t k = 0;
            while (k < *count && faults[k] != ag_sim_fault_at(i)) k++;
            if (k == *count) faults[(*count)++] = ag_sim_fault_at(i);
        }
        if (!found) return refuse("defect", name, known, most, err);
    }
    return AG_OK;
}

static int read_faults(ag_invocation *invocation, ag_sim_options *out, ag_err *err)
{
    size_t given, most = ag_sim_fault_count();
    const ag_option_value *values = ag_option_values(invocation, "faults", &given);
    const ag_sim_fault **faults = ag_arena_array(invocation->arena, most, sizeof(*faults));
    const char **known = ag_arena_array(invocation->arena, most, sizeof(*known));
    if (!faults || !known) return ag_fail_memory(err, most * sizeof(*faults));
    for (size_t i = 0; i < most; i++) known[i] = ag_sim_fault_at(i)->name;
    for (size_t i = 0; i < given; i++) {
        int rc = add_faults(ag_str_of(values[i].text), faults, &out->fault_count, known, most, err);
        if (rc < 0) return rc;
    }
    out->faults = faults;
    return AG_OK;
}

static int print_list(ag_invocation *invocation, ag_err *err)
{
    ag_buf text;
    ag_buf_init(&text, (size_t)1 << 20);
    ag_sim_regimes_markdown(&text);
    ag_buf_add_char(&text, '\n');
    ag_sim_faults_markdown(&text);
    int rc = ag_buf_check(&text, "the list", err);
    if (rc == AG_OK) ag_print_str(invocation, ag_buf_str(&text));
    ag_buf_deinit(&text);
    return rc;
}

static int print_totals(ag_invocation *invocation, const char *directory, const ag_sim_totals *totals, ag_err *err)
{
    if (!ag_wants_json(invocation)) {
        ag_print(invocation, "%llu holes with %llu samples, %.1f MB, in %s; the truth is in truth.csv beside them\n",
                 (unsigned long long)totals->files, (unsigned long long)totals->rows, (double)totals->bytes / 1e6,
                 directory);
        return AG_OK;
    }
    ag_buf buf;
    ag_buf_init(&buf, (size_t)1 << 20);
    ag_json json = ag_json_writer(&buf, 0, AG_JSON_REFUSE_NONFINITE);
    ag_json_begin_object(&json);
    ag_json_put_text(&json, "output_dir", directory);
    ag_json_put_text(&json, "truth", "truth.csv");
    ag_json_put_int(&json, "holes", (int64_t)totals->files);
    ag_json_put_int(&json, "rows", (int64_t)totals->rows);
    ag_json_put_int(&json, "bytes", (int64_t)totals->bytes);
    ag_json_put_int(&json, "seed", ag_option_int(invocation, "seed"));
    ag_json_end_object(&json);
    int rc = ag_print_json(invocation, &json, &buf, err);
    ag_buf_deinit(&buf);
    return rc;
}

static int run(ag_invocation *invocation, ag_err *err)
{
    if (ag_option_flag(invocation, "list")) return print_list(invocation, err);
    const char *directory = ag_option_text(invocation, "output-dir");
    if (!directory) return ag_fail(err, AG_EINVAL, "--output-dir is missing: where shall the files go?");
    ag_sim_options how = {.seed = (uint64_t)ag_option_int(invocation, "seed"),
                          .series = (unsigned)ag_option_int(invocation, "tool-holes"),
                          .burr = ag_option_real(invocation, "burr")};
    int rc = read_regimes(invocation, &how, err);
    if (rc == AG_OK) rc = read_versions(invocation, &how, err);
    if (rc == AG_OK) rc = read_faults(invocation, &how, err);
    if (rc < 0) return rc;
    uint64_t holes = (uint64_t)ag_option_int(invocation, "holes"), plots = (uint64_t)ag_option_int(invocation, "plots");
    ag_progress *progress = ag_begin_progress(invocation, "holes", holes);
    ag_sim_totals totals = {0};
    rc = ag_sim_batch(&how, directory, holes, plots, (unsigned)ag_option_int(invocation, "jobs"), progress,
                      invocation->cancel, &totals, err);
    ag_progress_free(progress);
    return rc < 0 ? rc : print_totals(invocation, directory, &totals, err);
}

const ag_command ag_command_simulate_drilling = {
    .path = "simulate drilling",
    .summary = "Make drilling holes with known truth",
    .doc =
        "Writes Setitec files as a machine would have, of holes whose entry, transitions and exit are known, and "
        "truth.csv with one row per hole. Materials, tools, programs, wear, noise and disturbances come from regimes; "
        "--list prints them with their ranges.\n"
        "\n"
        "Hole number i of a seed is the same whatever the number of holes and threads. Every file is whole or not "
        "there; truth.csv is written last.\n"
        "\n"
        "With --faults each hole carries one planted defect, and truth.csv names the rule that must find it.",
    .options = AG_OPTIONS(options),
    .examples = examples,
    .run = run,
};
