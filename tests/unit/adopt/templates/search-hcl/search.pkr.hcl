packer {
  required_version = ">= 1.7.0"
  required_plugins {
    amazon = {
      version = ">= 1.2.0"
      source  = "github.com/hashicorp/amazon"
    }
  }
}

variable "region" {
  type        = string
  default     = "eu-central-1"
  description = "Where it is built."
  validation {
    condition     = length(var.region) > 4
    error_message = "A region has more letters."
  }
}

variable "heap" {
  type    = number
  default = 512
}

locals {
  stamp = formatdate("YYYYMMDDhhmmss", timestamp())
  tags = {
    service = "search"
    heap    = "${var.heap}m"
  }
  packages = concat(["curl"], ["ca-certificates", "jq"])
}

source "amazon-ebs" "search" {
  region                      = var.region
  instance_type               = "t3.medium"
  ami_name                    = "search-${local.stamp}"
  ami_description             = "Search with ${var.heap} MB"
  associate_public_ip_address = true
  ssh_username                = "admin"
  ssh_timeout                 = "5m"
  encrypt_boot                = true
  kms_key_id                  = "alias/images"

  source_ami_filter {
    filters = {
      name         = "debian-12-amd64-*"
      architecture = "x86_64"
    }
    owners      = ["136693071363"]
    most_recent = true
  }

  launch_block_device_mappings {
    device_name = "/dev/xvda"
    volume_size = 30
    volume_type = "gp3"
    iops        = 4000
  }

  tags = merge(local.tags, {
    Name  = "search-${local.stamp}"
    built = local.stamp
  })

  dynamic "tag" {
    for_each = { tier = "data", zone = "b" }
    content {
      key   = tag.key
      value = upper(tag.value)
    }
  }
}

build {
  name        = "search"
  description = "The search service"
  sources     = ["source.amazon-ebs.search"]

  provisioner "shell" {
    # Packages first.
    inline = [
      "echo '${join(" ", local.packages)}' >/tmp/packages",
      "echo heap: ${var.heap} >>/tmp/packages",
    ]
  }

  provisioner "shell" {
    pause_before = "2s"
    inline = [<<-EOT
      set -eu
      list="a b c"
      for one in $list; do
        echo "$${one#b} {{upper `ok`}} %%{http_code} {# no comment #}"
      done >/tmp/list
    EOT
    ]
  }

  provisioner "shell" {
    environment_vars = ["BUILD=${build.ID}", "HEAP=${var.heap}"]
    inline           = ["echo \"$BUILD $HEAP\" >/tmp/build"]
  }

  provisioner "shell" {
    inline = ["echo ${local.stamp} >/tmp/stamp"]
  }

  error-cleanup-provisioner "shell" {
    inline = ["echo failed"]
  }

  post-processor "manifest" {
    output = "manifest.json"
  }

  post-processors {
    post-processor "shell-local" {
      inline = ["echo done"]
    }
  }
}
