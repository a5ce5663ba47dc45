"""The sub-commands of `snl-video`, one file each."""
