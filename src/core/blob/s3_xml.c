// SPDX-License-Identifier: Apache-2.0
/* s3_xml.c: a pull reader of tags, and the two listings. No library: what S3 sends is a dozen element names, and a
 * parser without entities of its own making, without DTD and without recursion cannot be made to explode. Threads: no
 * state. */
#include "core/blob/s3_xml.h"

#include <string.h>

#include "core/base/buf.h"
#include "core/sys/clock.h"

#define DEPTH_MAX 32

static int broken(ag_err *err)
{
    return ag_fail(err, AG_EPARSE, "the S3 server's answer is no XML that can be understood");
}

static void advance(s3_xml *xml, size_t by)
{
    xml->rest = ag_str_slice(xml->rest, by, SIZE_MAX);
}

/* Where something that is no tag and begins at `at` ends: behind a comment, a CDATA part or <?...?>; `at` for a tag;
 * SIZE_MAX when it never ends. */
static size_t skip_markup(ag_str rest, size_t at)
{
    static const struct {
        ag_str begin, end;
    } kinds[] = {{{"<!--", 4}, {"-->", 3}}, {{"<![CDATA[", 9}, {"]]>", 3}}, {{"<?", 2}, {"?>", 2}}};
    for (size_t i = 0; i < 3; i++) {
        if (!ag_str_starts(ag_str_slice(rest, at, kinds[i].begin.size), kinds[i].begin)) continue;
        size_t end = ag_str_find(rest, kinds[i].end, at + kinds[i].begin.size);
        return end == SIZE_MAX ? SIZE_MAX : end + kinds[i].end.size;
    }
    return at;
}

static ag_str local_name(ag_str tag)
{
    size_t end = 0;
    while (end < tag.size && !strchr(" \t\r\n/", tag.data[end])) end++;
    tag.size = end;
    size_t colon = ag_str_find_char(tag, ':', 0);
    return colon == SIZE_MAX ? tag : ag_str_slice(tag, colon + 1, SIZE_MAX);
}

/* The end of a tag, outside of quotes. */
static size_t tag_end(ag_str rest, size_t at)
{
    char quote = 0;
    for (; at < rest.size; at++) {
        char c = rest.data[at];
        if (quote)
            quote = c == quote ? 0 : quote;
        else if (c == '"' || c == '\'')
            quote = c;
        else if (c == '>')
            return at;
    }
    return SIZE_MAX;
}

static int open_or_close(s3_xml *xml, ag_str tag, s3_xml_kind *kind, ag_str *name, ag_err *err)
{
    if (tag.size && tag.data[0] == '/') {
        if (xml->depth == 0) return broken(err);
        xml->depth--;
        *kind = S3_XML_CLOSE;
        *name = local_name(ag_str_slice(tag, 1, SIZE_MAX));
        return name->size ? 0 : broken(err);
    }
    *kind = S3_XML_OPEN;
    *name = local_name(tag);
    if (name->size == 0 || name->data[0] == '!' || ++xml->depth > DEPTH_MAX) return broken(err);
    if (tag.data[tag.size - 1] == '/') xml->pending = *name;
    return 0;
}

int s3_xml_next(s3_xml *xml, s3_xml_kind *kind, ag_str *name, ag_str *text, ag_err *err)
{
    *text = (ag_str){"", 0};
    if (xml->pending.size) {
        *kind = S3_XML_CLOSE;
        *name = xml->pending;
        xml->pending = (ag_str){NULL, 0};
        xml->depth--;
        return 0;
    }
    size_t at = 0;
    for (;;) {
        at = ag_str_find_char(xml->rest, '<', at);
        if (at == SIZE_MAX) {
            if (xml->depth) return broken(err);
            *kind = S3_XML_END_OF_TEXT;
            return 0;
        }
        size_t behind = skip_markup(xml->rest, at);
        if (behind == SIZE_MAX) return broken(err);
        if (behind == at) break;
        at = behind;
    }
    size_t end = tag_end(xml->rest, at);
    if (end == SIZE_MAX) return broken(err);
    *text = ag_str_slice(xml->rest, 0, at);
    ag_str tag = ag_str_slice(xml->rest, at + 1, end - at - 1);
    advance(xml, end + 1);
    return open_or_close(xml, tag, kind, name, err);
}

static bool add_code_point(ag_buf *out, uint64_t c)
{
    if (c == 0 || c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) return false;
    if (c < 0x80) {
        ag_buf_add_char(out, (char)c);
    } else if (c < 0x800) {
        ag_buf_add_char(out, (char)(0xc0 | c >> 6));
        ag_buf_add_char(out, (char)(0x80 | (c & 0x3f)));
    } else if (c < 0x10000) {
        ag_buf_add_char(out, (char)(0xe0 | c >> 12));
        ag_buf_add_char(out, (char)(0x80 | (c >> 6 & 0x3f)));
        ag_buf_add_char(out, (char)(0x80 | (c & 0x3f)));
    } else {
        ag_buf_add_char(out, (char)(0xf0 | c >> 18));
        ag_buf_add_char(out, (char)(0x80 | (c >> 12 & 0x3f)));
        ag_buf_add_char(out, (char)(0x80 | (c >> 6 & 0x3f)));
        ag_buf_add_char(out, (char)(0x80 | (c & 0x3f)));
    }
    return true;
}

static bool parse_number(ag_str digits, uint64_t *out)
{
    if (digits.size < 2 || digits.data[0] != 'x') return ag_str_to_uint(digits, out);
    uint64_t value = 0;
    for (size_t i = 1; i < digits.size; i++) {
        char c = digits.data[i];
        int digit = c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
        if (digit < 0 || value > 0xfffffff) return false;
        value = value * 16 + (uint64_t)digit;
    }
    *out = value;
    return true;
}

static bool add_entity(ag_buf *out, ag_str name)
{
    static const struct {
        const char *name;
        char c;
    } known[] = {{"lt", '<'}, {"gt", '>'}, {"amp", '&'}, {"quot", '"'}, {"apos", '\''}};
    for (size_t i = 0; i < 5; i++) {
        if (!ag_str_is(name, known[i].name)) continue;
        ag_buf_add_char(out, known[i].c);
        return true;
    }
    uint64_t number;
    return name.size > 1 && name.data[0] == '#' && parse_number(ag_str_slice(name, 1, SIZE_MAX), &number) &&
           add_code_point(out, number);
}

static int resolve(ag_str raw, ag_buf *out, ag_err *err)
{
    for (size_t at = 0; at < raw.size;) {
        char c = raw.data[at];
        if (c == '&') {
            size_t end = ag_str_find_char(raw, ';', at);
            if (end == SIZE_MAX || end - at > 12 || !add_entity(out, ag_str_slice(raw, at + 1, end - at - 1)))
                return broken(err);
            at = end + 1;
        } else if (c == '<') {
            size_t end = skip_markup(raw, at);
            if (end == SIZE_MAX || end == at) return broken(err);
            ag_str part = ag_str_slice(raw, at, end - at);
            if (ag_str_starts(part, AG_STR("<![CDATA["))) ag_buf_add_str(out, ag_str_slice(part, 9, part.size - 12));
            at = end;
        } else {
            ag_buf_add_char(out, c);
            at++;
        }
    }
    return ag_buf_check(out, "an S3 answer", err);
}

int s3_xml_text(ag_arena *arena, ag_str raw, ag_str *out, ag_err *err)
{
    ag_buf buf;
    ag_buf_init(&buf, (size_t)1 << 20);
    int rc = resolve(raw, &buf, err);
    if (rc >= 0 && buf.data && memchr(buf.data, 0, buf.size)) rc = broken(err);
    if (rc >= 0) {
        out->size = buf.size;
        out->data = ag_arena_strndup(arena, buf.data ? buf.data : "", buf.size);
        if (!out->data) rc = ag_fail_memory(err, buf.size);
    }
    ag_buf_deinit(&buf);
    return rc;
}

/* One element with text inside an entry. */
static int entry_field(s3_entry *entry, ag_str name, ag_str text, ag_err *err)
{
    if (ag_str_is(name, "Key") || (entry->is_prefix && ag_str_is(name, "Prefix")))
        entry->key = text.data;
    else if (ag_str_is(name, "UploadId"))
        entry->upload_id = text.data;
    else if (ag_str_is(name, "Size"))
        return ag_str_to_uint(text, &entry->size) ? 0 : broken(err);
    else if (ag_str_is(name, "LastModified") || ag_str_is(name, "Initiated"))
        return ag_instant_parse(text, &entry->modified, err);
    return 0;
}

static void listing_field(s3_listing *listing, ag_str name, ag_str text)
{
    if (ag_str_is(name, "IsTruncated"))
        listing->truncated = ag_str_is(text, "true");
    else if (ag_str_is(name, "NextContinuationToken"))
        listing->token = text.data;
    else if (ag_str_is(name, "NextKeyMarker"))
        listing->key_marker = text.data;
    else if (ag_str_is(name, "NextUploadIdMarker"))
        listing->upload_marker = text.data;
}

static bool is_entry(ag_str name)
{
    return ag_str_is(name, "Contents") || ag_str_is(name, "CommonPrefixes") || ag_str_is(name, "Upload");
}

int s3_xml_listing(ag_arena *arena, ag_str text, s3_listing *listing, ag_err *err)
{
    s3_xml xml = {.rest = text};
    s3_entry entry = {0};
    bool inside = false, rooted = false;
    for (;;) {
        s3_xml_kind kind;
        ag_str name, raw, value;
        int rc = s3_xml_next(&xml, &kind, &name, &raw, err);
        if (rc < 0) return rc;
        if (kind == S3_XML_END_OF_TEXT) return rooted ? 0 : broken(err);
        if (kind == S3_XML_OPEN) {
            rooted = rooted || ag_str_starts(name, AG_STR("List"));
            if (!is_entry(name) || xml.depth != 2) continue;
            entry = (s3_entry){.is_prefix = ag_str_is(name, "CommonPrefixes")};
            inside = true;
        } else if (inside && xml.depth == 1) {
            inside = false;
            if (!entry.key) return broken(err);
            if ((rc = ag_vec_push(&listing->entries, &entry, err)) < 0) return rc;
        } else if (xml.depth == (inside ? 2u : 1u)) {
            if ((rc = s3_xml_text(arena, raw, &value, err)) < 0) return rc;
            if (!inside)
                listing_field(listing, name, value);
            else if ((rc = entry_field(&entry, name, value, err)) < 0)
                return rc;
        }
    }
}

ag_str s3_xml_find(ag_arena *arena, ag_str text, const char *name)
{
    s3_xml xml = {.rest = text};
    s3_xml_kind kind;
    ag_str found, raw, value;
    while (s3_xml_next(&xml, &kind, &found, &raw, NULL) >= 0 && kind != S3_XML_END_OF_TEXT) {
        if (kind == S3_XML_CLOSE && ag_str_is(found, name) && s3_xml_text(arena, raw, &value, NULL) >= 0) return value;
    }
    return (ag_str){NULL, 0};
}
