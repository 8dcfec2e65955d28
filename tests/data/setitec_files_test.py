# SPDX-License-Identifier: Apache-2.0
"""Every field and every cell of the real drilling files, against a slow reader that shares nothing with the program.

The reader here splits text and compares strings; the cells come from the NumPy files that `auger prepare` writes.
"""
import array
import csv
import json
import os
import struct
import subprocess
import tarfile
import tempfile
import unittest
from pathlib import Path

BUILD = Path(os.environ.get("AUGER_BUILD", "build"))
SOURCE = Path(os.environ.get("AUGER_SOURCE", "."))
ARCHIVE = SOURCE / ".." / "shared" / "data" / "setitec-dev.tar.xz"
ABSENT = -(2**31)
CHANNELS = ["Position (mm)", "I Torque (A)", "I Thrust (A)", "I Torque Empty (A)", "I Thrust Empty (A)", "Step (nb)",
            "Stop code", "Mem Torque min (A)", "Mem Thrust min (A)", "Rotation Speed (rpm)", "Feed Speed (mm/s)",
            "Torque Power (W)", "Gap Length (mm)"]
FUSED = "Stroke Limit (A)Thrust Limit (A)"


def clean(text):
    before = None
    while before != text:
        before = text
        text = text.strip(" \0\t\r")
        text = text.removesuffix("\\u0000").removeprefix("\\u0000")
    return text


def decode(raw):
    head = raw[:raw.index(b"*** Datas")]
    try:
        head.decode("utf-8")
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def read_slowly(path):
    """(fields as (section, name, value), program rows, step results, columns by name)."""
    text = decode(path.read_bytes())
    mark = ";" if text.count(";") > text.count("\t") else "\t"
    lines = [line.split(mark) for line in text.split("\n")]
    fields, tables, section, at = [], {"Program": [], "Step Results": []}, None, 0
    while at < len(lines):
        cells = lines[at]
        at += 1
        if not any(cell.strip() for cell in cells):
            continue
        if cells[0].strip().startswith("***"):
            section = cells[0].strip().strip("*").strip()
            if section == "Datas":
                break
            continue
        names = [cell.strip() for cell in cells]
        while names and not names[-1]:
            names.pop()
        if section in tables:
            names = [part for name in names for part in
                     (["Stroke Limit (A)", "Thrust Limit (A)"] if name == FUSED else [name])]
            while any(cell.strip() for cell in lines[at]) and not lines[at][0].startswith("***"):
                tables[section].append(dict(zip(names, lines[at])))
                at += 1
            continue
        if section == "Control Box Datas" and not "".join(lines[at]):  # names go on after many empty lines
            while not "".join(lines[at]):
                at += 1
            more = [cell.strip() for cell in lines[at] if cell.strip()]
            assert more[0] == names[-1], path
            names += more[1:]
            at += 1
        values = lines[at] + [""] * len(names)
        at += 1
        fields += [(section, name, clean(value)) for name, value in zip(names, values)]
    names = [name.strip() for name in lines[at]]
    rows = [line for line in lines[at + 1:] if line != [""]]
    if len([name for name in names if name]) == 13 and len(rows[0]) == 9:
        names = names[:7]  # those behind are of another version
    columns = {}
    for index, name in enumerate(names):
        name = "Torque Power (W)" if name == "Power (W)" else name
        if name and index < len(rows[0]) and name not in columns:
            columns[name] = [int(row[index].replace(",", "").replace(".", "")) for row in rows]
    return fields, tables["Program"], tables["Step Results"], columns


def number(text):
    return float(text.strip().replace(",", ".")) if text.strip() != "Inf" else "Infinity"


def load_npy(path):
    raw = path.read_bytes()
    assert raw[:6] == b"\x93NUMPY"
    size = struct.unpack("<H", raw[8:10])[0] if raw[6] == 1 else struct.unpack("<I", raw[8:12])[0]
    start = size + (10 if raw[6] == 1 else 12)
    assert b"'<i4'" in raw[:start]
    values = array.array("i")
    values.frombytes(raw[start:])
    return values


class RealFiles(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not ARCHIVE.exists():
            raise unittest.SkipTest("shared/data is absent")
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        root = Path(cls.folder.name)
        with tarfile.open(ARCHIVE) as archive:
            archive.extractall(root)
        cls.input, cls.output = root / "setitec-dev", root / "prepared"
        subprocess.run([BUILD / "auger", "prepare", "-i", cls.input, "-o", cls.output, "--validate", "--quiet"],
                       check=True, stdout=subprocess.DEVNULL)
        with open(cls.output / "holes.csv", newline="") as file:
            cls.holes = [row for row in csv.DictReader(file) if row["reader"] == "setitec"]

    def test_every_cell(self):
        parts, cells = {}, 0
        for hole in self.holes:
            part = int(hole["part"])
            if part not in parts:
                parts[part] = load_npy(self.output / "signals" / f"part-{part:05d}.npy")
            columns = read_slowly(self.input / hole["path"])[3]
            rows, width = int(hole["rows"]), len(CHANNELS)
            start = int(hole["first_row"]) * width
            stored = parts[part][start:start + rows * width]
            for index, name in enumerate(CHANNELS):
                want = columns.get(name, [ABSENT] * rows)
                self.assertEqual(stored[index::width].tolist(), want, (hole["path"], name))
                cells += rows if name in columns else 0
        self.assertEqual(len(self.holes), 123)
        self.assertGreater(cells, 2_000_000)

    def test_every_field(self):
        paths = [str(self.input / hole["path"]) for hole in self.holes]
        out = subprocess.run([BUILD / "auger", "inspect", "--header", "--json", *paths], check=True, capture_output=True)
        seen = [json.loads(line) for line in out.stdout.splitlines()]
        self.assertEqual(len(seen), len(paths))
        compared = 0
        for path, hole in zip(paths, seen):
            fields, program, results, _ = read_slowly(Path(path))
            got = [(field["section"], field["name"], field["text"]) for field in hole["header"]]
            self.assertEqual(got, fields, path)
            unknown = [field for field in hole["header"] if not field["id"] and field["section"] != "External Infos"]
            self.assertEqual(unknown, [], path)
            for rows, stored in ((program, hole["program"]), (results, hole["step_results"])):
                self.assertEqual(len(rows), len(stored), path)
                for row, values in zip(rows, stored):
                    self.assertEqual(list(values.values()), [number(cell) for cell in row.values()], path)
                    compared += len(row)
            compared += len(fields)
        self.assertGreater(compared, 10_000)


if __name__ == "__main__":
    unittest.main()
