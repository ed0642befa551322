"""Every address of the portal, as the resolver knows it: a new one is tried by itself."""

import re
from dataclasses import dataclass
from functools import cache

from django.urls import URLPattern, get_resolver, reverse

METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True)
class Address:
    name: str | None
    route: str  # as written, such as <organization:organization>/records/<int:seq>/
    view: object

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of what stands in the route, in order."""
        named = re.findall(r"<(?:\w+:)?(\w+)>", self.route)
        return tuple(dict.fromkeys(named))

    @property
    def is_inside(self) -> bool:
        return "organization" in self.parameters

    @property
    def is_rest(self) -> bool:
        return self.route.startswith("api/")

    @property
    def noun(self) -> str:
        """The word before the first id: what the id is of."""
        before = re.split(r"<(?:int:)?(?:pk|seq|number|\w+_id)>", self.route)[0]
        return before.rstrip("/").rsplit("/", 1)[-1]

    def at(self, **values) -> str:
        return reverse(self.name, kwargs={name: values[name] for name in self.parameters})

    def __str__(self):
        return f"/{self.route}"


@cache
def every() -> tuple[Address, ...]:
    return tuple(_walk(get_resolver(), ""))


def inside() -> list[Address]:
    return [address for address in every() if address.is_inside]


def named(name: str) -> Address:
    return next(address for address in every() if address.name == name)


def _walk(resolver, prefix: str):
    for pattern in resolver.url_patterns:
        route = prefix + str(pattern.pattern).removeprefix("^").removesuffix("$")
        if isinstance(pattern, URLPattern):
            yield Address(pattern.name, route, pattern.callback)
        else:
            yield from _walk(pattern, route)
