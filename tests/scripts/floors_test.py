# SPDX-License-Identifier: Apache-2.0
"""A floor's compile line grants its own and the lower floors, and nothing else: looking up must not compile."""
import json
import os
import re
import unittest
from pathlib import Path

FLOORS = ["core", "ledger", "data", "learn", "deploy", "flow", "app"]
SOURCE = Path(os.environ.get("AUGER_SOURCE", Path(__file__).resolve().parents[2]))
BUILD = Path(os.environ.get("AUGER_BUILD", SOURCE / "build"))


class Floors(unittest.TestCase):
    def test_every_file_of_a_floor_sees_only_what_is_below(self):
        seen = set()
        for entry in json.loads((BUILD / "compile_commands.json").read_text()):
            floor = re.fullmatch(r"src/libauger_(\w+)\.a\.p/.*", entry["output"])
            if not floor or floor[1] not in FLOORS:
                continue
            seen.add(floor[1])
            paths = [Path(entry["directory"], path).resolve() for path in re.findall(r"-I\s*(\S+)", entry["command"])]
            granted = {path.name for path in paths if path.parent.name == "floors"}
            allowed = set(FLOORS[: FLOORS.index(floor[1]) + 1])
            self.assertLessEqual(granted, allowed, entry["file"])
            self.assertNotIn((SOURCE / "src").resolve(), paths, entry["file"] + ": all floors are granted at once")
        self.assertIn("core", seen)
        self.assertIn("app", seen)


if __name__ == "__main__":
    unittest.main()
