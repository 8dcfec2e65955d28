// SPDX-License-Identifier: Apache-2.0
/* registration.c: see registration.h. The version names its run, so that lineage finds the data from the model. The
 * run's tag is written last: killed before it, the next call finds the version by its run, and only tags. */
#include "learn/registration.h"

#include <stdlib.h>
#include <string.h>

#include "ledger/model.h"
#include "ledger/run.h"

#define TAG AG_REGISTRATION_TAG

/* Where the name or the alias stands that cannot be. */
static int refuse_name(const ag_settings *settings, const char *key, ag_err *err)
{
    const ag_value *all = ag_value_get(settings->root, "register"), *said = ag_value_get(all, key);
    const ag_value *where = said && said->line ? said : all;
    ag_err_prefix(err, "register");
    return where && where->line ? ag_err_place(err, settings->file, where->line, where->column) : AG_EINVAL;
}

int ag_registration_check(const ag_settings *settings, const ag_tracker *tracker, ag_err *err)
{
    const ag_settings_register *how = &settings->registration;
    if (!how->name) {
        if (!how->alias && !how->description && strcmp(how->stage, "None") == 0) return 0;
        return ag_fail(err, AG_EINVAL, "register says no name: there is nothing to give the others to");
    }
    if (ag_model_name_check(ag_str_of(how->name), err) < 0) return refuse_name(settings, "name", err);
    if (how->alias && ag_alias_name_check(ag_str_of(how->alias), err) < 0) return refuse_name(settings, "alias", err);
    if (tracker && ag_tracker_is_open(tracker)) return 0;
    ag_fail(err, AG_EINVAL, "register: model '%s' cannot be registered, because the run is not recorded", how->name);
    return ag_err_hint(err, "name a ledger with --home, --db or --tracking, or leave register out");
}

/* That this run has made already; empty when none. */
static int known(ag_ledger *ledger, const ag_settings_register *how, const char *run_id, ag_arena *arena, ag_str *out,
                 ag_err *err)
{
    ag_run run;
    int rc = ag_run_get(ledger, ag_str_of(run_id), arena, &run, err);
    size_t size = strlen(how->name);
    *out = (ag_str){0};
    for (size_t i = 0; rc >= 0 && i < run.tags.count; i++) {
        const ag_pair *tag = &run.tags.items[i];
        if (!ag_str_is(tag->key, TAG) || tag->value.size <= size + 1) continue;
        if (memcmp(tag->value.data, how->name, size) == 0 && tag->value.data[size] == '/') *out = tag->value;
    }
    return rc;
}

static const ag_actor actor = {.name = "auger train"};

static int dress(ag_ledger *ledger, const ag_settings_register *how, const ag_version *version, ag_arena *arena,
                 ag_err *err)
{
    ag_stage stage;
    ag_version changed;
    ag_str model = ag_str_of(how->name);
    int rc = 0;
    if (ag_stage_parse(ag_str_of(how->stage), &stage) && stage != AG_STAGE_NONE)
        rc = ag_version_stage(ledger, &actor, model, version->number, stage, false, arena, &changed, err);
    if (rc >= 0 && how->alias) rc = ag_alias_set(ledger, &actor, model, ag_str_of(how->alias), version->number, err);
    return rc;
}

static int make_version(ag_ledger *ledger, const ag_settings *settings, const char *run_id, ag_arena *arena,
                        ag_version *version, ag_err *err)
{
    const ag_settings_register *how = &settings->registration;
    const ag_pair tag = {AG_STR("auger.strategy"), ag_str_of(settings->strategy)};
    const char *source = ag_arena_printf(arena, "runs:/%s/model", run_id);
    ag_registered_model model;
    if (!source) return ag_fail_memory(err, strlen(run_id));
    const ag_version_new wanted = {.model = ag_str_of(how->name),
                                   .source = ag_str_of(source),
                                   .run_id = ag_str_of(run_id),
                                   .description = how->description ? ag_str_of(how->description) : AG_STR(""),
                                   .tags = {&tag, 1}};
    int rc = ag_model_create(ledger, &actor, wanted.model, AG_STR(""), (ag_pairs){0}, arena, &model, err);
    if (rc == AG_EEXISTS) rc = 0;
    if (rc >= 0) rc = ag_version_create(ledger, &actor, &wanted, arena, version, err);
    return rc;
}

/* That this run has made, when it was killed before its tag was written: 1; 0: there is none. */
static int untagged(ag_ledger *ledger, const ag_settings_register *how, const char *run_id, ag_arena *arena,
                    ag_version *version, ag_err *err)
{
    ag_versions found;
    const char *filter = ag_arena_printf(arena, "run_id = '%s'", run_id);
    if (!filter) return ag_fail_memory(err, strlen(run_id));
    const ag_page_request page = {.filter = ag_str_of(filter)};
    int rc = ag_version_search(ledger, &page, arena, &found, err);
    for (size_t i = 0; rc >= 0 && i < found.count; i++)
        if (strcmp(found.items[i].model, how->name) == 0) {
            *version = found.items[i];
            return 1;
        }
    return rc < 0 ? rc : 0;
}

int ag_registration_make(ag_ledger *ledger, const ag_settings *settings, const char *run_id, ag_arena *arena,
                         const char **name, ag_err *err)
{
    ag_str before;
    ag_version version = {0};
    int rc = known(ledger, &settings->registration, run_id, arena, &before, err);
    if (rc < 0) return ag_err_prefix(err, "register");
    if (before.size) {
        *name = ag_arena_strndup(arena, before.data, before.size);
        return *name ? 0 : ag_fail_memory(err, before.size);
    }
    rc = untagged(ledger, &settings->registration, run_id, arena, &version, err);
    if (rc == 0) rc = make_version(ledger, settings, run_id, arena, &version, err);
    if (rc >= 0) rc = dress(ledger, &settings->registration, &version, arena, err);
    if (rc < 0) return ag_err_prefix(err, "register");
    const char *text = ag_arena_printf(arena, "%s/%lld", version.model, (long long)version.number);
    if (!text) return ag_fail_memory(err, strlen(version.model));
    const ag_pair tag = {AG_STR(TAG), ag_str_of(text)};
    const ag_run_batch batch = {.tags = {&tag, 1}};
    rc = ag_run_log(ledger, ag_str_of(run_id), &batch, err);
    *name = text;
    return rc;
}
