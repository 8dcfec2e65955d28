// SPDX-License-Identifier: Apache-2.0
/* refusals.c: refusals, kept for people, and to be sent again (again.h). Lines gather in memory and are appended in one
 * call, under the lock that the exchange takes, so that several processes may write the same file. Nothing counts as
 * refused before its line is written. */
#include "ledger/client/refusals.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "core/doc/json.h"
#include "core/hash/encode.h"
#include "core/io/syscall.h"
#include "core/sys/clock.h"
#include "ledger/client/again.h"

static ag_json begin(ag_refusals *failed, ag_str run, const ag_err *why)
{
    char now[40];
    ag_instant_format(ag_now(), 3, now);
    ag_json json = ag_json_writer(&failed->lines, 0, AG_JSON_NONFINITE_TEXT);
    ag_json_begin_object(&json);
    ag_json_put_text(&json, "at", now);
    ag_json_put_text(&json, "target", failed->target);
    if (run.size) {
        ag_json_name(&json, "run");
        ag_json_str(&json, run);
    }
    ag_json_put_text(&json, "reason", why->text);
    ag_json_put_text(&json, "code", ag_code_name(why->code));
    return json;
}

static void end(ag_refusals *failed, ag_json *json)
{
    ag_json_end_object(json);
    (void)ag_json_end_document(json, NULL);
    ag_buf_add_char(&failed->lines, '\n');
}

static void put_str(ag_json *json, const char *name, ag_str value)
{
    ag_json_name(json, name);
    ag_json_str(json, value);
}

void ag_refusals_item(ag_refusals *failed, ag_str run, const ag_log_item *item, const ag_err *why)
{
    ag_json json = begin(failed, run, why);
    if (item->kind == AG_LOG_METRIC) {
        ag_json_put_text(&json, "kind", "metric");
        ag_json_put_text(&json, "key", item->metric.key);
        ag_json_put_real(&json, "value", item->metric.value);
        ag_json_put_int(&json, "step", item->metric.step);
        ag_json_put_int(&json, "timestamp", item->metric.at / 1000);
    } else {
        ag_json_put_text(&json, "kind", item->kind == AG_LOG_PARAM ? "parameter" : "tag");
        put_str(&json, "key", item->pair.key);
        put_str(&json, "value", item->pair.value);
    }
    end(failed, &json);
}

static void put_record(ag_json *json, const ag_entry *record)
{
    switch (record->kind) {
    case AG_ENTRY_START:
        put_str(json, "experiment", record->start.experiment);
        put_str(json, "name", record->start.name);
        break;
    case AG_ENTRY_FINISH: ag_json_put_text(json, "status", ag_run_status_name(record->finish.status)); break;
    case AG_ENTRY_ARTIFACT: put_str(json, "path", record->artifact.path); break;
    case AG_ENTRY_INPUT:
        ag_json_put_text(json, "name", record->input.name);
        ag_json_put_text(json, "digest", record->input.digest);
        break;
    case AG_ENTRY_VERSION:
        put_str(json, "model", record->version.model);
        put_str(json, "path", record->version.path);
        break;
    case AG_ENTRY_LOG: break;
    }
}

/* The call itself: what stands beside it is for people, and not all of it. */
static void put_bytes(ag_refusals *failed, ag_json *json, const ag_entry *record)
{
    ag_buf bytes, text;
    size_t size = ag_entry_size(record);
    ag_buf_init(&bytes, AG_ENTRY_MAX);
    ag_buf_init(&text, 2 * (size_t)AG_ENTRY_MAX);
    uint8_t *out = size <= AG_ENTRY_MAX ? (uint8_t *)ag_buf_reserve(&bytes, size) : NULL;
    if (out) ag_entry_write(record, out);
    if (out && ag_base64(&text, (ag_str){(const char *)out, size}) >= 0)
        put_str(json, "record", ag_buf_str(&text));
    else
        failed->lines.failed = AG_ENOMEM; /* told when the lines are written, and tried again */
    ag_buf_deinit(&bytes);
    ag_buf_deinit(&text);
}

void ag_refusals_record(ag_refusals *failed, const ag_entry *record, const char *kept, const ag_err *why)
{
    ag_json json = begin(failed, record->run, why);
    ag_json_put_text(&json, "kind", ag_entry_kind_name(record->kind));
    put_record(&json, record);
    if (kept) ag_json_put_text(&json, "content", kept);
    put_bytes(failed, &json, record);
    end(failed, &json);
}

void ag_refusals_damage(ag_refusals *failed, const char *path, uint64_t bytes)
{
    ag_err why = {0};
    ag_fail(&why, AG_ECORRUPT, "%llu bytes of '%s' are not what was written", (unsigned long long)bytes, path);
    ag_json json = begin(failed, (ag_str){0}, &why);
    ag_json_put_text(&json, "kind", "damaged");
    end(failed, &json);
}

/* Appends; behind a line that a killed process has cut short, on a line of its own. */
static int append(const ag_refusals *failed, const char *path, ag_err *err)
{
    char last = '\n';
    struct stat info;
    int rc = AG_OK, fd = ag_sys_open(AT_FDCWD, path, O_RDWR | O_CREAT | O_APPEND, 0600);
    if (fd < 0) return ag_fail_errno(err, errno, "cannot write '%s'", path);
    if (ag_sys_stat(fd, &info) < 0 || (info.st_size > 0 && pread(fd, &last, 1, info.st_size - 1) < 0) ||
        (last != '\n' && ag_sys_write(fd, "\n", 1) < 0) || ag_sys_write(fd, failed->lines.data, failed->lines.size) < 0)
        rc = ag_fail_errno(err, errno, "cannot write '%s'", path);
    ag_sys_close(fd);
    return rc;
}

int ag_refusals_write(ag_refusals *failed, ag_err *err)
{
    char path[4096];
    ag_lock *lock = NULL;
    if (!failed->lines.size && !failed->lines.failed) return AG_OK;
    int rc = ag_buf_check(&failed->lines, "refusals", err);
    if (rc < 0) return rc;
    if (!ag_format(path, sizeof(path), "%s/failed.jsonl", failed->directory))
        return ag_fail(err, AG_EIO, "the path of the spool is too long");
    rc = ag_again_lock(failed->directory, &lock, err);
    if (rc >= 0) rc = append(failed, path, err);
    ag_lock_release(lock);
    if (rc >= 0) ag_buf_clear(&failed->lines);
    return rc;
}
