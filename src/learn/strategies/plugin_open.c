// SPDX-License-Identifier: Apache-2.0
/* plugin_open.c: finding, loading and checking a shared object. Before dlopen() runs any of its code, the file must
 * look like an ELF object; what it gives afterwards is copied by the size that it says, so that an object that was
 * built with an older header has NULL in the newer slots. Its keys become a description (core/doc/describe.h) over an
 * array of 8-byte cells, so that data_config of a plug-in is read and refused like that of any strategy. The object
 * stays loaded until it is closed; handles are counted by the loader, so several trainings may hold the same one. */
#include <dlfcn.h>
#include <string.h>

#include "core/io/file.h"
#include "core/io/path.h"
#include "core/io/stream.h"
#include "learn/strategies/plugin_job.h"

enum { MAX_KEYS = 1000, MAX_NAME = 64 };

bool ag_plugin_is_path(const char *strategy)
{
    ag_str text = ag_str_of(strategy);
    return ag_str_find_char(text, '/', 0) != SIZE_MAX || ag_str_ends(text, AG_STR(".so"));
}

/* ---- finding ---- */

static int look_in(ag_str directory, const char *name, ag_arena *arena, const char **out, ag_err *err)
{
    static const char *const beginnings[] = {"lib", ""};
    for (size_t i = 0; i < 2 && directory.size; i++) {
        const char *path = ag_arena_printf(arena, "%.*s/%s%s.so", AG_STR_ARG(directory), beginnings[i], name);
        if (!path) return ag_fail_memory(err, directory.size + strlen(name));
        if (!ag_file_exists(path)) continue;
        *out = path;
        return 0;
    }
    return 0;
}

int ag_plugin_find(const char *name, const char *search, ag_arena *arena, const char **out, ag_err *err)
{
    ag_str rest = ag_str_of(search), directory;
    int rc = 0;
    *out = ag_plugin_is_path(name) ? name : NULL;
    if (*out || !search) return 0;
    while (!*out && rc >= 0 && ag_str_next(&rest, ':', &directory)) rc = look_in(directory, name, arena, out, err);
    return rc;
}

/* ---- loading ---- */

static int check_elf(const char *path, ag_err *err)
{
    static const char magic[4] = {'\177', 'E', 'L', 'F'};
    char first[4] = {0};
    ag_reader *reader = NULL;
    int rc = ag_reader_of_file(path, &reader, err);
    ptrdiff_t got = rc >= 0 ? ag_read_full(reader, first, sizeof first, err) : rc;
    ag_reader_close(reader);
    if (got < 0) return (int)got;
    if (got == (ptrdiff_t)sizeof first && memcmp(first, magic, sizeof magic) == 0) return 0;
    ag_fail(err, AG_EINVAL, "%s is no shared object", path);
    return ag_err_hint(err, "build one with: cc -shared -fPIC; docs/strategies.md tells how");
}

static int load(ag_plugin *plugin, auger_plugin_function *entry, ag_err *err)
{
    plugin->object = dlopen(plugin->path, RTLD_NOW | RTLD_LOCAL);
    if (!plugin->object) {
        const char *why = dlerror();
        return ag_fail(err, AG_EINVAL, "the plug-in cannot be loaded: %s", why ? why : plugin->path);
    }
    void *symbol = dlsym(plugin->object, AUGER_PLUGIN_SYMBOL);
    if (!symbol)
        return ag_fail(err, AG_EINVAL, "%s is no plug-in of Auger: it has no function " AUGER_PLUGIN_SYMBOL,
                       plugin->path);
    memcpy(entry, &symbol, sizeof symbol); /* an object pointer that is a function, as POSIX has it */
    return 0;
}

static int check_name(const ag_plugin *plugin, ag_err *err)
{
    const char *name = plugin->face.name;
    size_t size = name ? strlen(name) : 0;
    bool good = size > 0 && size <= MAX_NAME;
    for (size_t i = 0; good && i < size; i++)
        good = (name[i] >= 'a' && name[i] <= 'z') || (name[i] >= 'A' && name[i] <= 'Z') ||
               (name[i] >= '0' && name[i] <= '9') || name[i] == '-' || name[i] == '_';
    return good ? 0 : ag_fail(err, AG_EINVAL, "%s: the plug-in's name must be letters, digits, - and _", plugin->path);
}

static int check_face(const ag_plugin *plugin, ag_err *err)
{
    const auger_plugin *face = &plugin->face;
    const char *missing = !face->prepare        ? "prepare"
                          : !face->train        ? "train"
                          : !face->export_model ? "export_model"
                          : !face->close        ? "close"
                                                : NULL;
    if (!missing && face->load && !face->unload) missing = "unload, which goes with load";
    if (missing) return ag_fail(err, AG_EINVAL, "%s: the plug-in has no function %s", plugin->path, missing);
    if (face->key_count && (!face->keys || face->key_count > MAX_KEYS || face->key_size != sizeof(auger_key)))
        return ag_fail(err, AG_EINVAL, "%s: the plug-in's table of keys is broken", plugin->path);
    return check_name(plugin, err);
}

static int take_face(ag_plugin *plugin, const auger_plugin *given, ag_err *err)
{
    const size_t least = offsetof(auger_plugin, evaluate);
    if (!given) return ag_fail(err, AG_EINVAL, "%s: " AUGER_PLUGIN_SYMBOL "() gave nothing", plugin->path);
    if (given->abi != AUGER_PLUGIN_ABI) {
        ag_fail(err, AG_EUNSUPPORTED, "%s is a plug-in for ABI %u, and this Auger has ABI %u", plugin->path, given->abi,
                (unsigned)AUGER_PLUGIN_ABI);
        return ag_err_hint(err, "build it again with the auger/plugin.h of this version");
    }
    if (given->size < least)
        return ag_fail(err, AG_EINVAL, "%s: the plug-in says a size that no version had", plugin->path);
    memcpy(&plugin->face, given, given->size < sizeof plugin->face ? given->size : sizeof plugin->face);
    return check_face(plugin, err);
}

/* ---- keys ---- */

static int describe(ag_plugin *plugin, ag_arena *arena, ag_err *err)
{
    static const ag_field_type types[] = {AG_FIELD_TEXT, AG_FIELD_REAL, AG_FIELD_INT, AG_FIELD_BOOL};
    const auger_plugin *face = &plugin->face;
    ag_field *fields = ag_arena_array(arena, face->key_count + 1, sizeof *fields);
    plugin->keys = ag_arena_alloc(arena, sizeof *plugin->keys);
    if (!fields || !plugin->keys) return ag_fail_memory(err, face->key_count * sizeof *fields);
    for (size_t i = 0; i < face->key_count; i++) {
        const auger_key *key = &face->keys[i];
        if (!key->name || !key->doc || (unsigned)key->type > AUGER_KEY_FLAG)
            return ag_fail(err, AG_EINVAL, "%s: key %zu of the plug-in is not complete", plugin->path, i);
        fields[i] = (ag_field){.name = key->name,
                               .type = types[key->type],
                               .offset = i * AG_PLUGIN_CELL,
                               .fallback = key->fallback,
                               .required = key->required != 0,
                               .min = key->min,
                               .max = key->max,
                               .doc = key->doc};
    }
    *plugin->keys = (ag_description){.name = "data_config",
                                     .doc = face->doc ? face->doc : face->name,
                                     .size = (face->key_count + 1) * AG_PLUGIN_CELL,
                                     .fields = fields,
                                     .count = face->key_count};
    return ag_describe_verify(plugin->keys, err) < 0 ? ag_err_prefix(err, "%s: the plug-in's keys", plugin->path) : 0;
}

int ag_plugin_open(const char *path, ag_arena *arena, ag_plugin *out, ag_err *err)
{
    char *absolute = NULL;
    auger_plugin_function entry = NULL;
    ag_plugin plugin = {0};
    if (!ag_file_exists(path)) {
        ag_fail(err, AG_ENOTFOUND, "there is no plug-in %s", path);
        return ag_err_hint(err, "a strategy with a '/' or .so is a path from where you are");
    }
    int rc = ag_path_absolute(arena, path, &absolute, err);
    plugin.path = absolute;
    if (rc >= 0) rc = check_elf(plugin.path, err);
    if (rc >= 0) rc = ag_sha256_of_file(plugin.path, &plugin.digest, NULL, err);
    if (rc >= 0) rc = load(&plugin, &entry, err);
    if (rc >= 0) rc = take_face(&plugin, entry(), err);
    if (rc >= 0) rc = describe(&plugin, arena, err);
    if (rc >= 0)
        *out = plugin;
    else
        ag_plugin_close(&plugin);
    return rc < 0 ? rc : 0;
}

void ag_plugin_close(ag_plugin *plugin)
{
    if (plugin->object) (void)dlclose(plugin->object);
    plugin->object = NULL;
}
