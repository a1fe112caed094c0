"""Tests on a local fleet: real systemd, sshd and Nginx, the same playbooks and smoke tests as any fleet."""
