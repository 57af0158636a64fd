# Image "web": "nginx for the customer portal"
# Owner "portal", "portal@example.com"
#
# Rendered for "Packer 1.16.0 with the plugins amazon 1.8.2 and ansible 1.1.6"
# from the image's definition and layers: change those, not this file. It builds by hand, from the folder that holds
# ami.yml:
#
#   packer init THIS_FILE
#   packer build -var-file=packer/environments/ENVIRONMENT.pkrvars.hcl THIS_FILE
#
# With an environment that names an `endpoint`, say first: export AWS_ENDPOINT_URL=ENDPOINT
# From version 1.8 on the Amazon plugin asks `endpoint` for some of its calls only.
#
# With -var dry_run=true everything is done but the AMI is not made.

packer {
  required_plugins {
    amazon = {
      "source"  = "github.com/hashicorp/amazon"
      "version" = ">= 1.2.1, < 2.0.0"
    }
    ansible = {
      "source"  = "github.com/hashicorp/ansible"
      "version" = ">= 1.1.0, < 2.0.0"
    }
  }
}

# Where it builds: an environment's file gives these.

variable "region" {
  type = string
}

variable "regions" {
  type        = list(string)
  default     = []
  description = "Where images of the factory are besides region."
}

variable "profile" {
  type    = string
  default = ""
}

variable "endpoint" {
  type        = string
  default     = ""
  description = "URL that is asked in the place of AWS's own."
}

variable "access_key" {
  type    = string
  default = ""
}

variable "secret_key" {
  type      = string
  default   = ""
  sensitive = true
}

variable "instance_type" {
  type    = string
  default = "t3.small"
}

variable "machine_type" {
  type        = string
  default     = ""
  description = "Goes over instance_type: the image says so, or the run."
}

variable "vpc_id" {
  type    = string
  default = ""
}

variable "subnet_id" {
  type    = string
  default = ""
}

variable "other_instance_types" {
  type        = list(string)
  default     = []
  description = "What the factory tries when EC2 has no instance_type to give."
}

variable "other_subnet_ids" {
  type        = list(string)
  default     = []
  description = "Where the factory tries when EC2 has no capacity in subnet_id."
}

variable "vcpu_quota" {
  type        = number
  default     = 0
  description = "How many vCPUs the factory uses at once; 0 is no bound."
}

variable "artifact_bucket" {
  type        = string
  default     = ""
  description = "The S3 bucket that builders of the factory share."
}

variable "iam_instance_profile" {
  type    = string
  default = ""
}

variable "ssh_interface" {
  type    = string
  default = ""
}

variable "kms_key_id" {
  type        = string
  default     = ""
  description = "Encrypts the AMI when it is set."
}

variable "extra_vars" {
  type        = map(string)
  default     = {}
  description = "Ansible variables of this network, over those of the layers."
}

variable "secret_vars" {
  type        = map(string)
  default     = {}
  description = "Where the values of secret Ansible variables are; the factory reads them."
}

# What it starts from.

variable "source_ami" {
  type        = string
  default     = ""
  description = "An AMI id; it must fit the filters too."
}

variable "source_filters" {
  type = map(string)
  default = {
    "tag:ami:image" = "golden"
    "tag:ami:state" = "validated"
  }
}

variable "source_owners" {
  type    = list(string)
  default = ["self"]
}

# What one run decides.

variable "version" {
  type    = string
  default = "manual"
}

variable "ami_name" {
  type        = string
  default     = ""
  description = "The AMI's name; empty: the image's name and the version."
}

variable "run" {
  type    = string
  default = "manual"
}

variable "run_tags" {
  type        = map(string)
  default     = {}
  description = "Tags of the machine, its volume and the snapshot, over those below."
}

variable "ami_tags" {
  type        = map(string)
  default     = {}
  description = "Tags of the AMI, over those below."
}

variable "workspace" {
  type        = string
  default     = "."
  description = "The folder that holds ami.yml."
}

variable "ansible_command" {
  type    = string
  default = "ansible-playbook"
}

variable "security_group_id" {
  type        = string
  default     = ""
  description = "Packer makes a security group when this is empty."
}

variable "ssh_keypair_name" {
  type        = string
  default     = ""
  description = "Packer makes a key pair when this is empty."
}

variable "ssh_private_key_file" {
  type    = string
  default = ""
}

variable "dry_run" {
  type        = bool
  default     = false
  description = "Build, and make no AMI."
}

locals {
  # A snapshot may take hours; a local endpoint answers at once.
  poll_seconds = var.endpoint == "" ? 10 : 1

  run_tags = {
    "Name"        = "ami build web"
    "ami:image"   = "web"
    "ami:purpose" = "build"
    "ami:run"     = var.run
  }

  ami_tags = {
    "Name"        = join("-", ["web", var.version])
    "ami:image"   = "web"
    "ami:layers"  = "base hardening agents workload"
    "ami:owner"   = "portal <portal@example.com>"
    "ami:run"     = var.run
    "ami:source"  = "debian-12"
    "ami:state"   = "built"
    "ami:version" = var.version
    "ami:parent"  = "{{ .SourceAMI }}"
  }

  image_tags = {}

  # Session Manager reaches a machine through its agent, and the source AMI has none.
  agent_script = join("\n", [
    "#!/bin/sh",
    join("'", ["region=", var.region, ""]),
    join("'", ["url=", lookup(var.extra_vars, "ssm_agent_url", ""), ""]),
    join("'", ["checksum=", lookup(var.extra_vars, "ssm_agent_checksum", ""), ""]),
    "set -eu",
    "for unit in amazon-ssm-agent.service snap.amazon-ssm-agent.amazon-ssm-agent.service; do",
    "    if systemctl cat \"$unit\" >/dev/null 2>&1; then",
    "        systemctl enable --now \"$unit\"",
    "        exit 0",
    "    fi",
    "done",
    "case $(uname -m) in",
    "aarch64) architecture=arm64 ;;",
    "*) architecture=amd64 ;;",
    "esac",
    "if command -v dpkg >/dev/null; then",
    "    kind=deb system=debian",
    "else",
    "    kind=rpm system=linux",
    "fi",
    "case $region in",
    "cn-*) domain=amazonaws.com.cn ;;",
    "*) domain=amazonaws.com ;;",
    "esac",
    "[ -n \"$url\" ] ||",
    "    url=https://s3.$region.$domain/amazon-ssm-$region/latest/\u0024{system}_$architecture/amazon-ssm-agent.$kind",
    "fetch() {",
    "    if command -v curl >/dev/null; then",
    "        curl -fsS -o \"$package\" \"$url\"",
    "    elif command -v wget >/dev/null; then",
    "        wget -q -O \"$package\" \"$url\"",
    "    else",
    "        python3 -c 'import sys, urllib.request; urllib.request.urlretrieve(*sys.argv[1:])' \"$url\" \"$package\"",
    "    fi",
    "}",
    "install() {",
    "    if [ $kind = deb ]; then",
    "        DEBIAN_FRONTEND=noninteractive dpkg -i \"$package\"",
    "    else",
    "        rpm -U \"$package\"",
    "    fi",
    "}",
    "persistently() {",
    "    left=60",
    "    until \"$1\"; do",
    "        left=$((left - 1))",
    "        [ $left -gt 0 ] || exit 1",
    "        sleep 5",
    "    done",
    "}",
    "folder=$(mktemp -d)",
    "package=$folder/amazon-ssm-agent.$kind",
    "persistently fetch",
    "[ -z \"$checksum\" ] || echo \"\u0024{checksum#*:}  $package\" | \"\u0024{checksum%%:*}sum\" -c -",
    "persistently install",
    "rm -r \"$folder\"",
    "systemctl enable --now amazon-ssm-agent.service",
  ])

  ansible_env_vars = [
    "ANSIBLE_HOST_KEY_CHECKING=False",
    "ANSIBLE_PIPELINING=True",
    # The seal empties this folder last; Ansible's own choice is in a home, and outlives the task that it was made for.
    "ANSIBLE_REMOTE_TMP=/tmp",
    "ANSIBLE_SSH_ARGS=-C -o ControlMaster=auto -o ControlPersist=300s -o ServerAliveInterval=15 -o ServerAliveCountMax=8 -o UserKnownHostsFile=/dev/null",
    join("=", ["ANSIBLE_ROLES_PATH", join(":", [for path in ["roles", ".ami/levels/builtin/roles"] : join("/", [var.workspace, path])])]),
  ]
}

source "amazon-ebs" "web" {
  region                     = var.region
  profile                    = var.profile
  access_key                 = var.access_key
  secret_key                 = var.secret_key
  custom_endpoint_ec2        = var.endpoint
  skip_region_validation     = var.endpoint != ""
  skip_credential_validation = var.endpoint != ""
  skip_metadata_api_check    = var.endpoint != ""
  skip_profile_validation    = var.endpoint != ""
  # Throttling and server errors are waited out. Not more often: EC2 says with a server error, too, that it has no room,
  # and each pause doubles. Eight repetitions take 11 s to tell of that; twenty would take 40 minutes.
  max_retries = 8

  aws_polling {
    delay_seconds = local.poll_seconds
    max_attempts  = 4 * 60 * 60 / local.poll_seconds
  }

  source_ami = var.source_ami
  source_ami_filter {
    filters     = var.source_filters
    owners      = var.source_owners
    most_recent = true
  }

  instance_type        = var.machine_type == "" ? var.instance_type : var.machine_type
  vpc_id               = var.vpc_id
  subnet_id            = var.subnet_id
  security_group_id    = var.security_group_id
  iam_instance_profile = var.iam_instance_profile
  shutdown_behavior    = "terminate"
  run_tags             = merge(local.run_tags, var.run_tags)
  run_volume_tags      = merge(local.run_tags, var.run_tags)

  metadata_options {
    http_endpoint = "enabled"
    http_tokens   = "required"
  }
  user_data = var.ssh_interface == "session_manager" ? local.agent_script : ""

  communicator             = "ssh"
  ssh_username             = "admin"
  ssh_interface            = var.ssh_interface
  ssh_keypair_name         = var.ssh_keypair_name
  ssh_private_key_file     = var.ssh_private_key_file
  temporary_key_pair_type  = "ed25519"
  ssh_file_transfer_method = "sftp"
  ssh_timeout              = "10m"
  # A machine that refuses the login is told of after a minute, and not after ssh_timeout.
  ssh_handshake_attempts = 10

  ami_name        = var.ami_name == "" ? join("-", ["web", var.version]) : var.ami_name
  ami_description = "nginx for the customer portal"
  encrypt_boot    = var.kms_key_id == "" ? null : true
  kms_key_id      = var.kms_key_id
  imds_support    = "v2.0"
  skip_create_ami = var.dry_run
  tags            = merge(local.image_tags, local.ami_tags, var.ami_tags)
  snapshot_tags   = merge(local.run_tags, var.run_tags)
}

build {
  sources = ["source.amazon-ebs.web"]

  # Ansible calls sudo without a terminal. Where sudoers demands one, the build's user needs none until the seal removes
  # this file. Then the machine must be done with what it does by itself after its first boot.
  # `timeout`, because sudo in a terminal now and then never ends although it has done its work.
  # `sh`, because /tmp may be mounted noexec.
  provisioner "shell" {
    execute_command = "{{ .Vars }} sh {{ .Path }}"
    inline = [
      "rule=\"Defaults:$(id -un) !requiretty\" file=/etc/sudoers.d/99image-build",
      "[ $(id -u) = 0 ] || script -qec \"timeout --foreground -s KILL 60 sudo -n sh -c 'umask 227; echo $rule >$file'\" /dev/null </dev/null >/dev/null 2>&1",
      "boot=300 limit=900 strict=1 prefix='this machine: ' result='/run/cloud-init/result.json'",
      "locks='/var/lib/dpkg/lock-frontend /var/lib/dpkg/lock /var/lib/apt/lists/lock /var/cache/apt/archives/lock'",
      "up() {",
      "    read -r up rest </proc/uptime",
      "    up=\u0024{up%.*}",
      "}",
      "systemd_boots() {",
      "    case $(systemctl is-system-running 2>/dev/null) in",
      "    initializing | starting) ;;",
      "    *) return 1 ;;",
      "    esac",
      "    jobs=$(systemctl list-jobs --no-legend 2>/dev/null | while read -r number unit type state; do",
      "        [ \"$state\" != running ] || printf ' %s' \"$unit\"",
      "    done)",
      "    why=\"systemd to finish the boot$jobs\"",
      "}",
      "cloud_init_works() {",
      "    command -v cloud-init >/dev/null || return 1",
      "    case $(cat \"$result\" 2>/dev/null) in",
      "    *'\"errors\": []'*) return 1 ;;",
      "    esac",
      "    said=$(cloud-init status --long 2>/dev/null)",
      "    case $said in",
      "    *'status: running'*) why='cloud-init to end' ;;",
      "    *) return 1 ;;",
      "    esac",
      "}",
      "apt_is_locked() {",
      "    for lock in $locks; do",
      "        inode=$(stat -c %i \"$lock\" 2>/dev/null) || continue",
      "        while read -r number kind advisory mode process place rest; do",
      "            if [ \"$kind $mode \u0024{place##*:}\" = \"POSIX WRITE $inode\" ]; then",
      "                name=$(cat \"/proc/$process/comm\" 2>/dev/null) || name='a program'",
      "                unit=$(grep -om 1 '[^/]*\\.service' \"/proc/$process/cgroup\" 2>/dev/null)",
      "                why=\"apt's lock $lock, held by $name (process $process\u0024{unit:+ of $unit})\"",
      "                return 0",
      "            fi",
      "        done </proc/locks",
      "    done",
      "    return 1",
      "}",
      "apt_works() {",
      "    for unit in apt-daily.service apt-daily-upgrade.service; do",
      "        if [ \"$(systemctl is-active \"$unit\" 2>/dev/null)\" = activating ]; then",
      "            why=\"$unit to end\"",
      "            return 0",
      "        fi",
      "    done",
      "    return 1",
      "}",
      "quiet() {",
      "    up",
      "    began=$up told=-30 waited=0 last=''",
      "    while :; do",
      "        why=''",
      "        { [ $waited -lt \"$boot\" ] && systemd_boots; } || cloud_init_works || apt_is_locked || apt_works || return 0",
      "        if [ \"\u0024{why%% (*}\" != \"$last\" ] || [ $((waited - told)) -ge 30 ]; then",
      "            echo \"\u0024{prefix}waiting for $why (\u0024{waited} s)\"",
      "            last=\u0024{why%% (*} told=$waited",
      "        fi",
      "        [ $waited -lt \"$limit\" ] || return 1",
      "        sleep 0.5",
      "        up",
      "        waited=$((up - began))",
      "    done",
      "}",
      "if ! quiet; then",
      "    echo \"\u0024{prefix}not quiet after $limit s: still waiting for $why\" >&2",
      "    [ \"$strict\" != 1 ] || exit 1",
      "fi",
      "case \u0024{said-} in",
      "*'status: error'*)",
      "    echo \"\u0024{prefix}cloud-init failed: $(echo $said)\" >&2",
      "    [ \"$strict\" != 1 ] || exit 1",
      "    ;;",
      "esac",
    ]
  }

  # Layer "workload"
  provisioner "ansible" {
    playbook_file    = join("/", [var.workspace, ".ami/levels/builtin/playbooks/default.yml"])
    command          = var.ansible_command
    user             = "admin"
    use_proxy        = false
    use_sftp         = true
    ansible_env_vars = local.ansible_env_vars
    # With the inventory's line given, Packer need not ask Ansible for its version first.
    skip_version_check      = true
    inventory_file_template = "{{ .HostAlias }} ansible_host={{ .Host }} ansible_user={{ .User }} ansible_port={{ .Port }}\n"
    # Packer would take two braces for a template of its own; written so, JSON gives them back.
    extra_arguments = [
      "--extra-vars", replace(jsonencode({
        "layer_name"             = "workload"
        "layer_roles"            = ["nginx"]
        "nginx_worker_processes" = 2
        "seal_gather_subset"     = ["!all", "pkg_mgr", "virtual"]
      }), "{{", "{\\u007b"),
      "--extra-vars", replace(jsonencode(var.extra_vars), "{{", "{\\u007b"),
    ]
  }

  # Layer "seal"
  provisioner "ansible" {
    playbook_file    = join("/", [var.workspace, ".ami/levels/builtin/playbooks/seal.yml"])
    command          = var.ansible_command
    user             = "admin"
    use_proxy        = false
    use_sftp         = true
    ansible_env_vars = local.ansible_env_vars
    # With the inventory's line given, Packer need not ask Ansible for its version first.
    skip_version_check      = true
    inventory_file_template = "{{ .HostAlias }} ansible_host={{ .Host }} ansible_user={{ .User }} ansible_port={{ .Port }}\n"
    # Packer would take two braces for a template of its own; written so, JSON gives them back.
    extra_arguments = [
      "--extra-vars", replace(jsonencode({
        "layer_name"         = "seal"
        "layer_roles"        = ["seal"]
        "seal_gather_subset" = ["!all", "pkg_mgr", "virtual"]
      }), "{{", "{\\u007b"),
      "--extra-vars", replace(jsonencode(var.extra_vars), "{{", "{\\u007b"),
    ]
  }
}
