"""Run one Celery worker, or with --alive say whether this host's worker has shown its pulse."""

import os
import socket
import sys
from datetime import timedelta

from django.core.management import BaseCommand
from django.utils import timezone

from apps.training.models import Worker
from portal import processes

SILENT = timedelta(seconds=60)


class Command(BaseCommand):
    help = __doc__
    requires_system_checks = []

    def add_arguments(self, parser):
        parser.add_argument("--queues", default="default,cpu", help="cpu, gpu and default, with commas")
        parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1), help="jobs side by side")
        parser.add_argument("--alive", action="store_true", help="exit 0 if the worker on this host is alive")

    def handle(self, *, queues, jobs, alive, **options):
        if alive:
            host = os.environ.get("ASSAY_WORKER_NAME", socket.gethostname())
            seen = Worker.objects.filter(name__startswith=f"{host}/", seen_at__gt=timezone.now() - SILENT)
            sys.exit(0 if seen.exists() else 1)
        process = processes.worker(queues, jobs)
        os.execv(process.command[0], process.command)
