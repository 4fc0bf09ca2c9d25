"""Models of the package transformers, imported here alone: loaded from a folder, never a network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

from pytest_editmetrics.errors import MissingResourceError, WeightsError
from pytest_editmetrics.pipes.checkpoint import is_no_memory
from pytest_editmetrics.weights.check import read_json_object, sha256_of

INSTALL = "pip install --upgrade 'transformers>=4.57'"
_HEAD = "classifier."


def identity(folder: Path, pipe: str) -> dict[str, str]:
    """Return what features of a model depend on besides its weights: transformers, and its sizes.

    Nothing is imported.

    Raises:
        MissingResourceError: transformers is not installed.
    """
    try:
        version = metadata.version("transformers")
    except metadata.PackageNotFoundError:
        raise _missing(pipe, "which is not installed") from None
    return {"transformers": version, "config": sha256_of(folder / "config.json")}


def read_model_type(folder: Path, classes: Mapping[str, str], what: str) -> str:
    """Return the ``model_type`` that the ``config.json`` in ``folder`` names.

    Raises:
        WeightsError: it is not among ``classes``, which maps model types to transformers' classes.
    """
    path = folder / "config.json"
    kind = read_json_object(path, f"the configuration of a {what} model").get("model_type")
    if kind not in classes:
        raise WeightsError(
            f"{path} describes a model of type {kind!r}; {what} models are of type "
            f"{', '.join(classes)}"
        )
    return str(kind)


def load_pretrained(name: str, folder: Path, device: str, pipe: str) -> Any:
    """Load transformers' class ``name`` from ``folder``, in float32, on its device.

    Only ``model.safetensors`` is read, and no code of the folder is run. The classifier of a model
    that was trained to classify is left out.

    Raises:
        MissingResourceError: transformers is not installed, or too old.
        WeightsError: the weights are not those of the configuration.
    """
    try:
        import transformers

        model_class = getattr(transformers, name)
    except ImportError as error:
        raise _missing(pipe, f"which cannot be imported ({error})") from error
    except AttributeError as error:
        found = f"of which {metadata.version('transformers')} has no {name}"
        raise _missing(pipe, found) from error
    import torch

    try:
        with _quiet():
            model, told = model_class.from_pretrained(
                folder,
                local_files_only=True,
                use_safetensors=True,
                dtype=torch.float32,
                output_loading_info=True,
            )
    except Exception as error:
        if is_no_memory(error):
            raise
        lines = [line for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
        raise WeightsError(f"{folder} cannot be loaded as {name}: {lines[0]}") from error
    problems = [
        *(f"no {key}" for key in sorted(told["missing_keys"])),
        *(f"{key} is of another shape" for key in sorted(map(str, told["mismatched_keys"]))),
        *(f"{k} is unknown" for k in sorted(told["unexpected_keys"]) if not k.startswith(_HEAD)),
    ]
    if problems:
        more = f" and {len(problems) - 3} more" if len(problems) > 3 else ""
        raise WeightsError(
            f"{folder / 'model.safetensors'} does not fit the {name} of "
            f"{folder / 'config.json'}: {'; '.join(problems[:3])}{more}"
        )
    return model.eval().requires_grad_(False).to(device)


def _missing(pipe: str, why: str) -> MissingResourceError:
    return MissingResourceError(
        f"{pipe} needs the package transformers, {why}; install it with: {INSTALL}", pipe=pipe
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep transformers from drawing progress and telling what is an error of ours anyway."""
    from transformers.utils import logging

    verbosity, drawing = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if drawing:
            logging.enable_progress_bar()
