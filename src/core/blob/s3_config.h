// SPDX-License-Identifier: Apache-2.0
#pragma once
/* s3_config.h: where an S3 store is and who we are there; all text in the arena. */
#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/base/str.h"

typedef struct s3_config {
    const char *bucket;
    const char *prefix; /* "" or with a '/' at its end */
    const char *origin; /* "https://host:port" as it is sent to */
    const char *host;   /* the Host header */
    const char *region;
    const char *ca_file; /* NULL: the system's */
    bool path_style;
    const char *access_key, *secret_key, *token; /* token NULL when there is none */
} s3_config;

int s3_config_read(ag_arena *arena, const char *address, s3_config *out, ag_err *err);
/* The value of `name` in section `profile` of an ini text; data NULL when absent. */
ag_str s3_ini_value(ag_str text, const char *profile, const char *name);
