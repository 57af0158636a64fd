"""docs/environment-variables.md, row by row: what real programs get, and what real clients of AWS make of it."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from orchestrator.aws.account import Account
from orchestrator.aws.placement import Placement
from orchestrator.build.launch import outside
from orchestrator.build.launch.environment import packer_environment
from orchestrator.build.request import BuildRequest
from orchestrator.cli.environment import environment_of
from orchestrator.definition.workspace import load
from orchestrator.process import started
from orchestrator.run.doctor.host import variables as doctor_variables
from orchestrator.run.session.identity import commit_of
from orchestrator.validate.request import ImageFacts, RoleTests, ValidateRequest
from orchestrator.validate.suite.session import collect, laid_out

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

pytestmark = pytest.mark.long(30)

PAGE = Path(__file__).parents[2] / "docs" / "environment-variables.md"
REGION = "eu-west-1"
PLAIN = "plain"
ACCOUNTS = {
    PLAIN: Account(REGION),
    "profile": Account(REGION, profile="images"),
    "keys": Account(REGION, access_key="AKIAENVIRONMENT", secret_key="of-the-environment"),
    "endpoint": Account(REGION, endpoint="http://127.0.0.1:4", access_key="lab", secret_key="long-enough"),
}
#: In which of these the condition of a cell holds.
CONDITIONS = {"with keys": {"profile", "keys", "endpoint"}, "with an endpoint": {"endpoint"}}


class Row(NamedTuple):
    """A line of the table: names of variables, `*` for anything, and what each program does with them."""

    names: tuple[str, ...]
    ami: str
    builds: str
    tests: str


def rows() -> Iterator[Row]:
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("| `"):
            names, *cells = (cell.strip() for cell in line.strip("|").split("|"))
            yield Row(tuple(re.findall("`([^`]+)`", names)), *cells[:3])


ROWS = tuple(rows())
#: A variable of each name; one that fits a pattern and nothing else, for a pattern.
EXAMPLES = {name: name.replace("*", "CANARY") for row in ROWS for name in row.names}


def verdict(cell: str, account: str) -> str:
    """The word of a cell (`honoured; dropped with keys`) that holds for an account."""
    word, _, exception = cell.partition("; ")
    other, _, condition = exception.partition(" ")
    return other if account in CONDITIONS.get(condition, ()) else word


def mark(name: str) -> str:
    """What the person's own value of a variable has in it."""
    return f"canary-{name}"


@pytest.fixture
def _canaries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every variable of the table is set."""
    tempfile.gettempdir()  # looks at TMPDIR once
    for name in EXAMPLES.values():
        monkeypatch.setenv(name, f"{os.environ['PATH']}:{mark(name)}" if name == "PATH" else mark(name))


def judge(found: Mapping[str, str], column: str, account: str) -> None:
    """Compare a program's environment with a column of the table."""
    expected, actual = {}, {}
    for row in ROWS:
        word = verdict(getattr(row, column), account)
        for name in (EXAMPLES[pattern] for pattern in row.names):
            if word != "—":
                value = found.get(name)
                expected[name] = word
                actual[name] = "dropped" if value is None else "honoured" if mark(name) in value else "set"
    assert expected == actual


def test_the_table_has_rows_for_all_that_is_left_out() -> None:
    exact = outside._WAITS | outside._IDENTITY | outside._HONOURED | outside._KIND_OF_ENDPOINT
    old_spellings = {"AWS_ACCESS_KEY", "AWS_SECRET_KEY", "AWS_SECURITY_TOKEN"}
    assert exact - old_spellings <= set(EXAMPLES)
    assert {f"{prefix}*" for prefix in outside.PERSONAL} <= set(EXAMPLES)


@pytest.mark.usefixtures("_canaries")
@pytest.mark.parametrize("account", ACCOUNTS)
def test_a_build_gets_what_the_table_says(account: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program in Packer's place, started as Packer is, prints its environment."""
    program = tmp_path / "packer"
    program.write_text("#!/bin/sh\nexec /usr/bin/env -0\n")
    program.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    request = BuildRequest(
        image="web",
        version="v1",
        run="run-1",
        template=tmp_path / "web.pkr.hcl",
        var_file=tmp_path / "dev.pkrvars.hcl",
        folder=tmp_path,
        workspace=tmp_path,
        account=ACCOUNTS[account],
    )
    environment = packer_environment(request, tmp_path / "private", os.environ)
    with started(["packer"], env=environment, stderr=subprocess.DEVNULL) as popen:
        assert popen.stdout is not None
        printed = popen.stdout.read().decode()
    found = dict(entry.split("=", 1) for entry in printed.split("\0") if entry)
    judge(found, "builds", account)
    assert found["AWS_REGION"] == REGION
    assert found.get("AWS_ENDPOINT_URL", "") == ACCOUNTS[account].endpoint
    assert found["NO_PROXY"].endswith(",localhost,127.0.0.1,::1")


@pytest.mark.usefixtures("_canaries")
def test_tests_of_roles_get_what_the_table_says(tmp_path: Path) -> None:
    """The real process of the tests writes its environment down while it collects them."""
    folder = tmp_path / "roles" / "one" / "tests"
    folder.mkdir(parents=True)
    seen = tmp_path / "seen"
    (folder / "test_role.py").write_text(
        "import os, pathlib\n"
        f"pathlib.Path({str(seen)!r}).write_text('\\0'.join(f'{{k}}={{v}}' for k, v in os.environ.items()))\n"
        "def test_nothing(): pass\n"
    )
    request = ValidateRequest(
        account=ACCOUNTS["endpoint"],
        ami_id="ami-1",
        image=ImageFacts("web", "v1", (), ("one",)),
        tests=(RoleTests("one", folder),),
        run="run-1",
        folder=tmp_path,
        placement=Placement((("t3.small", ""),), profile="p"),
    )
    with laid_out(request) as suite:
        assert collect(suite, request) == 1
    judge(dict(entry.split("=", 1) for entry in seen.read_text().split("\0")), "tests", PLAIN)


def profiles(path: Path, key: str) -> str:
    """A file with profiles, all of which have the same key."""
    sections = [("default", "default"), ("profile images", "images"), ("profile other", "other")]
    heads = [config if path.name.startswith("config") else credentials for config, credentials in sections]
    text = "".join(f"[{head}]\naws_access_key_id = {key}{head[-5:]}\naws_secret_access_key = s\n" for head in heads)
    path.write_text(text)
    return str(path)


@pytest.fixture
def person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, str]]:
    """A person's files; what each variable is set to, with those that it needs beside it."""
    for name in list(os.environ):
        if name.startswith("AWS_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", profiles(tmp_path / "config", "FIRST"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    keys = {"AWS_ACCESS_KEY_ID": "AKIASHELL", "AWS_SECRET_ACCESS_KEY": "shell"}
    token = tmp_path / "token"
    token.write_text("t")
    role = {"AWS_ROLE_ARN": "arn:aws:iam::1:role/x", "AWS_WEB_IDENTITY_TOKEN_FILE": str(token)}
    proxy = {"HTTP_PROXY": "http://proxy:1", "HTTPS_PROXY": "http://proxy:1"}
    return {
        "AWS_ENDPOINT_URL": {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"},
        "AWS_ENDPOINT_URL_*": {"AWS_ENDPOINT_URL_STS": "http://127.0.0.1:2"},
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false"},
        "AWS_USE_FIPS_ENDPOINT": {"AWS_USE_FIPS_ENDPOINT": "true"},
        "AWS_USE_DUALSTACK_ENDPOINT": {"AWS_USE_DUALSTACK_ENDPOINT": "true"},
        "AWS_REGION": {"AWS_REGION": "us-west-2"},
        "AWS_DEFAULT_REGION": {"AWS_DEFAULT_REGION": "us-west-2"},
        "AWS_PROFILE": {"AWS_PROFILE": "other"},
        "AWS_DEFAULT_PROFILE": {"AWS_DEFAULT_PROFILE": "other"},
        "AWS_ACCESS_KEY_ID": keys,
        "AWS_SECRET_ACCESS_KEY": keys,
        "AWS_SESSION_TOKEN": {**keys, "AWS_SESSION_TOKEN": "t"},
        "AWS_ROLE_ARN": role,
        "AWS_WEB_IDENTITY_TOKEN_FILE": role,
        "AWS_CONFIG_FILE": {"AWS_CONFIG_FILE": profiles(tmp_path / "config2", "SECOND")},
        "AWS_SHARED_CREDENTIALS_FILE": {"AWS_SHARED_CREDENTIALS_FILE": profiles(tmp_path / "credentials", "THIRD")},
        "AWS_CA_BUNDLE": {"AWS_CA_BUNDLE": str(token)},
        "AWS_MAX_ATTEMPTS": {"AWS_MAX_ATTEMPTS": "9"},
        "AWS_RETRY_MODE": {"AWS_RETRY_MODE": "legacy"},
        "HTTP_PROXY": proxy,
        "HTTPS_PROXY": proxy,
        "NO_PROXY": {**proxy, "NO_PROXY": ".amazonaws.com"},
    }


def observed(account: Account) -> dict[str, Any]:
    """Where a new client asks, as whom, and how."""
    fresh = Account(account.region, account.profile, account.endpoint, account.access_key, account.secret_key)
    client: Any = fresh.client("sts")  # its model is small
    session = client._endpoint.http_session
    keys = fresh._session.get_credentials()
    named = keys and keys.method != "assume-role-with-web-identity"
    return {
        "url": client.meta.endpoint_url,
        "region": client.meta.region_name,
        "who": keys and (keys.method, *((keys.access_key, keys.token) if named else ())),
        "proxy": session._proxy_config.proxy_url_for(client.meta.endpoint_url),
        "authorities": session._verify,
        "retries": client.meta.config.retries,
    }


OF_CLIENTS = [(row, name) for row in ROWS for name in row.names if name.startswith("AWS_") or name.endswith("_PROXY")]


@pytest.mark.parametrize(
    ("row", "name"), [pytest.param(row, name, id=name) for row, name in OF_CLIENTS if row.ami != "—"]
)
def test_clients_of_aws_do_what_the_table_says(
    row: Row, name: str, person: dict[str, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Real clients, made with the variable and without it, for each kind of environment."""
    compared = ACCOUNTS if row.ami == "dropped" or ";" in row.ami else {PLAIN: ACCOUNTS[PLAIN]}
    for kind, account in compared.items():
        before = {key: value for key, value in person[name].items() if key != EXAMPLES[name]} if "NO_" in name else {}
        with monkeypatch.context() as patch:
            for key, value in before.items():
                patch.setenv(key, value)
            without = observed(account)
            for key, value in person[name].items():
                patch.setenv(key, value)
            changed = observed(account) != without
        assert ("honoured" if changed else "dropped") == verdict(row.ami, kind), (kind, without)


def test_a_person_is_told_of_an_endpoint_that_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever exported the endpoint of a lab, and asks for an environment on AWS."""
    (tmp_path / "packer/environments").mkdir(parents=True)
    (tmp_path / "ami.yml").write_text("name: w\n")
    (tmp_path / "packer/environments/dev.pkrvars.hcl").write_text('region = "eu-west-1"\n')
    (tmp_path / "packer/environments/lab.pkrvars.hcl").write_text(
        'region = "eu-west-1"\nendpoint = "http://127.0.0.1:4"\n'
    )
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4")
    workspace = load(tmp_path)
    environment_of(workspace, "lab")
    assert capsys.readouterr() == ("", "")
    dev = environment_of(workspace, "dev")
    said = "AWS_ENDPOINT_URL does not count: 'dev' names no endpoint, and so means AWS itself"
    assert capsys.readouterr() == ("", f"note: {said}\n")
    found = next(one for one in doctor_variables.settings_of(dev) if one.what == "endpoint")
    assert (found.said, found.mend) == (said, f"set `endpoint` in {dev.path}, or unset it")


def test_a_profile_that_names_an_endpoint_does_not_lead_away_from_aws(
    person: dict[str, dict[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert person
    (tmp_path / "config").write_text("[default]\nendpoint_url = http://127.0.0.1:7\n")
    assert observed(ACCOUNTS[PLAIN])["url"] == f"https://sts.{REGION}.amazonaws.com"
    monkeypatch.setenv("AWS_PROFILE", "is-not-there")
    assert observed(ACCOUNTS["endpoint"])["url"] == "http://127.0.0.1:4", "a lab needs no profile"


def test_the_commit_is_the_workspaces_own_in_a_hook_of_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Git tells its hooks which repository they are of; a workspace may lie in another one."""
    heads = []
    for name in ("ours", "theirs"):
        folder = tmp_path / name
        who = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
        subprocess.run(["git", "init", "-q", str(folder)], check=True)
        subprocess.run(["git", "-C", str(folder), *who, "commit", "-qm", name, "--allow-empty"], check=True)
        heads.append(commit_of(folder))
    assert heads[0] != heads[1]
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "theirs/.git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "theirs/.git/index"))
    assert commit_of(tmp_path / "ours") == heads[0]
