// SPDX-License-Identifier: Apache-2.0
/* backup.c: the whole ledger into a directory, while others work with it. */
#include "ledger/exchange/backup.h"
#include "app/cli/ledger.h"

static const ag_option options[] = {AG_OPTION_OF_DATABASE};
static const ag_option positionals[] = {
    {.name = "DIR", .type = AG_OPTION_PATH, .required = true, .doc = "A directory that is not there yet"}};
static const ag_example examples[] = {
    {"backup /backups/2026-11-21", "The ledger of the home, beside a server that runs"},
    {"backup --db postgresql://auger@db/auger /backups/today", "A ledger on PostgreSQL"},
    {NULL, NULL},
};

static void write_result(ag_json *json, const void *thing)
{
    const ag_backup_result *result = thing;
    ag_json_begin_object(json);
    ag_json_put_int(json, "rows", (int64_t)result->rows);
    ag_json_put_int(json, "files", (int64_t)result->files);
    ag_json_put_int(json, "bytes", (int64_t)result->bytes);
    ag_json_put_int(json, "kept", (int64_t)result->kept);
    ag_json_put_int(json, "elsewhere", (int64_t)result->elsewhere);
    ag_json_end_object(json);
}

static int report(ag_invocation *invocation, const char *directory, const ag_backup_result *result, ag_err *err)
{
    if (ag_wants_json(invocation)) return ag_cli_print_thing(invocation, "backup", write_result, result, err);
    ag_print(invocation, "%s\n", directory);
    uint64_t files = result->files + result->kept;
    ag_note(invocation, "the database and %llu files", (unsigned long long)files);
    if (result->elsewhere) {
        ag_note(invocation, "%llu experiments keep their files outside of the ledger's store; those are not in it",
                (unsigned long long)result->elsewhere);
    }
    return AG_OK;
}

static int run(ag_invocation *invocation, ag_err *err)
{
    ag_ledger *ledger = NULL;
    ag_backup_result result = {0};
    const char *directory = ag_option_text(invocation, "DIR");
    ag_backup_options wanted = {.cancel = invocation->cancel};
    int rc = ag_cli_open_ledger(invocation, false, &ledger, err);
    if (rc >= 0) {
        wanted.progress = ag_begin_progress(invocation, "pieces", 0);
        rc = ag_ledger_backup(ledger, directory, &wanted, &result, err);
        ag_progress_free(wanted.progress);
    }
    if (rc >= 0) rc = report(invocation, directory, &result, err);
    if (rc == AG_ECANCELLED) ag_err_hint(err, "the same command goes on with what is in %s.partial", directory);
    ag_ledger_close(ledger);
    return rc;
}

const ag_command ag_command_backup = {
    .path = "backup",
    .summary = "Copy the whole ledger into a directory while it is in use",
    .doc =
        "Writes the database at one moment, and then the artifacts, so that every file that the database knows of is "
        "there. Nobody has to stop meanwhile. All is read back and hashed; the directory appears when it is whole, "
        "and 'sha256sum -c files.sha256' in it tells whether it still is.\n"
        "\n"
        "The database is a SQLite file also when the ledger is on PostgreSQL, so that a backup can be restored "
        "anywhere. One that was cut short is gone on with by the same command. Files of experiments whose artifacts "
        "lie outside of the ledger's own store are not in it.",
    .options = AG_OPTIONS(options),
    .positionals = AG_OPTIONS(positionals),
    .examples = examples,
    .run = run,
};
