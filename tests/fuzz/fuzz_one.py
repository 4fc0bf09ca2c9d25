"""One target under atheris, ``FUZZ_TARGET``; takes the options and corpus folders of libFuzzer."""

from __future__ import annotations

import os
import shlex
import sys
import tempfile
import warnings
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["pytest_editmetrics", "PIL", "yaml"]):
    from fuzz_targets import Targets

warnings.simplefilter("ignore")
name = os.environ["FUZZ_TARGET"]
# libFuzzer starts this again, by a shell, to merge what it found
sys.argv[0] = shlex.join([sys.executable, __file__])
with tempfile.TemporaryDirectory(prefix="editmetrics-fuzz-") as folder:
    atheris.Setup(sys.argv, getattr(Targets(Path(folder)), name))
    atheris.Fuzz()
