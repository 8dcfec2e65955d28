// SPDX-License-Identifier: Apache-2.0
/* describe_test.c: every type of field, overrides, writing back, documentation, schema, tables that are wrong. */
#include <math.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/doc/describe.h"
#include "core/doc/yaml.h"
#include "frame/test.h"

typedef struct point {
    double x, y;
} point;

typedef struct node {
    const char *label;
    ag_list children; /* of node */
    struct node *next;
} node;

typedef struct sample {
    bool flag;
    int64_t count;
    double rate;
    const char *title;
    int mode;
    uint64_t memory;
    int64_t timeout;
    point origin;
    point *target;
    ag_list sizes;  /* of int64_t */
    ag_list modes;  /* of int */
    ag_list points; /* of point */
    ag_list names;  /* of const char * */
    const ag_value *extra;
    node *tree;
    const char *level;
} sample;

static const char *const modes[] = {"fast", "exact", "none", NULL};
static const char *const levels[] = {"low", "high", NULL};

static const ag_field point_fields[] = {
    {.name = "x", .type = AG_FIELD_REAL, .offset = offsetof(point, x), .required = true, .doc = "To the right."},
    {.name = "y", .type = AG_FIELD_REAL, .offset = offsetof(point, y), .fallback = "0.5", .doc = "Up."},
};

static int check_point(const void *into, ag_err *err)
{
    const point *p = into;
    if (p->x == p->y && p->x == 13.0) return ag_fail(err, AG_EINVAL, "x and y must not both be 13");
    return AG_OK;
}

static const ag_description point_description = {.name = "point",
                                                 .doc = "A place.",
                                                 .size = sizeof(point),
                                                 .fields = point_fields,
                                                 .count = 2,
                                                 .check = check_point};

static const ag_description node_description;
static const ag_field node_fields[] = {
    {.name = "label", .type = AG_FIELD_TEXT, .offset = offsetof(node, label), .doc = "A name."},
    {.name = "children",
     .type = AG_FIELD_LIST,
     .item = AG_FIELD_STRUCT,
     .inner = &node_description,
     .offset = offsetof(node, children),
     .doc = "Nodes below."},
    {.name = "next",
     .type = AG_FIELD_OPTIONAL,
     .inner = &node_description,
     .offset = offsetof(node, next),
     .doc = "The node beside."},
};
static const ag_description node_description = {
    .name = "node", .doc = "A node that may hold nodes.", .size = sizeof(node), .fields = node_fields, .count = 3};

#define AT(member) .offset = offsetof(sample, member)
static const ag_field sample_fields[] = {
    {.name = "flag", .type = AG_FIELD_BOOL, AT(flag), .fallback = "true", .doc = "A switch."},
    {.name = "count",
     .type = AG_FIELD_INT,
     AT(count),
     .fallback = "3",
     .min = 1,
     .max = 10,
     .doc = "How many | of them."},
    {.name = "learning_rate",
     .type = AG_FIELD_REAL,
     AT(rate),
     .fallback = "1e-3",
     .min = 0,
     .max = INFINITY,
     .alias = "lr",
     .doc = "The step."},
    {.name = "title", .type = AG_FIELD_TEXT, AT(title), .doc = "Shown above."},
    {.name = "mode", .type = AG_FIELD_CHOICE, AT(mode), .choices = modes, .fallback = "exact", .doc = "The way."},
    {.name = "memory",
     .type = AG_FIELD_BYTES,
     AT(memory),
     .fallback = "64MB",
     .min = 1024,
     .max = 1e12,
     .doc = "At most this."},
    {.name = "timeout",
     .type = AG_FIELD_DURATION,
     AT(timeout),
     .fallback = "30s",
     .min = 0.1,
     .max = 3600,
     .doc = "How long."},
    {.name = "origin",
     .type = AG_FIELD_STRUCT,
     AT(origin),
     .inner = &point_description,
     .fallback = "{x: 1}",
     .doc = "From here."},
    {.name = "target", .type = AG_FIELD_OPTIONAL, AT(target), .inner = &point_description, .doc = "To there."},
    {.name = "sizes",
     .type = AG_FIELD_LIST,
     .item = AG_FIELD_INT,
     AT(sizes),
     .fallback = "[8, 16]",
     .min = 1,
     .max = 4,
     .doc = "Widths."},
    {.name = "modes", .type = AG_FIELD_LIST, .item = AG_FIELD_CHOICE, AT(modes), .choices = modes, .doc = "Ways."},
    {.name = "points",
     .type = AG_FIELD_LIST,
     .item = AG_FIELD_STRUCT,
     .inner = &point_description,
     AT(points),
     .doc = "Places."},
    {.name = "names",
     .type = AG_FIELD_LIST,
     .item = AG_FIELD_TEXT,
     AT(names),
     .nullable = true,
     .fallback = "[a]",
     .doc = "Names."},
    {.name = "extra", .type = AG_FIELD_VALUE, AT(extra), .doc = "Anything."},
    {.name = "tree", .type = AG_FIELD_OPTIONAL, .inner = &node_description, AT(tree), .doc = "A tree."},
    {.name = "level", .type = AG_FIELD_TEXT, AT(level), .choices = levels, .fallback = "low", .doc = "How much."},
};
static const ag_description sample_description = {.name = "sample",
                                                  .doc = "All types of fields.",
                                                  .size = sizeof(sample),
                                                  .fields = sample_fields,
                                                  .count = sizeof sample_fields / sizeof *sample_fields};

/* Reads YAML into *out; the arena lives until the program ends its test. */
static int read(ag_arena *arena, const char *yaml, sample *out, ag_err *err)
{
    const ag_value *tree;
    ag_yaml_options options = {.file = "s.yaml"};
    int rc = ag_yaml_parse(arena, ag_str_of(yaml), &options, &tree, err);
    return rc < 0 ? rc : ag_describe_read(&sample_description, arena, tree, "s.yaml", out, err);
}

AG_TEST(test_describe__the_table_verifies)
{
    ag_err err = {0};
    AG_EXPECT_OK(ag_describe_verify(&sample_description, &err));
}

static void expect_defaults(const sample *s)
{
    assert_true(s->flag && s->count == 3 && s->rate == 1e-3 && !s->title && s->mode == 1);
    assert_true(s->memory == 64 << 20 && s->timeout == 30000000);
    assert_true(s->origin.x == 1.0 && s->origin.y == 0.5 && !s->target && !s->extra && !s->tree);
    assert_int_equal(s->sizes.count, 2);
    assert_int_equal(((const int64_t *)s->sizes.items)[1], 16);
    assert_int_equal(s->names.count, 1);
    assert_string_equal(((const char *const *)s->names.items)[0], "a");
    assert_int_equal(s->points.count + s->modes.count, 0);
    assert_string_equal(s->level, "low");
}

AG_TEST(test_describe__nothing_gives_the_defaults)
{
    ag_arena *arena = ag_arena_new(0);
    sample s;
    ag_err err = {0};
    AG_EXPECT_OK(ag_describe_defaults(&sample_description, arena, &s, &err));
    expect_defaults(&s);
    AG_EXPECT_OK(ag_describe_read(&sample_description, arena, NULL, NULL, &s, &err));
    expect_defaults(&s);
    AG_EXPECT_OK(read(arena, "", &s, &err));
    expect_defaults(&s);
    AG_EXPECT_OK(read(arena, "{target: null, names: null, title: null, extra: ~}", &s, &err));
    expect_defaults(&s);
    point p = {9, 9};
    AG_EXPECT_OK(ag_describe_defaults(&point_description, arena, &p, &err)); /* x is required, yet has a zero */
    assert_true(p.x == 0.0 && p.y == 0.5);
    ag_arena_free(arena);
}

AG_TEST(test_describe__every_type_is_read)
{
    ag_arena *arena = ag_arena_new(0);
    sample s;
    ag_err err = {0};
    AG_EXPECT_OK(read(arena,
                      "flag: false\ncount: 5.0\nlr: 2\ntitle: \"5\"\nmode: none\nmemory: 2kB\ntimeout: 250ms\n"
                      "origin: {x: 3, y: -1}\ntarget: {x: 4}\nsizes: [1, 2, 3]\nmodes: [fast, none]\n"
                      "points: [{x: 1}, {x: 2, y: 3}]\nnames: []\nextra: {a: [1]}\n"
                      "tree: {label: a, children: [{label: b, children: [{label: c}]}], next: {}}\nlevel: high\n",
                      &s, &err));
    assert_true(!s.flag && s.count == 5 && s.rate == 2.0 && s.mode == 2 && s.memory == 2048 && s.timeout == 250000);
    assert_string_equal(s.title, "5");
    assert_true(s.origin.y == -1.0 && s.target && s.target->x == 4.0 && s.target->y == 0.5);
    assert_int_equal(s.sizes.count, 3);
    assert_int_equal(((const int *)s.modes.items)[1], 2);
    assert_true(((const point *)s.points.items)[1].y == 3.0 && ((const point *)s.points.items)[0].y == 0.5);
    assert_int_equal(s.names.count, 0);
    assert_int_equal(ag_value_at(s.extra, "a[0]")->integer, 1);
    const node *below = s.tree->children.items;
    assert_string_equal(((const node *)below->children.items)->label, "c");
    assert_non_null(s.tree->next);
    assert_null(s.tree->next->label);
    AG_EXPECT_OK(read(arena, "{timeout: 1.5, memory: 4096}", &s, &err));
    assert_true(s.timeout == 1500000 && s.memory == 4096);
    ag_arena_free(arena);
}

typedef struct refusal {
    const char *yaml;
    const char *text; /* the whole message */
    const char *hint; /* a part, or NULL for none */
    uint32_t line, column;
} refusal;

AG_TEST(test_describe__refusals_say_what_where_and_what_to_do)
{
    static const refusal rows[] = {
        {"cuont: 3", "cuont: unknown key", "did you mean 'count'?", 1, 1},
        {"flag: true\nLR: 3", "LR: unknown key", "did you mean 'learning_rate'?", 2, 1},
        {"label: 3", "label: unknown key", "'label' belongs under 'tree'", 1, 1},
        {"origin: {x: 1, count: 3}", "origin.count: unknown key", "'count' belongs at the top level", 1, 16},
        {"zzzzzzz: 3", "zzzzzzz: unknown key", "known keys: flag, count, learning_rate", 1, 1},
        {"points: [{x: 1}, {x: 1, z: 2}]", "points[1].z: unknown key", "known keys: x, y", 1, 25},
        {"learning_rate: 1\nlr: 2", "'learning_rate' and 'lr' mean the same: write one of them", NULL, 2, 5},
        {"flag: yes", "flag: expected true or false, found the string 'yes'",
         "write true; yes, no, on and off are plain words", 1, 7},
        {"flag: Off", "flag: expected true or false, found the string 'Off'", "write false;", 1, 7},
        {"flag: 'true'", "flag: expected true or false, found the string 'true'", "write true without quotes", 1, 7},
        {"flag: 1", "flag: expected true or false, found the integer 1", NULL, 1, 7},
        {"count: 0", "count: must be 1 to 10, found 0", NULL, 1, 8},
        {"count: 2.5", "count: expected an integer (1 to 10), found the number 2.5", NULL, 1, 8},
        {"count: '4'", "count: expected an integer (1 to 10), found the string '4'", "without quotes", 1, 8},
        {"count: null", "count: expected an integer (1 to 10), found null", NULL, 1, 8},
        {"count: [1]", "count: expected an integer (1 to 10), found a list", NULL, 1, 8},
        {"learning_rate: -1", "learning_rate: must be at least 0, found -1", NULL, 1, 16},
        {"learning_rate: .nan", "learning_rate: must be a number, found NaN", NULL, 1, 16},
        {"lr: -1", "lr: must be at least 0, found -1", NULL, 1, 5},
        {"lr: 0,001", "lr: expected a number (at least 0), found the string '0,001'", "write it as 0.001", 1, 5},
        {"count: 1_0", "count: expected an integer (1 to 10), found the string '1_0'", "write it as 10", 1, 8},
        {"learning_rate: nan", "learning_rate: expected a number (at least 0), found the string 'nan'", NULL, 1, 16},
        {"learning_rate: fast", "learning_rate: expected a number (at least 0), found the string 'fast'", NULL, 1, 16},
        {"title: 5", "title: expected text, found the integer 5", "put it in quotes: \"5\"", 1, 8},
        {"title: true", "title: expected text, found true", "put it in quotes: \"true\"", 1, 8},
        {"title: 1.5", "title: expected text, found the number 1.5", "put it in quotes: \"1.5\"", 1, 8},
        {"title: \"a\\0b\"", "title: text must not hold a NUL byte", NULL, 1, 8},
        {"mode: exat", "mode: 'exat' is not one of: fast, exact, none", "did you mean 'exact'?", 1, 7},
        {"mode: [fast]", "mode: expected a word, found a list", "one of: fast", 1, 7},
        {"level: hgih", "level: 'hgih' is not one of: low, high", "did you mean 'high'?", 1, 8},
        {"memory: 64MX", "memory: expected a size such as 64MB (1024 to 1000000000000), found the string '64MX'", NULL,
         1, 9},
        {"memory: 5", "memory: must be 1024 to 1000000000000 bytes, found 5", NULL, 1, 9},
        {"memory: -5", "memory: expected a size such as 64MB (1024 to 1000000000000), found the integer -5", NULL, 1,
         9},
        {"timeout: soon", "timeout: expected a duration such as 30s (0.1 to 3600), found the string 'soon'", NULL, 1,
         10},
        {"timeout: 2h", "timeout: must be 0.1 to 3600 seconds, found 7200", NULL, 1, 10},
        {"origin: 5", "origin: expected a mapping of keys, found an integer", "known keys: x, y", 1, 9},
        {"origin: {y: 5}", "origin: the key 'x' is missing", "To the right.", 1, 9},
        {"target:\n  y: 5", "target: the key 'x' is missing", "x: To the right.", 2, 3},
        {"origin: {x: 13, y: 13}", "origin: x and y must not both be 13", NULL, 1, 9},
        {"sizes: []", "sizes: must have 1 to 4 items, found 0", NULL, 1, 8},
        {"sizes: 5", "sizes: expected a list, found an integer", "a list of one is written [x]", 1, 8},
        {"sizes: [1, x]", "sizes[1]: expected an integer, found the string 'x'", NULL, 1, 12},
        {"modes: [fast, fats]", "modes[1]: 'fats' is not one of: fast, exact, none", "did you mean 'fast'?", 1, 15},
        {"tree: {children: [{}, {children: [{label: 1}]}]}",
         "tree.children[1].children[0].label: expected text, found the integer 1", "quotes", 1, 43},
        {"\"a\\e\\n\": 1", "a?\?: unknown key", "known keys", 1, 1},
        {"[1]", "expected a mapping of keys, found a list", "known keys", 1, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ag_arena *arena = ag_arena_new(0);
        sample s;
        ag_err err = {0};
        int rc = read(arena, rows[i].yaml, &s, &err);
        bool hint = rows[i].hint ? strstr(err.hint, rows[i].hint) != NULL : !err.hint[0];
        if (rc != AG_EINVAL || strcmp(err.text, rows[i].text) != 0 || !hint || strcmp(err.file, "s.yaml") != 0 ||
            err.line != rows[i].line || err.column != rows[i].column)
            fail_msg("%s\n gave %d %s:%u:%u: %s (%s)", rows[i].yaml, rc, err.file, err.line, err.column, err.text,
                     err.hint);
        ag_arena_free(arena);
    }
}

/* Applies assignments, one per line, and writes the chosen key of the result. */
static void expect_override(const char *yaml, const char *assignments, const char *want)
{
    ag_arena *arena = ag_arena_new(0);
    const ag_value *tree = NULL;
    ag_err err = {0};
    ag_str rest = ag_str_of(assignments), line;
    ag_buf out;
    sample s;
    AG_EXPECT_OK(ag_yaml_parse(arena, ag_str_of(yaml), NULL, &tree, &err));
    while (ag_str_next(&rest, '\n', &line))
        AG_EXPECT_OK(ag_describe_override(&sample_description, arena, tree, line, &tree, &err));
    AG_EXPECT_OK(ag_describe_read(&sample_description, arena, tree, NULL, &s, &err));
    ag_buf_init(&out, 10000);
    ag_json json = ag_json_writer(&out, 0, AG_JSON_REFUSE_NONFINITE);
    ag_json_value(&json, tree);
    AG_EXPECT_OK(ag_json_end_document(&json, &err));
    assert_string_equal(out.data, want);
    ag_buf_deinit(&out);
    ag_arena_free(arena);
}

AG_TEST(test_describe__overrides_change_one_place_of_the_tree)
{
    expect_override("count: 3\nflag: true", "count=5", "{\"count\":5,\"flag\":true}");
    expect_override("", "count=5", "{\"count\":5}");
    expect_override("origin: {x: 1}", "origin.y=2", "{\"origin\":{\"x\":1,\"y\":2}}");
    expect_override("", "origin.y=2", "{\"origin\":{\"x\":1,\"y\":2}}"); /* from the fallback */
    expect_override("", "target.x = 2\ntarget.y= 3 ", "{\"target\":{\"x\":2,\"y\":3}}");
    expect_override("target: {x: 1}", "target=null", "{\"target\":null}");
    expect_override("lr: 1", "learning_rate=2", "{\"lr\":2}");
    expect_override("learning_rate: 1", "lr=2", "{\"learning_rate\":2}");
    expect_override("", "title=007", "{\"title\":\"007\"}");
    expect_override("", "title=a: b, c=d", "{\"title\":\"a: b, c=d\"}");
    expect_override("", "title=\"q\\n\"", "{\"title\":\"q\\n\"}");
    expect_override("", "title=", "{\"title\":\"\"}");
    expect_override("sizes: [1, 2]", "sizes[1]=5\nsizes[2]=6\nsizes.0=4", "{\"sizes\":[4,5,6]}");
    expect_override("", "sizes[0]=7", "{\"sizes\":[7,16]}"); /* from the fallback */
    expect_override("", "sizes=[1, 2]", "{\"sizes\":[1,2]}");
    expect_override("points: [{x: 1}]", "points[0].y=2\npoints[1].x=3", "{\"points\":[{\"x\":1,\"y\":2},{\"x\":3}]}");
    expect_override("", "extra.a.b=1\nextra.c=[x, {y: z}]\nextra.c[1].y=5\nextra.c[2]=w",
                    "{\"extra\":{\"a\":{\"b\":1},\"c\":[\"x\",{\"y\":5},\"w\"]}}");
    expect_override("", "tree.children[0].label=a\ntree.children[0].next.label=b",
                    "{\"tree\":{\"children\":[{\"label\":\"a\",\"next\":{\"label\":\"b\"}}]}}");
    expect_override("", "memory=2GB\ntimeout=5m\nmode=none",
                    "{\"memory\":\"2GB\",\"timeout\":\"5m\",\"mode\":\"none\"}");
}

AG_TEST(test_describe__overrides_that_are_wrong_are_refused_with_the_key)
{
    static const struct {
        const char *assignment, *text, *hint;
    } rows[] = {
        {"count", "'count' is not an assignment", "key=value"},
        {"=5", "'=5' is not an assignment", "key=value"},
        {"cuont=5", "cuont: unknown key", "did you mean 'count'?"},
        {"origin.z=5", "origin.z: unknown key", "known keys: x, y"},
        {"origin.count=5", "origin.count: unknown key", "belongs at the top level"},
        {"count=50", "count: must be 1 to 10, found 50", NULL},
        {"count=x", "count: expected an integer (1 to 10), found the string 'x'", NULL},
        {"count=[1", "count: did not find expected ',' or ']' while parsing a flow sequence", NULL},
        {"count.x=5", "count: is a single value and has no 'x'", NULL},
        {"sizes[5]=5", "sizes: the list has 2 items, there is no [5]", "[2] would add one"},
        {"sizes[x]=5", "sizes: expected the index of an item, as [0], not '[x]'", NULL},
        {"sizes.x=5", "sizes: expected the index of an item, as [0], not 'x'", NULL},
        {"sizes[0=5", "sizes: expected the index of an item, as [0], not '[0'", NULL},
        {"sizes[0]x=5", "sizes: expected the index of an item, as [0], not '[0]x'", NULL},
        {"sizes[0]=x", "sizes[0]: expected an integer, found the string 'x'", NULL},
        {"origin..x=5", "origin: expected the name of a key, not '.x'", NULL},
        {"origin.=5", "expected the name of a key, not 'origin.'", NULL},
        {"[0]=5", "expected the name of a key, not '[0]'", NULL},
        {"mode=exat", "mode: 'exat' is not one of: fast, exact, none", "did you mean 'exact'?"},
        {"origin={y: 1}", "origin: the key 'x' is missing", "x: To the right."},
    };
    ag_arena *arena = ag_arena_new(0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const ag_value *out = NULL;
        ag_err err = {0};
        int rc = ag_describe_override(&sample_description, arena, NULL, ag_str_of(rows[i].assignment), &out, &err);
        bool hint = !rows[i].hint || strstr(err.hint, rows[i].hint);
        if (rc >= 0 || out || strcmp(err.text, rows[i].text) != 0 || !hint || err.line || err.file[0])
            fail_msg("%s gave %d %s:%u %s (%s)", rows[i].assignment, rc, err.file, err.line, err.text, err.hint);
    }
    ag_arena_free(arena);
}

static void write_sample(const sample *s, ag_buf *out)
{
    ag_err err = {0};
    ag_buf_init(out, 1 << 16);
    ag_json json = ag_json_writer(out, 0, AG_JSON_REFUSE_NONFINITE);
    assert_int_equal(ag_describe_write(&sample_description, s, &json), AG_OK);
    AG_EXPECT_OK(ag_json_end_document(&json, &err));
}

AG_TEST(test_describe__what_is_written_reads_back_as_the_same_struct)
{
    static const char *const texts[] = {
        "",
        "{title: x, timeout: 1.25, target: {x: 1}, points: [{x: 1}], modes: [fast], extra: [1, {a: null}], names: [],"
        "tree: {label: a, children: [{label: b}], next: {}}, learning_rate: 0.1, mode: fast}"};
    for (size_t i = 0; i < 2; i++) {
        ag_arena *arena = ag_arena_new(0);
        const ag_value *tree;
        ag_err err = {0};
        ag_buf first, second;
        sample s;
        AG_EXPECT_OK(read(arena, texts[i], &s, &err));
        write_sample(&s, &first);
        AG_EXPECT_OK(ag_json_parse(arena, ag_buf_str(&first), NULL, &tree, &err));
        assert_int_equal(tree->object.count, sample_description.count);
        AG_EXPECT_OK(ag_describe_read(&sample_description, arena, tree, NULL, &s, &err));
        write_sample(&s, &second);
        assert_string_equal(first.data, second.data);
        ag_buf_deinit(&first);
        ag_buf_deinit(&second);
        ag_arena_free(arena);
    }
}

AG_TEST(test_describe__a_choice_out_of_its_list_cannot_be_written)
{
    ag_arena *arena = ag_arena_new(0);
    sample s;
    ag_err err = {0};
    ag_buf out;
    AG_EXPECT_OK(ag_describe_defaults(&sample_description, arena, &s, &err));
    for (int mode = -1; mode < 9; mode += 4) {
        s.mode = mode;
        ag_buf_init(&out, 10000);
        ag_json json = ag_json_writer(&out, 0, AG_JSON_REFUSE_NONFINITE);
        assert_int_equal(ag_describe_write(&sample_description, &s, &json), AG_EINTERNAL);
        ag_buf_deinit(&out);
    }
    ag_arena_free(arena);
}

AG_TEST(test_describe__the_documentation_has_a_row_for_every_key)
{
    ag_buf out;
    ag_buf_init(&out, 1 << 16);
    assert_int_equal(ag_describe_markdown(&sample_description, &out), AG_OK);
    static const char *const parts[] = {
        "# sample\n\nAll types of fields.\n\n| key | type | default | range | meaning |\n|---|---|---|---|---|\n",
        "| `count` | integer | `3` | 1 to 10 | How many \\| of them. |\n",
        "| `learning_rate` | number | `1e-3` | at least 0 | The step. Also spelled `lr`. |\n",
        "| `mode` | choice | `exact` | `fast`, `exact`, `none` | The way. |\n",
        "| `memory` | size | `64MB` | 1024 to 1000000000000 bytes | At most this. |\n",
        "| `target` | optional section [point](#point) |  |  | To there. |\n",
        "| `sizes` | list of integer | `[8, 16]` | 1 to 4 items | Widths. |\n",
        "| `points` | list of section [point](#point) | `[]` |  | Places. |\n",
        "\n## point\n\nA place.\n\n",
        "| `x` | number | **required** |  | To the right. |\n",
        "\n## node\n",
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!strstr(out.data, parts[i])) fail_msg("missing: %s\nin %s", parts[i], out.data);
    assert_null(strstr(strstr(out.data, "## node") + 1, "## node"));
    ag_buf_deinit(&out);
}

AG_TEST(test_describe__the_schema_is_complete_and_ends)
{
    ag_arena *arena = ag_arena_new(0);
    const ag_value *schema;
    ag_err err = {0};
    ag_buf out;
    ag_buf_init(&out, 1 << 16);
    ag_json json = ag_json_writer(&out, 2, AG_JSON_REFUSE_NONFINITE);
    assert_int_equal(ag_describe_schema(&sample_description, &json), AG_OK);
    AG_EXPECT_OK(ag_json_end_document(&json, &err));
    AG_EXPECT_OK(ag_json_parse(arena, ag_buf_str(&out), NULL, &schema, &err));
    ag_str text;
    int64_t number;
    assert_true(ag_value_int(ag_value_at(schema, "properties.count.maximum"), &number) && number == 10);
    assert_null(ag_value_at(schema, "properties.learning_rate.maximum"));
    assert_non_null(ag_value_at(schema, "properties.lr"));
    assert_true(ag_value_string(ag_value_at(schema, "properties.points.items.$ref"), &text));
    assert_true(ag_str_is(text, "#/$defs/point"));
    assert_non_null(ag_value_get(ag_value_get(schema, "$defs"), "node"));
    assert_int_equal(ag_value_at(schema, "properties.mode.enum")->array.count, 3);
    assert_true(ag_value_string(ag_value_at(schema, "properties.memory.default"), &text) && ag_str_is(text, "64MB"));
    assert_false(ag_value_at(schema, "additionalProperties")->boolean);
    ag_buf_deinit(&out);
    ag_arena_free(arena);
}

typedef struct pair {
    int64_t a, b;
} pair;

AG_TEST(test_describe__wrong_tables_are_found)
{
#define A .name = "a", .offset = offsetof(pair, a), .doc = "d"
    static const struct {
        ag_field fields[2];
        size_t count;
        const char *part;
    } rows[] = {
        {{{.name = "a", .type = AG_FIELD_INT}}, 1, "a sentence of `doc`"},
        {{{.name = "a.b", .type = AG_FIELD_INT, .doc = "d"}}, 1, "cannot stand in a path"},
        {{{.name = "", .type = AG_FIELD_INT, .doc = "d"}}, 1, "needs a name"},
        {{{A, .type = AG_FIELD_INT}, {.name = "a", .type = AG_FIELD_INT, .offset = 8, .doc = "d"}}, 2, "used 2 times"},
        {{{A, .type = AG_FIELD_INT}, {.name = "b", .alias = "a", .type = AG_FIELD_INT, .offset = 8, .doc = "d"}},
         2,
         "used 2 times"},
        {{{A, .type = AG_FIELD_INT}, {.name = "b", .type = AG_FIELD_INT, .offset = 0, .doc = "d"}}, 2, "lies on 'a'"},
        {{{.name = "a", .type = AG_FIELD_INT, .offset = 16, .doc = "d"}}, 1, "lies outside"},
        {{{.name = "a", .type = AG_FIELD_INT, .offset = 4, .doc = "d"}}, 1, "not aligned"},
        {{{A, .type = AG_FIELD_INT, .fallback = "x"}}, 1, "the fallback 'x' cannot be read"},
        {{{A, .type = AG_FIELD_INT, .fallback = "5", .min = 6, .max = 9}}, 1, "must be 6 to 9"},
        {{{A, .type = AG_FIELD_INT, .min = 6, .max = 9}}, 1, "out of its range"},
        {{{A, .type = AG_FIELD_INT, .min = 9, .max = 6}}, 1, "min is above max"},
        {{{A, .type = AG_FIELD_INT, .fallback = "5", .required = true}}, 1, "cannot have a fallback"},
        {{{A, .type = AG_FIELD_CHOICE}}, 1, "needs `choices`"},
        {{{A, .type = AG_FIELD_INT, .choices = modes}}, 1, "only for CHOICE and TEXT"},
        {{{A, .type = AG_FIELD_OPTIONAL}}, 1, "needs `inner`"},
        {{{A, .type = AG_FIELD_INT, .inner = &point_description}}, 1, "only for structs"},
        {{{A, .type = AG_FIELD_LIST, .item = AG_FIELD_LIST}}, 1, "list of lists"},
        {{{A, .type = (ag_field_type)99}}, 1, "unknown type"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ag_description table = {.name = "pair", .size = sizeof(pair), .fields = rows[i].fields, .count = rows[i].count};
        ag_err err = {0};
        int rc = ag_describe_verify(&table, &err);
        if (rc != AG_EINTERNAL || !strstr(err.text, rows[i].part)) fail_msg("row %zu gave %d %s", i, rc, err.text);
    }
    ag_err err = {0};
    AG_EXPECT_ERROR(ag_describe_verify(&(ag_description){.name = "x"}, &err), AG_EINTERNAL, "a name and a size");
}

/* A description whose optional member has itself as its default never ends by itself. */
typedef struct endless {
    struct endless *again;
} endless;
static const ag_description endless_description;
static const ag_field endless_fields[] = {
    {.name = "again", .type = AG_FIELD_OPTIONAL, .inner = &endless_description, .fallback = "{}", .doc = "d"}};
static const ag_description endless_description = {
    .name = "endless", .size = sizeof(endless), .fields = endless_fields, .count = 1};

AG_TEST(test_describe__a_table_without_end_is_an_error_and_no_crash)
{
    ag_arena *arena = ag_arena_new(0);
    endless e;
    ag_err err = {0};
    AG_EXPECT_ERROR(ag_describe_read(&endless_description, arena, NULL, NULL, &e, &err), AG_ELIMIT, "nested deeper");
    assert_true(ag_describe_verify(&endless_description, &err) < 0);
    ag_arena_free(arena);
}

static int do_everything(void *context, ag_err *err)
{
    ag_arena *arena = ag_arena_new(0);
    const ag_value *tree;
    ag_buf out;
    sample s;
    (void)context;
    if (!arena) return ag_fail_memory(err, 0);
    ag_buf_init(&out, 1 << 16);
    int rc = read(arena, "{title: x, points: [{x: 1}], tree: {label: y}}", &s, err);
    if (rc == AG_OK) rc = ag_describe_override(&sample_description, arena, NULL, AG_STR("sizes[0]=1"), &tree, err);
    if (rc == AG_OK && (rc = ag_describe_markdown(&sample_description, &out)) < 0)
        ag_fail(err, (ag_code)rc, "no memory for the documentation");
    ag_json json = ag_json_writer(&out, 0, AG_JSON_REFUSE_NONFINITE);
    if (rc == AG_OK && (rc = ag_describe_schema(&sample_description, &json)) < 0)
        ag_fail(err, (ag_code)rc, "no memory for the schema");
    if (rc == AG_OK) rc = ag_json_end_document(&json, err);
    ag_buf_deinit(&out);
    ag_arena_free(arena);
    return rc;
}

AG_TEST(test_describe__failing_memory_leaves_nothing_behind)
{
    assert_true(ag_test_fail_at_n(AG_FAULT_ALLOC, do_everything, NULL, NULL) >= 1);
}
