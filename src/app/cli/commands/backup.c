// SPDX-License-Identifier: Apache-2.0
/* backup.c: the whole ledger and the bytes of its data sets into a directory, while others work with them. */
#include "ledger/exchange/backup.h"

#include <string.h>

#include "app/cli/data.h"
#include "core/io/path.h"
#include "core/net/http.h"

static const ag_option options[] = {AG_OPTION_OF_DATABASE, AG_OPTION_OF_BLOBS};
static const ag_option positionals[] = {
    {.name = "DIR", .type = AG_OPTION_PATH, .required = true, .doc = "A directory that is not there yet"}};
static const ag_example examples[] = {
    {"backup /backups/2026-11-21", "The ledger of the home, beside a server that runs"},
    {"backup --db postgresql://auger@db/auger /backups/today", "A ledger on PostgreSQL"},
    {NULL, NULL},
};

/* ---- the bytes of data sets ---- */

typedef struct data_part {
    ag_invocation *invocation;
    ag_ledger *ledger;
    ag_progress *progress;
    ag_dataset_copied copied;
    uint64_t left;       /* versions whose bytes are not copied */
    char elsewhere[300]; /* where these lie */
} data_part;

static void tell_damage(void *context, const ag_dataset_damage *damage)
{
    ag_invocation *invocation = context;
    const char *version = ag_cli_data_name(invocation->arena, damage->version);
    ag_note(invocation, "damaged and left out: %s, %s: %s (blob %.16s...)", version ? version : damage->version->name,
            damage->path ? damage->path : "its manifest", damage->why->text, damage->blob);
}

static bool is_directory(const char *address)
{
    return !strstr(address, "://") || strncmp(address, "file://", 7) == 0;
}

static int copy_store(data_part *part, const char *directory, ag_blob *from, ag_err *err)
{
    ag_invocation *invocation = part->invocation;
    ag_blob *to = NULL;
    const ag_blob_options options_of_copy = {.cancel = invocation->cancel};
    const ag_dataset_place place = {.ledger = part->ledger,
                                    .blobs = from,
                                    .home = ag_home(invocation),
                                    .cancel = invocation->cancel,
                                    .progress = part->progress};
    const char *path = ag_path_join(invocation->arena, directory, "blobs");
    int rc = path ? ag_blob_open(path, &options_of_copy, &to, err) : ag_fail_memory(err, 4096);
    ag_progress_stage(part->progress, "data sets");
    if (rc >= 0) rc = ag_dataset_backup(&place, to, tell_damage, invocation, &part->copied, err);
    if (rc >= 0 && part->copied.kept) { /* of an attempt that was cut short: not read by this one */
        rc = ag_blob_verify(to, NULL, NULL, NULL, NULL, err);
        if (rc == AG_ECORRUPT) ag_err_hint(err, "remove '%s' and begin again", directory);
    }
    ag_blob_close(to);
    return rc;
}

static int copy_data(void *context, const char *directory, ag_err *err)
{
    data_part *part = context;
    ag_invocation *invocation = part->invocation;
    ag_blob *from = NULL;
    ag_err why = {0};
    ag_dataset_versions all;
    const ag_blob_options only_read = {.read_only = true, .cancel = invocation->cancel};
    const char *address = ag_cli_data_address(invocation);
    if (!address) return ag_fail_memory(err, 4096);
    int rc = ag_dataset_list(part->ledger, AG_STR(""), invocation->arena, &all, err);
    if (rc < 0 || !all.count) return rc;
    rc = is_directory(address) ? ag_blob_open(address, &only_read, &from, &why) : AG_ENOTFOUND;
    if (rc == AG_ENOTFOUND) {
        part->left = all.count;
        ag_http_show_url(address, part->elsewhere, sizeof(part->elsewhere));
        return AG_OK;
    }
    if (rc >= 0)
        rc = copy_store(part, directory, from, err);
    else if (err)
        *err = why;
    ag_blob_close(from);
    return rc;
}

/* ---- what came of it ---- */

typedef struct outcome {
    const ag_backup_result *ledger;
    const data_part *data;
} outcome;

static void write_data(ag_json *json, const data_part *part)
{
    ag_json_begin_object(json);
    ag_json_put_int(json, "versions", (int64_t)part->copied.versions);
    ag_json_put_int(json, "objects", (int64_t)part->copied.objects);
    ag_json_put_int(json, "bytes", (int64_t)part->copied.bytes);
    ag_json_put_int(json, "kept", (int64_t)part->copied.kept);
    ag_json_put_int(json, "damaged", (int64_t)part->copied.damaged);
    ag_json_put_int(json, "versions_elsewhere", (int64_t)part->left);
    if (part->left) ag_json_put_text(json, "elsewhere", part->elsewhere);
    ag_json_end_object(json);
}

static void write_result(ag_json *json, const void *thing)
{
    const outcome *all = thing;
    const ag_backup_result *result = all->ledger;
    ag_json_begin_object(json);
    ag_json_put_int(json, "rows", (int64_t)result->rows);
    ag_json_put_int(json, "files", (int64_t)result->files);
    ag_json_put_int(json, "bytes", (int64_t)result->bytes);
    ag_json_put_int(json, "kept", (int64_t)result->kept);
    ag_json_put_int(json, "elsewhere", (int64_t)result->elsewhere);
    ag_json_name(json, "data");
    write_data(json, all->data);
    ag_json_end_object(json);
}

static int report(ag_invocation *invocation, const char *directory, const ag_backup_result *result,
                  const data_part *data, ag_err *err)
{
    const outcome all = {result, data};
    if (data->left) {
        ag_note(invocation, "the bytes of %llu versions of data sets are not copied: they lie in '%s'%s",
                (unsigned long long)data->left, data->elsewhere,
                is_directory(data->elsewhere) ? ", where there is no blob store; name it with --blobs" : "");
    }
    if (ag_wants_json(invocation)) return ag_cli_print_thing(invocation, "backup", write_result, &all, err);
    ag_print(invocation, "%s\n", directory);
    uint64_t files = result->files + result->kept;
    ag_note(invocation, "the database and %llu files", (unsigned long long)files);
    if (data->copied.versions) {
        uint64_t objects = data->copied.objects + data->copied.kept;
        ag_note(invocation, "the bytes of %llu versions of data sets: %llu objects",
                (unsigned long long)data->copied.versions, (unsigned long long)objects);
    }
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
    data_part data = {.invocation = invocation};
    ag_backup_options wanted = {.cancel = invocation->cancel, .more = copy_data, .context = &data};
    int rc = ag_cli_open_ledger(invocation, false, &ledger, err);
    if (rc >= 0) {
        wanted.progress = ag_begin_progress(invocation, "pieces", 0);
        data.ledger = ledger;
        data.progress = wanted.progress;
        rc = ag_ledger_backup(ledger, directory, &wanted, &result, err);
        ag_progress_free(wanted.progress);
    }
    if (rc >= 0) rc = report(invocation, directory, &result, &data, err);
    if (rc == AG_ECANCELLED) ag_err_hint(err, "the same command goes on with what is in %s.partial", directory);
    ag_ledger_close(ledger);
    if (rc >= 0 && data.copied.damaged) return 1; /* all has been said */
    return rc;
}

const ag_command ag_command_backup = {
    .path = "backup",
    .summary = "Copy the whole ledger and its data sets into a directory while they are in use",
    .doc =
        "Writes the database at one moment, then the artifacts and the bytes of every version of a data set, so that "
        "every file that the database knows of is there. Nobody has to stop meanwhile. All is read back and hashed; "
        "the directory appears when it is whole, "
        "and 'sha256sum -c files.sha256' in it tells whether it still is.\n"
        "\n"
        "The database is a SQLite file also when the ledger is on PostgreSQL, so that a backup can be restored "
        "anywhere. One that was cut short is gone on with by the same command. Files of experiments whose artifacts "
        "lie outside of the ledger's own store are not in it, nor are data sets whose bytes lie in S3; both are "
        "named.\n"
        "\n"
        "Each object of a data set is compared with its SHA-256 on the way. One that is damaged is named with its data "
        "set and file and left out; the rest is kept, and the exit status is 1.",
    .options = AG_OPTIONS(options),
    .positionals = AG_OPTIONS(positionals),
    .examples = examples,
    .run = run,
};
