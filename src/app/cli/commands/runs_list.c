// SPDX-License-Identifier: Apache-2.0
/* runs_list.c: runs by a filter, with the columns that are asked for. */
#include "app/cli/ledger.h"
#include "app/cli/notable.h"
#include "app/server/mlflow/write.h"
#include "core/sys/clock.h"

enum { FIXED = 6, MOST_COLUMNS = 60, SOME_METRICS = 3, PICTURE = 16 };

static const ag_option options[] = {
    {.name = "experiment",
     .letter = 'e',
     .type = AG_OPTION_TEXT,
     .repeated = true,
     .doc = "id or name of an experiment; without it, all"},
    AG_OPTION_OF_FILTER,
    AG_OPTION_OF_ORDER,
    AG_OPTION_OF_LIMIT,
    {.name = "show",
     .letter = 's',
     .type = AG_OPTION_TEXT,
     .repeated = true,
     .value_name = "KEY",
     .doc = "a column: metrics.NAME, params.NAME or tags.NAME; the course of the first metric is drawn beside. Without "
            "it, three metrics, " AG_NOTABLE_ORDER},
    AG_OPTION_OF_VIEW,
    AG_OPTION_OF_CSV,
    AG_OPTION_OF_DATABASE,
};

static const ag_example examples[] = {
    {"runs list --experiment drilling --order-by \"metrics.loss ASC\" --show metrics.loss --show params.lr",
     "The best runs of an experiment"},
    {"runs list --filter \"metrics.loss < 0.1 AND (params.model = 'mixer' OR status = 'FAILED')\" --csv",
     "Some runs for a spreadsheet"},
    {NULL, NULL},
};

typedef struct shown { /* a column that was asked for */
    const char *title;
    char kind;   /* 'm', 'p', 't' */
    ag_str name; /* behind the dot */
} shown;

static const char *cell_of(ag_arena *arena, const shown *column, const ag_run *run)
{
    for (size_t i = 0; column->kind == 'm' && i < run->metric_count; i++) {
        if (ag_str_is(column->name, run->metrics[i].key)) return ag_cli_number(arena, run->metrics[i].value);
    }
    ag_pairs pairs = column->kind == 'p' ? run->params : column->kind == 't' ? run->tags : (ag_pairs){0};
    for (size_t i = 0; i < pairs.count; i++) {
        if (ag_str_equal(pairs.items[i].key, column->name)) return ag_cli_str(arena, pairs.items[i].value);
    }
    return NULL;
}

static int read_shown(const char *text, shown *out, ag_err *err)
{
    static const char *const groups[] = {"metrics.", "params.", "tags."};
    for (size_t i = 0; i < 3; i++) {
        size_t size = strlen(groups[i]);
        if (strncmp(text, groups[i], size) != 0 || !text[size]) continue;
        *out = (shown){text, *groups[i], ag_str_of(text + size)};
        return AG_OK;
    }
    ag_fail(err, AG_EINVAL, "'%s' is not a column", text);
    return ag_err_hint(err, "write metrics.NAME, params.NAME or tags.NAME");
}

typedef struct sheet { /* what is shown */
    shown columns[MOST_COLUMNS];
    size_t count;
    const char *curve; /* the metric whose course is drawn; NULL: none */
} sheet;

static int take_named(const ag_option_value *values, size_t count, sheet *s, ag_err *err)
{
    if (count > MOST_COLUMNS) return ag_fail(err, AG_EINVAL, "more than %d columns", MOST_COLUMNS);
    for (; s->count < count; s->count++) {
        int rc = read_shown(values[s->count].text, &s->columns[s->count], err);
        if (rc < 0) return rc;
        if (!s->curve && s->columns[s->count].kind == 'm') s->curve = s->columns[s->count].name.data;
    }
    return AG_OK;
}

/* The first in order, of all runs that are listed; drawn is the first of them that has a course. */
static int take_notable(ag_invocation *invocation, const ag_runs *found, sheet *s, ag_err *err)
{
    const ag_notable *metrics;
    size_t count;
    int rc = ag_notable_metrics(found->items, found->count, invocation->arena, &metrics, &count, err);
    if (rc < 0) return rc;
    for (size_t i = 0; i < count && metrics[i].rank < AG_NOTABLE_MACHINE; i++) {
        if (s->count < SOME_METRICS) s->columns[s->count++] = (shown){metrics[i].key, 'm', ag_str_of(metrics[i].key)};
        if (!s->curve && metrics[i].course) s->curve = metrics[i].key;
    }
    return AG_OK;
}

static int choose(ag_invocation *invocation, const ag_runs *found, sheet *s, ag_err *err)
{
    size_t count;
    const ag_option_value *values = ag_option_values(invocation, "show", &count);
    int rc = count ? take_named(values, count, s, err) : take_notable(invocation, found, s, err);
    if (ag_option_flag(invocation, "csv")) s->curve = NULL; /* for people only */
    return rc;
}

static int fill_row(ag_arena *arena, ag_ledger *ledger, const ag_run *run, const sheet *s, const char **cells,
                    ag_err *err)
{
    const char *row[] = {run->id,
                         run->name,
                         run->experiment_id,
                         run->deleted ? "deleted" : ag_run_status_name(run->status),
                         ag_cli_time(arena, run->started_at),
                         ag_cli_duration(arena, run->started_at, run->ended_at)};
    memcpy(cells, row, sizeof(row));
    for (size_t k = 0; k < s->count; k++) cells[FIXED + k] = cell_of(arena, &s->columns[k], run);
    return s->curve ? ag_cli_curve(ledger, arena, run->id, s->curve, PICTURE, &cells[FIXED + s->count], err) : AG_OK;
}

/* "course", when it is that of the first metric that is shown. */
static const char *curve_title(ag_arena *arena, const sheet *s)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->columns[i].kind == 'm')
            return ag_str_is(s->columns[i].name, s->curve) ? "course"
                                                           : ag_arena_printf(arena, "course of %s", s->curve);
    return "course";
}

static int print_table(ag_invocation *invocation, ag_ledger *ledger, const ag_runs *found, ag_err *err)
{
    ag_column columns[FIXED + MOST_COLUMNS + 1] = {
        {"run", AG_ALIGN_LEFT, 0, 8},    {"name", AG_ALIGN_LEFT, 1, 10},   {"experiment", AG_ALIGN_RIGHT, 3, 0},
        {"status", AG_ALIGN_LEFT, 0, 0}, {"started", AG_ALIGN_LEFT, 2, 0}, {"took", AG_ALIGN_RIGHT, 4, 0},
    };
    sheet s = {0};
    ag_arena *arena = invocation->arena;
    int rc = choose(invocation, found, &s, err);
    if (rc < 0) return rc;
    for (size_t i = 0; i < s.count; i++)
        columns[FIXED + i] =
            (ag_column){s.columns[i].title, s.columns[i].kind == 'm' ? AG_ALIGN_RIGHT : AG_ALIGN_LEFT, 0, 8};
    size_t width = FIXED + s.count + (s.curve ? 1 : 0);
    if (s.curve) columns[FIXED + s.count] = (ag_column){curve_title(arena, &s), AG_ALIGN_LEFT, 3, 0};
    const char **cells = ag_arena_array(arena, found->count + 1, width * sizeof(*cells));
    if (!cells) return ag_fail_memory(err, found->count * width);
    for (size_t i = 0; i < found->count && rc >= 0; i++)
        rc = fill_row(arena, ledger, &found->items[i], &s, cells + i * width, err);
    if (rc < 0) return rc;
    ag_cli_list list = {columns, width, cells, found->count};
    return ag_cli_print_list(invocation, &list, ag_option_flag(invocation, "csv"), err);
}

static int print_json(ag_invocation *invocation, const ag_runs *found, ag_err *err)
{
    ag_buf text;
    ag_buf_init(&text, (size_t)1 << 30);
    ag_json json = ag_json_writer(&text, 0, AG_JSON_NONFINITE_TEXT);
    ag_json_begin_object(&json);
    ag_json_name(&json, "runs");
    ag_json_begin_array(&json);
    for (size_t i = 0; i < found->count; i++) ag_write_run(&json, &found->items[i]);
    ag_json_end_array(&json);
    ag_json_end_object(&json);
    int rc = ag_print_json(invocation, &json, &text, err);
    ag_buf_deinit(&text);
    return rc;
}

static int run(ag_invocation *invocation, ag_err *err)
{
    ag_ledger *ledger = NULL;
    ag_page_request page;
    ag_str *ids = NULL;
    size_t count = 0;
    ag_runs found = {0};
    int rc = ag_cli_open_ledger(invocation, false, &ledger, err);
    if (rc >= 0) rc = ag_cli_experiments(invocation, ledger, "experiment", &ids, &count, err);
    if (rc >= 0) rc = ag_cli_page(invocation, &page, err);
    if (rc >= 0) {
        ag_view view = (ag_view)ag_option_choice(invocation, "view");
        rc = ag_run_search(ledger, ids, count, view, &page, invocation->arena, &found, err);
        rc = ag_cli_explain(invocation, rc, err);
    }
    if (rc >= 0) {
        rc = ag_wants_json(invocation) ? print_json(invocation, &found, err)
                                       : print_table(invocation, ledger, &found, err);
    }
    if (rc >= 0 && found.next) ag_note(invocation, "there are more; --limit shows them");
    ag_ledger_close(ledger);
    return rc;
}

const ag_command ag_command_runs_list = {
    .path = "runs list",
    .summary = "List runs",
    .doc =
        "Lists runs, the latest first, with their most telling metrics or what --show names. A filter is written in "
        "the search language: metrics.NAME, params.NAME, "
        "tags.NAME, status, run_name, start_time and others; = != < <= > >= LIKE ILIKE IN, IS NULL; AND, OR, NOT and "
        "parentheses. A mistake is shown with a caret under its place.\n\n"
        "With --json each run is printed whole, as MLflow's protocol has it.",
    .options = AG_OPTIONS(options),
    .examples = examples,
    .run = run,
};
