// SPDX-License-Identifier: Apache-2.0
/* record_server.c: runs on a server, by the client of the ledger: a call is done when it stands in the spool, and a
 * thread delivers it. So nothing is known of the server but its address: a run to go on with is believed to be there,
 * and what the server refuses later is told at the end (tracker.h). */
#include <string.h>

#include "core/base/answer.h"
#include "core/base/mem.h"
#include "core/hash/encode.h"
#include "learn/record_place.h"
#include "learn/settings.h"
#include "ledger/client/client.h"

enum { VERSION_WAIT = 60000 }; /* milliseconds, for the number of a version from a server that answers */

static int copy_tags(ag_arena *arena, ag_pairs tags, auger_pair **out, ag_err *err)
{
    auger_pair *copies = ag_arena_array(arena, tags.count + 1, sizeof *copies);
    if (!copies) return ag_fail_memory(err, tags.count * sizeof *copies);
    for (size_t i = 0; i < tags.count; i++) {
        copies[i].key = ag_arena_strndup(arena, tags.items[i].key.data, tags.items[i].key.size);
        copies[i].value = ag_arena_strndup(arena, tags.items[i].value.data, tags.items[i].value.size);
        if (!copies[i].key || !copies[i].value) return ag_fail_memory(err, tags.items[i].value.size);
    }
    *out = copies;
    return 0;
}

static int begin(ag_record_place *place, const ag_record_options *options, const char *id, ag_pairs tags, ag_err *err)
{
    auger_pair *copies = NULL;
    auger_ledger_run *parent = NULL;
    int rc = copy_tags(place->arena, tags, &copies, err);
    if (rc >= 0 && options->parent) rc = ag_client_run_again(place->tracker.client, options->parent, &parent, err);
    if (rc < 0) return rc;
    const auger_run_options how = {.name = options->run_name,
                                   .experiment = options->experiment,
                                   .parent = parent,
                                   .tags = copies,
                                   .tag_count = tags.count};
    rc = ag_client_run_start(place->tracker.client, &how, id, &place->run, err);
    auger_run_free(parent);
    return rc;
}

/* A run to go on with is begun again, too: who was killed when it had its name may not have begun it. */
static int open_there(ag_record_place *place, const ag_record_options *options, ag_pairs tags, ag_err *err)
{
    char fresh[33];
    const char *id = options->run_id;
    int rc = id ? 0 : ag_id_new(fresh, err);
    if (!id) id = fresh;
    if (rc >= 0) rc = ag_record_named(options, id, NULL, err);
    if (rc >= 0) rc = begin(place, options, id, tags, err);
    if (rc >= 0 && options->run_id) rc = ag_client_run_running(place->run, err);
    if (rc >= 0) place->run_id = auger_run_id(place->run);
    return rc;
}

static int log_there(ag_record_place *place, const ag_run_batch *batch, ag_err *err)
{
    ag_entry record = {.kind = AG_ENTRY_LOG, .log = *batch};
    return ag_client_append_of(place->run, &record, err);
}

static int put_input(ag_record_place *place, const ag_run_input *input, ag_err *err)
{
    ag_entry record = {.kind = AG_ENTRY_INPUT, .input = *input};
    return ag_client_append_of(place->run, &record, err);
}

static int put_file(ag_record_place *place, const char *path, const char *name, ag_err *err)
{
    auger_error error;
    int rc = auger_log_file(place->run, path, name, &error);
    return rc < 0 ? ag_fail_answered(rc, &error, err) : 0;
}

static int end(ag_record_place *place, ag_run_status status, int64_t at, ag_err *err)
{
    ag_entry record = {.kind = AG_ENTRY_FINISH, .finish = {.status = status, .at = at}};
    return ag_client_append_of(place->run, &record, err);
}

/* The same for the same run and model, so that one that is resumed makes no second version. */
static int operation_of(const char *run_id, const char *model, char out[65], ag_err *err)
{
    enum { DIGITS = 32 };
    ag_sha256 digest;
    char text[1024];
    ag_format(text, sizeof text, "version of %s %s", run_id, model);
    int rc = ag_sha256_of(text, strlen(text), &digest, err);
    if (rc < 0) return rc;
    ag_sha256_format(&digest, out);
    out[DIGITS] = '\0';
    return 0;
}

/* The model's files go before it; a server that is away is not waited for. */
static int make_version(ag_record_place *place, const ag_settings *settings, ag_arena *arena, const char **name,
                        ag_err *err)
{
    char ignored[900], operation[65];
    int64_t number = 0;
    auger_ledger_status status;
    const ag_settings_register *how = &settings->registration;
    const ag_pair tag = {AG_STR("auger.strategy"), ag_str_of(settings->strategy)};
    const bool staged = how->stage && strcmp(how->stage, "None") != 0;
    const ag_client_version what = {.model = how->name,
                                    .path = "model",
                                    .description = how->description,
                                    .stage = staged ? how->stage : NULL,
                                    .alias = how->alias,
                                    .operation = operation,
                                    .tags = {&tag, 1}};
    (void)ag_tracker_settle(&place->tracker, ignored, sizeof ignored);
    auger_ledger_status_read(place->tracker.client, &status);
    *name = NULL;
    int rc = operation_of(place->run_id, how->name, operation, err);
    if (rc >= 0) rc = ag_client_register(place->run, &what, status.away ? 0 : VERSION_WAIT, &number, err);
    if (rc < 0) return ag_err_prefix(err, "register");
    if (!number) return 0;
    *name = ag_arena_printf(arena, "%s/%lld", how->name, (long long)number);
    return *name ? 0 : ag_fail_memory(err, strlen(how->name));
}

static void close_there(ag_record_place *place)
{
    auger_run_free(place->run);
}

const ag_record_target ag_record_on_server = {
    .open = open_there,
    .log = log_there,
    .input = put_input,
    .file = put_file,
    .end = end,
    .version = make_version,
    .close = close_there,
};
