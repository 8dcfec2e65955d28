// SPDX-License-Identifier: Apache-2.0
#pragma once
/* system.h: what is worth knowing about where a run ran: program, command line, host, machine, versions, git commit.
 * Read from the system and from .git; no program is started. */
#include "ledger/ledger.h"

typedef struct ag_system_options {
    int argc; /* 0: command line not said */
    const char *const *argv;
    const char *directory; /* where to look for .git, upwards; NULL: the working directory */
    const char *entry;     /* "train": what of Auger ran; NULL: argv[0] */
} ag_system_options;

/* Tags for a run, MLflow's where it has them (mlflow.user, mlflow.source.name, mlflow.source.type,
 * mlflow.source.git.commit, .branch, .repoURL), else "auger.": version, command, host, system, cpu, cores, memory.
 * What cannot be found out is left out. Secrets in the command line (--password X, token=...) and in the repository's
 * address are replaced by "***". */
int ag_system_tags(const ag_system_options *options, ag_arena *arena, ag_pairs *out, ag_err *err);
/* The note of a run or experiment is the tag mlflow.note.content. */
extern const char ag_note_tag[];
