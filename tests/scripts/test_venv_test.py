# SPDX-License-Identifier: Apache-2.0
"""Which environment scripts/test-venv gives: with a python3 that only notes what it is asked to make."""
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

SOURCE = Path(os.environ.get("AUGER_SOURCE", Path(__file__).resolve().parents[2]))
PYTHON = """#!/bin/sh
case "$1 ${2:-}" in
"--version ") echo "Python $VERSION" ;;
"-m venv") mkdir -p "$3/bin" && cp "$0" "$3/bin/python" && echo "$3" >>"$MADE" ;;
esac
"""


class Environments(unittest.TestCase):
    def setUp(self):
        self.root = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.root)
        (self.root / "scripts").mkdir()
        (self.root / "bin").mkdir()
        for name in ("test-venv", "usage"):
            shutil.copy(SOURCE / "scripts" / name, self.root / "scripts")
        (self.root / "bin/python3").write_text(PYTHON)
        (self.root / "bin/python3").chmod(0o755)
        (self.root / "needs.txt").write_text("one==1\n")

    def call(self, *words, version="3.11.7"):
        environment = {**os.environ, "PATH": f"{self.root}/bin:{os.environ['PATH']}", "VERSION": version,
                       "MADE": str(self.root / "made")}
        environment.pop("AUGER_VENVS", None)
        return subprocess.run([self.root / "scripts/test-venv", *words], env=environment, capture_output=True, text=True,
                              timeout=300, check=False)

    def python(self, **more):
        answer = self.call("x", "needs.txt", **more)
        self.assertEqual(answer.returncode, 0, answer.stderr)
        return answer.stdout.strip()

    def made(self):
        return len((self.root / "made").read_text().splitlines()) if (self.root / "made").exists() else 0

    def test_one_is_made_again_only_when_what_it_holds_changes(self):
        first = self.python()
        self.assertTrue(first.startswith(str(self.root / "build-venv/x-")), first)
        with open(self.root / "scripts/test-venv", "a", encoding="utf-8") as script:
            script.write("# another word\n")
        self.assertEqual(self.python(), first)
        self.assertEqual(self.made(), 1)
        newer = self.python(version="3.13.1")
        (self.root / "needs.txt").write_text("one==2\n")
        self.assertEqual(len({first, newer, self.python()}), 3)
        self.assertEqual(self.made(), 3)

    def test_help_and_wrong_words_make_nothing(self):
        told = self.call("--help")
        self.assertEqual((told.returncode, told.stderr), (0, ""))
        self.assertIn("Usage: scripts/test-venv NAME", told.stdout)
        self.assertEqual(self.call("x").returncode, 2)
        self.assertEqual(self.made(), 0)


if __name__ == "__main__":
    unittest.main()
