// SPDX-License-Identifier: Apache-2.0
/* runs_deliver.c: the command: what waits in the spool goes to its ledger. The work is the client's (ledger/client/):
 * opening one takes over the queues of programs that have ended. Which ledger that is stands in the queues; a token of
 * the environment is for one server, so nothing is sent to several by one call. */
#include <inttypes.h>
#include <string.h>

#include "app/cli/invocation.h"
#include "app/cli/train_ledger.h"
#include "core/io/path.h"
#include "core/sys/clock.h"
#include "ledger/client/again.h"
#include "ledger/client/client.h"

static const ag_option options[] = {
    {.name = "tracking",
     .type = AG_OPTION_TEXT,
     .value_name = "URL",
     .doc = "Deliver what is for this server; needed only when there is something for several. Who you are stands in "
            "$MLFLOW_TRACKING_TOKEN, or in $MLFLOW_TRACKING_USERNAME and $MLFLOW_TRACKING_PASSWORD"},
    {.name = "spool", .type = AG_OPTION_PATH, .doc = "The directory in which it waits; HOME/spool when not given"},
    {.name = "again",
     .type = AG_OPTION_FLAG,
     .doc = "Send what was refused too (failed.jsonl in the spool), now that the cause is gone"},
    {.name = "wait",
     .type = AG_OPTION_DURATION,
     .fallback = "10s",
     .max = 86400,
     .doc = "How long a server that is away is waited for"},
};
static const ag_example examples[] = {
    {"runs deliver", "Send what waits because the server was away"},
    {"runs deliver --again", "Also what was refused, after the permission was given"},
    {"runs deliver --tracking http://ledger:5000 --wait 1h --json", "To this server, waiting for it, as JSON"},
    {NULL, NULL},
};

enum { PIECE = 250, BYTES = 1 << 20 }; /* milliseconds */

typedef struct delivering {
    ag_invocation *invocation;
    const char *spool, *address; /* NULL: nothing waits */
    uint64_t waiting;            /* at the beginning */
    auger_ledger_status status;
    size_t alive; /* queues that programs are still at work on */
    bool stopped;
    ag_again again; /* what was refused and is sent again */
} delivering;

/* What was refused goes into a queue like those that wait. */
static int queue_again(delivering *d, ag_err *err)
{
    ag_arena *arena = d->invocation->arena;
    const char *named = ag_option_text(d->invocation, "tracking"), *target = NULL;
    int rc = named ? ag_client_name(arena, named, &target, err) : 0;
    return rc < 0 ? rc : ag_again_queue(d->spool, target, arena, &d->again, err);
}

/* The one ledger that something waits for; of several the user must say which. */
static int find_address(delivering *d, ag_err *err)
{
    ag_vec queues;
    const char *named = ag_option_text(d->invocation, "tracking");
    ag_vec_init(&queues, sizeof(ag_outbox_found));
    int rc = ag_outbox_list(d->spool, d->invocation->arena, &queues, err);
    for (size_t i = 0; i < queues.count && rc >= 0; i++) {
        const ag_outbox_found *q = ag_vec_at(&queues, i);
        d->alive += q->alive;
        if (q->alive || named || !q->target) continue;
        if (d->address && strcmp(d->address, q->target) != 0) {
            rc = ag_fail(err, AG_EINVAL, "calls for '%s' and for '%s' wait in '%s'", d->address, q->target, d->spool);
            ag_err_hint(err, "say for which: --tracking %s", d->address);
        }
        d->address = q->target;
    }
    if (named && queues.count > d->alive) d->address = named;
    ag_vec_deinit(&queues);
    return rc;
}

/* Until all is there, or nothing was heard of the server for that long. */
static void carry(delivering *d, auger_ledger *ledger)
{
    ag_cancel *cancel = d->invocation->cancel;
    const int64_t patience = ag_option_duration(d->invocation, "wait");
    auger_ledger_status_read(ledger, &d->status);
    d->waiting = d->status.pending;
    ag_progress *progress = ag_begin_progress(d->invocation, "calls", d->waiting);
    uint64_t told = 0, seen = 0;
    int64_t heard = ag_monotonic();
    while (auger_ledger_sync(ledger, PIECE, NULL) < 0) {
        auger_ledger_status_read(ledger, &d->status);
        if (d->status.delivered != seen) heard = ag_monotonic();
        seen = d->status.delivered;
        if (seen > told) ag_progress_add(progress, seen - told, 0);
        told = seen;
        d->stopped = cancel && ag_cancelled(cancel);
        if (d->stopped || ag_monotonic() - heard > patience) break;
    }
    auger_ledger_status_read(ledger, &d->status);
    ag_progress_free(progress);
}

static int deliver(delivering *d, ag_err *err)
{
    auger_error error;
    auger_ledger *ledger = NULL;
    auger_ledger_options how = ag_train_server_options(d->spool);
    how.without_system_tags = 1;
    int rc = auger_ledger_open(d->address, &how, &ledger, &error);
    if (rc < 0) {
        ag_fail(err, (ag_code)rc, "%s", error.text);
        return *error.hint ? ag_err_hint(err, "%s", error.hint) : rc;
    }
    d->address = ag_arena_strdup(d->invocation->arena, ledger->name); /* without a password */
    carry(d, ledger);
    (void)auger_ledger_close(ledger, 0, NULL);
    return d->address ? 0 : ag_fail_memory(err, 64);
}

static int print_json(const delivering *d, ag_err *err)
{
    ag_buf buf;
    const auger_ledger_status *s = &d->status;
    ag_buf_init(&buf, BYTES);
    ag_json json = ag_json_writer(&buf, 0, AG_JSON_REFUSE_NONFINITE);
    ag_json_begin_object(&json);
    ag_json_put_text(&json, "spool", d->spool);
    ag_json_put_text(&json, "tracking", d->address);
    if (ag_option_flag(d->invocation, "again")) {
        ag_json_put_int(&json, "again", (int64_t)d->again.taken);
        ag_json_put_int(&json, "kept", (int64_t)d->again.kept);
    }
    ag_json_put_int(&json, "waited", (int64_t)d->waiting);
    ag_json_put_int(&json, "delivered", (int64_t)s->delivered);
    ag_json_put_int(&json, "refused", (int64_t)s->refused);
    ag_json_put_int(&json, "left", (int64_t)s->pending);
    ag_json_put_int(&json, "in_use", (int64_t)d->alive);
    ag_json_put_bool(&json, "away", s->away);
    if (s->pending || s->refused) ag_json_put_text(&json, "last_error", s->last_error);
    ag_json_end_object(&json);
    int rc = ag_print_json(d->invocation, &json, &buf, err);
    ag_buf_deinit(&buf);
    return rc;
}

static void print_text(const delivering *d)
{
    ag_invocation *invocation = d->invocation;
    const auger_ledger_status *s = &d->status;
    const char *named = ag_option_text(invocation, "tracking");
    if (d->again.taken) ag_print(invocation, "%zu refused things are sent again\n", d->again.taken);
    if (d->again.kept)
        ag_note(invocation,
                "%zu things in '%s/failed.jsonl' cannot be sent again: their bytes are damaged or gone, or "
                "an older version wrote them",
                d->again.kept, d->spool);
    if (!d->waiting)
        ag_print(invocation, "nothing waits in '%s'%s%s\n", d->spool, named ? " for " : "", named ? named : "");
    else
        ag_print(invocation, "%" PRIu64 " of %" PRIu64 " calls delivered to %s\n", d->waiting - s->pending, d->waiting,
                 d->address);
    if (s->refused)
        ag_print(invocation,
                 "%" PRIu64 " things refused (%s): they are in '%s/failed.jsonl', and "
                 "--again sends them when the cause is gone\n",
                 s->refused, s->last_error, d->spool);
    if (s->pending)
        ag_print(invocation, "%" PRIu64 " wait on in '%s'%s%s%s\n", s->pending, d->spool, s->away ? " (" : "",
                 s->away ? s->last_error : "", s->away ? ")" : "");
    if (d->alive) ag_note(invocation, "programs that still run deliver themselves: %zu of them", d->alive);
}

static int run(ag_invocation *invocation, ag_err *err)
{
    delivering d = {.invocation = invocation, .spool = ag_option_text(invocation, "spool")};
    if (!d.spool) d.spool = ag_path_join(invocation->arena, ag_home(invocation), "spool");
    int rc = d.spool ? 0 : ag_fail_memory(err, 64);
    if (rc >= 0 && ag_option_flag(invocation, "again")) rc = queue_again(&d, err);
    if (rc >= 0) rc = find_address(&d, err);
    if (rc >= 0 && d.address) rc = deliver(&d, err);
    if (rc >= 0 && ag_wants_json(invocation))
        rc = print_json(&d, err);
    else if (rc >= 0)
        print_text(&d);
    if (rc < 0) return rc;
    if (d.stopped) return ag_fail(err, AG_ECANCELLED, "stopped: what was not delivered waits on");
    return d.status.pending || d.status.refused ? 1 : 0;
}

const ag_command ag_command_runs_deliver = {
    .path = "runs deliver",
    .summary = "Send what waits because a server was away",
    .doc =
        "'auger train --tracking URL' and programs that use the C API keep in HOME/spool what their server could "
        "not take, and the next of them delivers it. This command does so without one: it takes over what ended "
        "programs have left, sends it, and says what was delivered, what was refused and what waits on. What comes "
        "twice changes nothing, so it may be stopped and called again at any time.\n\n"
        "What the server refused for good (a right that is missing, a deleted experiment) stands in failed.jsonl "
        "there, and contents of files beside it. When the cause is gone, --again puts it back among what waits; what "
        "is refused again returns to failed.jsonl, and what cannot be sent again never leaves it.\n\n"
        "The exit status is 0 when nothing waits any more, 1 when something does or was refused.",
    .options = AG_OPTIONS(options),
    .examples = examples,
    .run = run,
};
