# SPDX-License-Identifier: Apache-2.0
"""What Python's csv and pandas need for the same files: header into a dict, samples into columns of numbers.

Prints one line per reader: name, seconds, and the sum of the position column, which the caller compares.
Usage: data_reader.py FOLDER
"""
import csv
import sys
import time
from pathlib import Path

FILES = sorted(Path(sys.argv[1]).rglob("*.xls"))


def split(path):
    text = path.read_text(encoding="latin-1")
    at = text.index("*** Datas")
    return text[:at], text[text.index("\n", at) + 1:]


def read_header(text):
    lines = list(csv.reader(text.split("\n"), delimiter="\t", quoting=csv.QUOTE_NONE))
    return {name: value for names, values in zip(lines, lines[1:]) for name, value in zip(names, values) if name}


def with_csv(path):
    head, table = split(path)
    read_header(head)
    rows = csv.reader(table.split("\n"), delimiter="\t", quoting=csv.QUOTE_NONE)
    next(rows)
    columns = zip(*([float(cell.replace(",", ".")) for cell in row] for row in rows if row))
    return sum(next(columns))


def with_pandas(path):
    import io

    import pandas
    head, table = split(path)
    read_header(head)
    names, _, body = table.partition("\n")
    width = body.partition("\n")[0].count("\t") + 1
    frame = pandas.read_csv(io.StringIO(body), sep="\t", decimal=",", header=None, names=names.split("\t")[:width],
                            engine="c")
    return float(frame.iloc[:, 0].sum())


for name, read in (("csv", with_csv), ("pandas", with_pandas)):
    try:
        read(FILES[0])
    except ImportError:
        print(f"{name} absent")
        continue
    start = time.perf_counter()
    total = sum(read(path) for path in FILES)
    print(f"{name} {time.perf_counter() - start:.6f} {total:.3f}")
