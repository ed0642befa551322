class MigrateAsOwner:
    """Tables are made by the role that owns them; the portal itself works as a role that owns nothing."""

    def allow_migrate(self, db, app_label, **hints):
        return db == "owner"
