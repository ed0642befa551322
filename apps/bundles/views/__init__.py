"""Pages about what leaves the house; `outside` are those behind a share's link."""

from apps.bundles.views.bundles import bundle, bundle_file, program
from apps.bundles.views.outside import shared, shared_bundle, shared_file, shared_sign_off
from apps.bundles.views.shares import share_detail, share_new, share_revoke, shares

__all__ = [
    "bundle",
    "bundle_file",
    "program",
    "share_detail",
    "share_new",
    "share_revoke",
    "shared",
    "shared_bundle",
    "shared_file",
    "shared_sign_off",
    "shares",
]
