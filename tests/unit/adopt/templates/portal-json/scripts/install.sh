#!/bin/sh
set -eu
install -m 0644 /tmp/motd /etc/motd
echo "$RELEASE" >/etc/portal-release
