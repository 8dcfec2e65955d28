// SPDX-License-Identifier: Apache-2.0
/* reference.c: Markdown from the tables, so that documentation cannot say other than the program does. */
#include "data/reference.h"

#include "core/doc/describe.h"
#include "data/names.h"
#include "data/prepare.h"
#include "data/reader.h"
#include "data/validator.h"

static void add_readers(ag_buf *out)
{
    ag_hole_reader_table readers = ag_hole_readers();
    ag_buf_add_text(out, "## Readers\n\n| reader | file endings | reads |\n|---|---|---|\n");
    for (size_t i = 0; i < readers.count; i++) {
        ag_buf_addf(out, "| `%s` |", readers.items[i]->name);
        for (const char *const *ending = readers.items[i]->endings; *ending; ending++)
            ag_buf_addf(out, " `%s`", *ending);
        ag_buf_addf(out, " | %s |\n", readers.items[i]->doc);
    }
}

static void add_versions(ag_buf *out)
{
    ag_buf_add_text(out, "\n## Versions\n\n| version | firmware | cells per row | columns behind the first seven |\n"
                         "|---|---|---|---|\n");
    for (size_t i = 0; i < ag_format_version_count; i++) {
        const ag_format_version *version = &ag_format_versions[i];
        ag_buf_addf(out, "| %d | %s | %zu |", version->version, version->firmware, version->columns);
        for (size_t c = 7; c < version->columns; c++)
            ag_buf_addf(out, "%s %s", c > 7 ? "," : "",
                        ag_name_of_version(&ag_channel_names[version->channels[c]], version->version));
        ag_buf_add_text(out, " |\n");
    }
}

static void add_spellings(ag_buf *out, const ag_name *name)
{
    for (size_t k = 0; k < 3 && name->spellings[k].text; k++) {
        const ag_spelling *spelling = &name->spellings[k];
        if (spelling->to == 0) continue; /* of other sources than drilling units */
        ag_buf_addf(out, "%s`%s`", k ? ", " : "", spelling->text);
        if (spelling->from > 1 && spelling->to < 255)
            ag_buf_addf(out, " (%d to %d)", spelling->from, spelling->to);
        else if (spelling->from > 1)
            ag_buf_addf(out, " (from %d)", spelling->from);
        else if (spelling->to < 255)
            ag_buf_addf(out, " (to %d)", spelling->to);
    }
}

static void add_names(ag_buf *out, const char *title, const ag_name *names, size_t count, bool sections)
{
    ag_buf_addf(out, "\n## %s\n\n| name here |%s in the file (versions) | unit | meaning |\n|---|%s---|---|---|\n",
                title, sections ? " section |" : "", sections ? "---|" : "");
    for (size_t i = 0; i < count; i++) {
        ag_buf_addf(out, "| `%s` | ", names[i].id);
        if (sections) ag_buf_addf(out, "%s | ", ag_section_title(names[i].section));
        add_spellings(out, &names[i]);
        ag_buf_addf(out, " | %s | %s |\n", names[i].unit, names[i].doc);
    }
}

static void add_stop_codes(ag_buf *out)
{
    static const char *const kinds[] = {"goes on to the next step", "normal end", "fault"};
    ag_buf_add_text(out, "\n## Stop codes\n\n| bit | name | means |\n|---|---|---|\n");
    for (size_t i = 0; i < ag_stop_bit_count; i++)
        ag_buf_addf(out, "| %d | %s | %s |\n", (int)ag_stop_bits[i].bit, ag_stop_bits[i].name,
                    kinds[ag_stop_bits[i].kind]);
}

static void add_rules(ag_buf *out)
{
    static const char *const severities[] = {"note", "warning", "**failure**"};
    ag_validator_table table = ag_validators();
    ag_buf_add_text(out, "\n## Rules\n\nA hole is valid when no rule of severity failure is broken.\n");
    for (size_t v = 0; v < table.count; v++) {
        const ag_validator *validator = table.items[v];
        ag_buf_addf(out, "\n### %s: %s\n\n%s\n\n| rule | severity | what must hold | threshold |\n|---|---|---|---|\n",
                    validator->id, validator->name, validator->doc);
        for (size_t r = 0; r < validator->count; r++) {
            const ag_rule *rule = &validator->rules[r];
            ag_buf_addf(out, "| %s | %s | %s | ", rule->id, severities[rule->severity], rule->doc);
            if (rule->setting)
                ag_buf_addf(out, "`%s` |\n", rule->setting);
            else
                ag_buf_add_text(out, "|\n");
        }
    }
}

/* The settings of a description; its headings go under ours. */
static void add_settings(ag_buf *out, const ag_description *description)
{
    ag_buf text;
    ag_buf_init(&text, (size_t)1 << 20);
    ag_describe_markdown(description, &text);
    ag_str rest = ag_buf_str(&text), line;
    ag_buf_add_char(out, '\n');
    while (rest.size > 0 && ag_str_next(&rest, '\n', &line)) {
        if (ag_str_starts(line, AG_STR("#"))) ag_buf_add_text(out, "##");
        ag_buf_add_str(out, line);
        ag_buf_add_char(out, '\n');
    }
    if (text.failed != AG_OK) out->failed = text.failed;
    ag_buf_deinit(&text);
}

void ag_drilling_reference(ag_buf *out)
{
    add_readers(out);
    add_versions(out);
    add_names(out, "Header fields", ag_header_names, AG_HEADER_COUNT, true);
    add_names(out, "Columns of the program", ag_program_names, AG_PROGRAM_COUNT, false);
    add_names(out, "Step results", ag_result_names, AG_RESULT_COUNT, false);
    add_names(out, "Channels", ag_channel_names, AG_CHANNEL_COUNT, false);
    add_stop_codes(out);
    add_rules(out);
    ag_buf_add_text(out,
                    "\n## Settings\n\nIn the file of `--config`, or one by one with `--set validation.KEY=VALUE` and "
                    "`--set reader.KEY=VALUE`.\n");
    add_settings(out, &ag_limits_description);
    add_settings(out, &ag_reader_options_description);
    ag_buf_add_text(out, "\n## Columns of holes.csv\n\n| column | meaning |\n|---|---|\n");
    for (size_t i = 0; i < ag_prepared_description.count; i++)
        ag_buf_addf(out, "| `%s` | %s |\n", ag_prepared_description.fields[i].name,
                    ag_prepared_description.fields[i].doc);
}
