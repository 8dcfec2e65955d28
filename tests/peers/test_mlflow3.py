# SPDX-License-Identifier: Apache-2.0
"""The newest MLflow client against `auger serve`: see mlflow_client.py."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from mlflow_client import *  # noqa: F401,F403: the tests themselves
