# Installs and starts the SSM agent where there is none, at the first boot of the machine that an image is built on. For
# any POSIX shell, as root: cloud-init runs it.
#
#   region      whose bucket serves the agent (AWS Systems Manager User Guide, "Manually installing SSM Agent on EC2
#               instances for Linux")
#   url         another place of the package; empty: that bucket
#   checksum    ALGORITHM:CHECKSUM of the package; empty: it is not compared

set -eu

for unit in amazon-ssm-agent.service snap.amazon-ssm-agent.amazon-ssm-agent.service; do
    if systemctl cat "$unit" >/dev/null 2>&1; then
        systemctl enable --now "$unit"
        exit 0
    fi
done

case $(uname -m) in
aarch64) architecture=arm64 ;;
*) architecture=amd64 ;;
esac
if command -v dpkg >/dev/null; then
    kind=deb system=debian
else
    kind=rpm system=linux
fi
case $region in
cn-*) domain=amazonaws.com.cn ;;
*) domain=amazonaws.com ;;
esac
[ -n "$url" ] ||
    url=https://s3.$region.$domain/amazon-ssm-$region/latest/${system}_$architecture/amazon-ssm-agent.$kind

fetch() {
    if command -v curl >/dev/null; then
        curl -fsS -o "$package" "$url"
    elif command -v wget >/dev/null; then
        wget -q -O "$package" "$url"
    else
        python3 -c 'import sys, urllib.request; urllib.request.urlretrieve(*sys.argv[1:])' "$url" "$package"
    fi
}

install() {
    if [ $kind = deb ]; then
        DEBIAN_FRONTEND=noninteractive dpkg -i "$package"
    else
        rpm -U "$package"
    fi
}

# Up to five minutes each: the network may come late, and the system's own updates may hold the lock of packages.
persistently() {
    left=60
    until "$1"; do
        left=$((left - 1))
        [ $left -gt 0 ] || exit 1
        sleep 5
    done
}

folder=$(mktemp -d)
package=$folder/amazon-ssm-agent.$kind
persistently fetch
[ -z "$checksum" ] || echo "${checksum#*:}  $package" | "${checksum%%:*}sum" -c -
persistently install
rm -r "$folder"
systemctl enable --now amazon-ssm-agent.service
