// SPDX-License-Identifier: Apache-2.0
/* system.c: where a run ran, as tags. The commit is read from .git itself (HEAD, refs, packed-refs, worktrees' gitdir
 * files), so that no git has to be installed and none is started. Whatever cannot be found out is left out: a run must
 * not fail because of this; only memory can. Secrets that stand in a command line or an address are hidden. */
#include "ledger/system.h"

#include <pwd.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/vec.h"
#include "core/base/version.h"
#include "core/io/file.h"
#include "core/io/path.h"
#include "ledger/statement.h"

enum { MAX_GIT_FILE = 4 << 20, MAX_DEPTH = 64 };

static const char hidden[] = "***";

const char ag_note_tag[] = "mlflow.note.content";

typedef struct collector {
    ag_arena *arena;
    ag_vec pairs;
    ag_err *err;
    int rc; /* sticky: AG_ENOMEM */
} collector;

static void add(collector *c, const char *key, ag_str value)
{
    if (c->rc < 0 || value.size == 0 || !ag_utf8_valid(value)) return;
    value.size = ag_utf8_cut(value, AG_MAX_TAG_VALUE);
    char *copy = ag_arena_strndup(c->arena, value.data, value.size);
    ag_pair pair = {ag_str_of(key), {copy, value.size}};
    c->rc = copy ? ag_vec_push(&c->pairs, &pair, c->err) : ag_fail_memory(c->err, value.size);
}

/* ---- the command line ---- */

static bool is_secret_name(ag_str name)
{
    static const char *const words[] = {"password", "passwd", "token", "secret", "key", "credential"};
    char lower[64];
    size_t size = name.size < sizeof(lower) ? name.size : sizeof(lower);
    for (size_t i = 0; i < size; i++) {
        char c = name.data[i];
        lower[i] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
    }
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (ag_str_find((ag_str){lower, size}, ag_str_of(words[i]), 0) != SIZE_MAX) return true;
    }
    return false;
}

/* Hides user and password of an address. */
static void add_hidden_address(ag_buf *out, ag_str text)
{
    size_t scheme = ag_str_find(text, AG_STR("://"), 0);
    size_t from = scheme == SIZE_MAX ? SIZE_MAX : scheme + 3;
    size_t end = from == SIZE_MAX ? SIZE_MAX : ag_str_find_char(text, '/', from);
    ag_str authority = from == SIZE_MAX ? (ag_str){0} : ag_str_slice(text, from, end == SIZE_MAX ? end : end - from);
    size_t at = ag_str_find_char(authority, '@', 0);
    if (at == SIZE_MAX) {
        ag_buf_add_str(out, text);
        return;
    }
    for (size_t more; (more = ag_str_find_char(authority, '@', at + 1)) != SIZE_MAX;) at = more;
    ag_buf_add_str(out, ag_str_slice(text, 0, from));
    ag_buf_add_text(out, hidden);
    ag_buf_add_str(out, ag_str_slice(text, from + at, text.size));
}

static void add_argument(ag_buf *out, ag_str argument, bool hide)
{
    size_t equals = ag_str_find_char(argument, '=', 0);
    if (hide) {
        ag_buf_add_text(out, hidden);
    } else if (equals != SIZE_MAX && is_secret_name(ag_str_slice(argument, 0, equals))) {
        ag_buf_add_str(out, ag_str_slice(argument, 0, equals + 1));
        ag_buf_add_text(out, hidden);
    } else {
        add_hidden_address(out, argument);
    }
}

static void add_command(collector *c, const ag_system_options *options)
{
    ag_buf text;
    bool hide = false;
    ag_buf_init(&text, 1 << 20);
    for (int i = 0; i < options->argc && options->argv[i]; i++) {
        ag_str argument = ag_str_of(options->argv[i]);
        if (i) ag_buf_add_char(&text, ' ');
        add_argument(&text, argument, hide);
        bool option = ag_str_starts(argument, AG_STR("--"));
        hide = option && ag_str_find_char(argument, '=', 0) == SIZE_MAX && is_secret_name(argument);
    }
    if (text.failed) c->rc = ag_buf_check(&text, "a command line", c->err);
    add(c, "auger.command", ag_buf_str(&text));
    ag_buf_deinit(&text);
}

/* ---- git ---- */

/* A small text file, trimmed; empty when it cannot be read. */
static ag_str read_text(collector *c, const char *path)
{
    ag_buf text;
    ag_str out = {0};
    if (c->rc < 0 || !path) return out;
    ag_buf_init(&text, MAX_GIT_FILE);
    if (ag_file_read(path, MAX_GIT_FILE, &text, NULL) >= 0) {
        ag_str trimmed = ag_str_trim(ag_buf_str(&text));
        char *copy = ag_arena_strndup(c->arena, trimmed.data ? trimmed.data : "", trimmed.size);
        if (copy) out = (ag_str){copy, trimmed.size};
    }
    ag_buf_deinit(&text);
    return out;
}

/* The directory that holds HEAD: ".git" itself, or what a worktree's ".git" file points at. */
static const char *find_git(collector *c, const char *start)
{
    char *at;
    if (ag_path_absolute(c->arena, start, &at, NULL) < 0) return NULL;
    for (int depth = 0; depth < MAX_DEPTH; depth++) {
        const char *git = ag_path_join(c->arena, at, ".git");
        ag_file_info info;
        if (!git) return NULL;
        if (ag_file_stat(git, &info, NULL) >= 0) {
            if (info.is_directory) return git;
            ag_str line = read_text(c, git);
            if (!ag_str_starts(line, AG_STR("gitdir: "))) return NULL;
            ag_str target = ag_str_trim(ag_str_slice(line, 8, line.size));
            return target.size && target.data[0] == '/' ? ag_arena_strndup(c->arena, target.data, target.size)
                                                        : ag_arena_printf(c->arena, "%s/%.*s", at, AG_STR_ARG(target));
        }
        if (strcmp(at, "/") == 0) return NULL;
        ag_str parent = ag_path_parent(ag_str_of(at));
        if (!(at = ag_arena_strndup(c->arena, parent.data, parent.size))) return NULL;
    }
    return NULL;
}

static bool is_commit(ag_str text)
{
    if (text.size != 40 && text.size != 64) return false;
    for (size_t i = 0; i < text.size; i++) {
        char ch = text.data[i];
        if (!((ch >= '0' && ch <= '9') || (ch >= 'a' && ch <= 'f'))) return false;
    }
    return true;
}

/* Of "refs/heads/main": a file, or a line of packed-refs. `common` holds them for worktrees. */
static ag_str read_ref(collector *c, const char *common, ag_str ref)
{
    if (ag_path_check(ref, NULL) < 0) return (ag_str){0};
    ag_str commit = read_text(c, ag_arena_printf(c->arena, "%s/%.*s", common, AG_STR_ARG(ref)));
    if (is_commit(commit)) return commit;
    ag_str rest = read_text(c, ag_path_join(c->arena, common, "packed-refs")), line;
    while (ag_str_next(&rest, '\n', &line)) {
        line = ag_str_trim(line);
        size_t blank = ag_str_find_char(line, ' ', 0);
        if (blank == SIZE_MAX || !ag_str_equal(ag_str_slice(line, blank + 1, line.size), ref)) continue;
        commit = ag_str_slice(line, 0, blank);
        if (is_commit(commit)) return commit;
    }
    return (ag_str){0};
}

/* The address of the remote "origin", from the configuration. */
static void add_remote(collector *c, const char *common)
{
    ag_str rest = read_text(c, ag_path_join(c->arena, common, "config")), line;
    bool origin = false;
    while (ag_str_next(&rest, '\n', &line)) {
        line = ag_str_trim(line);
        if (ag_str_starts(line, AG_STR("["))) origin = ag_str_is(line, "[remote \"origin\"]");
        size_t equals = ag_str_find_char(line, '=', 0);
        if (!origin || equals == SIZE_MAX || !ag_str_is(ag_str_trim(ag_str_slice(line, 0, equals)), "url")) continue;
        ag_buf text;
        ag_buf_init(&text, 1 << 16);
        add_hidden_address(&text, ag_str_trim(ag_str_slice(line, equals + 1, line.size)));
        add(c, "mlflow.source.git.repoURL", ag_buf_str(&text));
        ag_buf_deinit(&text);
        return;
    }
}

static void add_git(collector *c, const char *start)
{
    const char *git = find_git(c, start ? start : ".");
    if (!git) return;
    ag_str head = read_text(c, ag_path_join(c->arena, git, "HEAD"));
    ag_str shared = read_text(c, ag_path_join(c->arena, git, "commondir"));
    const char *common = git;
    if (shared.size) common = ag_arena_printf(c->arena, "%s/%.*s", git, AG_STR_ARG(shared));
    if (!common) return;
    if (ag_str_starts(head, AG_STR("ref: "))) {
        ag_str ref = ag_str_trim(ag_str_slice(head, 5, head.size));
        static const ag_str heads = {"refs/heads/", 11};
        if (ag_str_starts(ref, heads)) add(c, "mlflow.source.git.branch", ag_str_slice(ref, heads.size, ref.size));
        head = read_ref(c, common, ref);
    }
    if (is_commit(head)) add(c, "mlflow.source.git.commit", head);
    add_remote(c, common);
}

/* ---- the machine ---- */

static void add_number(collector *c, const char *key, unsigned long long number)
{
    char text[24];
    ag_format(text, sizeof(text), "%llu", number);
    if (number) add(c, key, ag_str_of(text));
}

static void add_machine(collector *c)
{
    struct utsname name;
    struct passwd entry, *found = NULL;
    char space[4096], text[1024];
    if (uname(&name) == 0) {
        add(c, "auger.host", ag_str_of(name.nodename));
        ag_format(text, sizeof(text), "%s %s %s", name.sysname, name.release, name.machine);
        add(c, "auger.system", ag_str_of(text));
    }
    if (getpwuid_r(geteuid(), &entry, space, sizeof(space), &found) == 0 && found) {
        add(c, "mlflow.user", ag_str_of(found->pw_name));
    }
    long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE), cores = sysconf(_SC_NPROCESSORS_ONLN);
    add_number(c, "auger.cores", cores > 0 ? (unsigned long long)cores : 0);
    if (pages > 0 && size > 0) {
        add_number(c, "auger.memory.bytes", (unsigned long long)pages * (unsigned long long)size);
    }
}

int ag_system_tags(const ag_system_options *options, ag_arena *arena, ag_pairs *out, ag_err *err)
{
    collector c = {.arena = arena, .err = err};
    void *items = NULL;
    ag_vec_init(&c.pairs, sizeof(ag_pair));
    const char *entry = options->entry ? options->entry : (options->argc > 0 ? options->argv[0] : NULL);
    add(&c, "mlflow.source.name", ag_str_of(entry));
    add(&c, "mlflow.source.type", AG_STR("LOCAL"));
    add(&c, "auger.version", ag_str_of(AG_VERSION));
    add(&c, "auger.commit", ag_str_of(ag_commit()));
    add_command(&c, options);
    add_machine(&c);
    add_git(&c, options->directory);
    if (c.rc >= 0) c.rc = ag_take_items(&c.pairs, arena, &items, err);
    if (c.rc >= 0) *out = (ag_pairs){items, c.pairs.count};
    ag_vec_deinit(&c.pairs);
    return c.rc;
}
