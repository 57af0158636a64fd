# The local lab (`ami lab up`): real machines, no account. Any credentials do.
region               = "us-east-1"
endpoint             = "http://127.0.0.1:4999"
access_key           = "lab"
secret_key           = "lab-secret-key"
instance_type        = "t3.small"
# What fits an image is taken: arm64 machines are t4g.
other_instance_types = ["t4g.small"]
iam_instance_profile = "ami-lab"
ssh_interface        = "private_ip"
artifact_bucket      = "ami-lab-artifacts"

# Handed to Ansible: what this network has elsewhere than AWS.
extra_vars = {
  ssm_agent_url = "http://169.254.169.254/ami-lab/amazon-ssm-agent.deb"
}
