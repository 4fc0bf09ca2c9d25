"""Which accelerator torch sees in this process, asked without starting CUDA in it.

A process that started CUDA can fork no child that uses it. So where torch has not started it here,
another process is asked, with this one's variables and search path; it costs an import of torch.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import asdict, dataclass
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pytest_editmetrics.cache.importing import imported, importing
from pytest_editmetrics.errors import EditMetricsError

_GPUS = ("/dev/nvidiactl", "/dev/dxg")
_ASKED = (
    "import sys; sys.path[:] = sys.argv[1].splitlines();"
    " from pytest_editmetrics.cache.accelerator import answer; answer()"
)
_ANSWER = "editmetrics-accelerator: "
_LONGEST = 120  # seconds that a process may take to import torch


@dataclass(frozen=True)
class Accelerator:
    """One that torch sees: what its driver calls it, its kinds (``cuda``), capability (``sm90``).

    Of ROCm the kinds are ``rocm`` and ``cuda``, as torch calls it. ``others`` are accelerators of
    other names that torch sees, too.
    """

    name: str
    kinds: tuple[str, ...]
    capability: str | None = None
    others: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Its names, most specific first.

        >>> Accelerator("NVIDIA H100", ("cuda",), "sm90").names
        ('NVIDIA H100', 'cuda-sm90', 'cuda')
        """
        capability = (f"{self.kinds[0]}-{self.capability}",) if self.capability else ()
        return (self.name, *capability, *self.kinds)


def started_here() -> Accelerator | None:
    """Return the current accelerator if torch started CUDA in this process, else ``None``."""
    torch = imported("torch")
    cuda = getattr(torch, "cuda", None)
    if cuda is None or cuda.is_initialized() is not True:  # of a mock of torch nothing is asked
        return None
    try:
        return seen_by(torch)
    except RuntimeError:  # the device was lost; another process is asked then
        return None


def no_accelerator() -> bool:
    """Tell whether it is known, without importing torch, that torch sees no accelerator."""
    return no_gpu() and not entry_points(group="torch.backends")


def no_gpu() -> bool:
    """Tell whether torch is not installed, or this is a machine without a GPU for it.

    So it is on Linux where CUDA's driver cannot be loaded, which torch would have to load too, and
    torch is no build for another kind of GPU, or where it is a build for the CPU alone.
    """
    try:
        found = find_spec("torch")
    except ValueError:  # somebody put a module there that does not say where it is from
        return False
    if found is None:
        return True
    if sys.platform != "linux" or found.origin is None:
        return False
    try:
        text = Path(found.origin).with_name("version.py").read_text(encoding="utf-8")
    except OSError:
        return False
    cuda, hip, xpu = (
        re.search(rf"^{kind}\b[^=\n]*= *(.+?) *$", text, re.MULTILINE)
        for kind in ("cuda", "hip", "xpu")
    )
    if hip is None or hip[1] != "None" or (xpu is not None and xpu[1] != "None"):
        return False
    if cuda is not None and cuda[1] == "None":
        return True
    if any(Path(device).exists() for device in _GPUS):
        return False
    import ctypes

    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return True
    return False


def seen_by(torch: Any) -> Accelerator | None:
    """Return the accelerator that an imported torch sees. This starts CUDA."""
    if torch.cuda.is_available():
        cuda, count = torch.cuda, torch.cuda.device_count()
        current = cuda.current_device()
        names = [cuda.get_device_name(index) for index in range(count)]
        others = tuple(name for name in dict.fromkeys(names) if name != names[current])
        if torch.version.hip:
            arch = cuda.get_device_properties(current).gcnArchName.partition(":")[0]
            return Accelerator(names[current], ("rocm", "cuda"), arch, others)
        capability = "sm{}{}".format(*cuda.get_device_capability(current))
        return Accelerator(names[current], ("cuda",), capability, others)
    if torch.backends.mps.is_available():
        return Accelerator(_chip(torch), ("mps",))
    if not torch.accelerator.is_available():
        return None
    kind = torch.accelerator.current_accelerator().type
    try:
        name = getattr(torch, kind).get_device_name()
    except (AttributeError, RuntimeError):
        name = kind
    return Accelerator(name, (kind,))


def _chip(torch: Any) -> str:
    """Return what Apple calls the chip, as ``Apple M2 Pro``."""
    with_name = getattr(torch.backends.mps, "get_name", None)
    if with_name is not None:
        return str(with_name())
    command = ["sysctl", "-n", "machdep.cpu.brand_string"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "mps"


def answer() -> None:
    """Print what torch sees in this process: the one that is asked."""
    with importing("torch"):
        import torch

    found = seen_by(torch)
    print(_ANSWER + json.dumps(None if found is None else asdict(found)), flush=True)


def ask_aside() -> Accelerator | None:
    """Return the accelerator that torch sees in a process like this one; of several the first.

    Raises:
        EditMetricsError: that process did not tell.
    """
    folders = "\n".join(entry for entry in sys.path if isinstance(entry, str))
    command = [sys.executable or "python", "-c", _ASKED, folders]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            text=True,
            errors="replace",
            timeout=_LONGEST,
            check=False,
            env=_without_coverage(),
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise _unknown(f"{type(error).__name__}: {error}") from None
    lines = [line for line in done.stdout.splitlines() if line.startswith(_ANSWER)]
    if done.returncode != 0 or not lines:
        said = done.stderr.strip().splitlines()
        last = said[-1][:300] if said else "it said nothing"
        raise _unknown(f"exit status {done.returncode}: {last}")
    told = json.loads(lines[-1].removeprefix(_ANSWER))
    if told is None:
        return None
    return Accelerator(
        told["name"], tuple(told["kinds"]), told["capability"], tuple(told["others"])
    )


def _without_coverage() -> dict[str, str]:
    """Return this process's variables without those by which a coverage of it follows a child."""
    return {name: text for name, text in os.environ.items() if not name.startswith("COV_CORE_")}


def _unknown(why: str) -> EditMetricsError:
    return EditMetricsError(
        "which accelerator torch sees here, which decides what an entry by environment (env) holds,"
        f" could not be asked: a process that imports torch ended with {why}. Mend that, or say"
        " where the edit runs: --editmetrics-env=cpu, or a name of yours"
    )
