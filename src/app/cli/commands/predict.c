// SPDX-License-Identifier: Apache-2.0
/* predict.c: the command: what a model says of drilling files, and (forecasts.c) of series. The list of drilling files
 * is made first (names only); then a batch at a time is read in parallel, asked, and printed in the order of the list,
 * so memory is that of a batch and the first answers come while the last files wait. A file that cannot be read is a
 * line of its own; it never stops the rest, and makes the exit status 1. One that breaks a rule of `auger prepare
 * --validate` is answered all the same, since its holes are drilled as others are, and said to break it. */
#include <math.h>
#include <string.h>

#include "app/cli/answers.h"
#include "app/cli/computing.h"
#include "app/cli/files.h"
#include "app/cli/forecasts.h"
#include "app/cli/ledger.h"
#include "core/hash/hash.h"
#include "core/io/file.h"
#include "core/io/path.h"
#include "core/show/text.h"
#include "data/reader.h"
#include "data/validator.h"
#include "learn/drilling/tell.h"

static const char name_title[] = "file"; /* of the column of names */
enum { SNIFFED = 4096, MANY = 64, TOGETHER = 8, LEAST_NAME = 16, NUMBERS = 62 };

static const char *const missings[] = {"refuse", "previous", "linear", NULL}; /* ag_missing */

static const ag_option options[] = {
    {.name = "model",
     .letter = 'm',
     .type = AG_OPTION_TEXT,
     .required = true,
     .value_name = "MODEL",
     .doc = "A model's directory, the output directory of its training, or NAME, NAME@alias or NAME/VERSION of a "
            "registered one; auto: the automatic labels"},
    AG_OPTION_OF_ANSWERS,
    AG_OPTION_OF_PLUGIN,
    {.name = "csv", .type = AG_OPTION_FLAG, .doc = "Print comma-separated values"},
    {.name = "batch",
     .type = AG_OPTION_INT,
     .fallback = "64",
     .min = 1,
     .max = 100000,
     .doc = "Files, or forecasts of one, that are in memory at once"},
    {.name = "output",
     .letter = 'o',
     .type = AG_OPTION_PATH,
     .value_name = "F.csv",
     .doc = "Forecasts: write all numbers as a table, too: a row for each step and column"},
    {.name = "at",
     .type = AG_OPTION_TEXT,
     .value_name = "ROW|TIME",
     .doc = "Forecasts: what comes behind this row (from 1), or behind the last one that is not later than this time; "
            "the end of the file when not given"},
    {.name = "stride",
     .type = AG_OPTION_INT,
     .fallback = "0",
     .min = 1,
     .max = 1e9,
     .doc =
         "Forecasts: one behind every N-th row from --at on (or from the first that has enough rows before it), each "
         "beside what came"},
    {.name = "coverage",
     .type = AG_OPTION_REAL,
     .fallback = "0.9",
     .value_name = "SHARE",
     .doc = "Forecasts: of the intervals; models keep 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98 and 0.99"},
    {.name = "missing",
     .type = AG_OPTION_CHOICE,
     .choices = missings,
     .doc =
         "Forecasts: how a number that is missing among those that the model sees is filled; as in training when not "
         "given"},
    {.name = "plot",
     .type = AG_OPTION_PATH,
     .value_name = "F",
     .doc = "Forecasts: draw what was seen, the forecast and its band: F.svg, a page F.html, or - here"},
    AG_OPTIONS_OF_NAMED_DATA,
    AG_OPTION_OF_DEVICE,
    AG_OPTION_OF_JOBS,
};
static const ag_option positionals[] = {
    {.name = "FILE",
     .type = AG_OPTION_PATH,
     .repeated = true,
     .required = true,
     .doc = "Drilling files or series (CSV, NPY), folders of them, versions of data sets (NAME@v3, NAME@v3/FILE), or - "
            "for one file on standard input"},
};
static const ag_example examples[] = {
    {"predict --model out V2_001.xls", "What a trained model says of a file"},
    {"predict -m depth@champion measured/ --csv", "A folder by a registered model, as a table"},
    {"predict -m out - --json", "A file on standard input, one JSON object"},
    {"predict -m etth1 ETTh1.csv --plot forecast.html", "The rows that come, with a picture"},
    {"predict -m etth1 ETTh1.csv --at '2018-03-01 00:00:00' --stride 24 --csv", "A forecast of every day since then"},
    {NULL, NULL},
};

typedef struct item { /* a file, in the arena of its batch */
    const ag_cli_file *file;
    char sha256[65];
    ag_hole *hole;
    const char *failed; /* why it could not be read; NULL: it could */
    ag_prediction said;
    const char *rules, *flaw; /* that it breaks, and the first in words; NULL: none */
} item;

typedef struct predicting {
    ag_invocation *invocation;
    ag_cli_asking asking;
    ag_cli_files files;
    item *items; /* of a batch */
    size_t count;
    ag_arena **arenas; /* one per TOGETHER items */
    ag_limits limits;
    size_t answered, abstained, failed, invalid, unlike;
    bool json, csv, begun;
    size_t width; /* of the first column */
    ag_progress *progress;
} predicting;

/* ---- which files ---- */

static bool wanted(const char *path)
{
    ag_mapping map;
    if (ag_map_file(path, &map, NULL) < 0) return true; /* it is told as a file that cannot be read */
    ag_str all = {map.data, map.size};
    const ag_hole_reader *reader = ag_hole_reader_for(path, ag_str_slice(all, 0, SNIFFED));
    bool is = reader && (reader->by_ending || reader->sniff(ag_str_slice(all, 0, SNIFFED)) > 0) &&
              !(reader->is_companion && reader->is_companion(all));
    ag_unmap_file(&map);
    return is;
}

/* ---- reading and asking ---- */

static int read_stdin(item *it, ag_arena *arena, ag_err *err)
{
    ag_sha256 digest;
    ag_buf bytes;
    int rc = ag_cli_read_stdin(&bytes, err);
    ag_hole_source source = {.name = "standard input", .bytes = ag_buf_str(&bytes)};
    if (rc >= 0) rc = ag_sha256_of(source.bytes.data, source.bytes.size, &digest, err);
    if (rc >= 0) ag_sha256_format(&digest, it->sha256);
    if (rc >= 0) rc = ag_hole_read(&source, arena, &it->hole, err);
    ag_buf_deinit(&bytes);
    return rc < 0 ? rc : AG_OK;
}

static int read_file(item *it, ag_arena *arena, ag_err *err)
{
    ag_sha256 digest;
    const char *path = it->file->path;
    if (strcmp(path, "-") == 0) return read_stdin(it, arena, err);
    int rc = ag_sha256_of_file(path, &digest, NULL, err);
    if (rc < 0) return rc;
    ag_sha256_format(&digest, it->sha256);
    return ag_hole_read_file(path, NULL, arena, &it->hole, NULL, err);
}

static int read_item(item *it, ag_arena *arena, ag_err *err)
{
    ag_err why = {0};
    char text[sizeof why.text + sizeof why.file + 32];
    it->failed = it->file->missing;
    if (it->failed) return AG_OK;
    int rc = read_file(it, arena, &why);
    if (rc >= 0) return AG_OK;
    it->hole = NULL;
    if (rc == AG_ENOMEM || rc == AG_ECANCELLED) {
        if (err) *err = why;
        return rc;
    }
    why.hint[0] = 0;
    ag_data_name_in_error(&it->file->data->called, &why);
    (void)ag_err_format(&why, text, sizeof text);
    it->failed = ag_arena_strdup(arena, text);
    return it->failed ? AG_OK : ag_fail_memory(err, sizeof text);
}

static int judge_item(const predicting *p, item *it, ag_arena *arena, ag_err *err)
{
    ag_verdict verdict;
    ag_buf rules;
    int rc = ag_validate(it->hole, &p->limits, arena, &verdict, err);
    if (rc < 0 || verdict.valid) return rc;
    ag_buf_init(&rules, 4096);
    ag_flaws_rules(&verdict.flaws, true, &rules);
    it->rules = rules.failed ? NULL : ag_arena_strdup(arena, rules.data);
    it->flaw = ag_flaws_failure(&verdict.flaws);
    ag_buf_deinit(&rules);
    return it->rules ? AG_OK : ag_fail_memory(err, 4096);
}

static int do_some(void *context, size_t index, ag_err *err)
{
    predicting *p = context;
    const ag_hole *holes[TOGETHER];
    ag_prediction said[TOGETHER];
    size_t begin = index * TOGETHER, end = begin + TOGETHER < p->count ? begin + TOGETHER : p->count;
    size_t count = 0, next = 0;
    ag_arena *arena = p->arenas[index] = ag_arena_new(0);
    int rc = arena ? ag_cancel_check(p->invocation->cancel, err) : ag_fail_memory(err, 1);
    for (size_t i = begin; rc == AG_OK && i < end; i++) {
        rc = read_item(&p->items[i], arena, err);
        if (rc < 0 || !p->items[i].hole) continue;
        rc = judge_item(p, &p->items[i], arena, err);
        holes[count++] = p->items[i].hole;
    }
    if (rc == AG_OK && count > 0)
        rc = ag_answerer_ask(&p->asking.who, holes, count, arena, p->invocation->cancel, said, err);
    for (size_t i = begin; rc == AG_OK && i < end; i++) {
        if (!p->items[i].hole) continue;
        p->items[i].said = said[next++];
        p->items[i].said.path = p->items[i].file->shown;
        p->items[i].said.sha256 = p->items[i].sha256;
    }
    ag_progress_add(p->progress, end - begin, 0);
    return rc;
}

/* ---- printing ---- */

static int print_json(predicting *p, const item *it, ag_err *err)
{
    ag_buf buf;
    ag_buf_init(&buf, 1 << 20);
    ag_json json = ag_json_writer(&buf, 0, AG_JSON_NONFINITE_NULL);
    ag_json_begin_object(&json);
    if (it->failed) {
        ag_json_put_text(&json, "path", it->file->shown);
        ag_json_put_text(&json, "error", it->failed);
    } else {
        ag_prediction_json(&it->said, &json);
        ag_json_put_bool(&json, "valid", !it->rules);
        ag_json_put_text(&json, "failed_rules", it->rules);
        ag_json_put_text(&json, "flaw", it->flaw);
    }
    ag_json_end_object(&json);
    int rc = ag_print_json(p->invocation, &json, &buf, err);
    ag_buf_deinit(&buf);
    return rc;
}

static int add_row(const predicting *p, const item *it, ag_csv_writer *csv, ag_err *err)
{
    static const char *const names[] = {"valid", "failed_rules", "flaw", "error"};
    const char *const texts[] = {it->failed ? NULL : it->rules ? "0" : "1", it->rules, it->flaw, it->failed};
    int rc = AG_OK;
    if (!p->begun) {
        rc = ag_prediction_csv_header(csv, err);
        if (rc == AG_OK) rc = ag_csv_add_texts(csv, names, 4, err);
        if (rc == AG_OK) rc = ag_csv_end_row(csv, err);
    }
    ag_prediction nothing = {.path = it->file->shown, .confidence = NAN, .spread = NAN};
    for (int k = 0; k < AG_POINTS; k++) nothing.points[k] = (ag_point){NAN, NAN, NAN, NAN};
    if (rc == AG_OK) rc = ag_prediction_csv(it->failed ? &nothing : &it->said, csv, err);
    if (rc == AG_OK) rc = ag_csv_add_texts(csv, texts, 4, err);
    return rc == AG_OK ? ag_csv_end_row(csv, err) : rc;
}

static int print_csv(predicting *p, const item *it, ag_err *err)
{
    ag_buf text;
    ag_csv_writer *csv = NULL;
    ag_buf_init(&text, 1 << 20);
    int rc = ag_csv_writer_to_buf(&text, NULL, &csv, err);
    if (rc >= 0) rc = add_row(p, it, csv, err);
    if (rc >= 0) rc = ag_csv_finish(csv, err);
    if (rc >= 0) ag_print_str(p->invocation, ag_buf_str(&text));
    ag_csv_writer_free(csv);
    ag_buf_deinit(&text);
    return rc;
}

/* As wide as the longest, on a terminal cut to fit: the end of a path says more than its beginning. */
static void choose_width(predicting *p)
{
    const ag_output *out = p->invocation->out;
    size_t fits = out->columns > NUMBERS + LEAST_NAME ? out->columns - NUMBERS : (size_t)LEAST_NAME;
    p->width = strlen(name_title);
    for (size_t i = 0; i < p->files.list.count; i++) {
        size_t count = ag_utf8_count(ag_str_of(((const ag_cli_file *)ag_vec_at(&p->files.list, i))->shown));
        if (count > p->width) p->width = count;
    }
    if (out->is_terminal && p->width > fits) p->width = fits;
}

static void print_name(predicting *p, const char *path)
{
    ag_buf clean;
    ag_buf_init(&clean, 1 << 16);
    ag_show_clean(&clean, ag_str_of(path));
    ag_str text = ag_buf_str(&clean);
    size_t count = ag_utf8_count(text), width = p->width;
    if (count > width && width > 0) {
        ag_print(p->invocation, "…");
        text = ag_str_slice(text, ag_utf8_head(text, count - width + 1), text.size);
        count = width;
    }
    ag_print_str(p->invocation, text);
    ag_print(p->invocation, "%*s", (int)(count < width ? width - count : 0), "");
    ag_buf_deinit(&clean);
}

static void print_number(predicting *p, double value)
{
    if (isfinite(value))
        ag_print(p->invocation, " %9.3f", value);
    else
        ag_print(p->invocation, " %9s", "-");
}

static void print_line(predicting *p, const item *it)
{
    const ag_prediction *said = &it->said;
    ag_invocation *invocation = p->invocation;
    if (!p->begun) {
        print_name(p, name_title);
        ag_print(invocation, " %9s %9s %9s %9s %5s %6s  outcome\n", "entry", "transit.", "exit", "thick", "grip",
                 "sure");
    }
    print_name(p, it->file->shown);
    if (it->failed) {
        ag_print(invocation, "  ");
        ag_output_style(invocation->out, AG_STYLE_BAD, "cannot be read: ");
        ag_print(invocation, "%s\n", it->failed);
        return;
    }
    for (int k = 0; k < AG_POINTS; k++) print_number(p, said->points[k].mm);
    print_number(p, ag_prediction_thickness(said));
    if (said->grip_code > 0)
        ag_print(invocation, " %5d", said->grip_code);
    else
        ag_print(invocation, " %5s", "-");
    if (isfinite(said->confidence))
        ag_print(invocation, " %5.0f%%  ", 100.0 * said->confidence);
    else
        ag_print(invocation, " %6s  ", "-");
    static const char *const words[] = {"no answer", "found", "no exit", "nothing was cut"};
    ag_output_style(invocation->out, said->outcome == AG_LABEL_FOUND ? AG_STYLE_PLAIN : AG_STYLE_WARN,
                    words[said->outcome]);
    bool more = said->reason && strcmp(said->reason, words[said->outcome]) != 0;
    ag_print(invocation, "%s%s", more ? ": " : "", more ? said->reason : "");
    if (it->rules) {
        ag_print(invocation, "; ");
        ag_output_style(invocation->out, AG_STYLE_WARN, "breaks ");
        ag_output_style(invocation->out, AG_STYLE_WARN, it->rules);
        ag_print(invocation, ": %s", it->flaw);
    }
    ag_print(invocation, "\n");
}

static int print_items(predicting *p, ag_err *err)
{
    int rc = AG_OK;
    for (size_t i = 0; rc == AG_OK && i < p->count; i++) {
        const item *it = &p->items[i];
        if (p->json)
            rc = print_json(p, it, err);
        else if (p->csv)
            rc = print_csv(p, it, err);
        else
            print_line(p, it);
        p->begun = true;
        p->failed += it->failed != NULL;
        p->answered += !it->failed && it->said.outcome != AG_LABEL_NONE;
        p->unlike += !it->failed && it->said.outcome != AG_LABEL_NONE && it->said.unlike;
        p->abstained += !it->failed && it->said.outcome == AG_LABEL_NONE;
        p->invalid += it->rules && it->said.outcome != AG_LABEL_NONE;
    }
    return rc == AG_OK ? ag_output_flush(p->invocation->out, err) : rc;
}

/* ---- all of it ---- */

static int do_batch(predicting *p, size_t begin, size_t most, ag_err *err)
{
    size_t left = p->files.list.count - begin, pieces;
    p->count = left < most ? left : most;
    pieces = (p->count + TOGETHER - 1) / TOGETHER;
    memset(p->items, 0, p->count * sizeof *p->items);
    memset((void *)p->arenas, 0, pieces * sizeof(*p->arenas));
    for (size_t i = 0; i < p->count; i++) p->items[i].file = ag_vec_at(&p->files.list, begin + i);
    int rc = ag_pool_for(p->asking.pool, pieces, do_some, p, p->invocation->cancel, err);
    if (rc == AG_OK) rc = print_items(p, err);
    for (size_t i = 0; i < pieces; i++) ag_arena_free(p->arenas[i]);
    return rc;
}

static int predict_all(predicting *p, ag_err *err)
{
    ag_arena *arena = p->invocation->arena;
    size_t most = (size_t)ag_option_int(p->invocation, "batch");
    p->items = ag_arena_array(arena, most, sizeof *p->items);
    p->arenas = (ag_arena **)ag_arena_array(arena, most, sizeof(*p->arenas));
    if (!p->items || !p->arenas) return ag_fail_memory(err, most * sizeof *p->items);
    int rc = AG_OK;
    choose_width(p);
    if (p->files.list.count > MANY) p->progress = ag_begin_progress(p->invocation, "files", p->files.list.count);
    for (size_t begin = 0; rc == AG_OK && begin < p->files.list.count; begin += most)
        rc = do_batch(p, begin, most, err);
    ag_progress_free(p->progress);
    return rc;
}

/* What was named first. */
static bool is_prepared(const predicting *p)
{
    const char *table = ag_path_join(p->invocation->arena, p->files.named->path, "holes.csv");
    return table && ag_file_exists(table);
}

static int predict_holes(ag_invocation *invocation, const char *directory, ag_err *err)
{
    static const char *const others[] = {"output", "at", "stride", "coverage", "missing", "plot"};
    predicting p = {.invocation = invocation,
                    .json = ag_wants_json(invocation),
                    .csv = ag_option_flag(invocation, "csv"),
                    .files = {.wanted = wanted}};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (ag_option_given(invocation, others[i]))
            return ag_fail(err, AG_EINVAL, "--%s is for models that forecast series; this one answers for holes",
                           others[i]);
    size_t count;
    const char *named = ag_option_values(invocation, "FILE", &count)->text, *some = count > 1 ? " and the rest" : "";
    int rc = ag_cli_asking_open(invocation, directory, &p.asking, err);
    if (rc == AG_OK) rc = ag_limits_default(&p.limits, err);
    if (rc == AG_OK) rc = ag_cli_files_list(invocation, &p.files, err);
    if (rc == AG_OK && p.files.list.count == 0) {
        ag_fail(err, AG_ENOTFOUND, "there are no drilling files in '%s'%s (%zu others are there)", named, some,
                p.files.passed);
        rc =
            ag_err_hint(err, is_prepared(&p) ? "a prepared dataset holds samples: name the folder of files that it was "
                                               "made of; 'auger evaluate' takes it as it is"
                                             : "name files of a drilling unit, or a folder that holds some");
    }
    if (rc == AG_OK) rc = predict_all(&p, err);
    ag_cli_asking_close(&p.asking);
    ag_vec_deinit(&p.files.list);
    if (rc < 0) return rc;
    if (p.unlike > 0)
        ag_note(invocation,
                "%zu %s unlike what the model knows: answers are mostly the labeller's there, with wide intervals; a "
                "model learns such holes with configs/drilling/own_files.yaml",
                p.unlike, p.unlike == 1 ? "hole is" : "holes are");
    if (p.answered + p.abstained + p.failed > 1 || p.failed)
        ag_note(invocation, "%zu answered, %zu without an answer, %zu could not be read%s", p.answered, p.abstained,
                p.failed, p.files.passed ? "; what is no drilling data was passed over" : "");
    if (p.invalid)
        ag_note(
            invocation,
            "%zu of those answered break a rule that a recording must keep: trust these answers less, 'auger inspect "
            "FILE' tells what is wrong",
            p.invalid);
    return p.failed ? 1 : AG_OK;
}

static int run(ag_invocation *invocation, ag_err *err)
{
    const char *name = ag_option_text(invocation, "model"), *directory = name;
    bool holes = true;
    int rc = strcmp(name, "auto") == 0 ? AG_OK : ag_cli_model(invocation, name, &directory, err);
    if (rc < 0) return rc;
    if (!(strcmp(directory, "auto") == 0 && !ag_file_exists(directory)) && !ag_option_given(invocation, "strategy"))
        rc = ag_answerer_fits(directory, &holes, err);
    if (rc < 0) return rc;
    return holes ? predict_holes(invocation, directory, err) : ag_cli_forecast(invocation, directory, err);
}

const ag_command ag_command_predict = {
    .path = "predict",
    .summary = "Say where holes begin, change material and end, or how series go on",
    .doc =
        "Asks a model for the entry, the transition and the exit of drilled holes, with a confidence and an interval "
        "for each, the thickness and its grip code. Files of any kind that 'auger prepare' reads; of a folder all that "
        "are drilling data. What was drilled in air, or has no exit because the tool seized, is said so; a hole that "
        "the model cannot judge gets no answer and the reason, never a number. A hole of another kind than those that "
        "the model knows is said to be so: its answer is mostly that of the labellers, with a wide interval.\n"
        "\n"
        "Answers come in the order of the files while others are still read. With --json each is an object on a line "
        "of its own, with --csv a row. A file that cannot be read has its line as well and stops nothing; then the "
        "exit status is 1. One that breaks a rule of 'auger prepare --validate' is answered, and said to break it.\n"
        "\n"
        "A model of strategy forecast tells the rows that come behind the last one of a series, in the columns that "
        "it was trained on, by their names, with an interval for each number that holds the share of --coverage as "
        "long as the series behaves as it did in the validation part (docs/tutorials/forecasting.md), and with times "
        "where the rows are evenly apart. --at and --stride forecast what is known already, to see how right it "
        "would have been. A file with too few rows or without a column of the model, a missing number among those "
        "that the model sees, and rows that are not in the order of time are told, and get no forecast.",
    .options = AG_OPTIONS(options),
    .positionals = AG_OPTIONS(positionals),
    .examples = examples,
    .run = run,
};
