// SPDX-License-Identifier: Apache-2.0
/* ledger.c: the ledger looked through: the database's own check with the checksum of every page, the audit chain, rows
 * that lead nowhere, histories and, if wanted, that the files are there. */
#include "app/cli/doctor/ledger.h"

#include "app/cli/ledger.h"
#include "ledger/verify.h"

enum { MOST_SHOWN = 1000 };

typedef struct report {
    ag_arena *arena;
    ag_vec found; /* of ag_verify_finding */
    ag_verify_result result;
} report;

static void keep(void *context, const ag_verify_finding *finding)
{
    report *r = context;
    ag_verify_finding *slot = r->found.count < MOST_SHOWN ? ag_vec_add(&r->found) : NULL;
    if (!slot) return;
    slot->check = finding->check;
    slot->text = ag_arena_strdup(r->arena, finding->text);
}

static void write_report(ag_json *json, const void *thing)
{
    const report *r = thing;
    ag_json_begin_object(json);
    ag_json_put_int(json, "findings", (int64_t)r->result.findings);
    ag_json_put_int(json, "audit_entries", (int64_t)r->result.audit_entries);
    ag_json_put_int(json, "runs", (int64_t)r->result.runs);
    ag_json_put_int(json, "artifacts_seen", (int64_t)r->result.artifacts_seen);
    ag_json_name(json, "found");
    ag_json_begin_array(json);
    for (size_t i = 0; i < r->found.count; i++) {
        const ag_verify_finding *one = ag_vec_at(&r->found, i);
        ag_json_begin_object(json);
        ag_json_put_text(json, "check", one->check);
        ag_json_put_text(json, "text", one->text);
        ag_json_end_object(json);
    }
    ag_json_end_array(json);
    ag_json_end_object(json);
}

static void print_report(ag_invocation *invocation, const report *r)
{
    for (size_t i = 0; i < r->found.count; i++) {
        const ag_verify_finding *one = ag_vec_at(&r->found, i);
        ag_output_style(invocation->out, AG_STYLE_BAD, one->check);
        ag_print(invocation, "  %s\n", one->text ? one->text : "");
    }
    ag_print(invocation, "%llu runs and %llu entries of the audit log looked at, %llu finding%s\n",
             (unsigned long long)r->result.runs, (unsigned long long)r->result.audit_entries,
             (unsigned long long)r->result.findings, r->result.findings == 1 ? "" : "s");
    if (r->result.findings) {
        ag_note(invocation, "keep a copy of the database as it is, and restore the last backup: 'auger restore'");
    }
}

int ag_doctor_ledger(ag_invocation *invocation, ag_err *err)
{
    ag_ledger *ledger = NULL;
    report r = {.arena = invocation->arena};
    ag_verify_options wanted = {.artifacts = ag_option_flag(invocation, "artifacts"),
                                .finding = keep,
                                .context = &r,
                                .cancel = invocation->cancel};
    ag_vec_init(&r.found, sizeof(ag_verify_finding));
    int rc = ag_cli_open_ledger(invocation, false, &ledger, err);
    if (rc == AG_ECORRUPT && err) { /* so damaged that it cannot be opened: that is the finding */
        keep(&r, &(ag_verify_finding){"database", err->text});
        r.result.findings = 1;
        rc = AG_OK;
    } else if (rc >= 0) {
        rc = ag_ledger_verify(ledger, &wanted, &r.result, err);
    }
    if (rc >= 0 && ag_wants_json(invocation)) {
        rc = ag_cli_print_thing(invocation, "ledger", write_report, &r, err);
    } else if (rc >= 0) {
        print_report(invocation, &r);
    }
    ag_vec_deinit(&r.found);
    ag_ledger_close(ledger);
    return rc < 0 ? rc : r.result.findings > 0;
}
