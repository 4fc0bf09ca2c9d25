"""Measure rows on an existing Ray cluster: Ray Data sends them to actors, each with its own pipes.

The rows travel in chunks and results come back as actors finish. A process that dies is replaced
and its chunk measured again; what dies each time is an error of the row it was measuring.
"""

from __future__ import annotations

import logging
import os
import pickle
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from pytest_editmetrics.cache.work import remove_left, work_folder
from pytest_editmetrics.errors import EditMetricsError, counted
from pytest_editmetrics.saved_runs.engines import local
from pytest_editmetrics.saved_runs.rows import Engine, Outcome, RowScorer
from pytest_editmetrics.session.state import EditSession

if TYPE_CHECKING:
    import pyarrow as pa

    from pytest_editmetrics.config.manifest import Row

CHUNK = 32
"""The most rows that an actor is given at once."""

TRIES = 2
"""How many processes a row may end, measured alone, before it is an error."""


@contextmanager
def connected(session: EditSession) -> Iterator[Engine]:
    """Join the cluster that ``RAY_ADDRESS`` names, or the one on this machine; give the engine.

    Pipes that a ``conftest.py`` registers are sent along; what else they import, and this package,
    must be installed on the nodes. A cluster that was joined before is left as it is.

    Raises:
        EditMetricsError: Ray is not installed, there is no cluster, or it cannot be joined.
    """
    ray = _ray()
    joined = not ray.is_initialized()
    if joined:
        _join(ray)
    modules = _conftests(session)
    for module in modules:
        ray.cloudpickle.register_pickle_by_value(module)
    try:
        yield score_rows
    finally:
        for module in modules:
            ray.cloudpickle.unregister_pickle_by_value(module)
        if joined:
            ray.shutdown()
        remove_left()


def score_rows(scorer: RowScorer, rows: Iterable[Row], total: int) -> Iterator[Outcome]:
    """Give the outcome of each row, in the order in which actors finish.

    An actor for each GPU of the cluster, else for each CPU; fewer while there is less to do.

    Raises:
        EditMetricsError: a pipe cannot be sent to the cluster, or the cluster gave up.
    """
    import ray
    import ray.data

    from pytest_editmetrics.runs.writing import RunDir

    run_dir = RunDir(scorer.output)
    actors, needs = _size(ray.cluster_resources())
    size = max(1, min(CHUNK, total // (4 * actors)))
    chunks = [{"rows": pickle.dumps(chunk)} for chunk in _chunks(rows, size)]
    journal = ray.remote(num_cpus=0)(Journal).remote()
    with _quiet(ray):
        outcomes = ray.data.from_items(chunks, override_num_blocks=len(chunks)).map_batches(
            RowActor,
            fn_constructor_args=[_packed(ray, scorer), journal],
            batch_size=None,
            batch_format="pyarrow",
            concurrency=(1, min(actors, len(chunks))),
            **needs,
        )
        try:
            for table in outcomes.iter_batches(batch_size=None, batch_format="pyarrow"):
                for sent in table.column("outcome").to_pylist():
                    outcome, files = pickle.loads(sent)
                    for name, data in files.items():
                        run_dir.add_file(name, data)
                    yield outcome
        except EditMetricsError:
            raise
        except Exception as error:  # Ray has dozens of them, some with pages of traces
            text = (str(error).strip() or type(error).__name__).splitlines()
            raise EditMetricsError(f"Ray failed: {text[0]} ... {text[-1]}") from error


class Journal:
    """An actor that knows which rows are being measured, and how often that was begun in vain."""

    def __init__(self) -> None:
        self._chunks: set[str] = set()
        self._begun: dict[str, int] = {}

    def open(self, chunk: str) -> bool:
        """Note that a chunk is begun and tell whether it was before."""
        again = chunk in self._chunks
        self._chunks.add(chunk)
        return again

    def begin(self, row: str) -> int:
        """Note that a row is begun and return how often it was begun and not finished."""
        before = self._begun.get(row, 0)
        self._begun[row] = before + 1
        return before

    def finish(self, row: str) -> None:
        """Forget a row that was measured."""
        self._begun.pop(row, None)


class RowActor:
    """What an actor of Ray Data runs: scores chunks of rows with pipes of its own.

    Args:
        packed: the scorer, pickled.
        journal: handle of the ``Journal``.
    """

    def __init__(self, packed: bytes, journal: Any):
        self._scorer: RowScorer = pickle.loads(packed)
        self._journal = journal

    def __call__(self, table: pa.Table) -> pa.Table:
        """Return a column of pickled outcomes for a column of pickled lists of rows."""
        import pyarrow as pa

        with work_folder() as folder:
            self._scorer.keep_in(folder)
            chunks = (pickle.loads(chunk) for chunk in table.column("rows").to_pylist())
            sent = [
                pickle.dumps((outcome, _files(outcome, folder)))
                for chunk in chunks
                for outcome in self._outcomes(chunk)
            ]
        return pa.table({"outcome": pa.array(sent, pa.large_binary())})

    def _outcomes(self, rows: list[Row]) -> Iterator[Outcome]:
        """Score a chunk; one that ended a process row by row, so that no neighbour is blamed."""
        import ray

        if not ray.get(self._journal.open.remote(rows[0].id)):
            yield from local.score_rows(self._scorer, rows)
            return
        for row in rows:
            begun = ray.get(self._journal.begin.remote(row.id))
            pair = self._scorer.decode(row) if begun < TRIES else _ended(begun)
            yield from self._scorer.score([(row, pair)])
            self._journal.finish.remote(row.id)


def _ended(begun: int) -> EditMetricsError:
    ended = counted(begun, "process", "processes")
    return EditMetricsError(
        f"measuring it alone ended {ended}: out of memory, or a library crashed; the logs of Ray"
        " tell more"
    )


def _files(outcome: Outcome, folder: Path) -> dict[str, bytes]:
    from pytest_editmetrics.runs.folder import image_names

    names = {name for gate in outcome.gates for name in image_names(gate.images)}
    return {name: (folder / name).read_bytes() for name in names}


def _ray() -> Any:
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise EditMetricsError(
            f"--engine ray needs Ray, which is not installed ({error}):"
            " pip install 'pytest-editmetrics[ray]'"
        ) from None
    return ray


def _join(ray: Any) -> None:
    try:
        ray.init(address="auto", logging_level=logging.ERROR, log_to_driver=False)
    except Exception as error:  # of a kind that depends on what does not answer
        named = os.environ.get("RAY_ADDRESS")
        what = f"the Ray cluster {named} (RAY_ADDRESS)" if named else "a Ray cluster here"
        raise EditMetricsError(
            f"cannot join {what}: {str(error).strip().splitlines()[0]}\nStart one with `ray start"
            " --head`, or name it: RAY_ADDRESS=HOST:6379 (RAY_AUTH_MODE=token, if it wants one)"
        ) from error


def _conftests(session: EditSession) -> list[ModuleType]:
    """Return the modules that no other process can import by name."""
    return [
        plugin
        for plugin in session.config.pluginmanager.get_plugins()
        if isinstance(plugin, ModuleType) and Path(plugin.__file__ or "").name == "conftest.py"
    ]


def _packed(ray: Any, scorer: RowScorer) -> bytes:
    try:
        packed: bytes = ray.cloudpickle.dumps(scorer)
    except Exception as error:  # whatever the pickling of a user's object raises
        raise EditMetricsError(
            f"a pipe of this project cannot be sent to the cluster: {error}; register it by name,"
            " as 'package.module:Class'"
        ) from error
    return packed


def _size(resources: dict[str, float]) -> tuple[int, dict[str, float]]:
    """Return how many actors a cluster has room for, and what each needs of it."""
    if gpus := int(resources.get("GPU", 0)):
        return gpus, {"num_gpus": 1.0}
    return max(1, int(resources.get("CPU", 1))), {"num_cpus": 1.0}


def _chunks(rows: Iterable[Row], size: int) -> Iterator[list[Row]]:
    iterator = iter(rows)
    while chunk := list(islice(iterator, size)):
        yield chunk


@contextmanager
def _quiet(ray: Any) -> Iterator[None]:
    """Leave the terminal to our own progress."""
    context = ray.data.DataContext.get_current()
    bars, context.enable_progress_bars = context.enable_progress_bars, False
    logger = logging.getLogger("ray.data")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        context.enable_progress_bars = bars
        logger.setLevel(level)
