"""An AMI that moto has without being told."""

#: One of the 1,300 that Amazon owns in moto's us-east-1. To list them all takes moto a second of a core.
AMAZON_AMI = "ami-03cf127a"
