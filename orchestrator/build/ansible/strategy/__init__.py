"""A folder of Ansible's strategy plugins. Ansible loads them by their file; nothing of ours imports them."""
