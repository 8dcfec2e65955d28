// SPDX-License-Identifier: Apache-2.0
#pragma once
/* insert.h: recognises the statements that can take many rows at once. For drivers. */
#include <stdbool.h>

#include "core/base/str.h"

typedef struct ag_insert { /* slices of the statement */
    ag_str head;           /* up to VALUES */
    const char *rest;      /* behind the list: ON CONFLICT ... */
} ag_insert;

/* Whether `text` is INSERT ... VALUES (?1, ... ?columns) [ON CONFLICT ... DO NOTHING]. DO UPDATE is not: several rows
 * of one statement may meet the same row there. */
bool ag_insert_match(const char *text, size_t columns, ag_insert *out);
