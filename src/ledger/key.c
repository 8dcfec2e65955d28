// SPDX-License-Identifier: Apache-2.0
/* key.c: which names metrics, parameters and tags may have. The rules and words are MLflow's, since its clients match
 * them; a key must also equal its own normalised path, because keys have been used as file names. */
#include "ledger/ledger.h"

static bool is_key_byte(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '/' ||
           c == '.' || c == '-' || c == ' ' || c == ':' ||
           c >= 0x80; /* letters of other alphabets are word characters */
}

static bool is_normal_path(ag_str key)
{
    ag_str rest = key, part;
    while (ag_str_next(&rest, '/', &part)) {
        if (part.size == 0 || ag_str_is(part, ".") || ag_str_is(part, "..")) return false;
    }
    return true;
}

int ag_key_check(ag_str key, const char *what, ag_err *err)
{
    if (key.size == 0) {
        return ag_fail(err, AG_EINVAL,
                       "Missing value for required parameter 'key'. See the API docs for more information "
                       "about request parameters.");
    }
    if (key.size > AG_MAX_KEY) {
        return ag_fail(err, AG_EINVAL, "%s key '%.60s...' had length %zu, which exceeded length limit of %d", what,
                       key.data, key.size, AG_MAX_KEY);
    }
    for (size_t i = 0; i < key.size; i++) {
        if (is_key_byte((unsigned char)key.data[i])) continue;
        return ag_fail(err, AG_EINVAL,
                       "Invalid %s name: '%.*s'. Names may only contain alphanumerics, underscores (_), dashes (-), "
                       "periods (.), spaces ( ), colon(:) and slashes (/).",
                       what, AG_STR_ARG(key));
    }
    if (!ag_utf8_valid(key)) return ag_fail(err, AG_EINVAL, "Invalid %s name: it is not valid UTF-8", what);
    if (!is_normal_path(key)) {
        return ag_fail(
            err, AG_EINVAL,
            "Invalid %s name: '%.*s'. Names may be treated as files in certain cases, and must not resolve to "
            "other names when treated as such.",
            what, AG_STR_ARG(key));
    }
    return AG_OK;
}
