// SPDX-License-Identifier: Apache-2.0
/* again_test.c: what was refused goes back into a queue: once, whole, and whatever happens on the way. */
#include "ledger/client/again.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/blob/tree.h"
#include "core/hash/encode.h"
#include "ledger/artifact.h"
#include "ledger/client/entry.h"
#include "ledger/client/outbox.h"
#include "ledger/client/with_client.h"
#include "ledger/model.h"

static const char run_id[] = "0123456789abcdef0123456789abcdef";

static void write_text(const char *directory, const char *name, const char *text)
{
    char path[1024];
    ag_format(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "w"); /* not durable, which would take most of the time of these tests */
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

static bool has(const char *directory, const char *name)
{
    char path[1024];
    ag_format(path, sizeof path, "%s/%s", directory, name);
    return ag_file_exists(path);
}

static int queue_again(const char *spool, const char *target, ag_again *out, ag_err *err)
{
    ag_arena *arena = ag_arena_new(0);
    if (!arena) return ag_fail_memory(err, 64);
    int rc = ag_again_queue(spool, target, arena, out, err);
    if (rc >= 0) out->target = out->target ? "some" : NULL; /* the arena goes */
    ag_arena_free(arena);
    return rc;
}

/* ---- with a ledger ---- */

/* A run with everything that a run can have, in an experiment that was deleted. */
static void be_refused(const char *home, char id[33], const char **experiment, look *at)
{
    auger_error error;
    ag_err err = {0};
    *at = look_into(home);
    AG_EXPECT_OK(ag_experiment_ensure(at->ledger, NULL, AG_STR("gone"), at->arena, experiment, &err));
    AG_EXPECT_OK(ag_experiment_delete(at->ledger, NULL, ag_str_of(*experiment), &err));
    auger_ledger_options options = {.experiment = "gone"};
    auger_ledger *ledger = open_client(home, &options);
    auger_pair tag = {"kind", "late"};
    auger_run_options how = {.name = "lost", .tags = &tag, .tag_count = 1};
    auger_ledger_run *run = NULL;
    FINE(auger_run_start(ledger, &how, &run, &error));
    ag_format(id, 33, "%s", auger_run_id(run));
    auger_metric odd[] = {{"m", 0.1, 1, 1000}, {"m", NAN, 2, 2000}, {"m", -INFINITY, -3, 3000}, {"m", 1e-300, 4, 4000}};
    FINE(auger_log_metrics(run, odd, 4, &error));
    FINE(auger_log_param(run, "p", "a \"quoted\"\n text", &error));
    FINE(auger_set_tag(run, "t", "grün", &error));
    FINE(auger_log_bytes(run, "precious", 8, "deep/p.txt", &error));
    FINE(auger_log_bytes(run, NULL, 0, "empty", &error));
    auger_dataset set = {.name = "holes", .digest = "abc", .context = "training", .source = "somewhere"};
    FINE(auger_log_input(run, &set, &error));
    int64_t version = 0;
    (void)auger_register_model(run, "drill", "deep", 0, &version, &error);
    FINE(auger_run_finish(run, AUGER_RUN_FAILED, &error));
    auger_run_free(run);
    FINE(auger_ledger_close(ledger, PATIENCE, &error));
}

static void deliver(const char *home, uint64_t refused)
{
    auger_error error;
    auger_ledger_status status;
    auger_ledger *ledger = open_client(home, NULL);
    FINE(auger_ledger_sync(ledger, PATIENCE, &error));
    auger_ledger_status_read(ledger, &status);
    assert_int_equal(status.refused, refused);
    assert_int_equal(status.pending, 0);
    FINE(auger_ledger_close(ledger, PATIENCE, &error));
}

static void expect_all(const look *at, const char *id)
{
    ag_err err = {0};
    ag_run run = run_of(at, id);
    assert_string_equal(run.name, "lost");
    assert_int_equal(run.status, AG_RUN_FAILED);
    assert_true(run.ended_at >= run.started_at && run.started_at > 0);
    assert_string_equal(value_of(run.tags, "kind"), "late");
    assert_string_equal(value_of(run.tags, "t"), "grün");
    assert_string_equal(value_of(run.params, "p"), "a \"quoted\"\n text");
    assert_int_equal(run.input_count, 1);
    ag_points points = history(at, id, "m");
    assert_int_equal(points.count, 4);
    for (size_t i = 0; i < 4; i++) {
        double value = points.items[i].value;
        switch (points.items[i].step) {
        case 1: assert_true(value == 0.1 && points.items[i].at == 1000000); break;
        case 2: assert_true(isnan(value)); break;
        case -3: assert_true(isinf(value) && value < 0); break;
        default: assert_true(value == 1e-300 && points.items[i].step == 4);
        }
    }
    ag_version version;
    AG_EXPECT_OK(ag_version_get(at->ledger, AG_STR("drill"), 1, at->arena, &version, &err));
    ag_artifact_place place;
    ag_reader *reader = NULL;
    ag_buf got;
    ag_buf_init(&got, 100);
    AG_EXPECT_OK(ag_artifact_resolve(at->ledger, run.artifact_uri, AG_STR("deep/p.txt"), at->arena, &place, &err));
    AG_EXPECT_OK(ag_tree_get(place.tree, place.path, 0, UINT64_MAX, &reader, &err));
    AG_EXPECT_OK(ag_read_all(reader, &got, &err));
    ag_reader_close(reader);
    assert_true(ag_str_is(ag_buf_str(&got), "precious"));
    ag_buf_deinit(&got);
}

AG_TEST(test_again__a_refused_run_arrives_whole_when_the_cause_is_gone)
{
    char home[512], spool[600], failed[700], id[33];
    ag_err err = {0};
    ag_again again;
    look at;
    const char *experiment = NULL;
    be_refused(new_home(home), id, &experiment, &at);
    ag_format(spool, sizeof spool, "%s/spool", home);
    ag_format(failed, sizeof failed, "%s/failed", spool);
    assert_int_equal(names_in(failed, ""), 2);

    AG_EXPECT_OK(queue_again(spool, NULL, &again, &err)); /* too early: refused once more, nothing is lost */
    const size_t count = again.taken;
    assert_true(count >= 12 && again.kept == 0 && again.target);
    assert_true(!has(spool, "failed.jsonl") && !has(spool, "failed.next"));
    assert_int_equal(names_in(failed, ""), 0);
    assert_int_equal(names_in(spool, "queue-"), 1);
    deliver(home, count);
    assert_int_equal(names_in(failed, ""), 2);

    AG_EXPECT_OK(ag_experiment_restore(at.ledger, NULL, ag_str_of(experiment), &err));
    AG_EXPECT_OK(queue_again(spool, NULL, &again, &err));
    assert_int_equal(again.taken, count);
    AG_EXPECT_OK(queue_again(spool, NULL, &again, &err)); /* all is taken */
    assert_true(again.taken == 0 && !again.target);
    deliver(home, 0);
    expect_all(&at, id);
    assert_true(!has(spool, "failed.jsonl"));
    assert_int_equal(names_in(failed, ""), 0);
    assert_int_equal(names_in(spool, "queue-"), 0);
    look_away(&at);
}

/* ---- lines alone ---- */

#define HEAD(target)                                                                                                   \
    "{\"at\":\"2026-11-21T06:30:00.000Z\",\"target\":\"" target "\",\"reason\":\"no\",\"code\":\"denied\","
#define OF_RUN "\"run\":\"0123456789abcdef0123456789abcdef\","
#define METRIC(target, key)                                                                                            \
    HEAD(target) OF_RUN "\"kind\":\"metric\",\"key\":\"" key "\",\"value\":0.5,\"step\":3,\"timestamp\":1789}\n"

static const char *new_spool(char out[512])
{
    ag_err err = {0};
    static int count;
    ag_format(out, 512, "%s/spool-%d", ag_test_dir(), ++count);
    AG_EXPECT_OK(ag_dir_make(out, &err));
    return out;
}

AG_TEST(test_again__what_cannot_be_sent_stays_byte_by_byte)
{
    static const char *const stay[] = {
        HEAD("/a") "\"kind\":\"damaged\"}\n",
        HEAD("/a") OF_RUN "\"kind\":\"start\",\"experiment\":\"e\",\"name\":\"of an older version\"}\n",
        HEAD("/a") OF_RUN "\"kind\":\"start\",\"record\":\"QUdyMQ==\"}\n",
        HEAD("/a") OF_RUN "\"kind\":\"start\",\"record\":\"!!\"}\n",
        HEAD("/a") OF_RUN "\"kind\":\"artifact\",\"path\":\"x\",\"content\":\"/etc/passwd\",\"record\":\"\"}\n",
        HEAD("/a") "\"run\":\"short\",\"kind\":\"metric\",\"key\":\"m\",\"value\":1,\"step\":3,\"timestamp\":1}\n",
        HEAD("/a") OF_RUN "\"kind\":\"metric\",\"key\":\"m\",\"value\":\"much\",\"step\":3,\"timestamp\":1}\n",
        HEAD("/a") OF_RUN "\"kind\":\"metric\",\"key\":\"m\",\"value\":1,\"step\":1.5,\"timestamp\":1}\n",
        HEAD("/a") OF_RUN
        "\"kind\":\"metric\",\"key\":\"m\",\"value\":1,\"step\":1,\"timestamp\":9223372036854775807}\n",
        HEAD("/a") OF_RUN "\"kind\":\"tag\",\"key\":\"m\"}\n",
        HEAD("/a") OF_RUN "\"kind\":\"colour\",\"key\":\"m\",\"value\":\"v\"}\n",
        "{\"target\":\"/b\",\"kind\":\"tag\"}\n",
        "[1, 2]\n",
        "no JSON at all\n",
        "{\"target\":\"/a\",\"kind\":\"met\n", /* cut short */
    };
    enum { COUNT = sizeof stay / sizeof *stay, OURS = 11 };
    char spool[512];
    ag_err err = {0};
    ag_again again;
    ag_buf all, wanted;
    ag_buf_init(&all, 1 << 20);
    ag_buf_init(&wanted, 1 << 20);
    for (size_t i = 0; i < COUNT; i++) {
        ag_buf_add_text(&all, stay[i]);
        ag_buf_add_text(&wanted, stay[i]);
        if (i % 3 == 0) ag_buf_add_text(&all, METRIC("/a", "m") "\n"); /* and an empty line */
    }
    write_text(new_spool(spool), "failed.jsonl", all.data);
    AG_EXPECT_OK(queue_again(spool, "/a", &again, &err));
    assert_int_equal(again.taken, 5);
    assert_int_equal(again.kept, OURS);
    char *left = text_of(spool, "failed.jsonl");
    assert_string_equal(left, wanted.data);
    ag_free(left);
    AG_EXPECT_OK(queue_again(spool, "/a", &again, &err));
    assert_true(again.taken == 0 && again.kept == OURS && !again.target);
    assert_int_equal(names_in(spool, "queue-"), 1);
    assert_int_equal(names_in(spool, "again-"), 0);
    ag_buf_deinit(&all);
    ag_buf_deinit(&wanted);
}

AG_TEST(test_again__of_several_ledgers_one_must_be_named)
{
    char spool[512];
    ag_err err = {0};
    ag_again again;
    write_text(new_spool(spool), "failed.jsonl", METRIC("/a", "m") METRIC("/b", "m") METRIC("/a", "n"));
    AG_EXPECT_ERROR(queue_again(spool, NULL, &again, &err), AG_EINVAL, "'/a' and '/b'");
    assert_non_null(strstr(err.hint, "--tracking /a"));
    AG_EXPECT_OK(queue_again(spool, "/c", &again, &err));
    assert_true(again.taken == 0 && again.kept == 0);
    AG_EXPECT_OK(queue_again(spool, "/b", &again, &err));
    assert_int_equal(again.taken, 1);
    AG_EXPECT_OK(queue_again(spool, NULL, &again, &err)); /* only one is left */
    assert_int_equal(again.taken, 2);
    assert_int_equal(names_in(spool, "queue-"), 2);
    assert_false(has(spool, "failed.jsonl"));
}

AG_TEST(test_again__a_spool_without_refusals_has_nothing_to_send)
{
    char spool[512];
    ag_err err = {0};
    ag_again again;
    AG_EXPECT_OK(queue_again("/nowhere/at/all", NULL, &again, &err));
    assert_true(again.taken == 0 && !again.target);
    AG_EXPECT_OK(queue_again(new_spool(spool), NULL, &again, &err));
    assert_true(again.taken == 0 && !again.target);
    write_text(spool, "failed.jsonl", "");
    AG_EXPECT_OK(queue_again(spool, NULL, &again, &err));
    assert_true(again.taken == 0 && !again.target);
}

/* ---- interrupted ---- */

enum { LINES = 4 };

static void fill(const char *spool)
{
    ag_err err = {0};
    ag_buf text;
    ag_buf_init(&text, 1 << 20);
    char path[1024];
    ag_format(path, sizeof path, "%s/failed", spool);
    AG_EXPECT_OK(ag_dir_make(path, &err));
    write_text(path, "q-file-1", "content");
    for (int i = 0; i < LINES; i++) ag_buf_add_text(&text, METRIC("/a", "m"));
    ag_entry file = {.kind = AG_ENTRY_ARTIFACT, .run = {run_id, 32}, .artifact = {AG_STR("a.txt"), 1, 7}};
    uint8_t bytes[256];
    size_t size = ag_entry_size(&file);
    assert_true(size <= sizeof bytes);
    ag_entry_write(&file, bytes);
    ag_buf_add_text(&text, HEAD("/a") OF_RUN "\"kind\":\"artifact\",\"content\":\"x/failed/q-file-1\",\"record\":\"");
    AG_EXPECT_OK(ag_base64(&text, (ag_str){(const char *)bytes, size}));
    ag_buf_add_text(&text, "\"}\n" HEAD("/a") "\"kind\":\"damaged\"}\n");
    write_text(spool, "failed.jsonl", text.data);
    ag_buf_deinit(&text);
}

static size_t lines_in(const char *spool)
{
    size_t count = 0;
    char *text = text_of(spool, "failed.jsonl");
    for (const char *at = text; (at = strchr(at, '\n')); at++) count++;
    ag_free(text);
    return count;
}

/* Records in queues; their contents are there. */
static size_t records_in(const char *spool)
{
    ag_err err = {0}, failed = {0};
    ag_vec queues;
    size_t count = 0;
    ag_vec_init(&queues, sizeof(ag_outbox *));
    AG_EXPECT_OK(ag_outbox_adopt(spool, "/a", &queues, &failed, &err));
    assert_int_equal(failed.code, 0);
    for (size_t i = 0; i < queues.count; i++) {
        ag_outbox *queue = *(ag_outbox **)ag_vec_at(&queues, i);
        uint64_t damaged = 0;
        for (const ag_spool_segment *s = queue->first; s; s = s->next)
            for (size_t size, at = ag_spool_segment_delivered(s);
                 (size = ag_spool_segment_next(s->map, s->tail, &at, &damaged)); at += size) {
                assert_true(ag_spool_segment_attempted(s) >= at + size);
                count++;
            }
        assert_int_equal(damaged, 0);
        assert_true(has(queue->directory, "file-1"));
        ag_outbox_free(queue, false);
    }
    ag_vec_deinit(&queues);
    return count;
}

/* All is there once: in the file or in a queue. Then everything is as it was. */
static void expect_whole(void *context)
{
    const char *spool = context;
    ag_err err = {0};
    ag_lock *lock = NULL;
    AG_EXPECT_OK(ag_again_lock(spool, &lock, &err)); /* as whoever writes there next */
    ag_lock_release(lock);
    assert_false(has(spool, "failed.next"));
    size_t lines = lines_in(spool), records = records_in(spool);
    if (records == 0)
        assert_true(lines == LINES + 2 && has(spool, "failed/q-file-1"));
    else
        assert_true(lines == 1 && records == LINES + 1 && !has(spool, "failed/q-file-1"));
    AG_EXPECT_OK(ag_dir_remove(spool, &err));
    fill(spool);
}

static int queue_once(void *context, ag_err *err)
{
    ag_again again;
    int rc = queue_again(context, "/a", &again, err);
    if (rc >= 0) assert_true(again.taken == LINES + 1 && again.kept == 1);
    return rc;
}

AG_TEST(test_again__every_failing_call_loses_nothing_and_doubles_nothing)
{
    char spool[512];
    fill(new_spool(spool));
    ag_test_fail_at_n(AG_FAULT_FILE | AG_FAULT_ALLOC, queue_once, expect_whole, spool);
    expect_whole(spool);
}

AG_TEST(test_again__a_kill_at_any_moment_loses_nothing_and_doubles_nothing)
{
    char spool[512];
    fill(new_spool(spool));
    int64_t whole = ag_monotonic();
    ag_err err = {0};
    AG_EXPECT_OK(queue_once(spool, &err));
    whole = ag_monotonic() - whole;
    expect_whole(spool);
    const int rounds = (int)ag_test_rounds(15, 1000);
    for (int i = 0; i < rounds; i++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            ag_again again;
            _exit(queue_again(spool, "/a", &again, NULL) < 0);
        }
        usleep((useconds_t)(whole * i / rounds));
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, NULL, 0), child);
        expect_whole(spool);
    }
}
