// SPDX-License-Identifier: Apache-2.0
/* named_data.c: see named_data.h. Names of data sets have no '/', so what follows the first is a file of the version.
 */
#include "app/cli/named_data.h"

#include <string.h>

#include "core/io/file.h"
#include "core/io/path.h"

static int check_out(ag_invocation *invocation, ag_cli_data *data, const ag_dataset_version *version,
                     ag_named_data *out, ag_err *err)
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

/* A file or folder of the version that is there. */
static int go_into(ag_arena *arena, ag_str file, ag_named_data *out, ag_err *err)
{
    char *path;
    while (file.size && file.data[file.size - 1] == '/') file.size--;
    if (!file.size) return 0;
    int rc = ag_path_under(arena, out->path, file, &path, err);
    if (rc < 0) return rc;
    out->path = path;
    if (ag_file_exists(path)) return 0;
    ag_fail(err, AG_ENOTFOUND, "%s has no '%.*s'", out->called.name, AG_STR_ARG(ag_str_slice(file, 0, 200)));
    return ag_err_hint(err, "see what is in it with 'auger data show %s'", out->called.name);
}

static bool is_version(const char *said)
{
    ag_str text = ag_str_of(said);
    size_t at = ag_str_find_char(text, '@', 0);
    return at != SIZE_MAX && ag_dataset_name_check(ag_str_slice(text, 0, at), NULL) >= 0 && !ag_file_exists(said) &&
           ag_fail_broken_link(NULL, said) >= 0;
}

/* The commands on data sets take a bare name for the newest version; here it might as well be a path that was misspelt,
 * so the version has to be said. */
static int check_bare(ag_invocation *invocation, const char *said, ag_err *err)
{
    ag_ledger *ledger = NULL;
    ag_dataset_version version;
    if (ag_file_exists(said) || ag_dataset_name_check(ag_str_of(said), NULL) < 0) return 0;
    bool known = ag_cli_open_ledger(invocation, false, &ledger, NULL) >= 0 &&
                 ag_dataset_find(ledger, ag_str_of(said), invocation->arena, &version, NULL) >= 0;
    ag_ledger_close(ledger);
    if (!known) return 0;
    ag_fail(err, AG_ENOTFOUND, "there is no file or folder '%s', but a data set of that name", said);
    return ag_err_hint(err, "say which version: %s@v%lld is the newest", version.name, (long long)version.number);
}

int ag_named_data_find(ag_invocation *invocation, const char *said, ag_named_data *out, ag_err *err)
{
    ag_cli_data data;
    ag_dataset_version version;
    ag_str text = ag_str_of(said);
    *out = (ag_named_data){.path = said};
    if (!is_version(said)) return check_bare(invocation, said, err);
    const size_t end = ag_str_find_char(text, '/', 0);
    int rc = ag_cli_data_open(invocation, false, &data, err);
    if (rc >= 0) rc = ag_dataset_find(data.ledger, ag_str_slice(text, 0, end), invocation->arena, &version, err);
    if (rc == AG_ENOTFOUND) ag_err_prefix(err, "there is no such file or folder, and as a version of a data set");
    if (rc >= 0) rc = check_out(invocation, &data, &version, out, err);
    if (rc >= 0 && end != SIZE_MAX) rc = go_into(invocation->arena, ag_str_slice(text, end + 1, SIZE_MAX), out, err);
    ag_cli_data_close(&data);
    return rc;
}

typedef struct files {
    ag_arena *arena;
    const char *root, *first;
    size_t count;
} files;

static int count_file(void *context, const char *relative, const ag_file_info *info, ag_err *err)
{
    files *f = context;
    (void)info;
    if (f->count++ > 0) return 0;
    f->first = ag_path_join(f->arena, f->root, relative);
    return f->first ? 0 : ag_fail_memory(err, strlen(relative));
}

int ag_named_data_file(ag_invocation *invocation, const char *said, ag_named_data *out, ag_err *err)
{
    ag_file_info info;
    int rc = ag_named_data_find(invocation, said, out, err);
    if (rc < 0) return ag_err_prefix(err, "%s", said);
    if (!out->called.name || ag_file_stat(out->path, &info, NULL) < 0 || !info.is_directory) return 0;
    files found = {.arena = invocation->arena, .root = out->path};
    rc = ag_dir_walk(out->path, count_file, &found, err);
    if (rc < 0) return rc;
    out->path = found.count ? found.first : out->path;
    if (found.count == 1) return 0;
    rc = ag_named_data_tell(out, invocation->arena, &found.first, err);
    if (rc < 0) return rc;
    ag_fail(err, AG_EINVAL, "%s has %zu files, and one is wanted", said, found.count);
    return found.first ? ag_err_hint(err, "name it, as in %s", found.first) : (int)err->code;
}

int ag_named_data_option(ag_invocation *invocation, const char *option, ag_named_data *out, ag_err *err)
{
    const char *said = ag_option_text(invocation, option);
    *out = (ag_named_data){0};
    int rc = said ? ag_named_data_find(invocation, said, out, err) : 0;
    return rc < 0 ? ag_err_prefix(err, "--%s %s", option, said) : 0;
}

int ag_named_data_refuse(const char *said, ag_err *err)
{
    if (!is_version(said)) return 0;
    ag_fail(err, AG_EINVAL, "'%s' names a version of a data set, and a version never changes", said);
    return ag_err_hint(err, "write its files with 'auger data checkout', change those, and 'auger data add' makes the "
                            "next version of them");
}

int ag_named_data_tell(const ag_named_data *data, ag_arena *arena, const char **text, ag_err *err)
{
    if (!*text || !data->called.name) return 0;
    size_t size = 3 * strlen(*text) + 256; /* no name is three times as long as its directory */
    char *buffer = ag_arena_alloc(arena, size);
    if (!buffer) return ag_fail_memory(err, size);
    *text = ag_data_name_in(&data->called, *text, buffer, size);
    return 0;
}
