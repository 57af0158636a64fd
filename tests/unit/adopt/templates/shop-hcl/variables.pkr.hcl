variable "region" {
  type = string
}

variable "profile" {
  type    = string
  default = ""
}

variable "token" {
  type      = string
  default   = "t0ken"
  sensitive = true
}

local "owner" {
  expression = "136693071363"
}
