"""The table of keys agrees with what each version says that it knows, and golden files say nothing else.

`keys/` has what the programs themselves declare: the keys in `hcl2spec.go` of the builder amazon-ebs and of the
provisioner ansible at each version's tag, those of a block as `block.key`.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hcl2
import pytest
from packaging.version import Version

from orchestrator.render.features import BUILT_IN, FEATURES, Program
from orchestrator.render.packer import render
from orchestrator.render.packer_set import PackerSet
from tests.unit.render.sets import LEGACY, SETS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.unit.render.conftest import Project

HERE = Path(__file__).parent

#: What the version of a set declares: the files of `keys/`, by what they are of and its version.
AMAZON = {BUILT_IN: "packer-1.6.6", **{number: f"amazon-{number}" for number in ("1.2.1", "1.2.6", "1.3.10", "1.8.2")}}
ANSIBLE = {BUILT_IN: "packer-1.6.6", **{number: f"ansible-{number}" for number in ("1.1.0", "1.1.4", "1.1.6")}}

#: What every block of a kind may have (Packer documentation, "The provisioner Block").
OF_PACKER = {"only", "except", "override", "pause_before", "max_retries", "timeout"}

#: Keys whose effect came later than the key.
LATER = {"temporary_key_pair_type", "ami_description"}


def declared(kind: str, version: str) -> set[str]:
    return set((HERE / "keys" / f"{kind}-of-{version}.txt").read_text().split())


def keys_of(body: dict[str, Any], before: str = "") -> Iterator[str]:
    """The keys of a block, and those of the blocks in it."""
    for name, value in body.items():
        if name.startswith("__"):
            continue
        yield before + name
        if isinstance(value, list) and value and isinstance(value[0], dict) and "__is_block__" in value[0]:
            for block in value:
                yield from keys_of(block, f"{before}{name}.")


def blocks(text: str, kind: str, of: str) -> list[dict[str, Any]]:
    return [
        inner
        for each in hcl2.loads(text).get(kind, [])
        for label, inner in each.items()
        if label.strip('"') == of and isinstance(inner, dict)
    ]


def printed(text: str) -> tuple[set[str], set[str]]:
    """The keys that a rendered file gives amazon-ebs, and the provisioner ansible."""
    builders = [body for source in blocks(text, "source", "amazon-ebs") for body in source.values()]
    ansible = [
        provisioner[name]
        for build in hcl2.loads(text)["build"]
        for provisioner in build["provisioner"]
        for name in provisioner
        if name.strip('"') == "ansible"
    ]
    return {key for body in builders for key in keys_of(body)}, {key for body in ansible for key in keys_of(body)}


@pytest.mark.parametrize("packers", SETS)
def test_each_key_of_a_golden_file_is_known_to_its_versions(packers: str) -> None:
    """By what the versions declare themselves, and by the table for what not every served version knows."""
    served = SETS[packers]
    for path in (HERE / "golden" / packers).iterdir():
        builder, ansible = printed(path.read_text())
        assert {"aws_polling.delay_seconds", "ami_name", "source_ami_filter.owners"} <= builder
        assert builder - declared("amazon-ebs", AMAZON[served.amazon]) == set()
        assert {"playbook_file", "extra_arguments"} <= ansible
        assert ansible - OF_PACKER - declared("ansible", ANSIBLE[served.ansible]) == set()
        new = builder - declared("amazon-ebs", AMAZON[BUILT_IN])
        assert {key for key in new if key not in FEATURES or not served.knows(key)} == set()


@pytest.mark.parametrize("version", AMAZON)
def test_the_table_says_of_each_key_what_the_version_declares(version: str) -> None:
    known = declared("amazon-ebs", AMAZON[version])
    for feature in FEATURES.values():
        if feature.program is Program.AMAZON and feature.key not in LATER:
            assert (feature.key in known) is (Version(version) >= Version(feature.since)), feature


def test_each_row_has_its_source() -> None:
    for feature in FEATURES.values():
        assert re.fullmatch(r"hashicorp/[\w-]+ \d+\.\d+\.\d+, [\w./]+\.go", feature.source), feature
    assert FEATURES["imds_support"].source == "hashicorp/packer-plugin-amazon 1.2.2, builder/ebs/builder.hcl2spec.go"
    assert FEATURES["spot_price"].source == "hashicorp/packer 1.6.6, builder/amazon/ebs/builder.hcl2spec.go"


@pytest.mark.parametrize(
    ("key", "amazon", "known"),
    [
        ("imds_support", "1.2.1", False),
        ("imds_support", "1.2.2", True),
        ("imds_support", "1.10", True),
        ("enable_unlimited_credits", BUILT_IN, False),
        ("enable_t2_unlimited", BUILT_IN, True),
    ],
)
def test_a_set_knows_a_key_from_its_first_version_on(key: str, amazon: str, *, known: bool) -> None:
    assert PackerSet("1.9.5", amazon, "1.1.0").knows(key) is known


def test_a_set_does_not_know_a_key_that_was_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = replace(FEATURES["imds_support"], until="1.9.0")
    monkeypatch.setitem(FEATURES, "imds_support", gone)
    assert [PackerSet("1.16", one, "1.1.0").knows("imds_support") for one in ("1.8.2", "1.9.0")] == [True, False]


def test_a_key_that_is_not_in_the_table_is_a_bug() -> None:
    with pytest.raises(KeyError):
        LEGACY.knows("imds_suport")


def test_a_file_says_only_what_its_set_knows(shipped: Project) -> None:
    """1.2.1 is the oldest plugin that is served, and the last one without `imds_support`."""
    old = render(shipped.workspace, shipped.segment(), PackerSet("1.16", "1.2.1", "1.1.0"))
    new = render(shipped.workspace, shipped.segment(), PackerSet("1.16", "1.2.2", "1.1.0"))
    assert printed(new)[0] - printed(old)[0] == {"imds_support"}
    assert printed(old)[0] - declared("amazon-ebs", AMAZON["1.2.1"]) == set()
    assert printed(old)[0] - printed(render(shipped.workspace, shipped.segment(), LEGACY))[0] == {
        "ami_description",
        "metadata_options",
        "metadata_options.http_endpoint",
        "metadata_options.http_tokens",
        "skip_create_ami",
        "temporary_key_pair_type",
    }
