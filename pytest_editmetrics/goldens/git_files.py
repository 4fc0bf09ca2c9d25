"""Files of a git revision, read with the command ``git``; the working tree is not touched."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from pytest_editmetrics.config.reader import shown_path
from pytest_editmetrics.errors import EditMetricsError, counted
from pytest_editmetrics.whole_file import real_path

_AT_ONCE = 200  # files, which may be images, that are held in memory
_PLAIN = (b"100644", b"100755")


def find_commit(revision: str, folder: Path) -> str | None:
    """Return the hash of the commit that ``revision`` names in the repository of ``folder``.

    ``None`` if it names none, or ``folder`` lies in no repository. A text that starts with ``-`` is
    no revision, so it never reaches git as an option.

    Raises:
        EditMetricsError: git is not installed.
    """
    if not revision or revision.startswith("-") or "\0" in revision:
        return None
    done = _git(["rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}"], folder)
    return done.stdout.decode().strip() or None if done.returncode == 0 else None


def commit_here(folder: Path) -> str | None:
    """Return the hash of the commit that is checked out; ``None`` without git or a repository."""
    try:
        return find_commit("HEAD", folder)
    except (EditMetricsError, OSError):
        return None


def repository_of(folder: Path) -> Path:
    """Return the top of the working tree that ``folder`` lies in.

    Raises:
        EditMetricsError: it lies in none, git refuses to use it, or git is not installed.
    """
    done = _git(["rev-parse", "--show-toplevel"], folder)
    if done.returncode != 0:
        raise EditMetricsError(f"git finds no repository in {folder}: {_said(done)}")
    return real_path(Path(os.fsdecode(done.stdout.removesuffix(b"\n"))))


def write_files(
    commit: str, repository: Path, wanted: Callable[[PurePosixPath], bool], target: Path
) -> None:
    """Write the files of a commit whose path is ``wanted`` below ``target``, as they are stored.

    Nothing is run on them (no smudge filter), and no symbolic link is followed or made.

    Args:
        commit: hash of the commit.
        repository: a folder in the repository.
        wanted: tells of a path, from the top of the repository, whether to write the file.
        target: an empty folder.

    Raises:
        EditMetricsError: git cannot read the commit, or a path leads out of ``target``.
    """
    listed = _checked(["ls-tree", "-r", "-z", "--full-tree", commit], repository)
    blobs: list[tuple[bytes, Path]] = []
    for entry in filter(None, listed.split(b"\0")):
        about, _, name = entry.partition(b"\t")
        mode, _, blob = about.split(b" ")
        path = PurePosixPath(os.fsdecode(name))
        if mode not in _PLAIN or not wanted(path):
            continue
        place = target / path
        if not real_path(place).is_relative_to(real_path(target)):
            raise EditMetricsError(f"{commit[:12]}: the path {str(path)!r} leads out of its tree")
        blobs.append((blob, place))
    for start in range(0, len(blobs), _AT_ONCE):
        some = blobs[start : start + _AT_ONCE]
        contents = _contents([blob for blob, _ in some], repository)
        for (_, place), content in zip(some, contents, strict=True):
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)


class _Ignored(NamedTuple):
    """A file that git leaves out of a commit, and the pattern that says so, with its place."""

    path: Path
    pattern: str
    place: str


def _ignored_files(paths: Sequence[Path]) -> list[_Ignored]:
    """Return which of these files git leaves out of a commit because a ``.gitignore`` names them.

    None where git, or the repository, is not there.
    """
    if not paths:
        return []
    given = b"".join(os.fsencode(path) + b"\0" for path in paths)
    try:
        done = _git(["check-ignore", "-v", "-z", "--stdin"], paths[0].parent, given)
    except (EditMetricsError, OSError):
        return []
    words = [os.fsdecode(word) for word in done.stdout.split(b"\0")[:-1]]
    found = zip(*(words[start::4] for start in range(4)), strict=True)
    return [
        _Ignored(Path(path), pattern, f"{source}:{line}")
        for source, line, pattern, path in found
        if not pattern.startswith("!")
    ]


def ignored_note(paths: Sequence[Path], rootdir: Path) -> list[str]:
    """Return the line that warns of recorded goldens which git ignores, if there are any."""
    ignored = _ignored_files(paths)
    if not ignored:
        return []
    them = counted(len(ignored), "of the recorded goldens is", "of the recorded goldens are")
    first = ignored[0]
    rule = f"{first.pattern!r}, {first.place}"
    if _ignored_files([first.path.parent]):  # git looks at no exception below
        do = f"take out the pattern that excludes their folder ({rule})"
    else:
        do = f"below the pattern ({rule}) except goldens: !**/goldens/**/*{first.path.suffix}"
    return [
        f"warning: {them} ignored by git ({shown_path(first.path, rootdir)}), so a commit leaves"
        f" out what was approved, and a clone has none: {do}; or git add -f"
    ]


def _contents(blobs: Sequence[bytes], repository: Path) -> list[bytes]:
    """Return what the blobs hold, read by one process."""
    answer = _checked(["cat-file", "--batch"], repository, b"".join(b + b"\n" for b in blobs))
    found, start = [], 0
    for blob in blobs:
        end = answer.index(b"\n", start)
        words = answer[start:end].split(b" ")
        if len(words) != 3:
            raise EditMetricsError(
                f"git has no content of {blob.decode()} ({answer[start:end].decode()}); fetch it"
            )
        size = int(words[2])
        found.append(answer[end + 1 : end + 1 + size])
        start = end + 2 + size
    return found


def _checked(arguments: list[str], folder: Path, given: bytes = b"") -> bytes:
    done = _git(arguments, folder, given)
    if done.returncode != 0:
        raise EditMetricsError(f"git {arguments[0]} failed in {folder}: {_said(done)}")
    return done.stdout


def _said(done: subprocess.CompletedProcess[bytes]) -> str:
    return " ".join(done.stderr.decode(errors="replace").split())


def _git(
    arguments: list[str], folder: Path, given: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            ["git", *arguments], cwd=folder, input=given, capture_output=True, check=False
        )
    except FileNotFoundError:
        raise EditMetricsError(
            "git is not installed, so no revision can be read; install it, or give files or folders"
        ) from None
