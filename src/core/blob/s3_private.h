// SPDX-License-Identifier: Apache-2.0
#pragma once
/* s3_private.h: shared by the files of the S3 client. */
#include "core/base/arena.h"
#include "core/blob/s3.h"
#include "core/blob/s3_config.h"

struct s3 {
    ag_arena *arena;
    s3_config config;
    ag_http *http;
    ag_cancel *cancel;
};

/* An answer that came with 200 but holds an error. */
int s3_refuse(s3 *client, const s3_call *call, const ag_http_response *response, ag_err *err);
