"""What torch says of computing on the CPU before anyone sets it, remembered between processes.

A session whose every value is in the cache needs nothing else of torch, and importing it takes
longer than all the rest. What it says follows from its files, the processor, the cores that the
process may use and the environment: while these are the same, it is not asked again.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from pytest_editmetrics.cache.precision import precision
from pytest_editmetrics.weights.kept import own_cache
from pytest_editmetrics.weights.seen import identity
from pytest_editmetrics.whole_file import replacing

_PROCESSOR = Path("/proc/cpuinfo")
_CHANGES = re.compile(r"^(cpu MHz|BogoMIPS)\b.*$", re.IGNORECASE | re.MULTILINE)
_VARIABLES = re.compile(r"(ATEN|DNNL|GOMP|KMP|LD|MKL|NVIDIA|OMP|ONEDNN|OPENBLAS|PYTORCH|TORCH)_")
_FILES = ("version.py", "lib/libtorch_cpu.so")


class Told(NamedTuple):
    """The version of torch, and how it computes on the CPU, as ``numerics`` names it."""

    torch: str
    threads: int
    instructions: str
    precision: Mapping[str, str]


def on_cpu() -> Told:
    """Return what torch says of the CPU; it is imported only where that is not known.

    Where torch is imported it is asked, since anyone may have set it, and nothing is remembered;
    nor is it where the system does not tell what the answer depends on (all but Linux). A folder
    that cannot be written, and content that is not ours, only cost the import.
    """
    if "torch" in sys.modules or (key := _key()) is None:
        return _asked()
    if key not in _known:
        told = _read(key)
        if told is None:
            told = _asked()
            _write(key, told)
        _known[key] = told
    return _known[key]


_known: dict[str, Told] = {}


def _asked() -> Told:
    import torch

    return Told(
        torch.__version__,
        torch.get_num_threads(),
        torch.backends.cpu.get_cpu_capability(),
        precision("cpu"),
    )


def _key() -> str | None:
    """Return a digest of what the answer depends on, ``None`` where that is not known."""
    processor, files = _processor(), _files(tuple(sys.path))
    if processor is None or files is None:
        return None
    variables = sorted((name, os.environ[name]) for name in os.environ if _VARIABLES.match(name))
    depends = [processor, files, sorted(os.sched_getaffinity(0)), os.cpu_count(), variables]
    return sha256(json.dumps(depends).encode()).hexdigest()


@cache
def _processor() -> str | None:
    try:
        told = _PROCESSOR.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return _CHANGES.sub("", told)


@cache
def _files(path: tuple[str, ...]) -> list[object] | None:
    """Return where torch would be imported from along ``path``, and what its files are.

    ``None`` where they are not as in a wheel for Linux: what would change there is not known.
    """
    found = find_spec("torch")
    if found is None or found.origin is None:
        return None
    folder = Path(found.origin).parent
    files = [identity(folder / name) for name in _FILES]
    return None if None in files else [str(folder), *files]


def _note(key: str) -> Path:
    return own_cache() / "torch" / f"{key}.json"


def _read(key: str) -> Told | None:
    try:
        told = Told(**json.loads(_note(key).read_bytes()))
    except (OSError, ValueError, TypeError, RuntimeError):  # no home directory is a RuntimeError
        return None
    whole = isinstance(told.threads, int) and isinstance(told.precision, dict)
    return told if whole and {type(told.torch), type(told.instructions)} == {str} else None


def _write(key: str, told: Told) -> None:
    with suppress(OSError, RuntimeError):
        note = _note(key)
        note.parent.mkdir(parents=True, exist_ok=True)
        with replacing(note) as temporary:
            temporary.write_text(json.dumps(told._asdict()), encoding="ascii")
