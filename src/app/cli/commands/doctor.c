// SPDX-License-Identifier: Apache-2.0
/* doctor.c: the command: runs the checks of doctor/checks.c and prints a row for each. What a check finds, not how it
 * is found, is this file's business. */
#include <stdlib.h>
#include <string.h>

#include "app/cli/doctor/check.h"
#include "app/cli/doctor/disk.h"
#include "app/cli/doctor/ledger.h"
#include "app/cli/help.h"
#include "app/cli/invocation.h"
#include "app/cli/ledger.h"
#include "core/base/median.h"
#include "core/show/spark.h"

static const ag_option options[] = {
    {.name = "disk",
     .type = AG_OPTION_FLAG,
     .doc = "Also measure how long the disk takes to keep something for good, and draw it"},
    {.name = "ledger",
     .letter = 'l',
     .type = AG_OPTION_FLAG,
     .doc = "Look through the ledger instead: is it what was written?"},
    {.name = "artifacts", .type = AG_OPTION_FLAG, .doc = "With --ledger: also look whether the files are there"},
    AG_OPTION_OF_DATABASE,
};

static const ag_example examples[] = {
    {"doctor", "Look at this machine and at ./.auger"},
    {"doctor --disk", "See how long each record would wait for the disk"},
    {"doctor --ledger --artifacts", "Is the ledger what was written, and are its files there?"},
    {"doctor --home /srv/auger --json", "Check another home, for a program"},
    {NULL, NULL},
};

enum { DISK_WRITES = 200 };

typedef struct report {
    ag_doctor doctor;
    bool disk; /* the two below are there */
    double milliseconds[DISK_WRITES];
    double sorted[DISK_WRITES];
    size_t counts[AG_CHECK_FAIL + 1];
    ag_finding *findings;
} report;

static int examine(ag_invocation *invocation, report *r, ag_err *err)
{
    ag_check_table checks = ag_checks();
    ag_doctor_init(&r->doctor, ag_home(invocation), invocation->arena);
    r->findings = ag_arena_array(invocation->arena, checks.count, sizeof(*r->findings));
    if (!r->findings) return ag_fail_memory(err, checks.count * sizeof(*r->findings));
    for (size_t i = 0; i < checks.count; i++) {
        int rc = ag_cancel_check(invocation->cancel, err);
        if (rc < 0) return rc;
        ag_check_run(checks.items[i], &r->doctor, &r->findings[i]);
        r->counts[r->findings[i].state]++;
    }
    return AG_OK;
}

static int measure_disk(ag_invocation *invocation, report *r, ag_err *err)
{
    ag_progress *progress = ag_begin_progress(invocation, "writes", DISK_WRITES);
    int rc = ag_disk_sync(&r->doctor, r->milliseconds, DISK_WRITES, progress, invocation->cancel, err);
    ag_progress_free(progress);
    if (rc < 0) return rc;
    memcpy(r->sorted, r->milliseconds, sizeof(r->sorted));
    qsort(r->sorted, DISK_WRITES, sizeof(r->sorted[0]), ag_by_size);
    r->disk = true;
    return AG_OK;
}

static int draw_disk(ag_invocation *invocation, const report *r, ag_err *err)
{
    ag_plot plot = {.title = "milliseconds of each small write that is forced to the disk", .x_label = "write"};
    ag_series series = {.y = r->milliseconds, .count = DISK_WRITES};
    ag_buf picture;
    ag_buf_init(&picture, (size_t)1 << 20);
    unsigned columns = (unsigned)invocation->out->columns;
    int rc = ag_spark_plot(&picture, &plot, &series, 1, columns, 14, invocation->out->color, err);
    if (rc == AG_OK) {
        ag_output_style(invocation->out, AG_STYLE_STRONG, "disk");
        ag_print(invocation, "\n  half of %d writes took at most %.2f ms, 99 of 100 at most %.2f ms\n", DISK_WRITES,
                 r->sorted[DISK_WRITES / 2], r->sorted[DISK_WRITES * 99 / 100]);
        ag_print_str(invocation, ag_buf_str(&picture));
    }
    ag_buf_deinit(&picture);
    return rc;
}

static void print_row(ag_invocation *invocation, const ag_check *check, const ag_finding *finding)
{
    static const ag_style styles[] = {AG_STYLE_GOOD, AG_STYLE_DIM, AG_STYLE_WARN, AG_STYLE_BAD};
    const char *state = ag_check_state_name(finding->state);
    ag_output *out = invocation->out;
    ag_output_add(out, AG_STR("  "));
    ag_output_style(out, styles[finding->state], state);
    ag_buf text;
    ag_buf_init(&text, 8192);
    ag_buf_add_fill(&text, ' ', 8 - strlen(state));
    ag_buf_addf(&text, "%-18s", check->name);
    ag_help_wrap(&text, finding->text, 28, 28, out->columns);
    if (*finding->advice) {
        ag_buf_add_fill(&text, ' ', 28);
        ag_buf_add_text(&text, "-> ");
        ag_help_wrap(&text, finding->advice, 31, 31, out->columns);
    }
    ag_output_add(out, ag_buf_str(&text));
    ag_buf_deinit(&text);
}

static void print_text(ag_invocation *invocation, const report *r)
{
    ag_check_table checks = ag_checks();
    const char *room = "";
    if (*r->doctor.system) ag_print(invocation, "system: %s\n", r->doctor.system);
    for (size_t i = 0; i < checks.count; i++) {
        if (strcmp(checks.items[i]->room, room) != 0) {
            room = checks.items[i]->room;
            ag_output_style(invocation->out, AG_STYLE_STRONG, room);
            ag_print(invocation, "\n");
        }
        print_row(invocation, checks.items[i], &r->findings[i]);
    }
    ag_print(invocation, "%zu ok, %zu warning%s, %zu failed, %zu optional part%s absent\n", r->counts[AG_CHECK_OK],
             r->counts[AG_CHECK_WARN], r->counts[AG_CHECK_WARN] == 1 ? "" : "s", r->counts[AG_CHECK_FAIL],
             r->counts[AG_CHECK_ABSENT], r->counts[AG_CHECK_ABSENT] == 1 ? "" : "s");
}

static void write_disk(ag_json *json, const report *r)
{
    if (!r->disk) {
        ag_json_null(json);
        return;
    }
    ag_json_begin_object(json);
    ag_json_put_int(json, "writes", DISK_WRITES);
    ag_json_put_real(json, "median_ms", r->sorted[DISK_WRITES / 2]);
    ag_json_put_real(json, "p99_ms", r->sorted[DISK_WRITES * 99 / 100]);
    ag_json_put_real(json, "slowest_ms", r->sorted[DISK_WRITES - 1]);
    ag_json_end_object(json);
}

static int print_json(ag_invocation *invocation, const report *r, ag_err *err)
{
    ag_check_table checks = ag_checks();
    ag_buf buf;
    ag_buf_init(&buf, (size_t)1 << 20);
    ag_json json = ag_json_writer(&buf, 0, AG_JSON_REFUSE_NONFINITE);
    ag_json_begin_object(&json);
    ag_json_put_text(&json, "system", r->doctor.system);
    ag_json_put_text(&json, "home", r->doctor.home);
    for (int state = AG_CHECK_OK; state <= AG_CHECK_FAIL; state++)
        ag_json_put_int(&json, ag_check_state_name((ag_check_state)state), (int64_t)r->counts[state]);
    ag_json_name(&json, "disk");
    write_disk(&json, r);
    ag_json_name(&json, "checks");
    ag_json_begin_array(&json);
    for (size_t i = 0; i < checks.count; i++) {
        const ag_check *check = checks.items[i];
        ag_json_begin_object(&json);
        ag_json_put_text(&json, "name", check->name);
        ag_json_put_text(&json, "room", check->room);
        ag_json_put_text(&json, "state", ag_check_state_name(r->findings[i].state));
        ag_json_put_text(&json, "found", r->findings[i].text);
        ag_json_put_text(&json, "advice", *r->findings[i].advice ? r->findings[i].advice : NULL);
        ag_json_put_text(&json, "adds", check->part ? check->part->adds : NULL);
        ag_json_put_text(&json, "doc", check->doc);
        ag_json_end_object(&json);
    }
    ag_json_end_array(&json);
    ag_json_end_object(&json);
    int rc = ag_print_json(invocation, &json, &buf, err);
    ag_buf_deinit(&buf);
    return rc;
}

static int run(ag_invocation *invocation, ag_err *err)
{
    report r = {0};
    if (ag_option_flag(invocation, "ledger")) return ag_doctor_ledger(invocation, err);
    int rc = examine(invocation, &r, err);
    if (rc == AG_OK && ag_option_flag(invocation, "disk")) rc = measure_disk(invocation, &r, err);
    if (rc < 0) return rc;
    if (ag_wants_json(invocation)) {
        rc = print_json(invocation, &r, err);
    } else {
        print_text(invocation, &r);
        if (r.disk) rc = draw_disk(invocation, &r, err);
    }
    if (rc < 0) return rc;
    return r.counts[AG_CHECK_FAIL] ? 1 : 0;
}

const ag_command ag_command_doctor = {
    .path = "doctor",
    .summary = "Check this machine, the home directory and the optional parts",
    .doc =
        "Looks at the machine, the home directory, the libraries and the optional parts, and prints a row for each: "
        "what was found and, where something is missing, what it would add and the command that installs it.\n"
        "\n"
        "Nothing is changed, apart from a small file that comes and goes. The exit status is 1 only when something "
        "fails without which Auger cannot work.\n"
        "\n"
        "With --ledger it looks through the ledger instead: the database's own check with the checksum of every page, "
        "the chain of the audit log, rows that lead nowhere, the last points of histories. A server may run "
        "meanwhile. The exit status is 1 when something was found.",
    .options = AG_OPTIONS(options),
    .examples = examples,
    .run = run,
};
