# What is missing of the machine's programs, then ami in an environment of its own.
as_root=""; [ "$(id -u)" = 0 ] || as_root=sudo
wanted="git:git ssh:openssh-client packer:packer"
if [ "${WITH_LAB:-false}" = true ]; then
  wanted="$wanted podman:podman runc:runc mmdebstrap:mmdebstrap ip:iproute2 dpkg-deb:dpkg-dev"
fi
missing=""
for each in $wanted; do
  command -v "${each%%:*}" >/dev/null || missing="$missing ${each##*:}"
done
python3 -c "import ensurepip" 2>/dev/null || missing="$missing python3-venv"
if [ -n "$missing" ]; then
  if ! command -v apt-get >/dev/null; then
    echo "error: this runner lacks$missing, and has no apt-get to install them" >&2
    exit 3
  fi
  $as_root apt-get update -qq
  # One word for each package.
  # shellcheck disable=SC2086
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $missing >/dev/null
fi
case "$(packer version)" in
  "Packer v1.6."*) ;; # has the plugins built in
  *)
    packer plugins install github.com/hashicorp/amazon
    packer plugins install github.com/hashicorp/ansible
    ;;
esac
python3 -m venv "$AMI_HOME"
"$AMI_HOME/bin/pip" install --quiet --disable-pip-version-check "$AMI_PACKAGE"
