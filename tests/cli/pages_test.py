#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every page that the program writes is one whole file: what is opened is closed, and nothing is fetched from elsewhere."""
import html.parser
import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

AUGER = os.path.abspath(os.path.join(os.environ.get("AUGER_BUILD", "build"), "auger"))
EMPTY = {"meta", "br", "hr", "img", "input", "link"}  # that HTML never closes
FETCHED = {"src", "href", "xlink:href", "action", "data", "poster", "srcset"}
CONFIG = """strategy: patchtsmixer_24cv
model_config: {sequence_length: 32, patch_length: 8, d_model: 4, num_layers: 1}
training_config: {cross_validation: {n_folds: 3}, batch_size: 16, epochs: 2}
data_config: {preprocessing: {cell_mm: 1.2}}
"""
SERIES = """strategy: forecast
model_config: {architecture: NLinear}
data_config: {context_length: 24, horizon: 6}
training_config: {epochs: 2}
"""


class Page(html.parser.HTMLParser):
    """What is wrong with a page."""

    def __init__(self, text):
        super().__init__()
        self.open = []
        self.wrong = []
        self.feed(text)
        self.close()
        self.wrong += [f"<{tag}> is not closed" for tag in self.open]

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            fetched = name in FETCHED and not (value or "").startswith("#")
            if fetched or re.search(r"url\((?!#)|@import", value or ""):
                self.wrong.append(f"<{tag} {name}={value}> leads elsewhere")
        if tag == "script":
            self.wrong.append("<script>")
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in EMPTY:
            self.open.pop()

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}> at {self.getpos()}")

    def handle_data(self, data):
        if self.open and self.open[-1] == "style" and re.search(r"url\(|@import", data):
            self.wrong.append("a style that fetches")


class Pages(unittest.TestCase):
    """All of them, of one small life."""

    def test_each_is_whole_and_alone(self):
        with tempfile.TemporaryDirectory() as place:
            here = Path(place)

            def auger(*words):
                subprocess.run([AUGER, *words, "--home", "home"], cwd=here, check=True, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE)

            (here / "c.yaml").write_text(CONFIG, encoding="utf-8")
            (here / "s.yaml").write_text(SERIES, encoding="utf-8")
            rows = [f"2020-01-{1 + i // 24:02}T{i % 24:02}:00:00,{i % 12}\n" for i in range(300)]
            (here / "waves.csv").write_text("date,a<b>&\n" + "".join(rows), encoding="utf-8")
            auger("simulate", "drilling", "-o", "files", "--holes", "30", "--seed", "8")
            auger("prepare", "--input-dir", "files", "-o", "data", "--auto-label")
            auger("train", "-c", "c.yaml", "-d", "data", "-o", "out")
            auger("evaluate", "-m", "out", "-d", "files", "--baseline", "auto,legacy", "--output-report", "exam.html")
            auger("evaluate", "-m", "out", "--repeats", "files", "--output-report", "repeats.html")
            auger("label", "evaluate", "--holes", "22", "--real", "files", "--html", "labels.html")
            auger("plot", "out/history.csv", "-x", "epoch", "-y", "train_loss", "--by", "training", "-o", "plot.html")
            auger("train", "-c", "s.yaml", "-d", "waves.csv", "-o", "series")
            auger("predict", "-m", "series", "waves.csv", "--plot", "forecast.html")
            pages = [path for path in sorted(here.rglob("*.html")) if "artifacts" not in path.parts]
            self.assertEqual(len(pages), 8, pages)
            for path in pages:
                text = path.read_text(encoding="utf-8")
                self.assertTrue(text.startswith("<!DOCTYPE html>"), path)
                self.assertIn('charset="utf-8"', text, path)
                self.assertEqual(Page(text).wrong, [], path)


if __name__ == "__main__":
    unittest.main(verbosity=2)
