"""Addresses of this room: `organization` lies under /<organization>/, `project` under /<organization>/<project>/."""

organization: list = []
project: list = []
api: list = []
