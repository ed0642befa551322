"""The slugs of organizations and projects in addresses, apart from the words that addresses use themselves."""

from django.urls.converters import SlugConverter

from apps.common.words import NOT_ORGANIZATIONS, NOT_PROJECTS


class OrganizationSlug(SlugConverter):
    def to_python(self, value):
        if value in NOT_ORGANIZATIONS:
            raise ValueError
        return value


class ProjectSlug(SlugConverter):
    def to_python(self, value):
        if value in NOT_PROJECTS:
            raise ValueError
        return value
