// SPDX-License-Identifier: Apache-2.0
#pragma once
/* files.h: artifacts on their way out: listings and contents. Private to the room. */
#include "app/server/route.h"
#include "ledger/artifact.h"

/* A listing's members, "files": [...]. Paths are `prefix`/name when `prefix` is not NULL, else the name alone. What is
 * not there, and a file, has none. */
int ag_files_list(ag_request *request, const ag_artifact_place *place, const char *prefix, ag_json *json, ag_err *err);
/* The bytes of a file, as an attachment. */
/* After a call on a tree failed: its text names where the tree lies, which is nobody's business outside. Gives a text
 * with the path inside of the tree only, and the code. */
int ag_files_refuse(const ag_artifact_place *place, int rc, ag_err *err);
int ag_files_send(ag_request *request, const ag_artifact_place *place, ag_response *response, ag_err *err);
