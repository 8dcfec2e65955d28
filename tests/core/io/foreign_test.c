// SPDX-License-Identifier: Apache-2.0
#include "frame/test.h"

#include "core/io/foreign.h"

static const struct {
    ag_str beginning;
    const char *what, *unpack;
} files[] = {
#define BYTES(text) {text, sizeof(text) - 1}
    {BYTES("\x1F\x8B\x08"), "compressed (gzip)", "unpack it first, with gunzip"},
    {BYTES("\xFD\x37zXZ\0"), "compressed (xz)", "unpack it first, with unxz"},
    {BYTES("PK\x03\x04\x14\x00V2_001.xls"), "an archive (zip)", "unpack it first"},
    {BYTES("PK\x03\x04\x14\x00\x06\x00[Content_Types].xml"), "an Excel workbook", NULL},
    {BYTES("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"), "an Excel workbook", NULL},
    {BYTES("\xFF\xFE"), "text in UTF-16, as Excel saves Unicode text", NULL},
    {BYTES("PAR1\x15"), "a Parquet file", NULL},
    {BYTES("PAR1,PAR2"), NULL, NULL},
    {BYTES("P"), NULL, NULL},
    {BYTES(""), NULL, NULL},
};

AG_TEST(test_foreign__is_known_by_its_first_bytes)
{
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        const ag_foreign *foreign = ag_foreign_of(files[i].beginning);
        assert_true((foreign != NULL) == (files[i].what != NULL));
        if (!foreign) continue;
        assert_string_equal(foreign->what, files[i].what);
        assert_true((foreign->unpack != NULL) == (files[i].unpack != NULL));
        if (foreign->unpack) assert_string_equal(foreign->unpack, files[i].unpack);
    }
}
