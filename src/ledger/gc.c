// SPDX-License-Identifier: Apache-2.0
/* gc.c: removing for ever what was deleted.
 * One thing goes in three steps: a unit marks it as being removed (3), from where it cannot be restored; its artifacts
 * go; a unit deletes its row, and all below it, with an entry in the audit log. After a crash it is still marked, and
 * the next run goes on with it. What a registered version's files are is kept: removing it would empty the version. An
 * experiment goes when all its runs and models have; a run that was restored in it keeps it. */
#include "ledger/gc.h"

#include <string.h>

#include "core/sys/clock.h"
#include "ledger/artifact.h"
#include "ledger/audit.h"
#include "ledger/permission.h"
#include "ledger/statement.h"
#include "ledger_sql.h"

enum { PAGE = 100 };

static const struct {
    const char *what; /* in the audit log */
    const ag_sql *version, *mark, *delete;
} kinds[] = {
    [AG_GC_RUN] = {"run.remove", &AG_SQL_GC_VERSION_OF_RUN, &AG_SQL_GC_MARK_RUN, &AG_SQL_GC_DELETE_RUN},
    [AG_GC_LOGGED_MODEL] = {"logged-model.remove", &AG_SQL_GC_VERSION_OF_MODEL, &AG_SQL_GC_MARK_MODEL,
                            &AG_SQL_GC_DELETE_MODEL},
    [AG_GC_EXPERIMENT] = {"experiment.remove", NULL, &AG_SQL_GC_MARK_EXPERIMENT, &AG_SQL_GC_DELETE_EXPERIMENT},
};

typedef struct thing {
    ag_gc_kind kind;
    const char *id, *uri;
    int64_t experiment;
} thing;

typedef struct gc {
    ag_ledger *ledger;
    const ag_actor *actor;
    const ag_gc_options *options;
    ag_gc_result *result;
    int64_t cutoff;
    ag_arena *arena; /* of the page under way */
} gc;

typedef struct page_job {
    const ag_sql *sql;
    const ag_cell *binds;
    size_t bind_count;
    ag_gc_kind kind;
    ag_arena *arena;
    ag_vec things;
    int64_t deleted; /* of a single one */
} page_job;

/* ---- reading ---- */

static int read_page(ag_tx *tx, void *context, ag_err *err)
{
    page_job *j = context;
    ag_rows *rows = NULL;
    ag_vec_clear(&j->things);
    int rc = ag_tx_query(tx, j->sql, j->binds, j->bind_count, &rows, err);
    while (rc >= 0 && (rc = ag_rows_next(rows, err)) > 0) {
        thing *one = ag_vec_add(&j->things);
        if (!one) {
            rc = ag_fail_memory(err, sizeof(*one));
            break;
        }
        *one = (thing){.kind = j->kind, .experiment = ag_rows_int(rows, 2)};
        j->deleted = ag_rows_int(rows, 3);
        rc = ag_take_text(rows, 0, j->arena, &one->id, err);
        if (rc >= 0) rc = ag_take_text(rows, 1, j->arena, &one->uri, err);
    }
    ag_rows_free(rows);
    return rc;
}

typedef struct version_job {
    const thing *thing;
    ag_arena *arena;
    const char *kept; /* why, or NULL */
    int64_t left;
} version_job;

/* A version that needs the files. The '/' at the end: "run1" is not in "run10". */
static int read_version(ag_tx *tx, void *context, ag_err *err)
{
    version_job *j = context;
    ag_rows *rows = NULL;
    j->kept = NULL;
    const char *below = ag_arena_printf(j->arena, "%s/", j->thing->uri);
    if (!below) return ag_fail_memory(err, strlen(j->thing->uri));
    int rc = ag_tx_query(tx, kinds[j->thing->kind].version, AG_BINDS(ag_cell_text(j->thing->id), ag_cell_text(below)),
                         &rows, err);
    if (rc >= 0) rc = ag_rows_next(rows, err);
    if (rc > 0) {
        j->kept = ag_arena_printf(j->arena, "the files of model version %.*s/%lld are there",
                                  AG_STR_ARG(ag_rows_text(rows, 0)), (long long)ag_rows_int(rows, 1));
        if (!j->kept) rc = ag_fail_memory(err, 64);
    }
    ag_rows_free(rows);
    return rc;
}

static int read_left(ag_tx *tx, void *context, ag_err *err)
{
    version_job *j = context;
    return ag_tx_get_int(tx, &AG_SQL_GC_EXPERIMENT_LEFT, AG_BINDS(ag_cell_int(j->thing->experiment)), &j->left, err);
}

static int read_active(ag_tx *tx, void *context, ag_err *err)
{
    version_job *j = context;
    return ag_tx_get_int(tx, &AG_SQL_GC_EXPERIMENT_ACTIVE_RUNS, AG_BINDS(ag_cell_int(j->thing->experiment)), &j->left,
                         err);
}

/* ---- removing one ---- */

typedef struct remove_job {
    const gc *gc;
    const thing *thing;
} remove_job;

static ag_cell key_of(const thing *t)
{
    return t->kind == AG_GC_EXPERIMENT ? ag_cell_int(t->experiment) : ag_cell_text(t->id);
}

static int run_mark(ag_tx *tx, void *context, ag_err *err)
{
    const remove_job *j = context;
    int64_t changed;
    int rc = ag_tx_run(tx, kinds[j->thing->kind].mark, AG_BINDS(key_of(j->thing)), &changed, err);
    if (rc < 0 || changed) return rc;
    return ag_fail(err, AG_ECONFLICT, "it has been restored or removed meanwhile");
}

static int run_remove(ag_tx *tx, void *context, ag_err *err)
{
    const remove_job *j = context;
    const thing *t = j->thing;
    int64_t changed;
    int rc = ag_tx_run(tx, kinds[t->kind].delete, AG_BINDS(key_of(t)), &changed, err);
    if (rc < 0 || !changed) return rc; /* somebody else's gc was quicker */
    if (t->kind == AG_GC_EXPERIMENT) rc = ag_permission_forget(tx, AG_RESOURCE_EXPERIMENT, ag_str_of(t->id), err);
    return rc < 0 ? rc : ag_audit_add(tx, j->gc->actor, kinds[t->kind].what, ag_str_of(t->id), NULL, err);
}

/* ".../ID/artifacts" goes with the ID. */
static const char *whole_place(ag_arena *arena, const thing *t, const char *path)
{
    const char *end = ag_arena_printf(arena, "%s/artifacts", t->id);
    if (!end) return NULL;
    ag_str text = ag_str_of(path);
    if (!ag_str_ends(text, ag_str_of(end))) return path;
    return ag_arena_strndup(arena, path, text.size - strlen("/artifacts"));
}

/* An experiment's own place is emptied by its runs and models; nothing else there is ours. */
static int remove_artifacts(const gc *g, const thing *t, ag_err *err)
{
    ag_artifact_place place;
    if (g->options->keep_artifacts || t->kind == AG_GC_EXPERIMENT) return AG_OK;
    int rc = ag_artifact_resolve(g->ledger, t->uri, AG_STR(""), g->arena, &place, err);
    if (rc < 0) return rc;
    const char *path = whole_place(g->arena, t, place.path);
    if (!path) return ag_fail_memory(err, 64);
    if (!*path) return ag_fail(err, AG_EDENIED, "its artifacts are a whole root");
    return ag_tree_remove_all(place.tree, path, err);
}

static void tell(const gc *g, const thing *t, const char *kept)
{
    uint64_t *counts[] = {&g->result->runs, &g->result->logged_models, &g->result->experiments};
    ++*(kept ? &g->result->failed : counts[t->kind]);
    ag_gc_item item = {t->kind, t->id, t->uri, kept};
    if (g->options->each) g->options->each(g->options->context, &item);
}

/* What hinders this one is told and does not stop the others; the machine's own troubles do. */
static bool is_fatal(int rc)
{
    return rc == AG_ENOMEM || rc == AG_ECANCELLED || rc == AG_EUNAVAILABLE || rc == AG_ECORRUPT || rc == AG_EFULL ||
           rc == AG_ETIMEOUT;
}

static int why_kept(gc *g, const thing *t, const char **kept, ag_err *err)
{
    version_job version = {.thing = t, .arena = g->arena};
    *kept = NULL;
    int rc;
    if (t->kind != AG_GC_EXPERIMENT) {
        rc = g->options->keep_artifacts ? AG_OK : ag_db_read(g->ledger->db, NULL, read_version, &version, err);
        *kept = version.kept;
    } else {
        rc = g->options->dry_run ? AG_OK : ag_db_read(g->ledger->db, NULL, read_left, &version, err);
        if (rc >= 0 && version.left) *kept = "it still has runs or logged models";
    }
    return rc;
}

static int remove_one(gc *g, const thing *t, ag_err *err)
{
    remove_job job = {g, t};
    const char *kept;
    int rc = ag_cancel_check(g->options->cancel, err);
    if (rc >= 0) rc = why_kept(g, t, &kept, err);
    if (rc < 0) return rc;
    if (kept || g->options->dry_run) {
        tell(g, t, kept);
        return AG_OK;
    }
    rc = ag_ledger_write(g->ledger, run_mark, &job, err);
    if (rc >= 0) rc = remove_artifacts(g, t, err);
    if (rc >= 0) rc = ag_ledger_write(g->ledger, run_remove, &job, err);
    if (is_fatal(rc)) return rc;
    tell(g, t, rc < 0 ? (err ? err->text : "it could not be removed") : NULL);
    return AG_OK;
}

/* ---- all of a kind ---- */

/* Every thing of a statement whose first bind is `first` and second the last id seen. */
static int remove_pages(gc *g, ag_gc_kind kind, const ag_sql *sql, ag_cell first, ag_err *err)
{
    char last[64] = "";
    size_t got;
    int rc;
    do {
        ag_arena_reset(g->arena);
        ag_cell binds[] = {first, ag_cell_text(last)};
        page_job page = {.sql = sql, .binds = binds, .bind_count = 2, .kind = kind, .arena = g->arena};
        ag_vec_init(&page.things, sizeof(thing));
        rc = ag_db_read(g->ledger->db, NULL, read_page, &page, err);
        got = page.things.count;
        for (size_t i = 0; i < got && rc >= 0; i++) {
            const thing *t = ag_vec_at(&page.things, i);
            ag_format(last, sizeof(last), "%s", t->id);
            rc = remove_one(g, t, err);
        }
        ag_vec_deinit(&page.things);
    } while (rc >= 0 && got == PAGE);
    return rc;
}

/* The one thing that was named; it must be deleted. */
static int find_named(gc *g, ag_gc_kind kind, const ag_sql *sql, ag_cell key, ag_str id, thing *out, ag_err *err)
{
    const char *what = kind == AG_GC_RUN ? "run" : "experiment";
    page_job page = {.sql = sql, .binds = &key, .bind_count = 1, .kind = kind, .arena = g->arena};
    ag_vec_init(&page.things, sizeof(thing));
    int rc = ag_db_read(g->ledger->db, NULL, read_page, &page, err);
    if (rc >= 0 && page.things.count == 0) {
        rc = ag_fail(err, AG_ENOTFOUND, "there is no %s with id '%.*s'", what, AG_STR_ARG(id));
    } else if (rc >= 0 && page.deleted == 0) {
        ag_fail(err, AG_ECONFLICT, "%s %.*s is not deleted", what, AG_STR_ARG(id));
        rc = ag_err_hint(err, "delete it first; what is removed here cannot come back");
    }
    if (rc >= 0) *out = *(const thing *)ag_vec_at(&page.things, 0);
    ag_vec_deinit(&page.things);
    return rc;
}

static int remove_experiment(gc *g, ag_str id, ag_err *err)
{
    thing found;
    int64_t number;
    remove_job job = {g, &found};
    version_job active = {.thing = &found, .arena = g->arena};
    if (!ag_experiment_number(id, &number)) number = -1;
    int rc = find_named(g, AG_GC_EXPERIMENT, &AG_SQL_GC_EXPERIMENT, ag_cell_int(number), id, &found, err);
    if (rc >= 0) rc = ag_db_read(g->ledger->db, NULL, read_active, &active, err);
    if (rc < 0) return rc;
    if (active.left) {
        tell(g, &found, "a run in it was restored");
        return AG_OK;
    }
    if (!g->options->dry_run) rc = ag_ledger_write(g->ledger, run_mark, &job, err);
    const ag_cell key = ag_cell_int(number);
    if (rc >= 0) rc = remove_pages(g, AG_GC_RUN, &AG_SQL_GC_RUNS_OF_EXPERIMENT, key, err);
    if (rc >= 0) rc = remove_pages(g, AG_GC_LOGGED_MODEL, &AG_SQL_GC_MODELS_OF_EXPERIMENT, key, err);
    if (rc >= 0) rc = find_named(g, AG_GC_EXPERIMENT, &AG_SQL_GC_EXPERIMENT, key, id, &found, err);
    return rc < 0 ? rc : remove_one(g, &found, err);
}

static int remove_named(gc *g, ag_err *err)
{
    int rc = AG_OK;
    for (size_t i = 0; i < g->options->run_count && rc >= 0; i++) {
        ag_str id = g->options->run_ids[i];
        thing found;
        ag_arena_reset(g->arena);
        rc = find_named(g, AG_GC_RUN, &AG_SQL_GC_RUN, ag_cell_str(id), id, &found, err);
        if (rc >= 0) rc = remove_one(g, &found, err);
    }
    for (size_t i = 0; i < g->options->experiment_count && rc >= 0; i++) {
        ag_arena_reset(g->arena);
        rc = remove_experiment(g, g->options->experiment_ids[i], err);
    }
    return rc;
}

static int remove_old_experiments(gc *g, ag_err *err)
{
    ag_arena *arena = ag_arena_new(0);
    if (!arena) return ag_fail_memory(err, 1);
    char last[64] = "";
    size_t got;
    int rc;
    do {
        ag_arena_reset(arena);
        ag_cell binds[] = {ag_cell_int(g->cutoff), ag_cell_text(last)};
        page_job page = {.sql = &AG_SQL_GC_EXPERIMENTS, .binds = binds, .bind_count = 2, .arena = arena};
        ag_vec_init(&page.things, sizeof(thing));
        rc = ag_db_read(g->ledger->db, NULL, read_page, &page, err);
        got = page.things.count;
        for (size_t i = 0; i < got && rc >= 0; i++) {
            const thing *t = ag_vec_at(&page.things, i);
            ag_format(last, sizeof(last), "%s", t->id);
            rc = remove_experiment(g, ag_str_of(t->id), err);
        }
        ag_vec_deinit(&page.things);
    } while (rc >= 0 && got == PAGE);
    ag_arena_free(arena);
    return rc;
}

int ag_ledger_gc(ag_ledger *ledger, const ag_actor *actor, const ag_gc_options *options, ag_gc_result *out, ag_err *err)
{
    ag_gc_result result = {0};
    gc g = {.ledger = ledger,
            .actor = actor,
            .options = options,
            .result = &result,
            .cutoff = ag_now() - (options->older_than > 0 ? options->older_than : 0),
            .arena = ag_arena_new(0)};
    if (!g.arena) return ag_fail_memory(err, 1);
    int rc;
    if (options->run_count || options->experiment_count) {
        rc = remove_named(&g, err);
    } else {
        const ag_cell cutoff = ag_cell_int(g.cutoff);
        rc = remove_pages(&g, AG_GC_RUN, &AG_SQL_GC_RUNS, cutoff, err);
        if (rc >= 0) rc = remove_pages(&g, AG_GC_LOGGED_MODEL, &AG_SQL_GC_MODELS, cutoff, err);
        if (rc >= 0) rc = remove_old_experiments(&g, err);
    }
    if (rc >= 0) *out = result;
    ag_arena_free(g.arena);
    return rc;
}
