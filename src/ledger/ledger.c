// SPDX-License-Identifier: Apache-2.0
/* ledger.c: opening and closing the record.
 * Owns the database handle and the roots of artifacts; holds no state of its own beyond them, on purpose: two servers
 * may share one database, so nothing is cached that another could change. */
#include "core/base/mem.h"
#include "core/io/file.h"
#include "core/io/path.h"
#include "core/sys/clock.h"
#include "ledger/ledger_private.h"
#include "ledger_sql.h"

static int copy_text(char **into, const char *text, ag_err *err)
{
    *into = ag_strdup(text);
    return *into ? AG_OK : ag_fail_memory(err, strlen(text) + 1);
}

static bool has_scheme(const char *address)
{
    return strstr(address, ":/") != NULL;
}

/* The artifact root as clients see it: a relative directory is made absolute, and what a store needs besides its name
 * ("s3://b/p?endpoint=...") is nobody's business. */
static int set_artifact_root(ag_ledger *ledger, const char *root, ag_arena *arena, ag_err *err)
{
    char *absolute = ag_arena_strdup(arena, root);
    if (!absolute) return ag_fail_memory(err, strlen(root));
    if (has_scheme(root)) {
        absolute[strcspn(absolute, "?")] = '\0';
    } else if (root[0] != '/') {
        int rc = ag_dir_make(root, err);
        if (rc >= 0) rc = ag_path_absolute(arena, root, &absolute, err);
        if (rc < 0) return rc;
    }
    return copy_text(&ledger->artifact_root, absolute, err);
}

static int set_pattern(ag_ledger *ledger, const char *pattern, ag_err *err)
{
    if (!pattern) return AG_OK;
    regex_t *compiled = ag_calloc(1, sizeof(*compiled));
    if (!compiled) return ag_fail_memory(err, sizeof(*compiled));
    if (regcomp(compiled, pattern, REG_EXTENDED | REG_NOSUB) != 0) {
        ag_free(compiled);
        return ag_fail(err, AG_EINVAL, "'%.200s' is not an extended regular expression", pattern);
    }
    ledger->source_pattern = compiled;
    return AG_OK;
}

/* HOME/auger.db and HOME/artifacts, where the options leave them open. */
static int set_places(ag_ledger *ledger, const ag_ledger_options *options, ag_arena *arena, const char **database,
                      ag_err *err)
{
    const char *root = options->artifact_root, *home = NULL;
    *database = options->database;
    if (!options->home && (!root || !*database)) {
        return ag_fail(err, AG_EINVAL, "a ledger needs a home directory, or a database and an artifact root");
    }
    if (options->home) {
        int rc = ag_dir_make(options->home, err);
        if (rc < 0) return rc;
        char *real;
        if ((rc = ag_path_absolute(arena, options->home, &real, err)) < 0) return rc;
        const char *file = ag_path_join(arena, real, "auger.db");
        const char *artifacts = ag_path_join(arena, real, "artifacts");
        if (!file || !artifacts) return ag_fail_memory(err, 1);
        if (!*database) *database = file;
        if (!root) root = artifacts;
        home = real;
    }
    int rc = set_artifact_root(ledger, root, arena, err);
    if (rc < 0) return rc;
    const char *address = has_scheme(root) ? root : ledger->artifact_root;
    return ag_artifact_roots_open(options, address, home, &ledger->roots, err);
}

static int add_default_experiment(ag_tx *tx, void *context, ag_err *err)
{
    const ag_ledger *ledger = context;
    ag_arena *arena = ag_arena_new(0);
    if (!arena) return ag_fail_memory(err, 1);
    const char *location = ag_ledger_location(arena, ledger->artifact_root, "0");
    int rc = location ? ag_tx_run(tx, &AG_SQL_EXPERIMENT_INSERT_DEFAULT,
                                  AG_BINDS(ag_cell_text(location), ag_cell_int(ag_now())), NULL, err)
                      : ag_fail_memory(err, 1);
    ag_arena_free(arena);
    return rc;
}

const char *ag_ledger_location(ag_arena *arena, const char *root, const char *name)
{
    size_t size = strlen(root);
    bool slash = size && root[size - 1] == '/';
    return ag_arena_printf(arena, "%s%s%s", root, slash ? "" : "/", name);
}

int ag_ledger_open(const ag_ledger_options *options, ag_ledger **out, ag_err *err)
{
    int rc;
    const char *database;
    ag_arena *arena = ag_arena_new(0);
    ag_ledger *ledger = ag_calloc(1, sizeof(*ledger));
    if (!ledger || !arena) {
        rc = ag_fail_memory(err, sizeof(*ledger));
        goto out;
    }
    if ((rc = set_places(ledger, options, arena, &database, err)) < 0) goto out;
    ledger->default_role = options->default_role;
    if ((rc = set_pattern(ledger, options->source_pattern, err)) < 0) goto out;
    if ((rc = ag_db_open(database, &options->db, &ledger->db, err)) < 0) goto out;
    if ((rc = ag_migrate(ledger->db, &AG_MIGRATIONS_LEDGER, NULL, err)) < 0) goto out;
    if ((rc = ag_db_write(ledger->db, add_default_experiment, ledger, err)) < 0) goto out;
    *out = ledger;
    ledger = NULL;
out:
    ag_ledger_close(ledger);
    ag_arena_free(arena);
    return rc;
}

void ag_ledger_close(ag_ledger *ledger)
{
    if (!ledger) return;
    ag_db_close(ledger->db);
    ag_artifact_roots_close(ledger->roots);
    if (ledger->source_pattern) regfree(ledger->source_pattern);
    ag_free(ledger->source_pattern);
    ag_free(ledger->artifact_root);
    ag_free(ledger);
}

ag_db *ag_ledger_db(const ag_ledger *ledger)
{
    return ledger->db;
}

const char *ag_ledger_artifact_root(const ag_ledger *ledger)
{
    return ledger->artifact_root;
}

int ag_ledger_write(ag_ledger *ledger, ag_db_fn run, void *context, ag_err *err)
{
    ag_db_unit unit = {.run = run, .context = context, .isolation = AG_ISOLATION_STATEMENT};
    return ag_db_write_unit(ledger->db, &unit, err);
}
