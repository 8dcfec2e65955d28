// SPDX-License-Identifier: Apache-2.0
/* log.c: the calls of the public C API that record something. Each checks its arguments as the ledger would, so that a
 * wrong name is told to who wrote it and not to failed.jsonl, makes a record of them, on the stack when it is small,
 * and appends it. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/base/answer.h"
#include "core/base/mem.h"
#include "core/hash/encode.h"
#include "core/io/path.h"
#include "core/io/stream.h"
#include "core/io/syscall.h"
#include "core/sys/clock.h"
#include "ledger/client/client.h"

enum { ON_STACK = 2048, PIECE = 60000, METRIC_BYTES = 29, PAIR_BYTES = 10, PATH_SIZE = 4096 };

int ag_client_append(auger_ledger *ledger, const ag_entry *record, ag_err *err)
{
    _Alignas(8) uint8_t small[ON_STACK];
    size_t size = ag_entry_size(record);
    if (size > AG_ENTRY_MAX)
        return ag_fail(err, AG_ELIMIT, "%zu bytes in one call are more than the spool takes (%d)", size, AG_ENTRY_MAX);
    uint8_t *bytes = size <= sizeof(small) ? small : ag_alloc(size);
    if (!bytes) return ag_fail_memory(err, size);
    ag_entry_write(record, bytes);
    int rc = ag_spool_append(ledger->spool, bytes, size, err);
    if (bytes != small) ag_free(bytes);
    return rc;
}

int ag_client_append_of(auger_ledger_run *run, ag_entry *record, ag_err *err)
{
    record->run = (ag_str){run->id, AG_ENTRY_ID};
    return ag_client_append(run->ledger, record, err);
}

/* ---- checking ---- */

int ag_client_check_text(const char *text, const char *what, size_t longest, ag_err *err)
{
    ag_str value = ag_str_of(text);
    if (!text) return ag_fail(err, AG_EINVAL, "%s is NULL", what);
    if (!ag_utf8_valid(value)) return ag_fail(err, AG_EINVAL, "%s is not valid UTF-8", what);
    if (value.size > longest && ag_utf8_count(value) > longest)
        return ag_fail(err, AG_EINVAL, "%s has %zu characters, more than %zu", what, ag_utf8_count(value), longest);
    return AG_OK;
}

int ag_client_check_pairs(const auger_pair *pairs, size_t count, const char *what, size_t longest, ag_err *err)
{
    if (count && !pairs) return ag_fail(err, AG_EINVAL, "%zu pairs are wanted, not NULL", count);
    for (size_t i = 0; i < count; i++) {
        char name[512];
        if (!pairs[i].key) return ag_fail(err, AG_EINVAL, "the key of a %s is NULL", what);
        int rc = ag_key_check(ag_str_of(pairs[i].key), what, err);
        if (rc < 0) return rc;
        ag_format(name, sizeof(name), "the value of %s '%s'", what, pairs[i].key);
        if ((rc = ag_client_check_text(pairs[i].value, name, longest, err)) < 0) return rc;
    }
    return AG_OK;
}

static int check_metrics(const auger_metric *metrics, size_t count, ag_err *err)
{
    if (count && !metrics) return ag_fail(err, AG_EINVAL, "%zu points are wanted, not NULL", count);
    for (size_t i = 0; i < count; i++) {
        if (!metrics[i].key) return ag_fail(err, AG_EINVAL, "the key of a metric is NULL");
        int rc = ag_key_check(ag_str_of(metrics[i].key), "metric", err);
        if (rc < 0) return rc;
        if (metrics[i].at_ms < 0 || metrics[i].at_ms > INT64_MAX / 1000)
            return ag_fail(err, AG_EINVAL, "the time of a point of '%s' is out of range", metrics[i].key);
    }
    return AG_OK;
}

/* To whole milliseconds: what MLflow's protocol carries. */
static int64_t now_in_milliseconds(const auger_ledger *ledger)
{
    struct timespec now;
    if (ledger->pinned || clock_gettime(CLOCK_REALTIME, &now) != 0) return ag_now() / 1000;
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- runs ---- */

static bool is_given(const auger_run_options *options, ag_str key)
{
    for (size_t i = 0; i < options->tag_count; i++) {
        if (ag_str_is(key, options->tags[i].key)) return true;
    }
    return false;
}

/* What the system says, and over it what the caller says. */
static int gather_tags(const auger_ledger *ledger, const auger_run_options *options, ag_pairs *out, ag_err *err)
{
    size_t count = 0, most = ledger->system_tags.count + options->tag_count;
    ag_pair *tags = ag_alloc_array(most + 1, sizeof(*tags));
    if (!tags) return ag_fail_memory(err, (most + 1) * sizeof(*tags));
    for (size_t i = 0; i < ledger->system_tags.count; i++) {
        if (!is_given(options, ledger->system_tags.items[i].key)) tags[count++] = ledger->system_tags.items[i];
    }
    for (size_t i = 0; i < options->tag_count; i++)
        tags[count++] = (ag_pair){ag_str_of(options->tags[i].key), ag_str_of(options->tags[i].value)};
    *out = (ag_pairs){tags, count};
    return AG_OK;
}

static int start_run(auger_ledger *ledger, const auger_run_options *options, auger_ledger_run *run, ag_err *err)
{
    const char *experiment = options->experiment ? options->experiment : ledger->experiment;
    const char *name = options->name ? options->name : "";
    int rc = ag_client_check_text(experiment, "the name of an experiment", AG_MAX_EXPERIMENT_NAME, err);
    if (rc >= 0 && !*experiment) rc = ag_fail(err, AG_EINVAL, "the name of an experiment is empty");
    if (rc >= 0) rc = ag_client_check_text(name, "the name of a run", AG_MAX_KEY, err);
    if (rc >= 0) rc = ag_client_check_pairs(options->tags, options->tag_count, "tag", AG_MAX_TAG_VALUE, err);
    if (rc >= 0 && options->parent && options->parent->ledger != ledger)
        rc = ag_fail(err, AG_EINVAL, "the parent belongs to another ledger");
    if (rc < 0) return rc;
    ag_entry record = {.kind = AG_ENTRY_START,
                       .start = {.parent = ag_str_of(options->parent ? options->parent->id : ""),
                                 .experiment = ag_str_of(experiment),
                                 .name = ag_str_of(name),
                                 .at = now_in_milliseconds(ledger) * 1000}};
    rc = gather_tags(ledger, options, &record.start.tags, err);
    if (rc >= 0) rc = ag_client_append_of(run, &record, err);
    ag_free((void *)record.start.tags.items);
    return rc;
}

int ag_client_run_start(auger_ledger *ledger, const auger_run_options *options, const char *id, auger_ledger_run **out,
                        ag_err *err)
{
    auger_ledger_run *run = NULL;
    int rc = ag_client_run_again(ledger, id, &run, err);
    if (rc >= 0) rc = start_run(ledger, options, run, err);
    if (rc < 0)
        ag_free(run);
    else
        *out = run;
    return rc;
}

int auger_run_start(auger_ledger *ledger, const auger_run_options *options, auger_ledger_run **out, auger_error *error)
{
    static const auger_run_options defaults;
    ag_err err = {0};
    char id[AG_ENTRY_ID + 1];
    int rc = ag_id_new(id, &err);
    if (rc >= 0) rc = ag_client_run_start(ledger, options ? options : &defaults, id, out, &err);
    return ag_answer(rc, &err, error);
}

const char *auger_run_id(const auger_ledger_run *run)
{
    return run->id;
}

int auger_run_finish(auger_ledger_run *run, auger_run_status status, auger_error *error)
{
    ag_err err = {0};
    ag_entry record = {.kind = AG_ENTRY_FINISH,
                       .finish = {.status = (ag_run_status)status, .at = now_in_milliseconds(run->ledger) * 1000}};
    int rc = status == AUGER_RUN_FINISHED || status == AUGER_RUN_FAILED || status == AUGER_RUN_KILLED
                 ? ag_client_append_of(run, &record, &err)
                 : ag_fail(&err, AG_EINVAL, "%d is no status in which a run ends", (int)status);
    return ag_answer(rc, &err, error);
}

void auger_run_free(auger_ledger_run *run)
{
    ag_free(run);
}

/* ---- parameters, tags, metrics ---- */

/* In records of at most PIECE bytes, one of more when a single pair takes more. */
static int append_pairs(auger_ledger_run *run, const auger_pair *pairs, size_t count, bool are_params, ag_err *err)
{
    ag_pair *piece = ag_alloc_array(count + 1, sizeof(*piece));
    if (!piece) return ag_fail_memory(err, (count + 1) * sizeof(*piece));
    int rc = AG_OK;
    for (size_t i = 0; i < count && rc >= 0;) {
        size_t used = 0;
        ag_pairs some = {piece, 0};
        do {
            piece[some.count] = (ag_pair){ag_str_of(pairs[i].key), ag_str_of(pairs[i].value)};
            used += PAIR_BYTES + piece[some.count].key.size + piece[some.count].value.size;
            some.count++;
        } while (++i < count && used + PAIR_BYTES + strlen(pairs[i].key) + strlen(pairs[i].value) <= PIECE);
        ag_entry record = {.kind = AG_ENTRY_LOG};
        *(are_params ? &record.log.params : &record.log.tags) = some;
        rc = ag_client_append_of(run, &record, err);
    }
    ag_free(piece);
    return rc;
}

static int log_pair(auger_ledger_run *run, const char *key, const char *value, bool is_param, ag_err *err)
{
    auger_pair given = {key, value};
    size_t longest = is_param ? AG_MAX_PARAM_VALUE : AG_MAX_TAG_VALUE;
    int rc = ag_client_check_pairs(&given, 1, is_param ? "param" : "tag", longest, err);
    if (rc < 0) return rc;
    ag_pair pair = {ag_str_of(key), ag_str_of(value)};
    ag_entry record = {.kind = AG_ENTRY_LOG};
    *(is_param ? &record.log.params : &record.log.tags) = (ag_pairs){&pair, 1};
    return ag_client_append_of(run, &record, err);
}

int auger_log_param(auger_ledger_run *run, const char *key, const char *value, auger_error *error)
{
    ag_err err = {0};
    return ag_answer(log_pair(run, key, value, true, &err), &err, error);
}

int auger_set_tag(auger_ledger_run *run, const char *key, const char *value, auger_error *error)
{
    ag_err err = {0};
    return ag_answer(log_pair(run, key, value, false, &err), &err, error);
}

int auger_log_params(auger_ledger_run *run, const auger_pair *params, size_t count, auger_error *error)
{
    ag_err err = {0};
    int rc = ag_client_check_pairs(params, count, "param", AG_MAX_PARAM_VALUE, &err);
    if (rc >= 0) rc = append_pairs(run, params, count, true, &err);
    return ag_answer(rc, &err, error);
}

int auger_set_tags(auger_ledger_run *run, const auger_pair *tags, size_t count, auger_error *error)
{
    ag_err err = {0};
    int rc = ag_client_check_pairs(tags, count, "tag", AG_MAX_TAG_VALUE, &err);
    if (rc >= 0) rc = append_pairs(run, tags, count, false, &err);
    return ag_answer(rc, &err, error);
}

int auger_log_metric(auger_ledger_run *run, const char *key, double value, int64_t step, auger_error *error)
{
    if (!key) return auger_log_metrics(run, &(auger_metric){0}, 1, error);
    ag_err err = {0};
    int rc = ag_key_check(ag_str_of(key), "metric", &err);
    ag_metric metric = {.key = key, .value = value, .step = step, .at = now_in_milliseconds(run->ledger) * 1000};
    ag_entry record = {.kind = AG_ENTRY_LOG, .log = {.metrics = &metric, .metric_count = 1}};
    if (rc >= 0) rc = ag_client_append_of(run, &record, &err);
    return ag_answer(rc, &err, error);
}

static int append_metrics(auger_ledger_run *run, const auger_metric *metrics, size_t count, ag_err *err)
{
    enum { MOST = PIECE / METRIC_BYTES + 1 };
    ag_metric *piece = ag_alloc_array(count < MOST ? count + 1 : MOST, sizeof(*piece));
    if (!piece) return ag_fail_memory(err, MOST * sizeof(*piece));
    int rc = AG_OK;
    int64_t now = now_in_milliseconds(run->ledger);
    for (size_t i = 0; i < count && rc >= 0;) {
        size_t used = 0, some = 0;
        do {
            int64_t at = metrics[i].at_ms ? metrics[i].at_ms : now;
            piece[some++] =
                (ag_metric){.key = metrics[i].key, .value = metrics[i].value, .step = metrics[i].step, .at = at * 1000};
            used += METRIC_BYTES + strlen(metrics[i].key);
        } while (++i < count && used + METRIC_BYTES + strlen(metrics[i].key) <= PIECE);
        ag_entry record = {.kind = AG_ENTRY_LOG, .log = {.metrics = piece, .metric_count = some}};
        rc = ag_client_append_of(run, &record, err);
    }
    ag_free(piece);
    return rc;
}

int auger_log_metrics(auger_ledger_run *run, const auger_metric *metrics, size_t count, auger_error *error)
{
    ag_err err = {0};
    int rc = check_metrics(metrics, count, &err);
    if (rc >= 0) rc = append_metrics(run, metrics, count, &err);
    return ag_answer(rc, &err, error);
}

/* ---- files ---- */

static int copy_content(ag_reader *from, const char *path, uint64_t *copied, ag_err *err)
{
    ag_writer *writer = NULL;
    int fd = ag_sys_open(AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (fd < 0) return ag_fail_errno(err, errno, "cannot write '%s' in the spool", path);
    int rc = ag_writer_to_fd(fd, &writer, err);
    if (rc >= 0) rc = ag_copy(from, writer, copied, err);
    if (rc >= 0) rc = ag_finish(writer, err);
    ag_writer_close(writer);
    ag_sys_close(fd);
    return rc;
}

/* The content lies whole in the spool before the record that tells of it. */
static int log_content(auger_ledger_run *run, ag_reader *content, uint64_t size, const char *artifact_path, ag_err *err)
{
    char path[PATH_SIZE];
    ag_spool *spool = run->ledger->spool;
    uint64_t number, copied = 0;
    int rc = ag_path_check(ag_str_of(artifact_path), err);
    if (rc < 0) return ag_err_prefix(err, "the path '%.200s' of an artifact", artifact_path);
    if ((rc = ag_spool_reserve(spool, size, &number, err)) < 0) return rc;
    rc = ag_outbox_file(ag_spool_outbox(spool), number, path, sizeof(path), err);
    if (rc >= 0) rc = copy_content(content, path, &copied, err);
    if (rc >= 0) {
        ag_entry record = {.kind = AG_ENTRY_ARTIFACT,
                           .artifact = {.path = ag_str_of(artifact_path), .file = number, .size = copied}};
        if (copied < size) ag_spool_release(spool, size - copied);
        size = copied;
        rc = ag_client_append_of(run, &record, err);
    }
    if (rc < 0) {
        (void)unlink(path);
        ag_spool_release(spool, size);
    }
    return rc;
}

static int log_one_file(auger_ledger_run *run, const char *path, uint64_t size, const char *artifact_path, ag_err *err)
{
    ag_reader *reader = NULL;
    int rc = ag_reader_of_range(path, 0, size, &reader, err);
    if (rc >= 0) rc = log_content(run, reader, size, artifact_path, err);
    ag_reader_close(reader);
    return rc;
}

typedef struct walk {
    auger_ledger_run *run;
    const char *from, *to;
} walk;

static int log_found(void *context, const char *relative, const ag_file_info *info, ag_err *err)
{
    walk *self = context;
    char from[PATH_SIZE], to[PATH_SIZE];
    if (!ag_format(from, sizeof(from), "%s/%s", self->from, relative) ||
        !ag_format(to, sizeof(to), "%s%s%s", self->to, *self->to ? "/" : "", relative))
        return ag_fail(err, AG_ELIMIT, "a path below '%.200s' is too long", self->from);
    return log_one_file(self->run, from, info->size, to, err);
}

static int log_path(auger_ledger_run *run, const char *path, const char *artifact_path, ag_err *err)
{
    ag_file_info info;
    char name[PATH_SIZE];
    if (!path) return ag_fail(err, AG_EINVAL, "the path of a file is NULL");
    int rc = ag_file_stat(path, &info, err);
    if (rc < 0) return rc;
    if (!artifact_path) {
        ag_str last = ag_str_of(path);
        while (last.size > 1 && last.data[last.size - 1] == '/') last.size--;
        if (!ag_format(name, sizeof(name), "%.*s", AG_STR_ARG(ag_path_name(last))))
            return ag_fail(err, AG_ELIMIT, "the path '%.200s...' is too long", path);
        artifact_path = name;
    }
    if (info.is_regular) return log_one_file(run, path, info.size, artifact_path, err);
    if (!info.is_directory) return ag_fail(err, AG_EINVAL, "'%s' is neither a file nor a directory", path);
    if (*artifact_path && (rc = ag_path_check(ag_str_of(artifact_path), err)) < 0) return rc;
    walk self = {.run = run, .from = path, .to = artifact_path};
    return ag_dir_walk(path, log_found, &self, err);
}

int auger_log_file(auger_ledger_run *run, const char *path, const char *artifact_path, auger_error *error)
{
    ag_err err = {0};
    return ag_answer(log_path(run, path, artifact_path, &err), &err, error);
}

int auger_log_bytes(auger_ledger_run *run, const void *bytes, size_t size, const char *artifact_path,
                    auger_error *error)
{
    ag_err err = {0};
    ag_reader *reader = NULL;
    int rc = artifact_path && (bytes || !size) ? AG_OK : ag_fail(&err, AG_EINVAL, "bytes and a path are wanted");
    if (rc >= 0) rc = ag_reader_of_memory(bytes, size, &reader, &err);
    if (rc >= 0) rc = log_content(run, reader, size, artifact_path, &err);
    ag_reader_close(reader);
    return ag_answer(rc, &err, error);
}

/* ---- data sets and models ---- */

static int log_input(auger_ledger_run *run, const auger_dataset *set, ag_err *err)
{
    const char *source_type = set->source_type ? set->source_type : "local";
    const char *source = set->source && *set->source ? set->source : set->name;
    int rc = ag_client_check_text(set->name, "the name of a data set", AG_MAX_DATASET_NAME, err);
    if (rc >= 0) rc = ag_client_check_text(set->digest, "the digest of a data set", AG_MAX_DATASET_DIGEST, err);
    if (rc >= 0 && (!*set->name || !*set->digest))
        rc = ag_fail(err, AG_EINVAL, "the name or digest of a data set is empty");
    if (rc >= 0) rc = ag_client_check_text(source_type, "the source type of a data set", AG_MAX_KEY, err);
    if (rc >= 0) rc = ag_client_check_text(source, "the source of a data set", AG_MAX_DATASET_SOURCE, err);
    if (rc >= 0 && set->schema) rc = ag_client_check_text(set->schema, "the schema", AG_MAX_DATASET_SCHEMA, err);
    if (rc >= 0 && set->profile) rc = ag_client_check_text(set->profile, "the profile", AG_MAX_DATASET_PROFILE, err);
    if (rc >= 0 && set->context) rc = ag_client_check_text(set->context, "the context", AG_MAX_INPUT_TAG_VALUE, err);
    if (rc < 0) return rc;
    ag_pair context = {AG_STR("mlflow.data.context"), ag_str_of(set->context)};
    ag_entry record = {.kind = AG_ENTRY_INPUT,
                       .input = {.name = set->name,
                                 .digest = set->digest,
                                 .source_type = source_type,
                                 .source = source,
                                 .schema = set->schema,
                                 .profile = set->profile,
                                 .tags = {&context, set->context ? 1 : 0}}};
    return ag_client_append_of(run, &record, err);
}

int auger_log_input(auger_ledger_run *run, const auger_dataset *dataset, auger_error *error)
{
    ag_err err = {0};
    int rc = dataset ? log_input(run, dataset, &err) : ag_fail(&err, AG_EINVAL, "a data set is wanted, not NULL");
    return ag_answer(rc, &err, error);
}
