"""`ami render` shows what a Packer and its plugins would get."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from orchestrator.cli.main import main
from tests.packers.install import install

if TYPE_CHECKING:
    from tests.packers.setting import Home

REPOSITORY = Path(__file__).parents[3]


def render(monkeypatch: pytest.MonkeyPatch, *options: str) -> int:
    """The exit code of `ami render golden`."""
    argv = ["ami", "render", "golden", "--workspace", str(REPOSITORY), *options]
    monkeypatch.setattr("sys.argv", argv)
    with pytest.raises(SystemExit) as ended:
        main()
    return int(str(ended.value.code or 0))


@pytest.mark.parametrize(
    ("options", "rendered_for", "imds"),
    [
        (("--packer", "1.6.6"), "Packer 1.6.6", False),
        (("--packer", "1.16"), "Packer 1.16 with the plugins amazon 1.2.1 and ansible 1.1.0", False),
        (("--packer", "1.16", "--amazon", "1.8"), "Packer 1.16 with the plugins amazon 1.8 and ansible 1.1.0", True),
    ],
)
def test_versions_that_are_named(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: tuple[str, ...],
    rendered_for: str,
    *,
    imds: bool,
) -> None:
    assert render(monkeypatch, *options) == 0
    text = capsys.readouterr().out
    assert f'# Rendered for "{rendered_for}"' in text
    assert ("imds_support" in text) is imds


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A Packer 1.9.5 on PATH with amazon 1.2.6 and ansible 1.1.0."""
    made = install(tmp_path / "packer", "1.9.5")
    monkeypatch.setenv("PATH", f"{made.folder}:/usr/bin:/bin")
    monkeypatch.setenv("PACKER_PLUGIN_PATH", str(made.plugins))
    return made


@pytest.mark.parametrize(
    ("options", "rendered_for"),
    [
        ((), "Packer 1.9.5 with the plugins amazon 1.2.6 and ansible 1.1.0"),
        (("--amazon", "1.8.2"), "Packer 1.9.5 with the plugins amazon 1.8.2 and ansible 1.1.0"),
        (("--amazon", "1.8.2", "--ansible", "1.1.6"), "Packer 1.9.5 with the plugins amazon 1.8.2 and ansible 1.1.6"),
    ],
)
@pytest.mark.usefixtures("home")
def test_versions_that_are_not_named_are_those_that_are_here(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], rendered_for: str
) -> None:
    assert render(monkeypatch, *options) == 0
    assert f'# Rendered for "{rendered_for}"' in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--packer", "newest"), "--packer: no Packer version in 'newest'"),
        (("--packer", "1.5"), "--packer: Packer 1.5 is too old"),
        (("--packer", "1.6.6", "--amazon", "1.8"), "has its plugins built in"),
        (("--packer", "1.16", "--amazon", "1.0"), "the amazon plugin 1.0 is not served: 1.2.1 or newer is needed"),
        (("--packer", "1.16", "--ansible", "x"), "'x' is no version of the ansible plugin"),
    ],
)
def test_versions_that_cannot_be(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], said: str
) -> None:
    assert render(monkeypatch, *options) == 2
    assert said in capsys.readouterr().err
