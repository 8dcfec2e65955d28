// SPDX-License-Identifier: Apache-2.0
#pragma once
/* legacy_settings.h: the keys of the strategy legacy_patchtsmixer, and the file beside its weights. */
#include "core/doc/describe.h"
#include "core/doc/json.h"
#include "learn/drilling/legacy.h"

typedef struct ag_legacy_reference_keys {
    const char *file; /* a table; NULL: the numbers below */
    int64_t rows;
    ag_list mean, deviation; /* double, 15 each */
    bool training_rows;      /* nothing was said: the rows of the training holes are it */
} ag_legacy_reference_keys;

typedef struct ag_legacy_data {
    const char *model; /* an existing checkpoint; NULL: one is trained */
    double local;
    bool predrilled;
    ag_legacy_reference_keys reference;
    double target_height, target_rows;
    int64_t windows;
    int group_by; /* ag_drilling_grouping */
    const char *truth;
} ag_legacy_data;
extern const ag_description ag_legacy_data_description;

/* The settings of the pipeline that the keys stand for; reads the table of the reference. */
int ag_legacy_settings_of(const ag_legacy_data *data, ag_legacy_settings *out, ag_err *err);

/* The object "legacy" of AG_STRATEGY_FILE. load() leaves `into` as it is when there is no such file. */
void ag_legacy_settings_write(const ag_legacy_settings *settings, ag_json *json);
int ag_legacy_settings_load(const char *model_dir, ag_legacy_settings *into, ag_err *err);
