# SPDX-License-Identifier: Apache-2.0
"""What the tests that start servers rely on: what a killed test has started ends with it."""
import select
import signal
import subprocess
import sys
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
ALONE = "import signal, subprocess, ended\n" \
    "subprocess.Popen(['sh', '-c', 'echo up; exec sleep 1000'], preexec_fn=ended.with_parent())\n" \
    "signal.pause()"
GROUP = "import signal, ended\n" \
    "group = ended.Group(['sh', '-c', 'sleep 1000 & echo up; wait'])\n" \
    "signal.pause()"
STOPPED = "import ended\n" \
    "group = ended.Group(['sh', '-c', 'sleep 1000 & echo up; wait'])\n" \
    "input()\n" \
    "group.stop()"


class Ended(unittest.TestCase):
    def begin(self, program):
        """Its standard output is that of all that it starts."""
        test = subprocess.Popen([sys.executable, "-c", program], cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(test.stdout.close)
        self.addCleanup(test.stdin.close)
        self.assertEqual(test.stdout.readline(), b"up\n")
        return test

    def expect_all_gone(self, test):
        self.assertTrue(select.select([test.stdout], [], [], 300)[0], "something that it started goes on")
        self.assertEqual(test.stdout.read(1), b"")

    def test_a_program_ends_when_its_test_is_killed(self):
        test = self.begin(ALONE)
        test.kill()
        self.expect_all_gone(test)
        self.assertEqual(test.wait(), -signal.SIGKILL)

    def test_so_does_one_with_programs_of_its_own(self):
        test = self.begin(GROUP)
        test.kill()
        self.expect_all_gone(test)
        self.assertEqual(test.wait(), -signal.SIGKILL)

    def test_and_it_is_stopped_as_a_whole(self):
        test = self.begin(STOPPED)
        test.stdin.write(b"\n")
        test.stdin.flush()
        self.expect_all_gone(test)
        self.assertEqual(test.wait(), 0)


if __name__ == "__main__":
    unittest.main()
