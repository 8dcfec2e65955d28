// SPDX-License-Identifier: Apache-2.0
/* foreign.c: see foreign.h. */
#include "data/foreign.h"

#define SAVE "give the file as the drilling unit wrote it, or save it as text, tab delimited"
#define UNPACK "unpack it first"

typedef struct mark {
    const char *bytes;
    size_t size;
    ag_foreign kind;
} mark;

#define MARK(bytes, what, remedy)                                                                                      \
    {                                                                                                                  \
        bytes, sizeof(bytes) - 1,                                                                                      \
        {                                                                                                              \
            what, remedy                                                                                               \
        }                                                                                                              \
    }
static const mark marks[] = {
    MARK("\xD0\xCF\x11\xE0", "an Excel workbook", SAVE),
    MARK("\xFF\xFE", "text in UTF-16, as Excel saves Unicode text", SAVE),
    MARK("\xFE\xFF", "text in UTF-16", SAVE),
    MARK("\x1F\x8B", "compressed (gzip)", UNPACK),
    MARK("BZh", "compressed (bzip2)", UNPACK),
    MARK("\xFD\x37zXZ", "compressed (xz)", UNPACK),
    MARK("\x28\xB5\x2F\xFD", "compressed (zstd)", UNPACK),
    MARK("7z\xBC\xAF", "an archive (7z)", UNPACK),
    MARK("%PDF", "a PDF", SAVE),
};

static const mark workbook = MARK("PK\x03\x04", "an Excel workbook", SAVE),
                  archive = MARK("", "an archive (zip)", UNPACK);

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
