// SPDX-License-Identifier: Apache-2.0
/* data_diff.c: the command: what is different between two versions, and which numbers have moved. */
#include "app/cli/data.h"
#include "core/io/file.h"
#include "core/show/svg.h"
#include "data/dataset/diff.h"
#include "data/dataset/stats.h"

static const ag_option options[] = {
    {.name = "limit",
     .letter = 'n',
     .type = AG_OPTION_INT,
     .fallback = "20",
     .min = 0,
     .max = 10000000,
     .doc = "The most differences to list"},
    {.name = "svg", .type = AG_OPTION_PATH, .doc = "Draw the number that has moved most (or --column) into this file"},
    {.name = "column", .type = AG_OPTION_TEXT, .doc = "Which number is drawn"},
    AG_OPTION_OF_DATABASE,
    AG_OPTION_OF_BLOBS,
};
static const ag_option positionals[] = {
    {.name = "BEFORE", .type = AG_OPTION_TEXT, .required = true, .doc = "NAME@v3, NAME@TAG, or NAME for the newest"},
    {.name = "AFTER", .type = AG_OPTION_TEXT, .required = true, .doc = "Likewise; of the same name or another"},
};
static const ag_example examples[] = {
    {"data diff drilling@v1 drilling@v2", "Hole by hole, and the drift of every number"},
    {"data diff drilling@v1 drilling --json --limit 1000", "For a program"},
    {NULL, NULL},
};

typedef struct move { /* of one number */
    const ag_spread *before, *after;
    ag_drift drift;
} move;

typedef struct comparison {
    ag_invocation *invocation;
    ag_cli_data data;
    ag_dataset_version a, b;
    ag_dataset_stats before, after;
    ag_diff diff;
    move *moves;
    size_t move_count;
    int64_t left; /* to be listed */
    ag_json *json;
} comparison;

/* ---- differences ---- */

static const char *depth(ag_arena *arena, double value)
{
    return value == value ? ag_arena_printf(arena, "%.3f", value) : "-";
}

/* "found 4.81 9.75 13.20": entry, transitions, exit. */
static const char *label_text(ag_arena *arena, const ag_dataset_label *label)
{
    if (!label) return "no label";
    const char *text = ag_arena_printf(arena, "%s %s", label->outcome, depth(arena, label->entry));
    for (size_t i = 0; i < label->transition_count && text; i++)
        text = ag_arena_printf(arena, "%s %s", text, depth(arena, label->transition[i]));
    return text ? ag_arena_printf(arena, "%s %s", text, depth(arena, label->exit)) : NULL;
}

static int list_item(void *context, const ag_diff_item *item, ag_err *err)
{
    comparison *c = context;
    if (!c->json && !item->is_hole && (c->a.holes || c->b.holes)) return AG_OK; /* counted, and that is enough */
    ag_arena *arena = ag_arena_new(0);
    if (!arena) return ag_fail_memory(err, 64);
    bool labels = item->what == AG_DIFF_RELABELLED;
    if (c->left-- > 0 && c->json) {
        ag_json_begin_object(c->json);
        ag_json_put_text(c->json, "what", ag_diff_names[item->what]);
        ag_json_put_text(c->json, "kind", item->is_hole ? "hole" : "file");
        ag_json_put_text(c->json, "path", item->path);
        if (item->from) ag_json_put_text(c->json, "from", item->from);
        if (labels) ag_json_put_text(c->json, "before", label_text(arena, item->before));
        if (labels) ag_json_put_text(c->json, "after", label_text(arena, item->after));
        ag_json_end_object(c->json);
    } else if (c->left >= 0) {
        ag_print(c->invocation, "%-10s %s %s", ag_diff_names[item->what], item->is_hole ? "hole" : "file", item->path);
        if (item->from) ag_print(c->invocation, ", before %s", item->from);
        if (labels)
            ag_print(c->invocation, ": %s -> %s", label_text(arena, item->before), label_text(arena, item->after));
        ag_print(c->invocation, "\n");
    }
    ag_arena_free(arena);
    return AG_OK;
}

/* "3 added, 1 relabelled, 56 as before" */
static void print_counts(ag_invocation *invocation, const char *what, const uint64_t counts[AG_DIFF_COUNT],
                         uint64_t same)
{
    ag_print(invocation, "%s: ", what);
    for (int i = 0; i < AG_DIFF_COUNT; i++)
        if (counts[i]) ag_print(invocation, "%llu %s, ", (unsigned long long)counts[i], ag_diff_names[i]);
    ag_print(invocation, "%llu as before\n", (unsigned long long)same);
}

/* ---- drift ---- */

static int find_moves(comparison *c, ag_err *err)
{
    c->moves = ag_arena_array(c->invocation->arena, c->after.spread_count + 1, sizeof(*c->moves));
    if (!c->moves) return ag_fail_memory(err, c->after.spread_count);
    for (size_t i = 0; i < c->after.spread_count; i++) {
        const ag_spread *after = &c->after.spreads[i], *before = ag_dataset_spread(&c->before, after->name);
        if (!before || after->count == 0 || before->count == 0) continue;
        c->moves[c->move_count++] = (move){
            before, after, ag_drift_of(before->sample, before->sample_count, after->sample, after->sample_count)};
    }
    return AG_OK;
}

static int print_moves(const comparison *c, ag_err *err)
{
    static const ag_column columns[] = {{"number", AG_ALIGN_LEFT, 0, 0},  {"median", AG_ALIGN_RIGHT, 0, 0},
                                        {"now", AG_ALIGN_RIGHT, 0, 0},    {"PSI", AG_ALIGN_RIGHT, 0, 0},
                                        {"KS", AG_ALIGN_RIGHT, 1, 0},     {"by chance", AG_ALIGN_RIGHT, 2, 0},
                                        {"in words", AG_ALIGN_LEFT, 0, 0}};
    enum { COLUMNS = sizeof(columns) / sizeof(columns[0]) };
    ag_arena *arena = c->invocation->arena;
    const char **cells = ag_arena_array(arena, c->move_count + 1, COLUMNS * sizeof(*cells));
    if (!cells) return ag_fail_memory(err, c->move_count);
    for (size_t i = 0; i < c->move_count; i++) {
        const move *m = &c->moves[i];
        bool told = m->drift.verdict != AG_DRIFT_TOO_FEW;
        const char *row[] = {m->after->name,
                             ag_cli_number(arena, ag_spread_quantile(m->before, 0.5)),
                             ag_cli_number(arena, ag_spread_quantile(m->after, 0.5)),
                             told ? ag_arena_printf(arena, "%.3f", m->drift.psi) : "",
                             told ? ag_arena_printf(arena, "%.3f", m->drift.ks) : "",
                             told ? ag_arena_printf(arena, "%.2g", m->drift.p_value) : "",
                             ag_drift_words(m->drift.verdict)};
        memcpy(cells + i * COLUMNS, row, sizeof(row));
    }
    ag_cli_list list = {columns, COLUMNS, cells, c->move_count};
    return c->move_count ? ag_cli_print_list(c->invocation, &list, false, err) : AG_OK;
}

static void write_counts(ag_json *json, const char *name, const uint64_t counts[AG_DIFF_COUNT], uint64_t same)
{
    ag_json_name(json, name);
    ag_json_begin_object(json);
    for (int i = 0; i < AG_DIFF_COUNT; i++) ag_json_put_int(json, ag_diff_names[i], (int64_t)counts[i]);
    ag_json_put_int(json, "same", (int64_t)same);
    ag_json_end_object(json);
}

static void write_moves(const comparison *c, ag_json *json)
{
    ag_json_name(json, "numbers");
    ag_json_begin_object(json);
    for (size_t i = 0; i < c->move_count; i++) {
        const move *m = &c->moves[i];
        ag_json_name(json, m->after->name);
        ag_json_begin_object(json);
        ag_json_put_real(json, "median_before", ag_spread_quantile(m->before, 0.5));
        ag_json_put_real(json, "median_after", ag_spread_quantile(m->after, 0.5));
        ag_json_put_real(json, "psi", m->drift.psi);
        ag_json_put_real(json, "ks", m->drift.ks);
        ag_json_put_real(json, "p_value", m->drift.p_value);
        ag_json_put_text(json, "verdict", ag_drift_words(m->drift.verdict));
        ag_json_end_object(json);
    }
    ag_json_end_object(json);
}

/* Both distribution functions of one number. */
static int draw(const comparison *c, const char *path, ag_err *err)
{
    const char *column = ag_option_text(c->invocation, "column");
    const move *most = NULL;
    for (size_t i = 0; i < c->move_count; i++) {
        const move *m = &c->moves[i];
        if (column ? strcmp(m->after->name, column) == 0 : !most || m->drift.ks > most->drift.ks) most = m;
    }
    if (!most) return ag_fail(err, AG_EINVAL, "there is no number to be drawn that both versions have");
    ag_arena *arena = c->invocation->arena;
    const ag_spread *sides[] = {most->before, most->after};
    const ag_dataset_version *versions[] = {&c->a, &c->b};
    ag_series series[2];
    for (size_t i = 0; i < 2; i++) {
        size_t count = sides[i]->sample_count;
        double *shares = ag_arena_array(arena, count, sizeof(*shares));
        if (!shares) return ag_fail_memory(err, count * sizeof(*shares));
        for (size_t k = 0; k < count; k++) shares[k] = 100.0 * (double)(k + 1) / (double)count;
        series[i] = (ag_series){.name = ag_cli_data_name(arena, versions[i]),
                                .mark = AG_MARK_STEP,
                                .x = sides[i]->sample,
                                .y = shares,
                                .count = count};
    }
    const ag_plot plot = {.title = ag_drift_words(most->drift.verdict),
                          .x_label = most->after->name,
                          .y_label = "% at most this",
                          .width = 640,
                          .height = 300};
    ag_buf svg;
    ag_buf_init(&svg, (size_t)16 << 20);
    int rc = ag_svg_plot(&svg, &plot, series, 2, err);
    if (rc >= 0) rc = ag_file_replace(path, svg.data, svg.size, err);
    ag_buf_deinit(&svg);
    return rc;
}

/* ---- all ---- */

static int compare(comparison *c, ag_err *err)
{
    ag_arena *arena = c->invocation->arena;
    const ag_dataset_place *place = &c->data.place;
    int rc = ag_dataset_diff(place, &c->a, &c->b, list_item, c, &c->diff, err);
    if (rc >= 0) rc = ag_dataset_statistics(place, &c->a, arena, &c->before, err);
    if (rc >= 0) rc = ag_dataset_statistics(place, &c->b, arena, &c->after, err);
    return rc < 0 ? rc : find_moves(c, err);
}

static int run_text(comparison *c, ag_err *err)
{
    int rc = compare(c, err);
    if (rc < 0) return rc;
    if (c->left < 0) ag_print(c->invocation, "... and %lld more (--limit)\n", (long long)-c->left);
    if (c->a.holes || c->b.holes) print_counts(c->invocation, "holes", c->diff.holes, c->diff.same_holes);
    print_counts(c->invocation, "files", c->diff.files, c->diff.same_files);
    if (c->diff.rows_added || c->diff.rows_removed)
        ag_print(c->invocation, "rows of changed tables: %llu added, %llu removed\n",
                 (unsigned long long)c->diff.rows_added, (unsigned long long)c->diff.rows_removed);
    ag_print(c->invocation, "\n");
    return print_moves(c, err);
}

static int run_json(comparison *c, ag_err *err)
{
    ag_buf buf;
    ag_buf_init(&buf, (size_t)1 << 30);
    ag_json json = ag_json_writer(&buf, 0, AG_JSON_NONFINITE_NULL);
    c->json = &json;
    ag_json_begin_object(&json);
    ag_json_put_text(&json, "before", ag_cli_data_name(c->invocation->arena, &c->a));
    ag_json_put_text(&json, "after", ag_cli_data_name(c->invocation->arena, &c->b));
    ag_json_name(&json, "differences");
    ag_json_begin_array(&json);
    int rc = compare(c, err);
    ag_json_end_array(&json);
    write_counts(&json, "holes", c->diff.holes, c->diff.same_holes);
    write_counts(&json, "files", c->diff.files, c->diff.same_files);
    ag_json_put_int(&json, "rows_added", (int64_t)c->diff.rows_added);
    ag_json_put_int(&json, "rows_removed", (int64_t)c->diff.rows_removed);
    write_moves(c, &json);
    ag_json_end_object(&json);
    if (rc >= 0) rc = ag_print_json(c->invocation, &json, &buf, err);
    ag_buf_deinit(&buf);
    return rc;
}

static int run(ag_invocation *invocation, ag_err *err)
{
    comparison c = {.invocation = invocation, .left = ag_option_int(invocation, "limit")};
    const char *svg = ag_option_text(invocation, "svg");
    int rc = ag_option_check_output(invocation, "svg", err);
    if (rc < 0) return rc;
    rc = ag_cli_data_open(invocation, false, &c.data, err);
    if (rc >= 0) rc = ag_cli_data_version(invocation, &c.data, "BEFORE", &c.a, err);
    if (rc >= 0) rc = ag_cli_data_version(invocation, &c.data, "AFTER", &c.b, err);
    if (rc >= 0) rc = ag_wants_json(invocation) ? run_json(&c, err) : run_text(&c, err);
    if (rc >= 0 && svg) rc = draw(&c, svg, err);
    ag_cli_data_close(&c.data);
    return rc;
}

const ag_command ag_command_data_diff = {
    .path = "data diff",
    .summary = "Compare two versions of data sets",
    .doc =
        "Hole by hole: added, removed, moved (the same bytes under another path), changed (other bytes under the same "
        "path), relabelled; file by file where there are no holes, and rows of changed tables. Then every number that "
        "both have: the population stability index (PSI: below 0.1 as before, from 0.25 on clearly moved), the "
        "distance of Kolmogorov and Smirnov (KS) and how often chance alone makes one so large.",
    .options = AG_OPTIONS(options),
    .positionals = AG_OPTIONS(positionals),
    .examples = examples,
    .run = run,
};
