// SPDX-License-Identifier: Apache-2.0
/* foreign.c: see foreign.h. */
#include "core/io/foreign.h"

typedef struct mark {
    const char *bytes;
    size_t size;
    ag_foreign kind;
} mark;

#define MARK(bytes, what, unpack)                                                                                      \
    {                                                                                                                  \
        bytes, sizeof(bytes) - 1,                                                                                      \
        {                                                                                                              \
            what, unpack                                                                                               \
        }                                                                                                              \
    }
static const mark marks[] = {
    MARK("\x1F\x8B", "compressed (gzip)", "unpack it first, with gunzip"),
    MARK("BZh", "compressed (bzip2)", "unpack it first, with bunzip2"),
    MARK("\xFD\x37zXZ", "compressed (xz)", "unpack it first, with unxz"),
    MARK("\x28\xB5\x2F\xFD", "compressed (zstd)", "unpack it first, with unzstd"),
    MARK("7z\xBC\xAF", "an archive (7z)", "unpack it first"),
    MARK("\xD0\xCF\x11\xE0", "an Excel workbook", NULL),
    MARK("\xFF\xFE", "text in UTF-16, as Excel saves Unicode text", NULL),
    MARK("\xFE\xFF", "text in UTF-16", NULL),
    MARK("PAR1\x15", "a Parquet file", NULL),
    MARK("\x89HDF", "an HDF5 file", NULL),
    MARK("%PDF", "a PDF", NULL),
};

static const mark workbook = MARK("PK\x03\x04", "an Excel workbook", NULL),
                  archive = MARK("", "an archive (zip)", "unpack it first");

const ag_foreign *ag_foreign_of(ag_str beginning)
{
    /* A workbook is an archive, whose first file says of what. */
    if (ag_str_starts(beginning, (ag_str){workbook.bytes, workbook.size}))
        return ag_str_find(ag_str_slice(beginning, 0, 4096), AG_STR("[Content_Types].xml"), 0) == SIZE_MAX
                   ? &archive.kind
                   : &workbook.kind;
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (ag_str_starts(beginning, (ag_str){marks[i].bytes, marks[i].size})) return &marks[i].kind;
    return NULL;
}
