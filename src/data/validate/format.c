// SPDX-License-Identifier: Apache-2.0
/* format.c: validator F. What a file must look like is noticed by its reader, which alone sees the bytes; here those
 * flaws get their severity, and the number of samples is asked. A file whose rule says that it cannot be read at all
 * (F6 and others) never comes here: its reader fails with the rule's id. */
#include "data/validator.h"

static const ag_rule rules[] = {
    {"F1", AG_SEVERITY_FAIL, NULL, "Cells are separated by tabs."},
    {"F2", AG_SEVERITY_FAIL, NULL, "The nine mandatory sections are there, each once, in their order."},
    {"F3", AG_SEVERITY_FAIL, NULL, "The first seven columns are the known ones."},
    {"F4", AG_SEVERITY_FAIL, NULL, "Every row has as many cells as the first."},
    {"F5", AG_SEVERITY_FAIL, NULL, "There are as many column names as cells, or the last name twice."},
    {"F6", AG_SEVERITY_FAIL, NULL, "Every cell of a sample is a number."},
    {"F7", AG_SEVERITY_FAIL, NULL,
     "The decimal mark of the samples is the one that the header declares, else a comma."},
    {"F8", AG_SEVERITY_FAIL, NULL, "The last line is whole."},
    {"F9", AG_SEVERITY_WARN, NULL, "Lines end in LF alone."},
    {"F10", AG_SEVERITY_WARN, NULL, "There is no byte order mark."},
    {"F11", AG_SEVERITY_FAIL, "min_rows", "There are enough samples."},
    {"F12", AG_SEVERITY_WARN, NULL, "No letter was lost by saving the file in another encoding."},
    {"F13", AG_SEVERITY_WARN, NULL, "No field holds NUL bytes."},
    {"F14", AG_SEVERITY_WARN, NULL, "Every header field has a known name."},
    {"F15", AG_SEVERITY_WARN, NULL, "Every section is a known one."},
    {"F16", AG_SEVERITY_FAIL, NULL, "Every row of the program has a step number."},
    {"F17", AG_SEVERITY_WARN, NULL, "The version of the format is a known one."},
    {"F18", AG_SEVERITY_WARN, NULL, "Nothing stands behind the last column name."},
    {"F19", AG_SEVERITY_WARN, NULL, "Lists of one message have one length."},
    {"F20", AG_SEVERITY_WARN, NULL, "Messages of one hole name the same result."},
    {"F21", AG_SEVERITY_WARN, NULL, "The source tells step numbers."},
    {"F22", AG_SEVERITY_NOTE, NULL, "Numbers have three decimals at most."},
    {"F23", AG_SEVERITY_FAIL, NULL, "A message is whole JSON."},
};

static int check(ag_validation *v, ag_err *err)
{
    int rc = ag_validation_take(v, err);
    if (rc == AG_OK && v->hole->signal.rows < (uint64_t)v->limits->min_rows)
        rc = ag_validation_flaw(v, "F11", SIZE_MAX, err, "%zu samples are fewer than %lld", v->hole->signal.rows,
                                (long long)v->limits->min_rows);
    return rc;
}

const ag_validator ag_validator_format = {
    .id = "F",
    .name = "file format",
    .doc = "The file is what the machine wrote, whole and without contradiction.",
    .rules = rules,
    .count = sizeof(rules) / sizeof(rules[0]),
    .check = check,
};
