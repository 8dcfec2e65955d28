// SPDX-License-Identifier: Apache-2.0
/* artifact_location.c: where a client may say that an experiment's artifacts lie. Decoded once, by the URI parser; a
 * location that would lead out of itself, or that only the client could read as something else, is refused. */
#include "core/io/uri.h"
#include "ledger/ledger_private.h"

enum { MAX_LOCATION = 2048 };

static bool leads_out(ag_str path)
{
    ag_str rest = path, part;
    while (ag_str_next(&rest, '/', &part)) {
        if (ag_str_is(part, "..")) return true;
    }
    return ag_str_find_char(path, '\\', 0) != SIZE_MAX;
}

static bool has_scheme(ag_str location)
{
    size_t colon = ag_str_find_char(location, ':', 0), slash = ag_str_find_char(location, '/', 0);
    return colon != SIZE_MAX && (slash == SIZE_MAX || colon < slash);
}

int ag_artifact_location_check(ag_str location, ag_err *err)
{
    static const char *const schemes[] = {"file", "s3", "http", "https", "mlflow-artifacts", NULL};
    if (location.size == 0) return AG_OK;
    if (location.size > MAX_LOCATION) {
        return ag_fail(err, AG_EINVAL, "'artifact_location' exceeds the maximum length of %d characters", MAX_LOCATION);
    }
    if (!has_scheme(location)) {
        bool text = ag_utf8_valid(location) && ag_str_find_char(location, '\0', 0) == SIZE_MAX;
        if (text && !leads_out(location) && ag_str_find_char(location, '#', 0) == SIZE_MAX &&
            ag_str_find_char(location, '?', 0) == SIZE_MAX) {
            return AG_OK;
        }
        return ag_fail(err, AG_EINVAL, "Invalid artifact location: '%.*s'", AG_STR_ARG(location));
    }
    ag_arena *arena = ag_arena_new(0);
    if (!arena) return ag_fail_memory(err, 1);
    ag_uri uri;
    int rc = ag_uri_parse(arena, location, schemes, &uri, err);
    if (rc == AG_ENOMEM) {
        /* said already */
    } else if (rc < 0) {
        ag_err_prefix(err, "Invalid artifact location");
        rc = AG_EINVAL;
        if (err) err->code = AG_EINVAL;
    } else if (ag_str_is(uri.scheme, "runs") || uri.fragment.data || uri.query_count || leads_out(uri.path)) {
        rc = ag_fail(err, AG_EINVAL, "Invalid artifact location: '%.*s'. It must not hold '..', a query or a fragment",
                     AG_STR_ARG(location));
    }
    ag_arena_free(arena);
    return rc;
}
