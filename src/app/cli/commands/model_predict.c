// SPDX-License-Identifier: Apache-2.0
/* model_predict.c: an array through a model, a batch at a time: the input is mapped, the output grows on disk and
 * appears when it is whole, and in between there are one batch of each and the plan's workspaces, however long the
 * array is. */
#include <math.h>
#include <string.h>

#include "app/cli/computing.h"
#include "app/cli/invocation.h"
#include "core/base/mem.h"
#include "core/io/file.h"
#include "core/io/npy.h"
#include "core/io/path.h"
#include "core/io/stream.h"
#include "core/sys/clock.h"
#include "learn/nn/checkpoint/pretrained.h"
#include "learn/nn/results.h"

_Static_assert(sizeof(ag_real) == sizeof(float), "arrays are read and written as float32");

static const ag_option options[] = {
    {.name = "input",
     .letter = 'i',
     .type = AG_OPTION_PATH,
     .required = true,
     .value_name = "X.npy",
     .doc = "The windows: an array whose first axis counts them"},
    {.name = "output",
     .letter = 'o',
     .type = AG_OPTION_PATH,
     .required = true,
     .value_name = "Y.npy",
     .doc = "Where the predictions go (float32)"},
    {.name = "bind",
     .type = AG_OPTION_PAIR,
     .repeated = true,
     .value_name = "NAME=F.npy",
     .doc = "Another input of the model by its name, such as observed_mask"},
    {.name = "result",
     .type = AG_OPTION_TEXT,
     .value_name = "NAME",
     .doc = "Which output, such as probabilities; of a distribution also mean (its default), quantile:0.9 and "
            "samples:100; else the first one by default"},
    {.name = "seed",
     .type = AG_OPTION_INT,
     .fallback = "0",
     .min = 0,
     .max = 9007199254740992.0,
     .doc = "Of what is drawn: samples, and the patches that a pretraining model hides"},
    {.name = "batch",
     .type = AG_OPTION_INT,
     .fallback = "256",
     .min = 1,
     .max = 1000000,
     .doc = "Windows that are in memory at once"},
    {.name = "threads",
     .letter = 't',
     .type = AG_OPTION_INT,
     .fallback = "0",
     .min = 1,
     .max = 1024,
     .doc = "Threads that compute; 0 takes every processor"},
    AG_OPTION_OF_DEVICE,
};

static const ag_option positionals[] = {
    {.name = "MODEL", .type = AG_OPTION_PATH, .required = true, .doc = "A model's directory or .safetensors file"},
};

static const ag_example examples[] = {
    {"model predict exit-model --input windows.npy --output heat.npy", "Run every window through a model"},
    {"model predict exit-model -i x.npy -o y.npy --threads 1 --batch 16", "On one core and in little memory"},
    {"model predict m -i x.npy -o y.npy --bind observed_mask=mask.npy", "With a mask of what was measured"},
    {"model predict m -i x.npy -o y.npy --result quantile:0.9",
     "What a likelihood model thinks is exceeded in 1 of 10"},
    {NULL, NULL},
};

enum { MAX_INPUTS = 8 };

typedef struct feed { /* an array that feeds one input */
    const ag_graph_port *port;
    ag_npy_file file;
    bool open;
    float *batch;
} feed;

typedef struct prediction {
    ag_pretrained *model;
    ag_pool *pool;
    ag_exec *exec;
    ag_results *results;
    ag_npy_writer *writer;
    ag_result result;
    feed feeds[MAX_INPUTS];
    int feed_count;
    float *out;
    int64_t batch, rows, not_finite;
    uint64_t seed;
} prediction;

static int check_shape(const feed *f, const char *path, int64_t rows, ag_err *err)
{
    const ag_npy *array = &f->file.array;
    char wanted[AG_SHAPE_TEXT];
    ag_shape_format(&f->port->shape, wanted);
    bool good = array->dimensions == (size_t)f->port->shape.axes + 1;
    for (int i = 0; good && i < f->port->shape.axes; i++) good = array->shape[i + 1] == (uint64_t)f->port->shape.at[i];
    if (!good) {
        ag_buf text;
        ag_buf_init(&text, 1024);
        for (size_t i = 0; i < array->dimensions; i++)
            ag_buf_addf(&text, "%s%llu", i ? ", " : "", (unsigned long long)array->shape[i]);
        ag_fail(err, AG_EINVAL,
                "%s has shape [%s], but input '%s' wants %s behind a first axis that counts the windows", path,
                text.data ? text.data : "", f->port->name, wanted);
        ag_buf_deinit(&text);
        if (array->dimensions == (size_t)f->port->shape.axes)
            return ag_err_hint(err, "one window alone needs a first axis of 1: x[None]");
        return (int)err->code;
    }
    if (rows >= 0 && array->shape[0] != (uint64_t)rows)
        return ag_fail(err, AG_EINVAL, "%s has %llu windows, but the input has %lld", path,
                       (unsigned long long)array->shape[0], (long long)rows);
    return 0;
}

/* Standard input, a pipe or a device. Arrays are mapped: of one in Fortran's order the first window needs the end. */
static bool is_stream(const char *path)
{
    ag_file_info info;
    if (strcmp(path, "-") == 0) return true;
    return ag_file_stat(path, &info, NULL) >= 0 && !info.is_regular && !info.is_directory;
}

static int open_feed(prediction *p, const char *name, const char *path, ag_err *err)
{
    const ag_graph *graph = p->model->model->graph;
    int32_t at = name ? ag_graph_input_find(graph, name) : 0;
    if (at < 0) return ag_fail(err, AG_ENOTFOUND, "the model has no input '%s'", name);
    if (p->feed_count == MAX_INPUTS) return ag_fail(err, AG_ELIMIT, "more than %d inputs are bound", MAX_INPUTS);
    feed *f = &p->feeds[p->feed_count++];
    f->port = ag_graph_input_at(graph, at);
    int rc = ag_npy_open(path, &f->file, err);
    if (rc < 0 && is_stream(path))
        return ag_err_hint(err, "standard input and pipes are not read: write the array to a file first");
    if (rc < 0) return rc;
    f->open = true;
    if ((rc = check_shape(f, path, p->feed_count > 1 ? p->rows : -1, err)) < 0) return rc;
    p->rows = (int64_t)f->file.array.shape[0];
    size_t count = (size_t)(f->port->size * p->batch);
    if (!(f->batch = ag_alloc_array(count, sizeof(float)))) return ag_fail_memory(err, count * sizeof(float));
    return ag_exec_input(p->exec, f->port->name, f->batch, err);
}

/* A slip must not cost a model's weights or a report: only arrays are written over. */
static int check_kind(const char *output, ag_err *err)
{
    char first[6] = {0};
    ag_reader *reader = NULL;
    if (strcmp(output, "-") == 0) {
        ag_fail(err, AG_EINVAL, "--output - would be standard output, which takes no array");
        return ag_err_hint(err, "name a file");
    }
    if (!ag_file_exists(output)) return 0;
    int rc = ag_replace_check(output, err);
    if (rc >= 0) rc = ag_reader_of_file(output, &reader, err);
    ptrdiff_t got = rc >= 0 ? ag_read_full(reader, first, sizeof first, err) : rc;
    ag_reader_close(reader);
    if (got <= 0 || memcmp(first, "\x93NUMPY", sizeof first) == 0) return got < 0 ? (int)got : 0;
    ag_fail(err, AG_EEXISTS, "--output %s is there and is no .npy file: it would be lost", output);
    return ag_err_hint(err, "name another file, or remove that one first");
}

/* Mapped inputs are read while the output grows; they would be gone at the end. */
static int check_output(ag_invocation *invocation, const char *input, ag_err *err)
{
    const char *output = ag_option_text(invocation, "output");
    char *a = NULL, *b = NULL;
    if (is_stream(input) || !ag_file_exists(input) || !ag_file_exists(output)) return 0; /* opening them will tell */
    int rc = ag_path_absolute(invocation->arena, input, &a, err);
    if (rc >= 0) rc = ag_path_absolute(invocation->arena, output, &b, err);
    if (rc >= 0 && strcmp(a, b) == 0) {
        rc = ag_fail(err, AG_EINVAL, "--output %s is an input, which would be lost", output);
        ag_err_hint(err, "write another file");
    }
    return rc;
}

static int open_feeds(ag_invocation *invocation, prediction *p, ag_err *err)
{
    size_t count;
    const ag_option_value *pairs = ag_option_values(invocation, "bind", &count);
    int rc = check_output(invocation, ag_option_text(invocation, "input"), err);
    if (rc >= 0) rc = check_kind(ag_option_text(invocation, "output"), err);
    if (rc >= 0) rc = open_feed(p, NULL, ag_option_text(invocation, "input"), err);
    for (size_t i = 0; i < count && rc >= 0; i++) {
        if ((rc = check_output(invocation, pairs[i].pair_value, err)) < 0) break;
        const char *name = ag_arena_strndup(invocation->arena, pairs[i].key.data, pairs[i].key.size);
        rc = name ? open_feed(p, name, pairs[i].pair_value, err) : ag_fail_memory(err, pairs[i].key.size);
    }
    return rc;
}

static int open_result(ag_invocation *invocation, prediction *p, ag_err *err)
{
    const ag_graph *graph = p->model->model->graph;
    ag_predictive predictive = ag_predictive_of(p->model->config.architecture, p->model->config.values);
    int rc = ag_result_find(graph, &predictive, ag_option_text(invocation, "result"), &p->result, err);
    if (rc < 0 || (rc = ag_results_new(graph, &predictive, p->exec, &p->results, err)) < 0) return rc;
    uint64_t shape[AG_MAX_AXES];
    for (int i = 0; i < p->result.shape.axes; i++) shape[i] = (uint64_t)p->result.shape.at[i];
    size_t count = (size_t)(p->result.size * p->batch);
    if (!(p->out = ag_alloc_array(count, sizeof(float)))) return ag_fail_memory(err, count * sizeof(float));
    if ((rc = ag_results_bind(p->results, p->result.name, p->out, err)) < 0) return rc;
    return ag_npy_writer_open(ag_option_text(invocation, "output"), AG_NPY_FLOAT32, shape, (size_t)p->result.shape.axes,
                              &p->writer, err);
}

/* Memory is for the windows that there are. */
static int64_t batch_of(ag_invocation *invocation)
{
    ag_npy_file file;
    int64_t batch = ag_option_int(invocation, "batch");
    if (ag_npy_open(ag_option_text(invocation, "input"), &file, NULL) < 0) return 1; /* opening the feed will tell */
    uint64_t rows = file.array.dimensions ? file.array.shape[0] : 1;
    ag_npy_close(&file);
    return rows < (uint64_t)batch ? (int64_t)(rows ? rows : 1) : batch;
}

static int open_exec(ag_invocation *invocation, prediction *p, ag_err *err)
{
    const ag_device *device = NULL;
    p->batch = batch_of(invocation);
    p->seed = (uint64_t)ag_option_int(invocation, "seed");
    unsigned threads = (unsigned)ag_option_int(invocation, "threads");
    if (!threads) threads = ag_cpu_count();
    int rc = ag_device_find(ag_option_text(invocation, "device"), &device, err);
    if (rc < 0) return rc;
    /* The pool's threads come beside the calling one. */
    if (threads > 1 && (rc = ag_pool_new(threads, &p->pool, err)) < 0) return rc;
    ag_plan_options plan = {.outputs = true, .max_samples = p->batch};
    return ag_exec_new(p->model->model->graph, &plan, p->model->model->values, device, p->pool, &p->exec, err);
}

static int predict_batch(ag_invocation *invocation, prediction *p, int64_t first, int64_t count, ag_err *err)
{
    for (int i = 0; i < p->feed_count; i++) {
        const feed *f = &p->feeds[i];
        int rc = ag_npy_to_float(&f->file.array, (size_t)(first * f->port->size), (size_t)(count * f->port->size),
                                 f->batch, err);
        if (rc < 0) return rc;
        ag_npy_passed(&f->file, (size_t)(first * f->port->size), (size_t)(count * f->port->size));
    }
    ag_device_run run = {.samples = count, .first_sample = first, .seed = p->seed, .cancel = invocation->cancel};
    int rc = ag_results_run(p->results, &run, err);
    if (rc < 0) return rc;
    for (int64_t i = 0; i < count * p->result.size; i++) p->not_finite += !isfinite(p->out[i]);
    return ag_npy_writer_add(p->writer, p->out, (uint64_t)count, err);
}

static int predict_all(ag_invocation *invocation, prediction *p, ag_err *err)
{
    int rc = 0;
    ag_progress *progress = ag_begin_progress(invocation, "windows", (uint64_t)p->rows);
    for (int64_t first = 0; first < p->rows && rc >= 0; first += p->batch) {
        int64_t count = p->rows - first < p->batch ? p->rows - first : p->batch;
        if ((rc = ag_cancel_check(invocation->cancel, err)) < 0) break;
        rc = predict_batch(invocation, p, first, count, err);
        if (rc >= 0) ag_progress_add(progress, (uint64_t)count, (uint64_t)(count * p->result.size) * sizeof(float));
    }
    ag_progress_free(progress);
    return rc < 0 ? rc : ag_npy_writer_commit(p->writer, err);
}

static int report(ag_invocation *invocation, const prediction *p, int64_t elapsed, ag_err *err)
{
    char shape[AG_SHAPE_TEXT];
    double seconds = (double)elapsed / 1e6;
    if (p->not_finite) ag_note(invocation, "%lld predicted numbers are not finite", (long long)p->not_finite);
    if (!ag_wants_json(invocation)) {
        ag_print(invocation, "%lld windows, %s each, in %.3f s\n", (long long)p->rows,
                 ag_shape_format(&p->result.shape, shape), seconds);
        return 0;
    }
    ag_buf buf;
    ag_buf_init(&buf, 1 << 16);
    ag_json json = ag_json_writer(&buf, 0, AG_JSON_REFUSE_NONFINITE);
    ag_json_begin_object(&json);
    ag_json_put_int(&json, "windows", p->rows);
    ag_json_put_text(&json, "result", p->result.name);
    ag_json_put_int(&json, "not_finite", p->not_finite);
    ag_json_put_real(&json, "seconds", seconds);
    ag_json_put_int(&json, "memory_bytes", ag_exec_bytes(p->exec) + ag_results_bytes(p->results));
    ag_json_end_object(&json);
    int rc = ag_print_json(invocation, &json, &buf, err);
    ag_buf_deinit(&buf);
    return rc;
}

static void close_all(prediction *p)
{
    for (int i = 0; i < p->feed_count; i++) {
        if (p->feeds[i].open) ag_npy_close(&p->feeds[i].file);
        ag_free(p->feeds[i].batch);
    }
    ag_npy_writer_free(p->writer);
    ag_results_free(p->results);
    ag_exec_free(p->exec);
    ag_pool_free(p->pool);
    ag_free(p->out);
    ag_pretrained_free(p->model);
}

static int run(ag_invocation *invocation, ag_err *err)
{
    prediction p = {0};
    int rc = ag_pretrained_load(ag_option_text(invocation, "MODEL"), NULL, &p.model, err);
    if (rc < 0 || (rc = open_exec(invocation, &p, err)) < 0) goto out;
    if ((rc = open_feeds(invocation, &p, err)) < 0 || (rc = open_result(invocation, &p, err)) < 0) goto out;
    int64_t start = ag_monotonic();
    if ((rc = predict_all(invocation, &p, err)) < 0) goto out;
    rc = report(invocation, &p, ag_monotonic() - start, err);
out:
    if (rc == AG_ENOMEM && p.batch > 1) rc = ag_err_hint(err, "lower --batch, which is %lld", (long long)p.batch);
    close_all(&p);
    return rc;
}

const ag_command ag_command_model_predict = {
    .path = "model predict",
    .summary = "Run the windows of an array through a model",
    .doc =
        "Reads an array of windows (NumPy's .npy, any numeric type, batch first), computes the model's output for each "
        "and writes them as another array. Only one batch is in memory at a time; the output file appears when it is "
        "complete.\n"
        "\n"
        "A model of a distribution (loss nll) gives its mean; --result asks for quantiles, drawn samples or the "
        "distribution's parameters, and of a classification for the probabilities.\n"
        "\n"
        "The result has the same bits for any number of threads and any batch size.",
    .options = AG_OPTIONS(options),
    .positionals = AG_OPTIONS(positionals),
    .examples = examples,
    .run = run,
};
