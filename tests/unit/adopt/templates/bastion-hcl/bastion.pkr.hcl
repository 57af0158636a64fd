data "amazon-parameterstore" "base" {
  name   = "/aws/service/debian/release/12/latest/amd64"
  region = "eu-north-1"
}

source "amazon-ebs" "bastion" {
  region        = "eu-north-1"
  vpc_id        = "vpc-0123456789abcdef0"
  subnet_id     = "subnet-0123456789abcdef0"
  instance_type = "t3.micro"
  source_ami    = data.amazon-parameterstore.base.value
  ssh_username  = "admin"
  ami_name      = "bastion"
  ami_users     = ["123456789012"]
  tags = {
    owner = "netops"
  }
}

build {
  sources = ["amazon-ebs.bastion"]

  provisioner "ansible" {
    playbook_file   = "bastion.yml"
    roles_path      = "roles"
    user            = "admin"
    extra_arguments = ["--extra-vars=sshd_port=2222"]
  }
}
