"""Each mistake is reported at its line, with the nearest right name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Mistakes = Callable[..., list[str]]

HEAD = "description: x\nowner: {team: t, email: t@example.com}\n"
SOURCES = "sources:\n  deb: {ami_id: ami-0123456789abcdef0, ssh_username: admin}\n"


def image(name: str, body: str) -> str:
    """An image file whose `body` begins in line 4."""
    return f"name: {name}\n{HEAD}{body}"


def test_load_when_nothing_is_wrong(mistakes: Mistakes) -> None:
    assert mistakes({}) == []


#: What an image file `x.yml` may say after its head, and the problems that this has to give.
WRONG_IMAGES = {
    "unknown from": (
        "from: goldn\nlayers: [workload]\n",
        ["4: no image or source 'goldn' (did you mean 'golden'?)"],
    ),
    "unknown layer": (
        "from: golden\nlayers:\n  - worklod\n",
        ["6: unknown layer 'worklod' (did you mean 'workload'?)"],
    ),
    "unknown role": (
        "from: golden\nlayers:\n  - workload:\n      roles:\n        - ngnix\n",
        ["8: unknown role 'ngnix': there is no folder roles/ngnix (did you mean 'nginx'?)"],
    ),
    "unknown key": (
        "from: golden\nlayers:\n  - workload:\n      rols: [nginx]\nlayer: []\n",
        ["7: unknown key 'rols' (did you mean 'roles'?)", "8: unknown key 'layer' (did you mean 'layers'?)"],
    ),
    "unknown variable": (
        "from: golden\nlayers:\n  - workload:\n      roles: [nginx]\n      vars:\n        nginx_worker: 1\n",
        ["9: no role of the layer takes 'nginx_worker' (did you mean 'nginx_workers'?)"],
    ),
    "variable of a dependency": (
        "from: golden\nlayers:\n  - workload: {roles: [nginx], vars: {tls_versions: x}}\n",
        [],
    ),
    "a role that does not say what it takes": (
        "from: debian-12\nlayers:\n  - agents: {roles: [nginx], vars: {anything: x}}\n",
        [],
    ),
    "loop with itself": ("from: x\nlayers: [workload]\n", ["4: loop in 'from': x -> x"]),
    "order": (
        "from: debian-12\nlayers:\n  - agents\n  - base\n",
        ["7: layer 'base' comes before 'agents' in the order of ami.yml"],
    ),
    "order across images": (
        "from: web\nlayers: [base]\n",
        ["5: layer 'base' is already applied by 'golden', which it is built on"],
    ),
    "twice": (
        "from: golden\nlayers:\n  - workload\n  - workload: {roles: [nginx]}\n",
        ["7: layer 'workload' is already applied by this image"],
    ),
    "protected roles": (
        "from: debian-12\nlayers:\n  - base: {roles: [nginx]}\n",
        ["6: layer 'base' is protected: an image may not add roles to it"],
    ),
    "protected vars": (
        "from: debian-12\nlayers:\n  - base: {vars: {system_x: 1}}\n",
        ["6: layer 'base' is protected: an image may not set vars on it"],
    ),
    "protected role elsewhere": (
        "from: golden\nlayers:\n  - workload: {roles: [system], vars: {system_x: 1}}\n",
        ["6: role 'system' belongs to the protected layer 'base': it is not used again"],
    ),
    "role twice": (
        "from: debian-12\nlayers:\n  - agents: {roles: [agent]}\n",
        ["6: role 'agent' is in layer 'agents' already"],
    ),
    "wrong types": (
        "from: [golden]\nlayers: workload\ntags: {a: 1, b: on, c: null}\n",
        [
            "4: 'from' must be text, not a list",
            "5: 'layers' must be a list, not 'workload'",
            "6: 'a' must be text, not a number: put it in quotes",
            "6: 'b' must be text, not yes/no: put it in quotes",
            "6: 'c' must be text, not empty",
        ],
    ),
    "two mistakes of different kinds in one file": (
        "from: goldn\nlayers:\n  - workload: {rols: [], roles: [ngnix]}\n",
        [
            "4: no image or source 'goldn' (did you mean 'golden'?)",
            "6: unknown key 'rols' (did you mean 'roles'?)",
            "6: unknown role 'ngnix': there is no folder roles/ngnix (did you mean 'nginx'?)",
        ],
    ),
    "missing": ("layers: [workload]\n", ["1: 'from' is missing"]),
    "null everywhere": (
        "from:\nlayers:\ntags:\n",
        [
            "4: 'from' must be text, not empty",
            "5: 'layers' must be a list, not empty",
            "6: 'tags' must be a mapping, not empty",
        ],
    ),
    "reserved tags": (
        "from: golden\nlayers: [workload]\ntags:\n  aws:x: a\n  ami:image: b\n  Name: c\n  team: d\n  Team: e\n",
        [
            "7: tag 'aws:x': EC2 reserves keys that begin with 'aws:'",
            "8: tag 'ami:image': the factory sets 'Name' and the keys that begin with 'ami:' itself",
            "9: tag 'Name': the factory sets 'Name' and the keys that begin with 'ami:' itself",
            "11: tags 'team' and 'Team' differ only in upper and lower case",
        ],
    ),
    "long tags": (
        f"from: golden\nlayers: [workload]\ntags:\n  {'k' * 128}: a\n  v: {'v' * 257}\n  'a#b': 'c'\n  d: 'e<f'\n",
        [
            "7: a tag's key has at most 127 characters, and this one has 128",
            "8: a tag's value has at most 256 characters, and this one has 257",
            "9: tag 'a#b': the services of AWS take letters, digits, spaces and _ . : / = + - @ only",
            "10: value 'e<f': the services of AWS take letters, digits, spaces and _ . : / = + - @ only",
        ],
    ),
    "too many tags": (
        "from: golden\nlayers: [workload]\ntags:\n" + "".join(f"  k{n}: v\n" for n in range(31)),
        ["37: 31 tags are too many: EC2 allows 50, and the factory keeps 20 of them for its own"],
    ),
    "tags at their limits": (
        f"from: golden\nlayers: [workload]\ntags:\n  {'k' * 127}: {'v' * 256}\n"
        + "".join(f"  k{n}: 'Grün / +-=._:@ 7'\n" for n in range(29)),
        [],
    ),
}


@pytest.mark.parametrize(("body", "expected"), WRONG_IMAGES.values(), ids=WRONG_IMAGES)
def test_load_when_an_image_is_wrong(mistakes: Mistakes, body: str, expected: list[str]) -> None:
    """Exactly these problems, each at the line of the key or value that it is about."""
    assert mistakes({"packer/images/x.yml": image("x", body)}) == [f"packer/images/x.yml:{line}" for line in expected]


@pytest.mark.parametrize(
    ("name", "ok"),
    [
        ("a" * 99, True),
        ("a" * 100, False),
        ("a-1", True),
        ("A", False),
        ("a_b", False),
        ("a--b", False),
        ("1a", False),
    ],
)
def test_load_when_a_name_must_fit_an_ami(mistakes: Mistakes, name: str, ok: bool) -> None:  # noqa: FBT001
    """128 characters less a version, an attempt and their hyphens; lower-case letters, digits, single hyphens."""
    found = mistakes({f"packer/images/{name}.yml": image(name, "from: golden\nlayers: [workload]\n")})
    assert (found == []) == ok


@pytest.mark.parametrize(
    ("description", "named"),
    [("nginx \u2013 for the portal", "EN DASH"), ("Gr\u00f6\u00dfe", "LATIN SMALL LETTER O WITH DIAERESIS")],
)
def test_load_when_a_description_is_not_ascii(mistakes: Mistakes, description: str, named: str) -> None:
    """EC2 would say so when the whole build is done. The character is named: many look like one that is."""
    text = image("x", "from: golden\nlayers: [workload]\n").replace("description: x", f"description: {description}")
    rule = "The AMI's description: one line of ASCII characters, as EC2 takes no others."
    expected = f"packer/images/x.yml:2: 'description' cannot be '{description}' ({named} is not ASCII): {rule}"
    assert mistakes({"packer/images/x.yml": text}) == [expected]


def test_load_when_packer_would_render_a_text(mistakes: Mistakes) -> None:
    head = "name: x\ndescription: 'a {{ b'\nowner:\n  team: t\n  email: '{{a@example.com'\n"
    text = f"{head}from: golden\nlayers: [workload]\n"
    why = "Packer takes '{{' for a template of its own, and there is no way to write it otherwise"
    expected = [f"packer/images/x.yml:2: 'description': {why}", f"packer/images/x.yml:5: 'email': {why}"]
    assert mistakes({"packer/images/x.yml": text}) == expected


@pytest.mark.parametrize("email", ["portal", "a@b", "a b@example.com", "<a@example.com>", "@example.com"])
def test_load_when_the_owner_has_no_address(mistakes: Mistakes, email: str) -> None:
    text = f"name: x\ndescription: x\nowner:\n  team: t\n  email: '{email}'\nfrom: golden\nlayers: [workload]\n"
    (found,) = mistakes({"packer/images/x.yml": text})
    assert found.startswith("packer/images/x.yml:5: 'email' cannot be")


def test_load_when_from_loops(mistakes: Mistakes) -> None:
    """One problem per loop, at its first image, with the whole way; an image that leads into it has none."""
    files = {f"packer/images/{a}.yml": image(a, f"from: {b}\nlayers: [workload]\n") for a, b in ("ca", "ab", "bc")}
    files |= {"packer/images/d.yml": image("d", "from: c\nlayers: [agents]\n")}
    loops = [line for line in mistakes(files) if "loop" in line]
    assert loops == ["packer/images/a.yml:4: loop in 'from': a -> b -> c -> a"]


def test_load_when_names_are_taken(mistakes: Mistakes, tmp_path: Path) -> None:
    """Two files with one image name, a file called otherwise, a file that would be passed over."""
    text = image("web", "from: golden\nlayers: [workload]\n")
    assert mistakes({"packer/images/web2.yml": text, "packer/images/other.yaml": ""}) == [
        "packer/images/other.yaml: is not read: rename it to other.yml",
        f"packer/images/web2.yml:1: image 'web' is already defined in {tmp_path}/w/packer/images/web.yml",
        "packer/images/web2.yml:1: image 'web' must stand in web.yml, and this is web2.yml",
    ]


def test_load_when_an_image_is_called_as_a_source(mistakes: Mistakes) -> None:
    found = mistakes({"packer/images/debian-12.yml": image("debian-12", "from: web\nlayers: [workload]\n")})
    what = "'debian-12' is the name of a source: an image needs another one"
    assert f"packer/images/debian-12.yml:1: {what}" in found


def test_load_when_ami_yml_is_wrong(mistakes: Mistakes) -> None:
    found = mistakes(
        {
            "ami.yml": "name: factory\ndefault_environment: lap\nrequired_tags: [cost-center, 'ami:ownr']\n"
            "sources:\n  debian-12: {ssh_username: admin}\nlayers:\n"
            "  - base: {roles: [sistem], protected: 'yes'}\n  - agents\n  - workload\n  - extra\n"
            "  - agents\n  - seal\n",
            "roles/tls/meta/main.yml": "dependencies:\n  - role: sytem\n",
        }
    )
    assert [line for line in found if not line.startswith("packer")] == [
        "ami.yml:2: no environment 'lap' in packer/environments (did you mean 'lab'?)",
        "ami.yml:3: the factory sets no tag 'ami:ownr' (did you mean 'ami:owner'?)",
        "ami.yml:5: 'debian-12' needs exactly one of filter, ami_id and ssm_parameter, and has none",
        "ami.yml:7: 'protected' must be true or false, not 'yes'",
        "ami.yml:7: unknown role 'sistem': there is no folder roles/sistem (did you mean 'system'?)",
        "ami.yml:11: layer 'agents' is declared twice",
        "ami.yml:12: no layer may be called 'seal': it ends each build by itself",
        "roles/tls/meta/main.yml:2: depends on an unknown role 'sytem' (did you mean 'system'?)",
    ]
    assert "packer/images/web.yml:1: tag 'cost-center' is required, and missing" in found


def test_load_when_layer_names_outgrow_their_tag(mistakes: Mistakes) -> None:
    """ami:layers holds 256 characters: seven names of 36 fit with their spaces, an eighth does not."""
    names = [f"{n}".rjust(36, "l") for n in range(8)]
    ami = f"name: factory\n{SOURCES}layers: [{', '.join(names)}]\n"
    files = {f"playbooks/{name}.yml": "" for name in names} | {
        "ami.yml": ami,
        "packer/images/a.yml": image("a", f"from: deb\nlayers: [{', '.join(names[:6])}]\n"),
        "packer/images/b.yml": image("b", f"from: a\nlayers: [{', '.join(names[6:])}]\n"),
    }
    (found,) = mistakes(files, whole=False)
    assert found.startswith("packer/images/b.yml:5: the names of its 8 layers do not fit")


def test_load_when_something_protected_is_replaced(mistakes: Mistakes, project: Callable[..., object]) -> None:
    """Neither the layer nor its roles, playbook, fragment, nor the seal; both paths are named."""
    root = project()
    base = "the protected layer 'base'"
    found = mistakes(
        {
            "ami.yml": "name: team\nextends: ../w\nlayers:\n  - base\n",
            "playbooks/base.yml": "",
            "playbooks/seal.yml": "",
            "playbooks/workload.yml": "",
            "roles/system/tasks/main.yml": "",
            "roles/nginx/tasks/main.yml": "",
            "packer/images/golden.yml": image("golden", "from: debian-12\nlayers: [base]\n"),
        },
        folder="team",
        whole=False,
    )
    assert found == [
        f"ami.yml:4: layer 'base' is protected by {root}/ami.yml: it cannot be declared again",
        f"packer/images/golden.yml:1: image 'golden' is already defined in {root}/packer/images/golden.yml",
        f"playbooks/base.yml: cannot take the place of {root}/playbooks/base.yml, which belongs to {base}",
        f"playbooks/seal.yml: cannot take the place of {root}/playbooks/seal.yml, which belongs to the seal",
        f"roles/system: cannot take the place of {root}/roles/system, which belongs to {base}",
    ]


def test_load_when_layers_have_no_playbook_of_their_own(mistakes: Mistakes, project: Callable[..., Path]) -> None:
    """The default one is theirs. That of a protected layer is neither replaced nor given another beside it."""
    given: dict[str, str | bytes | None] = {"playbooks/default.yml": "[]\n", "playbooks/base.yml": None}
    assert mistakes(given | {"playbooks/workload.yml": None}) == []
    assert mistakes(given | {"ami.yml": f"name: t\n{SOURCES}layers: [default]\n"}, folder="taken", whole=False) == [
        "ami.yml:4: no layer may be called 'default': its playbook is that of layers without one"
    ]
    root = project(given)
    own = {"ami.yml": "name: team\nextends: ../w\n", "playbooks/default.yml": "", "playbooks/base.yml": ""}
    found = mistakes(own | {"packer/layers/base.pkr.hcl.j2": ""}, folder="team", whole=False)
    protected = f"layer 'base' is protected by {root}/ami.yml: it has the %s of layers without one, and gets none here"
    default = root / "playbooks/default.yml"
    assert found == [
        f"packer/layers/base.pkr.hcl.j2: {protected % 'fragment'}",
        f"playbooks/base.yml: {protected % 'playbook'}",
        f"playbooks/default.yml: cannot take the place of {default}, which belongs to the protected layer 'base'",
    ]


@pytest.mark.parametrize(
    ("extends", "expected"),
    [
        ("../none", "'extends': there is no ami.yml in "),
        (
            "https://git.example.com/f?ref=v1",
            "'extends' takes a folder here; a repository is written as: extends: {git",
        ),
        ("{path: ../none}", "'extends': there is no ami.yml in "),
        ("{path: ../none, ref: v1}", "'extends' takes ref beside git only"),
        ("{git: https://git.example.com/f}", "'extends' needs the ref of the repository, as in `ref: v1.4.0`"),
        ("{}", "'extends' needs exactly one of path and git"),
        ("../w", "loop in 'extends': "),
        ('"a\\0b"', "'extends' is no path of a folder"),
        ("x" * 5000, "'extends' is no path of a folder"),
    ],
)
def test_load_when_extends_leads_nowhere(mistakes: Mistakes, extends: str, expected: str) -> None:
    """One problem: that the names of the other workspace are unknown now would say nothing new."""
    (found,) = mistakes({"ami.yml": f"name: team\nextends: {extends}\n"})
    assert found.startswith(f"ami.yml:2: {expected}")


def test_load_when_ami_yml_cannot_be_read(mistakes: Mistakes) -> None:
    """What is wrong with other files themselves is still told."""
    assert mistakes({"ami.yml": b"\xff", "packer/images/web.yml": "- a\n"}) == [
        "ami.yml:1: is not UTF-8 text (byte 0xff)",
        "packer/images/web.yml:1: must be a mapping (`key: value` lines)",
    ]


@pytest.mark.parametrize("name", ["x" * 600, "a/../../b", '"\\0"', '""', "' '"])
def test_load_when_a_name_is_no_file_name(mistakes: Mistakes, name: str) -> None:
    """Names of layers and roles lead to files: what cannot be one is a problem as any other."""
    ami = f"name: factory\n{SOURCES}layers:\n  - {name}\n  - {name}: {{roles: [{name}]}}\n"
    assert [line for line in mistakes({"ami.yml": ami}) if line.startswith("ami.yml:5: ")]


PINS = """name: factory
default_environment: lab
packer:
  required_plugins:
    amazon: newest
    ansble: ">= 1.1.0"
    ansible: {source: github.com/acme/ansible, version: ">= 1.1.0"}
    docker: {source: "https://github.com/hashicorp/docker", version: 1.0.8}
    virtualbox: 1.10
    Vault: {source: github.com/hashicorp/vault, version: 1.0.0, chksum: x}
"""


def test_load_when_pins_of_plugins_are_wrong(mistakes: Mistakes) -> None:
    assert [one for one in mistakes({"ami.yml": PINS}) if one.startswith("ami.yml")] == [
        "ami.yml:5: 'version' cannot be 'newest': Constraints such as '>= 1.3.0', '~> 1.8' or '>= 1.2.6, < 1.8'.",
        (
            "ami.yml:6: the plugin 'ansble' needs its source: {source: HOST/OWNER/NAME, version: ...}"
            " (did you mean 'ansible'?)"
        ),
        "ami.yml:7: the plugin 'ansible' comes from github.com/hashicorp/ansible, and not from github.com/acme/ansible",
        (
            "ami.yml:8: 'source' cannot be 'https://github.com/hashicorp/docker': HOST/OWNER/NAME"
            " without packer-plugin-, such as github.com/hashicorp/docker."
        ),
        "ami.yml:9: 'virtualbox' needs quotes: YAML reads it as the number 1.1, and 1.10 as 1.1",
        "ami.yml:9: the plugin 'virtualbox' needs its source: {source: HOST/OWNER/NAME, version: ...}",
        "ami.yml:10: 'Vault' cannot be 'Vault': Lower-case letters, digits, _ and -.",
        "ami.yml:10: unknown key 'chksum'",
    ]
