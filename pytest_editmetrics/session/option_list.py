"""Every option, declared once: its name, its default, and what it may be."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

RIGHT_NAME = "editmetrics.yaml"  # of the configuration, where no option names another
RECORDING = "What is recorded"
FAILING = "What fails"
COMPUTING = "Where and how it computes"
FILES = "Files"


class Option(NamedTuple):
    """One option: ``--editmetrics-NAME`` and the ini option ``editmetrics_NAME``.

    ``example`` is a value as it is typed, where ``choices`` do not tell; ``group`` is where readers
    look for it.
    """

    name: str
    help: str
    kind: Literal["string", "bool", "args"] = "string"
    default: Any = None
    choices: tuple[str, ...] = ()
    metavar: str | None = None
    example: str = ""
    group: str = "What a run leaves and says"

    @property
    def flag(self) -> str:
        """The option as typed on the command line."""
        return f"--editmetrics-{self.name}"

    @property
    def sample(self) -> str:
        """The option as one may type it."""
        value = self.example or next(
            (choice for choice in self.choices if choice != self.default), ""
        )
        if self.kind == "bool":
            return f"--no-{self.flag[2:]}" if self.default else self.flag
        return f"{self.flag}={value}"

    @property
    def ini(self) -> str:
        """The option's name in ``[tool.pytest.ini_options]``."""
        return "editmetrics_" + self.name.replace("-", "_")


OPTIONS = (
    Option(
        "update",
        "record golden thresholds and images: where none is (missing), where a gate fails"
        " (failed), or all",
        default="none",
        choices=("none", "missing", "failed", "all"),
        group=RECORDING,
    ),
    Option(
        "force-update",
        "allow --editmetrics-update when CI is set",
        kind="bool",
        default=False,
        group=RECORDING,
    ),
    Option(
        "strict",
        "make gates that could not be measured fail: those that were measured when approved"
        " (regressed), or all",
        default="none",
        choices=("none", "regressed", "all"),
        group=FAILING,
    ),
    Option(
        "review",
        "what a gate does whose value lies between its bound and its review bound: warn, or fail",
        default="warn",
        choices=("warn", "fail"),
        group=FAILING,
    ),
    Option(
        "require",
        "fail a session that measured fewer gates than N, or of one metric, or fewer that a golden"
        " holds: 40, lpips=12, golden=30 (several: comma-separated); golden=all fails one in which"
        " a default bound alone holds a gate",
        kind="args",
        default=(),
        metavar="N",
        example="40,lpips=12,golden=all",
        group=FAILING,
    ),
    Option(
        "device",
        "device of every pipe, over what the YAML says: auto, cpu, cuda, cuda:1, mps",
        metavar="DEVICE",
        example="cuda:1",
        group=COMPUTING,
    ),
    Option(
        "env",
        "names of the environment that edits run in, most specific first, before the accelerator's:"
        " ci-a100, or cpu where they run beside a GPU (several: comma-separated)",
        kind="args",
        default=(),
        metavar="NAMES",
        example="ci-a100",
        group=COMPUTING,
    ),
    Option(
        "skip-missing",
        "skip, and count, gates whose pipe lacks its weights: comma-separated pipe keys such as"
        " sam-pipe",
        kind="args",
        default=(),
        metavar="PIPES",
        example="sam-pipe",
        group=FAILING,
    ),
    Option(
        "allow-smoke",
        "let a session that was judged on random smoke weights pass when CI is set",
        kind="bool",
        default=False,
        group=FAILING,
    ),
    Option(
        "selftest",
        "put faults of known strength into each edited image and fail where no gate notices one",
        kind="bool",
        default=False,
        group=FAILING,
    ),
    Option(
        "results",
        "write every gate to PATH as JSON Lines",
        metavar="PATH",
        example="results.jsonl",
    ),
    Option(
        "profile",
        "say at the end where the session's time went, and which gates and metrics took longest",
        kind="bool",
        default=False,
    ),
    Option(
        "run-dir",
        "keep images, masks and results of the run in DIR, for approve, merge, report and score",
        metavar="DIR",
        example="run",
    ),
    Option(
        "html",
        "write an HTML report to PATH: one self-contained file if it ends in .html, else a folder",
        metavar="PATH",
        example="report.html",
    ),
    Option(
        "summary",
        "write a Markdown summary to PATH (GITHUB_STEP_SUMMARY, when set, gets one too)",
        metavar="PATH",
        example="summary.md",
    ),
    Option(
        "report-url",
        "where the report will lie for those who read CI's page: the summary links to it, and"
        " shows its pictures (default: EDITMETRICS_REPORT_URL, if set)",
        metavar="URL",
        example="https://example.org/report",
    ),
    Option(
        "junit",
        "what --junitxml tells of gates: totals of the suite and pictures (suite), each gate as a"
        " property of its test too, which strict schemas refuse (full), or nothing (off)",
        default="suite",
        choices=("suite", "full", "off"),
    ),
    Option(
        "cache",
        "keep features on disk for the next run (default: yes)",
        kind="bool",
        default=True,
        group=COMPUTING,
    ),
    Option(
        "cache-dir",
        "folder of the features (default: features/ in the user's cache folder)",
        metavar="DIR",
        example=".features",
        group=COMPUTING,
    ),
    Option(
        "cache-size",
        "how much the features may take on disk; the least recently used go (default: 2GB)",
        default="2GB",
        metavar="SIZE",
        example="500MB",
        group=COMPUTING,
    ),
    Option(
        "config",
        "the configuration file (default: editmetrics.yaml at the rootdir)",
        metavar="PATH",
        example="strict.yaml",
        group=FILES,
    ),
    Option(
        "goldens",
        "folder of all goldens (default: goldens/ beside each test file)",
        metavar="DIR",
        example="tests/goldens",
        group=FILES,
    ),
    Option(
        "asset-roots",
        "a folder outside the rootdir in which images of YAML cases and linked goldens may lie"
        " (several: give it again; the configuration's `asset_roots` count too)",
        kind="args",
        default=(),
        metavar="DIR",
        example="../shared_images",
        group=FILES,
    ),
)
