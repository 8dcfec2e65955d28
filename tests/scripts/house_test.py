# SPDX-License-Identifier: Apache-2.0
"""scripts/house on small trees: each rule finds its breach, and leaves the right way alone."""
import importlib.machinery
import importlib.util
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SOURCE = Path(os.environ.get("AUGER_SOURCE") or Path(__file__).resolve().parents[2])
LICENCE = "// SPDX-License-Identifier: Apache-2.0\n"


def load():
    loader = importlib.machinery.SourceFileLoader("house", str(SOURCE / "scripts/house"))
    spec = importlib.util.spec_from_loader("house", loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules["house"] = module
    loader.exec_module(module)
    return module


house = load()


def source(name, body="", comment=None):
    return LICENCE + (comment or f"/* {name}: what it owns. */\n") + body


def header(name, body=""):
    return LICENCE + f"#pragma once\n/* {name}: the contract. */\n" + body


class House(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = Path(self.folder.name)

    def tearDown(self):
        self.folder.cleanup()

    def write(self, path, text):
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def found(self):
        return [(f.path, f.line, f.rule) for f in house.check(self.root)]

    def rules(self):
        return [f.rule for f in house.check(self.root)]

    def test_a_clean_tree_gives_nothing(self):
        self.write("src/core/a.h", header("a.h", "int ag_a(void);\n"))
        self.write("src/core/a.c", source("a.c", '#include "core/a.h"\n\nint ag_a(void)\n{\n    return 1;\n}\n'))
        self.assertEqual(self.found(), [])

    def test_a_floor_that_looks_up_is_found(self):
        self.write("src/core/a.c", source("a.c", '#include "app/b.h"\n'))
        self.write("src/app/c.c", source("c.c", '#include "core/b.h"\n'))
        self.assertEqual(self.found(), [("src/core/a.c", 3, "floor")])

    def test_parents_and_sources_are_not_included(self):
        self.write("src/core/a.c", source("a.c", '#include "../b.h"\n'))
        self.write("tests/core/a_test.c", LICENCE + '#include "core/a.c"\n')
        self.assertEqual(self.found(), [("src/core/a.c", 3, "include"), ("tests/core/a_test.c", 2, "include")])

    def test_public_headers_see_no_floor(self):
        self.write("include/auger/a.h", header("a.h", '#include "core/b.h"\n'))
        self.assertEqual(self.rules(), ["include"])

    def test_a_circle_of_headers_is_named_once(self):
        self.write("src/core/a.h", header("a.h", '#include "core/b.h"\n'))
        self.write("src/core/b.h", header("b.h", '#include "core/c.h"\n'))
        self.write("src/core/c.h", header("c.h", '#include "core/a.h"\n'))
        [finding] = house.check(self.root)
        self.assertEqual(finding.rule, "cycle")
        self.assertIn("src/core/a.h -> src/core/b.h -> src/core/c.h -> src/core/a.h", finding.text)

    def test_banned_calls_are_found_but_not_in_comments_texts_or_members(self):
        body = '/* strcpy(a, b) */\nconst char *t = "strcpy(";\nint x = stream->free(1) + my_free(2);\nint y = atoi("1");\n'
        self.write("src/data/a.c", source("a.c", body))
        self.assertEqual(self.found(), [("src/data/a.c", 6, "call")])

    def test_the_heap_is_for_base_and_tests(self):
        for path in ("src/core/base/mem.c", "tests/x_test.c", "src/core/io/a.c"):
            self.write(path, source(Path(path).name, "void *p = malloc(1);\n"))
        self.assertEqual(self.found(), [("src/core/io/a.c", 3, "call")])

    def test_only_main_ends_the_process(self):
        self.write("src/main.c", source("main.c", "int x = exit(1);\n"))
        self.write("src/app/a.c", source("a.c", "int x = abort();\n"))
        self.assertEqual(self.found(), [("src/app/a.c", 3, "call")])

    def test_statements_belong_into_sql_files(self):
        for path in ("src/core/db/a.c", "src/ledger/a.c"):
            self.write(path, source("a.c", 'const char *s = "SELECT 1";\nconst char *t = "CREATED";\n'))
        self.assertEqual(self.found(), [("src/ledger/a.c", 3, "sql")])

    def test_macros_do_not_hide_a_return(self):
        self.write("src/core/a.h", header("a.h", "#define TRY(x) \\\n    if (x) \\\n        return 1\n#define RETURNED 1\n"))
        self.assertEqual(self.found(), [("src/core/a.h", 4, "macro")])

    def test_the_one_label_is_out(self):
        self.write("src/core/a.c", source("a.c", "goto out;\ngoto fail;\n"))
        self.assertEqual(self.found(), [("src/core/a.c", 4, "label")])

    def long_function(self, lines):
        return source("a.c", "static int long_one(int a)\n{\n" + "    a++;\n" * (lines - 2) + "}\n")

    def test_long_functions_warn_and_then_fail(self):
        for lines, expected in ((60, []), (61, [True]), (120, [True]), (121, [False])):
            self.write("src/core/a.c", self.long_function(lines))
            self.assertEqual([f.warning for f in house.check(self.root)], expected, lines)

    def test_an_allowed_function_passes_and_a_needless_entry_fails(self):
        self.write("src/core/a.c", self.long_function(130))
        self.write("scripts/house-allow.txt", "function-size src/core/a.c:long_one one table\n")
        self.assertEqual(self.rules(), [])
        self.write("src/core/a.c", self.long_function(50))
        self.assertEqual(self.rules(), ["allowed"])

    def test_long_files_warn_and_then_fail(self):
        for lines, expected in ((600, []), (601, [True]), (1001, [False])):
            self.write("src/core/a.c", source("a.c", "int x;\n" * (lines - 2)))
            self.assertEqual([f.warning for f in house.check(self.root)], expected, lines)

    def test_openings(self):
        self.write("src/core/a.c", LICENCE + "/* b.c: was renamed. */\n")
        self.write("src/core/a.h", LICENCE + "/* a.h: a contract. */\n")
        self.write("src/core/b.h", "#pragma once\n/* b.h: a contract. */\n")
        self.assertEqual(sorted(self.rules()), ["comment", "licence", "pragma-once"])

    def test_licence_may_follow_the_interpreter(self):
        self.write("scripts/a", "#!/bin/sh\n# SPDX-License-Identifier: Apache-2.0\n")
        self.assertEqual(self.rules(), [])

    def test_whitespace_tabs_and_machine_paths(self):
        self.write("src/core/a.c", source("a.c", "int a; \n\tint b;\nint c;\r\n// see /home/" + "bob/notes"))
        self.assertEqual(self.rules(), ["whitespace", "tab", "whitespace", "machine-path", "whitespace"])
        self.write("src/core/a.c", source("a.c", '// $work/log "$root"/wo' + 'rk/x\n'))
        self.assertEqual(self.rules(), [])

    def test_build_folders_and_corpora_are_not_looked_at(self):
        self.write("build-x/a.c", "\t")
        self.write("tests/fuzz/corpus/json/a.txt", "\t")
        self.assertEqual(self.rules(), [])

    def test_binaries_are_for_documents_and_examples(self):
        for path in ("docs/images/a.png", "tests/fuzz/corpus/npy/a", "a.whl"):
            self.write(path, "PK\0\1")
        self.assertEqual(self.found(), [("a.whl", 1, "binary")])

    def test_links_lead_to_files_and_headings(self):
        self.write("pages/a.md", "# A page\n\n## How `it` works, twice?\n\n## Again\n\n## Again\n")
        self.write("b.md", "[a](pages/a.md), [b](pages/a.md#how-it-works-twice), [c](pages/a.md#again-1), [d](#me)\n\n"
                   "# Me\n[e](https://example.org/x#y), [f](pages), `[g](none)`\n```\n[h](none.md)\n```\n")
        self.assertEqual(self.found(), [])
        self.write("pages/c.md", "# C\n[up](../b.md#you) [a](a.md#again-2)\n\n[text\nof two lines](none.md)\n")
        self.assertEqual(self.found(), [("pages/c.md", line, "link") for line in (2, 2, 5)])

    def test_documents_that_are_named_are_there(self):
        there, gone = "docs/" + "a.md", "docs/" + "gone.md"
        self.write(there, "# A page\n")
        self.write("src/core/a.c", source("a.c", f"/* {there} tells it. */\n"))
        self.assertEqual(self.found(), [])
        self.write("src/core/a.c", source("a.c", f"/* {gone} tells it. */\n"))
        self.assertEqual(self.found(), [("src/core/a.c", 3, "link")])

    def test_the_program_prints_findings_and_fails(self):
        self.write("src/core/a.c", source("a.c", "\tint b;\n"))
        ended = subprocess.run([SOURCE / "scripts/house", self.root], stdout=subprocess.PIPE, text=True, check=False)
        self.assertEqual(ended.stdout, "src/core/a.c:3: tab: indent with spaces\n")
        self.assertEqual(ended.returncode, 1)


if __name__ == "__main__":
    unittest.main()
