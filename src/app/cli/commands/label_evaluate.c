// SPDX-License-Identifier: Apache-2.0
/* label_evaluate.c: the command: how good the automatic labels are, by simulated truth and by real repeats. */
#include "data/label/evaluate.h"

#include "app/cli/computing.h"
#include "app/cli/files.h"
#include "core/io/file.h"
#include "data/simulate/simulate.h"

static const ag_option options[] = {
    {.name = "holes",
     .letter = 'n',
     .type = AG_OPTION_INT,
     .fallback = "1000",
     .min = 0,
     .max = 1000000,
     .doc = "How many simulated holes, over all regimes in turn; 0: none"},
    {.name = "seed", .type = AG_OPTION_INT, .fallback = "1", .min = 0, .max = 9e15, .doc = "Of the simulated holes"},
    {.name = "tool-holes",
     .type = AG_OPTION_INT,
     .fallback = "10",
     .min = 1,
     .max = AG_SIM_LIFE,
     .doc = "As of 'simulate drilling'"},
    {.name = "burr", .type = AG_OPTION_REAL, .fallback = "0", .min = 0, .max = 1, .doc = "As of 'simulate drilling'"},
    {.name = "real",
     .type = AG_OPTION_PATH,
     .doc = "A folder of real drilling files, subfolders too, or a version of a data set with such (NAME@v3)"},
    AG_OPTIONS_OF_NAMED_DATA,
    {.name = "html", .type = AG_OPTION_PATH, .doc = "Write a page with pictures to this file as well"},
    AG_OPTION_OF_JOBS,
};
static const ag_example examples[] = {
    {"label evaluate --holes 1000 --seed 7", "Against the truth of a thousand simulated holes"},
    {"label evaluate --real holes --html labels.html", "Real repeats too, as a page"},
    {NULL, NULL},
};

enum { PAGE_BYTES = 64 << 20 };

static int print_table(ag_invocation *invocation, const ag_eval *eval,
                       int (*make)(const ag_eval *, ag_table **, ag_err *), ag_err *err)
{
    ag_table *table = NULL;
    ag_buf buf;
    ag_buf_init(&buf, PAGE_BYTES);
    unsigned width = invocation->out->is_terminal ? (unsigned)invocation->out->columns : 0;
    int rc = make(eval, &table, err);
    if (rc == AG_OK) rc = ag_table_write(table, AG_TABLE_TERMINAL, width, invocation->out->color, &buf, err);
    if (rc == AG_OK) ag_print_str(invocation, ag_buf_str(&buf));
    ag_buf_deinit(&buf);
    ag_table_free(table);
    return rc;
}

static int print_text(ag_invocation *invocation, const ag_eval *eval, ag_err *err)
{
    int rc = AG_OK;
    if (eval->options.holes) {
        ag_print(invocation, "%llu simulated holes, seed %llu; mm\n", (unsigned long long)eval->options.holes,
                 (unsigned long long)eval->options.seed);
        rc = print_table(invocation, eval, ag_evaluate_truth_table, err);
    }
    if (rc == AG_OK && eval->options.real) {
        ag_print(invocation,
                 "%s%zu real files, %zu valid and labelled: %zu high, %zu medium, %zu low; %zu in no group of repeats; "
                 "%zu numbers for air or seized\n",
                 eval->options.holes ? "\n" : "", eval->files, eval->used, eval->real_category[0],
                 eval->real_category[1], eval->real_category[2], eval->alone, eval->real_false_numbers);
        ag_cli_note_unread(invocation, &eval->unread);
        rc = print_table(invocation, eval, ag_evaluate_real_table, err);
    }
    return rc;
}

static int print_json(ag_invocation *invocation, const ag_eval *eval, ag_err *err)
{
    ag_buf buf;
    ag_buf_init(&buf, PAGE_BYTES);
    ag_json json = ag_json_writer(&buf, 0, AG_JSON_REFUSE_NONFINITE);
    ag_evaluate_json(eval, &json);
    int rc = ag_print_json(invocation, &json, &buf, err);
    ag_buf_deinit(&buf);
    return rc;
}

static int write_page(const char *path, const ag_eval *eval, ag_err *err)
{
    ag_buf page;
    ag_buf_init(&page, PAGE_BYTES);
    int rc = ag_evaluate_html(eval, &page, err);
    if (rc == AG_OK) rc = ag_file_replace(path, page.data, page.size, err);
    ag_buf_deinit(&page);
    return rc;
}

static int run(ag_invocation *invocation, ag_err *err)
{
    ag_eval eval;
    ag_named_data real = {0};
    const char *page = ag_option_text(invocation, "html");
    ag_eval_options evaluate = {.holes = (uint64_t)ag_option_int(invocation, "holes"),
                                .seed = (uint64_t)ag_option_int(invocation, "seed"),
                                .tool_holes = (unsigned)ag_option_int(invocation, "tool-holes"),
                                .burr = ag_option_real(invocation, "burr"),
                                .threads = (unsigned)ag_option_int(invocation, "jobs"),
                                .cancel = invocation->cancel};
    int rc = ag_option_check_output(invocation, "html", err);
    if (rc == AG_OK) rc = ag_named_data_option(invocation, "real", &real, err);
    if (rc < 0) return rc;
    evaluate.real = real.path;
    if (rc == AG_OK) evaluate.progress = ag_begin_progress(invocation, "holes", 0);
    if (rc == AG_OK) rc = ag_evaluate(&evaluate, invocation->arena, &eval, err);
    ag_progress_free(evaluate.progress);
    if (rc < 0) ag_data_name_in_error(&real.called, err);
    if (rc == AG_OK) rc = ag_named_data_tell(&real, invocation->arena, &eval.unread.why, err);
    if (rc == AG_OK && page) rc = write_page(page, &eval, err);
    if (rc != AG_OK) return rc;
    return ag_wants_json(invocation) ? print_json(invocation, &eval, err) : print_text(invocation, &eval, err);
}

const ag_command ag_command_label_evaluate = {
    .path = "label evaluate",
    .summary = "Measure how good the automatic labels are",
    .doc =
        "Two measurements that are never merged. Simulated holes over all regimes, whose truth is known: mean error, "
        "bias and 95th percentile of entry, transition and exit, failures (another number of events, or more than a "
        "millimetre off), numbers given for air or seized tools, and how many labels of each confidence are right "
        "within 0.25 mm.\n"
        "\n"
        "With --real, holes of one folder whose thickness is alike: the robust deviation of thickness with "
        "its interval, the drift over the tool's life, the deviation about that drift, and that of the first "
        "transition "
        "below the entry.",
    .options = AG_OPTIONS(options),
    .examples = examples,
    .run = run,
};
