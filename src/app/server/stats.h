// SPDX-License-Identifier: Apache-2.0
#pragma once
/* stats.h: what the server counts about itself, as Prometheus reads it. Counting is lock-free. */
#include "app/server/router.h"
#include "core/base/buf.h"

typedef struct ag_stats ag_stats;
int ag_stats_new(const ag_router *router, ag_stats **out, ag_err *err); /* the router must outlive it */
void ag_stats_free(ag_stats *stats);
void ag_stats_begin(ag_stats *stats);
/* `row` NULL: no route. */
void ag_stats_end(ag_stats *stats, const ag_route_row *row, ag_method method, int status, int64_t took,
                  uint64_t received, uint64_t sent);
/* The text format, version 0.0.4. `db` may be NULL. */
int ag_stats_print(const ag_stats *stats, size_t connections, unsigned workers, ag_db *db, ag_buf *out, ag_err *err);
