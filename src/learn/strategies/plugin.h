// SPDX-License-Identifier: Apache-2.0
#pragma once
/* plugin.h: shared objects that are strategies (include/auger/plugin.h), opened, checked, and run as the strategy
 * "plugin". Nothing is opened that a user did not name. */
#include <stdbool.h>

#include "auger/plugin.h"
#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/doc/describe.h"
#include "core/hash/hash.h"
#include "learn/drilling/answerer.h"
#include "learn/strategy.h"

#define AG_PLUGIN_SEARCH "AUGER_PLUGIN_PATH" /* a variable: directories of plug-ins */

typedef struct ag_plugin {
    void *object;
    const char *path;  /* absolute */
    auger_plugin face; /* a copy: slots that its maker did not know are NULL */
    ag_sha256 digest;  /* of the object */
    ag_description *keys;
} ag_plugin;

/* True for a strategy that is a path: it has a '/' or ends in ".so". */
bool ag_plugin_is_path(const char *strategy);
/* `name` is a path, or the name of an object in one of the directories of `search` (separated by ':'; NULL: none):
 * libNAME.so or NAME.so. *out is NULL when nothing is there by this name. From the arena. */
int ag_plugin_find(const char *name, const char *search, ag_arena *arena, const char **out, ag_err *err);

/* Its texts lie in the arena. AG_EUNSUPPORTED: another ABI; AG_EINVAL: no plug-in, or not a complete one. */
int ag_plugin_open(const char *path, ag_arena *arena, ag_plugin *out, ag_err *err);
void ag_plugin_close(ag_plugin *plugin); /* safe on zeroed memory */

/* Whether the object that the user names answers for holes. */
int ag_plugin_predicts(const char *name, bool *out, ag_err *err);
/* A model of a plug-in as one who answers for holes (plugin_predict.c): by the object that the user names, a path or a
 * name as above. The plug-in is asked by one thread at a time. */
int ag_plugin_answerer(const char *name, const char *model_dir, ag_answerer *out, ag_err *err);

/* The strategy that runs the plug-in that settings->strategy names. It stands in no list. */
extern const ag_strategy ag_strategy_plugin;
