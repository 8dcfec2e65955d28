# SPDX-License-Identifier: Apache-2.0
"""scripts/demo-ledger: without a terminal it shows and stops by itself, on one it goes on until Ctrl-C; either way no
server stays behind and a given home keeps what was logged."""
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import terminal as pseudo  # noqa: E402

SOURCE = Path(os.environ.get("AUGER_SOURCE", "."))
PATIENCE = 500


@unittest.skipUnless(shutil.which("pkg-config") and shutil.which(os.environ.get("CC", "cc")),
                     "a compiler and pkg-config are not installed")
class DemoLedger(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.home = Path(self.directory.name) / "home"
        self.environment = {name: value for name, value in os.environ.items() if name not in ("CI", "AUGER_VENVS")}

    def tearDown(self):
        self.directory.cleanup()

    def command(self):
        return [str(SOURCE / "scripts/demo-ledger"), str(self.home)]

    def expect_gone(self, text):
        address = re.search(r"http://127\.0\.0\.1:(\d+)", text)
        self.assertTrue(address, text)
        found = subprocess.run(["pgrep", "-f", f"serve --home {self.home}"], stdout=subprocess.PIPE, check=False)
        self.assertEqual(found.stdout, b"")

    def expect_shown(self, text):
        self.assertIn("registered version 1 of 'a line'", text)
        self.assertIn("three lea", text)  # as wide as the terminal is
        self.assertIn("Where to look", text)
        self.assertNotIn("the server ended with", text)
        self.expect_gone(text)

    def test_without_a_terminal_it_shows_and_stops(self):
        ended = subprocess.run(self.command(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, timeout=PATIENCE, env=self.environment, check=False)
        self.assertEqual(ended.returncode, 0, ended.stdout)
        self.expect_shown(ended.stdout)
        self.assertNotIn("until Ctrl-C", ended.stdout)
        self.assertTrue((self.home / "auger.db").exists())

    def test_on_a_terminal_it_ends_with_control_c(self):
        child, terminal = pseudo.fork()
        if child == 0:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell cannot trap what it was started to ignore
            os.execve(self.command()[0], self.command(), self.environment)
        text, asked, deadline = b"", False, time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if select.select([terminal], [], [], 1)[0]:
                try:
                    piece = os.read(terminal, 65536)
                except OSError:  # the other side is closed
                    break
                if not piece:
                    break
                text += piece
            if not asked and b"until Ctrl-C" in text:
                asked = True
                os.write(terminal, b"\x03")
        os.close(terminal)
        _, status = os.waitpid(child, 0)
        self.assertTrue(asked, text)
        self.assertEqual(os.waitstatus_to_exitcode(status), 0, text)
        self.expect_shown(text.decode(errors="replace"))


if __name__ == "__main__":
    unittest.main()
