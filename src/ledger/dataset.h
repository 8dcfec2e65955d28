// SPDX-License-Identifier: Apache-2.0
#pragma once
/* dataset.h: versions of data sets by name: numbers, tags, parents, splits, and who made them. What is in a version is
 * told by its digest, the SHA-256 of its manifest, which lies in a blob store (data/dataset/). A version never changes;
 * a tag may move. */
#include "ledger/ledger.h"
#include "ledger/run.h"

enum { AG_DATASET_NAME_MAX = 100, AG_DATASET_TAG_MAX = 100, AG_DATASET_SHORT = 32 };

typedef struct ag_dataset_new {
    ag_str name;
    const char *digest; /* 64 hex digits */
    const char *source; /* what was added */
    const char *message;
    const char *author;
    const char *tag; /* NULL: none */
    int64_t files, bytes, holes, labelled, rows;
} ag_dataset_new;

typedef struct ag_dataset_version {
    int64_t id; /* of the row; for splits */
    const char *name;
    int64_t number; /* v1, v2 ... */
    const char *digest;
    int64_t parent; /* 0: the first */
    const char *source, *message;
    const char *author; /* may be NULL */
    int64_t created_at;
    int64_t files, bytes, holes, labelled, rows;
    const char *const *tags;
    size_t tag_count;
} ag_dataset_version;

typedef struct ag_dataset_versions {
    const ag_dataset_version *items;
    size_t count;
} ag_dataset_versions;

/* AG_EINVAL unless it is letters, digits, '.', '_' and '-', begins with a letter or digit, and fits. */
int ag_dataset_name_check(ag_str name, ag_err *err);
/* The same, and nothing that could mean a version: "v3", "3", "latest", six or more hex digits. */
int ag_dataset_tag_check(ag_str tag, ag_err *err);

/* 1: a new version; 0: the name has a version of this digest, which *out is (and which gets the tag). The number is the
 * next, the parent the newest before it. Any number may add at once. */
int ag_dataset_add(ag_ledger *ledger, const ag_actor *actor, const ag_dataset_new *added, ag_arena *arena,
                   ag_dataset_version *out, ag_err *err);
/* "NAME" (the newest), "NAME@v3", "NAME@3", "NAME@latest", "NAME@TAG", "NAME@9f2ab1" (the beginning of a digest). */
int ag_dataset_find(ag_ledger *ledger, ag_str reference, ag_arena *arena, ag_dataset_version *out, ag_err *err);
/* All versions, of all names when `name` is empty, by name and number. */
int ag_dataset_list(ag_ledger *ledger, ag_str name, ag_arena *arena, ag_dataset_versions *out, ag_err *err);

/* A tag that names another version stays unless `move` (AG_ECONFLICT). */
int ag_dataset_tag(ag_ledger *ledger, const ag_actor *actor, const ag_dataset_version *version, ag_str tag, bool move,
                   ag_err *err);
int ag_dataset_untag(ag_ledger *ledger, const ag_actor *actor, ag_str name, ag_str tag, ag_err *err);

typedef struct ag_dataset_split {
    const char *name;
    const char *digest;  /* of its table, in the blob store */
    const char *options; /* JSON: what makes it again */
    const char *report;  /* JSON: how well it came out */
    const char *author;  /* may be NULL */
    int64_t created_at;
} ag_dataset_split;

/* The same name with the same digest again is fine; with another it is AG_ECONFLICT. */
int ag_dataset_split_add(ag_ledger *ledger, const ag_actor *actor, const ag_dataset_version *version,
                         const ag_dataset_split *split, ag_err *err);
/* By name; all with an empty one. */
int ag_dataset_splits(ag_ledger *ledger, const ag_dataset_version *version, ag_str name, ag_arena *arena,
                      const ag_dataset_split **out, size_t *count, ag_err *err);

/* What a run that reads this version logs with ag_run_log_inputs(): by this the lineage finds it. */
int ag_dataset_input(const ag_dataset_version *version, ag_arena *arena, ag_run_input *out, ag_err *err);
