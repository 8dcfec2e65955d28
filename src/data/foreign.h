// SPDX-License-Identifier: Apache-2.0
#pragma once
/* foreign.h: what people hand over for drilling data that is none: files packed or saved again by other programs. */
#include "core/base/str.h"

typedef struct ag_foreign {
    const char *what;   /* "an Excel workbook" */
    const char *remedy; /* what to do */
} ag_foreign;

/* By the first bytes; NULL: nothing that is known. */
const ag_foreign *ag_foreign_of(ag_str beginning);
