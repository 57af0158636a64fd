"""Images with variants: one for each base, from the file to the HCL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestrator.definition.variants.variant import variants_of
from orchestrator.definition.workspace import load
from orchestrator.errors import UsageError
from orchestrator.plan.planned_layer import LayerPlanner
from orchestrator.plan.stack import outlines
from tests.unit.definition.conftest import AMI, GOLDEN, WEB

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SOURCES = """\
  debian-13:
    filter: {name: "debian-13-amd64-*", owner: "136693071363"}
    ssh_username: admin
  debian-13-arm64:
    filter: {name: "debian-13-arm64-*", owner: "136693071363", architecture: arm64}
    ssh_username: admin
layers:
"""
#: Line 5 of the golden image: its variants.
VARIED = {
    "ami.yml": AMI.replace("layers:\n", SOURCES),
    "packer/images/golden.yml": GOLDEN.replace(
        "from: debian-12\n", "variants: [debian-12, trixie: {from: debian-13}, debian-13-arm64]\n"
    ),
}


def test_load_when_an_image_has_variants(project: Callable[..., Path]) -> None:
    """Each variant is an image that starts from its source, and what stands on it has the same ones."""
    workspace = load(project(VARIED))
    starts = {name: image.from_ for name, image in workspace.images.items()}
    assert starts == {
        "golden@debian-12": "debian-12",
        "golden@trixie": "debian-13",
        "golden@debian-13-arm64": "debian-13-arm64",
        "web@debian-12": "golden@debian-12",
        "web@trixie": "golden@trixie",
        "web@debian-13-arm64": "golden@debian-13-arm64",
    }
    web = workspace.image("web@trixie")
    assert (web.family, web.variant) == ("web", "trixie")
    assert [image.name for image in workspace.ancestors(web)] == ["golden@trixie"]


def test_load_when_an_image_wants_some_of_the_variants(project: Callable[..., Path]) -> None:
    """It has those alone, and so has what stands on it."""
    top = WEB.replace("name: web", "name: top").replace("from: golden", "from: web").split("layers:")[0]
    files = VARIED | {
        "ami.yml": VARIED["ami.yml"] + "  - last\n",
        "playbooks/last.yml": "[]\n",
        "packer/images/web.yml": WEB.replace("from: golden\n", "from: golden\nvariants: [trixie]\n"),
        "packer/images/top.yml": top + "layers: [last]\n",
    }
    workspace = load(project(files))
    assert sorted(workspace.selected(["web", "top"])) == ["top@trixie", "web@trixie"]


def test_selected_when_a_name_has_variants(project: Callable[..., Path]) -> None:
    """The image's name means all of them, the full name one; each once."""
    workspace = load(project(VARIED))
    web = ["web@debian-12", "web@trixie", "web@debian-13-arm64"]
    assert workspace.selected(["web"]) == web
    assert workspace.selected(["web@trixie", "web"]) == ["web@trixie", "web@debian-12", "web@debian-13-arm64"]
    assert workspace.selected([]) == list(workspace.images)
    with pytest.raises(UsageError, match="'web' has several variants"):
        workspace.image("web")
    with pytest.raises(UsageError, match=r"no image 'web@trixy' .*did you mean 'web@trixie'"):
        workspace.selected(["web@trixy"])


def test_planned_when_a_layer_depends_on_the_variant(project: Callable[..., Path]) -> None:
    """Its roles and variables of the variant come after those that every variant has, and reach no other variant."""
    files = VARIED | {
        "ami.yml": VARIED["ami.yml"].replace(
            "  - workload\n",
            "  - workload: {roles: [agent], variants: {trixie: {roles: [tls], vars: {tls_versions: a}}}}\n",
        ),
        "packer/images/web.yml": WEB + "      variants: {trixie: {vars: {nginx_workers: 4, tls_versions: b}}}\n",
    }
    workspace = load(project(files))
    layers = LayerPlanner(workspace)
    made = {}
    for name in workspace.selected(["web"]):
        image = workspace.image(name)
        layer = layers.planned(image.layers[0], image)
        made[image.variant] = (layer.roles, dict(layer.vars))
    plain = (("agent", "nginx"), {"nginx_workers": 2})
    assert made == {
        "debian-12": plain,
        "trixie": (("agent", "tls", "nginx"), {"nginx_workers": 4, "tls_versions": "b"}),
        "debian-13-arm64": plain,
    }


def test_outlines_when_an_image_has_variants(project: Callable[..., Path]) -> None:
    """Each is built on the parent of its own variant."""
    segments = outlines(load(project(VARIED)), ["web@trixie"])
    assert [(one.name, one.parent, one.source.name) for one in segments] == [
        ("golden@trixie", None, "debian-13"),
        ("web@trixie", "golden@trixie", "debian-13"),
    ]


def test_variants_of_when_images_stand_on_each_other_in_a_loop() -> None:
    """Nothing is below, and so there are none; the loop itself is reported elsewhere."""
    assert variants_of("a", {"a": "b", "b": "a"}, lambda _: {"x": "x"}) == {}


AT_VARIANTS = "packer/images/golden.yml:4: "
AT_FROM = "packer/images/web.yml:4: "


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        (
            {"packer/images/golden.yml": GOLDEN.replace("from: debian-12", "variants: [debian-12, debian13]")},
            AT_VARIANTS + "no source 'debian13' in ami.yml (did you mean 'debian-13'?)",
        ),
        (
            {"packer/images/golden.yml": GOLDEN.replace("from: debian-12", "variants: []")},
            AT_VARIANTS + "'variants' may not be empty",
        ),
        (
            {"packer/images/golden.yml": GOLDEN.replace("from: debian-12", "variants: [debian-12, debian-12]")},
            AT_VARIANTS + "'variants' has 'debian-12' twice",
        ),
        (
            {"packer/images/golden.yml": GOLDEN.replace("from: debian-12", "variants: [debian-12: {form: debian-13}]")},
            AT_VARIANTS + "unknown key 'form' (did you mean 'from'?)",
        ),
        (
            {"packer/images/golden.yml": GOLDEN.replace("from: debian-12", "from: debian-12\nvariants: [debian-13]")},
            AT_VARIANTS + "'from' stands beside 'variants', which name the sources: leave one of them out",
        ),
        (
            {"packer/images/web.yml": WEB.replace("from: golden", "variants: [golden]")},
            AT_FROM + "'golden' is an image, and a variant starts from a source; say `from: golden` to build on it",
        ),
        (
            {"packer/images/web.yml": WEB.replace("layers:", "variants: [debian-13]\nlayers:")},
            (
                "packer/images/web.yml:5: 'golden', which it is built on, has no variant 'debian-13'"
                " (did you mean 'debian-12'?)"
            ),
        ),
        (
            {"packer/images/web.yml": WEB.replace("layers:", "variants: [trixie: {from: debian-13}]\nlayers:")},
            "packer/images/web.yml:5: variant 'trixie' starts from 'golden', and takes no 'from'",
        ),
        (
            {"packer/images/web.yml": WEB + "      variants: {trixy: {vars: {nginx_workers: 1}}}\n"},
            "packer/images/web.yml:9: 'web' has no variant 'trixy' (did you mean 'trixie'?)",
        ),
        (
            {"packer/images/web.yml": WEB + "      variants: {trixie: {vars: {nginx_worker: 1}}}\n"},
            "packer/images/web.yml:9: no role of the layer takes 'nginx_worker' (did you mean 'nginx_workers'?)",
        ),
        (
            {"packer/images/web.yml": WEB + "      variants: {trixie: {roles: [nginx]}}\n"},
            "packer/images/web.yml:9: role 'nginx' is in layer 'workload' already",
        ),
        (
            {
                "packer/images/golden.yml": VARIED["packer/images/golden.yml"].replace(
                    "[base, ", "[base: {variants: {trixie: {vars: {x: 1}}}}, "
                )
            },
            "packer/images/golden.yml:5: layer 'base' is protected: an image may not set vars on it",
        ),
        (
            {"ami.yml": VARIED["ami.yml"].replace("- workload", "- workload: {variants: {debian-14: {}}}")},
            "ami.yml:16: no image has a variant 'debian-14' (did you mean 'debian-13'?)",
        ),
    ],
)
def test_load_when_a_variant_is_wrong(
    mistakes: Callable[..., list[str]], changes: dict[str, str], problem: str
) -> None:
    assert problem in mistakes(VARIED | changes)


def test_load_when_a_layer_of_a_protected_layers_variant_is_used(mistakes: Callable[..., list[str]]) -> None:
    """What a protected layer has in one variant is protected as well."""
    ami = VARIED["ami.yml"].replace(
        "{roles: [system], protected: true}", "{roles: [system], variants: {trixie: {roles: [nginx]}}, protected: true}"
    )
    assert mistakes(VARIED | {"ami.yml": ami}) == [
        "packer/images/web.yml:7: role 'nginx' belongs to the protected layer 'base': it is not used again"
    ]
