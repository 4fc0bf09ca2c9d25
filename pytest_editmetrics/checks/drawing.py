"""The picture of a failing gate, drawn while somebody looks for what happened to the images."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_editmetrics.weights.catalog import NoHomeError, own_cache

if TYPE_CHECKING:
    from pytest_editmetrics.gates.verdict import Gate
    from pytest_editmetrics.session.state import EditSession


@contextmanager
def drawing(
    session: EditSession, gate: Gate, images: tuple[Any, ...], nodeid: str
) -> Iterator[Callable[[], str]]:
    """Draw the picture of a gate in a thread of its own, which has ended when the block has.

    Compressing and shrinking need no other work of Python's, so that on a second core they take
    no time. The picture lies in pytest's cache folder; without that, in this project's own.

    Returns:
        What waits for the picture and says where it is and what it shows, or why there is none.
    """
    from concurrent.futures import ThreadPoolExecutor

    from pytest_editmetrics.report.picture import panels_of, save_picture

    with ThreadPoolExecutor(1, "editmetrics-picture") as pool:
        drawn = pool.submit(lambda: save_picture(images, gate, nodeid, _pictures(session)))

        def picture() -> str:
            try:
                with session.clock.of("pictures"):
                    path = drawn.result()
            except (OSError, NoHomeError) as error:
                return f"no picture: {error}"
            return f"{session.shown(path)} ({' | '.join(panels_of(images, gate))})"

        yield picture


def _pictures(session: EditSession) -> Path:
    """Return the folder of this project's pictures; other projects have folders of their own."""
    cache = getattr(session.config, "cache", None)
    if cache is not None:
        folder: Path = cache.mkdir("editmetrics")
        return folder
    digest = hashlib.sha256(str(session.rootdir).encode()).hexdigest()[:8]
    folder = own_cache() / "pictures" / f"{session.rootdir.name}-{digest}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
