"""`manage.py permit verify`: may this model run? Asked of files alone: no settings, no database, no portal.

For a CI job before it deploys, or an admission check in a cluster. Exit 0 and one sentence, or 1 and the reason."""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from apps.deployments import permits


def main(arguments: Sequence[str], *, clock: Callable[[], float] = time.time) -> int:
    given = _arguments(arguments)
    try:
        permit = _verified(given, clock())
    except (permits.Refused, OSError, UnicodeDecodeError) as refusal:
        print(f"Refused. {refusal}", file=sys.stderr)
        return 1
    until = datetime.fromtimestamp(permit.expires, UTC)
    print(
        f"Permitted: the model {permit.model} may run as deployment {permit.deployment} of {permit.organization} in"
        f" {permit.environment} until {until:%Y-%m-%d %H:%M:%S} UTC."
    )
    return 0


def _verified(given: argparse.Namespace, now: float) -> permits.Permit:
    keys = permits.keys_from(given.keys.read_text("utf-8"))
    here = {"keys": keys, "organization": given.organization, "environment": given.environment, "now": now}
    token = _token(given.token)
    permit = permits.check(token, model=_model(given.model), deployment=given.deployment, **here)
    if permit.id in permits.revocations(given.revoked.read_text("utf-8"), max_age=given.max_age, **here):
        raise permits.Refused("The permit was revoked.")
    return permit


def _token(given: str) -> str:
    if given == "-":
        return sys.stdin.read()
    # a token has two dots and no slash, and is longer than the name of a file may be
    return given if given.count(".") == 2 and len(given) > 255 else Path(given).read_text("utf-8")


def _model(given: str) -> str:
    said = given.removeprefix("sha256:")
    return said if permits.is_digest(said) else permits.model_digest(Path(given))


def _arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="manage.py permit", description=__doc__)
    verify = parser.add_subparsers(dest="verb", required=True).add_parser("verify", help="may this model run?")
    verify.add_argument("token", metavar="TOKEN_OR_FILE", help="the permit, a file that holds it, or - for the input")
    verify.add_argument("--model", required=True, metavar="DIR_OR_DIGEST", help="folder of its files, or its digest")
    verify.add_argument("--keys", required=True, type=Path, metavar="FILE", help="the organization's: JWK set or PEM")
    verify.add_argument("--revoked", required=True, type=Path, metavar="FILE", help="signed list of revoked permits")
    verify.add_argument("--environment", required=True, help="where it is to run, such as production")
    verify.add_argument("--organization", required=True, help="whose model it is")
    verify.add_argument("--deployment", type=int, help="the number of the deployment, where only that one may run")
    verify.add_argument("--max-age", type=float, metavar="SECONDS", help="how old the list may be, in place of its end")
    return parser.parse_args(arguments)
