// SPDX-License-Identifier: Apache-2.0
/* answers.c: models by name. The files of a registered version never change, so what lies in the home already with the
 * same sizes is kept. */
#include "app/cli/answers.h"

#include <string.h>

#include "app/cli/computing.h"
#include "app/cli/ledger.h"
#include "core/hash/hash.h"
#include "core/io/file.h"
#include "core/io/path.h"
#include "core/sys/thread.h"
#include "learn/strategy.h"
#include "ledger/artifact.h"

static int bring(ag_invocation *invocation, ag_ledger *ledger, const ag_version *version, const char *directory,
                 ag_err *err)
{
    ag_tree *to = NULL;
    ag_artifact_place place;
    ag_tree_copy copy = {.cancel = invocation->cancel};
    int rc = ag_artifact_resolve(ledger, version->storage, AG_STR(""), invocation->arena, &place, err);
    if (rc >= 0) rc = ag_dir_make(directory, err);
    if (rc >= 0) rc = ag_tree_open(directory, invocation->cancel, &to, err);
    if (rc >= 0) {
        copy.progress = ag_begin_progress(invocation, "files", 0);
        ag_progress_stage(copy.progress, "fetching the model");
        rc = ag_tree_copy_all(&copy, place.tree, place.path, to, "", err);
        ag_progress_free(copy.progress);
    }
    ag_tree_close(to);
    return rc;
}

int ag_cli_model(ag_invocation *invocation, const char *text, const char **directory, ag_err *err)
{
    ag_ledger *ledger = NULL;
    ag_version version;
    ag_err why = {0};
    *directory = text;
    if (ag_file_exists(text)) return AG_OK;
    int rc = ag_cli_open_ledger(invocation, false, &ledger, &why);
    if (rc >= 0) rc = ag_cli_version(invocation, ledger, text, &version, &why);
    if (rc < 0) {
        ag_ledger_close(ledger);
        if (rc != AG_ENOTFOUND && err) *err = why;
        if (rc != AG_ENOTFOUND) return rc;
        if (ag_fail_broken_link(err, text) < 0) return AG_ENOTFOUND;
        ag_fail(err, AG_ENOTFOUND, "there is no model '%s': no such directory, and %s", text, why.text);
        return ag_err_hint(err, "give a model's directory, or NAME, NAME@alias or NAME/VERSION of a registered one");
    }
    ag_sha256 digest; /* another ledger may have the same names */
    char hex[65] = "";
    const char *where = NULL;
    rc = ag_sha256_of(version.storage, strlen(version.storage), &digest, err);
    if (rc >= 0) ag_sha256_format(&digest, hex);
    if (rc >= 0 && !(where = ag_arena_printf(invocation->arena, "%s/models/%.16s", ag_home(invocation), hex)))
        rc = ag_fail_memory(err, 256);
    if (rc >= 0) rc = bring(invocation, ledger, &version, where, err);
    ag_ledger_close(ledger);
    if (rc >= 0) *directory = where;
    return rc < 0 ? rc : AG_OK;
}

/* What --config and --strategy name; *out stays NULL without them. */
static int read_named(ag_invocation *invocation, ag_settings **out, ag_err *err)
{
    const char *config = ag_option_text(invocation, "config"), *plugin = ag_option_text(invocation, "strategy");
    if (!config && !plugin) return 0;
    ag_settings *named = ag_arena_alloc(invocation->arena, sizeof *named);
    const char *set = plugin ? ag_arena_printf(invocation->arena, "strategy=%s", plugin) : "";
    if (!named || !set) return ag_fail_memory(err, sizeof *named);
    const ag_str sets[] = {ag_str_of(set)};
    int rc = ag_settings_read(invocation->arena, config, sets, plugin ? 1 : 0, named, err);
    if (rc >= 0) *out = named;
    return rc;
}

int ag_cli_asking_open(ag_invocation *invocation, const char *directory, ag_cli_asking *out, ag_err *err)
{
    unsigned threads = ag_option_jobs(invocation);
    *out = (ag_cli_asking){0};
    int rc = ag_device_find(ag_option_text(invocation, "device"), &out->device, err);
    if (rc < 0) return ag_err_prefix(err, "--device");
    if (threads > 1 && (rc = ag_pool_new(threads, &out->pool, err)) < 0) return rc;
    if (strcmp(directory, "auto") == 0 && !ag_file_exists(directory)) return ag_answerer_auto(&out->who, err);
    ag_settings *named = NULL;
    if ((rc = read_named(invocation, &named, err)) < 0) return rc;
    return ag_answerer_open_by(directory, named, out->device, out->pool, &out->who, err);
}

void ag_cli_asking_close(ag_cli_asking *asking)
{
    ag_answerer_close(&asking->who);
    ag_pool_free(asking->pool);
    *asking = (ag_cli_asking){0};
}
