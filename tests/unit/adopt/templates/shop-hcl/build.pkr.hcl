build {
  sources = [
    "source.amazon-ebs.Front_End",
    "source.docker.cart",
  ]

  source "amazon-ebs.cart" {
    ami_description = "The shop's cart"
  }

  provisioner "shell" {
    inline = ["echo shared"]
    override = {
      cart = {
        inline = ["echo cart"]
      }
    }
  }

  provisioner "ansible" {
    playbook_file    = "${path.root}/playbooks/shop.yml"
    groups           = ["shops"]
    ansible_env_vars = ["SHOP=1"]
    use_proxy        = false
    except           = ["amazon-ebs.cart", "docker.cart"]
  }

  provisioner "shell" {
    only   = ["amazon-ebs.cart"]
    inline = ["login ${var.token}"]
  }

  provisioner "ansible" {
    playbook_file   = "./playbooks/second.yml"
    extra_arguments = ["-e", "{\"shop_size\": 3}"]
    galaxy_file     = "requirements.yml"
  }
}
