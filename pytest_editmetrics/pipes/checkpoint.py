"""Reading weights: tensors by name, and whether they are what a model needs."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_editmetrics.cache.replaced_library import READING, replaced_in
from pytest_editmetrics.errors import EditMetricsError, WeightsError
from pytest_editmetrics.images.replacements import package_of, told

if TYPE_CHECKING:
    import torch

_NO_MEMORY = (
    "out of memory",
    "can't allocate memory",
    "not enough memory",
    "could not create a primitive",  # oneDNN's words where it gets no memory for a convolution
)


def read_state_dict(path: Path) -> dict[str, torch.Tensor]:
    """Read a ``.safetensors`` file or a PyTorch checkpoint into CPU tensors; nothing is executed.

    Raises:
        WeightsError: it cannot be read, or holds something else than named tensors.
    """
    import torch

    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            replaced_in(READING)
            state: Any = load_file(path)
        else:
            # torch.load itself is often wrapped, to load what runs code
            from torch.serialization import load

            if package_of(load) != "torch":
                raise WeightsError(
                    f"{path} is not read: torch.serialization.load is replaced by {told(load)},"
                    " which may run code of the file; undo that, or save it as .safetensors"
                )
            replaced_in(READING)
            mmap = zipfile.is_zipfile(path)
            state = load(path, map_location="cpu", weights_only=True, mmap=mmap)
    except (MemoryError, EditMetricsError):
        raise
    except Exception as error:
        if is_no_memory(error):
            raise
        raise WeightsError(f"{path} cannot be read as weights: {error}") from error
    if not isinstance(state, dict) or not all(
        isinstance(name, str) and isinstance(tensor, torch.Tensor) for name, tensor in state.items()
    ):
        raise WeightsError(
            f"{path} holds no plain state dict (names and tensors); save model.state_dict()"
        )
    return state


def read_state_dicts(paths: Sequence[Path]) -> dict[str, torch.Tensor]:
    """Read weights that lie in one file or in several shards; raises as ``read_state_dict`` does.

    Raises:
        WeightsError: two shards hold a tensor of one name.
    """
    state: dict[str, torch.Tensor] = {}
    for path in paths:
        more = read_state_dict(path)
        if twice := sorted(state.keys() & more.keys()):
            raise WeightsError(f"{path} holds {twice[0]}, which another shard holds too")
        state.update(more)
    return state


def check_fit(
    needed: Mapping[str, Sequence[int]],
    state: Mapping[str, torch.Tensor],
    path: Path,
    what: str,
) -> None:
    """Raise ``WeightsError`` unless ``state``, read from ``path``, is what ``what`` needs.

    ``needed`` maps names to shapes; no tensor may be missing, left over, or of another shape. The
    message names the first ones.
    """
    problems = [
        *(f"no {name}" for name in needed if name not in state),
        *(
            f"{name} is {list(state[name].shape)}, should be {list(shape)}"
            for name, shape in needed.items()
            if name in state and tuple(state[name].shape) != tuple(shape)
        ),
        *(f"{name} is unknown" for name in state if name not in needed),
    ]
    if problems:
        more = f" and {len(problems) - 3} more" if len(problems) > 3 else ""
        raise WeightsError(f"{path} does not fit {what}: {'; '.join(problems[:3])}{more}")


def is_no_memory(error: BaseException) -> bool:
    """Tell whether an error means that memory ran out, on any device."""
    text = str(error).lower()
    return isinstance(error, MemoryError) or any(sign in text for sign in _NO_MEMORY)
