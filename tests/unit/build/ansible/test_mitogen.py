"""Ansible runs with Mitogen only where a task has run with it, and why it does not is said."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

from orchestrator.build.ansible import mitogen
from orchestrator.build.launch.environment import STRATEGY
from orchestrator.definition.environment import Environment
from orchestrator.definition.workspace import Workspace
from orchestrator.run.doctor.check_result import CheckResult
from orchestrator.run.doctor.host.mitogen import CHECK

if TYPE_CHECKING:
    from collections.abc import Iterator

TOO_RECENT = "Your Ansible version (2.99) is too recent."
REFUSING = f'import ansible.errors\nraise ansible.errors.AnsibleError("{TOO_RECENT}")\n'


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """Each test tries for itself."""
    mitogen.tried.cache_clear()
    yield
    mitogen.tried.cache_clear()


@pytest.fixture
def refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A strategy that refuses the installed Ansible, as releases of Mitogen do."""
    (tmp_path / f"{STRATEGY['ANSIBLE_STRATEGY']}.py").write_text(REFUSING)
    monkeypatch.setitem(STRATEGY, "ANSIBLE_STRATEGY_PLUGINS", str(tmp_path))


def test_mitogen_when_it_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is installed works together, whatever a person has set for their own Ansible; the file remembers it."""
    monkeypatch.setenv("ANSIBLE_STDOUT_CALLBACK", "no_such_callback")
    known = tmp_path / ".ami" / "mitogen"
    assert mitogen.why_not(wanted=True, known=known) == ""
    assert known.read_text() == mitogen.installed()


@pytest.mark.usefixtures("refused")
def test_mitogen_when_it_refuses_this_ansible(tmp_path: Path) -> None:
    """Its own reason is told, and not remembered: the next build tries again."""
    known = tmp_path / "known"
    reason = mitogen.why_not(wanted=True, known=known)
    assert reason.startswith(f"{mitogen.installed()} do not work together: ")
    assert TOO_RECENT in reason
    assert "\n" not in reason
    assert not known.exists()


@pytest.mark.usefixtures("refused")
def test_mitogen_when_it_has_worked_before(tmp_path: Path) -> None:
    """It is not tried again as long as the versions stay."""
    known = tmp_path / "known"
    known.write_text(mitogen.installed())
    assert mitogen.why_not(wanted=True, known=known) == ""
    known.write_text("mitogen 0.0.1 and ansible-core 2.1.0")
    assert mitogen.why_not(wanted=True, known=known) != ""


@pytest.mark.usefixtures("refused")
def test_mitogen_when_another_workspace_has_used_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What has worked is remembered for each Python environment, and not for each workspace."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    mitogen.remembered().parent.mkdir(parents=True)
    mitogen.remembered().write_text(mitogen.installed())
    assert mitogen.why_not(wanted=True, known=mitogen.remembered()) == ""
    monkeypatch.setattr("sys.prefix", "/another/environment")
    assert mitogen.why_not(wanted=True, known=mitogen.remembered()) != ""


def test_mitogen_when_nothing_can_be_remembered(tmp_path: Path) -> None:
    """A home that cannot be written to costs the trial each time, and no build."""
    (tmp_path / "file").touch()
    assert mitogen.why_not(wanted=True, known=tmp_path / "file" / "known") == ""


def test_mitogen_when_builds_begin_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of them tries, and the others wait for it: a trial takes seconds of a core."""
    ours, trials = Path(STRATEGY["ANSIBLE_STRATEGY_PLUGINS"], f"{STRATEGY['ANSIBLE_STRATEGY']}.py"), tmp_path / "trials"
    tell = f"\nwith open({str(trials)!r}, 'a') as trials:\n    trials.write(f'{{os.getpid()}} ')\n"
    (tmp_path / ours.name).write_text(ours.read_text() + tell)
    monkeypatch.setitem(STRATEGY, "ANSIBLE_STRATEGY_PLUGINS", str(tmp_path))
    known = tmp_path / "cache" / "known"
    with ThreadPoolExecutor() as threads:
        begun = [threads.submit(mitogen.why_not, wanted=True, known=known) for _ in range(3)]
    assert [one.result() for one in begun] == ["", "", ""]
    assert len(set(trials.read_text().split())) == 1


def test_mitogen_when_it_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_name: str) -> NoReturn:
        raise PackageNotFoundError

    monkeypatch.setattr(mitogen, "version", missing)
    assert mitogen.why_not(wanted=True) == "it is not installed (pip install mitogen)"


@pytest.mark.usefixtures("refused")
def test_doctor_when_mitogen_does_not_work(tmp_path: Path) -> None:
    """A lack, because the workspace wants it; none where the workspace does without."""
    environment = Environment(name="lab", path=tmp_path, region="us-east-1")
    (finding,) = CHECK.examine(Workspace(tmp_path, "w"), environment)
    assert not finding.ok
    assert TOO_RECENT in finding.said
    assert "mitogen: false" in finding.mend
    said = f"Ansible runs without it: {mitogen.UNWANTED}"
    (finding,) = CHECK.examine(Workspace(tmp_path, "w", mitogen=False), environment)
    assert finding == CheckResult("mitogen", ok=True, said=said)
