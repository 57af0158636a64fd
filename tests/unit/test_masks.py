from __future__ import annotations

import base64
import html
import json
import re
import shlex
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator import masks
from orchestrator.aws.account import Account
from orchestrator.masks import hidden, hide, learn, mask_file, masks_of, values_of
from orchestrator.process import masked
from orchestrator.render.literal import NotHcl, literal
from tests.lab.canary import CANARY, leaks

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KEY = "-----BEGIN KEY-----\nMIIEpAIBAAKCAQEA\nq1w2e3r4t5\n-----END KEY-----\n"


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test lets this process learn is forgotten at its end."""
    monkeypatch.setattr(masks, "_LEARNED", set())


def test_variables_that_are_not_set_hide_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN_ONE", "t0ken-0ne")
    monkeypatch.delenv("TOKEN_TWO", raising=False)
    assert "t0ken-0ne" in masks_of(values_of(["TOKEN_ONE", "TOKEN_TWO"]))
    assert masks_of(values_of(["TOKEN_TWO"])) == ()


def test_lines_of_a_secret_are_hidden_too() -> None:
    """A log that is written line by line never has the whole."""
    assert masked("prefix: MIIEpAIBAAKCAQEA", masks_of([KEY])) == "prefix: ********"


def test_a_secret_that_another_begins_with_leaves_nothing_of_it() -> None:
    assert masked("x token-and-more x", masks_of(["token", "token-and-more"])) == "x ******** x"


def test_what_is_too_common_stays() -> None:
    assert masks_of(["", "no", "yes"]) == ()


def test_texts_within_a_secret_of_json_are_hidden_too() -> None:
    """Whoever takes the whole of a secret of Secrets Manager uses its parts."""
    assert masked("login with pa55word", masks_of(['{"password": "pa55word", "port": 5432}'])) == "login with ********"


ENCODINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "json": json.dumps,
    "json, all of Unicode": lambda text: json.dumps(text, ensure_ascii=False),
    "json in json": lambda text: json.dumps(json.dumps({"a": text})),
    "python": repr,
    "python in json": lambda text: json.dumps({"a": repr(text)}),
    "url": quote,
    "url, every character": lambda text: quote(text, safe=""),
    "url, lower case": lambda text: re.sub("%..", lambda found: found[0].lower(), quote(text, safe="")),
    "form": quote_plus,
    "shell": shlex.quote,
    "shell in json": lambda text: json.dumps(shlex.quote(text)),
    "yaml in json": lambda text: json.dumps("'" + text.replace("'", "''") + "'"),
    "html": html.escape,
    "hex": lambda text: text.encode().hex(),
    "base64 at 0": lambda text: base64.b64encode(f"xyz{text}!".encode()).decode(),
    "base64 at 1": lambda text: base64.b64encode(f"x{text}!!".encode()).decode(),
    "base64 at 2": lambda text: base64.b64encode(f"xy{text}".encode()).decode(),
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(f"xy{text}?".encode()).decode(),
    "packer": lambda text: text.replace(",", "%!(PACKER_COMMA)").replace("\n", "\\n"),
}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_canary_is_found_in_every_encoding(encoding: str) -> None:
    """Quotes, a comma, a dollar, braces, a newline and other letters: no encoding leaves them alone."""
    learn([CANARY])
    written = ENCODINGS[encoding](CANARY)
    assert leaks(hide(f"said {written} here").encode()) == []
    assert leaks("\n".join(hide(line) for line in f"said {written} here".split("\n")).encode()) == []


@pytest.mark.parametrize("encoding", ENCODINGS)
@given(secret=st.text(min_size=4, max_size=40).filter(lambda text: len(text.strip()) >= 4))
def test_no_secret_is_found_in_any_encoding(encoding: str, secret: str) -> None:
    """Whatever is in it: what is left of the encoded text does not hold it as it was written."""
    if any("\ud800" <= char <= "\udfff" for char in secret):
        return
    written = ENCODINGS[encoding](secret)
    core = written[6:-6] if encoding.startswith("base64") else written.strip("\"'")
    left = masked(f"<{written}>", masks_of([secret]))
    assert "********" in left
    assert len(core) < 4 or core not in left or core in "<********>"


@given(secret=st.text(min_size=4).filter(lambda text: len(text.strip()) >= 4))
def test_a_secret_is_found_within_hcl(secret: str) -> None:
    try:
        written = literal(secret)
    except NotHcl:
        return
    left = masked(f"x = {written}", masks_of([secret]))
    assert written[1:-1] not in left or written[1:-1] in "********"


def test_what_is_left_of_a_secret_that_was_cut_is_hidden_too() -> None:
    """Programs such as pytest cut lines and values, and mark it with three dots."""
    cut = masks.masked_where_cut("E  x == 'a-long-se...t-value' and a-lo...", masks_of(["a-long-secret-value"]))
    assert cut == "E  x == '********...*******' and ****..."
    assert (
        masks.masked_where_cut("test_a.py .... [50%] wait...", masks_of(["a-long"])) == "test_a.py .... [50%] wait..."
    )


def test_json_stays_json_when_a_secret_is_a_number() -> None:
    learn(["1234"])
    assert hidden({"seconds": 1234.5, "said": ["1234", {"1234": None}]}) == {
        "seconds": 1234.5,
        "said": ["********", {"********": None}],
    }


def test_a_file_is_masked_whatever_its_bytes(tmp_path: Path) -> None:
    file = tmp_path / "tasks.jsonl"
    mask_file(file, ("s3cret",))
    assert not file.exists()
    file.write_bytes(b"caf\xe9 s3cret\n")
    mask_file(file, ("s3cret",))
    assert file.read_bytes() == b"caf\xe9 ********\n"


def test_keys_that_boto3_finds_are_secrets_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "IQoJb3JpZ2luX2VjEXAMPLETOKEN")
    secrets = ("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "IQoJb3JpZ2luX2VjEXAMPLETOKEN")
    assert Account("us-east-1").secrets == secrets


def test_a_profile_that_is_not_there_has_no_secrets() -> None:
    """Whoever asks AWS with it is told; this is no place to fail."""
    assert Account("us-east-1", profile="no-such-profile").secrets == ()
