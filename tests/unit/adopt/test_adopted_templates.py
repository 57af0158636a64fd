"""Six templates of different styles: what is rendered builds the same, and what differs is listed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from orchestrator.adopt.adoption import adopt
from orchestrator.adopt.target import changes_of, target_of
from orchestrator.definition.layer import LayerUse
from orchestrator.process import run
from tests.unit.adopt.conftest import CALLS, OWNER, steps_of
from tests.unit.render.sets import SETS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.adopt.conftest import AdoptedTemplate

    Get = Callable[[str], AdoptedTemplate]

DEBIAN = {"name": "debian-12-amd64-*", "architecture": "x86_64"}
LOOP = """\
set -eu
list="a b c"
for one in $list; do
  echo "${one#b} {{upper `ok`}} %{http_code} {# no comment #}"
done >/tmp/list
"""
#: (template, image) -> where it starts, the user, and the provisioners in their order.
BUILDS: dict[tuple[str, str], tuple[Any, str, list[tuple[str, Any]]]] = {
    ("bastion", "bastion"): (
        "/aws/service/debian/release/12/latest/amd64",
        "admin",
        [("ansible", "./playbooks/bastion.yml")],
    ),
    ("cache", "cache"): (
        DEBIAN,
        "admin",
        [
            ("file", "./packer/files/cache/tree/"),
            ("shell", ["printf 'memory=%s\\n' 128 >/tmp/tree/etc/cache.d/size"]),
        ],
    ),
    ("fleet", "fleet-api"): (
        "ami-0123456789abcdef0",
        "admin",
        [("shell", '["echo ${build.ID} >/tmp/build-id"]'), ("shell", ["echo last"])],
    ),
    ("fleet", "worker"): (
        {"name": "debian-12-arm64-*", "architecture": "arm64"},
        "admin",
        [
            ("shell", ["echo worker >/tmp/build-id"]),
            ("ansible", "./playbooks/worker.yml"),
            ("shell", ["echo last"]),
        ],
    ),
    ("portal", "portal"): (
        DEBIAN,
        "admin",
        [
            ("shell", ["while [ ! -f /var/lib/cloud/instance/boot-finished ]; do sleep 1; done"]),
            ("file", "./packer/files/portal/files/motd"),
            ("shell", [f"./packer/files/portal/scripts/{name}.sh" for name in ("install", "clean")]),
        ],
    ),
    ("search", "search"): (
        DEBIAN,
        "admin",
        [
            ("shell", ["echo 'curl ca-certificates jq' >/tmp/packages", "echo heap: 512 >>/tmp/packages"]),
            (
                "shell",
                [LOOP],
            ),
            ("shell", ['echo "$BUILD $HEAP" >/tmp/build']),
        ],
    ),
    ("shop", "cart"): (DEBIAN, "admin", [("shell", ["echo cart"]), ("ansible", "./playbooks/cart.yml")]),
    ("shop", "front-end"): (
        DEBIAN,
        "admin",
        [
            ("shell", ["echo shared"]),
            ("ansible", "./playbooks/front-end.yml"),
            ("ansible", "./playbooks/front-end-2.yml"),
        ],
    ),
}


@pytest.mark.parametrize(("name", "image"), BUILDS)
def test_an_adopted_image_is_built_as_its_template_builds_it(adopted: Get, name: str, image: str) -> None:
    """The start, the user and the provisioners in their order are those of the template."""
    template = adopted(name)
    start, user, steps = BUILDS[name, image]
    rendered = template.rendered_blocks(image)
    values = {block.labels[0]: default.value for block in rendered.all("variable") if (default := block.get("default"))}
    if isinstance(start, dict):
        assert (values["source_filters"], values["source_owners"]) == (start, ["136693071363"])
    elif start.startswith("/"):
        assert template.workspace.sources[template.workspace.images[image].from_].ssm_parameter == start
    else:
        assert values["source_ami"] == start
    (source,) = rendered.all("source")
    assert {name: source.get(name).value for name in ("ssh_username",)} == {"ssh_username": user}  # type: ignore[union-attr]
    assert steps_of(rendered) == steps


def test_images_are_all_that_a_template_builds_with_amazon_ebs(adopted: Get) -> None:
    built = {(name, image) for name in CALLS for image in adopted(name).adoption.images}
    assert built == set(BUILDS)


@pytest.mark.parametrize(("name", "image"), BUILDS)
def test_packer_takes_what_an_adopted_workspace_renders(adopted: Get, name: str, image: str) -> None:
    template = adopted(name)
    environment = next((template.root / "packer/environments").glob("*.pkrvars.hcl"))
    argv = ["packer", "validate", f"-var-file={environment}", str(template.rendered(image))]
    if template.workspace.sources[template.workspace.images[image].from_].ssm_parameter:
        argv.insert(2, "-var=source_ami=ami-0123456789abcdef0")
    run(argv, cwd=template.root, env={"CHECKPOINT_DISABLE": "1"})


@pytest.mark.parametrize(("name", "image"), BUILDS)
def test_packer_fmt_has_nothing_to_add(adopted: Get, name: str, image: str) -> None:
    path = adopted(name).rendered(image, SETS["packer-1.16-amazon-1.8.2"])
    assert run(["packer", "fmt", "-check", "-diff", str(path)], check=False).out == ""


def test_tags_and_descriptions_are_those_of_the_template(adopted: Get) -> None:
    tags = {
        (name, image): (adopted(name).workspace.images[image].description, adopted(name).workspace.images[image].tags)
        for name, image in BUILDS
    }
    assert tags["portal", "portal"] == ("Portal 7", {"team": "portal", "release": "7"})
    assert tags["search", "search"] == (
        "Search with 512 MB",
        {"service": "search", "heap": "512m", "tier": "DATA", "zone": "B"},
    )
    assert tags["fleet", "worker"] == ("worker, adopted from fleet.json", {"fleet": "north"})
    assert tags["shop", "cart"] == ("The shop's cart", {})


def test_places_become_environments(adopted: Get) -> None:
    environments = {name: adopted(name).workspace.environments for name in CALLS}
    shown = {name: each.region for known in environments.values() for name, each in known.items() if name != "lab"}
    assert (shown["bastion"], shown["cache"]) == ("eu-north-1", "us-east-1")
    assert (shown["fleet"], shown["fleet-worker"]) == ("us-east-1", "us-west-2")
    bastion, shop = environments["bastion"]["bastion"], environments["shop"]["shop-hcl"]
    assert (bastion.vpc_id, bastion.subnet_id) == ("vpc-0123456789abcdef0", "subnet-0123456789abcdef0")
    assert (shop.profile, shop.ssh_interface) == ("shop", "session_manager")
    assert environments["search"]["search"].kms_key_id == "alias/images"
    assert {adopted(name).workspace.default_environment for name in CALLS} == set(CALLS) - {"shop"} | {"shop-hcl"}


def written_layer(template: AdoptedTemplate, image: str) -> dict[str, Any]:
    """The one layer of an image, as its file has it."""
    (layer,) = yaml.safe_load((template.root / f"packer/images/{image}.yml").read_text())["layers"]
    fields: dict[str, Any] = layer[image]
    return fields


def test_machines_are_those_of_the_template(adopted: Get) -> None:
    """Types, disks, user data and the like are in the image's machine block."""
    machines = {
        (name, image): adopted(name).workspace.images[image].machine.model_dump(exclude_unset=True)
        for name, image in BUILDS
    }
    assert machines["bastion", "bastion"] == {"instance_types": ("t3.micro",)}
    assert machines["cache", "cache"] == {"instance_types": ("t3.small",), "tags": {"job": "cache"}}
    assert machines["fleet", "worker"] == {"instance_types": ("c7g.large",), "spot": {}}
    assert machines["portal", "portal"]["root_volume"] == {"size": 20, "type": "gp3"}
    assert machines["search", "search"]["root_volume"] == {"size": 30, "type": "gp3", "iops": 4000}
    assert machines["shop", "cart"] == {
        "instance_types": ("t3.large",),
        "volumes": (
            {"device": "/dev/sdf", "type": "gp2", "size": 10},
            {"device": "/dev/sdg", "type": "gp3", "size": 5, "build_only": True},
        ),
        "user_data": "packer/files/shop-hcl/user-data-cart",
        "tags": {"job": "images"},
        "fragment": "sources/cart.pkr.hcl.j2",
    }
    user_data = adopted("shop").root / "packer/files/shop-hcl/user-data-cart"
    assert user_data.read_text() == "#cloud-config\npackage_update: false\n"


def test_machines_are_rendered_as_the_template_has_them(adopted: Get) -> None:
    (cart,) = adopted("shop").rendered_blocks("cart").all("source")
    mappings = [
        tuple(found.value for key in ("device_name", "volume_size", "volume_type") if (found := block.get(key)))
        for block in cart.all("launch_block_device_mappings")
    ]
    assert [each for each in mappings if each[0].startswith("/dev/sd")] == [
        ("/dev/sdf", 10, "gp2"),
        ("/dev/sdg", 5, "gp3"),
    ]
    (omitted,) = cart.all("ami_block_device_mappings")
    assert [attribute.value for attribute in omitted.attributes] == ["/dev/sdg", True]
    (subnets,) = cart.all("subnet_filter")
    assert [attribute.value for attribute in subnets.attributes] == [{"tag:Class": "build"}, True]
    (search,) = adopted("search").rendered_blocks("search").all("source")
    public = search.get("associate_public_ip_address")
    assert public is not None
    assert public.value is True


def test_extra_variables_and_roles_of_playbooks_become_those_of_layers(adopted: Get) -> None:
    worker, bastion = written_layer(adopted("fleet"), "worker"), written_layer(adopted("bastion"), "bastion")
    assert (worker["roles"], worker["vars"]) == (["common", "worker"], {"worker_count": "4", "worker_zone": "a b"})
    assert (bastion["roles"], bastion["vars"]) == (["sshd"], {"sshd_port": "2222"})
    if "untested" in LayerUse.model_fields:
        assert (list(worker["untested"]), "untested" in bastion) == (["common", "worker"], False)
    assert (adopted("bastion").root / "roles/sshd/tests/test_sshd.py").is_file()
    playbooks = adopted("fleet").root / "playbooks"
    assert (playbooks / "settings.yml").read_text() == "---\nworker_queue: none\n"
    assert (playbooks / "templates/role.j2").is_file()


def test_what_the_default_provisioner_cannot_say_is_kept_in_the_fragment(adopted: Get) -> None:
    """Groups decide which plays of a playbook match the machine at all."""
    (build,) = adopted("shop").rendered_blocks("front-end").all("build")
    own = build.all("provisioner")[2]
    groups, env = own.get("groups"), own.get("ansible_env_vars")
    assert groups is not None
    assert groups.value == ["shops"]
    assert env is not None
    assert env.written == 'concat(local.ansible_env_vars, ["SHOP=1"])'


#: What each template says that its workspace does not, by the end of its address.
LISTED = {
    "bastion": ["bastion.ami_name", "bastion.ami_users"],
    "cache": ["ami_name", "provisioners[1]"],
    "fleet": [
        "builders[0].ami_name",
        "builders[1].ami_name",
        "builders[1].source_ami_filter.owners",
        "builders[2]",
        "description",
        "provisioners[2]",
        "provisioners[3]",
        "sensitive-variables",
    ],
    "portal": [
        "_comment",
        "access_key",
        "ami_name",
        "ami_regions",
        "filters.root-device-type",
        "filters.virtualization-type",
        "min_packer_version",
        "post-processors[0]",
        "post-processors[1]",
        "tags.Name",
        "tags.source",
        "variables.unused",
    ],
    "search": [
        "ami_name",
        "build.description",
        "build.error-cleanup-provisioner.shell",
        "build.name",
        "build.post-processor.manifest",
        "build.post-processors",
        "build.provisioner.shell[3]",
        "packer",
        "ssh_timeout",
        "tags.Name",
        "tags.built",
        "variable.region.validation",
    ],
    "shop": [
        "Front_End.ami_name",
        "ansible.role elsewhere",
        "ansible[1].galaxy_file",
        "cart.ami_name",
        "cart.launch_block_device_mappings.encrypted",
        "cart.metadata_options.http_protocol_ipv6",
        "cart.run_tags.aws:x",
        "provisioner.shell[1]",
        "source.amazon-ebs.forgotten",
        "source.docker.cart",
    ],
}


@pytest.mark.parametrize("name", CALLS)
def test_what_is_not_carried_over_is_listed_and_nothing_else(adopted: Get, name: str) -> None:
    listed = sorted(adopted(name).listed())
    expected = LISTED[name]
    assert len(listed) == len(expected), listed
    for end in expected:
        assert [what for what in listed if what.endswith(end)], (end, listed)


@pytest.mark.parametrize("name", CALLS)
def test_everything_is_carried_or_listed(adopted: Get, name: str) -> None:
    template = adopted(name)
    ledger = template.adoption.ledger
    assert set(template.template.leaves()) - {*ledger.carried, *ledger.listed} == set()


@pytest.mark.parametrize("name", CALLS)
def test_an_entry_of_the_list_leads_to_its_line(adopted: Get, name: str) -> None:
    """The line has the last name of the address, or is the first of the block that it means."""
    for entry in adopted(name).adoption.ledger.entries():
        line = entry.path.read_text(encoding="utf-8").splitlines()[entry.line - 1]
        names = [part for part in entry.what.replace("[", ".").replace("]", "").split(".") if not part.isdigit()]
        within = any(part in line for part in names) or '"type"' in line or line.strip() in "{["
        assert within or '"manifest"' in line, (entry.what, line)


@pytest.mark.parametrize("name", CALLS)
def test_no_secret_is_written_down(adopted: Get, name: str) -> None:
    root = adopted(name).root
    text = "".join(path.read_text() for path in root.rglob("*") if path.is_file() and path.suffix != ".pyc")
    assert "change-me" not in text
    assert "t0ken" not in text


def test_adopting_again_changes_nothing(adopted: Get) -> None:
    for name in ("fleet", "shop"):
        template = adopted(name)
        target = target_of(template.root, template.root)
        again = adopt(template.template, target.workspace, OWNER, force=True)
        assert {change.change for change in changes_of(again, target, force=True)} == {"same"}


def test_report_when_asked_as_json(adopted: Get) -> None:
    entries = [entry.as_json() for entry in adopted("portal").adoption.ledger.entries()]
    assert all(entry["reason"] and entry["line"] for entry in entries)
    json.dumps(entries)
