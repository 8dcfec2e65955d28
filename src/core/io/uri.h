// SPDX-License-Identifier: Apache-2.0
#pragma once
/* uri.h: RFC 3986 addresses. Parts are decoded once, here, and never again; what decodes to a NUL byte or to a bad
 * escape is refused. A scheme that the caller did not list is refused by name. */
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/str.h"

typedef struct ag_uri_pair {
    ag_str name;
    ag_str value;
} ag_uri_pair;

typedef struct ag_uri {
    ag_str scheme;      /* lower case */
    ag_str user;        /* decoded; data NULL when absent */
    ag_str password;    /* decoded; data NULL when absent */
    ag_str host;        /* decoded, lower case, without the brackets of an IPv6 address; data NULL without authority */
    uint16_t port;      /* 0 when absent */
    ag_str path;        /* decoded; a decoded '/' inside a part is refused, so splitting at '/' is safe */
    ag_uri_pair *query; /* decoded, in order; '+' is a blank */
    size_t query_count;
    ag_str fragment; /* decoded; data NULL when absent */
} ag_uri;

/* `schemes`: the allowed ones, ended by NULL; NULL allows any. Text from the arena. */
int ag_uri_parse(ag_arena *arena, ag_str text, const char *const *schemes, ag_uri *out, ag_err *err);
/* The value of a query name, data NULL when absent. */
ag_str ag_uri_query(const ag_uri *uri, const char *name);
/* The text with a password replaced by "***", for messages. */
int ag_uri_show(const ag_uri *uri, ag_buf *out);

/* Adds `text` percent-encoded except for unreserved characters and those in `keep`. */
int ag_percent_encode(ag_buf *out, ag_str text, const char *keep);
/* Decodes exactly once; '+' stays unless `plus_is_blank`. Refuses bad escapes and NUL. */
int ag_percent_decode(ag_buf *out, ag_str text, bool plus_is_blank, ag_err *err);
