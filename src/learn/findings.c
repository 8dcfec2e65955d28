// SPDX-License-Identifier: Apache-2.0
/* findings.c: see findings.h. A vector in the order of names, and a map from each to its place. */
#include "learn/findings.h"

#include <stdint.h>
#include <string.h>

void ag_findings_deinit(ag_findings *findings)
{
    ag_vec_deinit(&findings->items);
    ag_map_free(findings->known);
    *findings = (ag_findings){0};
}

static int add(ag_findings *findings, ag_arena *arena, const char *name, double value, ag_err *err)
{
    if (findings->items.count >= AG_FINDINGS_MOST) {
        ag_fail(err, AG_ELIMIT, "more than %d results; '%.80s' is one more", AG_FINDINGS_MOST, name);
        return ag_err_hint(err, "a number that comes again and again is a metric of a step: one name, with \"step\"");
    }
    ag_finding found = {ag_arena_strdup(arena, name), value};
    if (!found.name) return ag_fail_memory(err, strlen(name));
    int rc = ag_vec_push(&findings->items, &found, err);
    if (rc < 0) return rc;
    rc = ag_map_put(findings->known, ag_str_of(name), (void *)(uintptr_t)findings->items.count, NULL, err);
    if (rc < 0) findings->items.count--;
    return rc;
}

int ag_findings_put(ag_findings *findings, ag_arena *arena, const char *name, double value, ag_err *err)
{
    if (!findings->known) {
        if (!(findings->known = ag_map_new())) return ag_fail_memory(err, 64);
        ag_vec_init(&findings->items, sizeof(ag_finding));
    }
    uintptr_t at = (uintptr_t)ag_map_get(findings->known, ag_str_of(name));
    if (!at) return add(findings, arena, name, value, err);
    ((ag_finding *)ag_vec_at(&findings->items, at - 1))->value = value;
    return 0;
}

const ag_finding *ag_finding_named(const ag_findings *findings, const char *name)
{
    uintptr_t at = findings->known ? (uintptr_t)ag_map_get(findings->known, ag_str_of(name)) : 0;
    return at ? ag_finding_at(findings, at - 1) : NULL;
}

size_t ag_findings_count(const ag_findings *findings)
{
    return findings->items.count;
}

const ag_finding *ag_finding_at(const ag_findings *findings, size_t index)
{
    return ag_vec_at(&findings->items, index);
}

void ag_findings_write(const ag_findings *findings, ag_json *json)
{
    ag_json_begin_object(json);
    for (size_t i = 0; i < ag_findings_count(findings); i++) {
        const ag_finding *found = ag_finding_at(findings, i);
        ag_json_put_real(json, found->name, found->value);
    }
    ag_json_end_object(json);
}
