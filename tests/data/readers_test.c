// SPDX-License-Identifier: Apache-2.0
/* readers.c: files that are handed over for drilling data and are none. */
#include "frame/test.h"

#include "data/reader.h"

static const struct {
    const char *name;
    const char *bytes;
    size_t size;
    const char *what; /* NULL: nothing foreign */
} files[] = {
#define BYTES(text) text, sizeof(text) - 1
    {"a.xls", BYTES("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"), "an Excel workbook"},
    {"a.xls", BYTES("PK\x03\x04\x14\x00\x06\x00[Content_Types].xml"), "an Excel workbook"},
    {"a.xls", BYTES("\xFF\xFE*\0*\0*\0"), "UTF-16"},
    {"a.zip", BYTES("PK\x03\x04\x14\x00V2_001.xls"), "an archive (zip)"},
    {"a.xls.gz", BYTES("\x1F\x8B\x08"), "compressed (gzip)"},
    {"a.xls", BYTES("*** General Infos ***"), NULL},
    {"a.xls", BYTES("P"), NULL},
    {"a.xls", BYTES(""), NULL},
};

AG_TEST(test_readers__foreign_files_are_told_as_what_they_are)
{
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        ag_err err = {0};
        ag_hole *hole = NULL;
        ag_arena *arena = ag_arena_new(0);
        const ag_str bytes = {files[i].bytes, files[i].size};
        const ag_foreign *foreign = ag_foreign_of(bytes);
        ag_hole_source source = {.name = files[i].name, .bytes = bytes};
        assert_true((foreign != NULL) == (files[i].what != NULL));
        assert_true(ag_hole_read(&source, arena, &hole, &err) < 0);
        if (foreign) {
            assert_non_null(strstr(err.text, files[i].what));
            assert_string_equal(err.hint, ag_hole_foreign_hint(foreign));
        } else {
            assert_null(strstr(err.text, " it is "));
        }
        ag_arena_free(arena);
    }
}
