"""What a project is given, and writing it: never over a file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib.resources import files
from pathlib import Path

from pytest_editmetrics.cli.starter.lines import lines_of
from pytest_editmetrics.cli.starter.look import FIRST_TEST, Project, is_installable
from pytest_editmetrics.config.reader import shown_path
from pytest_editmetrics.config.schema import address
from pytest_editmetrics.errors import EditMetricsError
from pytest_editmetrics.session.option_list import RIGHT_NAME

_INSTALL = "install -e ."  # of the workflows, as their files have it
_RUN = "pytest --editmetrics-run-dir"
_LEFT = ("run/", "report.html")  # of the workflows, as their files have them
_BRANCH = "branches: [main]"
_USUAL = ("main", "master", "trunk", "develop")
_CALL = 'model(photo, "make the cup blue")'
_OF_DIFFUSERS = 'model(image=photo, prompt="make the cup blue").images[0]'
_PIPELINE = (
    "from diffusers import AutoPipelineForImage2Image",
    'return AutoPipelineForImage2Image.from_pretrained("...").to("cuda")',
)
_LFS = "filter=lfs diff=lfs merge=lfs -text"


@dataclass(frozen=True)
class NewFile:
    """A file to write: where, what it holds, and what it is for."""

    path: Path
    text: str
    what: str
    kept: str = ""
    """What to say where there is such a file already."""


def settings_file(project: Project) -> NewFile:
    """Return the configuration, at pytest's rootdir unless one holds already."""
    path = project.configuration or project.rootdir / RIGHT_NAME
    text = template(RIGHT_NAME).replace("SCHEMA", address("settings"))
    return NewFile(
        path, text, "settings, for a model that encodes the whole picture (expect: reencoded)"
    )


def first_test_file(project: Project) -> NewFile:
    """Return the first test: one that runs, and one that waits for the project's model."""
    text = template(FIRST_TEST)
    package = project.package or "your_package"
    load: tuple[str, ...] = (f"from {package} import load_model", "return load_model()")
    if project.diffusers is not None:
        load, text = _PIPELINE, text.replace(_CALL, _OF_DIFFUSERS)
    lines = "\n    ".join(f"# {line}" for line in load)
    text = text.replace("# LOAD", lines)
    return NewFile(
        project.tests / project.first_test, text, "a test that runs, and one for your model"
    )


def workflow_file(project: Project, system: str) -> NewFile:
    """Return what runs the tests of the project's folder on ``github`` or ``gitlab``."""
    root = project.repository or project.folder
    below = project.folder.relative_to(root).as_posix()
    text = template(f"{system}.yml")
    text = text.replace(_INSTALL, _installed(project.folder, below))
    if below != "." and project.tests.is_relative_to(project.folder):
        text = text.replace(_RUN, f"pytest {below} --editmetrics-run-dir")
    text = text.replace(_BRANCH, f"branches: [{_branch(root)}]")
    if system == "github":
        return NewFile(root / ".github" / "workflows" / "edits.yml", text, "a workflow")
    path = root / ".gitlab-ci.yml"
    if not path.exists():
        return NewFile(path, text, "a job")
    other = root / ".gitlab" / "edits.yml"
    return NewFile(
        other, text, f"a job; add to {path.name}: include: [local: .gitlab/{other.name}]"
    )


def attributes_file(project: Project) -> NewFile:
    """Return what lets Git LFS keep golden images."""
    root = project.repository or project.folder
    where = "**/goldens/**"
    if project.goldens:
        goldens = project.rootdir / project.goldens
        where = (
            f"{goldens.relative_to(root).as_posix()}/**" if goldens.is_relative_to(root) else where
        )
    lines = [f"{where}/*.{kind} {_LFS}" for kind in ("png", "webp")]
    path = root / ".gitattributes"
    there = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    missing = [line for line in lines if line not in there]
    kept = f"; add to it: {' and '.join(missing)}" if missing else ""
    text = "\n".join([*lines, ""])
    return NewFile(path, text, "golden images lie in Git LFS (`git lfs install` once)", kept)


def not_ignored(project: Project) -> list[str]:
    """Return what a run of the workflows leaves and no ``.gitignore`` names; none without git."""
    if project.repository is None:
        return []
    places = {project.repository / ".gitignore", project.folder / ".gitignore"}
    patterns = {
        line.strip().removeprefix("**/").strip("/") for path in places for line in lines_of(path)
    }
    return [
        name
        for name in _LEFT
        if not any(fnmatchcase(name.strip("/"), pattern) for pattern in patterns)
    ]


def write(new: NewFile) -> bool:
    """Write a file, unless there is one, or a link of its name; tell whether it was written.

    Raises:
        EditMetricsError: it cannot be written.
    """
    path, parent = (shown_path(one, Path.cwd()) for one in (new.path, new.path.parent))
    try:
        new.path.parent.mkdir(parents=True, exist_ok=True)
        with new.path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(new.text)
    except FileExistsError:
        if new.path.exists() or new.path.is_symlink():
            return False
        raise EditMetricsError(f"cannot write {path}: {parent} is no folder") from None
    except OSError as error:
        raise EditMetricsError(f"cannot write {path}: {error.strerror}") from None
    return True


def template(name: str) -> str:
    """Return a file of ``data`` as it is."""
    return (files("pytest_editmetrics.cli.starter") / "data" / name).read_text(encoding="utf-8")


def _installed(folder: Path, below: str) -> str:
    """Return the words of pip that install the project itself, as far as it can be."""
    if is_installable(folder):
        return "install -e ." if below == "." else f"install -e ./{below}"
    prefix = "" if below == "." else f"{below}/"
    if (folder / "requirements.txt").is_file():
        return f"install -r {prefix}requirements.txt"
    return "install"


def _branch(root: Path) -> str:
    """Return the branch that others start from, as far as the repository tells."""
    git = root / ".git"
    if git.is_file():  # of a second working tree, or a submodule
        git = root / _line(git).removeprefix("gitdir: ")
    return next(_branches(git, git / (_line(git / "commondir") or ".")), "main")


def _branches(git: Path, common: Path) -> Iterator[str]:
    at_origin = _line(common / "refs" / "remotes" / "origin" / "HEAD")
    if name := at_origin.rpartition("refs/remotes/origin/")[2]:
        yield name
    packed = common / "packed-refs"
    listed = packed.read_text(encoding="utf-8").splitlines() if packed.is_file() else []
    for name in _USUAL:
        loose = (common / "refs" / "heads" / name).is_file()
        if loose or any(line.endswith(f" refs/heads/{name}") for line in listed):
            yield name
    name = _line(git / "HEAD").partition("ref: refs/heads/")[2]
    if name and not name.startswith("."):  # where refs lie in a table it says .invalid
        yield name


def _line(path: Path) -> str:
    """Return the one line of a file of git; an empty text where there is none."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return ""
