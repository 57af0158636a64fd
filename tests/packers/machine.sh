# What the recorded playbooks left on a machine, in a second in the place of thirty; run as root.
set -eu
until [ -e /run/cloud-init/result.json ]; do sleep 0.2; done
printf 'marked\n' > /etc/marked
curl -sf -o /tmp/agent.deb http://169.254.169.254/ami-lab/amazon-ssm-agent.deb
dpkg -i /tmp/agent.deb >/dev/null
rm -rf /tmp/agent.deb /var/lib/cloud/* /etc/ssh/ssh_host_* /home/*/.ssh/authorized_keys
: > /etc/machine-id
