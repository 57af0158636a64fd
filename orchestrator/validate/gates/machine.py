"""The gate `machine`: compares a booted machine with its definition: root grown, volumes there, IMDSv2 alone.

EC2 says which volume is at which device; the machine says what it sees of it. What a machine cannot tell, a container's
root file system above all, is in the evidence as unknown and fails nothing.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.validate.gate import Finding
from orchestrator.validate.machine_gate import MachineContext, MachineGate, at_once

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from orchestrator.validate.batch.question import Answer
    from orchestrator.validate.request import WantedMachine

GIB = 1024**3
#: What may be left of a disk beside its partitions: alignment, and a tenth of a percent for a table at its end.
_LOOSE, _LOOSE_SHARE = 16 * 1024**2, 0.001
#: The least share of a partition that its file system shows: the rest is its own tables and what it keeps for root.
_FILLED = 0.9

#: The file system of / and the disk below it. A container has neither.
_ROOT = """\
LC_ALL=C findmnt --noheadings --bytes --json --output SOURCE,FSTYPE,SIZE /
part=$(findmnt --noheadings --output SOURCE /)
disk=$(lsblk --noheadings --output PKNAME "$part" 2>/dev/null | head -n 1)
[ -z "$disk" ] || lsblk --bytes --json --output NAME,SIZE,TYPE "/dev/$disk"
"""
#: What the metadata service says to a request without a token, as IMDSv1 had them.
_METADATA = (
    "curl --silent --noproxy '*' --max-time 5 --output /dev/null --write-out '%{http_code}' "
    "http://169.254.169.254/latest/meta-data/"
)
#: EC2's answer to such a request when a token is required (EC2 User Guide, "Use IMDSv2").
_UNAUTHORIZED = "401"


@dataclass(frozen=True)
class _Seen:
    """One thing that was compared: `agrees` is None when the machine cannot tell."""

    what: str
    wanted: str
    found: str
    agrees: bool | None


def run(context: MachineContext) -> Finding:
    """Ask EC2 and the machine, and compare."""
    instance = _instance(context)
    attached = {each["DeviceName"]: each["Ebs"]["VolumeId"] for each in instance["BlockDeviceMappings"]}
    wanted = context.request.wanted
    volumes = [device for device in wanted.volumes if device in attached]
    root, metadata, *sizes = context.answers(_ROOT, _METADATA, *(_size_of(each, attached[each]) for each in volumes))
    found = {device: _bytes(answer) for device, answer in zip(volumes, sizes, strict=True)}
    return compared(wanted, _text(root), _text(metadata), found)


def compared(wanted: WantedMachine, root: str, metadata: str, volumes: Mapping[str, int]) -> Finding:
    """What a machine says of itself beside its definition.

    `root` is what findmnt and lsblk print of / in JSON, `metadata` the HTTP status of a request without a token,
    `volumes` the size of each disk that is there by its device, bytes.
    """
    seen = [
        _root(list(_objects(root)), wanted.root),
        _imds(metadata),
        *(_volume(device, gib, volumes) for device, gib in wanted.volumes.items()),
    ]
    wrong = [each for each in seen if each.agrees is False]
    summary = "; ".join(f"{each.what}: {each.found}, not {each.wanted}" for each in wrong) or _agreed(seen)
    return Finding(passed=not wrong, summary=summary, evidence=[asdict(each) for each in seen])


def _instance(context: MachineContext) -> Mapping[str, Any]:
    ec2: Any = context.request.account.client("ec2")
    answer = ec2.describe_instances(InstanceIds=[context.machine.instance_id])
    instance: Mapping[str, Any] = answer["Reservations"][0]["Instances"][0]
    return instance


def _size_of(device: str, volume_id: str) -> str:
    """A command that prints the size of a volume, bytes: types on Nitro name devices by the volume, others as asked."""
    serial = volume_id.replace("-", "")
    names = f"/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_{serial} {device} /dev/xvd{device[-1]}"
    return f"for at in {names}; do [ ! -b $at ] || {{ blockdev --getsize64 $at; exit; }}; done"


def _volume(device: str, gib: int, found: Mapping[str, int]) -> _Seen:
    size = found.get(device, 0)
    shown = f"{size / GIB:g} GiB" if size else "no such disk"
    return _Seen(f"volume {device}", f"{gib} GiB" if gib else "there", shown, size >= max(gib * GIB, 1))


def _imds(code: str) -> _Seen:
    answers = code if code not in ("", "000") else "no answer"
    return _Seen("metadata without a token", _UNAUTHORIZED, answers, {"200": False, _UNAUTHORIZED: True}.get(code))


def _root(told: Sequence[Any], gib: int) -> _Seen:
    """The root file system: it fills its partition, and its partition a disk of the size that was asked for."""
    wanted = f"all of {gib} GiB" if gib else "all of the disk"
    if len(told) < 2:  # noqa: PLR2004 - the file system and the disk
        kind = told[0]["filesystems"][0]["fstype"] if told else "nothing"
        return _Seen("root file system", wanted, f"unknown: {kind} is on no disk of the machine's own", None)
    system, disk = told[0]["filesystems"][0], told[1]["blockdevices"][0]
    parts = [each for each in disk.get("children", ()) if each["type"] == "part"]
    mine = next((each for each in parts if system["source"].endswith(f"/{each['name']}")), None)
    if mine is None:
        return _Seen("root file system", wanted, "unknown: it is not on a partition", None)
    size, used = int(disk["size"]), sum(int(each["size"]) for each in parts)
    found = f"{int(system['size']) / GIB:.1f} GiB of a disk of {size / GIB:g} GiB"
    grown = size - used <= _LOOSE + size * _LOOSE_SHARE and int(system["size"]) >= int(mine["size"]) * _FILLED
    return _Seen("root file system", wanted, found, grown and size >= gib * GIB)


def _agreed(seen: Sequence[_Seen]) -> str:
    unknown = [f"{each.what} {each.found}" for each in seen if each.agrees is None]
    known = ", ".join(each.what for each in seen if each.agrees)
    return "; ".join(filter(None, [f"as defined: {known}" if known else "", *unknown]))


def _text(answer: Answer) -> str:
    return answer.stdout.decode("utf-8", "replace").strip()


def _objects(text: str) -> Iterator[Any]:
    """The JSON objects in a text, one after the other."""
    decoder = json.JSONDecoder()
    while text:
        try:
            value, end = decoder.raw_decode(text)
        except ValueError:
            return
        yield value
        text = text[end:].lstrip()


def _bytes(answer: Answer) -> int:
    said = _text(answer)
    return int(said) if said.isdigit() else 0


GATE = MachineGate(
    "machine", "The booted machine is as defined: root file system grown, volumes there, IMDSv2 alone.", at_once(run)
)
