"""Gunicorn's settings that are the same for every service; what differs stands in the unit."""

from __future__ import annotations

from modelfleet_service.logs import configuration

wsgi_app = "modelfleet_service.wsgi:app"
preload_app = True
control_socket_disable = True
worker_class = "gthread"
worker_tmp_dir = "/dev/shm"  # noqa: S108 - a file system in memory, for the workers' heartbeats
max_requests = 0
timeout = 60
forwarded_allow_ips = ""
logconfig_dict = configuration()
accesslog = None
