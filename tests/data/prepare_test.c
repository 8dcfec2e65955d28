// SPDX-License-Identifier: Apache-2.0
#include "data/prepare.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/hash/hash.h"
#include "core/io/file.h"
#include "core/io/npy.h"
#include "data/sample.h"
#include "frame/test.h"

static void put(const char *folder, const char *name, const sample *s, size_t size)
{
    char path[700];
    ag_err err = {0};
    ag_buf buf;
    ag_buf_init(&buf, 1 << 24);
    sample_write(s, &buf);
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    AG_EXPECT_OK(ag_file_replace(path, buf.data, size && size < buf.size ? size : buf.size, &err));
    ag_buf_deinit(&buf);
}

static void put_text(const char *folder, const char *name, const char *text)
{
    char path[700];
    ag_err err = {0};
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    AG_EXPECT_OK(ag_file_replace(path, text, strlen(text), &err));
}

static void make_input(const char *folder)
{
    char sub[700];
    ag_err err = {0};
    snprintf(sub, sizeof(sub), "%s/b", folder);
    AG_EXPECT_OK(ag_dir_make(sub, &err));
    sample good = {.version = 9}, other = {.version = 4}, lost = {.version = 11, .skip = 40, .skipped = 8};
    sample again = {.version = 9, .header = {[AG_HEADER_BOX_NAME] = "another box"}};
    put(folder, "a1.xls", &good, 0);
    put(folder, "a2.xls", &good, 0);
    put(folder, "a3.xls", &again, 0);
    put(folder, "b/b1.xls", &other, 0);
    put(folder, "b/b2.xls", &lost, 0);
    put(folder, "b/cut.xls", &good, 900);
    put(folder, "b/row.xls", &good, 20000);
    put_text(folder, "notes.txt", "nothing of this is drilling data\n");
    put_text(folder, "b/empty.xls", "");
    put_text(folder, "table.csv", "position,torque,thrust\n-1,2,3\n-2,3,4\n");
    put_text(folder, ".hidden.xls", "no\n");
}

static const ag_prepared *find(const ag_prepare_summary *summary, const char *path)
{
    for (size_t i = 0; i < summary->count; i++)
        if (strcmp(summary->holes[i].path, path) == 0) return &summary->holes[i];
    fail_msg("there is no row '%s'", path);
    return NULL;
}

typedef struct folders {
    char input[600], output[600];
    ag_arena *arena;
    ag_prepare_summary summary;
    bool label;
} folders;

static void set_up(folders *f, const char *name)
{
    ag_err err = {0};
    snprintf(f->input, sizeof(f->input), "%s/%s-in", ag_test_dir(), name);
    snprintf(f->output, sizeof(f->output), "%s/%s-out", ag_test_dir(), name);
    AG_EXPECT_OK(ag_dir_make(f->input, &err));
    make_input(f->input);
    f->arena = ag_arena_new(0);
    f->label = false;
}

static int run(void *context, ag_err *err)
{
    folders *f = context;
    ag_prepare_options options = {
        .input_dir = f->input, .output_dir = f->output, .validate = true, .auto_label = f->label, .jobs = 2};
    ag_arena_reset(f->arena);
    return ag_prepare(&options, f->arena, &f->summary, err);
}

AG_TEST(test_prepare__a_field_without_an_end_makes_no_cell_without_an_end)
{
    static char endless[200001];
    folders f = {.label = false};
    ag_err err = {0};
    set_up(&f, "endless");
    memset(endless, '7', sizeof endless - 1);
    const sample broken = {.version = 9, .header = {[AG_HEADER_DATE] = endless, [AG_HEADER_MOTOR_SERIAL] = endless}};
    put(f.input, "endless.xls", &broken, 0);
    AG_EXPECT_OK(run(&f, &err));
    const ag_prepared *row = find(&f.summary, "endless.xls");
    assert_int_equal(strlen(row->date), 200);
    assert_int_equal(strlen(row->machine), 200);
    assert_string_equal(row->failed_rules, "C8");
    assert_true(strlen(row->reason) < 1000);
    ag_arena_free(f.arena);
}

AG_TEST(test_prepare__one_bad_file_is_a_row_and_stops_nothing)
{
    folders f = {.label = false};
    ag_err err = {0};
    set_up(&f, "rows");
    AG_EXPECT_OK(run(&f, &err));
    assert_int_equal(f.summary.count, 9);
    assert_int_equal(f.summary.by_status[AG_PREPARED_SUCCESS], 4);
    assert_int_equal(f.summary.by_status[AG_PREPARED_REJECTED], 5);
    assert_int_equal(f.summary.by_status[AG_PREPARED_IGNORED], 1);
    assert_string_equal(find(&f.summary, "b/cut.xls")->failed_rules, "F2");
    assert_string_equal(find(&f.summary, "b/row.xls")->failed_rules, "F8|T4|T8");
    assert_string_equal(find(&f.summary, "b/empty.xls")->failed_rules, "F2");
    assert_string_equal(find(&f.summary, "b/b2.xls")->failed_rules, "C3");
    assert_string_equal(find(&f.summary, "table.csv")->failed_rules, "F11");
    assert_string_equal(find(&f.summary, "a2.xls")->duplicate_of, "a1.xls");
    assert_string_equal(find(&f.summary, "a3.xls")->same_trace_as, "a1.xls");
    assert_string_equal(find(&f.summary, "b/b1.xls")->format_version, "4");
    assert_string_equal(find(&f.summary, "a1.xls")->stop_codes, "64|8");
    ag_arena_free(f.arena);
}

AG_TEST(test_prepare__samples_lie_where_the_row_says)
{
    folders f = {.label = false};
    ag_err err = {0};
    set_up(&f, "samples");
    AG_EXPECT_OK(run(&f, &err));
    const ag_prepared *hole = find(&f.summary, "b/b1.xls");
    char path[700];
    ag_npy_file npy;
    snprintf(path, sizeof(path), "%s/signals/part-%05d.npy", f.output, (int)hole->part);
    AG_EXPECT_OK(ag_npy_open(path, &npy, &err));
    assert_int_equal(npy.array.shape[1], AG_CHANNEL_COUNT);
    for (size_t row = 0; row < SAMPLE_ROWS; row++) {
        int32_t stored[AG_CHANNEL_COUNT], cells[AG_CHANNEL_COUNT];
        AG_EXPECT_OK(ag_npy_copy(&npy.array, ((size_t)hole->first_row + row) * AG_CHANNEL_COUNT, AG_CHANNEL_COUNT,
                                 stored, &err));
        sample_row(cells, row);
        cells[AG_CHANNEL_GAP] = AG_SAMPLE_ABSENT; /* version 4 has none */
        assert_memory_equal(stored, cells, sizeof(cells));
    }
    ag_npy_close(&npy);
    ag_arena_free(f.arena);
}

static int add_file(void *context, const char *relative, const ag_file_info *info, ag_err *err)
{
    (void)info;
    ag_sha256 digest;
    char path[1400], line[1500], hex[65];
    ag_buf *all = context;
    snprintf(path, sizeof(path), "%s/%s", all->data, relative);
    int rc = ag_sha256_of_file(path, &digest, NULL, err);
    ag_sha256_format(&digest, hex);
    snprintf(line, sizeof(line), "%s %s\n", relative, hex);
    ag_buf_add_text(all, line);
    return rc;
}

/* Names and hashes of all files below a folder; ag_free(). The folder's own name stands at the beginning, then NUL. */
static char *fingerprint(const char *folder)
{
    ag_err err = {0};
    ag_buf all;
    ag_buf_init(&all, 1 << 22);
    ag_buf_add(&all, folder, strlen(folder) + 1);
    AG_EXPECT_OK(ag_dir_walk(folder, add_file, &all, &err));
    char *text = ag_strdup(all.data + strlen(folder) + 1);
    ag_buf_deinit(&all);
    return text;
}

AG_TEST(test_prepare__a_second_call_takes_up_all_and_gives_the_same_bytes)
{
    folders f = {.label = false};
    ag_err err = {0};
    set_up(&f, "again");
    f.label = true;
    AG_EXPECT_OK(run(&f, &err));
    assert_int_equal(f.summary.parts_reused, 0);
    char *first = fingerprint(f.output);
    AG_EXPECT_OK(run(&f, &err));
    assert_int_equal(f.summary.parts_reused, f.summary.parts);
    char *second = fingerprint(f.output);
    assert_string_equal(first, second);
    put_text(f.input, "table.csv", "position,torque,thrust\n-1,2,3\n-2,3,5\n");
    AG_EXPECT_OK(run(&f, &err));
    assert_int_equal(f.summary.parts_reused, 0);
    char *third = fingerprint(f.output);
    assert_string_not_equal(first, third);
    ag_free(first);
    ag_free(second);
    ag_free(third);
    ag_arena_free(f.arena);
}

AG_TEST(test_prepare__the_output_is_no_input)
{
    folders f = {.label = false};
    ag_err err = {0};
    set_up(&f, "inside");
    snprintf(f.output, sizeof(f.output), "%.500s/prepared", f.input);
    AG_EXPECT_OK(run(&f, &err));
    size_t count = f.summary.count;
    AG_EXPECT_OK(run(&f, &err));
    assert_int_equal(f.summary.count, count);
    snprintf(f.output, sizeof(f.output), "%.500s", f.input);
    AG_EXPECT_ERROR(run(&f, &err), AG_EINVAL, "is the input directory");
    snprintf(f.output, sizeof(f.output), "%.500s/.prepare", f.input);
    assert_false(ag_file_exists(f.output));
    snprintf(f.input, sizeof(f.input), "%s/nowhere", ag_test_dir());
    AG_EXPECT_ERROR(run(&f, &err), AG_ENOTFOUND, "nowhere");
    ag_arena_free(f.arena);
}

/* A folder of its own for `put_text`. */
static void open_other(folders *f, const char *name)
{
    ag_err err = {0};
    const char *top = ag_test_dir();
    *f = (folders){.arena = ag_arena_new(0)};
    ag_format(f->input, sizeof f->input, "%s/%s", top, name);
    ag_format(f->output, sizeof f->output, "%s/%s-out/a/b", top, name);
    AG_EXPECT_OK(ag_dir_make(f->input, &err));
}

AG_TEST(test_prepare__a_folder_without_drilling_files_is_refused_and_leaves_nothing)
{
    folders f;
    ag_err err = {0};
    char above[700];
    open_other(&f, "none");
    ag_format(above, sizeof above, "%s-out", f.input);
    AG_EXPECT_ERROR(run(&f, &err), AG_ENOTFOUND, "it holds no files");
    assert_non_null(strstr(err.hint, "subfolders are looked through"));
    assert_false(ag_file_exists(above));
    put_text(f.input, "notes.txt", "nothing of this is drilling data\n");
    AG_EXPECT_ERROR(run(&f, &err), AG_ENOTFOUND, "none of the files there is one");
    assert_false(ag_file_exists(above));
    /* What was there before stays. */
    AG_EXPECT_OK(ag_dir_make(f.output, &err));
    AG_EXPECT_ERROR(run(&f, &err), AG_ENOTFOUND, "there are no drilling files in '");
    assert_true(ag_file_exists(f.output));
    sample good = {.version = 9};
    put(f.input, "a.xls", &good, 0);
    AG_EXPECT_OK(run(&f, &err));
    assert_int_equal(f.summary.count, 1);
    ag_arena_free(f.arena);
}

AG_TEST(test_prepare__files_that_cannot_be_read_are_rows)
{
    folders f;
    ag_err err = {0};
    open_other(&f, "bad");
    put_text(f.input, "empty.xls", "");
    AG_EXPECT_OK(run(&f, &err));
    assert_true(f.summary.count == 1 && f.summary.holes[0].rows == 0);
    ag_arena_free(f.arena);
}

AG_TEST(test_prepare__one_call_at_a_time)
{
    folders f = {.label = false};
    ag_err err = {0};
    set_up(&f, "lock");
    AG_EXPECT_OK(run(&f, &err));
    char path[700];
    ag_lock *lock = NULL;
    snprintf(path, sizeof(path), "%s/.prepare/lock", f.output);
    AG_EXPECT_OK(ag_lock_take(path, 0, &lock, &err));
    assert_int_equal(run(&f, &err), AG_ECONFLICT);
    ag_lock_release(lock);
    AG_EXPECT_OK(run(&f, &err));
    ag_arena_free(f.arena);
}

/* Failing calls of the file system end the call or one file, and the next call ends as if nothing had been. */
AG_TEST(test_prepare__every_failing_call_leaves_something_to_take_up)
{
    folders f = {.label = false};
    ag_err err = {0};
    snprintf(f.input, sizeof(f.input), "%s/faults-in", ag_test_dir());
    snprintf(f.output, sizeof(f.output), "%s/faults-out", ag_test_dir());
    AG_EXPECT_OK(ag_dir_make(f.input, &err));
    sample hole = {.version = 9};
    put(f.input, "good.xls", &hole, 0);
    put(f.input, "cut.xls", &hole, 900);
    f.arena = ag_arena_new(0);
    f.label = false;
    AG_EXPECT_OK(run(&f, &err));
    char *good = fingerprint(f.output);
    ag_test_fail_at_n(AG_FAULT_ALLOC, run, NULL, &f);
    AG_EXPECT_OK(run(&f, &err));
    char *after = fingerprint(f.output);
    assert_string_equal(good, after);
    ag_free(good);
    ag_free(after);
    ag_arena_free(f.arena);
}

/* kill -9 at many moments; then one whole call gives what an undisturbed one gives. */
AG_TEST(test_prepare__killed_at_any_moment_it_gives_the_same_bytes)
{
    folders f, calm;
    ag_err err = {0};
    set_up(&f, "killed");
    f.label = true;
    for (int i = 0; i < 150; i++) { /* several parts */
        char name[40];
        sample s = {.version = 9};
        snprintf(name, sizeof(name), "c%03d.xls", i);
        s.header[AG_HEADER_BOX_NAME] = name;
        put(f.input, name, &s, 0);
    }
    calm = f;
    snprintf(calm.output, sizeof(calm.output), "%s/calm-out", ag_test_dir());
    calm.arena = ag_arena_new(0);
    AG_EXPECT_OK(run(&calm, &err));
    assert_true(calm.summary.parts > 2);
    size_t killed = 0;
    for (int i = 0; i < 20; i++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) _exit(run(&f, &err) < 0);
        usleep((useconds_t)(1000 + i * 2500));
        kill(child, SIGKILL);
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        killed += WIFSIGNALED(status);
    }
    AG_EXPECT_OK(run(&f, &err));
    char *expected = fingerprint(calm.output), *got = fingerprint(f.output);
    assert_string_equal(expected, got);
    ag_free(expected);
    ag_free(got);
    ag_arena_free(f.arena);
    ag_arena_free(calm.arena);
    printf("# killed %zu times\n", killed);
}
