// SPDX-License-Identifier: Apache-2.0
/* train_data.c: see train_data.h. A path that exists is a path, whatever it looks like. */
#include "app/cli/train_data.h"

#include <string.h>

#include "core/io/file.h"
#include "core/io/path.h"

static int check_out(ag_invocation *invocation, ag_cli_data *data, const ag_dataset_version *version,
                     ag_train_data *out, ag_err *err)
{
    ag_dataset_checked_out done;
    ag_arena *arena = invocation->arena;
    char folder[64];
    ag_format(folder, sizeof folder, "checkouts/%.32s", version->digest);
    ag_run_input *input = ag_arena_alloc(arena, sizeof *input);
    out->path = ag_path_join(arena, ag_home(invocation), folder);
    const char *name = ag_cli_data_name(arena, version);
    if (!input || !out->path || !name) return ag_fail_memory(err, strlen(version->digest));
    data->place.progress = ag_begin_progress(invocation, "files", (uint64_t)version->files);
    int rc = ag_dataset_checkout(&data->place, version, out->path, &done, err);
    ag_progress_free(data->place.progress);
    data->place.progress = NULL;
    if (rc >= 0) rc = ag_data_name_of(out->path, name, arena, &out->called, err);
    if (rc >= 0) rc = ag_dataset_input(version, arena, input, err);
    out->input = input;
    return rc;
}

int ag_train_data_named(ag_invocation *invocation, const char *said, ag_train_data *out, ag_err *err)
{
    ag_cli_data data;
    ag_dataset_version version;
    *out = (ag_train_data){.path = said};
    if (ag_file_exists(said) || !strchr(said, '@')) return 0;
    int rc = ag_cli_data_open(invocation, false, &data, err);
    if (rc >= 0) rc = ag_dataset_find(data.ledger, ag_str_of(said), invocation->arena, &version, err);
    if (rc >= 0) rc = check_out(invocation, &data, &version, out, err);
    ag_cli_data_close(&data);
    return rc;
}

int ag_train_data_find(ag_invocation *invocation, ag_train_data *out, ag_err *err)
{
    const char *said = ag_option_text(invocation, "data-dir");
    int rc = ag_train_data_named(invocation, said, out, err);
    return rc < 0 ? ag_err_prefix(err, "--data-dir %s", said) : 0;
}
