"""Run one web process alone: the pages, or with --models the serving of signed models. For containers."""

import os

from django.core.management import BaseCommand, CommandError

from portal import processes
from portal.management.commands.up import collect


class Command(BaseCommand):
    help = __doc__
    requires_system_checks = []

    def add_arguments(self, parser):
        parser.add_argument("--models", action="store_true", help="serve models instead of pages")
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *, models, host, port, **options):
        if refusal := processes.why_not_listen(host, port):
            raise CommandError(f"{refusal} Choose another with --port.")
        process = processes.serving(host, port) if models else processes.pages(host, port)
        collect()  # serving has error pages
        os.environ.update(process.environment)
        os.execv(process.command[0], process.command)  # the container's signals reach it directly
