# SPDX-License-Identifier: Apache-2.0
"""scripts/test: how it reads what programs print. What it misses here would be a failure that nobody sees."""
import argparse
import contextlib
import importlib.machinery
import importlib.util
import io
import os
import subprocess
import sys
import tempfile
import unittest
import unittest.mock
from pathlib import Path

SOURCE = Path(os.environ.get("AUGER_SOURCE") or Path(__file__).resolve().parents[2])


def load():
    loader = importlib.machinery.SourceFileLoader("auger_test", str(SOURCE / "scripts/test"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("auger_test", loader))
    sys.modules["auger_test"] = module
    loader.exec_module(module)
    return module


runner = load()


class Tap(unittest.TestCase):
    def read(self, output, status=0):
        results = runner.read_tap(output, status)
        return results.passed, results.failed, results.skipped

    def test_cases_are_counted(self):
        self.assertEqual(self.read("1..2\nok 1 - a\nok 2 - b\n# ok - program\n"), (2, [], []))

    def test_a_failure_has_its_name(self):
        self.assertEqual(self.read("1..2\nok 1 - a\nnot ok 2 - b\n# not ok - program\n", 1), (1, ["b"], []))

    def test_a_skip_has_its_reason(self):
        output = "1..2\n# skipped: no server\nnot ok 1 # SKIP a\nok 2 - b\n"
        self.assertEqual(self.read(output), (1, [], [("a", "no server")]))

    def test_a_skip_in_the_usual_form_has_its_reason(self):
        self.assertEqual(self.read("1..1\nok 1 - a # SKIP no server\n"), (0, [], [("a", "no server")]))

    def test_a_skip_without_a_reason_says_so(self):
        self.assertEqual(self.read("1..1\nnot ok 1 # SKIP a\n"), (0, [], [("a", "no reason given")]))

    def test_a_reason_belongs_to_one_case(self):
        output = "1..2\n# skipped: no server\nnot ok 1 # SKIP a\nnot ok 2 # SKIP b\n"
        self.assertEqual(self.read(output)[2], [("a", "no server"), ("b", "no reason given")])

    def test_a_crash_is_a_failure(self):
        self.assertEqual(self.read("1..3\nok 1 - a\n", -11)[1], ["planned 3 cases, answered 1"])

    def test_a_crash_after_the_last_case_is_a_failure(self):
        self.assertEqual(self.read("1..1\nok 1 - a\n", -6)[1], ["ended with signal SIGABRT"])

    def test_a_leak_after_the_last_case_is_a_failure(self):
        self.assertEqual(self.read("1..1\nok 1 - a\n", 1)[1], ["ended with exit status 1"])

    def test_a_program_without_cases_is_a_failure(self):
        for output in ("", "1..0\n", "ok 1 - a\n"):
            self.assertEqual(self.read(output)[1], ["no test ran"], output)

    def test_threads_where_there_should_be_one_are_a_failure(self):
        output = "1..1\nok 1 - a\n# threads were made\n"
        results = runner.read_one_thread(output, 0)
        self.assertEqual((results.passed, len(results.failed), results.whole), (1, 1, False))
        self.assertIn("tsan-skip.txt", results.failed[0])
        self.assertEqual(runner.read_one_thread("1..1\nok 1 - a\n", 0).failed, [])
        self.assertEqual(self.read(output), (1, [], []))

    def test_running_too_long_is_a_failure(self):
        self.assertIn("time limit", self.read("1..1\nok 1 - a\n", None)[1][0])


class Others(unittest.TestCase):
    def test_a_script_is_judged_by_its_exit_status(self):
        self.assertEqual(runner.read_script("words\n", 0).passed, 1)
        self.assertEqual(runner.read_script("words\n", 3).failed, ["ended with exit status 3"])
        self.assertEqual(runner.read_script("a\nno zsh here\n", 77).skipped, [("all", "no zsh here")])

    def test_a_script_may_print_tap(self):
        self.assertEqual(runner.read_script("ok 1 - a\n1..1\n", 0).passed, 1)

    def test_unittest_is_counted(self):
        output = "test_a (m.C.test_a) ... ok\ntest_b (m.C.test_b) ... FAIL\ntest_c (m.C) ... skipped 'no server'\n"
        results = runner.read_unittest(output, 1)
        self.assertEqual((results.passed, results.failed, results.skipped), (1, ["test_b"], [("test_c", "no server")]))
        self.assertEqual(runner.read_unittest("SyntaxError\n", 1).failed, ["no test ran"])

    def test_a_skipped_class_of_unittest_is_counted_with_every_python(self):
        for said in ["setUpClass (m.C) ... skipped 'no data'\n", "skipped 'no data'\n"]:
            results = runner.read_unittest(said + "\n----\nRan 0 tests in 0.000s\n\nOK (skipped=1)\n", 0)
            self.assertEqual((results.failed, results.skipped), ([], [("setUpClass", "no data")]), said)

    def test_pytest_is_counted_by_its_report(self):
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder, "r.xml")
            report.write_text('<testsuites><testsuite><testcase classname="m" name="a"/><testcase classname="m" name="b">'
                              '<failure/></testcase><testcase classname="m" name="c"><skipped message="no server"/>'
                              '</testcase></testsuite></testsuites>')
            results = runner.read_pytest(report)("", 1)
            self.assertEqual((results.passed, results.failed, results.skipped), (1, ["m.b"], [("m.c", "no server")]))
            self.assertEqual(runner.read_pytest(Path(folder, "none.xml"))("", 1).failed,
                             ["no report, ended with exit status 1"])

    def test_clients_get_the_environment_that_bears_their_name(self):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "requirements-mlflow.txt").touch()
            (folder / "requirements-mlflow_2.txt").touch()
            wanted = {"test_mlflow.py": "requirements-mlflow.txt", "test_mlflow_runs.py": "requirements-mlflow.txt",
                      "test_mlflow_2_runs.py": "requirements-mlflow_2.txt", "test_mlflows.py": "requirements.txt",
                      "test_s3.py": "requirements.txt"}
            for test, requirements in wanted.items():
                self.assertEqual(runner.requirements_of(folder / test, folder).name, requirements)

    def test_only_some_are_taken_of_the_peers_too(self):
        asked = []
        arguments = argparse.Namespace(peers=True, only="peers/wandb")
        def run(command, **_):
            asked.append(str(command[1]))
            return subprocess.CompletedProcess(command, 0, stdout="python\n")
        with unittest.mock.patch.object(runner, "build"), unittest.mock.patch.object(runner.subprocess, "run", run):
            tasks = runner.collect(arguments, Path("scratch"))
        self.assertEqual([task.name for task in tasks], ["peers/wandb"])
        self.assertEqual(asked, ["wandb"], "environments were made that nothing needs")

    def test_a_program_that_hangs_is_ended_with_its_children(self):
        task = runner.Task("host", "hang", ["sh", "-c", "sleep 100 & wait"], runner.read_script, timeout=0.2)
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(len(runner.run(task, Path(folder)).failed), 1)


class Tasks(unittest.TestCase):
    def test_what_thread_sanitizer_leaves_out_is_a_test_that_is_there(self):
        lines = (SOURCE / "tests/tsan-skip.txt").read_text().splitlines()
        names = [line.partition(": ") for line in lines if line and not line.startswith("#")]
        for name, _, reason in names:
            self.assertTrue((SOURCE / f"tests/{name}_test.c").is_file(), name)
            self.assertTrue(reason, name)
        self.assertEqual(len(names), len({name for name, _, _ in names}))
        self.assertTrue(runner.with_one_thread() <= {name for name, _, _ in names})

    def test_files_are_written_where_the_environment_says(self):
        with unittest.mock.patch.dict(os.environ, {"TMPDIR": "/somewhere"}):
            self.assertIsNone(runner.place_for_files())

    def test_files_are_written_into_memory_only_where_there_is_room(self):
        with unittest.mock.patch.dict(os.environ), unittest.mock.patch.object(runner, "ROOM_NEEDED", 1 << 60):
            os.environ.pop("TMPDIR", None)
            self.assertIsNone(runner.place_for_files())


class Report(unittest.TestCase):
    def report(self, *results):
        task = runner.Task("asan", "core/a", [], None)
        out = io.StringIO()
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(out):
            status = runner.report([(task, result) for result in results], Path(folder, "summary"))
        return status, out.getvalue()

    def test_the_sum_is_the_last_line(self):
        status, text = self.report(runner.Results(passed=3, skipped=[("c", "no server")]))
        self.assertEqual((status, text.splitlines()[-1]), (0, "3 passed, 0 failed, 1 skipped"))
        self.assertIn("core/a c (asan): no server", text)

    def test_failures_are_printed_whole(self):
        status, text = self.report(runner.Results(passed=1, failed=["b"], output="line one\nline two\n"))
        self.assertEqual((status, text.splitlines()[-1]), (1, "1 passed, 1 failed, 0 skipped"))
        self.assertIn("line one\nline two\n", text)


class Chance(unittest.TestCase):
    """What a program that failed gets: another run, alone, or nothing."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def program(self, name, *runs, read=runner.read_tap, timeout=60):
        """A program that does in its nth run what the nth text says, and the last for ever after."""
        lines = [f'count=$(cat "{self.folder}/{len(name)}-{name}" 2>/dev/null || echo 0)',
                 f'echo $((count + 1)) >"{self.folder}/{len(name)}-{name}"', "case $count in"]
        lines += [f"{'*' if i == len(runs) - 1 else i}) {run} ;;" for i, run in enumerate(runs)] + ["esac"]
        return runner.Task("asan", name, ["sh", "-c", "\n".join(lines)], read, timeout=timeout)

    def run_all(self, *tasks, strict=False):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            outcomes = runner.run_all(tasks, self.folder, strict)
            status = runner.report(outcomes, self.folder / "summary")
        self.assertEqual(out.getvalue().splitlines()[-1] + "\n", (self.folder / "summary").read_text())
        return status, out.getvalue()

    def runs_of(self, name):
        return int((self.folder / f"{len(name)}-{name}").read_text())

    BAD = "echo 1..2; echo ok 1 - a; echo not ok 2 - b; echo what b said; exit 1"
    GOOD = "echo 1..2; echo ok 1 - a; echo ok 2 - b"

    def test_a_failure_that_goes_away_is_told_and_forgiven(self):
        status, text = self.run_all(self.program("x", self.BAD, self.GOOD), self.program("yy", self.GOOD))
        self.assertEqual((status, text.splitlines()[-1]), (0, "4 passed, 0 failed, 0 skipped"))
        self.assertRegex(text, r"(?m)^again  asan     x: 1 passed")
        self.assertNotIn("FAILED", text)
        told = text.partition("Passed only when run again, alone (a fault of the test, or a rare one of the program):\n")[2]
        self.assertTrue(told.startswith("  x (asan): b\n1..2\nok 1 - a\nnot ok 2 - b\nwhat b said\n"), text)
        self.assertEqual(self.runs_of("yy"), 1)

    def test_a_failure_that_stays_is_one(self):
        status, text = self.run_all(self.program("x", self.BAD, self.BAD.replace("what", "again what")))
        self.assertEqual((status, text.splitlines()[-1]), (1, "1 passed, 1 failed, 0 skipped"))
        self.assertIn("what b said\n---- run again, alone:\n", text)
        self.assertIn("again what b said\n", text)
        self.assertNotIn("Passed only", text)
        self.assertEqual(self.runs_of("x"), 2)

    def test_two_may_but_not_three(self):
        status, _ = self.run_all(*[self.program("x" * n, self.BAD, self.GOOD) for n in (1, 2)])
        self.assertEqual(status, 0)
        status, text = self.run_all(*[self.program("y" * n, self.BAD, self.GOOD) for n in (1, 2, 3)])
        self.assertEqual((status, text.splitlines()[-1]), (1, "3 passed, 3 failed, 0 skipped"))
        self.assertEqual([self.runs_of("y" * n) for n in (1, 2, 3)], [1, 1, 1])
        self.assertIn("3 programs failed that could be run again", text)

    def test_one_that_is_forgiven_hides_no_other(self):
        status, text = self.run_all(self.program("x", self.BAD, self.GOOD), self.program("a_crash", self.BAD, self.GOOD))
        self.assertEqual((status, text.splitlines()[-1]), (1, "3 passed, 1 failed, 0 skipped"))

    def test_strict_forgives_nothing(self):
        status, text = self.run_all(self.program("x", self.BAD, self.GOOD), strict=True)
        self.assertEqual((status, self.runs_of("x")), (1, 1))
        self.assertRegex(text, r"(?m)^FAILED asan     x: 1 passed")

    def test_running_too_long_may_be_chance(self):
        task = self.program("x", "echo 1..2; exec sleep 600", self.GOOD, timeout=0.2)
        first = runner.run(task, self.folder)
        self.assertEqual((first.status, first.whole, runner.by_chance(task, first)), (None, False, True))

    def test_what_is_skipped_the_second_time_has_not_passed(self):
        second = "echo 1..2; echo ok 1 - a; echo 'ok 2 - b # SKIP no server'"
        self.assertEqual(self.run_all(self.program("x", self.BAD, second))[0], 1)

    def never(self, name, first, **more):
        status, text = self.run_all(self.program(name, first, "echo 1..1; echo ok 1 - a", **more))
        self.assertEqual((status, self.runs_of(name)), (1, 1), text)
        self.assertRegex(text, rf"(?m)^FAILED asan     {name}: ")

    def test_what_is_never_forgiven(self):
        report = "echo 1..1; echo not ok 1 - a; echo '{}'; exit 1"
        for i, said in enumerate((
                "==1==ERROR: AddressSanitizer: heap-use-after-free", "WARNING: ThreadSanitizer: data race (pid=3)",
                "==1==ERROR: LeakSanitizer: detected memory leaks", "x.c:3:5: runtime error: signed integer overflow",
                "Test failed with exception: Segmentation fault(11)", "x.sh: line 3: 77 Aborted  auger train",
                "77 Bus error (core dumped) auger train", "AssertionError: -11 != 0 : auger train",
                "AssertionError: 0 != -6", "died with <Signals.SIGABRT: 6>.",
                "*** buffer overflow detected ***: terminated", "auger ended with exit status 139")):
            self.never(f"r{i}", report.format(said))

    def test_no_crash_and_no_wrong_plan_is_forgiven(self):
        for i, first in enumerate(("echo 1..2; echo ok 1 - a; kill -SEGV $$", "echo 1..1; echo not ok 1 - a; kill -ABRT $$",
                                   "echo 1..1; echo ok 1 - a; kill -BUS $$", "echo 1..2; echo ok 1 - a; exit 0", "true",
                                   "echo 1..1; echo ok 1 - a; exit 1")):
            self.never(f"c{i}", first)
        self.never("script", "exit 139", read=runner.read_script)

    def test_no_test_that_nothing_acknowledged_is_lost_is_forgiven(self):
        bad = "echo 1..1; echo not ok 1 - {}; exit 1"
        for i, case in enumerate(("test_db__a_crash_under_load", "test_sqlite__kill_9_loses_nothing", "lose_nothing",
                                  "test_what_a_killed_server_had", "nothing_is_lost")):
            self.never(f"n{i}", bad.format(case))
        self.never("conformance_server_crash", bad.format("a"))
        self.assertEqual(self.run_all(self.program("x", bad.format("closed_files"), "echo 1..1; echo ok 1 - a"))[0], 0)

    def test_scripts_and_unittest_may_fail_by_chance(self):
        status, _ = self.run_all(
            self.program("x", "exit 1", "exit 0", read=runner.read_script),
            self.program("yy", "echo 'test_a (m.C.test_a) ... FAIL'; exit 1", "echo 'test_a (m.C.test_a) ... ok'",
                         read=runner.read_unittest))
        self.assertEqual(status, 0)


if __name__ == "__main__":
    unittest.main()
