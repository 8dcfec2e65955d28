# SPDX-License-Identifier: Apache-2.0
"""scripts/test: how it reads what programs print. What it misses here would be a failure that nobody sees."""
import contextlib
import importlib.machinery
import importlib.util
import io
import os
import sys
import tempfile
import unittest
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

    def test_a_program_that_hangs_is_ended_with_its_children(self):
        task = runner.Task("host", "hang", ["sh", "-c", "sleep 100 & wait"], runner.read_script, timeout=0.2)
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(len(runner.run(task, Path(folder)).failed), 1)


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


if __name__ == "__main__":
    unittest.main()
