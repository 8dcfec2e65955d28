// SPDX-License-Identifier: Apache-2.0
#pragma once
/* unread.h: files of a folder that could not be read and were left out, as people and programs are told of them. */
#include "core/doc/json.h"

typedef struct ag_unread {
    size_t count;
    const char *first, *why; /* its path and the reason; NULL when there is none */
} ag_unread;

/* Into the object that is open: "unread", and "first_unread" {"path", "error"} when there is one. */
void ag_unread_json(const ag_unread *unread, ag_json *json);
