// SPDX-License-Identifier: Apache-2.0
/* shards.c: tensors that lie in several files, and the index that says which is where. The index is trusted no more
 * than a file is: its names of files are plain ones beside it, and index and files must agree in both directions, so
 * that nobody's tensor is taken from another file than is said. The tensors of all files then look like those of one.
 */
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/vec.h"
#include "core/doc/json_file.h"
#include "core/io/path.h"
#include "learn/nn/checkpoint/safetensors.h"

enum { MOST_SHARDS = 4096 };

typedef struct shard {
    ag_str name;
    ag_safetensors *file;
} shard;

typedef struct joining {
    ag_safetensors *whole; /* with the arena */
    const char *directory;
    const ag_value *map; /* tensor -> file */
    ag_vec shards;
    size_t tensors;
} joining;

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const ag_tensor *const *)a)->name, (*(const ag_tensor *const *)b)->name);
}

/* ---- the index ---- */

static int read_index(joining *j, const char *path, ag_err *err)
{
    const ag_value *tree = NULL;
    const ag_json_options options = {
        .max_bytes = AG_SAFETENSORS_MAX_HEADER, .max_depth = 8, .max_values = AG_SAFETENSORS_MAX_VALUES};
    int rc = ag_json_file_read(j->whole->arena, path, &options, &tree, err);
    if (rc < 0) return rc;
    j->map = tree->kind == AG_OBJECT ? ag_value_get(tree, "weight_map") : NULL;
    if (j->map && j->map->kind == AG_OBJECT && j->map->object.count) return 0;
    return ag_fail(err, AG_EPARSE, "it has no object 'weight_map' that says in which file each tensor is");
}

static shard *find_shard(const joining *j, ag_str name)
{
    for (size_t i = 0; i < j->shards.count; i++) {
        shard *s = ag_vec_at(&j->shards, i);
        if (ag_str_equal(s->name, name)) return s;
    }
    return NULL;
}

static int open_shard(joining *j, ag_str name, ag_err *err)
{
    bool plain = ag_path_check(name, NULL) >= 0 && !memchr(name.data, '/', name.size);
    const char *copy = plain ? ag_arena_strndup(j->whole->arena, name.data, name.size) : NULL;
    if (!plain)
        return ag_fail(err, AG_EPARSE, "'%.*s' is not the name of a file beside it",
                       AG_STR_ARG(ag_str_slice(name, 0, 100)));
    if (j->shards.count == MOST_SHARDS) return ag_fail(err, AG_ELIMIT, "it names more than %d files", MOST_SHARDS);
    shard one = {.name = name};
    const char *path = copy ? ag_path_join(j->whole->arena, j->directory, copy) : NULL;
    if (!path) return ag_fail_memory(err, name.size);
    int rc = ag_safetensors_open(path, &one.file, err);
    if (rc < 0) return rc;
    if ((rc = ag_vec_push(&j->shards, &one, err)) < 0) ag_safetensors_free(one.file);
    return rc;
}

/* Every tensor of the index is where it says. */
static int check_index(joining *j, ag_err *err)
{
    for (size_t i = 0; i < j->map->object.count; i++) {
        const ag_member *member = &j->map->object.members[i];
        ag_str name, tensor = ag_str_slice(member->name, 0, 200);
        if (!ag_value_string(&member->value, &name))
            return ag_fail(err, AG_EPARSE, "tensor '%.*s': its file is not a text", AG_STR_ARG(tensor));
        int rc = find_shard(j, name) ? 0 : open_shard(j, name, err);
        if (rc < 0) return rc;
        const char *wanted = ag_arena_strndup(j->whole->arena, member->name.data, member->name.size);
        if (!wanted) return ag_fail_memory(err, member->name.size);
        if (!ag_safetensors_find(find_shard(j, name)->file, wanted))
            return ag_fail(err, AG_EPARSE, "tensor '%.*s' is not in '%.*s', as it says", AG_STR_ARG(tensor),
                           AG_STR_ARG(ag_str_slice(name, 0, 100)));
    }
    return 0;
}

/* Every tensor of a file is the index's: names differ, so numbers suffice. */
static int count_tensors(joining *j, ag_err *err)
{
    for (size_t i = 0; i < j->shards.count; i++) j->tensors += ((shard *)ag_vec_at(&j->shards, i))->file->count;
    if (j->tensors == j->map->object.count) return 0;
    return ag_fail(err, AG_EPARSE, "it names %zu tensors, but its files have %zu", j->map->object.count, j->tensors);
}

static int join(joining *j, ag_err *err)
{
    ag_safetensors *whole = j->whole;
    ag_tensor *tensors = ag_arena_array(whole->arena, j->tensors, sizeof *tensors);
    whole->by_name = ag_arena_array(whole->arena, j->tensors, sizeof(ag_tensor *));
    whole->shards = ag_arena_array(whole->arena, j->shards.count, sizeof(ag_safetensors *));
    if (!tensors || !whole->by_name || !whole->shards) return ag_fail_memory(err, j->tensors * sizeof *tensors);
    for (size_t i = 0; i < j->shards.count; i++) {
        shard *s = ag_vec_at(&j->shards, i);
        for (size_t k = 0; k < s->file->count; k++) {
            tensors[whole->count] = s->file->tensors[k];
            tensors[whole->count].from += whole->data_size;
            whole->by_name[whole->count] = &tensors[whole->count];
            whole->count++;
        }
        whole->data_size += s->file->data_size;
        whole->shards[whole->shard_count++] = s->file;
        s->file = NULL;
    }
    whole->tensors = tensors;
    qsort(whole->by_name, whole->count, sizeof(ag_tensor *), by_name);
    return 0;
}

int ag_safetensors_open_index(const char *path, ag_safetensors **out, ag_err *err)
{
    joining j = {.whole = ag_calloc(1, sizeof *j.whole)};
    int rc = 0;
    ag_vec_init(&j.shards, sizeof(shard));
    if (!j.whole || !(j.whole->arena = ag_arena_new(0))) {
        rc = ag_fail_memory(err, sizeof *j.whole);
        goto out;
    }
    ag_str parent = ag_path_parent(ag_str_of(path));
    if (!(j.directory = ag_arena_strndup(j.whole->arena, parent.data, parent.size))) {
        rc = ag_fail_memory(err, parent.size);
        goto out;
    }
    if ((rc = read_index(&j, path, err)) < 0 || (rc = check_index(&j, err)) < 0 || (rc = count_tensors(&j, err)) < 0 ||
        (rc = join(&j, err)) < 0)
        goto out;
    *out = j.whole;
    j.whole = NULL;
out:
    if (rc < 0 && err && !*err->file) ag_err_place(err, path, 0, 0);
    for (size_t i = 0; i < j.shards.count; i++) ag_safetensors_free(((shard *)ag_vec_at(&j.shards, i))->file);
    ag_vec_deinit(&j.shards);
    ag_safetensors_free(j.whole);
    return rc;
}
