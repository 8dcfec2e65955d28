// SPDX-License-Identifier: Apache-2.0
#pragma once
/* training.h: train a model from a configuration and a directory of data, and predict with what comes out.
 *
 *     auger_error error;
 *     auger_builder *builder;
 *     auger_result *result;
 *     if (auger_builder_new(&builder, &error) < 0) ...
 *     auger_builder_data(builder, "prepared", &error);
 *     auger_builder_output(builder, "out", &error);
 *     auger_builder_set(builder, "training_config.epochs=20", &error);
 *     auger_builder_tracker(builder, "home", NULL, &error);
 *     if (auger_builder_build(builder, &result, &error) < 0) ...
 *     auger_answer answer;
 *     if (auger_result_predict_file(result, "hole.xls", &answer, &error) < 0) ...
 *
 * The same work as `auger train`: the same files in the output directory, the same run in the ledger, the same bits.
 * docs/c-api-training.md is a tour.
 *
 * Threads: a builder belongs to one thread at a time, but for auger_builder_cancel(), which any may call. A result is
 * read by any number of threads at once. Functions return 0, or a negative number and a text in *error (error.h). NULL
 * in place of a builder, a result or a stream, as a failed call has left it, is such a failure; asked what it is, such
 * a result answers NULL and 0. */
#include <stddef.h>
#include <stdint.h>

#include "auger/error.h"
#include "auger/ledger.h"
#include "auger/version.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct auger_builder auger_builder;
typedef struct auger_result auger_result;

/* ---- the builder: what, from what, and who looks on; texts are copied ---- */

AUGER_API int auger_builder_new(auger_builder **out, auger_error *error);
AUGER_API void auger_builder_free(auger_builder *builder); /* NULL is fine */

/* Required: a directory that `auger prepare` made, or what else the strategy reads. */
AUGER_API int auger_builder_data(auger_builder *builder, const char *path, auger_error *error);
/* Required: where the model and all that belongs to it goes; made when absent. */
AUGER_API int auger_builder_output(auger_builder *builder, const char *directory, auger_error *error);
/* "patchtsmixer_24cv", "forecast", "exec", or the path of a plug-in (plugin.h) [what the settings say]. */
AUGER_API int auger_builder_strategy(auger_builder *builder, const char *strategy, auger_error *error);
/* The settings: a YAML file, or its text; the later call counts [every default]. */
AUGER_API int auger_builder_settings_file(auger_builder *builder, const char *path, auger_error *error);
AUGER_API int auger_builder_settings_text(auger_builder *builder, const char *yaml, auger_error *error);
/* Over them, as often as wanted: "training_config.epochs=20". */
AUGER_API int auger_builder_set(auger_builder *builder, const char *assignment, auger_error *error);
/* Records the training as a run: in the ledger of a home directory (NULL: the database alone, with artifacts in the
 * output directory), which is made when absent; `database` is a URL, or NULL for the one in the home. Or on a server:
 * `home` "http://host:5000", of `auger serve` or of MLflow, and `database` NULL. */
AUGER_API int auger_builder_tracker(auger_builder *builder, const char *home, const char *database, auger_error *error);
/* Records on a server, with a token, a spool directory ... (ledger.h; NULL: the defaults, and a spool of a GiB). What
 * is to be recorded waits in the spool while the server is away: the training goes on, and at its end waits some
 * seconds for it. What is left then is told as a remark, and delivered by the next build, or whoever else opens the
 * same ledger with the same spool. The experiment is that of the settings. */
AUGER_API int auger_builder_server(auger_builder *builder, const char *address, const auger_ledger_options *options,
                                   auger_error *error);
/* Checkpoints are kept every `seconds` (0: as the settings say; below 0: never); `resume` 1 goes on from those of an
 * earlier build into the same output. */
AUGER_API int auger_builder_checkpoints(auger_builder *builder, double seconds, int resume, auger_error *error);
/* The model becomes a version of this registered model, with an alias when it is not NULL. Wants a tracker. When that
 * is refused the training has succeeded all the same: auger_result_model_version() is NULL, a remark tells why. */
AUGER_API int auger_builder_registry(auger_builder *builder, const char *model, const char *alias, auger_error *error);
/* Threads that compute [every processor]. The result does not depend on it. */
AUGER_API int auger_builder_threads(auger_builder *builder, unsigned threads, auger_error *error);

typedef enum auger_event_kind {
    AUGER_EVENT_PHASE,    /* text: "data", "training", "validation", "export" */
    AUGER_EVENT_REMARK,   /* text: one line for people */
    AUGER_EVENT_TRAINING, /* one begins; of several (folds), index of count */
    AUGER_EVENT_STEP,     /* loss, learning_rate, gradient_norm */
    AUGER_EVENT_EPOCH,    /* train_loss, val_loss too */
    AUGER_EVENT_TRAINED,
    AUGER_EVENT_METRIC, /* text: its name, value: a result */
} auger_event_kind;

/* What is not known is NaN, -1 or NULL. Texts are borrowed for the call. */
typedef struct auger_event {
    auger_event_kind kind;
    const char *text;
    double value;
    const char *training;  /* its name: "model", "fold-03" */
    int64_t index, count;  /* from 0 */
    int64_t epoch, epochs; /* epoch from 1 */
    int64_t step, steps;
    double loss, train_loss, val_loss, learning_rate, gradient_norm, samples_per_second, remaining_seconds;
} auger_event;

/* Called by the thread that builds and by threads of its own, one call after the other. Anything but 0 stops the
 * training as auger_builder_cancel() does. */
typedef int (*auger_monitor)(void *context, const auger_event *event);
AUGER_API int auger_builder_monitor(auger_builder *builder, auger_monitor monitor, void *context, auger_error *error);

/* Trains, and returns when it is done. The builder can build again, with other settings. Stopped, it fails with
 * AUGER_ECANCELLED; with resume a later build goes on from its checkpoints. */
AUGER_API int auger_builder_build(auger_builder *builder, auger_result **out, auger_error *error);
/* Stops the build under way, or the next one when none is; any thread. */
AUGER_API void auger_builder_cancel(auger_builder *builder);

/* ---- the result: what it is ---- */

AUGER_API void auger_result_free(auger_result *result); /* NULL is fine */

/* Borrowed from the result; NULL: there is none. */
AUGER_API const char *auger_result_strategy(const auger_result *result);
AUGER_API const char *auger_result_experiment(const auger_result *result);    /* its name */
AUGER_API const char *auger_result_run(const auger_result *result);           /* its id, as the ledger calls it */
AUGER_API const char *auger_result_data_sha256(const auger_result *result);   /* of what it was trained on */
AUGER_API const char *auger_result_model_version(const auger_result *result); /* "depth/3" */
AUGER_API const char *auger_result_checkpoint(const auger_result *result);    /* the directory of checkpoints */
AUGER_API const char *auger_result_model_dir(const auger_result *result);     /* for auger_model_load() and commands */
AUGER_API const char *auger_result_settings(const auger_result *result);      /* the effective ones, as YAML */
AUGER_API int64_t auger_result_parameters(const auger_result *result);        /* numbers it has learned */

/* The name of metric `index`, NULL behind the last one; *value (may be NULL) is filled. */
AUGER_API const char *auger_result_metric(const auger_result *result, size_t index, double *value);
/* 1 when there is a metric of this name. */
AUGER_API int auger_result_metric_by_name(const auger_result *result, const char *name, double *value);

/* ---- forecasting, with models of strategy forecast ---- */

/* What comes behind the last row. Free it with auger_forecast_free(). */
typedef struct auger_forecast {
    size_t steps, columns;
    const char *const *names; /* of the columns */
    const double *value;      /* [steps][columns], in units of the series */
    const double *low, *high; /* the interval of each value; NULL: the model keeps none */
    double coverage;          /* of the intervals; 0: there are none */
    const int64_t *times;     /* [steps], microseconds since 1970; NULL: the rows have no times, or uneven ones */
} auger_forecast;

/* The column that stands at `index` in a row, NULL behind the last one; *context (may be NULL) is filled with the rows
 * that a forecast needs. NULL and 0 for a model that is no forecaster. */
AUGER_API const char *auger_result_column(auger_result *result, size_t index, size_t *context);
/* Behind the last of `count` rows of numbers, [count][columns] in the order of auger_result_column(); NaN is a missing
 * number, and is filled only when the model was trained with data_config.missing: previous or linear. `coverage` 0:
 * 0.9, or whatever `auger predict --coverage` takes. */
AUGER_API int auger_result_forecast(auger_result *result, const double *rows, size_t count, double coverage,
                                    auger_forecast **out, auger_error *error);
/* Behind the last row of a file, as `auger predict` does: its columns are found by name. */
AUGER_API int auger_result_forecast_file(auger_result *result, const char *path, double coverage, auger_forecast **out,
                                         auger_error *error);
AUGER_API void auger_forecast_free(auger_forecast *forecast); /* NULL is fine */

/* ---- predicting, with models of drilling holes; others: auger_model_load(auger_result_model_dir(result)) ---- */

typedef enum auger_outcome {
    AUGER_OUTCOME_UNKNOWN, /* the model abstains; `reason` says why */
    AUGER_OUTCOME_FOUND,
    AUGER_OUTCOME_NO_EXIT, /* it seized, or the recording ends inside */
    AUGER_OUTCOME_EMPTY,   /* nothing was cut */
} auger_outcome;

typedef struct auger_depth { /* mm of the tool's tip; NaN: there is none */
    double mm;
    double low, high;  /* holds the truth nine times of ten */
    double confidence; /* 0 to 1 */
} auger_depth;

typedef struct auger_answer {
    auger_outcome outcome;
    auger_depth entry, transition, exit;
    double confidence; /* of the whole */
    int grip_code;     /* 0: none */
    char reason[248];  /* may be empty */
} auger_answer;

/* The samples of a hole. Every array holds `count` numbers. */
typedef struct auger_hole_samples {
    size_t count;
    double rate;          /* samples per second; 0: 100 */
    const double *depth;  /* mm of the tool along the feed axis, growing into the part */
    const double *torque; /* A above idle */
    const double *thrust; /* A above idle */
    const int32_t *step;  /* of the program; NULL: one step */
} auger_hole_samples;

/* Of strategy exec: the settings whose data_config.predict answers for holes; of a plug-in: settings whose strategy is
 * the object's path. A result that was built here knows them; one that was loaded never runs a program or loads code by
 * itself. Before the first prediction. */
AUGER_API int auger_result_program(auger_result *result, const char *settings, auger_error *error);

/* One hole. A file that cannot be read is a failure. */
AUGER_API int auger_result_predict_file(auger_result *result, const char *path, auger_answer *answer,
                                        auger_error *error);
AUGER_API int auger_result_predict(auger_result *result, const auger_hole_samples *hole, auger_answer *answer,
                                   auger_error *error);
/* Many at once, which is faster. One that cannot be read is AUGER_OUTCOME_UNKNOWN, and the others are answered. */
AUGER_API int auger_result_predict_files(auger_result *result, const char *const *paths, size_t count,
                                         auger_answer *answers, auger_error *error);
AUGER_API int auger_result_predict_batch(auger_result *result, const auger_hole_samples *holes, size_t count,
                                         auger_answer *answers, auger_error *error);

/* A hole that is being drilled: samples come in pieces, and an answer can be had between them. An exit is told when the
 * torque has fallen behind it, not before. A piece is taken whole or refused, and what came before it stays. One thread
 * at a time. */
typedef struct auger_stream auger_stream;
AUGER_API int auger_stream_open(auger_result *result, double rate, auger_stream **out, auger_error *error);
AUGER_API int auger_stream_add(auger_stream *stream, const auger_hole_samples *more, auger_error *error);
AUGER_API int auger_stream_answer(auger_stream *stream, auger_answer *answer, auger_error *error);
AUGER_API void auger_stream_reset(auger_stream *stream); /* the next hole */
AUGER_API void auger_stream_free(auger_stream *stream);  /* before its result; NULL is fine */

/* ---- keeping it ---- */

/* Everything above, into a directory that is made; the model's files below model/. */
AUGER_API int auger_result_save(const auger_result *result, const char *directory, auger_error *error);
/* From there, or from the output directory of a training by `auger train`. */
AUGER_API int auger_result_load(const char *directory, auger_result **out, auger_error *error);
/* The same as one piece of bytes, with a hash over all; free it with auger_bytes_free(). */
AUGER_API int auger_result_serialise(const auger_result *result, void **bytes, size_t *size, auger_error *error);
/* Bytes may come from anywhere: what is broken or hostile is refused. Its files go into a new directory below
 * `directory` (NULL: the system's for temporary files), which is removed with the result. */
AUGER_API int auger_result_deserialise(const void *bytes, size_t size, const char *directory, auger_result **out,
                                       auger_error *error);
AUGER_API void auger_bytes_free(void *bytes);

#ifdef __cplusplus
}
#endif
