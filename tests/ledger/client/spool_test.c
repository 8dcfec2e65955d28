// SPDX-License-Identifier: Apache-2.0
/* The spool on disk: bytes as they are written, and what is read of them after they were torn or flipped. */
#include "ledger/client/with_client.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/rng.h"
#include "core/hash/encode.h"
#include "ledger/client/entry.h"
#include "ledger/client/outbox.h"
#include "ledger/client/spool.h"
#include "ledger/client/window.h"

static const char run_id[] = "0123456789abcdef0123456789abcdef";

static ag_entry metric_entry(ag_metric *metric, const char *key, int64_t step)
{
    *metric = (ag_metric){.key = key, .value = 0.5, .step = step, .at = 1700000000000000};
    return (ag_entry){.kind = AG_ENTRY_LOG,
                      .run = AG_STR("0123456789abcdef0123456789abcdef"),
                      .log = {.metrics = metric, .metric_count = 1}};
}

static uint8_t *bytes_of(const ag_entry *entry, size_t *size)
{
    *size = ag_entry_size(entry);
    uint8_t *bytes = ag_alloc(*size);
    ag_entry_write(entry, bytes);
    return bytes;
}

static void expect_hex(const void *bytes, size_t size, const char *hex)
{
    char *text = ag_alloc(2 * size + 1);
    ag_hex(bytes, size, text);
    assert_string_equal(text, hex);
    ag_free(text);
}

AG_TEST(test_entry__bytes_are_those_of_the_first_version)
{
    ag_metric metric;
    size_t size;
    ag_entry entry = metric_entry(&metric, "loss", 7);
    uint8_t *bytes = bytes_of(&entry, &size);
    expect_hex(bytes, size,
               "414772314e0000000b65cdab01911a7c02303132333435363738396162636465663031323334353637383961626364656601000"
               "000000000000000e03f070000000000000000401e18240a0600040000006c6f73730000000000000000000000");
    ag_free(bytes);
    ag_pair tag = {AG_STR("k"), AG_STR("v")};
    ag_entry start = {.kind = AG_ENTRY_START,
                      .run = AG_STR("0123456789abcdef0123456789abcdef"),
                      .start = {.experiment = AG_STR("e"), .name = AG_STR("n"), .at = 258, .tags = {&tag, 1}}};
    bytes = bytes_of(&start, &size);
    expect_hex(bytes, size,
               "414772314a000000df4a39eca87c217a01303132333435363738396162636465663031323334353637383961626364656600000"
               "00000010000006500010000006e00020100000000000001000000010000006b00010000007600000000000000");
    ag_free(bytes);
}

AG_TEST(test_segment__its_head_is_that_of_the_first_version)
{
    ag_err err = {0};
    ag_spool_segment *segment = NULL;
    char path[600];
    uint8_t outbox[16];
    for (int i = 0; i < 16; i++) outbox[i] = (uint8_t)(i * 17);
    ag_format(path, sizeof(path), "%s/000003.seg", ag_test_dir());
    AG_EXPECT_OK(ag_spool_segment_make(path, 3, outbox, AG_SPOOL_SEGMENT_LEAST, &segment, &err));
    expect_hex(segment->map, AG_SPOOL_SEGMENT_HEAD,
               "41554753504f4f4c01000000800000000300000000000000000001000000000000112233445566778899aabbccddeeff2fdbad2"
               "f345385d1000000000000000080000000000000007fffffffffffffff80000000000000007fffffffffffffff00000000000000"
               "00000000000000000000000000000000000000000000000000");
    ag_spool_segment_close(segment);
    assert_true(ag_spool_segment_make(path, 3, outbox, AG_SPOOL_SEGMENT_LEAST, &segment, &err) == AG_EEXISTS);
}

AG_TEST(test_entry__each_kind_reads_back)
{
    ag_err err = {0};
    size_t size;
    ag_arena *arena = ag_arena_new(0);
    ag_pair pairs[2] = {{AG_STR("a"), AG_STR("")}, {AG_STR("ä"), AG_STR("long value")}};
    ag_metric metrics[2] = {{.key = "x", .value = NAN, .step = -1, .at = 1}, {.key = "y", .value = -INFINITY}};
    ag_str run = ag_str_of(run_id);
    ag_entry entries[] = {
        {.kind = AG_ENTRY_START,
         .run = run,
         .start = {.parent = run, .experiment = AG_STR("e"), .name = AG_STR(""), .at = -5, .tags = {pairs, 2}}},
        {.kind = AG_ENTRY_LOG,
         .run = run,
         .log = {.metrics = metrics, .metric_count = 2, .params = {pairs, 1}, .tags = {pairs, 2}}},
        {.kind = AG_ENTRY_FINISH, .run = run, .finish = {.status = AG_RUN_KILLED, .at = 12}},
        {.kind = AG_ENTRY_ARTIFACT, .run = run, .artifact = {.path = AG_STR("a/b"), .file = 3, .size = 1ull << 40}},
        {.kind = AG_ENTRY_INPUT,
         .run = run,
         .input = {.name = "n", .digest = "d", .source_type = "t", .source = "s", .schema = "{}", .tags = {pairs, 1}}},
        {.kind = AG_ENTRY_VERSION,
         .run = run,
         .version = {.operation = run, .model = AG_STR("m"), .path = AG_STR("p")}},
        {.kind = AG_ENTRY_VERSION,
         .run = run,
         .version = {.operation = run,
                     .model = AG_STR("m"),
                     .path = AG_STR("p"),
                     .alias = AG_STR("best"),
                     .stage = AG_STR("Staging"),
                     .description = AG_STR("of June"),
                     .tags = {pairs, 1}}},
    };
    for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
        ag_entry got;
        uint8_t *bytes = bytes_of(&entries[i], &size);
        assert_int_equal(ag_entry_at(bytes, size), size);
        assert_int_equal(ag_entry_at(bytes, size - 1), 0);
        AG_EXPECT_OK(ag_entry_read(bytes, size, arena, &got, &err));
        size_t again;
        uint8_t *second = bytes_of(&got, &again); /* what was read writes the same bytes */
        assert_int_equal(again, size);
        assert_memory_equal(second, bytes, size);
        ag_free(second);
        ag_free(bytes);
    }
    ag_arena_free(arena);
}

AG_TEST(test_entry__no_flipped_bit_is_taken_for_what_was_written)
{
    ag_metric metric;
    size_t size;
    ag_arena *arena = ag_arena_new(0);
    ag_entry entry = metric_entry(&metric, "loss", 7);
    uint8_t *bytes = bytes_of(&entry, &size);
    size_t padding = size - AG_ENTRY_HEAD - bytes[4];
    for (size_t bit = 0; bit < (size - padding) * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (ag_entry_at(bytes, size)) fail_msg("bit %zu", bit);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    ag_free(bytes);
    ag_arena_free(arena);
}

/* Any payload with a good hash: read as something or refused, never past its end (ASan looks). */
AG_TEST(test_entry__payloads_of_liars_are_refused)
{
    ag_rng rng = ag_rng_stream(3, "liar");
    ag_arena *arena = ag_arena_new(0);
    ag_metric metric;
    size_t size;
    for (size_t round = 0; round < ag_test_rounds(3000, 100000); round++) {
        ag_entry entry = metric_entry(&metric, "loss", 7), got;
        uint8_t *bytes = bytes_of(&entry, &size);
        for (int i = 0; i < 3; i++)
            bytes[AG_ENTRY_HEAD + ag_rng_below(&rng, size - AG_ENTRY_HEAD)] = (uint8_t)ag_rng_u32(&rng);
        ag_err err = {0};
        int rc = ag_entry_read(bytes, size, arena, &got, &err);
        assert_true(rc == AG_OK || rc == AG_ECORRUPT);
        ag_free(bytes);
        ag_arena_reset(arena);
    }
    ag_arena_free(arena);
}

typedef struct opened {
    char directory[600];
    ag_spool *spool;
} opened;

static opened open_spool_below(const char *directory, uint64_t bytes, int64_t block)
{
    ag_err err = {0};
    opened out = {0};
    ag_format(out.directory, sizeof(out.directory), "%s/spool", directory);
    ag_spool_options options = {.directory = out.directory, .target = "here", .max_bytes = bytes, .block = block};
    AG_EXPECT_OK(ag_spool_open(&options, &out.spool, &err));
    return out;
}

static opened open_spool(uint64_t bytes, int64_t block)
{
    return open_spool_below(ag_test_dir(), bytes, block);
}

static int append(ag_spool *spool, int64_t step, ag_err *err)
{
    ag_metric metric;
    size_t size;
    ag_entry entry = metric_entry(&metric, "loss", step);
    uint8_t *bytes = bytes_of(&entry, &size);
    int rc = ag_spool_append(spool, bytes, size, err);
    ag_free(bytes);
    return rc;
}

/* The steps that are found in what an outbox of that directory holds. */
static size_t adopt_steps(const char *directory, bool seen[], size_t most, uint64_t *damaged)
{
    ag_err err = {0};
    ag_vec found;
    ag_spool_window window;
    size_t count = 0;
    ag_vec_init(&found, sizeof(ag_outbox *));
    AG_EXPECT_OK(ag_outbox_adopt(directory, "here", &found, NULL, &err));
    AG_EXPECT_OK(ag_spool_window_init(&window, &err));
    for (size_t i = 0; i < found.count; i++) {
        ag_outbox *box = *(ag_outbox **)ag_vec_at(&found, i);
        ag_spool_place at = {box->first, box->first ? ag_spool_segment_delivered(box->first) : 0};
        while (ag_spool_window_fill(&window, at, (ag_spool_place){0}, &err) == 1) {
            for (size_t r = 0; r < window.runs.count; r++) {
                const ag_spool_window_run *run = *(ag_spool_window_run **)ag_vec_at(&window.runs, r);
                for (size_t k = 0; k < run->items.count; k++, count++) {
                    const ag_log_item *item = ag_vec_at(&run->items, k);
                    assert_in_range(item->metric.step, 0, most - 1);
                    seen[item->metric.step] = true;
                }
            }
            *damaged += window.damaged;
            at = window.end;
        }
        ag_outbox_free(box, false);
    }
    ag_spool_window_deinit(&window);
    ag_vec_deinit(&found);
    return count;
}

/* Lets go of the files as a process that dies does. */
static void die(const opened *at)
{
    ag_spool_close(at->spool);
}

enum { STEPS = 3000 };

AG_TEST(test_spool__what_is_left_is_found_by_the_next_of_the_same_target_only)
{
    static bool seen[STEPS];
    ag_err err = {0};
    uint64_t damaged = 0;
    ag_vec others;
    opened at = open_spool(4 << 20, 0);
    for (int i = 0; i < STEPS; i++) AG_EXPECT_OK(append(at.spool, i, &err));
    ag_vec_init(&others, sizeof(ag_outbox *));
    AG_EXPECT_OK(ag_outbox_adopt(at.directory, "here", &others, NULL, &err));
    assert_int_equal(others.count, 0); /* its process lives */
    die(&at);
    AG_EXPECT_OK(ag_outbox_adopt(at.directory, "elsewhere", &others, NULL, &err));
    assert_int_equal(others.count, 0);
    ag_vec_deinit(&others);
    assert_int_equal(adopt_steps(at.directory, seen, STEPS, &damaged), STEPS);
    assert_int_equal(damaged, 0);
}

AG_TEST(test_spool__an_empty_one_leaves_nothing_behind)
{
    opened at = open_spool(1 << 20, 0);
    assert_int_equal(names_in(at.directory, "queue-"), 2);
    die(&at);
    assert_int_equal(names_in(at.directory, ""), 0);
}

AG_TEST(test_spool__a_full_one_says_so_in_time_and_takes_more_when_there_is_room)
{
    ag_err err = {0};
    uint64_t number;
    opened at = open_spool(1 << 20, 1000);
    int rc = 0;
    int64_t step = 0;
    while ((rc = append(at.spool, step, &err)) >= 0 || ag_spool_used(at.spool) < 1 << 20) step += rc >= 0;
    AG_EXPECT_ERROR(rc, AG_EFULL, "the spool is full");
    assert_non_null(strstr(err.hint, "spool_bytes"));
    assert_true(ag_spool_used(at.spool) <= 1 << 20);
    AG_EXPECT_ERROR(ag_spool_reserve(at.spool, 1000, &number, &err), AG_EFULL, "is full");
    AG_EXPECT_ERROR(ag_spool_reserve(at.spool, 1 << 30, &number, &err), AG_ELIMIT, "more than the spool may hold");
    ag_spool_end end = ag_spool_end_read(at.spool);
    assert_int_equal(end.records, step);
    ag_spool_drop_before(at.spool, end.segment);
    /* The thread that makes segments has room again. */
    for (int i = 0; i < 20000 && (rc = append(at.spool, step, &err)) < 0; i++) ag_sleep(1000);
    AG_EXPECT_OK(rc);
    die(&at);
}

AG_TEST(test_spool__torn_and_flipped_bytes_cost_what_they_hit)
{
    for (uint64_t round = 0; round < ag_test_rounds(20, 300); round++) {
        bool seen[STEPS] = {0};
        uint64_t damaged = 0;
        char pattern[700];
        ag_err err = {0};
        ag_rng rng = ag_rng_stream(round, "damage");
        opened at = open_spool(4 << 20, 0);
        for (int i = 0; i < STEPS; i++) AG_EXPECT_OK(append(at.spool, i, &err));
        ag_outbox *box = ag_spool_outbox(at.spool);
        ag_format(pattern, sizeof(pattern), "%s", box->directory);
        uint8_t *map = box->first->map;
        size_t tail = box->first->tail, from = ag_rng_below(&rng, tail), length = 1 + ag_rng_below(&rng, 5000);
        for (size_t i = from; i < tail && i < from + length; i++)
            map[i] = round % 2 ? 0 : map[i] ^ (uint8_t)(1u << ag_rng_below(&rng, 8));
        die(&at);
        size_t found = adopt_steps(at.directory, seen, STEPS, &damaged);
        /* A record takes 96 bytes; those beside the damage are there. */
        assert_true(found + length / 96 + 2 >= STEPS);
        assert_true(seen[STEPS - 1] || from + length >= tail - 96);
    }
}

/* A segment with `whole` records and then the bytes [from, to) of one more, behind the mark of one that is begun. */
static uint64_t damage_of(size_t whole, const uint8_t *record, size_t size, size_t from, size_t to, bool followed)
{
    static uint8_t bytes[1 << 14] __attribute__((aligned(8)));
    uint64_t first, damaged = 0;
    size_t at = 0, offset = 0, found, count = 0;
    memset(bytes, 0, sizeof(bytes));
    for (; count < whole; count++, at += size) memcpy(bytes + at, record, size);
    memcpy(&first, record, sizeof(first));
    first = ag_entry_begun(first);
    memcpy(bytes + at, &first, sizeof(first));
    memcpy(bytes + at + from, record + from, to - from);
    if (followed) memcpy(bytes + at + size, record, size);
    for (count = 0; (found = ag_spool_segment_next(bytes, sizeof(bytes), &offset, &damaged)); count++) offset += found;
    assert_int_equal(count, whole + followed);
    return damaged;
}

AG_TEST(test_spool__an_append_that_was_cut_short_is_no_damage)
{
    ag_metric metric;
    size_t size;
    ag_entry entry = metric_entry(&metric, "loss", 0x0123456789abcdef);
    uint8_t *record = bytes_of(&entry, &size);
    for (size_t whole = 0; whole < 3; whole++) {
        for (size_t cut = 8; cut <= size; cut += 8) { /* copied from the front or from the back */
            assert_int_equal(damage_of(whole, record, size, 8, cut, false), 0);
            assert_int_equal(damage_of(whole, record, size, cut, size, false), 0);
            assert_in_range(damage_of(whole, record, size, 8, cut, true), 8, size);
        }
    }
    ag_free(record);
}

static _Noreturn void append_until_killed(const char *directory, const uint8_t *record, size_t size, int ready)
{
    opened at = open_spool_below(directory, 64 << 20, 0);
    if (write(ready, "r", 1) != 1) _exit(1);
    while (ag_spool_append(at.spool, record, size, NULL) >= 0) continue;
    for (;;) pause();
}

static void kill_an_appender(const char *directory, const uint8_t *record, size_t size, int64_t after)
{
    int ready[2], status;
    char byte = 0;
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) append_until_killed(directory, record, size, ready[1]);
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    ag_sleep(after);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
}

/* Large records, so that most kills come in the midst of one. */
AG_TEST(test_spool__a_kill_in_the_midst_of_an_append_leaves_no_damage)
{
    enum { METRICS = 4096 };
    static ag_metric metrics[METRICS];
    bool seen[1];
    size_t size;
    ag_rng rng = ag_rng_stream(1, "kill");
    ag_entry entry = metric_entry(metrics, "a key that takes some room in the record", 0);
    for (size_t i = 1; i < METRICS; i++) metrics[i] = metrics[0];
    entry.log.metric_count = METRICS;
    uint8_t *record = bytes_of(&entry, &size);
    for (size_t round = 0; round < ag_test_rounds(20, 1000); round++) {
        char spool[600];
        uint64_t damaged = 0;
        ag_err err = {0};
        const char *directory = ag_test_dir();
        kill_an_appender(directory, record, size, (int64_t)ag_rng_below(&rng, 3000));
        ag_format(spool, sizeof(spool), "%s/spool", directory);
        (void)adopt_steps(spool, seen, 1, &damaged);
        assert_int_equal(damaged, 0);
        AG_EXPECT_OK(ag_dir_remove(spool, &err));
    }
    ag_free(record);
}

AG_TEST(test_spool__the_heads_offsets_are_believed_only_when_whole)
{
    ag_err err = {0};
    ag_spool_segment *segment = NULL;
    char path[600];
    const uint8_t outbox[16] = {0};
    ag_format(path, sizeof(path), "%s/000001.seg", ag_test_dir());
    AG_EXPECT_OK(ag_spool_segment_make(path, 1, outbox, AG_SPOOL_SEGMENT_LEAST, &segment, &err));
    ag_spool_segment_set_delivered(segment, 1024);
    assert_int_equal(ag_spool_segment_delivered(segment), 1024);
    for (int bit = 0; bit < 128; bit++) {
        segment->map[64 + bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(ag_spool_segment_delivered(segment), AG_SPOOL_SEGMENT_HEAD);
        segment->map[64 + bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    memset(segment->map, 'x', 40); /* a damaged head: everything may still be wanted */
    ag_spool_segment_close(segment);
    AG_EXPECT_OK(ag_spool_segment_open(path, &segment, &err));
    assert_int_equal(ag_spool_segment_delivered(segment), AG_SPOOL_SEGMENT_HEAD);
    ag_spool_segment_close(segment);
    assert_int_equal(truncate(path, 100), 0);
    AG_EXPECT_ERROR(ag_spool_segment_open(path, &segment, &err), AG_ENOTFOUND, "nothing");
}

AG_TEST(test_window__a_batch_names_a_parameter_once_and_the_last_value_of_a_tag)
{
    static ag_spool_batch room;
    ag_metric metrics[10];
    ag_run_batch batch;
    ag_spool_window_run run = {.limit = SIZE_MAX};
    room.metrics = metrics;
    room.max = 10;
    const char *const keys[] = {"a", "b", "a", "a", "c"}, *const values[] = {"1", "2", "1", "9", "3"};
    ag_vec_init(&run.items, sizeof(ag_log_item));
    for (int kind = 0; kind < 2; kind++) {
        ag_vec_clear(&run.items);
        for (int i = 0; i < 5; i++) {
            ag_log_item *item = ag_vec_add(&run.items);
            *item = (ag_log_item){.kind = kind ? AG_LOG_TAG : AG_LOG_PARAM,
                                  .pair = {ag_str_of(keys[i]), ag_str_of(values[i])}};
        }
        size_t taken = ag_spool_window_batch(&run, &room, &batch);
        assert_int_equal(taken, kind ? 5 : 3);
        assert_int_equal(kind ? batch.tags.count : batch.params.count, kind ? 3 : 2);
        if (kind) assert_true(ag_str_is(batch.tags.items[0].value, "9"));
    }
    ag_vec_deinit(&run.items);
}

/* ---- failing at n ---- */

typedef struct attempt {
    char directory[600];
    int round;
} attempt;

static int spool_something(void *context, ag_err *err)
{
    attempt *self = context;
    ag_spool *spool = NULL;
    char directory[700];
    ag_format(directory, sizeof(directory), "%s/%d", self->directory, self->round++);
    ag_spool_options options = {.directory = directory, .target = "here", .max_bytes = 1 << 20, .block = 0};
    int rc = ag_spool_open(&options, &spool, err);
    if (rc >= 0) rc = append(spool, 1, err);
    ag_spool_close(spool);
    return rc;
}

AG_TEST(test_spool__failures_of_memory_and_files_are_told)
{
    attempt self = {0};
    ag_format(self.directory, sizeof(self.directory), "%s", ag_test_dir());
    ag_test_fail_at_n(AG_FAULT_FILE, spool_something, NULL, &self);
}

static const ag_outbox_found *only_found(const char *spool, ag_arena *arena, ag_vec *out)
{
    ag_err err = {0};
    ag_vec_clear(out);
    AG_EXPECT_OK(ag_outbox_list(spool, arena, out, &err));
    assert_int_equal(out->count, 1);
    return ag_vec_at(out, 0);
}

AG_TEST(test_outbox__a_list_tells_whom_queues_are_for_and_who_is_at_work)
{
    ag_vec found;
    ag_err err = {0};
    char spool[600], lock[700];
    ag_outbox *queue = NULL;
    ag_arena *arena = ag_arena_new(0);
    ag_vec_init(&found, sizeof(ag_outbox_found));
    ag_format(spool, sizeof(spool), "%s/listed", ag_test_dir());
    AG_EXPECT_OK(ag_outbox_list(spool, arena, &found, &err)); /* there is none */
    assert_int_equal(found.count, 0);
    AG_EXPECT_OK(ag_outbox_make(spool, "http://a:5000", &queue, &err));
    assert_true(only_found(spool, arena, &found)->alive);
    ag_outbox_free(queue, false);
    ag_format(lock, sizeof(lock), "%s/queue-00000000000000000000000000000000.lock", spool);
    AG_EXPECT_OK(ag_file_replace(lock, "", 0, &err)); /* left alone */
    const ag_outbox_found *one = only_found(spool, arena, &found);
    assert_false(one->alive);
    assert_string_equal(one->target, "http://a:5000");
    assert_false(ag_file_exists(lock));
    ag_vec_deinit(&found);
    ag_arena_free(arena);
}
