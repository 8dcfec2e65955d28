// SPDX-License-Identifier: Apache-2.0
#pragma once
/* model.h: load a trained model and predict with it.
 *
 *     auger_error error;
 *     auger_model *model;
 *     auger_context *context;
 *     if (auger_model_load("exit-model", &model, &error) < 0) ...
 *     if (auger_context_new(model, NULL, &context, &error) < 0) ...
 *     if (auger_predict(context, windows, 40, heat, &error) < 0) ...
 *
 * A model is constant after loading and is shared by any number of threads. A context is the memory of one prediction
 * at a time: give each thread its own. After auger_context_new() nothing is allocated. Predictions have the same bits
 * in every context, with any number of threads and however samples are grouped into calls.
 *
 * Functions return 0, or a negative number and a text in *error (error.h), which may be NULL. */
#include <stddef.h>
#include <stdint.h>

#include "auger/error.h"
#include "auger/version.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct auger_model auger_model;
typedef struct auger_context auger_context;

/* An input or output. Arrays are float32, row-major, batch first: [samples, shape[0], shape[1], ...]. */
typedef struct auger_port {
    const char *name; /* "past_values" */
    int axes;
    int64_t shape[8]; /* of one sample */
    int64_t size;     /* numbers of one sample: the product of the shape */
    int optional;     /* 1: an input that may stay unbound */
} auger_port;

/* `path`: a directory with config.json and model.safetensors, or a .safetensors file that carries its configuration.
 * The caller frees the model; contexts keep it alive for as long as they need it. */
AUGER_API int auger_model_load(const char *path, auger_model **out, auger_error *error);
/* Writes the two files into a directory, which is made if absent. Each file is replaced as a whole. */
AUGER_API int auger_model_save(const auger_model *model, const char *directory, auger_error *error);
AUGER_API void auger_model_free(auger_model *model); /* NULL is fine */

/* Borrowed from the model; NULL behind the last one. The first input is that of auger_predict(), the first output too
 * unless the context says otherwise. Of a model that gives the parameters of a distribution the first output is "mean";
 * "quantile:0.9" (any number between 0 and 1), "samples" and "samples:20" can be asked for as well, though they are not
 * listed. */
AUGER_API const auger_port *auger_model_input(const auger_model *model, size_t index);
AUGER_API const auger_port *auger_model_output(const auger_model *model, size_t index);
AUGER_API const char *auger_model_type(const auger_model *model);   /* "patchtsmixer" */
AUGER_API int64_t auger_model_parameters(const auger_model *model); /* how many numbers it has learned */

/* Zeros mean the defaults. */
typedef struct auger_context_options {
    int64_t max_samples; /* of one call [1024] */
    unsigned threads;    /* that compute; they sleep between calls [1: the calling thread alone] */
    const char *device;  /* "cpu" [the best one there is] */
    const char *result;  /* what auger_predict() gives: "probabilities", "quantile:0.9", ... [the first output] */
    uint64_t seed;       /* of what is drawn: samples, and the patches that a pretraining model hides */
} auger_context_options;

/* `options` may be NULL. */
AUGER_API int auger_context_new(auger_model *model, const auger_context_options *options, auger_context **out,
                                auger_error *error);
AUGER_API void auger_context_free(auger_context *context);           /* NULL is fine */
AUGER_API int64_t auger_context_bytes(const auger_context *context); /* memory that it computes in */
/* What auger_predict() gives; borrowed from the context. */
AUGER_API const auger_port *auger_context_result(const auger_context *context);

/* Where an input is read and an output is written from now on; NULL unbinds. Each array holds samples * size numbers in
 * every later call. What is not bound is not copied. */
AUGER_API int auger_bind_input(auger_context *context, const char *name, const float *values, auger_error *error);
AUGER_API int auger_bind_output(auger_context *context, const char *name, float *values, auger_error *error);
/* Computes what is bound, for 1 to max_samples samples. */
AUGER_API int auger_run(auger_context *context, int64_t samples, auger_error *error);
/* The first input and the context's result, bound for this call only; any number of samples from 0, in pieces of
 * max_samples. Other inputs and outputs that are bound must hold as many samples. */
AUGER_API int auger_predict(auger_context *context, const float *input, int64_t samples, float *output,
                            auger_error *error);

#ifdef __cplusplus
}
#endif
