// SPDX-License-Identifier: Apache-2.0
/* path_test.c: one table of hostile paths, met by path.c alone and by uri.c and path.c together. */
#include "frame/test.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/io/file.h"
#include "core/io/path.h"
#include "core/io/uri.h"

static atomic_bool over;

typedef struct path_case {
    ag_str path; /* as it stands after its one decoding */
    bool allowed;
} path_case;

#define BAD(text) {{text, sizeof(text) - 1}, false}
#define GOOD(text) {{text, sizeof(text) - 1}, true}

static const path_case cases[] = {
    /* plain traversal */
    BAD(".."),
    BAD("../etc/passwd"),
    BAD("a/../../b"),
    BAD("a/.."),
    BAD("./a"),
    BAD("a/./b"),
    BAD("."),
    BAD(".../../x"),
    BAD("/etc/passwd"),
    BAD("//etc/passwd"),
    BAD("a//b"),
    BAD("a/"),
    BAD(""),
    BAD("/"),
    /* backslashes */
    BAD("..\\..\\x"),
    BAD("a\\b"),
    BAD("\\\\server\\share"),
    BAD("a/..\\b"),
    /* escapes that a second decoding would turn into one of the above, in both cases of letters, and a third */
    BAD("%2e%2e/x"),
    BAD("%2E%2E/x"),
    BAD(".%2e/x"),
    BAD("a%2fb"),
    BAD("a%2Fb"),
    BAD("..%2f..%2fx"),
    BAD("%5c..%5c"),
    BAD("%2e%2e%5cx"),
    BAD("%252e%252e/x"),
    BAD("%25252e/x"),
    BAD("a%255cb"),
    BAD("x%00.png"),
    BAD("x%0a"),
    BAD("%7f"),
    /* bytes, overlong and surrogate UTF-8 among them */
    BAD("a\0b"),
    BAD("a\nb"),
    BAD("a\x1f"),
    BAD("a\x7f"),
    BAD("\xc0\xae\xc0\xae/x"),
    BAD("\xff"),
    BAD("a\xed\xa0\x80"),
    BAD("\xe0\x80\xae/x"),
    /* drives and addresses */
    BAD("c:/x"),
    BAD("C:\\x"),
    BAD("c:"),
    BAD("z:x"),
    BAD("file:///etc/passwd"),
    BAD("s3://bucket/../x"),
    BAD("http://h/x"),
    /* what must still work */
    GOOD("a"),
    GOOD("a/b/c.csv"),
    GOOD("..."),
    GOOD("a..b"),
    GOOD("..a"),
    GOOD(".hidden/x"),
    GOOD("100% sure"),
    GOOD("50%"),
    GOOD("a%zz"),
    GOOD("a%41b"),
    GOOD("gr\xc3\xbc\xc3\x9f"
         "e/\xe2\x82\xac"),
    GOOD("a b"),
    GOOD("ab:c"),
    GOOD("~root"),
    GOOD("$(x)"),
};

#define CASES (sizeof(cases) / sizeof(*cases))

AG_TEST(test_path__hostile_ones_are_refused_and_plain_ones_are_not)
{
    for (size_t i = 0; i < CASES; i++) {
        ag_err err = {0};
        int rc = ag_path_check(cases[i].path, &err);
        if ((rc >= 0) != cases[i].allowed || (rc < 0 && (rc != AG_EDENIED || !err.text[0])))
            fail_msg("case %zu '%s': %d %s", i, cases[i].path.data, rc, err.text);
    }
}

/* The same paths in an address: as they are, percent-encoded, and doubly encoded. What the parser lets through must be
 * judged by the check as before; it must never turn a bad path into a good one. */
AG_TEST(test_path__hostile_ones_are_refused_in_an_address)
{
    static const char *const schemes[] = {"mlflow-artifacts", "s3", NULL};
    for (size_t i = 0; i < CASES; i++) {
        for (int times = 0; times < 3; times++) {
            ag_err err = {0};
            ag_uri uri;
            ag_arena *arena = ag_arena_new(0);
            ag_buf text, encoded;
            ag_buf_init(&text, 4096);
            ag_buf_init(&encoded, 4096);
            ag_buf_add_str(&encoded, cases[i].path);
            for (int k = 0; k < times; k++) {
                ag_buf_clear(&text);
                ag_percent_encode(&text, ag_buf_str(&encoded), k == 0 ? "/" : "");
                ag_buf_clear(&encoded);
                ag_buf_add_str(&encoded, ag_buf_str(&text));
            }
            ag_buf_clear(&text);
            ag_buf_addf(&text, "s3://bucket/");
            ag_buf_add_str(&text, ag_buf_str(&encoded));
            int rc = ag_uri_parse(arena, ag_buf_str(&text), schemes, &uri, &err);
            if (rc >= 0) rc = ag_path_check(ag_str_slice(uri.path, 1, uri.path.size), &err);
            if (rc >= 0 && !cases[i].allowed) fail_msg("case %zu encoded %d times got through", i, times);
            if (rc < 0 && cases[i].allowed && times == 1) fail_msg("case %zu: %s", i, err.text);
            ag_buf_deinit(&text);
            ag_buf_deinit(&encoded);
            ag_arena_free(arena);
        }
    }
}

AG_TEST(test_path__sizes_are_limited)
{
    ag_err err = {0};
    char text[5000];
    memset(text, 'a', sizeof(text));
    AG_EXPECT_OK(ag_path_check((ag_str){text, 255}, &err));
    AG_EXPECT_ERROR(ag_path_check((ag_str){text, 256}, &err), AG_EDENIED, "255");
    for (size_t i = 200; i < sizeof(text); i += 200) text[i] = '/';
    AG_EXPECT_OK(ag_path_check((ag_str){text, 4096}, &err));
    AG_EXPECT_ERROR(ag_path_check((ag_str){text, 4097}, &err), AG_EDENIED, "4096");
}

AG_TEST(test_path__parts)
{
    static const char *const table[][4] = {
        {"a/b.csv", "b.csv", "a", "csv"},
        {"b.tar.gz", "b.tar.gz", ".", "gz"},
        {"/x", "x", "/", ""},
        {"/", "", "/", ""},
        {"a//b", "b", "a", ""},
        {".bashrc", ".bashrc", ".", ""},
        {"a.d/b", "b", "a.d", ""},
        {"", "", ".", ""},
        {"x.", "x.", ".", ""},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        ag_str path = ag_str_of(table[i][0]);
        assert_true(ag_str_is(ag_path_name(path), table[i][1]));
        assert_true(ag_str_is(ag_path_parent(path), table[i][2]));
        assert_true(ag_str_is(ag_path_extension(path), table[i][3]));
    }
    ag_arena *arena = ag_arena_new(0);
    assert_string_equal(ag_path_join(arena, "a", "b"), "a/b");
    assert_string_equal(ag_path_join(arena, "a/", "b"), "a/b");
    assert_string_equal(ag_path_join(arena, "", "b"), "b");
    assert_string_equal(ag_path_join(arena, "a", ""), "a");
    ag_arena_free(arena);
}

static char *make(ag_arena *arena, const char *dir, const char *name)
{
    return ag_path_join(arena, dir, name);
}

AG_TEST(test_path__links_that_leave_the_root_are_refused)
{
    ag_err err = {0};
    char *out = NULL;
    ag_arena *arena = ag_arena_new(0);
    const char *dir = ag_test_dir();
    const char *root = make(arena, dir, "root");
    AG_EXPECT_OK(ag_dir_make(make(arena, root, "in/deep"), &err));
    AG_EXPECT_OK(ag_dir_make(make(arena, dir, "rootless"), &err));
    AG_EXPECT_OK(ag_file_replace(make(arena, dir, "secret"), "x", 1, &err));
    assert_int_equal(symlink("../secret", make(arena, root, "file")), 0);
    assert_int_equal(symlink("..", make(arena, root, "up")), 0);
    assert_int_equal(symlink("/etc", make(arena, root, "etc")), 0);
    assert_int_equal(symlink("../rootless", make(arena, root, "sibling")), 0); /* shares the root's name as a prefix */
    assert_int_equal(symlink("../not-yet", make(arena, root, "dangling")), 0);
    assert_int_equal(symlink("loop", make(arena, root, "loop")), 0);
    assert_int_equal(symlink("in", make(arena, root, "inside")), 0);
    static const char *const bad[] = {"file",      "up/secret", "up",         "etc/passwd", "etc/new/file",
                                      "sibling/x", "dangling",  "dangling/x", "loop/x",     "inside/../x"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        if (ag_path_under(arena, root, ag_str_of(bad[i]), &out, &err) != AG_EDENIED) fail_msg("%s got through", bad[i]);
    static const char *const good[] = {"in/deep/x", "inside/deep/y", "new/a/b", "in"};
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
        AG_EXPECT_OK(ag_path_under(arena, root, ag_str_of(good[i]), &out, &err));
        assert_string_equal(out, make(arena, root, good[i]));
    }
    AG_EXPECT_ERROR(ag_path_under(arena, make(arena, dir, "absent"), AG_STR("a"), &out, &err), AG_ENOTFOUND, "absent");
    AG_EXPECT_OK(ag_path_under(arena, make(arena, dir, "root///"), AG_STR("in"), &out, &err));
    AG_EXPECT_OK(ag_path_under(arena, "/", AG_STR("etc"), &out, &err));
    assert_string_equal(out, "/etc");
    ag_arena_free(arena);
}

static int under(void *context, ag_err *err)
{
    char *out;
    ag_arena *arena = ag_arena_new(0);
    if (!arena) return ag_fail_memory(err, 1);
    int rc = ag_path_under(arena, context, AG_STR("a/b"), &out, err);
    ag_arena_free(arena);
    return rc;
}

/* Makes and removes the file at *context until the test is over. */
static void *blink(void *context)
{
    const char *path = context;
    while (!atomic_load(&over)) {
        int file = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        if (file >= 0) (void)close(file);
        (void)unlink(path);
    }
    return NULL;
}

AG_TEST(test_path__a_file_that_appears_meanwhile_is_no_link)
{
    enum { TRIES = 20000 };
    ag_err err = {0};
    pthread_t thread;
    char path[4096], *under;
    const char *root = ag_test_dir();
    ag_arena *arena = ag_arena_new(0);
    ag_format(path, sizeof path, "%s/some", root);
    atomic_store(&over, false);
    assert_int_equal(pthread_create(&thread, NULL, blink, path), 0);
    int rc = 0;
    for (int i = 0; i < TRIES && rc >= 0; i++) rc = ag_path_under(arena, root, AG_STR("some"), &under, &err);
    atomic_store(&over, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    AG_EXPECT_OK(rc);
    ag_arena_free(arena);
}

AG_TEST(test_path__every_failure_is_reported)
{
    ag_test_fail_at_n(AG_FAULT_FILE | AG_FAULT_ALLOC, under, NULL, (void *)(uintptr_t)ag_test_dir());
}
