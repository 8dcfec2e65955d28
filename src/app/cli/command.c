// SPDX-License-Identifier: Apache-2.0
/* command.c: finding commands and options in their tables, and checking the tables themselves.
 * Everything is a linear search: there are some dozens of commands and options, looked at once per call. */
#include "app/cli/command.h"

#include <string.h>

#include "core/base/str.h"

#include "app/cli/invocation.h"
#include "app/cli/value.h"

static const char *const log_levels[] = {"debug", "info", "warn", "error", "off", NULL};
static const char *const color_modes[] = {"auto", "always", "never", NULL};

static const ag_option global_options[] = {
    {.name = "help", .letter = 'h', .type = AG_OPTION_FLAG, .doc = "Show the help of the command and do nothing else"},
    {.name = "json", .type = AG_OPTION_FLAG, .doc = "Print JSON for machines instead of text, also for errors"},
    {.name = "quiet", .letter = 'q', .type = AG_OPTION_FLAG, .doc = "No remarks and no progress on standard error"},
    {.name = "log-level",
     .type = AG_OPTION_CHOICE,
     .value_name = "LEVEL",
     .fallback = "info",
     .choices = log_levels,
     .environment = "AUGER_LOG",
     .doc = "How much the program tells about itself on standard error"},
    {.name = "home",
     .type = AG_OPTION_PATH,
     .value_name = "DIR",
     .fallback = "./.auger",
     .environment = "AUGER_HOME",
     .doc = "Where the database and the stored files live"},
    {.name = "color",
     .type = AG_OPTION_CHOICE,
     .value_name = "WHEN",
     .fallback = "auto",
     .choices = color_modes,
     .doc = "Colours: on a terminal, always, or never"},
};

ag_option_table ag_global_options(void)
{
    ag_option_table table = AG_OPTIONS(global_options);
    return table;
}

const ag_command *ag_command_find(ag_command_table table, const char *path)
{
    for (size_t i = 0; i < table.count; i++)
        if (strcmp(table.items[i]->path, path) == 0) return table.items[i];
    return NULL;
}

bool ag_command_is_group(ag_command_table table, const char *path)
{
    size_t size = strlen(path);
    for (size_t i = 0; i < table.count; i++)
        if (strncmp(table.items[i]->path, path, size) == 0 && table.items[i]->path[size] == ' ') return true;
    return false;
}

const ag_option *ag_option_find(ag_option_table table, const char *name, size_t size)
{
    for (size_t i = 0; i < table.count; i++)
        if (strlen(table.items[i].name) == size && memcmp(table.items[i].name, name, size) == 0) return &table.items[i];
    return NULL;
}

const ag_option *ag_option_of_letter(ag_option_table table, char letter)
{
    for (size_t i = 0; i < table.count && letter; i++)
        if (table.items[i].letter == letter) return &table.items[i];
    return NULL;
}

const char *ag_option_value_name(const ag_option *option)
{
    static const char *const names[] = {
        [AG_OPTION_FLAG] = NULL,    [AG_OPTION_INT] = "N",         [AG_OPTION_REAL] = "X",
        [AG_OPTION_TEXT] = "TEXT",  [AG_OPTION_PATH] = "PATH",     [AG_OPTION_CHOICE] = "CHOICE",
        [AG_OPTION_BYTES] = "SIZE", [AG_OPTION_DURATION] = "TIME", [AG_OPTION_PAIR] = "KEY=VALUE",
    };
    return option->value_name ? option->value_name : names[option->type];
}

static bool is_one_of(char c, const char *extra, bool capitals)
{
    bool letter = capitals ? c >= 'A' && c <= 'Z' : c >= 'a' && c <= 'z';
    return letter || (c >= '0' && c <= '9') || (c && strchr(extra, c));
}

static bool well_formed(const char *name, const char *extra, bool capitals)
{
    if (!name || !*name || strchr(extra, *name)) return false;
    for (const char *c = name; *c; c++)
        if (!is_one_of(*c, extra, capitals)) return false;
    return true;
}

static int verify_option(const ag_command *command, const ag_option *option, bool positional, ag_err *err)
{
    const char *path = command->path;
    if (!well_formed(option->name, "-", positional))
        return ag_fail(err, AG_EINTERNAL, "%s: the name of an option is missing or malformed", path);
    if (!option->doc || !*option->doc) return ag_fail(err, AG_EINTERNAL, "%s: '%s' has no doc", path, option->name);
    if ((option->type == AG_OPTION_CHOICE) != (option->choices != NULL))
        return ag_fail(err, AG_EINTERNAL, "%s: '%s' needs choices exactly if it is a choice", path, option->name);
    if (positional && (option->type == AG_OPTION_FLAG || option->letter))
        return ag_fail(err, AG_EINTERNAL, "%s: '%s' cannot be a flag or have a letter", path, option->name);
    if (option->required && option->fallback)
        return ag_fail(err, AG_EINTERNAL, "%s: '%s' is required and has a default", path, option->name);
    if (option->fallback) {
        ag_option_value value;
        if (ag_option_read(option, option->fallback, true, &value, err) < 0) {
            err->code = AG_EINTERNAL;
            return ag_err_prefix(err, "%s: default", path);
        }
    }
    return AG_OK;
}

/* True when another option of the tables has the same name or letter. */
static bool is_taken(const ag_option_table *tables, size_t count, const ag_option *option)
{
    for (size_t i = 0; i < count; i++) {
        const ag_option *same = ag_option_find(tables[i], option->name, strlen(option->name));
        const ag_option *letter = ag_option_of_letter(tables[i], option->letter);
        if ((same && same != option) || (letter && letter != option)) return true;
    }
    return false;
}

static int verify_unique(const ag_command *command, ag_err *err)
{
    const ag_option_table tables[] = {ag_global_options(), command->options, command->positionals};
    for (size_t t = 0; t < 3; t++)
        for (size_t i = 0; i < tables[t].count; i++)
            if (is_taken(tables, 3, &tables[t].items[i]))
                return ag_fail(err, AG_EINTERNAL, "%s: '%s' (or its letter) is there twice", command->path,
                               tables[t].items[i].name);
    return AG_OK;
}

static int verify_positionals(const ag_command *command, ag_err *err)
{
    bool optional = false;
    for (size_t i = 0; i < command->positionals.count; i++) {
        const ag_option *positional = &command->positionals.items[i];
        int rc = verify_option(command, positional, true, err);
        if (rc < 0) return rc;
        if (positional->repeated && i + 1 < command->positionals.count)
            return ag_fail(err, AG_EINTERNAL, "%s: only the last positional can be repeated", command->path);
        if (positional->required && optional)
            return ag_fail(err, AG_EINTERNAL, "%s: '%s' is required behind an optional one", command->path,
                           positional->name);
        optional = optional || !positional->required;
    }
    return AG_OK;
}

int ag_command_verify(const ag_command *command, ag_err *err)
{
    if (!well_formed(command->path, " -", false))
        return ag_fail(err, AG_EINTERNAL, "a command's path is missing or malformed");
    if (!command->summary || !*command->summary || !command->doc || !*command->doc || !command->run)
        return ag_fail(err, AG_EINTERNAL, "%s: summary, doc or run is missing", command->path);
    if (!command->examples || !command->examples[0].command || !command->examples[0].doc)
        return ag_fail(err, AG_EINTERNAL, "%s: there is no example", command->path);
    if (command->options.count > 64 || command->positionals.count > 64)
        return ag_fail(err, AG_EINTERNAL, "%s: more than 64 options", command->path);
    for (size_t i = 0; i < command->options.count; i++) {
        int rc = verify_option(command, &command->options.items[i], false, err);
        if (rc < 0) return rc;
    }
    int rc = verify_positionals(command, err);
    return rc < 0 ? rc : verify_unique(command, err);
}
