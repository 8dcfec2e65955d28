// SPDX-License-Identifier: Apache-2.0
/* intake_files.c: the files of runs and logged models, from where the other program put them into this ledger's store.
 * A file that is there with the same size is kept, so this too goes on where it was cut short. */
#include "core/io/file.h"
#include "core/io/uri.h"
#include "ledger/artifact.h"
#include "ledger/exchange/intake.h"
#include "ledger/ledger_private.h"

static const char *local_address(ag_arena *arena, const char *path, const char **why)
{
    if (ag_file_exists(path)) return ag_arena_strdup(arena, path);
    *why = NULL; /* a run that left nothing has no directory: nothing to say */
    return ag_arena_strdup(arena, path);
}

/* What follows "mlflow-artifacts:/", also with a host. */
static const char *store_address(const ag_intake *intake, ag_arena *arena, const ag_uri *uri, const char **why)
{
    const char *root = intake->options.artifacts_from;
    if (!root) {
        *why = "say with --artifacts-from where that server kept its artifacts";
        return NULL;
    }
    ag_str path = uri->path;
    while (path.size && path.data[0] == '/') path = ag_str_slice(path, 1, path.size);
    if (ag_str_find(path, AG_STR(".."), 0) != SIZE_MAX) {
        *why = "its address leads out of itself";
        return NULL;
    }
    return ag_arena_printf(arena, "%s/%.*s", root, AG_STR_ARG(path));
}

const char *ag_intake_address(ag_intake *intake, ag_arena *arena, const char *uri, const char **why)
{
    ag_uri parsed;
    ag_err ignored;
    ag_str text = ag_str_of(uri);
    size_t colon = ag_str_find_char(text, ':', 0), slash = ag_str_find_char(text, '/', 0);
    *why = NULL;
    if (!*uri) return NULL;
    if (colon == SIZE_MAX || (slash != SIZE_MAX && slash < colon)) return local_address(arena, uri, why);
    if (ag_str_starts(text, AG_STR("s3://"))) return ag_arena_strdup(arena, uri);
    if (ag_uri_parse(arena, text, NULL, &parsed, &ignored) < 0) {
        *why = "its address cannot be read";
        return NULL;
    }
    if (ag_str_is(parsed.scheme, "mlflow-artifacts")) return store_address(intake, arena, &parsed, why);
    if (ag_str_is(parsed.scheme, "file") && (!parsed.host.size || ag_str_is(parsed.host, "localhost"))) {
        const char *path = ag_arena_strndup(arena, parsed.path.data, parsed.path.size);
        return path ? local_address(arena, path, why) : NULL;
    }
    *why = "such addresses cannot be read from here; they are only referred to";
    return NULL;
}

int ag_intake_put_place(ag_intake *intake, const char *id, const char *experiment, bool is_model, const char *uri,
                        const char *files, const char **out, ag_err *err)
{
    const char *why = NULL;
    ag_arena *arena = intake->arena;
    ag_intake_place *place = ag_arena_alloc(arena, sizeof(*place));
    if (!place) return ag_fail_memory(err, sizeof(*place));
    place->from = place->to = ag_arena_strdup(arena, uri ? uri : "");
    place->files = files ? ag_arena_strdup(arena, files) : place->from;
    if (!place->from || !place->files) return ag_fail_memory(err, 1);
    if (!intake->options.keep_artifacts && ag_intake_address(intake, arena, place->files, &why)) {
        const char *below = ag_ledger_location(arena, intake->ledger->artifact_root, experiment);
        place->to = below ? ag_arena_printf(arena, "%s/%s%s/artifacts", below, is_model ? "models/" : "", id) : NULL;
    } else if (why) {
        ag_intake_skip(intake, id, "its files stay at %s: %s", place->from, why);
    }
    if (!place->to) return ag_fail_memory(err, 1);
    *out = place->to;
    return ag_map_put(intake->places, ag_str_of(id), place, NULL, err);
}

static int copy_place(ag_intake *intake, const char *id, const ag_intake_place *place, ag_arena *arena, ag_err *err)
{
    const char *why, *address = ag_intake_address(intake, arena, place->files, &why);
    ag_tree_copy copy = {
        .cancel = intake->options.cancel, .progress = intake->options.progress, .dry_run = intake->options.dry_run};
    ag_tree *from = NULL;
    ag_artifact_place to;
    ag_err found = {0};
    if (!address || strcmp(place->from, place->to) == 0) return AG_OK;
    bool remote = strncmp(address, "s3://", 5) == 0;
    if (!remote && !ag_file_exists(address)) return AG_OK; /* opening would make it */
    int rc = ag_artifact_resolve(intake->ledger, place->to, AG_STR(""), arena, &to, err);
    if (rc < 0) return rc;
    rc = ag_tree_open(address, intake->options.cancel, &from, &found);
    if (rc >= 0) rc = ag_tree_copy_all(&copy, from, "", to.tree, to.path, &found);
    ag_tree_close(from);
    intake->result.files += copy.files;
    intake->result.bytes += copy.bytes;
    intake->result.files_there += copy.kept;
    if (rc >= 0 || rc == AG_ENOTFOUND) return AG_OK;
    if (rc == AG_ENOMEM || rc == AG_ECANCELLED || rc == AG_ETIMEOUT || rc == AG_EFULL) {
        if (err) *err = found;
        return rc;
    }
    ag_intake_skip(intake, id, "some of its files: %s", found.text);
    return AG_OK;
}

int ag_intake_files(ag_intake *intake, ag_err *err)
{
    size_t at = 0;
    ag_str id;
    void *place;
    int rc = AG_OK;
    ag_arena *arena = ag_arena_new(0);
    if (!arena) return ag_fail_memory(err, 1);
    while (rc >= 0 && ag_map_next(intake->places, &at, &id, &place)) {
        char name[300];
        ag_format(name, sizeof(name), "%.*s", AG_STR_ARG(id));
        rc = ag_cancel_check(intake->options.cancel, err);
        if (rc >= 0) rc = copy_place(intake, name, place, arena, err);
        ag_arena_reset(arena);
    }
    ag_arena_free(arena);
    return rc;
}
