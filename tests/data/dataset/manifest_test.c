// SPDX-License-Identifier: Apache-2.0
/* Manifests: what is written is read again, and nothing else is: one canonical form, whole, in order. */
#include "data/dataset/manifest.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "frame/test.h"

static ag_dataset_file file_of(const char *path, uint64_t bytes, int64_t rows)
{
    ag_dataset_file file = {.path = path, .bytes = bytes, .rows = rows};
    memset(file.sha256.bytes, 0xab, sizeof(file.sha256.bytes));
    return file;
}

static ag_dataset_hole hole_of(const char *path)
{
    ag_dataset_hole hole;
    ag_dataset_hole_clear(&hole);
    hole.path = path;
    hole.sha256 = "abababababababababababababababababababababababababababababababab";
    hole.status = "success";
    hole.machine = "M \"4\" \xc3\xa9";
    hole.rows = 450;
    hole.peak_torque = 15.0625;
    return hole;
}

static void write_all(ag_buf *out)
{
    ag_err err = {0};
    ag_dataset_file files[] = {file_of("a-1.xls", 7, -1), file_of("a/1.xls", 10, -1), file_of("b.csv", 20, 3)};
    ag_dataset_hole holes[] = {hole_of("a/1.xls"), hole_of("z")};
    holes[1].labelled = true;
    holes[1].label.outcome = "found";
    holes[1].label.entry = 5.25;
    holes[1].label.transition[0] = 9;
    holes[1].label.transition[1] = 11.125;
    holes[1].label.transition_count = 2;
    holes[1].label.exit = 14;
    ag_buf_init(out, 1 << 20);
    AG_EXPECT_OK(ag_manifest_put_head(out, &err));
    for (size_t i = 0; i < 3; i++) AG_EXPECT_OK(ag_manifest_put_file(out, &files[i], &err));
    for (size_t i = 0; i < 2; i++) AG_EXPECT_OK(ag_manifest_put_hole(out, &holes[i], &err));
    AG_EXPECT_OK(ag_manifest_put_totals(out, &(ag_dataset_totals){3, 37, 2, 1, 3}, &err));
}

static int read_text(const char *text, size_t size, size_t *entries, ag_err *err)
{
    ag_reader *source = NULL;
    ag_manifest *manifest = NULL;
    ag_manifest_entry entry;
    int rc = ag_reader_of_memory(text, size, &source, err);
    if (rc >= 0) rc = ag_manifest_open(source, &manifest, err);
    while (rc >= 0 && (rc = ag_manifest_next(manifest, &entry, err)) > 0) ++*entries;
    ag_manifest_close(manifest);
    return rc;
}

AG_TEST(test_manifest__reads_what_it_wrote)
{
    ag_buf text;
    ag_err err = {0};
    ag_reader *source = NULL;
    ag_manifest *manifest = NULL;
    ag_manifest_entry entry;
    write_all(&text);
    assert_non_null(strstr(text.data, "\"rows\":450,\"peak_torque_a\":15.0625"));
    assert_non_null(strstr(text.data, "\"exit_mm\":14,\"transition_mm\":[9,11.125]"));
    AG_EXPECT_OK(ag_reader_of_memory(text.data, text.size, &source, &err));
    AG_EXPECT_OK(ag_manifest_open(source, &manifest, &err));
    for (int i = 0; i < 3; i++) assert_int_equal(ag_manifest_next(manifest, &entry, &err), 1);
    assert_string_equal(entry.file.path, "b.csv");
    assert_int_equal(entry.file.rows, 3);
    assert_int_equal(ag_manifest_next(manifest, &entry, &err), 1);
    assert_int_equal(entry.kind, AG_MANIFEST_HOLE);
    assert_string_equal(entry.hole.machine, "M \"4\" \xc3\xa9");
    assert_true(isnan(entry.hole.max_depth) && !entry.hole.labelled);
    assert_int_equal(ag_manifest_next(manifest, &entry, &err), 1);
    assert_true(entry.hole.labelled && entry.hole.label.transition[1] == 11.125);
    assert_int_equal(ag_manifest_next(manifest, &entry, &err), 0);
    ag_dataset_totals totals = ag_manifest_totals(manifest);
    assert_int_equal(totals.bytes, 37);
    assert_int_equal(totals.labelled, 1);
    ag_manifest_close(manifest);
    ag_buf_deinit(&text);
}

/* Any one byte left out, doubled or changed is found, and so is every cut. */
AG_TEST(test_manifest__nothing_else_is_taken)
{
    ag_buf text, changed;
    ag_err err = {0};
    write_all(&text);
    ag_buf_init(&changed, 1 << 20);
    for (size_t at = 0; at < text.size; at++) {
        size_t entries = 0;
        assert_true(read_text(text.data, at, &entries, &err) < 0);
        for (int kind = 0; kind < 3; kind++) {
            ag_buf_clear(&changed);
            ag_buf_add(&changed, text.data, kind == 1 ? at + 1 : at);
            if (kind == 2) ag_buf_add_char(&changed, text.data[at] == ' ' ? '\t' : ' ');
            ag_buf_add(&changed, text.data + at + (kind != 1), text.size - at - (kind != 1));
            memset(&err, 0, sizeof(err));
            int rc = read_text(changed.data, changed.size, &entries, &err);
            bool still_whole = rc >= 0; /* a letter of a name or a digit of a hole's number is another manifest */
            if (!still_whole) assert_true(*err.text);
        }
    }
    ag_buf_deinit(&changed);
    ag_buf_deinit(&text);
}

static void refuse(const char *lines, const char *part)
{
    char text[4096];
    ag_err err = {0};
    size_t entries = 0;
    snprintf(text, sizeof(text), "{\"format\":\"auger-dataset\",\"version\":1}\n%s", lines);
    int rc = read_text(text, strlen(text), &entries, &err);
    assert_true(rc < 0);
    if (!strstr(err.text, part)) fail_msg("'%s' is not in '%s'", part, err.text);
}

#define SHA "\"abababababababababababababababababababababababababababababababab\""
#define TOTALS(f, b, h) "{\"totals\":{\"files\":" #f ",\"bytes\":" #b ",\"holes\":" #h ",\"labelled\":0,\"rows\":0}}\n"

AG_TEST(test_manifest__says_what_is_wrong)
{
    size_t entries = 0;
    ag_err err = {0};
    AG_EXPECT_ERROR(read_text("", 0, &entries, &err), AG_EPARSE, "totals are missing");
    AG_EXPECT_ERROR(read_text("{}\n", 3, &entries, &err), AG_EPARSE, "no manifest");
    AG_EXPECT_ERROR(read_text("x", 1, &entries, &err), AG_EPARSE, "cut off");
    refuse("", "totals are missing");
    refuse("{\"file\":\"a\"}\n", "64 hex");
    refuse("{\"file\":\"../a\",\"sha256\":" SHA ",\"bytes\":1}\n", "..");
    refuse("{\"file\":\"/a\",\"sha256\":" SHA ",\"bytes\":1}\n", "");
    refuse("{\"file\":\"a\",\"sha256\":" SHA ",\"bytes\":-1}\n", "negative");
    refuse("{\"file\":\"a\",\"sha256\":" SHA ",\"bytes\":1.5}\n", "no number");
    refuse("{\"file\":\"a\",\"sha256\":" SHA ",\"bytes\":1,\"more\":1}\n", "canonical");
    refuse("{\"file\":\"a\", \"sha256\":" SHA ",\"bytes\":1}\n", "canonical");
    refuse("{\"file\":\"a\",\"sha256\":" SHA ",\"bytes\":01}\n", "");
    refuse("{\"file\":\"b\",\"sha256\":" SHA ",\"bytes\":1}\n{\"file\":\"a\",\"sha256\":" SHA ",\"bytes\":1}\n",
           "behind");
    refuse("{\"file\":\"a\",\"sha256\":" SHA ",\"bytes\":1}\n{\"file\":\"a\",\"sha256\":" SHA ",\"bytes\":1}\n",
           "behind");
    refuse("{\"hole\":\"a\",\"sha256\":" SHA "}\n{\"file\":\"a\",\"sha256\":" SHA ",\"bytes\":1}\n",
           "behind the holes");
    refuse("{\"hole\":\"a\",\"sha256\":" SHA ",\"label\":3}\n", "no object");
    refuse("{\"hole\":\"a\",\"sha256\":" SHA ",\"label\":{\"transition_mm\":[1,2,3,4,5]}}\n", "few depths");
    refuse("{\"hole\":\"a\",\"sha256\":" SHA ",\"rows\":\"x\"}\n", "no number");
    refuse("{\"hole\":\"a\",\"sha256\":" SHA ",\"machine\":\"\"}\n", "empty");
    refuse("{\"other\":1}\n", "neither");
    refuse("[]\n", "neither");
    refuse(TOTALS(1, 0, 0), "totals are not");
    refuse(TOTALS(0, 0, 0) TOTALS(0, 0, 0), "follows the totals");
    refuse(TOTALS(0, 0, 0) "x", "cut off");
    const char good[] = "{\"format\":\"auger-dataset\",\"version\":1}\n" TOTALS(0, 0, 0);
    AG_EXPECT_OK(read_text(good, strlen(good), &entries, &err));
}

AG_TEST(test_manifest__lines_have_an_end)
{
    ag_err err = {0};
    ag_buf text;
    size_t entries = 0;
    ag_buf_init(&text, (size_t)8 << 20);
    ag_manifest_put_head(&text, &err);
    ag_buf_add_fill(&text, 'x', (size_t)3 << 20);
    AG_EXPECT_ERROR(read_text(text.data, text.size, &entries, &err), AG_ELIMIT, "longer than");
    ag_buf_deinit(&text);
    ag_dataset_file bad = file_of("\xff", 1, -1);
    ag_buf_init(&text, 1 << 20);
    AG_EXPECT_ERROR(ag_manifest_put_file(&text, &bad, &err), AG_EINVAL, "UTF-8");
    ag_buf_deinit(&text);
}

AG_TEST(test_manifest__labels_are_compared_by_what_they_say)
{
    ag_dataset_hole a = hole_of("a"), b = hole_of("a");
    assert_true(ag_dataset_label_equal(&a, &b));
    a.labelled = true;
    a.label.outcome = "found";
    assert_false(ag_dataset_label_equal(&a, &b));
    b.labelled = true;
    b.label.outcome = "found";
    b.label.author = "somebody else";
    assert_true(ag_dataset_label_equal(&a, &b));
    b.label.exit = 3;
    assert_false(ag_dataset_label_equal(&a, &b));
    for (size_t i = 0; i < ag_dataset_number_count; i++) ag_dataset_numbers[i].of(&a);
}

static int read_once(void *context, ag_err *err)
{
    const ag_buf *text = context;
    size_t entries = 0;
    return read_text(text->data, text->size, &entries, err);
}

AG_TEST(test_manifest__survives_failing_allocations)
{
    ag_buf text;
    write_all(&text);
    ag_test_fail_at_n(AG_FAULT_ALLOC, read_once, NULL, &text);
    ag_buf_deinit(&text);
}
