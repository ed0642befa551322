"""Who asks at the REST door. Apart from `api`, because Django REST framework reads it while it is itself imported."""

import logging

from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import BasePermission

from apps.common.origin import shape

log = logging.getLogger(__name__)


class MembershipAuthentication(SessionAuthentication):
    """The middleware has found the membership, by token or by session; a session must also show its CSRF token."""

    def authenticate(self, request):
        membership = getattr(request._request, "membership", None)
        if membership is None:
            return None
        if membership.token is None:
            self.enforce_csrf(request)
        return membership.user, membership

    def enforce_csrf(self, request):
        try:
            super().enforce_csrf(request)
        except PermissionDenied as refused:
            whose, where = request._request.membership.user_id, request.META.get("REMOTE_ADDR")
            log.warning("%s In the session of person %s, from %s, at %s.", refused.detail, whose, where, shape(request))
            raise

    def authenticate_header(self, request):
        return 'Bearer realm="assay"'


class MayRead(BasePermission):
    """Every door of an organization is for its members, and for tokens that may read."""

    message = "This token has no scope “read”."

    def has_permission(self, request, view):
        return request.auth is not None and request.auth.may("read")
