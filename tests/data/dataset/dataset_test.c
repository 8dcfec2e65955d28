// SPDX-License-Identifier: Apache-2.0
/* Versions of data sets with a real ledger and blob store: what is added comes back, the same files are the same
 * version; and every call failing in turn. */
#include "data/dataset/dataset.h"

#include <math.h>

#include "data/dataset/diff.h"
#include "data/dataset/stats.h"
#include "data/dataset/with_world.h"

AG_TEST(test_dataset__the_same_files_are_the_same_version)
{
    world w;
    ag_err err = {0};
    ag_dataset_added again;
    open_world(&w, "same");
    put_holes(&w);
    ag_dataset_version first = add(&w, NULL);
    assert_int_equal(first.number, 1);
    assert_int_equal(first.files, 6);
    assert_int_equal(first.holes, 5);
    assert_int_equal(first.labelled, 0);
    AG_EXPECT_OK(try_add(&w, NULL, &again, &err));
    assert_false(again.is_new);
    assert_string_equal(again.version.digest, first.digest);
    put_text(&w, "notes.txt", "changed\n");
    assert_int_equal(add(&w, NULL).number, 2);
    put_text(&w, "notes.txt", "nothing of this is drilling data\n");
    assert_int_equal(add(&w, NULL).number, 1);
    ag_dataset_verified verified;
    AG_EXPECT_OK(ag_dataset_verify(&w.place, NULL, NULL, NULL, &verified, &err));
    assert_int_equal(verified.versions, 2);
    close_world(&w);
}

AG_TEST(test_dataset__comes_back_to_the_byte_and_spares_foreign_files)
{
    world w;
    ag_err err = {0};
    char out[600], file[700];
    ag_dataset_checked_out done;
    ag_sha256 a, b;
    open_world(&w, "back");
    put_holes(&w);
    put_text(&w, "empty", "");
    ag_dataset_version version = add(&w, NULL);
    snprintf(out, sizeof(out), "%s/back-out", ag_test_dir());
    AG_EXPECT_OK(ag_dataset_checkout(&w.place, &version, out, &done, &err));
    assert_int_equal(done.written, 7);
    snprintf(file, sizeof(file), "%s/sub/v4.xls", out);
    AG_EXPECT_OK(ag_sha256_of_file(file, &a, NULL, &err));
    snprintf(file, sizeof(file), "%s/sub/v4.xls", w.input);
    AG_EXPECT_OK(ag_sha256_of_file(file, &b, NULL, &err));
    assert_true(ag_sha256_equal(&a, &b));
    snprintf(file, sizeof(file), "%s/h0.xls", out);
    AG_EXPECT_OK(ag_file_remove(file, &err));
    AG_EXPECT_OK(ag_dataset_checkout(&w.place, &version, out, &done, &err));
    assert_int_equal(done.written, 1);
    assert_int_equal(done.kept, 6);
    AG_EXPECT_OK(ag_file_remove(file, &err));
    snprintf(file, sizeof(file), "%s/sub/bad.xls", out);
    AG_EXPECT_OK(ag_file_replace(file, "mine", 4, &err));
    AG_EXPECT_ERROR(ag_dataset_checkout(&w.place, &version, out, &done, &err), AG_EEXISTS, "bad.xls");
    snprintf(file, sizeof(file), "%s/h0.xls", out);
    assert_false(ag_file_exists(file)); /* nothing was written */
    close_world(&w);
}

/* Labels by path and by content; the history of a table of labels goes with it. */
AG_TEST(test_dataset__labels_belong_to_their_holes)
{
    world w;
    ag_err err = {0};
    char labels[600], history[600];
    const char *folder = ag_test_dir();
    ag_dataset_added added;
    open_world(&w, "labels");
    put_holes(&w);
    snprintf(history, sizeof(history), "%s/labels.jsonl", folder);
    snprintf(labels, sizeof(labels), "%s/my.csv", folder);
    static const char table[] =
        "path,entry_mm,transition_mm,exit_mm\nh0.xls,5.25,9|11.5,14\nh1.xls,,,\nsub/v4.xls,\"5,5\",,\n"
        "nobody.xls,1,2,3\n";
    AG_EXPECT_OK(ag_file_replace(labels, table, strlen(table), &err));
    AG_EXPECT_OK(ag_file_replace(history, "{}\n", 3, &err));
    AG_EXPECT_OK(try_add(&w, labels, &added, &err));
    assert_int_equal(added.version.labelled, 3);
    assert_int_equal(added.labels_unmatched, 1);
    assert_int_equal(added.version.files, 8);
    ag_manifest *manifest = NULL;
    ag_manifest_entry entry;
    int seen = 0;
    AG_EXPECT_OK(ag_dataset_open(&w.place, &added.version, &manifest, &err));
    while (ag_manifest_next(manifest, &entry, &err) > 0) {
        if (entry.kind != AG_MANIFEST_HOLE || !entry.hole.labelled) continue;
        const ag_dataset_label *label = &entry.hole.label;
        seen++;
        if (strcmp(entry.hole.path, "h0.xls") == 0) {
            assert_string_equal(label->outcome, "found");
            assert_true(label->entry == 5.25 && label->transition_count == 2 && label->transition[1] == 11.5);
        } else if (strcmp(entry.hole.path, "h1.xls") == 0) {
            assert_string_equal(label->outcome, "empty");
        } else {
            assert_string_equal(label->outcome, "no exit");
            assert_true(label->entry == 5.5 && isnan(label->exit));
        }
    }
    ag_manifest_close(manifest);
    assert_int_equal(seen, 3);
    static const char *const wrong[][2] = {{"x,y\n1,2\n", "'path' or 'sha256'"},
                                           {"path,entry_mm\nh0.xls,deep\n", "no number"},
                                           {"path,transition_mm\nh0.xls,1|x\n", "no list"},
                                           {"path,transition_mm\nh0.xls,1|2|3|4|5\n", "at most"},
                                           {"path,author\nh0.xls,\xff\n", "UTF-8"}};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        AG_EXPECT_OK(ag_file_replace(labels, wrong[i][0], strlen(wrong[i][0]), &err));
        int rc = try_add(&w, labels, &added, &err);
        assert_true(rc < 0);
        if (!strstr(err.text, wrong[i][1])) fail_msg("'%s' is not in '%s'", wrong[i][1], err.text);
    }
    put_text(&w, "labels.csv", "path\n");
    AG_EXPECT_ERROR(try_add(&w, labels, &added, &err), AG_EEXISTS, "labels.csv");
    close_world(&w);
}

AG_TEST(test_dataset__refuses_what_cannot_be_added)
{
    world w;
    ag_err err = {0};
    ag_dataset_added added;
    open_world(&w, "refuse");
    AG_EXPECT_ERROR(try_add(&w, NULL, &added, &err), AG_EINVAL, "no file in");
    put_text(&w, "back\\slash", "x");
    AG_EXPECT_ERROR(try_add(&w, NULL, &added, &err), AG_EDENIED, "cannot stand in a data set");
    ag_dataset_add_options options = {.name = "d"};
    AG_EXPECT_ERROR(ag_dataset_add_paths(&w.place, &options, w.arena, &added, &err), AG_EINVAL, "nothing to add");
    char twice[600];
    snprintf(twice, sizeof(twice), "%s/", w.input);
    const char *paths[] = {w.input, twice};
    options.paths = paths;
    options.path_count = 2;
    AG_EXPECT_ERROR(ag_dataset_add_paths(&w.place, &options, w.arena, &added, &err), AG_EINVAL, "both be called");
    ag_dataset_version version;
    assert_int_equal(ag_dataset_find(w.ledger, AG_STR("d"), w.arena, &version, &err), AG_ENOTFOUND);
    close_world(&w);
}

AG_TEST(test_dataset__several_paths_keep_their_names)
{
    world w;
    ag_err err = {0};
    ag_dataset_added added;
    ag_manifest *manifest = NULL;
    ag_manifest_entry entry;
    static const char *const wanted[] = {"one.txt", "x-y/1", "x/1", "x/2"};
    open_world(&w, "several");
    put_text(&w, "x/1", "1");
    put_text(&w, "x/2", "2");
    put_text(&w, "x-y/1", "3");
    put_text(&w, "one.txt", "4");
    char names[3][600];
    snprintf(names[0], 600, "%s/x", w.input);
    snprintf(names[1], 600, "%s/x-y/", w.input);
    snprintf(names[2], 600, "%s/one.txt", w.input);
    const char *paths[] = {names[0], names[1], names[2]};
    ag_dataset_add_options options = {.name = "d", .paths = paths, .path_count = 3, .kind = AG_DATASET_FILES};
    AG_EXPECT_OK(ag_dataset_add_paths(&w.place, &options, w.arena, &added, &err));
    AG_EXPECT_OK(ag_dataset_open(&w.place, &added.version, &manifest, &err));
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(ag_manifest_next(manifest, &entry, &err), 1);
        assert_string_equal(entry.file.path, wanted[i]);
    }
    assert_int_equal(ag_manifest_next(manifest, &entry, &err), 0);
    ag_manifest_close(manifest);
    close_world(&w);
}

AG_TEST(test_dataset__collects_only_what_nothing_needs)
{
    world w;
    ag_err err = {0};
    ag_blob_ref stray;
    ag_dataset_garbage garbage;
    static const char *const group[] = {"machine"};
    open_world(&w, "collect");
    put_holes(&w);
    ag_dataset_version version = add(&w, NULL);
    ag_dataset_split_options options = {.folds = 2, .group = group, .group_count = 1, .include = AG_SPLIT_ALL};
    split(&w, &version, &options);
    AG_EXPECT_OK(ag_blob_put_bytes(w.blobs, "stray", 5, &stray, &err));
    AG_EXPECT_OK(ag_dataset_gc(&w.place, true, 0, &garbage, &err));
    assert_int_equal(garbage.objects, 1);
    assert_int_equal(garbage.bytes, 5);
    assert_int_equal(ag_blob_has(w.blobs, &stray.sha256, &err), 1);
    AG_EXPECT_OK(ag_dataset_gc(&w.place, false, 3600 * INT64_C(1000000), &garbage, &err));
    assert_int_equal(garbage.objects, 0); /* too young */
    AG_EXPECT_OK(ag_dataset_gc(&w.place, false, -1, &garbage, &err));
    assert_int_equal(ag_blob_has(w.blobs, &stray.sha256, &err), 0);
    AG_EXPECT_OK(ag_dataset_verify(&w.place, NULL, NULL, NULL, NULL, &err));
    ag_reader *table = NULL;
    AG_EXPECT_OK(ag_dataset_split_open(&w.place, &version, "folds2-machine-s0", &table, &err));
    ag_reader_close(table);
    close_world(&w);
}

static void keep_damage(void *context, const ag_dataset_damage *damage)
{
    char *text = context;
    if (damage->path) snprintf(text, 200, "%s|%s", damage->path, damage->holes);
}

AG_TEST(test_dataset__verify_names_the_hole)
{
    world w;
    ag_err err = {0};
    ag_sha256 id;
    char text[200] = "", path[600];
    ag_dataset_verified verified;
    open_world(&w, "verify");
    put_holes(&w);
    ag_dataset_version version = add(&w, NULL);
    snprintf(path, sizeof(path), "%s/h1.xls", w.input);
    AG_EXPECT_OK(ag_sha256_of_file(path, &id, NULL, &err));
    AG_EXPECT_OK(ag_blob_remove(w.blobs, &id, &err));
    AG_EXPECT_ERROR(ag_dataset_verify(&w.place, &version, keep_damage, text, &verified, &err), AG_ECORRUPT, "h1.xls");
    assert_string_equal(text, "h1.xls|h1.xls");
    assert_int_equal(verified.damaged, 1);
    AG_EXPECT_ERROR(ag_dataset_verify(&w.place, NULL, keep_damage, text, &verified, &err), AG_ECORRUPT, "d@v1");
    ag_sha256_parse(ag_str_of(version.digest), &id);
    AG_EXPECT_OK(ag_blob_remove(w.blobs, &id, &err));
    AG_EXPECT_ERROR(ag_dataset_verify(&w.place, &version, NULL, NULL, &verified, &err), AG_ECORRUPT, "manifest");
    ag_dataset_garbage garbage;
    AG_EXPECT_ERROR(ag_dataset_gc(&w.place, false, -1, &garbage, &err), AG_ECORRUPT, "nothing was collected");
    close_world(&w);
}

/* ---- every call failing in turn ---- */

typedef struct failing {
    world w;
    char out[600];
    int round;
    ag_dataset_version version;
    const char *digest;
} failing;

static int add_once(void *context, ag_err *err)
{
    failing *f = context;
    ag_dataset_added added;
    int rc = try_add(&f->w, NULL, &added, err);
    if (rc >= 0) assert_string_equal(added.version.digest, f->digest);
    return rc;
}

static void nothing_half(void *context)
{
    failing *f = context;
    ag_err err = {0};
    AG_EXPECT_OK(ag_dataset_verify(&f->w.place, NULL, NULL, NULL, NULL, &err));
}

static int checkout_once(void *context, ag_err *err)
{
    failing *f = context;
    return ag_dataset_checkout(&f->w.place, &f->version, f->out, NULL, err);
}

static int split_once(void *context, ag_err *err)
{
    failing *f = context;
    ag_dataset_split_made made;
    static const char *const keys[] = {"machine", "tool"};
    ag_dataset_split_options options = {.folds = 2, .group = keys, .group_count = 2, .include = AG_SPLIT_ALL};
    return ag_dataset_split_version(&f->w.place, &f->version, &options, f->w.arena, &made, err);
}

static int read_once(void *context, ag_err *err)
{
    failing *f = context;
    ag_dataset_stats stats;
    ag_diff diff;
    ag_dataset_garbage garbage;
    int rc = ag_dataset_statistics(&f->w.place, &f->version, f->w.arena, &stats, err);
    if (rc >= 0) rc = ag_dataset_diff(&f->w.place, &f->version, &f->version, NULL, NULL, &diff, err);
    if (rc >= 0) rc = ag_dataset_gc(&f->w.place, true, 0, &garbage, err);
    return rc;
}

AG_TEST(test_dataset__every_failing_call_is_told_and_leaves_nothing_half)
{
    failing f = {0};
    ag_err err = {0};
    open_world(&f.w, "failing");
    put_hole(&f.w, "h.xls", &(sample){.version = 9});
    put_hole(&f.w, "i.xls", &(sample){.version = 4, .edit = edit_3, .header = {[AG_HEADER_MOTOR_SERIAL] = "171"}});
    put_text(&f.w, "labels.csv", "path,entry_mm,exit_mm\nh.xls,5,14\n");
    f.version = add(&f.w, NULL);
    f.digest = f.version.digest;
    ag_blob_close(f.w.blobs);
    ag_ledger_close(f.w.ledger);
    AG_EXPECT_OK(ag_dir_remove(f.w.home, &err));
    open_stores(&f.w);
    ag_test_fail_at_n(AG_FAULT_ALLOC, add_once, NULL, &f);
    ag_test_fail_at_n(AG_FAULT_FILE | AG_FAULT_SQL, add_once, nothing_half, &f);
    AG_EXPECT_OK(ag_dataset_find(f.w.ledger, AG_STR("d"), f.w.arena, &f.version, &err));
    assert_int_equal(f.version.number, 1);
    snprintf(f.out, sizeof(f.out), "%s/failing-out", ag_test_dir());
    ag_test_fail_at_n(AG_FAULT_ALLOC | AG_FAULT_FILE | AG_FAULT_SQL, checkout_once, NULL, &f);
    ag_test_fail_at_n(AG_FAULT_ALLOC | AG_FAULT_FILE | AG_FAULT_SQL, split_once, NULL, &f);
    ag_test_fail_at_n(AG_FAULT_ALLOC | AG_FAULT_FILE | AG_FAULT_SQL, read_once, NULL, &f);
    close_world(&f.w);
}
