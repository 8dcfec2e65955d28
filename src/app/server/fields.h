// SPDX-License-Identifier: Apache-2.0
#pragma once
/* fields.h: the header fields whose values have a grammar of their own. Pure functions over text. */
#include "core/base/arena.h"
#include "core/base/str.h"

typedef enum ag_range_kind { AG_RANGE_WHOLE, AG_RANGE_PART, AG_RANGE_OUTSIDE } ag_range_kind;
/* "bytes=0-99" of something of this size. Several ranges, other units and nonsense give the whole, as RFC 9110 allows.
 */
ag_range_kind ag_range_parse(ag_str value, uint64_t size, uint64_t *offset, uint64_t *count);

/* Accept-Encoding: may this coding be sent? */
bool ag_accepts_coding(ag_str value, const char *coding);
/* If-None-Match or If-Match: a list of quoted tags, or "*". */
bool ag_etag_matches(ag_str value, const char *etag, bool weakly);

void ag_http_date_format(int64_t instant, char out[32]); /* "Sat, 21 Nov 2026 01:09:49 GMT" */
bool ag_http_date_parse(ag_str value, int64_t *out);     /* that form only */

typedef enum ag_scheme { AG_SCHEME_NONE, AG_SCHEME_BASIC, AG_SCHEME_BEARER, AG_SCHEME_OTHER } ag_scheme;
/* Authorization. BASIC: name and secret; BEARER: secret. Text from the arena. OTHER also for what cannot be read. */
ag_scheme ag_authorization_parse(ag_str value, ag_arena *arena, ag_str *name, ag_str *secret);

/* Does "host" or "host:port" fit one of the patterns? '*' stands for anything; a pattern without a port fits any. */
bool ag_host_matches(ag_str host, const char *const *patterns);
/* This machine and private networks: what may be meant when nothing is configured. */
bool ag_host_is_near(ag_str host);
/* Is it "localhost", 127.x.x.x or ::1, with or without a port? */
bool ag_host_is_loopback(ag_str host);
/* "*" in a pattern stands for any bytes; ASCII letters of either case are equal. */
bool ag_pattern_matches(ag_str pattern, ag_str text);
