"""A composite action of GitHub, run as its runner would: its shell steps, with uploads as copies."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.S)


@dataclass
class Runner:
    """A runner with a folder of artifacts; ``context`` is what ``${{ ... }}`` may name.

    ``conditions`` says of each condition of a step whether it holds; a step that has none runs.
    """

    home: Path
    context: Mapping[str, str]
    conditions: Mapping[str, bool]
    environment: Mapping[str, str] = field(default_factory=dict)
    output: str = ""

    def run(self, action: Path, inputs: Mapping[str, str]) -> int:
        """Run an action; return 0, or the status of the first step that failed."""
        told = yaml.safe_load(action.read_text(encoding="utf-8"))
        unknown = set(inputs) - set(told["inputs"])
        assert not unknown, f"{action} has no input {unknown}"
        values = {name: one["default"] for name, one in told["inputs"].items()} | dict(inputs)
        self._names = {f"inputs.{name}": self._filled(text) for name, text in values.items()}
        failed = 0
        for step in told["runs"]["steps"]:
            condition = " ".join(EXPRESSION.sub(r"\1", step.get("if", "")).split())
            if condition == "!cancelled()" or (not failed and self._holds(condition)):
                failed = self._step(step) or failed
        return failed

    def _holds(self, condition: str) -> bool:
        return not condition or self.conditions[condition]

    def _filled(self, text: str) -> str:
        names = {**self.context, **getattr(self, "_names", {})}
        return EXPRESSION.sub(lambda found: names[found[1].strip()], str(text))

    def _step(self, step: Mapping[str, Any]) -> int:
        told = {name: self._filled(text) for name, text in step.get("with", {}).items()}
        uses = step.get("uses", "").partition("@")[0]
        artifacts = self.home / "artifacts"
        if uses == "actions/upload-artifact":
            path, target = Path(told["path"]), artifacts / told["name"]
            if not path.exists():
                return 1
            if path.is_dir():
                shutil.copytree(path, target)
            else:
                target.mkdir(parents=True)
                shutil.copy(path, target)
        elif uses == "actions/download-artifact":
            for one in artifacts.glob(told["pattern"]):
                shutil.copytree(one, Path(told["path"]) / one.name)
        else:
            assert not uses, uses
            return self._script(step)
        return 0

    def _script(self, step: Mapping[str, Any]) -> int:
        assert "${{" not in step["run"], "an expression in a script is code of whoever wrote it"
        assert step["shell"] == "bash"
        given = {name: self._filled(text) for name, text in step.get("env", {}).items()}
        folder = self._filled(step.get("working-directory", "."))
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=self.home / folder, env={**os.environ, **self.environment, **given}, text=True,
            check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self.output += done.stdout
        return done.returncode
