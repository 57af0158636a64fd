"""What S3 says to a conditional request ("S3 User Guide, How to prevent object overwrites with conditional writes")."""

from __future__ import annotations

#: The condition did not hold, or two requests met: somebody else was faster.
FASTER = frozenset({"PreconditionFailed", "412", "ConditionalRequestConflict", "409"})
#: There is no such object.
ABSENT = frozenset({"NoSuchKey", "404"})
