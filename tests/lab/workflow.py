"""Jobs of GitHub's workflows, step by step: what `run` says is run, and what others' actions do is done here.

Expressions are not computed: each has to be among the `values`, and each condition among the `holds`.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.lab.runner import Runner

_EXPRESSION = re.compile(r"\$\{\{ (.*?) \}\}")
#: What the lab of the tests has done already: it is up, and stays.
OF_THE_LAB = re.compile(r"(sudo )?ami lab (up( --port \d+)?|down)")


@dataclass
class Workflows:
    """The workflows of a checkout, and what their jobs have handed on."""

    runner: Runner
    #: Values of expressions, and whether conditions hold.
    values: dict[str, str]
    holds: dict[str, bool]
    #: What the role that is assumed gets.
    credentials: Mapping[str, str]
    artifacts: dict[str, Path] = field(default_factory=dict)
    #: Steps that were not run, because the lab is up.
    left_out: list[str] = field(default_factory=list)

    def job(self, workflow: str, name: str, **more: str) -> None:
        """Run a job. `more` are values for it alone, underscores for points."""
        path = self.runner.checkout / f".github/workflows/{workflow}.yml"
        definition = yaml.safe_load(path.read_text())
        values = {**self.values, **{key.replace("_", "."): value for key, value in more.items()}}
        default = definition["defaults"]["run"]["working-directory"]
        environment: dict[str, str] = {}
        for step in definition["jobs"][name]["steps"]:
            if "if" not in step or self._holds(step["if"]):
                self._step(step, values, environment, default)

    @property
    def summary(self) -> str:
        """What the jobs have written for people so far."""
        path = self.runner.temp / "summary"
        return path.read_text() if path.exists() else ""

    def _holds(self, condition: str) -> bool:
        return self.holds[condition.removeprefix("${{ ").removesuffix(" }}")]

    def _step(self, step: dict[str, Any], values: dict[str, str], environment: dict[str, str], default: str) -> None:
        if "run" in step:
            self._run(step, values, environment, default)
            return
        action, _, _ = step["uses"].partition("@")
        if action in {"actions/checkout", "actions/cache"}:  # the folder is there, and nothing was kept
            return
        given = {name: _filled(str(value), values) for name, value in step.get("with", {}).items()}
        if action.startswith("$/"):
            self._composite(action.removeprefix("$/"), given, values, environment)
        elif action == "aws-actions/configure-aws-credentials":
            environment.update(self.credentials)
        elif action == "actions/upload-artifact":
            self._upload(given)
        elif action == "actions/download-artifact":
            shutil.copy(self.artifacts[given["name"]], f"{given['path']}/{given['name']}.md")
        else:
            raise AssertionError(action)

    def _composite(
        self, action: str, given: Mapping[str, str], values: dict[str, str], environment: dict[str, str]
    ) -> None:
        definition = yaml.safe_load((self.runner.checkout / action / "action.yml").read_text())
        inputs = {name: given.get(name, str(one.get("default", ""))) for name, one in definition["inputs"].items()}
        inner = {**values, **{f"inputs.{name}": value for name, value in inputs.items()}}
        known = {"inputs.lab == 'true'": inputs.get("lab") == "true", "always()": True}
        for step in definition["runs"]["steps"]:
            if known[step["if"]] if "if" in step else True:
                self._step(step, inner, environment, ".")

    def _run(self, step: dict[str, Any], values: dict[str, str], environment: dict[str, str], default: str) -> None:
        text: str = step["run"]
        assert "${{" not in text, text
        if OF_THE_LAB.fullmatch(text):
            self.left_out.append(text)
            return
        own = {name: _filled(value, values) for name, value in step.get("env", {}).items()}
        output = self.runner.temp / "output"
        output.write_text("")
        files = {"GITHUB_OUTPUT": str(output), "GITHUB_STEP_SUMMARY": str(self.runner.temp / "summary")}
        variables = {**environment, **own, **files}
        if "AMI_HOME" in own:
            self._install(text, variables)
            return
        folder = self.runner.checkout / _filled(step.get("working-directory", default), values)
        self.runner.step(text, folder, variables)
        if "id" in step:
            for name, value in _outputs(output.read_text()):
                self.values[f"steps.{step['id']}.outputs.{name}"] = value

    def _install(self, text: str, variables: dict[str, str]) -> None:
        """Once: the next jobs find what the first one has installed."""
        if not (self.runner.temp / "ami").exists():
            self.runner.install(text, variables)

    def _upload(self, given: Mapping[str, str]) -> None:
        """Keep a file; a folder of logs only has to be there."""
        path = self.runner.checkout / given["path"]
        assert path.exists(), path
        if path.is_file():
            self.artifacts[given["name"]] = Path(shutil.copy(path, self.runner.shared / f"artifact-{given['name']}"))


def _outputs(text: str) -> Iterator[tuple[str, str]]:
    """What a step has set (GitHub Docs, "Workflow commands", "Setting an output parameter"): NAME=VALUE, NAME<<END."""
    for found in re.finditer(r"^(\w+)(?:=([^\n]*)|<<(\S+)\n(.*?)\n\3)$", text, re.MULTILINE | re.DOTALL):
        yield found[1], found[4] if found[3] else found[2]


def _filled(text: str, values: Mapping[str, str]) -> str:
    return _EXPRESSION.sub(lambda found: values[found[1]], text)
