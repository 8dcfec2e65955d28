# SPDX-License-Identifier: Apache-2.0
"""Every script that people call by hand answers --help with what it does and how it is called, and does nothing else."""
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

SOURCE = Path(os.environ.get("AUGER_SOURCE", Path(__file__).resolve().parents[2]))
# Called by the build and by other scripts, with words that these know.
PARTS = {"commit", "floors", "local-symbols", "sources", "sql"}


class Usage(unittest.TestCase):
    def setUp(self):
        """The scripts alone, where one that did its work instead would find nothing and leave something."""
        self.root = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.root)
        shutil.copytree(SOURCE / "scripts", self.root / "scripts")

    def call(self, name, *words):
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run([f"scripts/{name}", *words], cwd=self.root, env=environment, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=300, check=False)

    def files(self):
        return sorted(path.relative_to(self.root).as_posix() for path in self.root.rglob("*"))

    def test_help_says_how_and_does_nothing(self):
        before = self.files()
        names = [path.name for path in sorted((self.root / "scripts").iterdir()) if os.access(path, os.X_OK)]
        self.assertIn("lint", names)
        for name in sorted(set(names) - PARTS):
            with self.subTest(name):
                answer = self.call(name, "--help")
                self.assertEqual((answer.returncode, answer.stderr), (0, ""))
                self.assertIn(f"Usage: scripts/{name}", answer.stdout)
                self.assertEqual(self.files(), before)

    def test_lint_names_the_steps_that_it_has(self):
        told = self.call("lint", "--help").stdout
        steps = [line.split("_", 1)[1].split("(")[0] for line in (SOURCE / "scripts/lint").read_text().splitlines()
                 if line.startswith("step_")]
        self.assertEqual(sorted(line.split()[0] for line in told.splitlines() if line.startswith("  ")), sorted(steps))
        answer = self.call("lint", "house", "hose")
        self.assertEqual(answer.returncode, 2)
        self.assertIn("lint: there is no step 'hose' (house shell", answer.stderr)
        self.assertEqual(answer.stdout, "", "a step ran before the wrong word was seen")

    def test_what_is_missing_or_wrong_is_said(self):
        for words in (["configure"], ["configure", "fast"], ["fuzz"], ["bench", "nothing-is-called-so"], ["tidy"]):
            with self.subTest(words):
                answer = self.call(*words)
                self.assertEqual(answer.returncode, 2, answer.stderr)
                self.assertNotIn("unbound variable", answer.stderr)
                self.assertNotIn("Traceback", answer.stderr)


if __name__ == "__main__":
    unittest.main()
