// SPDX-License-Identifier: Apache-2.0
#pragma once
/* foreign.h: what people hand over for data that are none: files packed, or saved again by other programs. */
#include "core/base/str.h"

typedef struct ag_foreign {
    const char *what;   /* "an Excel workbook" */
    const char *unpack; /* what to do with something packed; NULL: it has to be saved in another form */
} ag_foreign;

/* By the first bytes; NULL: nothing that is known. */
const ag_foreign *ag_foreign_of(ag_str beginning);
