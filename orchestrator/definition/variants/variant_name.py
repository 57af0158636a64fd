"""Names of images with their variant: `web@debian-13`.

They stand alone, so that a process which only takes names apart (the one that runs tests) loads no models.
"""

from __future__ import annotations

#: Stands between an image's name and its variant. AMI names may have it (EC2 API Reference, CreateImage: `Name`), and
#: names of images may not.
SIGN = "@"


def named(image: str, variant: str) -> str:
    """The name of an image in a variant; of one without variants its own name."""
    return f"{image}{SIGN}{variant}" if variant else image


def family_of(name: str) -> str:
    """The image as it is defined, of a name that may have a variant: `web` of `web@debian-13`."""
    return name.partition(SIGN)[0]


def variant_of(name: str) -> str:
    """The variant in a name, empty for an image that has none: `debian-13` of `web@debian-13`."""
    return name.partition(SIGN)[2]
