// SPDX-License-Identifier: Apache-2.0
/* The bytes of data sets into another store and back: whole, once, while others add, with damage told by name, and
 * with every call failing in turn. */
#include "data/dataset/dataset.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "core/io/file.h"
#include "core/io/path.h"
#include "data/dataset/split_data.h"
#include "frame/test.h"

enum { LARGE = 5 << 20 };

typedef struct world {
    char home[500], input[500], copy[500];
    ag_ledger *ledger;
    ag_blob *blobs, *target;
    ag_arena *arena;
    ag_dataset_place place;
} world;

static void open_world(world *w, const char *name)
{
    char blobs[600];
    ag_err err = {0};
    snprintf(w->home, sizeof(w->home), "%s/%s-home", ag_test_dir(), name);
    snprintf(w->input, sizeof(w->input), "%s/%s-in", ag_test_dir(), name);
    snprintf(w->copy, sizeof(w->copy), "%s/%s-copy", ag_test_dir(), name);
    snprintf(blobs, sizeof(blobs), "%s/blobs", w->home);
    w->arena = ag_arena_new(0);
    AG_EXPECT_OK(ag_dir_make(w->input, &err));
    AG_EXPECT_OK(ag_ledger_open(&(ag_ledger_options){.home = w->home}, &w->ledger, &err));
    AG_EXPECT_OK(ag_blob_open(blobs, NULL, &w->blobs, &err));
    AG_EXPECT_OK(ag_blob_open(w->copy, NULL, &w->target, &err));
    w->place = (ag_dataset_place){.ledger = w->ledger, .blobs = w->blobs, .home = w->home};
}

static void close_world(world *w)
{
    ag_blob_close(w->target);
    ag_blob_close(w->blobs);
    ag_ledger_close(w->ledger);
    ag_arena_free(w->arena);
}

static void put(const world *w, const char *name, const void *bytes, size_t size)
{
    char path[600];
    ag_err err = {0};
    snprintf(path, sizeof(path), "%s/%s", w->input, name);
    AG_EXPECT_OK(ag_file_replace(path, bytes, size, &err));
}

static int try_add(world *w, ag_arena *arena, ag_dataset_version *out, ag_err *err)
{
    ag_dataset_added added;
    const char *paths[] = {w->input};
    ag_dataset_add_options options = {.name = "d", .paths = paths, .path_count = 1, .jobs = 1};
    int rc = ag_dataset_add_paths(&w->place, &options, arena, &added, err);
    if (rc >= 0) *out = added.version;
    return rc;
}

static ag_dataset_version add(world *w)
{
    ag_err err = {0};
    ag_dataset_version version = {0};
    AG_EXPECT_OK(try_add(w, w->arena, &version, &err));
    return version;
}

static void put_large(const world *w)
{
    uint32_t state = 1;
    char *bytes = ag_arena_alloc(w->arena, LARGE);
    assert_non_null(bytes);
    for (size_t i = 0; i < LARGE; i++) bytes[i] = (char)((state = state * 1664525 + 1013904223) >> 24);
    put(w, "large.bin", bytes, LARGE);
}

/* What the copy alone gives. */
static ag_dataset_place of_copy(const world *w)
{
    ag_dataset_place place = w->place;
    place.blobs = w->target;
    return place;
}

static void expect_whole(const world *w, uint64_t versions)
{
    ag_err err = {0};
    ag_dataset_verified done;
    ag_dataset_place place = of_copy(w);
    AG_EXPECT_OK(ag_dataset_verify(&place, NULL, NULL, NULL, &done, &err));
    assert_int_equal(done.versions, versions);
}

AG_TEST(test_dataset_backup__every_version_comes_out_of_the_copy)
{
    world w;
    ag_err err = {0};
    ag_dataset_copied copied;
    ag_dataset_checked_out out;
    ag_blob *third = NULL;
    char path[600];
    open_world(&w, "whole");
    put(&w, "a.txt", "one", 3);
    put(&w, "empty.txt", "", 0);
    put_large(&w);
    ag_dataset_version first = add(&w);
    put(&w, "a.txt", "two", 3);
    ag_dataset_version second = add(&w);
    AG_EXPECT_OK(ag_dataset_backup(&w.place, w.target, NULL, NULL, &copied, &err));
    assert_int_equal(copied.versions, 2);
    assert_int_equal(copied.objects, 6); /* two manifests, four files */
    assert_int_equal(copied.kept, 0);
    assert_int_equal(copied.damaged, 0);
    expect_whole(&w, 2);
    AG_EXPECT_OK(ag_dataset_backup(&w.place, w.target, NULL, NULL, &copied, &err));
    assert_int_equal(copied.objects, 0);
    assert_int_equal(copied.kept, 6);

    snprintf(path, sizeof(path), "%s-third", w.copy);
    AG_EXPECT_OK(ag_blob_open(path, NULL, &third, &err));
    AG_EXPECT_OK(ag_dataset_restore(w.target, third, &copied, &err));
    assert_int_equal(copied.objects, 6);
    ag_blob_close(w.target);
    w.target = third;
    expect_whole(&w, 2);
    const ag_dataset_place place = of_copy(&w);
    snprintf(path, sizeof(path), "%s-out1", w.copy);
    AG_EXPECT_OK(ag_dataset_checkout(&place, &first, path, &out, &err));
    assert_int_equal(out.written, 3);
    snprintf(path, sizeof(path), "%s-out2", w.copy);
    AG_EXPECT_OK(ag_dataset_checkout(&place, &second, path, &out, &err));
    assert_int_equal(out.bytes, LARGE + 3);
    close_world(&w);
}

typedef struct told {
    unsigned files, manifests;
    char last[1000];
} told;

static void note(void *context, const ag_dataset_damage *damage)
{
    told *t = context;
    damage->path ? t->files++ : t->manifests++;
    snprintf(t->last, sizeof(t->last), "%.90s@v%lld %.200s: %s", damage->version->name,
             (long long)damage->version->number, damage->path ? damage->path : "", damage->why->text);
}

static void lose(world *w, const ag_sha256 *id)
{
    ag_err err = {0};
    AG_EXPECT_OK(ag_blob_remove(w->blobs, id, &err));
}

AG_TEST(test_dataset_backup__damage_is_named_and_the_rest_is_kept)
{
    world w;
    ag_err err = {0};
    ag_dataset_copied copied;
    told t = {0};
    ag_sha256 id;
    open_world(&w, "damaged");
    put_large(&w);
    put(&w, "a.txt", "one", 3);
    add(&w);
    put(&w, "a.txt", "two", 3);
    ag_dataset_version second = add(&w);
    /* its object names chunks, one of which goes */
    ag_vec folders;
    char path[700];
    snprintf(path, sizeof(path), "%s/blobs/chunks", w.home);
    ag_vec_init(&folders, sizeof(const char *));
    AG_EXPECT_OK(ag_dir_list(path, w.arena, &folders, &err));
    snprintf(path, sizeof(path), "%s/blobs/chunks/%s", w.home, *(const char *const *)ag_vec_at(&folders, 0));
    AG_EXPECT_OK(ag_dir_remove(path, &err));
    ag_vec_deinit(&folders);
    AG_EXPECT_OK(ag_dataset_backup(&w.place, w.target, note, &t, &copied, &err));
    assert_int_equal(t.files, 2); /* of either version */
    assert_int_equal(t.manifests, 0);
    assert_int_equal(copied.damaged, 2);
    assert_int_equal(copied.objects, 4);
    assert_string_equal(t.last, "d@v2 large.bin: its content is damaged, as was told before");

    t = (told){0};
    assert_true(ag_sha256_parse(ag_str_of(second.digest), &id));
    lose(&w, &id);
    AG_EXPECT_OK(ag_blob_remove(w.target, &id, &err));
    AG_EXPECT_OK(ag_dataset_backup(&w.place, w.target, note, &t, &copied, &err));
    assert_int_equal(t.files, 1);
    assert_int_equal(t.manifests, 1);
    assert_string_equal(t.last, "d@v2 : it is not in the store");
    close_world(&w);
}

AG_TEST(test_dataset_backup__a_damaged_copy_is_not_restored)
{
    world w;
    ag_err err = {0};
    ag_dataset_copied copied;
    ag_buf content;
    ag_vec packs;
    char path[700];
    open_world(&w, "restore");
    put(&w, "a.txt", "one", 3);
    add(&w);
    AG_EXPECT_OK(ag_dataset_backup(&w.place, w.target, NULL, NULL, &copied, &err));
    snprintf(path, sizeof(path), "%s/packs", w.copy);
    ag_vec_init(&packs, sizeof(const char *));
    AG_EXPECT_OK(ag_dir_list(path, w.arena, &packs, &err));
    snprintf(path, sizeof(path), "%s/packs/%s", w.copy, *(const char *const *)ag_vec_at(&packs, 0));
    ag_vec_deinit(&packs);
    ag_buf_init(&content, 1 << 20);
    AG_EXPECT_OK(ag_file_read(path, 1 << 20, &content, &err));
    content.data[20] ^= 1;
    AG_EXPECT_OK(ag_file_replace(path, content.data, content.size, &err));
    ag_buf_deinit(&content);
    snprintf(path, sizeof(path), "%s-third", w.copy);
    ag_blob *third = NULL;
    AG_EXPECT_OK(ag_blob_open(path, NULL, &third, &err));
    AG_EXPECT_ERROR(ag_dataset_restore(w.target, third, &copied, &err), AG_ECORRUPT, "of the backup");
    ag_blob_close(third);
    close_world(&w);
}

typedef struct adder {
    world *w;
    unsigned added;
} adder;

static void *add_on(void *context)
{
    adder *a = context;
    ag_err err = {0};
    ag_arena *arena = ag_arena_new(0);
    for (unsigned i = 0; arena && i < 8; i++) {
        char text[40];
        ag_dataset_version version;
        snprintf(text, sizeof(text), "the %uth", i);
        put(a->w, "a.txt", text, strlen(text));
        if (try_add(a->w, arena, &version, &err) < 0) break;
        a->added++;
    }
    ag_arena_free(arena);
    return NULL;
}

AG_TEST(test_dataset_backup__while_others_add_each_listed_version_is_whole)
{
    world w;
    ag_err err = {0};
    pthread_t thread;
    ag_dataset_copied copied;
    told t = {0};
    open_world(&w, "adding");
    adder a = {&w, 0};
    put(&w, "b.txt", "stays", 5);
    add(&w);
    assert_int_equal(pthread_create(&thread, NULL, add_on, &a), 0);
    for (int i = 0; i < 8; i++) AG_EXPECT_OK(ag_dataset_backup(&w.place, w.target, note, &t, &copied, &err));
    pthread_join(thread, NULL);
    assert_int_equal(a.added, 8);
    assert_int_equal(t.files + t.manifests, 0);
    AG_EXPECT_OK(ag_dataset_backup(&w.place, w.target, note, &t, &copied, &err));
    expect_whole(&w, 9);
    close_world(&w);
}

static int back_up_once(void *context, ag_err *err)
{
    world *w = context;
    ag_dataset_copied copied;
    told t = {0};
    int rc = ag_dataset_backup(&w->place, w->target, note, &t, &copied, err);
    if (rc >= 0 && copied.damaged) fail_msg("a failing machine was taken for damage: %s", t.last);
    return rc;
}

AG_TEST(test_dataset_backup__every_failing_call_is_told_and_the_next_goes_on)
{
    world w;
    open_world(&w, "failing");
    put(&w, "a.txt", "one", 3);
    put(&w, "b.csv", "x,y\n1,2\n", 8);
    put_large(&w);
    add(&w);
    ag_test_fail_at_n(AG_FAULT_FILE | AG_FAULT_SQL, back_up_once, NULL, &w);
    expect_whole(&w, 1);
    ag_blob_close(w.target);
    ag_err err = {0};
    AG_EXPECT_OK(ag_dir_remove(w.copy, &err));
    AG_EXPECT_OK(ag_blob_open(w.copy, NULL, &w.target, &err));
    ag_test_fail_at_n(AG_FAULT_ALLOC, back_up_once, NULL, &w);
    expect_whole(&w, 1);
    close_world(&w);
}
