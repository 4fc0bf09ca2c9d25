"""What torch says of computing on the CPU before anyone sets it, remembered between processes.

A session whose every value is in the cache needs nothing else of torch, and importing it takes
longer than all the rest. What it says follows from its files, the packages beside it (one of them
may set it as it is imported), the processor, the cores that the process may use and the
environment: while these are the same, it is not asked again.
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
from importlib.machinery import SourceFileLoader
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from pytest_editmetrics.cache.importing import importing
from pytest_editmetrics.cache.precision import ENVIRONMENT, SETTINGS, precision
from pytest_editmetrics.weights.kept import own_cache
from pytest_editmetrics.weights.seen import identity
from pytest_editmetrics.whole_file import replacing

_PROCESSOR = Path("/proc/cpuinfo")
_CHANGES = re.compile(r"^(cpu MHz|BogoMIPS)\b.*$", re.IGNORECASE | re.MULTILINE)
_VARIABLES = re.compile(r"(ATEN|DNNL|GOMP|KMP|LD|MKL|NVIDIA|OMP|ONEDNN|OPENBLAS|PYTORCH|TORCH)_")
_FILES = ("version.py", "lib/libtorch_cpu.so")
_OPENMP = ("libgomp.so.1", "libiomp5.so", "libomp.so")


class Told(NamedTuple):
    """The version of torch, and how it computes on the CPU, as ``numerics`` names it."""

    torch: str
    threads: int
    instructions: str
    precision: Mapping[str, str]


def on_cpu() -> Told:
    """Return what torch says of the CPU; it is imported only where that is not known.

    Where torch, or a library of threads that it would share, is loaded it is asked, since anyone
    may have set it, and nothing is remembered; nor is it where what the answer depends on is not
    known (all but Linux, and where an import hook loads torch) or changes as torch is imported. A
    folder that cannot be written, and content that is not ours, only cost the import.
    """
    if "torch" in sys.modules or _processor() is None:
        return _asked()
    here = _here()
    if here in _known:
        return _known[here]
    key = _key()
    if key is None or _openmp_loaded():
        return _asked()
    told = _read(key)
    if told is None:
        unset = "torch" not in sys.modules  # no other thread imported it meanwhile
        told = _asked()
        if not unset or _key() != key:
            return told
        _write(key, told)
    _known[here] = told
    return told


_known: dict[object, Told] = {}


def _here() -> object:
    """Return what of a process can change the answer, at the cost of a glance.

    A library of threads comes with a module, a hook is in ``sys.meta_path``.
    """
    hooks, cores = tuple(map(id, sys.meta_path)), tuple(sorted(os.sched_getaffinity(0)))
    variables = _variables()
    told = None if variables is None else tuple(variables)
    return tuple(sys.path), hooks, len(sys.modules), cores, told


def _asked() -> Told:
    with importing("torch"):
        import torch

    return Told(
        torch.__version__,
        torch.get_num_threads(),
        torch.backends.cpu.get_cpu_capability(),
        precision("cpu"),
    )


def _openmp_loaded() -> bool:
    """Tell whether a library is loaded that torch would divide its work among threads with."""
    import ctypes

    for name in _OPENMP:
        with suppress(OSError):
            ctypes.CDLL(name, os.RTLD_NOLOAD)
            return True
    return False


def _key() -> str | None:
    """Return a digest of what the answer depends on, ``None`` where that is not known."""
    processor, files, variables = _processor(), _files(), _variables()
    if processor is None or files is None or variables is None:
        return None
    depends = [SETTINGS, processor, files, sorted(os.sched_getaffinity(0)), variables]
    return sha256(json.dumps(depends).encode()).hexdigest()


@cache
def _processor() -> str | None:
    try:
        told = _PROCESSOR.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return _CHANGES.sub("", told)


def _files() -> list[object] | None:
    """Return where torch would be imported from, what its files are, and folders of packages.

    ``None`` where they are not as in a wheel for Linux: what would change there is not known.
    """
    found = find_spec("torch")
    if found is None or found.origin is None or type(found.loader) is not SourceFileLoader:
        return None
    folder = Path(found.origin).parent
    files = [identity(folder / name) for name in _FILES]
    packages = [identity(Path(entry)) for entry in sys.path if entry.endswith("-packages")]
    return None if None in files else [str(folder), *files, *packages]


def _variables() -> list[tuple[str, str]] | None:
    """Return the variables that torch follows, ``None`` if ``os.environ`` is not what it sees."""
    if not isinstance(os.environ, os._Environ):
        return None
    names = [name for name in os.environ if _VARIABLES.match(name) or name in ENVIRONMENT]
    return sorted((name, os.environ[name]) for name in names)


def _note(key: str) -> Path:
    return own_cache() / "torch" / f"{key}.json"


def _read(key: str) -> Told | None:
    try:
        told = Told(**json.loads(_note(key).read_bytes()))
    except (OSError, ValueError, TypeError, RuntimeError):  # no home directory is a RuntimeError
        return None
    if not isinstance(told.threads, int) or not isinstance(told.precision, dict):
        return None
    texts = (told.torch, told.instructions, *told.precision.values())
    return told if all(isinstance(text, str) for text in texts) else None


def _write(key: str, told: Told) -> None:
    with suppress(OSError, RuntimeError):
        note = _note(key)
        note.parent.mkdir(parents=True, exist_ok=True)
        with replacing(note) as temporary:
            temporary.write_text(json.dumps(told._asdict()), encoding="ascii")
