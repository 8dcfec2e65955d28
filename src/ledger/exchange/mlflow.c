// SPDX-License-Identifier: Apache-2.0
/* mlflow.c: which kind of store an address names, and what both kinds have in common. */
#include "ledger/exchange/mlflow.h"

#include "core/db/db.h"
#include "core/io/file.h"

ag_stage ag_mlflow_stage(ag_str name, bool *deleted)
{
    ag_stage stage = AG_STAGE_NONE;
    *deleted = ag_str_is(name, "Deleted_Internal");
    ag_stage_parse(name, &stage);
    return stage;
}

const char *ag_mlflow_model_of(ag_arena *arena, const char *source)
{
    if (!source || strncmp(source, "models:/m-", 10) != 0) return NULL;
    return ag_arena_strndup(arena, source + 8, strcspn(source + 8, "/"));
}

/* "postgresql+psycopg2://..." is SQLAlchemy's way of naming the library too. */
static const char *without_driver(ag_arena *arena, const char *address)
{
    const char *plus = strchr(address, '+'), *colon = strstr(address, "://");
    if (!colon || !plus || plus > colon) return address;
    return ag_arena_printf(arena, "%.*s%s", (int)(plus - address), address, colon);
}

/* SQLAlchemy: "sqlite:///a.db" is relative, "sqlite:////a.db" absolute. */
static const char *sqlite_file(const char *address)
{
    static const char prefix[] = "sqlite:///";
    size_t size = sizeof(prefix) - 1;
    if (strncmp(address, prefix, size) == 0) return address + size;
    return strncmp(address, "sqlite:", 7) == 0 ? address + 7 : address;
}

static bool is_postgres(const char *address)
{
    return strncmp(address, "postgresql://", 13) == 0 || strncmp(address, "postgres://", 11) == 0;
}

static int import(ag_intake *intake, const char *address, ag_arena *arena, ag_mlflow_source *source, ag_err *err)
{
    ag_file_info info;
    address = without_driver(arena, address);
    if (!address) return ag_fail_memory(err, 1);
    if (is_postgres(address)) return ag_mlflow_import_database(intake, address, arena, source, err);
    if (strncmp(address, "file://", 7) == 0) address += 7;
    const char *path = sqlite_file(address);
    if (strstr(path, "://")) {
        ag_fail(err, AG_EUNSUPPORTED, "an MLflow store at '%.100s' cannot be read", address);
        return ag_err_hint(err, "give sqlite:///FILE, postgresql://..., or a directory like mlruns");
    }
    int rc = ag_file_stat(path, &info, err);
    if (rc < 0) return rc;
    return info.is_directory ? ag_mlflow_import_directory(intake, path, err)
                             : ag_mlflow_import_database(intake, path, arena, source, err);
}

int ag_mlflow_import(ag_ledger *ledger, const ag_actor *actor, const char *address, const ag_intake_options *options,
                     ag_arena *arena, ag_mlflow_source *source, ag_intake_result *out, ag_err *err)
{
    ag_intake intake;
    ag_mlflow_source found = {"directory", NULL};
    int rc = ag_intake_open(ledger, actor, options, &intake, err);
    if (rc < 0) return rc;
    rc = import(&intake, address, arena, &found, err);
    if (rc >= 0) rc = ag_db_settle(ag_ledger_db(ledger), err);
    if (rc >= 0 && !options->keep_artifacts) {
        ag_progress_stage(options->progress, "files");
        ag_progress_total(options->progress, 0);
        rc = ag_intake_files(&intake, err);
    }
    *out = intake.result; /* also of one that was cut short */
    if (source) *source = found;
    ag_intake_close(&intake);
    return rc < 0 ? rc : AG_OK;
}
