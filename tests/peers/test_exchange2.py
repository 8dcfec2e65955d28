# SPDX-License-Identifier: Apache-2.0
"""Stores of MLflow 2, taken over: see exchange.py."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from exchange import *  # noqa: F401,F403: the tests themselves
