// SPDX-License-Identifier: Apache-2.0
/* restore.c: a ledger and the bytes of its data sets from a backup. */
#include "app/cli/data.h"
#include "core/io/file.h"
#include "core/io/path.h"
#include "ledger/exchange/backup.h"
#include "ledger/verify.h"

static const ag_option options[] = {
    {.name = "check", .type = AG_OPTION_FLAG, .doc = "only look whether the backup is whole"},
    AG_OPTION_OF_DATABASE,
    AG_OPTION_OF_BLOBS,
};
static const ag_option positionals[] = {
    {.name = "DIR", .type = AG_OPTION_PATH, .required = true, .doc = "What 'auger backup' wrote"}};
static const ag_example examples[] = {
    {"restore /backups/2026-11-21 --home /srv/auger", "Into a home where there is no ledger yet"},
    {"restore /backups/today --db postgresql://auger@db/auger", "Into an empty PostgreSQL database"},
    {"restore --check /backups/today", "Is it still good?"},
    {NULL, NULL},
};

typedef struct data_part {
    ag_invocation *invocation;
    ag_progress *progress;
    ag_dataset_copied copied;
    bool absent; /* there are no bytes of data sets in the backup */
} data_part;

static int bring_data(void *context, const char *directory, ag_err *err)
{
    data_part *part = context;
    ag_invocation *invocation = part->invocation;
    ag_blob *from = NULL, *to = NULL;
    const ag_blob_options only_read = {.read_only = true, .cancel = invocation->cancel},
                          writing = {.cancel = invocation->cancel};
    const char *path = ag_path_join(invocation->arena, directory, "blobs"), *address = ag_cli_data_address(invocation);
    if (!path || !address) return ag_fail_memory(err, 4096);
    part->absent = !ag_file_exists(path);
    if (part->absent) return AG_OK;
    ag_progress_stage(part->progress, "data sets");
    int rc = ag_blob_open(path, &only_read, &from, err);
    if (rc >= 0) rc = ag_blob_open(address, &writing, &to, err);
    if (rc >= 0) rc = ag_dataset_restore(from, to, &part->copied, err);
    ag_blob_close(to);
    ag_blob_close(from);
    return rc;
}

typedef struct outcome {
    const ag_backup_result *ledger;
    const data_part *data;
} outcome;

static void write_result(ag_json *json, const void *thing)
{
    const outcome *all = thing;
    const ag_backup_result *result = all->ledger;
    ag_json_begin_object(json);
    ag_json_put_int(json, "rows", (int64_t)result->rows);
    ag_json_put_int(json, "files", (int64_t)(result->files + result->kept));
    ag_json_put_int(json, "bytes", (int64_t)result->bytes);
    ag_json_put_int(json, "data_objects", (int64_t)(all->data->copied.objects + all->data->copied.kept));
    ag_json_end_object(json);
}

static void tell(void *context, const ag_verify_finding *finding)
{
    ag_note(context, "%s: %s", finding->check, finding->text);
}

static int name_absent(ag_invocation *invocation, ag_ledger *ledger, ag_err *err)
{
    ag_dataset_versions all;
    int rc = ag_dataset_list(ledger, AG_STR(""), invocation->arena, &all, err);
    if (rc >= 0 && all.count) {
        ag_note(invocation, "the bytes of %llu versions of data sets are not in this backup",
                (unsigned long long)all.count);
    }
    return rc;
}

/* What was restored is looked at as doctor would. */
static int verify(ag_invocation *invocation, const data_part *data, ag_err *err)
{
    ag_ledger *ledger = NULL;
    ag_verify_result found = {0};
    ag_verify_options wanted = {.finding = tell, .context = invocation, .cancel = invocation->cancel};
    int rc = ag_cli_open_ledger(invocation, false, &ledger, err);
    if (rc >= 0) rc = ag_ledger_verify(ledger, &wanted, &found, err);
    if (rc >= 0 && found.findings) {
        rc = ag_fail(err, AG_ECORRUPT, "what was restored is not right in %llu places",
                     (unsigned long long)found.findings);
    }
    if (rc >= 0 && data->absent) rc = name_absent(invocation, ledger, err);
    ag_ledger_close(ledger);
    return rc;
}

static int run(ag_invocation *invocation, ag_err *err)
{
    ag_backup_result result = {0};
    const char *directory = ag_option_text(invocation, "DIR");
    bool only_look = ag_option_flag(invocation, "check");
    ag_ledger_options to = {.home = ag_home(invocation),
                            .database = ag_option_text(invocation, "db"),
                            .artifact_root = "mlflow-artifacts:/"};
    data_part data = {.invocation = invocation, .progress = ag_begin_progress(invocation, "pieces", 0)};
    const outcome all = {&result, &data};
    ag_backup_options wanted = {
        .cancel = invocation->cancel, .progress = data.progress, .more = bring_data, .context = &data};
    int rc =
        only_look ? ag_backup_check(directory, &wanted, err) : ag_ledger_restore(directory, &to, &wanted, &result, err);
    ag_progress_free(wanted.progress);
    if (rc >= 0 && !only_look) rc = verify(invocation, &data, err);
    if (rc < 0) return rc;
    if (ag_wants_json(invocation)) return ag_cli_print_thing(invocation, "restored", write_result, &all, err);
    if (only_look) {
        ag_print(invocation, "%s is whole\n", directory);
    } else {
        uint64_t files = result.files + result.kept;
        ag_note(invocation, "restored the database and %llu files", (unsigned long long)files);
        uint64_t objects = data.copied.objects + data.copied.kept;
        if (!data.absent) ag_note(invocation, "and the bytes of data sets: %llu objects", (unsigned long long)objects);
    }
    return AG_OK;
}

const ag_command ag_command_restore = {
    .path = "restore",
    .summary = "Make a ledger and its data sets from a backup",
    .doc = "Checks every file of a backup, copies the artifacts and the bytes of data sets into the home and then the "
           "database, and looks through what came out. A ledger that is in use is never written over. A backup of a "
           "ledger on PostgreSQL can be "
           "restored on SQLite, and the other way round.",
    .options = AG_OPTIONS(options),
    .positionals = AG_OPTIONS(positionals),
    .examples = examples,
    .run = run,
};
