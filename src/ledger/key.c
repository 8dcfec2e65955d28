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

/* What the protocol calls the field that holds such a key. */
static const char *parameter_of(const char *what)
{
    if (strcmp(what, "metric") == 0) return "name";
    return strcmp(what, "param") == 0 || strcmp(what, "tag") == 0 ? "key" : what;
}

int ag_key_check(ag_str key, const char *what, ag_err *err)
{
    const char *parameter = parameter_of(what);
    if (key.size == 0) {
        return ag_fail(err, AG_EINVAL,
                       "Missing value for required parameter 'key'. See the API docs for more information "
                       "about request parameters.");
    }
    if (ag_utf8_count(key) > AG_MAX_KEY) {
        return ag_fail(err, AG_EINVAL, "'%s' exceeds the maximum length of %d characters", parameter, AG_MAX_KEY);
    }
    for (size_t i = 0; i < key.size; i++) {
        if (is_key_byte((unsigned char)key.data[i])) continue;
        return ag_fail(err, AG_EINVAL,
                       "Invalid value \"%.*s\" for parameter '%s' supplied: Names may only contain alphanumerics, "
                       "underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and slashes (/).",
                       AG_STR_ARG(key), parameter);
    }
    if (!ag_utf8_valid(key))
        return ag_fail(err, AG_EINVAL, "Invalid value for parameter '%s' supplied: it is not valid UTF-8", parameter);
    if (!is_normal_path(key)) {
        return ag_fail(
            err, AG_EINVAL,
            "Invalid value \"%.*s\" for parameter '%s' supplied: Names may be treated as files in certain cases, and "
            "must not resolve to other names when treated as such.",
            AG_STR_ARG(key), parameter);
    }
    return AG_OK;
}
