// SPDX-License-Identifier: Apache-2.0
#pragma once
/* with_client.h: what the tests of the ledger's C API have in common. */
#include "frame/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auger/ledger.h"
#include "core/base/mem.h"
#include "core/io/file.h"
#include "core/sys/clock.h"
#include "ledger/experiment.h"
#include "ledger/run.h"

enum { PATIENCE = 600000 }; /* milliseconds */

static inline void expect_fine(int rc, const auger_error *error, const char *call, int line)
{
    if (rc < 0) fail_msg("line %d: %s: %d %s (%s)", line, call, rc, error->text, error->hint);
}
#define FINE(call) expect_fine((call), &error, #call, __LINE__)

static inline void expect_refused(int rc, const auger_error *error, int code, const char *part, int line)
{
    if (rc != code || error->code != code || !strstr(error->text, part))
        fail_msg("line %d: wanted %d with '%s', got %d: %s", line, code, part, rc, error->text);
}
#define REFUSED(call, code, part) expect_refused((call), &error, (code), (part), __LINE__)

/* A home of its own; numbered, since a test may want several. */
static inline const char *new_home(char out[512])
{
    static int count;
    ag_format(out, 512, "%s/home-%d", ag_test_dir(), ++count);
    return out;
}

static inline auger_ledger *open_client(const char *where, const auger_ledger_options *options)
{
    auger_error error;
    auger_ledger *ledger = NULL;
    FINE(auger_ledger_open(where, options, &ledger, &error));
    return ledger;
}

static inline auger_ledger_run *start(auger_ledger *ledger, const char *name)
{
    auger_error error;
    auger_ledger_run *run = NULL;
    auger_run_options options = {.name = name};
    FINE(auger_run_start(ledger, &options, &run, &error));
    return run;
}

/* Looks into a local ledger beside the client. */
typedef struct look {
    ag_ledger *ledger;
    ag_arena *arena;
} look;

static inline look look_into(const char *home)
{
    ag_err err = {0};
    look at = {.arena = ag_arena_new(0)};
    ag_ledger_options options = {.home = home, .artifact_root = "mlflow-artifacts:/"};
    AG_EXPECT_OK(ag_ledger_open(&options, &at.ledger, &err));
    return at;
}

static inline void look_away(look *at)
{
    ag_ledger_close(at->ledger);
    ag_arena_free(at->arena);
}

static inline ag_run run_of(const look *at, const char *id)
{
    ag_err err = {0};
    ag_run run = {0};
    AG_EXPECT_OK(ag_run_get(at->ledger, ag_str_of(id), at->arena, &run, &err));
    return run;
}

static inline ag_points history(const look *at, const char *run, const char *key)
{
    ag_err err = {0};
    ag_points points = {0};
    AG_EXPECT_OK(
        ag_metric_history(at->ledger, ag_str_of(run), ag_str_of(key), 0, AG_STR(""), at->arena, &points, &err));
    return points;
}

static inline const char *value_of(ag_pairs pairs, const char *key)
{
    for (size_t i = 0; i < pairs.count; i++) {
        if (ag_str_is(pairs.items[i].key, key)) return pairs.items[i].value.data;
    }
    return NULL;
}

/* The text of a file, "" when it is not there; from ag_alloc. */
static inline char *text_of(const char *directory, const char *name)
{
    char path[1024];
    ag_buf text;
    ag_buf_init(&text, 64 << 20);
    ag_format(path, sizeof(path), "%s/%s", directory, name);
    (void)ag_file_read(path, 64 << 20, &text, NULL);
    ag_buf_add(&text, "", 0);
    return ag_buf_steal(&text);
}

/* How many names the directory of a spool holds that begin so. */
static inline size_t names_in(const char *directory, const char *beginning)
{
    size_t count = 0;
    ag_arena *arena = ag_arena_new(0);
    ag_vec names;
    ag_vec_init(&names, sizeof(const char *));
    if (ag_dir_list(directory, arena, &names, NULL) >= 0) {
        for (size_t i = 0; i < names.count; i++)
            count += ag_str_starts(ag_str_of(*(const char *const *)ag_vec_at(&names, i)), ag_str_of(beginning));
    }
    ag_vec_deinit(&names);
    ag_arena_free(arena);
    return count;
}
