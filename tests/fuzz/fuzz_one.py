"""One target under atheris: ``fuzz_one.py TARGET [options and corpus folders of libFuzzer]``."""

from __future__ import annotations

import sys
import warnings

import atheris

with atheris.instrument_imports(include=["pytest_editmetrics", "PIL", "yaml"]):
    from fuzz_targets import Targets

warnings.simplefilter("ignore")
name = sys.argv.pop(1)
atheris.Setup(sys.argv, getattr(Targets(), name))
atheris.Fuzz()
