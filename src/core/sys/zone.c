// SPDX-License-Identifier: Apache-2.0
/* zone.c: time zones from the system's TZif files (RFC 9636, versions 1 to 4). Read once into plain arrays and never
 * changed, so any thread may use a zone. The parser trusts nothing: every count is checked against the bytes that are
 * there before it is used. Files that count leap seconds ("right/...") are refused, since our instants do not.
 * Abbreviations are not kept. Names never leave the system's folder: see ag_zone_name_valid(). */
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/io/file.h"
#include "core/sys/zone_data.h"

#define HEADER_SIZE 44
#define MAX_FILE ((size_t)1 << 20)
#define MAX_OFFSET 93600 /* seconds; RFC 9636 asks for less than 26 hours */

typedef struct block {
    uint32_t ut_count, std_count, leap_count, time_count, type_count, char_count;
    size_t time_size; /* 4 or 8 */
    const uint8_t *data;
    size_t size;
} block;

static uint32_t read_u32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static int64_t read_time(const uint8_t *at, size_t size)
{
    if (size == 4) return (int32_t)read_u32(at);
    return (int64_t)((uint64_t)read_u32(at) << 32 | read_u32(at + 4));
}

/* The header at `bytes` and where its data lies. Counts are below 2^32 and sizes are 64 bits, so the sum cannot wrap.
 */
static int read_block(const uint8_t *bytes, size_t size, size_t time_size, block *out, ag_err *err)
{
    if (size < HEADER_SIZE || memcmp(bytes, "TZif", 4) != 0)
        return ag_fail(err, AG_EPARSE, "not a time zone file (no TZif header)");
    block head = {.ut_count = read_u32(bytes + 20),
                  .std_count = read_u32(bytes + 24),
                  .leap_count = read_u32(bytes + 28),
                  .time_count = read_u32(bytes + 32),
                  .type_count = read_u32(bytes + 36),
                  .char_count = read_u32(bytes + 40),
                  .time_size = time_size,
                  .data = bytes + HEADER_SIZE};
    uint64_t wanted = (uint64_t)head.time_count * (time_size + 1) + (uint64_t)head.type_count * 6 + head.char_count +
                      (uint64_t)head.leap_count * (time_size + 4) + head.std_count + head.ut_count;
    if (wanted > size - HEADER_SIZE) return ag_fail(err, AG_EPARSE, "the time zone file is cut short");
    if (head.type_count == 0 || head.type_count > 256)
        return ag_fail(err, AG_EPARSE, "the time zone file has %u local time types, not 1 to 256", head.type_count);
    if (head.leap_count > 0)
        return ag_fail(err, AG_EUNSUPPORTED, "time zones that count leap seconds are not supported");
    head.size = (size_t)wanted;
    *out = head;
    return AG_OK;
}

static int read_offset(const block *in, size_t type, int32_t *out, ag_err *err)
{
    const uint8_t *types = in->data + (size_t)in->time_count * (in->time_size + 1);
    int64_t offset = (int32_t)read_u32(types + type * 6);
    if (offset < -MAX_OFFSET || offset > MAX_OFFSET)
        return ag_fail(err, AG_EPARSE, "the time zone file has an offset of %lld seconds", (long long)offset);
    *out = (int32_t)offset;
    return AG_OK;
}

static int read_transitions(const block *in, ag_zone *zone, ag_err *err)
{
    const uint8_t *types = in->data + (size_t)in->time_count * in->time_size;
    int rc = read_offset(in, 0, &zone->before, err);
    for (size_t i = 0; rc == AG_OK && i < in->time_count; i++) {
        zone->at[i] = read_time(in->data + i * in->time_size, in->time_size);
        if (i > 0 && zone->at[i] <= zone->at[i - 1])
            return ag_fail(err, AG_EPARSE, "the time zone file is not in order at transition %zu", i + 1);
        if (types[i] >= in->type_count)
            return ag_fail(err, AG_EPARSE, "transition %zu names a local time type that is not there", i + 1);
        rc = read_offset(in, types[i], &zone->offset[i], err);
    }
    return rc;
}

/* "\nRULE\n" behind the 64-bit data; an empty rule says nothing about the time after the last transition. */
static int read_footer(const uint8_t *bytes, size_t size, ag_zone_rule *out, ag_err *err)
{
    const uint8_t *end = size > 1 && bytes[0] == '\n' ? memchr(bytes + 1, '\n', size - 1) : NULL;
    if (!end) return ag_fail(err, AG_EPARSE, "the time zone file has no footer");
    ag_str rule = {(const char *)bytes + 1, (size_t)(end - bytes) - 1};
    return rule.size == 0 ? AG_OK : ag_zone_rule_parse(rule, out, err);
}

static int zone_new(size_t count, ag_zone **out, ag_err *err)
{
    ag_zone *zone = ag_calloc(1, sizeof(*zone));
    if (!zone) return ag_fail_memory(err, sizeof(*zone));
    zone->count = count;
    zone->at = ag_calloc(count, sizeof(*zone->at));
    zone->offset = ag_calloc(count, sizeof(*zone->offset));
    if (!zone->at || !zone->offset) {
        ag_zone_free(zone);
        return ag_fail_memory(err, count * sizeof(*zone->at));
    }
    *out = zone;
    return AG_OK;
}

int ag_zone_parse(const void *bytes, size_t size, ag_zone **out, ag_err *err)
{
    const uint8_t *at = bytes;
    block in = {0};
    ag_zone_rule rule = {0};
    int rc = read_block(at, size, 4, &in, err);
    if (rc < 0) return rc;
    if (at[4] >= '2') { /* the same again with 64-bit times, then the rule */
        size_t first = HEADER_SIZE + in.size;
        if ((rc = read_block(at + first, size - first, 8, &in, err)) < 0) return rc;
        size_t footer = first + HEADER_SIZE + in.size;
        if ((rc = read_footer(at + footer, size - footer, &rule, err)) < 0) return rc;
    }
    ag_zone *zone = NULL;
    if ((rc = zone_new(in.time_count, &zone, err)) < 0) return rc;
    zone->rule = rule;
    if ((rc = read_transitions(&in, zone, err)) < 0) {
        ag_zone_free(zone);
        return rc;
    }
    *out = zone;
    return AG_OK;
}

void ag_zone_free(ag_zone *zone)
{
    if (!zone) return;
    ag_free(zone->at);
    ag_free(zone->offset);
    ag_free(zone);
}

bool ag_zone_name_valid(const char *name)
{
    size_t size = strnlen(name, 129);
    if (size == 0 || size > 128 || name[0] == '/' || name[size - 1] == '/' || strstr(name, "//")) return false;
    return strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+/") == size;
}

static int open_file(const char *path, ag_zone **out, ag_err *err)
{
    ag_buf bytes;
    ag_buf_init(&bytes, MAX_FILE);
    int rc = ag_file_read(path, MAX_FILE, &bytes, err);
    if (rc >= 0 && (rc = ag_zone_parse(bytes.data, bytes.size, out, err)) < 0) ag_err_prefix(err, "%s", path);
    ag_buf_deinit(&bytes);
    return rc;
}

static int open_named(const char *name, ag_zone **out, ag_err *err)
{
    if (!ag_zone_name_valid(name)) {
        ag_fail(err, AG_EINVAL, "'%.60s' is not the name of a time zone", name);
        return err ? ag_err_hint(err, "names look like Europe/Berlin or UTC") : AG_EINVAL;
    }
    const char *folder = getenv("TZDIR");
    char path[4096];
    if (!ag_format(path, sizeof(path), "%s/%s", folder && folder[0] == '/' ? folder : "/usr/share/zoneinfo", name))
        return ag_fail(err, AG_ELIMIT, "$TZDIR is too long");
    int rc = open_file(path, out, err);
    if (rc != AG_ENOTFOUND) return rc;
    ag_fail(err, AG_ENOTFOUND, "there is no time zone '%s'", name);
    return err ? ag_err_hint(err, "names look like Europe/Berlin; they come with the package tzdata") : AG_ENOTFOUND;
}

static int open_rule(const char *text, ag_zone **out, ag_err *err)
{
    ag_zone_rule rule;
    int rc = ag_zone_rule_parse(ag_str_of(text), &rule, err);
    if (rc < 0) return rc;
    if ((rc = zone_new(0, out, err)) == AG_OK) (*out)->rule = rule;
    return rc;
}

/* $TZ as POSIX describes it (a rule, or with or without ':' a name or a path), else the system's setting. Only here may
 * a path be given: the environment is the user's own. */
static int open_local(ag_zone **out, ag_err *err)
{
    const char *setting = getenv("TZ");
    if (!setting) {
        if (!ag_file_exists("/etc/localtime")) return open_rule("UTC0", out, err);
        return open_file("/etc/localtime", out, err);
    }
    if (setting[0] == ':') setting++;
    if (setting[0] == '\0') return open_rule("UTC0", out, err);
    if (setting[0] == '/') return open_file(setting, out, err);
    if (open_rule(setting, out, err) == AG_OK) return AG_OK;
    int rc = open_named(setting, out, err);
    if (rc < 0 && err) ag_err_prefix(err, "$TZ");
    return rc;
}

int ag_zone_open(const char *name, ag_zone **out, ag_err *err)
{
    if (strcmp(name, "local") == 0) return open_local(out, err);
    if (strcmp(name, "UTC") == 0) return open_rule("UTC0", out, err); /* also on a system without tzdata */
    return open_named(name, out, err);
}

int32_t ag_zone_offset(const ag_zone *zone, int64_t seconds)
{
    if (zone->count == 0 || seconds >= zone->at[zone->count - 1]) {
        if (zone->rule.present) return ag_zone_rule_offset(&zone->rule, seconds);
        return zone->count == 0 ? zone->before : zone->offset[zone->count - 1];
    }
    size_t low = 0, high = zone->count; /* the first transition after `seconds` lies in [low, high] */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (zone->at[middle] <= seconds)
            low = middle + 1;
        else
            high = middle;
    }
    return low == 0 ? zone->before : zone->offset[low - 1];
}

static int64_t add_seconds(int64_t instant, int64_t seconds)
{
    int64_t sum;
    if (__builtin_add_overflow(instant, seconds * AG_SECOND, &sum)) return seconds < 0 ? INT64_MIN : INT64_MAX;
    return sum;
}

static int64_t whole_seconds(int64_t instant)
{
    return instant / AG_SECOND - (instant % AG_SECOND < 0);
}

/* Old local mean times are not whole minutes: the date is exact, offset_minutes is cut towards zero. */
ag_date ag_zone_date(const ag_zone *zone, int64_t instant)
{
    int32_t offset = ag_zone_offset(zone, whole_seconds(instant));
    ag_date date = ag_date_utc(add_seconds(instant, offset));
    date.offset_minutes = offset / 60;
    return date;
}

/* The offsets in force a day or so before and after are the candidates, with the one between them should two changes
 * lie within that time. Tried earlier first, so that in an overlap the first passage is found; when none fits the time
 * lies in a gap, and the offset before it gives the time as far behind the gap as it stands inside. */
int64_t ag_zone_instant(const ag_zone *zone, const ag_date *local)
{
    ag_date plain = *local;
    plain.offset_minutes = 0;
    int64_t as_utc = ag_date_instant(&plain);
    int64_t seconds = whole_seconds(as_utc);
    int32_t before = ag_zone_offset(zone, seconds - MAX_OFFSET);
    int32_t candidates[] = {before, ag_zone_offset(zone, seconds - before), ag_zone_offset(zone, seconds + MAX_OFFSET)};
    for (size_t i = 0; i < sizeof(candidates) / sizeof(candidates[0]); i++)
        if (ag_zone_offset(zone, seconds - candidates[i]) == candidates[i]) return add_seconds(as_utc, -candidates[i]);
    return add_seconds(as_utc, -before);
}
