// SPDX-License-Identifier: Apache-2.0
/* parse.c: strict parsing, in two stages: first the words of the command (only global options may stand between them),
 * then its options and positionals in any order, until "--".
 *
 * Strict means: no abbreviations (a new option must never change what an old script means), no value glued to a letter,
 * no option twice unless it is declared repeated, and a value that looks like an option only in the form --name=value.
 * Everything refused says what would be right. Values borrow argv; the arena holds slots and value arrays only. */
#include "app/cli/parse.h"

#include <string.h>

#include "app/cli/value.h"
#include "core/base/arena.h"
#include "core/base/str.h"

#define MAX_PATH 128

typedef struct parser {
    int argc;
    const char *const *argv;
    int at;
    ag_environment_fn environment;
    ag_invocation *into;
    char path[MAX_PATH];
    size_t positionals; /* how many have been read */
} parser;

static bool looks_like_option(const char *word)
{
    return word[0] == '-' && word[1] != '\0';
}

/* "-5", "-.5", "-inf": a value for a number although it begins with a dash. */
static bool is_number(const ag_option *option, const char *word)
{
    double ignored;
    return (option->type == AG_OPTION_INT || option->type == AG_OPTION_REAL) &&
           ag_str_to_double(ag_str_of(word), &ignored);
}

/* "auger data add": for messages. */
static const char *full_path(const parser *p, char out[MAX_PATH + 8])
{
    ag_format(out, MAX_PATH + 8, "auger%s%s", p->path[0] ? " " : "", p->path);
    return out;
}

static ag_option_slot *find_slot(const parser *p, const ag_option *option)
{
    for (size_t i = 0; i < p->into->slot_count; i++)
        if (p->into->slots[i].option == option) return &p->into->slots[i];
    return NULL;
}

/* Makes the slots of the global options and of the command, keeping what global options have got already. */
static int make_slots(parser *p, ag_err *err)
{
    ag_option_table global = ag_global_options();
    const ag_command *command = p->into->command;
    size_t options = command ? command->options.count : 0;
    size_t positionals = command ? command->positionals.count : 0;
    size_t count = global.count + options + positionals;
    ag_option_slot *slots = ag_arena_array(p->into->arena, count, sizeof(*slots));
    if (!slots) return ag_fail_memory(err, count * sizeof(*slots));
    for (size_t i = 0; i < global.count; i++) slots[i].option = &global.items[i];
    for (size_t i = 0; i < options; i++) slots[global.count + i].option = &command->options.items[i];
    for (size_t i = 0; i < positionals; i++) slots[global.count + options + i].option = &command->positionals.items[i];
    if (p->into->slots) memcpy(slots, p->into->slots, global.count * sizeof(*slots));
    p->into->slots = slots;
    p->into->slot_count = count;
    p->into->positionals_at = global.count + options;
    return AG_OK;
}

static int add_value(parser *p, ag_option_slot *slot, const ag_option_value *value, ag_err *err)
{
    if (slot->count == slot->capacity) {
        size_t capacity = slot->capacity ? 2 * slot->capacity : 1;
        ag_option_value *values = ag_arena_array(p->into->arena, capacity, sizeof(*values));
        if (!values) return ag_fail_memory(err, capacity * sizeof(*values));
        if (slot->count) memcpy(values, slot->values, slot->count * sizeof(*values));
        slot->values = values;
        slot->capacity = capacity;
    }
    slot->values[slot->count++] = *value;
    return AG_OK;
}

static int set_flag(parser *p, const ag_option *option, bool on, ag_err *err)
{
    ag_option_slot *slot = find_slot(p, option);
    slot->count = 0; /* the last one counts */
    slot->origin = AG_ORIGIN_GIVEN;
    ag_option_value value = {.text = on ? "true" : "false", .flag = on};
    return add_value(p, slot, &value, err);
}

static int set_text(parser *p, const ag_option *option, const char *text, ag_err *err)
{
    ag_option_slot *slot = find_slot(p, option);
    if (slot->count && !option->repeated) {
        char label[80];
        ag_option_label(option, label);
        return ag_fail(err, AG_EINVAL, "%s is given twice: '%s' and '%s'", label, slot->values[0].text, text);
    }
    ag_option_value value;
    int rc = ag_option_read(option, text, false, &value, err);
    if (rc < 0) return rc;
    slot->origin = AG_ORIGIN_GIVEN;
    return add_value(p, slot, &value, err);
}

/* The value behind `option`, which stands at p->at: the next word. */
static int take_value(parser *p, const ag_option *option, ag_err *err)
{
    char label[80];
    ag_option_label(option, label);
    const char *name = ag_option_value_name(option);
    const char *word = p->at + 1 < p->argc ? p->argv[p->at + 1] : NULL;
    if (!word) {
        ag_fail(err, AG_EINVAL, "%s needs a value", label);
        return ag_err_hint(err, "write %s %s", label, name);
    }
    if (looks_like_option(word) && !is_number(option, word)) {
        ag_fail(err, AG_EINVAL, "%s needs a value, but '%s' follows", label, word);
        return ag_err_hint(err, "if that is the value, write %s=%s", label, word);
    }
    p->at++;
    return set_text(p, option, word, err);
}

static const ag_option *find_option(const parser *p, const char *name, size_t size)
{
    const ag_option *option = ag_option_find(ag_global_options(), name, size);
    return option || !p->into->command ? option : ag_option_find(p->into->command->options, name, size);
}

/* The option of this command or of all commands that was perhaps meant. */
static const char *nearest_option(const parser *p, ag_str name)
{
    const char *candidates[128];
    size_t count = 0;
    for (size_t i = 0; i < p->into->positionals_at && count < 128; i++) {
        const char *candidate = p->into->slots[i].option->name;
        if (name.size >= 2 && ag_str_starts(ag_str_of(candidate), name)) return candidate;
        candidates[count++] = candidate;
    }
    return ag_nearest(name, candidates, count);
}

static int refuse_option(const parser *p, ag_str name, ag_err *err)
{
    char path[MAX_PATH + 8];
    int rc = ag_fail(err, AG_EINVAL, "%s has no option '--%.*s'", full_path(p, path), AG_STR_ARG(name));
    const char *nearest = nearest_option(p, name);
    if (nearest) return ag_err_hint(err, "did you mean '--%s'?", nearest);
    if (!p->into->command) return ag_err_hint(err, "the options of a command stand behind its name");
    return rc;
}

static int parse_long(parser *p, const char *word, ag_err *err)
{
    const char *name = word + 2;
    const char *equals = strchr(name, '=');
    size_t size = equals ? (size_t)(equals - name) : strlen(name);
    const ag_option *option = find_option(p, name, size);
    bool on = true;
    if (!option && size > 3 && strncmp(name, "no-", 3) == 0) {
        option = find_option(p, name + 3, size - 3);
        if (option && option->type != AG_OPTION_FLAG) option = NULL;
        on = false;
    }
    if (!option) return refuse_option(p, (ag_str){name, size}, err);
    if (option->type == AG_OPTION_FLAG) {
        if (!equals) return set_flag(p, option, on, err);
        ag_fail(err, AG_EINVAL, "--%s takes no value", option->name);
        return ag_err_hint(err, "write --%s or --no-%s", option->name, option->name);
    }
    return equals ? set_text(p, option, equals + 1, err) : take_value(p, option, err);
}

static int parse_letters(parser *p, const char *word, ag_err *err)
{
    for (const char *letter = word + 1; *letter; letter++) {
        const ag_option *option = ag_option_of_letter(ag_global_options(), *letter);
        if (!option && p->into->command) option = ag_option_of_letter(p->into->command->options, *letter);
        if (!option) {
            char path[MAX_PATH + 8];
            bool plain = *letter > ' ' && *letter < 127;
            int rc = ag_fail(err, AG_EINVAL, "%s has no option '-%c'", full_path(p, path), plain ? *letter : '?');
            ag_option_table table = p->into->command ? p->into->command->options : ag_global_options();
            bool one_dash = ag_option_find(table, word + 1, strlen(word + 1)) ||
                            ag_option_find(ag_global_options(), word + 1, strlen(word + 1));
            return one_dash ? ag_err_hint(err, "did you mean '-%s', with two dashes?", word) : rc;
        }
        int rc;
        if (option->type == AG_OPTION_FLAG) {
            rc = set_flag(p, option, true, err);
        } else if (letter[1]) {
            ag_fail(err, AG_EINVAL, "-%c needs its value as a word of its own", *letter);
            return ag_err_hint(err, "write -%c %s", *letter, letter + 1);
        } else {
            rc = take_value(p, option, err);
        }
        if (rc < 0) return rc;
    }
    return AG_OK;
}

static int parse_option(parser *p, ag_err *err)
{
    const char *word = p->argv[p->at];
    int rc = word[1] == '-' ? parse_long(p, word, err) : parse_letters(p, word, err);
    p->at++;
    return rc;
}

static int parse_positional(parser *p, ag_err *err)
{
    const ag_command *command = p->into->command;
    const char *word = p->argv[p->at++];
    if (p->positionals < command->positionals.count) {
        const ag_option *positional = &command->positionals.items[p->positionals];
        if (!positional->repeated) p->positionals++;
        return set_text(p, positional, word, err);
    }
    char path[MAX_PATH + 8];
    if (command->positionals.count == 0)
        return ag_fail(err, AG_EINVAL, "%s takes no arguments, but got '%s'", full_path(p, path), word);
    return ag_fail(err, AG_EINVAL, "%s takes at most %zu argument%s; '%s' is one too many", full_path(p, path),
                   command->positionals.count, command->positionals.count == 1 ? "" : "s", word);
}

/* The commands (or groups) one word below p->path: for the hint. */
static size_t next_words(const parser *p, char words[][MAX_PATH], const char **list, size_t max)
{
    size_t size = strlen(p->path);
    size_t count = 0;
    for (size_t i = 0; i < p->into->commands.count && count < max; i++) {
        const char *path = p->into->commands.items[i]->path;
        if (size) {
            if (strncmp(path, p->path, size) != 0 || path[size] != ' ') continue;
            path += size + 1;
        }
        ag_format(words[count], MAX_PATH, "%.*s", (int)strcspn(path, " "), path);
        bool known = count && strcmp(words[count], words[count - 1]) == 0;
        list[count] = words[count];
        if (!known) count++;
    }
    return count;
}

static int refuse_command(const parser *p, const char *word, ag_err *err)
{
    enum { MAX_WORDS = 64 };
    char words[MAX_WORDS][MAX_PATH];
    const char *list[MAX_WORDS];
    size_t count = next_words(p, words, list, MAX_WORDS);
    char path[MAX_PATH + 8];
    if (word) {
        const char *nearest = ag_nearest(ag_str_of(word), list, count);
        ag_fail(err, AG_EINVAL, "%s has no command '%s'", full_path(p, path), word);
        if (nearest) return ag_err_hint(err, "did you mean '%s %s'?", path, nearest);
        return ag_err_hint(err, "'auger help%s%s' lists the commands", p->path[0] ? " " : "", p->path);
    }
    ag_buf all;
    ag_buf_init(&all, 240);
    for (size_t i = 0; i < count; i++) ag_buf_addf(&all, "%s%s", i ? ", " : "", list[i]);
    ag_fail(err, AG_EINVAL, "%s needs the name of a command behind it", full_path(p, path));
    int rc = ag_err_hint(err, "one of %s", all.data ? all.data : "those in 'auger help'");
    ag_buf_deinit(&all);
    return rc;
}

/* Appends a word to the path when that is a command or a group. */
static bool extend_path(parser *p, const char *word)
{
    char path[MAX_PATH];
    if (!*word || strchr(word, ' ')) return false;
    if (!ag_format(path, sizeof(path), "%s%s%s", p->path, p->path[0] ? " " : "", word)) return false;
    if (!ag_command_find(p->into->commands, path) && !ag_command_is_group(p->into->commands, path)) return false;
    memcpy(p->path, path, sizeof(path));
    return true;
}

static int parse_command(parser *p, ag_err *err)
{
    while (p->at < p->argc) {
        const char *word = p->argv[p->at];
        bool found = ag_command_find(p->into->commands, p->path) != NULL;
        if (found && !ag_command_is_group(p->into->commands, p->path)) break;
        if (looks_like_option(word)) {
            if (found) break;
            if (strcmp(word, "--") == 0) return refuse_command(p, NULL, err);
            int rc = parse_option(p, err);
            if (rc < 0) return rc;
        } else if (extend_path(p, word)) {
            p->at++;
        } else if (found) {
            break;
        } else {
            return refuse_command(p, word, err);
        }
    }
    p->into->command = ag_command_find(p->into->commands, p->path);
    p->into->path = ag_arena_strdup(p->into->arena, p->path);
    if (!p->into->path) return ag_fail_memory(err, sizeof(p->path));
    return make_slots(p, err);
}

static int parse_rest(parser *p, ag_err *err)
{
    bool ended = false;
    while (p->at < p->argc) {
        const char *word = p->argv[p->at];
        int rc = AG_OK;
        if (!ended && strcmp(word, "--") == 0) {
            ended = true;
            p->at++;
        } else if (!ended && looks_like_option(word)) {
            rc = parse_option(p, err);
        } else {
            rc = parse_positional(p, err);
        }
        if (rc < 0) return rc;
    }
    return AG_OK;
}

/* Environment and defaults for what was not given, then what is required. */
static int fill_slot(parser *p, ag_option_slot *slot, bool help, ag_err *err)
{
    const ag_option *option = slot->option;
    if (slot->count) return AG_OK;
    ag_option_value value;
    const char *variable = option->environment ? p->environment(option->environment) : NULL;
    if (variable && *variable) {
        if (ag_option_read(option, variable, false, &value, err) < 0)
            return ag_err_prefix(err, "the environment variable %s", option->environment);
        slot->origin = AG_ORIGIN_ENVIRONMENT;
        return add_value(p, slot, &value, err);
    }
    if (option->fallback) {
        int rc = ag_option_read(option, option->fallback, true, &value, err);
        if (rc < 0) return rc;
        slot->origin = AG_ORIGIN_DEFAULT;
        return add_value(p, slot, &value, err);
    }
    if (!option->required || help) return AG_OK;
    char path[MAX_PATH + 8];
    char label[80];
    ag_option_label(option, label);
    ag_fail(err, AG_EINVAL, "%s needs %s", full_path(p, path), label);
    return ag_err_hint(err, "%s: %s", label, option->doc);
}

int ag_parse(int argc, const char *const *argv, ag_environment_fn environment, ag_invocation *into, ag_err *err)
{
    parser p = {.argc = argc, .argv = argv, .environment = environment, .into = into};
    into->command = NULL;
    into->path = "";
    into->slots = NULL;
    int rc = make_slots(&p, err);
    if (rc < 0 || (rc = parse_command(&p, err)) < 0) return rc;
    bool help = ag_option_flag(into, "help");
    if (!into->command && !help && p.path[0]) return refuse_command(&p, NULL, err);
    if (into->command && (rc = parse_rest(&p, err)) < 0) return rc;
    help = ag_option_flag(into, "help");
    for (size_t i = 0; i < into->slot_count; i++)
        if ((rc = fill_slot(&p, &into->slots[i], help, err)) < 0) return rc;
    return AG_OK;
}

bool ag_parse_wants_json(int argc, const char *const *argv)
{
    bool wanted = false;
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--json") == 0) wanted = true;
        if (strcmp(argv[i], "--no-json") == 0) wanted = false;
    }
    return wanted;
}
