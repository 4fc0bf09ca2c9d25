"""Models and processors of the package transformers, from a folder and never a network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_editmetrics.cache.importing import importing
from pytest_editmetrics.cache.replaced_library import READING, replaced_in
from pytest_editmetrics.errors import MissingResourceError, WeightsError
from pytest_editmetrics.pipes.checkpoint import check_fit, is_no_memory
from pytest_editmetrics.weights.check import read_json_object

if TYPE_CHECKING:
    import torch

    from pytest_editmetrics.weights.folders import FoundWeights

INSTALL = "pip install --upgrade 'transformers>=4.57'"
_HEAD = "classifier."
_NO_NUMBERS = {
    "architectures", "dtype", "torch_dtype", "transformers_version", "_name_or_path",
    "initializer_range", "initializer_factor", "id2label", "label2id", "_commit_hash",
}  # fmt: skip


def numbers_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a model's configuration says but for what changes no number."""
    return {name: value for name, value in config.items() if name not in _NO_NUMBERS}


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


def configured(
    name: str,
    config: Mapping[str, Any],
    state: Mapping[str, torch.Tensor],
    weights: Path,
    source: Path,
    pipe: str,
) -> Any:
    """Return transformers' vision model ``name`` of a configuration and tensors without prefix.

    Args:
        name: its class.
        config: as its ``config.json`` says.
        state: its tensors, each without ``vision_model.``.
        weights: the file they were read from, for messages.
        source: that of the configuration.
        pipe: which needs it.

    Raises:
        MissingResourceError: transformers is not installed, or too old.
        WeightsError: the configuration makes no model, or the tensors do not fit it.
    """
    model_class = _class(name, pipe)
    try:
        with _quiet():
            model = model_class(model_class.config_class(**config)).float()
    except Exception as error:
        if is_no_memory(error):
            raise
        raise WeightsError(f"{source} makes no {name}: {_first_line(error)}") from error
    named = {one.removeprefix("vision_model."): one for one in model.state_dict()}
    needed = {bare: model.state_dict()[one].shape for bare, one in named.items()}
    check_fit(needed, state, weights, f"the {name} of {source}")
    # copied, not assigned: where a tensor lies in its file decides the last bits of what it gives
    model.load_state_dict({named[bare]: tensor for bare, tensor in state.items()})
    return model.eval().requires_grad_(False)


def image_processor_class(kind: str) -> Any:
    """Return transformers' image processor of this name, ``None`` if it has none.

    That of version 4 which computes as version 5 does ends in ``Fast``.

    Raises:
        ImportError: transformers cannot be imported.
    """
    with importing("transformers"):
        import transformers

    names = (f"{kind}Fast", kind) if transformers.__version__.startswith("4.") else (kind,)
    found = next((getattr(transformers, name, None) for name in names), None)
    return found if hasattr(found, "valid_kwargs") else None


def image_processor(kind: str, fields: Mapping[str, Any], source: str) -> Any:
    """Make transformers' image processor of this name; ``source`` names what the fields are from.

    Raises:
        ImportError: transformers cannot be imported.
        WeightsError: it takes no such fields.
    """
    try:
        with _quiet():
            return image_processor_class(kind)(**fields)
    except ImportError:
        raise
    except Exception as error:
        raise WeightsError(
            f"{source}: transformers' {kind} cannot be made of it: {error}"
        ) from error


def load_pretrained(name: str, found: FoundWeights, device: str, pipe: str) -> Any:
    """Load transformers' class ``name`` from the folder of ``found``, in float32, on its device.

    Only safetensors are read, and no code of the folder is run. The classifier of a model
    that was trained to classify is left out.

    Raises:
        MissingResourceError: transformers is not installed, or too old.
        WeightsError: the weights are not those of the configuration.
    """
    import torch

    model_class, folder = _class(name, pipe), found.path
    replaced_in(READING)
    try:
        with _quiet():
            model, told = model_class.from_pretrained(
                folder,
                local_files_only=True,
                use_safetensors=True,
                variant="fp16" if ".fp16" in found.files[0].name else None,
                dtype=torch.float32,
                output_loading_info=True,
            )
    except Exception as error:
        if is_no_memory(error):
            raise
        raise WeightsError(f"{folder} cannot be loaded as {name}: {_first_line(error)}") from error
    problems = [
        *(f"no {key}" for key in sorted(told["missing_keys"])),
        *(f"{key} is of another shape" for key in sorted(map(str, told["mismatched_keys"]))),
        *(f"{k} is unknown" for k in sorted(told["unexpected_keys"]) if not k.startswith(_HEAD)),
    ]
    if problems:
        more = f" and {len(problems) - 3} more" if len(problems) > 3 else ""
        raise WeightsError(
            f"{found.files[0]} does not fit the {name} of "
            f"{folder / 'config.json'}: {'; '.join(problems[:3])}{more}"
        )
    return model.eval().requires_grad_(False).to(device)


def own_model(name: str, found: FoundWeights) -> Any:
    """Return transformers' model ``name`` as it loads it by itself from a folder, in float32.

    Raises:
        ImportError: transformers cannot be imported.
        WeightsError: some of the model is not in the weights that it reads.
    """
    import torch
    import transformers

    with _quiet():
        model, told = getattr(transformers, name).from_pretrained(
            found.path,
            local_files_only=True,
            dtype=torch.float32,
            variant="fp16" if ".fp16" in found.files[0].name else None,
            output_loading_info=True,
        )
    if lacking := sorted(told["missing_keys"]):
        raise WeightsError(
            f"transformers' {name} finds no {lacking[0]} in {found.files[0]}, and would take random"
            " numbers for it"
        )
    return model.eval().requires_grad_(False)


def _class(name: str, pipe: str) -> Any:
    try:
        with importing("transformers"):
            import transformers

            return getattr(transformers, name)
    except ImportError as error:
        raise _missing(pipe, f"which cannot be imported ({error})") from error
    except AttributeError as error:
        found = f"of which {metadata.version('transformers')} has no {name}"
        raise _missing(pipe, found) from error


def _first_line(error: Exception) -> str:
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)


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
