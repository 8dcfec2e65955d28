// SPDX-License-Identifier: Apache-2.0
/* examine.c: `auger evaluate` for models that answer for holes: an exam on test data with a truth, or repeatability on
 * files without one, or both, as tables, JSON or a page. */
#include <string.h>

#include "app/cli/answers.h"
#include "app/cli/files.h"
#include "app/cli/named_data.h"
#include "core/io/file.h"
#include "core/io/path.h"
#include "core/show/html.h"
#include "learn/drilling/exam.h"
#include "learn/drilling/repeat.h"

enum { REPORT_BYTES = 256 << 20, MOST_BASELINES = 2, MOST_ROWS = 40 };

typedef struct examined {
    ag_cli_asking asking;
    ag_named_data data, truth, files; /* --test-data, --truth, --repeats */
    ag_answerer baselines[MOST_BASELINES];
    size_t baseline_count;
    ag_exam exam;
    ag_repeat repeat;
    bool has_exam, has_repeat;
} examined;

/* ---- baselines ---- */

static int add_baseline(ag_invocation *invocation, examined *x, ag_str name, ag_err *err)
{
    const char *model = ag_option_text(invocation, "legacy-model");
    ag_answerer *baseline = &x->baselines[x->baseline_count];
    int rc;
    for (size_t i = 0; i < x->baseline_count; i++)
        if (ag_str_is(name, x->baselines[i].name)) return AG_OK;
    if (ag_str_is(name, "auto"))
        rc = ag_answerer_auto(baseline, err);
    else if (ag_str_is(name, "legacy"))
        rc = ag_answerer_legacy(model, x->asking.device, baseline, err);
    else
        return ag_fail(err, AG_EINVAL, "--baseline: '%.*s' is neither auto nor legacy", AG_STR_ARG(name));
    x->baseline_count += rc == AG_OK;
    return rc;
}

static int open_baselines(ag_invocation *invocation, examined *x, ag_err *err)
{
    const char *text = ag_option_text(invocation, "baseline");
    ag_str rest = ag_str_of(text), part;
    int rc = AG_OK;
    while (rc == AG_OK && text && ag_str_next(&rest, ',', &part)) rc = add_baseline(invocation, x, part, err);
    return rc;
}

/* ---- running ---- */

static int run_exam(ag_invocation *invocation, examined *x, ag_err *err)
{
    ag_exam_options options = {.data = x->data.path,
                               .truth = x->truth.path,
                               .automatic = ag_option_flag(invocation, "automatic"),
                               .who = &x->asking.who,
                               .baselines = x->baselines,
                               .score = {.seed = (uint64_t)ag_option_int(invocation, "seed")},
                               .batch = (size_t)ag_option_int(invocation, "batch"),
                               .worst = (size_t)ag_option_int(invocation, "worst"),
                               .pool = x->asking.pool,
                               .cancel = invocation->cancel};
    if (!options.data) return AG_OK;
    int rc = open_baselines(invocation, x, err);
    if (rc < 0) return rc;
    options.baseline_count = x->baseline_count;
    options.progress = ag_begin_progress(invocation, "holes", 0);
    rc = ag_exam_run(&options, invocation->arena, &x->exam, err);
    ag_progress_free(options.progress);
    x->has_exam = rc == AG_OK;
    const ag_named_data *truth = x->truth.path ? &x->truth : &x->data; /* which has one of its own, else */
    if (rc == AG_OK) rc = ag_named_data_tell(&x->data, invocation->arena, &x->exam.data, err);
    return rc == AG_OK ? ag_named_data_tell(truth, invocation->arena, &x->exam.truth, err) : rc;
}

static int run_repeats(ag_invocation *invocation, examined *x, ag_err *err)
{
    ag_repeat_options options = {.dir = x->files.path,
                                 .who = &x->asking.who,
                                 .pool = x->asking.pool,
                                 .cancel = invocation->cancel,
                                 .seed = (uint64_t)ag_option_int(invocation, "seed"),
                                 .said = ag_option_text(invocation, "out-of-fold")};
    if (!options.dir && options.said) return ag_fail(err, AG_EINVAL, "--out-of-fold is for --repeats");
    if (!options.dir) return AG_OK;
    options.progress = ag_begin_progress(invocation, "files", 0);
    int rc = ag_repeat_run(&options, invocation->arena, &x->repeat, err);
    ag_progress_free(options.progress);
    x->has_repeat = rc == AG_OK;
    if (rc == AG_OK) rc = ag_named_data_tell(&x->files, invocation->arena, &x->repeat.dir, err);
    return rc == AG_OK ? ag_named_data_tell(&x->files, invocation->arena, &x->repeat.unread.why, err) : rc;
}

/* All that data were named by, before a model is opened. */
static int find_data(ag_invocation *invocation, examined *x, ag_err *err)
{
    int rc = ag_named_data_option(invocation, "test-data", &x->data, err);
    if (rc >= 0) rc = ag_named_data_option(invocation, "truth", &x->truth, err);
    return rc < 0 ? rc : ag_named_data_option(invocation, "repeats", &x->files, err);
}

static int run_both(ag_invocation *invocation, examined *x, ag_err *err)
{
    int rc = run_exam(invocation, x, err);
    if (rc == AG_OK) rc = run_repeats(invocation, x, err);
    if (rc == AG_OK) return AG_OK;
    const ag_named_data *all[] = {&x->data, &x->truth, &x->files};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) ag_data_name_in_error(&all[i]->called, err);
    return rc;
}

/* ---- showing ---- */

/* Frees the table; `rc` is that of making it. */
static int print_table(ag_invocation *invocation, const char *title, int rc, ag_table **table, ag_err *err)
{
    ag_buf text;
    ag_buf_init(&text, REPORT_BYTES);
    if (rc == AG_OK)
        rc = ag_table_write(*table, AG_TABLE_TERMINAL, (unsigned)invocation->out->columns, invocation->out->color,
                            &text, err);
    if (rc == AG_OK && ag_table_rows(*table) > 0) {
        ag_print(invocation, "\n");
        if (title) ag_output_style(invocation->out, AG_STYLE_STRONG, title);
        if (title) ag_print(invocation, "\n");
        ag_print_str(invocation, ag_buf_str(&text));
    }
    ag_table_free(*table);
    *table = NULL;
    ag_buf_deinit(&text);
    return rc;
}

static int print_exam(ag_invocation *invocation, const examined *x, ag_err *err)
{
    const ag_exam *e = &x->exam;
    ag_table *table = NULL;
    ag_buf words;
    ag_buf_init(&words, 4096);
    ag_exam_words(e, &words);
    ag_print(invocation, "%s on %s: %s\n", e->who, e->data, words.data ? words.data : "");
    ag_buf_deinit(&words);
    if (e->unmatched) ag_note(invocation, "%zu rows of %s belong to no hole", e->unmatched, e->truth);
    if (e->unread)
        ag_note(invocation, "%zu files could not be read and are in no score, %s among them; 'auger inspect' says why",
                e->unread, e->first_unread);
    const char *caution = ag_exam_caution(e, invocation->arena);
    if (caution) ag_note(invocation, "%s", caution);
    int rc = print_table(invocation, NULL, ag_exam_table_all(e, &table, err), &table, err);
    if (rc == AG_OK)
        rc = print_table(invocation, "holes by outcome", ag_exam_table_confusion(e, &table, err), &table, err);
    for (int a = 0; rc == AG_OK && a < AG_SCORE_ATTRIBUTES; a++)
        if (e->parts[a].count > 1 && e->parts[a].count <= MOST_ROWS)
            rc = print_table(invocation, NULL, ag_exam_table_part(&e->parts[a], &table, err), &table, err);
    if (rc == AG_OK && e->all.points.count > 0)
        rc = print_table(invocation, "confidence and how often it is right", ag_exam_table_calibration(e, &table, err),
                         &table, err);
    for (size_t b = 0; rc == AG_OK && b < e->baseline_count; b++) {
        const char *title = ag_arena_printf(invocation->arena, "%s : %s, hole by hole (* not by chance, p < 0.05)",
                                            e->who, e->baselines[b].name);
        for (int by = 0; rc == AG_OK && by < AG_EXAM_COMPARED; by++)
            rc = print_table(invocation, by == 0 ? title : NULL,
                             ag_exam_table_baseline(&e->baselines[b], by, &table, err), &table, err);
    }
    if (rc == AG_OK && e->worst_count > 0)
        rc = print_table(invocation, "the worst", ag_exam_table_worst(e, &table, err), &table, err);
    return rc;
}

static int print_repeats(ag_invocation *invocation, const examined *x, ag_err *err)
{
    const ag_repeat *r = &x->repeat;
    ag_table *table = NULL;
    ag_print(invocation, "%s%s on %s: %zu of %zu holes answered, %zu groups, %zu holes in none\n",
             x->has_exam ? "\n" : "", r->who, r->dir, r->answered, r->files, r->group_count, r->alone);
    ag_cli_note_unread(invocation, &r->unread);
    int rc = print_table(invocation, "spread of thickness in holes that repeat each other, mm",
                         ag_repeat_table_groups(r, &table, err), &table, err);
    if (rc == AG_OK) rc = print_table(invocation, NULL, ag_repeat_table_pairs(r, &table, err), &table, err);
    if (rc == AG_OK && ag_repeat_apart(r, NULL, 0) > 0)
        rc = print_table(invocation, NULL, ag_repeat_table_apart(r, &table, err), &table, err);
    return rc;
}

static void write_json(const examined *x, ag_json *json)
{
    if (x->has_exam && !x->has_repeat) {
        ag_exam_json(&x->exam, json);
    } else if (!x->has_exam) {
        ag_repeat_json(&x->repeat, json);
    } else {
        ag_json_begin_object(json);
        ag_json_name(json, "exam");
        ag_exam_json(&x->exam, json);
        ag_json_name(json, "repeats");
        ag_repeat_json(&x->repeat, json);
        ag_json_end_object(json);
    }
}

static int write_page(ag_invocation *invocation, const examined *x, ag_buf *out, ag_err *err)
{
    if (x->has_exam) return ag_exam_html(&x->exam, x->has_repeat ? &x->repeat : NULL, invocation->arena, out, err);
    ag_html_begin(out, "How far answers lie apart",
                  ag_arena_printf(invocation->arena, "%s on %s", x->repeat.who, x->repeat.dir));
    int rc = ag_repeat_html(&x->repeat, out, err);
    return rc == AG_OK ? ag_html_end(out, err) : rc;
}

static int write_report(ag_invocation *invocation, const examined *x, const char *path, ag_err *err)
{
    ag_buf text;
    ag_buf_init(&text, REPORT_BYTES);
    int rc;
    if (ag_str_equal_nocase(ag_path_extension(ag_str_of(path)), AG_STR("html"))) {
        rc = write_page(invocation, x, &text, err);
    } else {
        ag_json json = ag_json_writer(&text, 2, AG_JSON_NONFINITE_NULL);
        write_json(x, &json);
        rc = ag_json_end_document(&json, err);
        ag_buf_add_char(&text, '\n');
    }
    if (rc >= 0) rc = ag_buf_check(&text, "the report", err);
    if (rc >= 0) rc = ag_file_replace(path, text.data, text.size, err);
    ag_buf_deinit(&text);
    return rc;
}

static int print_json(ag_invocation *invocation, const examined *x, ag_err *err)
{
    ag_buf buf;
    ag_buf_init(&buf, REPORT_BYTES);
    ag_json json = ag_json_writer(&buf, 0, AG_JSON_NONFINITE_NULL);
    write_json(x, &json);
    int rc = ag_print_json(invocation, &json, &buf, err);
    ag_buf_deinit(&buf);
    return rc;
}

static int check_report(const char *path, ag_err *err)
{
    ag_str ending = ag_path_extension(ag_str_of(path));
    if (!path) return AG_OK;
    if (ag_str_equal_nocase(ending, AG_STR("json")) || ag_str_equal_nocase(ending, AG_STR("html")))
        return ag_replace_check(path, err); /* not after the whole exam */
    return ag_fail(err, AG_EINVAL, "--output-report %s: reports are written as .json or .html", path);
}

int ag_cli_examine(ag_invocation *invocation, const char *directory, ag_err *err)
{
    const char *report = ag_option_text(invocation, "output-report");
    examined x = {0};
    int rc = check_report(report, err);
    if (rc == AG_OK) rc = find_data(invocation, &x, err);
    if (rc == AG_OK) rc = ag_cli_asking_open(invocation, directory, &x.asking, err);
    if (rc == AG_OK) rc = run_both(invocation, &x, err);
    if (rc == AG_OK && report) rc = write_report(invocation, &x, report, err);
    if (rc == AG_OK && ag_wants_json(invocation))
        rc = print_json(invocation, &x, err);
    else {
        if (rc == AG_OK && x.has_exam) rc = print_exam(invocation, &x, err);
        if (rc == AG_OK && x.has_repeat) rc = print_repeats(invocation, &x, err);
    }
    for (size_t b = 0; b < x.baseline_count; b++) ag_answerer_close(&x.baselines[b]);
    ag_cli_asking_close(&x.asking);
    return rc;
}
