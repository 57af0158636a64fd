"""What `extends:` may say of a repository."""

from __future__ import annotations

import pytest

from orchestrator.extends.place import folder_trouble, ref_trouble, url_trouble
from orchestrator.masks import hide

GOOD = (
    "https://git.example.com/team/factory.git",
    "https://team@dev.example.com/project/_git/factory",
    "ssh://git@git.example.com:2222/factory",
    "git@git.example.com:team/factory.git",
    "file:///srv/git/factory.git",
    "http://[::1]:8000/factory",
)
SECRET = "holds a password or a token: git has it from a credential helper, and never from a file"


@pytest.mark.parametrize("url", GOOD)
def test_url_when_git_knows_it(url: str) -> None:
    """Nothing is wrong with it."""
    assert url_trouble(url) == ""


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("../factory", "is no URL; a folder is `extends: {path: ...}`"),
        ("/srv/git/factory", "is no URL: write file:///srv/git/factory"),
        ("-uploadpack=touch x", "is no URL; a folder is"),
        ("ext::sh -c 'touch x'", "is no URL; a folder is"),
        ("ext://sh", "begins with ext://, which is none of https, ssh, file, http, git"),
        ("htps://git.example.com/x", "begins with htps://"),
        ("htps://git.example.com/x", "(did you mean 'https'?)"),
        ("https:///x", "names no server"),
        ("https://git.example.com:port/x", "is no URL"),
        ("https://git.example.com/a b", "is no URL"),
        ("https://git.example.com/x?ref=v1", "it has a `?` or a `#`"),
        ("file://server/x", "needs the whole path after file://"),
    ],
)
def test_url_when_it_is_wrong(url: str, expected: str) -> None:
    """It is said what is, with what would be right."""
    assert expected in url_trouble(url)


@pytest.mark.parametrize(
    ("url", "secret"),
    [
        ("https://me:open%20sesame@git.example.com/x", "open%20sesame"),
        ("https://:pass-of-9@git.example.com/x", "pass-of-9"),
        ("me:pass-of-8@git.example.com:x", "pass-of-8"),
        ("https://ghp_0123456789@git.example.com/x", "ghp_0123456789"),
        ("https://git.example.com/x?private_token=tok-of-7", "tok-of-7"),
    ],
)
def test_url_when_it_has_a_secret(url: str, secret: str) -> None:
    """It is refused, and no output of this process shows it from then on."""
    assert url_trouble(url) == SECRET
    assert secret not in hide(f"see {url}")


def test_refs_and_folders_when_git_would_take_them_otherwise() -> None:
    """No option, no expression of revisions, no way out of the repository."""
    assert not any(map(ref_trouble, ("v1.4.0", "release/2026-05", "main", "a" * 40)))
    assert all(map(ref_trouble, ("-f", "main~1", "a..b", "@{u}", "a b", "x:y", "x.lock", "a//b", "x/", "a^")))
    assert not any(map(folder_trouble, ("images", "images/factory", "images/")))
    assert all(map(folder_trouble, ("/etc", "../x", "a/../../b", ".git/hooks", "a//b", ".", "a\\b")))
