#!/bin/sh
rm -f /tmp/motd
