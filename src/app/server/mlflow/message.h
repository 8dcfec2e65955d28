// SPDX-License-Identifier: Apache-2.0
#pragma once
/* message.h: what MLflow's clients send, by tables. A request is a struct and an ag_description of it; from that table
 * come the checks, with the words that MLflow's own server uses and its clients match, the schema in /openapi.json and
 * docs/api.md. A field that is not in the table is ignored, as protocol buffers do. */
#include "app/server/request.h"
#include "core/doc/describe.h"
#include "ledger/ledger.h"

/* Rows of a table; `s` is the struct, `m` its member and the name on the wire. */
#define AG_TEXT_FIELD(s, m, words) {.name = #m, .type = AG_FIELD_TEXT, .offset = offsetof(s, m), .doc = (words)}
#define AG_TEXT_NEEDED(s, m, words)                                                                                    \
    {.name = #m, .type = AG_FIELD_TEXT, .offset = offsetof(s, m), .required = true, .doc = (words)}
#define AG_INT_FIELD(s, m, words) {.name = #m, .type = AG_FIELD_INT, .offset = offsetof(s, m), .doc = (words)}
#define AG_INT_NEEDED(s, m, words)                                                                                     \
    {.name = #m, .type = AG_FIELD_INT, .offset = offsetof(s, m), .required = true, .doc = (words)}
#define AG_BOOL_FIELD(s, m, words) {.name = #m, .type = AG_FIELD_BOOL, .offset = offsetof(s, m), .doc = (words)}
#define AG_ONE_OF(s, m, list, words)                                                                                   \
    {.name = #m, .type = AG_FIELD_TEXT, .offset = offsetof(s, m), .choices = (list), .doc = (words)}
#define AG_TEXTS_FIELD(s, m, words)                                                                                    \
    {.name = #m, .type = AG_FIELD_LIST, .item = AG_FIELD_TEXT, .offset = offsetof(s, m), .doc = (words)}
#define AG_LIST_FIELD(s, m, of, words)                                                                                 \
    {.name = #m,                                                                                                       \
     .type = AG_FIELD_LIST,                                                                                            \
     .item = AG_FIELD_STRUCT,                                                                                          \
     .inner = (of),                                                                                                    \
     .offset = offsetof(s, m),                                                                                         \
     .doc = (words)}
/* The size of a page: the default is the ledger's. */
#define AG_PAGE_SIZE(s, m, most)                                                                                       \
    {.name = #m,                                                                                                       \
     .type = AG_FIELD_INT,                                                                                             \
     .offset = offsetof(s, m),                                                                                         \
     .min = 0,                                                                                                         \
     .max = (most),                                                                                                    \
     .doc = "The most items that the answer holds."}
#define AG_PAGE_TOKEN(s) AG_TEXT_FIELD(s, page_token, "The next_page_token of the page before.")
#define AG_ORDER_BY(s) AG_TEXTS_FIELD(s, order_by, "What to sort by, each with ASC or DESC behind it.")
#define AG_FILTER(s) AG_TEXT_FIELD(s, filter, "A filter in the search language.")
#define AG_RUN_ID(s)                                                                                                   \
    {.name = "run_id",                                                                                                 \
     .alias = "run_uuid",                                                                                              \
     .type = AG_FIELD_TEXT,                                                                                            \
     .offset = offsetof(s, run_id),                                                                                    \
     .required = true,                                                                                                 \
     .doc = "The run."}
/* A description named after its struct. */
#define AG_MESSAGE(s, words)                                                                                           \
    {.name = #s,                                                                                                       \
     .doc = (words),                                                                                                   \
     .size = sizeof(s),                                                                                                \
     .fields = s##_fields,                                                                                             \
     .count = sizeof(s##_fields) / sizeof(ag_field)}

/* Fills `into` from the captures of the path, and the JSON body or, when there can be none, the query. Texts and lists
 * live in the request's arena; an absent text is NULL. AG_EINVAL in MLflow's words. */
int ag_message_read(const ag_request *request, const ag_description *description, void *into, ag_err *err);

/* ---- pieces that several messages share ---- */

typedef struct ag_message_pair { /* a tag or parameter */
    const char *key, *value;
} ag_message_pair;
extern const ag_description ag_message_pair_description;
extern const char *const ag_message_views[]; /* ACTIVE_ONLY, DELETED_ONLY, ALL */

/* Of a list of ag_message_pair, values cut at `longest` characters (0: not). */
int ag_message_pairs(ag_arena *arena, ag_list list, size_t longest, ag_pairs *out, ag_err *err);
/* Of a list of texts. */
int ag_message_texts(ag_arena *arena, ag_list list, ag_str **out, ag_err *err);
ag_view ag_message_view(const char *name); /* NULL: active */
/* max_results was given as 0 or less, which a page cannot have. */
int ag_message_page(const ag_request *request, int64_t max_results, ag_err *err);
/* "Parameter 'version' must be an integer, got 'X'." */
int ag_message_number(const char *name, const char *text, int64_t *out, ag_err *err);
/* Milliseconds of the wire as the ledger's microseconds. */
int ag_message_time(const char *name, int64_t milliseconds, int64_t *out, ag_err *err);
/* The text, never NULL data. */
ag_str ag_message_str(const char *text);
