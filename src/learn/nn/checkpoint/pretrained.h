// SPDX-License-Identifier: Apache-2.0
#pragma once
/* pretrained.h: a model as it lies on disk and back. A directory with config.json and model.safetensors, as Hugging
 * Face saves and loads it (the tensors may lie in several files with an index); or one file NAME.safetensors that
 * carries its configuration in its metadata (or has a config.json beside it). A tensor that is missing, unknown or of
 * another shape refuses the whole, by name: nothing is ever filled in. So does a weight that is not a finite number:
 * such a model answers nothing. */
#include "core/base/arena.h"
#include "core/base/err.h"
#include "learn/nn/architecture.h"
#include "learn/nn/checkpoint/config.h"
#include "learn/nn/checkpoint/safetensors.h"
#include "learn/nn/model.h"

#define AG_CONFIG_FILE "config.json"
#define AG_WEIGHTS_FILE "model.safetensors"
#define AG_INDEX_FILE "model.safetensors.index.json"

typedef struct ag_pretrained {
    ag_model_config config; /* in the arena */
    ag_model *model;
    ag_arena *arena;
    const char *weights; /* path of the file that held the tensors, or of their index */
    uint64_t file_size;  /* of all files with tensors */
} ag_pretrained;

/* `building` may be NULL: forward only. */
int ag_pretrained_load(const char *path, const ag_building *building, ag_pretrained **out, ag_err *err);
void ag_pretrained_free(ag_pretrained *pretrained);

/* The two files into a directory, which is made; config.json last, so that a directory with both has whole ones.
 * Unknown keys of the configuration are written back. */
int ag_pretrained_save(const char *directory, const ag_model_config *config, const ag_model *model, ag_err *err);
/* One file with the configuration inside. */
int ag_pretrained_save_file(const char *path, const ag_model_config *config, const ag_model *model, ag_err *err);

/* ---- parts, for training checkpoints and tools ---- */

/* config.json and tensors of a directory or file, checked against each other only as far as the head's choice needs. */
typedef struct ag_model_files {
    ag_model_config config;
    ag_safetensors *tensors;
    const char *weights;   /* path, of the index if there are several files */
    const char *described; /* path of the file that the configuration stands in */
    uint64_t size;         /* of the file or files with tensors */
} ag_model_files;
int ag_model_files_open(ag_arena *arena, const char *path, ag_model_files *out, ag_err *err);
void ag_model_files_close(ag_model_files *files);
/* The graph that the configuration describes, whose parameters are the tensors; a refusal names the file. */
int ag_model_files_graph(const ag_model_files *files, const ag_building *building, ag_graph **out, ag_err *err);

/* Every parameter of the graph with its prefix ("" for none) has its tensor of the right shape and a fitting type, and
 * no tensor is left over. */
int ag_tensors_match(const ag_safetensors *tensors, const ag_graph *graph, const char *const *prefixes,
                     int prefixes_count, ag_err *err);
/* Into a flat array of the graph's parameters; after a match. */
void ag_tensors_load(const ag_safetensors *tensors, const ag_graph *graph, const char *prefix, ag_real *flat);
/* All numbers of a flat array are finite, or the first tensor that has others is named. */
int ag_tensors_check_finite(const ag_graph *graph, const ag_real *flat, ag_err *err);
/* The other way: what ag_safetensors_write() takes. Names from the arena. `exact`: reals in the engine's precision,
 * which is F64 in the test build in double; else F32, as others read them. */
int ag_tensors_describe(ag_arena *arena, const ag_graph *graph, const char *prefix, const ag_real *flat, bool exact,
                        ag_vec *sources, ag_err *err);
