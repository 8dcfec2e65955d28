// SPDX-License-Identifier: Apache-2.0
/* run_input.c: what a run read (data sets, logged models) and made (logged models): the edges of lineage.
 * A data set is kept once per experiment by (name, digest). Linking it to a run a second time changes nothing, so the
 * first tags stay. */
#include <string.h>

#include "ledger/run_private.h"
#include "ledger/statement.h"
#include "ledger_sql.h"

typedef struct job {
    ag_str id;
    const ag_run_input *inputs;
    size_t count;
    const ag_run_model *models;
    size_t model_count;
    bool is_output;
} job;

static int check_size(const char *text, const char *what, size_t max, bool required, ag_err *err)
{
    size_t size = text ? ag_utf8_count(ag_str_of(text)) : 0;
    if (required && size == 0) {
        return ag_fail(err, AG_EINVAL,
                       "Missing value for required parameter '%s'. See the API docs for more information "
                       "about request parameters.",
                       what);
    }
    if (size > max) {
        return ag_fail(err, AG_EINVAL, "'%s' exceeds the maximum length of %zu characters", what, max);
    }
    return AG_OK;
}

static int check_input(const ag_run_input *input, ag_err *err)
{
    const struct {
        const char *text, *what;
        size_t max;
        bool required;
    } rows[] = {
        {input->name, "name", AG_MAX_DATASET_NAME, true},
        {input->digest, "digest", AG_MAX_DATASET_DIGEST, true},
        {input->source_type, "source_type", AG_MAX_DATASET_NAME, true},
        {input->source, "source", AG_MAX_DATASET_SOURCE, true},
        {input->schema, "schema", AG_MAX_DATASET_SCHEMA, false},
        {input->profile, "profile", AG_MAX_DATASET_PROFILE, false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int rc = check_size(rows[i].text, rows[i].what, rows[i].max, rows[i].required, err);
        if (rc < 0) return rc;
    }
    for (size_t i = 0; i < input->tags.count; i++) {
        if (input->tags.items[i].key.size == 0 || ag_utf8_count(input->tags.items[i].key) > AG_MAX_INPUT_TAG_KEY) {
            return ag_fail(err, AG_EINVAL, "an input tag's key has 1 to %d characters", AG_MAX_INPUT_TAG_KEY);
        }
        if (ag_utf8_count(input->tags.items[i].value) > AG_MAX_INPUT_TAG_VALUE) {
            return ag_fail(err, AG_EINVAL, "an input tag's value has at most %d characters", AG_MAX_INPUT_TAG_VALUE);
        }
    }
    return AG_OK;
}

static int put_input(ag_tx *tx, ag_str id, int64_t experiment, const ag_run_input *input, ag_err *err)
{
    int64_t dataset, link, added;
    int rc = ag_tx_get_int(tx, &AG_SQL_DATASET_UPSERT,
                           AG_BINDS(ag_cell_int(experiment), ag_cell_text(input->name), ag_cell_text(input->digest),
                                    ag_cell_text(input->source_type), ag_cell_text(input->source),
                                    ag_cell_text(input->schema), ag_cell_text(input->profile)),
                           &dataset, err);
    if (rc < 0) return rc;
    rc = ag_tx_run(tx, &AG_SQL_RUN_INPUT_INSERT, AG_BINDS(ag_cell_str(id), ag_cell_int(dataset)), &added, err);
    if (rc < 0 || !added) return rc;
    rc = ag_tx_get_int(tx, &AG_SQL_RUN_INPUT_ID, AG_BINDS(ag_cell_str(id), ag_cell_int(dataset)), &link, err);
    for (size_t i = 0; i < input->tags.count && rc >= 0; i++) {
        rc = ag_tx_run(tx, &AG_SQL_RUN_INPUT_TAG,
                       AG_BINDS(ag_cell_int(link), ag_cell_str(input->tags.items[i].key),
                                ag_cell_value(input->tags.items[i].value)),
                       NULL, err);
    }
    return rc;
}

static int put_model(ag_tx *tx, const job *j, const ag_run_model *model, ag_err *err)
{
    int64_t there = 0;
    int rc = ag_tx_get_int(tx, &AG_SQL_LOGGED_MODEL_EXISTS, AG_BINDS(ag_cell_text(model->model_id)), &there, err);
    if (rc < 0) return rc;
    if (!there) return ag_fail(err, AG_ENOTFOUND, "Logged model with ID '%s' not found.", model->model_id);
    return ag_tx_run(tx, &AG_SQL_RUN_MODEL_INSERT,
                     AG_BINDS(ag_cell_str(j->id), ag_cell_text(model->model_id), ag_cell_int(j->is_output),
                              ag_cell_int(model->step)),
                     NULL, err);
}

static int run_link(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    int64_t experiment;
    int rc = ag_run_expect_active(tx, j->id, &experiment, err);
    for (size_t i = 0; i < j->count && rc >= 0; i++) rc = put_input(tx, j->id, experiment, &j->inputs[i], err);
    for (size_t i = 0; i < j->model_count && rc >= 0; i++) rc = put_model(tx, j, &j->models[i], err);
    return rc;
}

int ag_run_log_inputs(ag_ledger *ledger, ag_str id, const ag_run_input *inputs, size_t count,
                      const ag_run_model *models, size_t model_count, ag_err *err)
{
    for (size_t i = 0; i < count; i++) {
        int rc = check_input(&inputs[i], err);
        if (rc < 0) return rc;
    }
    job j = {.id = id, .inputs = inputs, .count = count, .models = models, .model_count = model_count};
    return ag_ledger_write(ledger, run_link, &j, err);
}

int ag_run_log_outputs(ag_ledger *ledger, ag_str id, const ag_run_model *models, size_t count, ag_err *err)
{
    job j = {.id = id, .models = models, .model_count = count, .is_output = true};
    return ag_ledger_write(ledger, run_link, &j, err);
}

/* ---- for people ---- */

/* "drilling@v3", of an input that is a version of a data set (ag_dataset_input()); empty: it is not. */
static ag_str version_of(const ag_run_input *input)
{
    ag_str source = ag_str_of(input->source ? input->source : "");
    if (!input->source_type || strcmp(input->source_type, AG_INPUT_VERSION) != 0) return AG_STR("");
    return ag_str_starts(source, AG_STR(AG_INPUT_VERSION ":"))
               ? ag_str_slice(source, strlen(AG_INPUT_VERSION ":"), SIZE_MAX)
               : AG_STR("");
}

/* The input that is the version of this name, or what a strategy took from it. NULL: none. */
static const ag_run_input *find_input(const ag_run *run, ag_str name, bool version)
{
    for (size_t i = 0; i < run->input_count; i++) {
        const ag_run_input *input = &run->inputs[i];
        ag_str is = version_of(input);
        if (version ? ag_str_equal(is, name) : !is.size && ag_str_is(name, input->name)) return input;
    }
    return NULL;
}

void ag_run_inputs_write(const ag_run *run, int digits, bool taken, const char *between, ag_buf *out)
{
    const char *before = "";
    for (size_t i = 0; i < run->input_count; i++) {
        const ag_run_input *input = &run->inputs[i];
        ag_str version = version_of(input);
        if (!version.size && find_input(run, ag_str_of(input->name), true)) continue;
        const ag_run_input *read = version.size && taken ? find_input(run, version, false) : NULL;
        ag_str name = version.size ? version : ag_str_of(input->name);
        ag_buf_addf(out, "%s%.*s@%.*s", before, AG_STR_ARG(name), digits, input->digest);
        if (read) ag_buf_addf(out, " (read as %.*s)", digits, read->digest);
        before = between;
    }
}
