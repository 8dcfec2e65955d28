// SPDX-License-Identifier: Apache-2.0
#pragma once
/* s3_xml.h: the little XML that S3 answers with. Elements and text; attributes are skipped; DOCTYPE is refused. */
#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/base/str.h"
#include "core/base/vec.h"

typedef enum s3_xml_kind { S3_XML_END_OF_TEXT, S3_XML_OPEN, S3_XML_CLOSE } s3_xml_kind;

typedef struct s3_xml {
    ag_str rest;
    ag_str pending; /* the name of <name/> whose close is still to be told */
    unsigned depth;
} s3_xml;

/* The next tag; `name` without a namespace prefix; `text` is the raw text before it. */
int s3_xml_next(s3_xml *xml, s3_xml_kind *kind, ag_str *name, ag_str *text, ag_err *err);
/* Raw text with its entities and CDATA resolved, from the arena. */
int s3_xml_text(ag_arena *arena, ag_str raw, ag_str *out, ag_err *err);

typedef struct s3_entry {
    const char *key;
    uint64_t size;
    int64_t modified;      /* microseconds since 1970, 0 when not told */
    bool is_prefix;        /* of ListObjectsV2 with a delimiter */
    const char *upload_id; /* of ListMultipartUploads */
} s3_entry;

typedef struct s3_listing {
    ag_vec entries;                                 /* of s3_entry, text in the arena */
    const char *token, *key_marker, *upload_marker; /* where the next page goes on; NULL when not told */
    bool truncated;
} s3_listing;

/* Either kind of listing; the entries are appended. `listing->entries` must be initialised. */
int s3_xml_listing(ag_arena *arena, ag_str text, s3_listing *listing, ag_err *err);
/* The text of the first element of that name; data NULL when there is none or the text is no XML. */
ag_str s3_xml_find(ag_arena *arena, ag_str text, const char *name);
