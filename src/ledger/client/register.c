// SPDX-License-Identifier: Apache-2.0
/* register.c: models become versions, and runs that were started earlier are taken up: the calls of a client whose
 * caller wants to know what the ledger made of them. */
#include <string.h>

#include "core/base/answer.h"
#include "core/base/mem.h"
#include "core/hash/encode.h"
#include "core/io/file.h"
#include "core/io/path.h"
#include "ledger/client/client.h"

/* ---- versions of models ---- */

static ag_str text_or_none(const char *text)
{
    return text ? ag_str_of(text) : (ag_str){"", 0};
}

static int check_version(const ag_client_version *what, ag_err *err)
{
    int rc = ag_client_check_text(what->model, "the name of a model", AG_MAX_KEY, err);
    if (rc >= 0 && !*what->model) rc = ag_fail(err, AG_EINVAL, "the name of a model is empty");
    if (rc < 0) return rc;
    return what->path ? ag_path_check(ag_str_of(what->path), err) : ag_fail(err, AG_EINVAL, "a path is wanted");
}

int ag_client_register(auger_ledger_run *run, const ag_client_version *what, int64_t wait_ms, int64_t *version,
                       ag_err *err)
{
    ag_version_wait wait = {0};
    int rc = check_version(what, err);
    if (rc >= 0 && !what->operation) rc = ag_id_new(wait.operation, err);
    if (rc < 0) return rc;
    if (what->operation) ag_format(wait.operation, sizeof wait.operation, "%s", what->operation);
    ag_entry record = {.kind = AG_ENTRY_VERSION,
                       .version = {.operation = ag_str_of(wait.operation),
                                   .model = ag_str_of(what->model),
                                   .path = ag_str_of(what->path),
                                   .description = text_or_none(what->description),
                                   .stage = text_or_none(what->stage),
                                   .alias = text_or_none(what->alias),
                                   .tags = what->tags}};
    ag_delivery *delivery = run->ledger->delivery;
    ag_delivery_expect(delivery, &wait);
    rc = ag_client_append_of(run, &record, err);
    if (rc < 0) wait_ms = 0;
    ag_delivery_await(delivery, &wait, wait_ms < 0 || wait_ms > INT64_MAX / 1000 ? -1 : wait_ms * 1000);
    if (rc >= 0 && wait.done && wait.rc < 0) {
        *err = wait.err;
        rc = wait.rc;
    }
    if (rc >= 0 && version) *version = wait.number;
    return rc;
}

int auger_register_model(auger_ledger_run *run, const char *model, const char *artifact_path, int64_t wait_ms,
                         int64_t *version, auger_error *error)
{
    ag_err err = {0};
    const ag_client_version what = {.model = model, .path = artifact_path};
    return ag_answer(ag_client_register(run, &what, wait_ms, version, &err), &err, error);
}

/* ---- runs of earlier ---- */

int ag_client_run_again(auger_ledger *ledger, const char *id, auger_ledger_run **out, ag_err *err)
{
    auger_ledger_run *run = NULL;
    if (strlen(id) != AG_ENTRY_ID || strspn(id, "0123456789abcdef") != AG_ENTRY_ID)
        return ag_fail(err, AG_EINVAL, "'%.64s' is no id of a run", id);
    if (!(run = ag_calloc(1, sizeof *run))) return ag_fail_memory(err, sizeof *run);
    run->ledger = ledger;
    ag_format(run->id, sizeof run->id, "%s", id);
    *out = run;
    return 0;
}

int ag_client_run_running(auger_ledger_run *run, ag_err *err)
{
    ag_entry record = {.kind = AG_ENTRY_FINISH, .finish = {.status = AG_RUN_RUNNING}};
    return ag_client_append_of(run, &record, err);
}

bool ag_client_run_lost(const auger_ledger_run *run)
{
    return ag_delivery_lost(run->ledger->delivery, run->id);
}

int ag_client_run_name(const auger_ledger_run *run, char *out, size_t size, ag_err *err)
{
    enum { MOST = 256 << 20 };
    ag_buf text;
    ag_str line;
    ag_format(out, size, "%s", run->id);
    if (!run->ledger->runs) return 0; /* a ledger of this machine takes our ids */
    ag_buf_init(&text, MOST);
    int rc = ag_file_read(run->ledger->runs, MOST, &text, err);
    ag_str rest = ag_buf_str(&text), id = {run->id, AG_ENTRY_ID};
    while (rc >= 0 && ag_str_next(&rest, '\n', &line)) {
        if (line.size > AG_ENTRY_ID + 1 && ag_str_starts(line, id) && rest.data)
            ag_format(out, size, "%.*s", AG_STR_ARG(ag_str_slice(line, AG_ENTRY_ID + 1, line.size)));
    }
    ag_buf_deinit(&text);
    return rc == AG_ENOTFOUND ? 0 : rc;
}
