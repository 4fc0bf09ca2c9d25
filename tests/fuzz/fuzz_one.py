"""One target under atheris, ``FUZZ_TARGET``; takes the options and corpus folders of libFuzzer."""

from __future__ import annotations

import os
import sys
import warnings

import atheris

with atheris.instrument_imports(include=["pytest_editmetrics", "PIL", "yaml"]):
    from fuzz_targets import Targets

warnings.simplefilter("ignore")
name = os.environ["FUZZ_TARGET"]  # libFuzzer starts this script again with its own arguments only
atheris.Setup(sys.argv, getattr(Targets(), name))
atheris.Fuzz()
