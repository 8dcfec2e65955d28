// SPDX-License-Identifier: Apache-2.0
/* data_show.c: the command: one version, with counts and small pictures of how its numbers are spread. */
#include <math.h>

#include "app/cli/data.h"
#include "core/io/file.h"
#include "core/show/spark.h"
#include "core/show/svg.h"
#include "data/dataset/stats.h"

enum { BINS = 24, SHOWN = 6, VALUE_WIDTH = 32 };

static const ag_option options[] = {
    {.name = "svg", .type = AG_OPTION_PATH, .doc = "Draw the spread of one number (--column) into this file"},
    {.name = "column", .type = AG_OPTION_TEXT, .fallback = "thickness_mm", .doc = "Which number is drawn"},
    AG_OPTION_OF_DATABASE,
    AG_OPTION_OF_BLOBS,
};
static const ag_option positionals[] = {
    {.name = "VERSION", .type = AG_OPTION_TEXT, .required = true, .doc = "NAME@v3, NAME@TAG, or NAME for the newest"},
};
static const ag_example examples[] = {
    {"data show drilling", "The newest version"},
    {"data show drilling@v2 --svg thickness.svg", "And a picture of its thicknesses"},
    {NULL, NULL},
};

typedef struct sheet {
    ag_invocation *invocation;
    const ag_dataset_version *version;
    const ag_dataset_stats *stats;
    const ag_dataset_split *splits;
    size_t split_count;
} sheet;

/* How many values of the sample lie in each of equal bins. */
static void fill_bins(const ag_spread *spread, double bins[BINS])
{
    double width = spread->most - spread->least;
    for (size_t i = 0; i < BINS; i++) bins[i] = 0;
    for (size_t i = 0; i < spread->sample_count; i++) {
        double at = width > 0 ? (spread->sample[i] - spread->least) / width * BINS : 0;
        bins[at < 0 ? 0 : at >= BINS ? BINS - 1 : (size_t)at]++;
    }
}

static const char *picture(ag_arena *arena, const ag_spread *spread)
{
    double bins[BINS];
    ag_buf line;
    fill_bins(spread, bins);
    ag_buf_init(&line, 4096);
    ag_spark_line(&line, bins, BINS, BINS);
    const char *copy = line.failed ? NULL : ag_arena_strndup(arena, ag_buf_str(&line).data, line.size);
    ag_buf_deinit(&line);
    return copy;
}

static void print_head(const sheet *s)
{
    const ag_dataset_version *v = s->version;
    ag_invocation *invocation = s->invocation;
    ag_arena *arena = invocation->arena;
    ag_print(invocation, "%s  %s\n", ag_cli_data_name(arena, v), v->digest);
    if (v->tag_count) ag_print(invocation, "tags: %s\n", ag_cli_data_tags(arena, v));
    ag_print(invocation, "added %s%s%s from %s", ag_cli_time(arena, v->created_at), v->author ? " by " : "",
             v->author ? v->author : "", v->source);
    if (v->parent) ag_print(invocation, ", after v%lld", (long long)v->parent);
    ag_print(invocation, "\n");
    if (*v->message) ag_print(invocation, "%s\n", v->message);
    ag_print(invocation, "%lld files, %s", (long long)v->files, ag_cli_data_bytes(arena, (double)v->bytes));
    if (v->holes)
        ag_print(invocation, "; %lld holes, %lld labelled (%.1f %%)", (long long)v->holes, (long long)v->labelled,
                 100.0 * (double)v->labelled / (double)v->holes);
    if (v->rows) ag_print(invocation, "; %lld rows of tables", (long long)v->rows);
    ag_print(invocation, "\n");
    for (size_t i = 0; i < s->split_count; i++)
        ag_print(invocation, "split '%s' %.12s\n", s->splits[i].name, s->splits[i].digest);
    ag_print(invocation, "\n");
}

static const char *values_text(ag_arena *arena, const ag_tallies *tallies)
{
    const char *text = "";
    for (size_t i = 0; i < tallies->count && i < SHOWN && text; i++)
        text = ag_arena_printf(arena, "%s%s%.*s %llu", text, i ? ", " : "",
                               (int)ag_utf8_cut(ag_str_of(tallies->items[i].value), VALUE_WIDTH),
                               tallies->items[i].value, (unsigned long long)tallies->items[i].count);
    if (text && tallies->count > SHOWN)
        text = ag_arena_printf(arena, "%s and %zu%s more values", text, tallies->count - SHOWN,
                               tallies->others ? "+" : "");
    return text;
}

static int print_tallies(const sheet *s, ag_err *err)
{
    static const ag_column columns[] = {
        {"of", AG_ALIGN_LEFT, 0, 0}, {"different", AG_ALIGN_RIGHT, 1, 0}, {"how many", AG_ALIGN_LEFT, 0, 20}};
    ag_arena *arena = s->invocation->arena;
    const char **cells = ag_arena_array(arena, s->stats->tally_count + 1, 3 * sizeof(*cells));
    if (!cells) return ag_fail_memory(err, s->stats->tally_count);
    for (size_t i = 0; i < s->stats->tally_count; i++) {
        const ag_tallies *t = &s->stats->tallies[i];
        cells[3 * i] = t->name;
        cells[3 * i + 1] = ag_arena_printf(arena, "%zu%s", t->count, t->others ? "+" : "");
        cells[3 * i + 2] = values_text(arena, t);
    }
    ag_cli_list list = {columns, 3, cells, s->stats->tally_count};
    int rc = s->stats->tally_count ? ag_cli_print_list(s->invocation, &list, false, err) : AG_OK;
    if (s->stats->tally_count) ag_print(s->invocation, "\n");
    return rc;
}

static int print_spreads(const sheet *s, ag_err *err)
{
    static const ag_column columns[] = {{"number", AG_ALIGN_LEFT, 0, 0},  {"known", AG_ALIGN_RIGHT, 2, 0},
                                        {"least", AG_ALIGN_RIGHT, 0, 0},  {"5 %", AG_ALIGN_RIGHT, 3, 0},
                                        {"median", AG_ALIGN_RIGHT, 0, 0}, {"95 %", AG_ALIGN_RIGHT, 3, 0},
                                        {"most", AG_ALIGN_RIGHT, 0, 0},   {"spread", AG_ALIGN_LEFT, 1, 0}};
    enum { COLUMNS = sizeof(columns) / sizeof(columns[0]) };
    ag_arena *arena = s->invocation->arena;
    const char **cells = ag_arena_array(arena, s->stats->spread_count + 1, COLUMNS * sizeof(*cells));
    if (!cells) return ag_fail_memory(err, s->stats->spread_count);
    size_t rows = 0;
    for (size_t i = 0; i < s->stats->spread_count; i++) {
        const ag_spread *one = &s->stats->spreads[i];
        if (one->count == 0) continue;
        const char *row[] = {one->name,
                             ag_arena_printf(arena, "%llu", (unsigned long long)one->count),
                             ag_cli_number(arena, one->least),
                             ag_cli_number(arena, ag_spread_quantile(one, 0.05)),
                             ag_cli_number(arena, ag_spread_quantile(one, 0.5)),
                             ag_cli_number(arena, ag_spread_quantile(one, 0.95)),
                             ag_cli_number(arena, one->most),
                             picture(arena, one)};
        memcpy(cells + rows++ * COLUMNS, row, sizeof(row));
    }
    ag_cli_list list = {columns, COLUMNS, cells, rows};
    return rows ? ag_cli_print_list(s->invocation, &list, false, err) : AG_OK;
}

/* ---- JSON ---- */

static void write_tallies(ag_json *json, const ag_tallies *tallies)
{
    ag_json_name(json, tallies->name);
    ag_json_begin_object(json);
    for (size_t i = 0; i < tallies->count; i++) {
        ag_json_name(json, tallies->items[i].value);
        ag_json_uint(json, tallies->items[i].count);
    }
    ag_json_end_object(json);
}

static void write_spread(ag_json *json, const ag_spread *spread)
{
    double bins[BINS];
    ag_json_name(json, spread->name);
    ag_json_begin_object(json);
    ag_json_put_int(json, "count", (int64_t)spread->count);
    ag_json_put_int(json, "missing", (int64_t)spread->missing);
    ag_json_put_real(json, "mean", spread->mean);
    ag_json_put_real(json, "least", spread->least);
    ag_json_put_real(json, "q05", ag_spread_quantile(spread, 0.05));
    ag_json_put_real(json, "median", ag_spread_quantile(spread, 0.5));
    ag_json_put_real(json, "q95", ag_spread_quantile(spread, 0.95));
    ag_json_put_real(json, "most", spread->most);
    ag_json_name(json, "histogram");
    ag_json_begin_array(json);
    fill_bins(spread, bins);
    for (size_t i = 0; i < BINS; i++) ag_json_int(json, (int64_t)bins[i]);
    ag_json_end_array(json);
    ag_json_end_object(json);
}

static int print_json(const sheet *s, ag_err *err)
{
    ag_buf buf;
    ag_buf_init(&buf, (size_t)64 << 20);
    ag_json json = ag_json_writer(&buf, 0, AG_JSON_NONFINITE_NULL);
    ag_json_begin_object(&json);
    ag_json_name(&json, "version");
    ag_cli_data_write(&json, s->version);
    ag_json_name(&json, "counts");
    ag_json_begin_object(&json);
    for (size_t i = 0; i < s->stats->tally_count; i++) write_tallies(&json, &s->stats->tallies[i]);
    ag_json_end_object(&json);
    ag_json_name(&json, "numbers");
    ag_json_begin_object(&json);
    for (size_t i = 0; i < s->stats->spread_count; i++)
        if (s->stats->spreads[i].count) write_spread(&json, &s->stats->spreads[i]);
    ag_json_end_object(&json);
    ag_json_name(&json, "splits");
    ag_json_begin_array(&json);
    for (size_t i = 0; i < s->split_count; i++) {
        ag_json_begin_object(&json);
        ag_json_put_text(&json, "name", s->splits[i].name);
        ag_json_put_text(&json, "digest", s->splits[i].digest);
        ag_json_name(&json, "options");
        ag_json_raw(&json, ag_str_of(s->splits[i].options));
        ag_json_name(&json, "report");
        ag_json_raw(&json, ag_str_of(s->splits[i].report));
        ag_json_end_object(&json);
    }
    ag_json_end_array(&json);
    ag_json_end_object(&json);
    int rc = ag_print_json(s->invocation, &json, &buf, err);
    ag_buf_deinit(&buf);
    return rc;
}

static int draw(const sheet *s, const char *path, ag_err *err)
{
    const char *column = ag_option_text(s->invocation, "column");
    const ag_spread *spread = ag_dataset_spread(s->stats, column);
    ag_buf svg;
    if (!spread || spread->sample_count == 0) {
        ag_fail(err, AG_EINVAL, "%s has no number called '%s'", ag_cli_data_name(s->invocation->arena, s->version),
                column);
        return ag_err_hint(err, "choose one of the table with --column");
    }
    ag_buf_init(&svg, (size_t)16 << 20);
    const ag_plot plot = {.title = ag_cli_data_name(s->invocation->arena, s->version),
                          .x_label = column,
                          .y_label = s->version->holes ? "holes" : "rows",
                          .width = 640,
                          .height = 300};
    int rc = ag_svg_histogram(&svg, &plot, spread->sample, spread->sample_count, 0, err);
    if (rc >= 0) rc = ag_file_replace(path, svg.data, svg.size, err);
    ag_buf_deinit(&svg);
    return rc;
}

static int run(ag_invocation *invocation, ag_err *err)
{
    ag_cli_data data;
    ag_dataset_version version;
    ag_dataset_stats stats;
    sheet s = {.invocation = invocation, .version = &version, .stats = &stats};
    const char *svg = ag_option_text(invocation, "svg");
    int rc = ag_option_check_output(invocation, "svg", err);
    if (rc < 0) return rc;
    rc = ag_cli_data_open(invocation, false, &data, err);
    if (rc >= 0) rc = ag_cli_data_version(invocation, &data, "VERSION", &version, err);
    if (rc >= 0) rc = ag_dataset_statistics(&data.place, &version, invocation->arena, &stats, err);
    if (rc >= 0)
        rc = ag_dataset_splits(data.ledger, &version, AG_STR(""), invocation->arena, &s.splits, &s.split_count, err);
    if (rc >= 0 && svg) rc = draw(&s, svg, err);
    if (rc >= 0 && ag_wants_json(invocation)) {
        rc = print_json(&s, err);
    } else if (rc >= 0) {
        print_head(&s);
        rc = print_tallies(&s, err);
        if (rc >= 0) rc = print_spreads(&s, err);
    }
    ag_cli_data_close(&data);
    return rc;
}

const ag_command ag_command_data_show = {
    .path = "data show",
    .summary = "Show what is in a version of a data set",
    .doc = "Where it came from, its splits, how many holes there are of each machine, program, class and number of "
           "layers, how many are labelled and by whom, and how depths, torque and other numbers are spread. Of tables: "
           "every column.",
    .options = AG_OPTIONS(options),
    .positionals = AG_OPTIONS(positionals),
    .examples = examples,
    .run = run,
};
