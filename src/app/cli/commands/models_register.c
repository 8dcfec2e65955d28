// SPDX-License-Identifier: Apache-2.0
/* models_register.c: a new version of a model, from files that the ledger has or that are brought into it now. */
#include "app/cli/ledger.h"
#include "app/server/mlflow/write.h"
#include "core/hash/encode.h"
#include "core/io/file.h"
#include "core/io/path.h"
#include "ledger/artifact.h"

static const ag_option options[] = {
    {.name = "run", .letter = 'r', .type = AG_OPTION_TEXT, .doc = "the run that made it: its " AG_WORDS_FOR_RUN},
    {.name = "description", .letter = 'd', .type = AG_OPTION_TEXT, .doc = "what it is"},
    {.name = "tag", .letter = 't', .type = AG_OPTION_PAIR, .repeated = true, .doc = "a tag of the version"},
    {.name = "alias", .type = AG_OPTION_TEXT, .doc = "an alias that points at it from now on"},
    AG_OPTION_OF_DATABASE,
};
static const ag_option positionals[] = {
    {.name = "NAME", .type = AG_OPTION_TEXT, .required = true, .doc = "The model; made when there is none"},
    {.name = "SOURCE",
     .type = AG_OPTION_PATH,
     .required = true,
     .doc = "runs:/ID/PATH, models:/ID, an artifact URI, or a file or directory, which is copied into the ledger"},
};
static const ag_example examples[] = {
    {"models register depth runs:/4f2a91c05a7e4d0f9be2a1c3d4e5f607/model", "What a run has left"},
    {"models register depth ./model --alias challenger", "Files from this machine"},
    {NULL, NULL},
};

/* The files go below mlflow-artifacts:/models/NAME/ID, which nothing else uses. */
static int bring_files(ag_invocation *invocation, ag_ledger *ledger, const char *path, ag_str *source, ag_err *err)
{
    char id[33];
    ag_tree *from = NULL;
    ag_artifact_place place;
    ag_file_info info;
    ag_arena *arena = invocation->arena;
    ag_tree_copy copy = {.cancel = invocation->cancel};
    int rc = ag_id_new(id, err);
    if (rc >= 0) rc = ag_file_stat(path, &info, err);
    if (rc < 0) return rc;
    char *real;
    if ((rc = ag_path_absolute(arena, path, &real, err)) < 0) return rc;
    const char *uri = ag_arena_printf(arena, "mlflow-artifacts:/models/%s", id);
    ag_str parent = info.is_directory ? ag_str_of(real) : ag_path_parent(ag_str_of(real));
    const char *name = info.is_directory ? "" : ag_cli_str(arena, ag_path_name(ag_str_of(real)));
    const char *top = ag_cli_str(arena, parent);
    if (!uri || !name || !top) return ag_fail_memory(err, strlen(path));
    rc = ag_artifact_resolve(ledger, uri, ag_str_of(name), arena, &place, err);
    if (rc >= 0) rc = ag_tree_open(top, invocation->cancel, &from, err);
    if (rc >= 0) {
        copy.progress = ag_begin_progress(invocation, "files", 0);
        rc = ag_tree_copy_all(&copy, from, name, place.tree, place.path, err);
        ag_progress_free(copy.progress);
    }
    ag_tree_close(from);
    if (rc >= 0 && !copy.files) rc = ag_fail(err, AG_EINVAL, "there are no files in '%s'", path);
    *source = ag_str_of(uri);
    return rc;
}

static int ensure_model(ag_ledger *ledger, const ag_actor *actor, ag_str name, ag_arena *arena, ag_err *err)
{
    ag_registered_model model;
    int rc = ag_model_create(ledger, actor, name, AG_STR(""), (ag_pairs){0}, arena, &model, err);
    return rc == AG_EEXISTS ? AG_OK : rc;
}

static void write_version(ag_json *json, const void *version)
{
    ag_write_version(json, version);
}

static int add_version(ag_invocation *invocation, ag_ledger *ledger, ag_version_new *wanted, ag_err *err)
{
    ag_actor actor = ag_cli_actor();
    ag_version version;
    const char *alias = ag_option_text(invocation, "alias");
    int rc = ensure_model(ledger, &actor, wanted->model, invocation->arena, err);
    if (rc >= 0) rc = ag_version_create(ledger, &actor, wanted, invocation->arena, &version, err);
    if (rc >= 0 && alias) rc = ag_alias_set(ledger, &actor, wanted->model, ag_str_of(alias), version.number, err);
    if (rc < 0) return rc;
    if (ag_wants_json(invocation)) return ag_cli_print_thing(invocation, "version", write_version, &version, err);
    ag_print(invocation, "%s/%lld\n", version.model, (long long)version.number);
    return AG_OK;
}

static int run(ag_invocation *invocation, ag_err *err)
{
    ag_ledger *ledger = NULL;
    const char *source = ag_option_text(invocation, "SOURCE"), *from = ag_option_text(invocation, "run");
    ag_version_new wanted = {.model = ag_str_of(ag_option_text(invocation, "NAME")),
                             .source = ag_str_of(source),
                             .description = ag_str_of(ag_option_text(invocation, "description"))};
    int rc = ag_cli_pairs(invocation, "tag", &wanted.tags, err);
    if (rc >= 0) rc = ag_cli_open_ledger(invocation, true, &ledger, err);
    if (rc >= 0 && from) rc = ag_cli_run(invocation, ledger, from, &wanted.run_id, err);
    bool is_uri = strstr(source, ":/") != NULL;
    if (rc >= 0 && !is_uri) rc = bring_files(invocation, ledger, source, &wanted.source, err);
    if (rc >= 0) rc = add_version(invocation, ledger, &wanted, err);
    ag_ledger_close(ledger);
    return rc;
}

const ag_command ag_command_models_register = {
    .path = "models register",
    .summary = "Register a new version of a model",
    .doc = "Adds a version to a model, which is made when there is none, and prints NAME/VERSION. A file or directory "
           "of this machine is copied into the ledger's artifacts first; what is there already is only referred to.",
    .options = AG_OPTIONS(options),
    .positionals = AG_OPTIONS(positionals),
    .examples = examples,
    .run = run,
};
