// SPDX-License-Identifier: Apache-2.0
/* settings_folds.c: the keys of a training of several models: folds, pretraining, ensemble, registration. */
#include "learn/settings.h"

static const char *const kinds[] = {"stratified", "head", "machine", "program", "folder", NULL};
static const char *const votings[] = {"mean", "median", "weighted", "stacked", NULL};
static const char *const methods[] = {"masked", "shapes", "both", "simulated", NULL};
static const char *const stages[] = {"None", "Staging", "Production", "Archived", NULL};

#define AT(member) offsetof(ag_settings_folds, member)
static const ag_field folds_fields[] = {
    {.name = "enabled",
     .type = AG_FIELD_BOOL,
     .offset = AT(enabled),
     .fallback = "true",
     .doc = "A model per fold; else one model, judged by validation_split."},
    {.name = "n_folds",
     .type = AG_FIELD_INT,
     .offset = AT(count),
     .fallback = "24",
     .min = 2,
     .max = 1000,
     .doc = "Parts that the labelled holes are dealt into; each model is judged by one and learns from the others."},
    {.name = "strategy",
     .type = AG_FIELD_CHOICE,
     .offset = AT(kind),
     .fallback = "stratified",
     .choices = kinds,
     .doc = "How they are dealt. Near-twins stay together and every fold gets its share of each program in any case; "
            "the others keep all holes of a head, a machine, a program or a folder together."},
    {.name = "folds",
     .type = AG_FIELD_LIST,
     .item = AG_FIELD_INT,
     .offset = AT(wanted),
     .doc = "Only these are trained and make the model, counted from 1; empty: all. Also --folds."},
};
const ag_description ag_settings_folds_description = {.name = "cross_validation",
                                                      .doc = "Folds.",
                                                      .size = sizeof(ag_settings_folds),
                                                      .fields = folds_fields,
                                                      .count = sizeof folds_fields / sizeof *folds_fields,
                                                      .when_true = "{enabled: true}",
                                                      .when_false = "{enabled: false}"};
#undef AT

#define AT(member) offsetof(ag_settings_pretrain, member)
static const ag_field pretrain_fields[] = {
    {.name = "enabled",
     .type = AG_FIELD_BOOL,
     .offset = AT(enabled),
     .fallback = "false",
     .doc = "The models begin with what was learned from all holes, labelled or not, or from simulated ones."},
    {.name = "method",
     .type = AG_FIELD_CHOICE,
     .offset = AT(method),
     .fallback = "both",
     .choices = methods,
     .doc = "What is learned before: from all holes to find hidden patches (masked), to say what the change-point "
            "labeller says, a physical rule that knows no label (shapes), or one after the other (both); or where the "
            "points of the simulated holes of data_config.simulated are (simulated)."},
    {.name = "epochs",
     .type = AG_FIELD_INT,
     .offset = AT(epochs),
     .fallback = "20",
     .min = 1,
     .max = 1e9,
     .doc = "Times that every hole is seen, at most."},
    {.name = "patience",
     .type = AG_FIELD_INT,
     .offset = AT(patience),
     .fallback = "5",
     .min = 0,
     .max = 1e9,
     .doc = "Epochs without progress after which it is over; 0 goes on to the last epoch."},
    {.name = "batch_size",
     .type = AG_FIELD_INT,
     .offset = AT(batch_size),
     .fallback = "0",
     .min = 0,
     .max = 1e7,
     .doc = "Windows that are in memory at once; 0: as in training_config."},
    {.name = "learning_rate",
     .type = AG_FIELD_REAL,
     .offset = AT(learning_rate),
     .fallback = "0",
     .min = 0,
     .max = 1e6,
     .doc = "Its greatest value; 0: as in training_config."},
    {.name = "mask_ratio",
     .type = AG_FIELD_REAL,
     .offset = AT(mask_ratio),
     .fallback = "0.4",
     .min = 0.01,
     .max = 0.95,
     .doc = "The share of patches that is hidden."},
};
const ag_description ag_settings_pretrain_description = {
    .name = "pretrain",
    .doc = "Pretraining on holes without labels, or on simulated ones.",
    .size = sizeof(ag_settings_pretrain),
    .fields = pretrain_fields,
    .count = sizeof pretrain_fields / sizeof *pretrain_fields,
    .when_true = "{enabled: true}",
    .when_false = "{enabled: false}"};
#undef AT

#define AT(member) offsetof(ag_settings_ensemble, member)
static const ag_field ensemble_fields[] = {
    {.name = "voting",
     .type = AG_FIELD_CHOICE,
     .offset = AT(voting),
     .fallback = "weighted",
     .choices = votings,
     .doc = "Of several answers: their mean, their median, a mean weighted by how well each model did on its own fold, "
            "or weights fitted to the holes that a model had not seen."},
    {.name = "members",
     .type = AG_FIELD_LIST,
     .item = AG_FIELD_VALUE,
     .offset = AT(members),
     .doc = "Of ensemble_voting: a model_config for each architecture that votes; empty: a mixer, a transformer and a "
            "recurrent model."},
};
const ag_description ag_settings_ensemble_description = {.name = "ensemble",
                                                         .doc = "Several models that answer as one.",
                                                         .size = sizeof(ag_settings_ensemble),
                                                         .fields = ensemble_fields,
                                                         .count = sizeof ensemble_fields / sizeof *ensemble_fields};
#undef AT

#define AT(member) offsetof(ag_settings_register, member)
static const ag_field register_fields[] = {
    {.name = "name",
     .type = AG_FIELD_TEXT,
     .offset = AT(name),
     .doc = "The registered model, made when there is none; absent: nothing is registered."},
    {.name = "description", .type = AG_FIELD_TEXT, .offset = AT(description), .doc = "Of the new version."},
    {.name = "alias", .type = AG_FIELD_TEXT, .offset = AT(alias), .doc = "A name that the new version gets."},
    {.name = "stage",
     .type = AG_FIELD_TEXT,
     .offset = AT(stage),
     .fallback = "None",
     .choices = stages,
     .doc = "The stage that the new version gets."},
};
const ag_description ag_settings_register_description = {.name = "register",
                                                         .doc = "Where the model is registered.",
                                                         .size = sizeof(ag_settings_register),
                                                         .fields = register_fields,
                                                         .count = sizeof register_fields / sizeof *register_fields,
                                                         .when_false = "{}"};
#undef AT
