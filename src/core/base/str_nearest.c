// SPDX-License-Identifier: Apache-2.0
/* str_nearest.c: "did you mean ...?", or what there is: optimal string alignment distance (insert, delete, replace,
 * swap neighbours). */
#include "core/base/str.h"

#include <string.h>

enum { LONGEST = 63 };

static unsigned char plain(char c) /* case and the kind of separator are no reason to miss a word */
{
    if (c >= 'A' && c <= 'Z') return (unsigned char)(c + ('a' - 'A'));
    return (unsigned char)(c == '_' ? '-' : c);
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static unsigned distance(ag_str a, ag_str b)
{
    unsigned rows[3][LONGEST + 1];
    for (unsigned j = 0; j <= b.size; j++) rows[0][j] = j;
    for (unsigned i = 1; i <= a.size; i++) {
        unsigned *now = rows[i % 3], *before = rows[(i + 2) % 3], *earlier = rows[(i + 1) % 3];
        now[0] = i;
        for (unsigned j = 1; j <= b.size; j++) {
            bool same = plain(a.data[i - 1]) == plain(b.data[j - 1]);
            now[j] = least(least(before[j] + 1, now[j - 1] + 1), before[j - 1] + !same);
            if (i > 1 && j > 1 && plain(a.data[i - 1]) == plain(b.data[j - 2]) &&
                plain(a.data[i - 2]) == plain(b.data[j - 1])) {
                now[j] = least(now[j], earlier[j - 2] + 1);
            }
        }
    }
    return rows[a.size % 3][b.size];
}

const char *ag_nearest(ag_str word, const char *const *candidates, size_t count)
{
    if (word.size == 0 || word.size > LONGEST) return NULL;
    const char *best = NULL;
    unsigned best_distance = word.size <= 3 ? 1 : word.size <= 8 ? 2 : 3; /* beyond this it is another word */
    for (size_t i = 0; i < count; i++) {
        ag_str candidate = ag_str_of(candidates[i]);
        if (candidate.size == 0 || candidate.size > LONGEST) continue;
        unsigned edits = distance(word, candidate);
        if (edits > best_distance || edits >= candidate.size) continue;
        if (best && edits == best_distance) continue; /* the first of equals */
        best = candidates[i];
        best_distance = edits;
    }
    return best;
}

int ag_nearest_hint(ag_err *err, ag_str word, const char *const *names, size_t count)
{
    char list[230] = ""; /* a hint has 256 bytes */
    size_t used = 0;
    const char *near = ag_nearest(word, names, count);
    if (near) return ag_err_hint(err, "did you mean '%s'?", near);
    for (size_t i = 0; i < count; i++) {
        if (used + strlen(names[i]) + sizeof ",  ..." > sizeof list) {
            (void)ag_format(list + used, sizeof list - used, " ...");
            break;
        }
        (void)ag_format(list + used, sizeof list - used, "%s%s", i ? ", " : "", names[i]);
        used = strlen(list);
    }
    return ag_err_hint(err, "there %s %s", count == 1 ? "is" : "are", list);
}
