data "amazon-ami" "debian" {
  filters = {
    name = "debian-12-amd64-*"
  }
  owners      = [local.owner]
  most_recent = true
  region      = var.region
}

source "amazon-ebs" "Front_End" {
  region               = var.region
  profile              = var.profile
  instance_type        = "t3.small"
  iam_instance_profile = "image-validation"
  source_ami           = data.amazon-ami.debian.id
  ssh_username         = "admin"
  ssh_interface        = "session_manager"
  ami_name             = "front-{{timestamp}}"
}

source "amazon-ebs" "cart" {
  region        = var.region
  profile       = var.profile
  instance_type = "t3.large"
  user_data     = "#cloud-config\npackage_update: false\n"
  source_ami    = data.amazon-ami.debian.id
  ssh_username  = "admin"
  ami_name      = "cart-{{timestamp}}"

  metadata_options {
    http_tokens        = "required"
    http_protocol_ipv6 = "enabled"
  }

  launch_block_device_mappings {
    device_name           = "/dev/sdf"
    volume_size           = 10
    delete_on_termination = true
    encrypted             = true
  }

  launch_block_device_mappings {
    device_name = "/dev/sdg"
    volume_size = 5
    volume_type = "gp3"
  }

  ami_block_device_mappings {
    device_name = "/dev/sdg"
    no_device   = true
  }

  subnet_filter {
    filters = {
      "tag:Class" = "build"
    }
    most_free = true
  }

  run_tags = {
    job     = "images"
    "aws:x" = "1"
  }
}

source "docker" "cart" {
  image = "debian:12"
}

source "amazon-ebs" "forgotten" {
  region       = var.region
  source_ami   = "ami-0123456789abcdef0"
  ssh_username = "admin"
  ami_name     = "forgotten"
}
