"""`manage.py isolation`: try the walls between organizations here and now; exit status 0 if they hold, 1 if not."""

import json
import sys

from django.core.management.base import BaseCommand, CommandError

from apps.audits.attestations import answer, by_address
from apps.common.errors import WorkProblem
from portal.isolation import runs


class Command(BaseCommand):
    help = "Try the walls between organizations with two that exist for it alone; nothing of it stays."

    def add_arguments(self, parser):
        parser.add_argument("--only", default="", help="only addresses whose name begins so, such as “report”")
        parser.add_argument("--json", action="store_true", help="the whole result, for programs")

    def handle(self, **options):
        self._last = ""
        try:
            result = runs.tried(self._tell, only=options["only"])
        except WorkProblem as problem:
            raise CommandError(str(problem), returncode=2) from problem
        if options["json"]:
            self.stdout.write(json.dumps(result, indent=1))
        else:
            self._print(result)
        sys.exit(0 if result["verdict"] == "pass" else 1)

    def _tell(self, *, words: str, **_more) -> None:
        stage = words.partition(" · ")[0]
        if stage != self._last:
            self.stderr.write(f"trying {stage}")
        self._last = stage

    def _print(self, result: dict) -> None:
        for finding in result["findings"]:
            self.stdout.write(f"HOLE {finding['what']} {finding['where']} {finding['who']}: {finding['says']}")
        for left in result["untried"]:
            self.stdout.write(f"not tried: {left['what']} {left['where']}: {left['why']}")
        self.stdout.write(f"{len(by_address(result))} addresses, {result['seconds']} s. {answer(result)}")
        self.stdout.write("PASS" if result["verdict"] == "pass" else "FAIL")
