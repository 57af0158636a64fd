"""The environment variables by which a build tells `ami-ansible-playbook` what to do.

They stand alone, so that the program, which starts once per layer and once more for its version, loads nothing else.
"""

from __future__ import annotations

#: Names the socket of the connection that Mitogen's playbooks share; `ami-ansible-playbook` hands it to ssh.
CONNECTION_VARIABLE = "AMI_SSH_CONTROL_PATH"
#: Names the file of task events.
EVENTS_VARIABLE = "AMI_EVENTS"
#: Names the folder of the build's secrets; it is not there when a build has none.
SECRETS_VARIABLE = "AMI_SECRETS"
