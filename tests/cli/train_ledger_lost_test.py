#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The ledger goes away in the middle of a training of several folds: the folds are trained all the same, the model is
written, the loss is told, and --resume records what was trained into a new ledger."""
import fcntl
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

AUGER = os.path.join(os.environ.get("AUGER_BUILD", "build"), "auger")
CONFIG = """strategy: patchtsmixer_24cv
model_config: {sequence_length: 32, patch_length: 8, d_model: 4, num_layers: 1}
training_config: {cross_validation: {n_folds: 4}, batch_size: 16, epochs: 60}
data_config: {preprocessing: {cell_mm: 1.2}}
"""


class LostLedger(unittest.TestCase):
    """One training, whose home is moved away when its first fold has begun."""

    def test_folds_go_on(self):
        with tempfile.TemporaryDirectory() as place:
            here = Path(place)
            quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "check": True, "cwd": here}
            subprocess.run([AUGER, "simulate", "drilling", "-o", "files", "--holes", "30", "--seed", "8"], **quiet)
            subprocess.run([AUGER, "prepare", "--input-dir", "files", "-o", "data", "--auto-label"], **quiet)
            (here / "c.yaml").write_text(CONFIG, encoding="utf-8")
            words = [AUGER, "train", "-c", "c.yaml", "-d", "data", "-o", "out", "--home", "home", "-j", "1",
                     "--progress", "plain"]
            with subprocess.Popen(words, cwd=here, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                  text=True) as training:
                # So that it waits for who reads: it cannot be at its third fold before its home is moved.
                fcntl.fcntl(training.stderr, fcntl.F_SETPIPE_SZ, 4096)
                said = ""
                while "fold-01: epoch 1" not in said:
                    line = training.stderr.readline()
                    self.assertTrue(line, said)
                    said += line
                (here / "home").rename(here / "gone")
                said += training.stderr.read()
            self.assertEqual(training.returncode, 1, said)
            self.assertIn("fold-01 is trained, but not recorded", said)  # it had begun when the ledger was there
            self.assertIn("fold-03 begins, and is not recorded", said)
            self.assertNotIn("fold-03 is trained, but not recorded", said)
            self.assertIn("moved or removed while it was in use", said)
            self.assertIn("error: the model is written, but its run is not recorded to the end", said)
            self.assertIn("with --resume records it and trains nothing again", said)
            self.assertTrue((here / "out" / "model" / "auger.json").exists())
            again = subprocess.run(words + ["--resume"], cwd=here, capture_output=True, text=True, check=True)
            self.assertIn("fold-04: going on after step", again.stderr)
            listed = subprocess.run([AUGER, "runs", "list", "--home", "home"], cwd=here, capture_output=True, text=True,
                                    check=True)
            self.assertIn("fold-03", listed.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
