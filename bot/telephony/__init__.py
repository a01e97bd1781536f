"""Calls in and calls out: FastAGI for control, AudioSocket for sound, AMI for joining."""
