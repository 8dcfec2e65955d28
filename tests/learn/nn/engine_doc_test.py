# SPDX-License-Identifier: Apache-2.0
"""The example in docs/engine.md is whole: its files, cut out of the page, compile, and its test passes."""
import os
import shlex
import subprocess
import tempfile
import unittest
from pathlib import Path

SOURCE = Path(os.environ.get("AUGER_SOURCE") or Path(__file__).resolve().parents[3])
BUILD = Path(os.environ.get("AUGER_BUILD") or SOURCE / "build")
LIKE = "tests/test-learn_nn_ops_simple"  # a test of the engine, whose commands show how one is compiled and linked


def write_files(page, root):
    """The files of the page's diff, under root; the paths of those that are compiled."""
    paths, lines = [], None
    for line in page.split("```diff\n")[1].split("```")[0].splitlines():
        if line.startswith("+++ b/"):
            paths.append(line[6:])
            before = SOURCE / line[6:]
            lines = before.read_text().splitlines() if before.exists() else []
            at = len(lines)
        elif line.startswith("+"):
            lines.insert(at, line[1:])
            at += 1
        elif line.startswith(" "):
            at = lines.index(line[1:]) + 1
        if paths and lines is not None and line[:1] in "+ " and not line.startswith("+++"):
            path = root / paths[-1]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("\n".join(lines) + "\n")
    return [path for path in paths if path.endswith(".c")]


class Example(unittest.TestCase):
    def run_in_build(self, command):
        done = subprocess.run(command, cwd=BUILD, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout[-2000:] + done.stderr[-4000:])
        return done.stdout

    def test_compiles_and_passes(self):
        if not (BUILD / LIKE).exists():
            self.skipTest(f"{LIKE} is not built")
        commands = [shlex.split(line) for line in self.run_in_build(["ninja", "-t", "commands", LIKE]).splitlines()]
        like = {"src": next(c for c in commands if c[-1].endswith("src/learn/nn/ops/relu.c")),
                "tests": next(c for c in commands if c[-1].endswith("tests/learn/nn/ops/simple_test.c"))}
        link = next(c for c in commands if "-o" in c and c[c.index("-o") + 1] == LIKE)
        with tempfile.TemporaryDirectory() as folder:
            root, objects = Path(folder), []
            sources = write_files((SOURCE / "docs/engine.md").read_text(), root)
            for path in sources + ["src/learn/nn/ops/ops.c", "src/learn/nn/architecture.c"]:
                command = list(like[path.split("/", maxsplit=1)[0]])
                place = root / path if (root / path).exists() else SOURCE / path
                objects.append(str(root / (place.stem + ".o")))
                for option, value in (("-o", objects[-1]), ("-MF", objects[-1] + ".d"), ("-MQ", objects[-1])):
                    command[command.index(option) + 1] = value
                self.run_in_build([command[0], f"-I{root / 'src'}", *command[1:-1], str(place)])
            own = next(i for i, word in enumerate(link) if word.endswith("simple_test.c.o"))
            link[own:own + 1] = objects
            link[link.index("-o") + 1] = str(root / "example")
            self.run_in_build(link)
            said = self.run_in_build([str(root / "example")])
            self.assertIn("test_mlp__gradients", said)


if __name__ == "__main__":
    unittest.main()
