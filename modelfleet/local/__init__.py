"""The local fleet: containers that are real hosts, with systemd and sshd; nothing after `up` knows what they are."""
